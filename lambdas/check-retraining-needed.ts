import { CheckInput } from './domain/retraining/payloads.ts';
import { toHandler } from './runtime/handler.ts';
import { registryServices } from './runtime/mlflow-services.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { retrainingServices } from './runtime/retraining-services.ts';
import { checkRetraining, invalidRequest } from './use-cases/check-retraining-needed.ts';

/** Decides whether a model should be retrained, and starts that once for each need, where a state machine is configured. */
export const handler = toHandler('check-retraining-needed', {
  input: CheckInput,
  services: (env, clock, network) => ({
    ...registryServices(env, clock, network),
    ...notifyServices(env, clock, network),
    ...retrainingServices(env, network),
    clock,
  }),
  run: (input, services, { requestId }) => checkRetraining(input, services, requestId),
  onInvalid: invalidRequest,
});
