import { personOf } from './domain/approval/person.ts';
import { DecideEvent } from './domain/approval/url-event.ts';
import { callHistoryServices, waitingServices } from './runtime/approval-services.ts';
import { executionServices } from './runtime/execution-services.ts';
import { toHandler } from './runtime/handler.ts';
import { storeServices } from './runtime/store-services.ts';
import { answerCall, type CallServices } from './use-cases/answer-call.ts';

/**
 * What people call to approve or to reject, and to see what waits for them: behind a function URL whose authentication is IAM.
 * Who may invoke it in any other way could name any identity; nobody is given that.
 */
export const handler = toHandler('decide-approval', {
  input: DecideEvent,
  services: (env, clock, network): CallServices => {
    const history = callHistoryServices(env, network);
    return {
      ...storeServices(env, network),
      ...waitingServices(env, network),
      clock,
      executionArn: executionServices(env, network).executionArn,
      requesterOf: async ({ execution, started_at }) => {
        const caller = await history.starterOf(execution, new Date(started_at));
        return caller === null ? null : (personOf(caller) ?? caller);
      },
    };
  },
  run: answerCall,
  onInvalid: (problems) => ({
    statusCode: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ answer: 'invalid', problems }),
  }),
});
