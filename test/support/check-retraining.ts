import { randomUUID } from 'node:crypto';
import type { Sender } from '../../lambdas/adapters/network.ts';
import { handler } from '../../lambdas/check-retraining-needed.ts';
import type { Host } from '../../local/host.ts';
import type { LocalFunction } from '../../local/machine/state-machine.ts';

/** `check-retraining-needed` with a state machine of one's own, which Step Functions' emulator has. */
export function check({ clock, stepFunctions, table, ...host }: Host, env = host.env): LocalFunction {
  const network = table.documents === undefined ? {} : { dynamodb: table.documents as Sender<never> };
  const own = { ...env, RETRAINING_STATE_MACHINE_ARN: stepFunctions.stateMachineArn };
  const call = handler.withClock(clock, own, network);
  return (event) => call(event, { awsRequestId: randomUUID() });
}
