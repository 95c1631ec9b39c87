import { toHandler } from './runtime/handler.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { EndInput, end } from './use-cases/end-promotion.ts';

/** Ends an execution: records its outcome once, notifies people, releases the lease. */
export const handler = toHandler('end-promotion', {
  input: EndInput,
  services: (env, clock, network) => ({ ...notifyServices(env, network), clock }),
  run: (input, services) => end(input, services),
});
