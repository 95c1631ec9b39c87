import { systemClock } from '../../lambdas/adapters/clock.ts';
import { defaults } from '../../lambdas/domain/defaults.ts';
import { type RegistryMode, type RegistryView, usesStages } from '../../lambdas/domain/registry.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import type { RealSystems } from '../../local/host.ts';

/** `MLFLOW_REGISTRY_MODE` of a run on this machine; also what counts where it is not set. */
export const AUTO = 'auto';

const isAuto = (env: NodeJS.ProcessEnv) => [undefined, '', AUTO].includes(env['MLFLOW_REGISTRY_MODE']);

/** The environment as the functions know it, which have no mode `auto`. */
export const withoutAuto = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  isAuto(env) ? { ...env, MLFLOW_REGISTRY_MODE: undefined } : env;

/**
 * The mode that fits what the model of the input has: stages where one is in use, aliases where there are only aliases. Null
 * where the environment sets another mode than `auto`, and on the emulator. Throws the errors of MLflow.
 */
export async function detectedMode(
  { mlflow }: RealSystems,
  input: unknown,
  env: NodeJS.ProcessEnv,
): Promise<RegistryMode | null> {
  if (!mlflow || !isAuto(env)) return null;
  const { model_name } = readStateDocument(input);
  const { registry } = registryServices(withoutAuto(env), systemClock);
  const view = model_name === null ? null : await readRegistry(registry, model_name);
  return view === null ? defaults.registryMode : modeOf(view);
}

/** The mode of a model that was read, as `detectedMode` has it; the environment's where that is set. */
export function modeFor(view: RegistryView, env: NodeJS.ProcessEnv, set: RegistryMode): RegistryMode {
  return isAuto(env) ? modeOf(view) : set;
}

function modeOf(view: RegistryView): RegistryMode {
  if (usesStages(view)) return defaults.registryMode;
  return Object.keys(view.model.aliases).length > 0 ? 'aliases' : defaults.registryMode;
}
