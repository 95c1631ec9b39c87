import type { EndAnswer } from './domain/outcome/outcome-schema.ts';
import { executionServices } from './runtime/execution-services.ts';
import { toHandler } from './runtime/handler.ts';
import { registryServices } from './runtime/mlflow-services.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { cleanUp } from './use-cases/clean-up.ts';
import { type SweepAnswer, SweepInput, sweep } from './use-cases/sweep-promotions.ts';

/** Completes unfinished work: executions that ended without an outcome, and notifications that were not sent. */
export const handler = toHandler('sweep-promotions', {
  input: SweepInput,
  services: (env, clock, network) => ({
    ...notifyServices(env, network),
    ...executionServices(env, network),
    clock,
    registry: () => registryServices(env, clock, network).registry,
  }),
  run: async (input, services): Promise<EndAnswer | SweepAnswer> =>
    'executionArn' in input ? cleanUp(input, services) : sweep(services),
});
