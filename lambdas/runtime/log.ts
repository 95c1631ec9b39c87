import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@aws-lambda-powertools/logger';
import { publicMessage, visible } from '../domain/visible-text.ts';

/** One structured line per event on standard output, as Lambda collects it. Level: POWERTOOLS_LOG_LEVEL. */
const root = new Logger({ serviceName: 'model-promotion' });
const invocations = new AsyncLocalStorage<Logger>();

/** The log of the running invocation, whose lines say which one it is; outside of one, a log without such keys. */
export const log = (): Logger => invocations.getStore() ?? root;

/** Runs one invocation with these keys in each of its lines. Several may run at once in one process. */
export function withLogKeys<T>(keys: Record<string, unknown>, run: () => Promise<T>): Promise<T> {
  const line = root.createChild();
  line.appendKeys(keys);
  return invocations.run(line, run);
}

const MAX_TEXT_LENGTH = 300;
const MAX_ERROR_LENGTH = 1_000;

/** A name or a sentence as a line may hold it: bounded, and on one line wherever it is shown. */
export const logText = (text: string) => visible(text, MAX_TEXT_LENGTH);

/** What a line says of an error: no stack trace, and nothing that looks like a credential. */
export function logError(error: unknown): string {
  return error instanceof Error
    ? publicMessage(`${error.name}: ${error.message}`, MAX_ERROR_LENGTH)
    : 'unknown error';
}
