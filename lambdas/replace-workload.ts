import { ReplaceInput } from './domain/serving/payloads.ts';
import { toHandler } from './runtime/handler.ts';
import { storeServices } from './runtime/store-services.ts';
import { servingServices } from './runtime/workload-services.ts';
import { replace } from './use-cases/replace-workload.ts';

/** One reconciling step on the Workload: read, execute the next step, report. Called again until the rollout is settled. */
export const handler = toHandler('replace-workload', {
  input: ReplaceInput,
  services: (env, clock, network) => ({
    ...servingServices(env, clock, network),
    ...storeServices(env, network),
    clock,
  }),
  run: replace,
});
