import { MlflowInvalidResponse, MlflowUnavailable } from '../../domain/errors.ts';
import { afterMove, movesTo } from '../../domain/promotion/promotion-plan.ts';
import type { Registry, RegistryMode, RegistryView } from '../../domain/registry.ts';

/** The current state of the registry, or null when the model does not exist. Two calls. Throws the errors of MLflow. */
export async function readRegistry(registry: Registry, name: string): Promise<RegistryView | null> {
  const model = await registry.getModel(name);
  return model === null ? null : { model, versions: await registry.listVersions(name) };
}

/**
 * Makes `version` the champion and verifies it by reading back. A lost response is resolved by reading the current state;
 * if that shows the old champion, or two, the writes are repeated once. Throws `MlflowRefused`, and `MlflowUnavailable` or
 * `MlflowInvalidResponse` when the outcome is unknown.
 */
export async function moveAndVerify(
  { registry, mode }: { registry: Registry; mode: RegistryMode },
  view: RegistryView,
  move: { version: string; from: string | null; keepPrevious: boolean },
): Promise<'done' | 'contested'> {
  const name = view.model.name;
  const writes = movesTo(move.version, move.keepPrevious ? move.from : null, mode);
  const write = async () => {
    for (const step of writes) {
      if (step.kind === 'stage') await registry.moveToProduction(name, step.version);
      else await registry.setAlias(name, step.alias, step.version);
    }
  };
  const readBack = async () =>
    afterMove(await readAgain(registry, mode, view), mode, move.version, move.from);

  await write().catch((error: unknown) => {
    if (!(error instanceof MlflowUnavailable || error instanceof MlflowInvalidResponse)) throw error;
  });
  const state = await readBack();
  if (state !== 'again') return state;
  await write();
  return (await readBack()) === 'done' ? 'done' : 'contested';
}

/** Reads only what the mode's pointers are made of: one call, or two in mode `both`. */
async function readAgain(registry: Registry, mode: RegistryMode, view: RegistryView): Promise<RegistryView> {
  const name = view.model.name;
  const versions = mode === 'aliases' ? view.versions : await registry.listVersions(name);
  const model = mode === 'stages' ? view.model : ((await registry.getModel(name)) ?? view.model);
  return { model, versions };
}
