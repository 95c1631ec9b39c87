import { randomUUID } from 'node:crypto';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import type { Handler } from '../../lambdas/runtime/handler.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { servingServices } from '../../lambdas/runtime/workload-services.ts';
import { type InvocationDocument, invokeFunction } from '../../local/invocation.ts';
import { UsageError } from '../usage-error.ts';
import { type CompareOptions, compareEvent, reportComparison } from './compare-request.ts';
import { checkedSystems, type InvokeOptions, invokeRequest, reportInvocation } from './invoke-request.ts';
import { namedSystems } from './real-systems.ts';
import { withoutAuto } from './registry-mode.ts';

/** `promotion compare` of the npm package, as `invokePackaged`. */
export async function comparePackaged(options: CompareOptions, functions: URL): Promise<number> {
  checkNamed();
  const event = await compareEvent(options);
  const { registryMode } = await checkedSystems(event, process.env);
  return reportComparison(await called('compare-models', event, registryMode, functions), options);
}

/**
 * `promotion invoke` of the npm package: calls one function as it is deployed, with the variables of the environment: there
 * are no emulators, so that table and topic are real ones, too. `functions`: the bundle. Returns the exit status. Throws
 * `UsageError`.
 */
export async function invokePackaged(given: string, options: InvokeOptions, functions: URL): Promise<number> {
  checkNamed();
  const { name, event, registryMode } = await invokeRequest(given, options, process.env);
  return reportInvocation(await called(name, event, registryMode, functions), options);
}

function checkNamed(): void {
  const named = namedSystems(process.env);
  if (!named.mlflow && !named.workload)
    throw new UsageError(
      'MLFLOW_TRACKING_URI or DATAROBOT_ENDPOINT must be set: the emulators are part of the repository, not of the npm package.',
    );
}

/** Calls a function of the bundle. */
function called(
  name: FunctionName,
  event: unknown,
  registryMode: RegistryMode | null,
  functions: URL,
): Promise<InvocationDocument> {
  const env = {
    ...withoutAuto(process.env),
    ...(registryMode === null ? {} : { MLFLOW_REGISTRY_MODE: registryMode }),
  };
  const call = (one: FunctionName) => async (input: unknown) => {
    const module: { handler: Handler } = await import(new URL(`lambdas/${one}.mjs`, functions).href);
    return module.handler.withClock(systemClock, env)(input, { awsRequestId: randomUUID() });
  };
  return invokeFunction(
    {
      functions: Object.fromEntries(functionNames.map((one) => [one, call(one)])) as Record<
        FunctionName,
        ReturnType<typeof call>
      >,
      // Read only where they are needed: not every function needs both systems.
      get registry() {
        return registryServices(env, systemClock).registry;
      },
      get workloads() {
        return servingServices(env, systemClock).workloads;
      },
      sns: { published: [] },
    },
    name,
    event,
  );
}
