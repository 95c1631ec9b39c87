import { PrepareInput } from './domain/payloads.ts';
import { approvalFloors } from './runtime/approval-services.ts';
import { toHandler } from './runtime/handler.ts';
import { registryServices } from './runtime/mlflow-services.ts';
import { policyServices } from './runtime/policy-services.ts';
import { storeServices } from './runtime/store-services.ts';
import { servingServices } from './runtime/workload-services.ts';
import { prepare } from './use-cases/prepare-promotion.ts';

/** The last check before writing: takes the lease, compares again, records the intent. */
export const handler = toHandler('prepare-promotion', {
  input: PrepareInput,
  services: (env, clock, network) => ({
    ...registryServices(env, clock, network),
    // Counted from this file: a bundle has its policies beside it, as the sources have.
    ...policyServices(env, new URL('../policies/', import.meta.url)),
    ...storeServices(env, network),
    ...approvalFloors(env),
    clock,
    workloads: () => servingServices(env, clock, network).workloads,
  }),
  run: prepare,
});
