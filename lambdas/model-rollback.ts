import { RollbackInput } from './domain/release/payloads.ts';
import { configuration, RollbackEnvironment } from './runtime/environment.ts';
import { toHandler } from './runtime/handler.ts';
import { registryServices } from './runtime/mlflow-services.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { servingServices } from './runtime/workload-services.ts';
import { rollback } from './use-cases/roll-back.ts';

/** Brings both sides to a release of before: a rollback that was asked for, or a change that failed. */
export const handler = toHandler('model-rollback', {
  input: RollbackInput,
  services: (env, clock, network) => ({
    ...registryServices(env, clock, network),
    ...notifyServices(env, clock, network),
    clock,
    cooldownHours: configuration(RollbackEnvironment, env).ROLLBACK_COOLDOWN_HOURS,
    workloads: () => servingServices(env, clock, network).workloads,
  }),
  run: rollback,
});
