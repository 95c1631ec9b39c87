import { toHandler } from './runtime/handler.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { readingServices } from './runtime/reading-services.ts';
import { reportServices } from './runtime/report-services.ts';
import { EndInput, end } from './use-cases/end-promotion.ts';

/** Ends an execution: reads both sides, records its outcome once, notifies people, releases the lease. */
export const handler = toHandler('end-promotion', {
  input: EndInput,
  services: (env, clock, network) => ({
    ...notifyServices(env, clock, network),
    ...readingServices(env, clock, network),
    ...reportServices(env, clock, network),
    clock,
  }),
  run: (input, services) => end(input, services),
});
