import { CloseInput } from './domain/release/payloads.ts';
import { toHandler } from './runtime/handler.ts';
import { registryServices } from './runtime/mlflow-services.ts';
import { storeServices } from './runtime/store-services.ts';
import { servingServices } from './runtime/workload-services.ts';
import { closePromotion } from './use-cases/close-promotion.ts';

/** Locks what was promoted, reads both sides once more, and closes the change. Called again until it is settled. */
export const handler = toHandler('close-promotion', {
  input: CloseInput,
  services: (env, clock, network) => ({
    ...registryServices(env, clock, network),
    ...storeServices(env, network),
    clock,
    workloads: () => servingServices(env, clock, network).workloads,
  }),
  run: closePromotion,
});
