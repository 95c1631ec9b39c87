import { type FunctionName, functionTimeoutSeconds } from '../../lambdas/domain/limits.ts';
import type { InvocationFault } from './faults.ts';
import { Invocation, runAs } from './invocation.ts';
import type { Json } from './json-path.ts';
import type { Play } from './play.ts';
import { StateError } from './state-error.ts';

/** A deployed function. */
export type DeployedFunction = (event: unknown, context: { awsRequestId: string }) => Promise<unknown>;

/** Largest input or answer of a function, in bytes of UTF-8 (Step Functions quotas: 256 KiB). */
const MAX_PAYLOAD_BYTES = 262_144;
/** Where a process's clock may be, in milliseconds. */
const MAX_SKEW_MS = 4_000;

/** One call of a function. */
export interface Call {
  id: string;
  functionName: FunctionName;
  payload: Json;
}

/**
 * Calls a function as Lambda does: JSON in and out, its own time-out, errors by name. Rejects with a `StateError`; never
 * settles when the answer is lost for good.
 */
export function invoke(play: Play, call: Call, run: DeployedFunction): Promise<Json> {
  const { id, functionName } = call;
  const random = play.random(`${id}/invocation`);
  const skewed = random.chance(0.1);
  const skewMs = Math.round((2 * random.unit() - 1) * (skewed ? MAX_SKEW_MS : 50));
  const site = { id: `${id}#`, number: null, functionName, system: null, call: 'invoke' };
  const fault = play.invocationFault(site, random);
  const startMs = Math.ceil(random.chance(0.05) ? 300 + 1500 * random.unit() : 5 + 30 * random.unit());
  play.count(`invoke ${functionName}`);
  return new Promise((resolve, reject) => {
    const fail = (name: string, cause: string, ms = 0) => {
      play.time.after(ms, () => reject(new StateError(name, cause)));
    };
    if (fault === 'not-started') return fail('Lambda.TooManyRequestsException', 'Rate Exceeded.', startMs);
    if (fault === 'service-error') return fail('Lambda.ServiceException', 'Service error.', startMs);
    if (fault === 'crashes-at-start') return fail('Runtime.ExitError', 'Runtime exited', startMs);
    const invocation = new Invocation(play, call, skewMs, (error) => {
      play.processes -= 1;
      if (invocation.startedAt > 0) play.working -= 1;
      if (fault !== 'never-answers') reject(error);
    });
    play.processes += 1;
    play.time.after(startMs, () => {
      invocation.startedAt = play.time.now;
      play.working += 1;
      const limit = play.time.after(functionTimeoutSeconds[functionName] * 1000, () =>
        invocation.die(new StateError('Sandbox.Timedout', `Task timed out: ${id}`)),
      );
      // The function runs on; its caller does not know.
      if (fault === 'runs-on') fail('Lambda.Unknown', 'The answer was lost', 20_000 * random.unit() ** 2);
      const tooLarge = () => fail('States.DataLimitExceeded', 'The answer is larger than the limit');
      runAs(invocation, () => answerOf(call, run)).then(
        (answer) => finish(invocation, fault, limit.cancel, () => resolve(answer), tooLarge),
        (error: StateError) => {
          play.count(`error ${functionName} ${error.name}`);
          finish(invocation, fault, limit.cancel, () => reject(error), tooLarge);
        },
      );
    });
    return undefined;
  });
}

function finish(
  invocation: Invocation,
  fault: InvocationFault | null,
  stopLimit: () => void,
  answer: () => void,
  tooLarge: () => void,
): void {
  if (!invocation.alive) return;
  stopLimit();
  if (fault === 'crashes-at-end') {
    invocation.die(new StateError('Runtime.ExitError', 'Runtime exited before its answer'));
    return;
  }
  invocation.alive = false;
  invocation.play.processes -= 1;
  invocation.play.working -= 1;
  if (fault === 'too-large') tooLarge();
  else if (fault !== 'never-answers') answer();
}

async function answerOf({ id, payload }: Call, run: DeployedFunction): Promise<Json> {
  const event = withinLimit(JSON.stringify(payload));
  try {
    return JSON.parse(
      withinLimit(JSON.stringify((await run(JSON.parse(event), { awsRequestId: id })) ?? null)),
    );
  } catch (error) {
    if (error instanceof StateError) throw error;
    const [errorType, errorMessage] =
      error instanceof Error ? [error.name, error.message] : [typeof error, String(error)];
    throw new StateError(errorType, JSON.stringify({ errorType, errorMessage, trace: [] }));
  }
}

function withinLimit(text: string): string {
  if (text.length <= MAX_PAYLOAD_BYTES / 3 || Buffer.byteLength(text) <= MAX_PAYLOAD_BYTES) return text;
  throw new StateError('States.DataLimitExceeded', 'The payload is larger than the limit');
}

/** The same call, given up after so many seconds: the function does not know. */
export async function invokeWithin(
  play: Play,
  call: Call,
  run: DeployedFunction,
  seconds: number,
): Promise<Json> {
  let over: (() => void) | undefined;
  const timer = play.time.after(seconds * 1000, () => over?.());
  const expired = new Promise<never>((_, reject) => {
    over = () => reject(new StateError('States.Timeout', `No answer within ${seconds} s`));
  });
  try {
    return await Promise.race([invoke(play, call, run), expired]);
  } finally {
    timer.cancel();
  }
}
