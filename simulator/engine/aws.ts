import { deadlineOf, expire, type Invocation, running } from './invocation.ts';
import { type Altering, send } from './remote.ts';
import type { AwsClient } from './systems.ts';
import { never } from './time.ts';

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
const BACKOFF_MS = 100;

/** A stand-in for a client's `send`. */
export function awsSender(clientOf: () => AwsClient): {
  send: (command: object, options?: { abortSignal?: AbortSignal }) => Promise<never>;
} {
  return {
    async send(command, { abortSignal } = {}) {
      const invocation = running();
      // The SDK leaves the signal to the request that is under way; whoever races with it goes on at once.
      const { time } = invocation.play;
      const limit =
        abortSignal === undefined
          ? null
          : time.after(deadlineOf(abortSignal) - time.now, () => {
              if (invocation.alive) expire(abortSignal);
            });
      try {
        return await attempts(invocation, clientOf(), command, abortSignal);
      } finally {
        limit?.cancel();
      }
    },
  };
}

async function attempts(
  invocation: Invocation,
  { system, maxAttempts, timeoutMs, writes, execute }: AwsClient,
  command: object,
  signal: AbortSignal | undefined,
): Promise<never> {
  const name = command.constructor.name;
  const input = 'input' in command && typeof command.input === 'object' ? (command.input ?? {}) : {};
  for (let attempt = 1; ; attempt += 1) {
    const sent = await send(invocation, {
      system,
      name: name.replace(/Command$/, ''),
      writes: writes.test(name),
      timeoutMs,
      execute: () => execute(name, input),
    });
    if (sent.kind === 'answered') {
      if ('error' in sent.answer) throw sent.answer.error;
      return sent.answer.value as never;
    }
    const { error, answer } = problemOf(sent.kind === 'altered' ? sent.by : sent.kind);
    if (answer !== undefined) return answer as never;
    if (!error.retryable || attempt >= maxAttempts || signal?.aborted) throw error.thrown;
    await invocation.pass(invocation.random.unit() * BACKOFF_MS * 2 ** (attempt - 1));
    if (!invocation.alive) return never();
  }
}

type Problem = Altering | 'refused' | 'timeout' | 'broken';

interface Failure {
  thrown: Error;
  retryable: boolean;
}

const named = (name: string, message: string, retryable: boolean): { error: Failure; answer?: object } => ({
  error: { thrown: Object.assign(new Error(message), { name }), retryable },
});

/** What the SDK makes of an answer that is not the service's. */
function problemOf(kind: Problem | 'broken'): { error: Failure; answer?: object } {
  switch (kind) {
    case 'refused':
      return named('Error', 'connect ECONNREFUSED', true);
    case 'timeout':
      return named('TimeoutError', 'Request timed out', true);
    case 'broken':
      return named('TimeoutError', 'socket hang up', true);
    case 'throttled':
      return named('ThrottlingException', 'Rate exceeded', true);
    case 'unavailable':
    case 'gateway-timeout':
      return named('ServiceUnavailable', 'Service Unavailable', true);
    case 'html':
    case 'truncated':
      return named('SyntaxError', 'Unexpected token < in JSON at position 0', false);
    case 'hostile':
    case 'hostile-after':
      return { ...named('Error', 'unused', false), answer: { $metadata: { httpStatusCode: 200 } } };
  }
}
