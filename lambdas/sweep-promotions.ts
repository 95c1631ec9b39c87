import type { EndAnswer } from './domain/outcome/outcome-schema.ts';
import { executionServices } from './runtime/execution-services.ts';
import { toHandler } from './runtime/handler.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { readingServices } from './runtime/reading-services.ts';
import { reportServices } from './runtime/report-services.ts';
import { cleanUp } from './use-cases/clean-up.ts';
import { type SweepAnswer, SweepInput, sweep } from './use-cases/sweep-promotions.ts';

/** Completes unfinished work: executions without an outcome, alerts that were not sent, open changes, models out of step. */
export const handler = toHandler('sweep-promotions', {
  input: SweepInput,
  services: (env, clock, network) => ({
    ...notifyServices(env, clock, network),
    ...executionServices(env, network),
    clock,
    ...readingServices(env, clock, network),
    ...reportServices(env, clock, network),
  }),
  run: async (input, services): Promise<EndAnswer | SweepAnswer> =>
    'executionArn' in input ? cleanUp(input, services) : sweep(services),
});
