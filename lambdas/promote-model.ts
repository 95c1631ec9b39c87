import { type PromoteAnswer, PromoteInput } from './domain/payloads.ts';
import { approvalFloors } from './runtime/approval-services.ts';
import { toHandler } from './runtime/handler.ts';
import { registryServices } from './runtime/mlflow-services.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { promote } from './use-cases/promote-model.ts';

/** Moves the registry: the new version to Production, the previous one archived, in one call; idempotent. */
export const handler = toHandler('promote-model', {
  input: PromoteInput,
  services: (env, clock, network) => ({
    ...registryServices(env, clock, network),
    ...notifyServices(env, clock, network),
    ...approvalFloors(env),
    clock,
  }),
  run: promote,
  onInvalid: (problems): PromoteAnswer => ({
    promoted: false,
    reason: `Invalid input: ${problems.join('; ')}`,
  }),
});
