import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@aws-lambda-powertools/logger';
import { publicMessage, visible } from '../domain/visible-text.ts';

/** One structured line per event on standard output, as Lambda collects it. Level: POWERTOOLS_LOG_LEVEL. */
const root = new Logger({ serviceName: 'model-promotion' });
const invocations = new AsyncLocalStorage<Log>();

/** Writes one line with its own values beside the message. */
type Line = (message: string, values?: Record<string, unknown>) => void;
/** What an invocation may write; each level is one that it uses. */
export type Log = Record<'info' | 'warn' | 'error', Line>;

/** The logger of the current invocation, with its keys in every line; outside of one, a logger without them. */
export const log = (): Log => invocations.getStore() ?? withKeys({});

/** Runs one invocation with these keys in each of its lines. Several may run at once in one process. */
export function withLogKeys<T>(keys: Record<string, unknown>, run: () => Promise<T>): Promise<T> {
  return invocations.run(withKeys(keys), run);
}

/** A child logger would read the environment again and open a console of its own: a tenth of a short invocation. */
function withKeys(keys: Record<string, unknown>): Log {
  return {
    info: (message, values) => root.info(message, { ...keys, ...values }),
    warn: (message, values) => root.warn(message, { ...keys, ...values }),
    error: (message, values) => root.error(message, { ...keys, ...values }),
  };
}

/** Writes no lines from now on: for a command, whose standard output is its answer. */
export const silenceLog = (): void => root.setLogLevel('SILENT');

const MAX_TEXT_LENGTH = 300;
const MAX_ERROR_LENGTH = 1_000;

/** A text for a log line: one line, at most 300 characters. */
export const logText = (text: string) => visible(text, MAX_TEXT_LENGTH);

/** An error for a log line: name and message without stack trace and credentials, at most 1000 characters. */
export function logError(error: unknown): string {
  return error instanceof Error
    ? publicMessage(`${error.name}: ${error.message}`, MAX_ERROR_LENGTH)
    : 'unknown error';
}
