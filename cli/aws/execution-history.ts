import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { causeMessage } from '../../lambdas/domain/lambda-cause.ts';
import type { TimelineEvent } from '../screen/timeline.ts';

/** How an execution on AWS ended. */
export interface HistoryEnd {
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** The state document at the end; null unless SUCCEEDED. */
  output: unknown;
  error: { name: string; message: string } | null;
}

/** Reads a history event by event, in their order. */
export interface HistoryReader {
  /** What the timeline shows of it. */
  read(event: HistoryEvent): TimelineEvent[];
  /** Null while the execution goes on. */
  end(): HistoryEnd | null;
}

interface Failure {
  at: number;
  error: string;
}

/**
 * Turns the events of `GetExecutionHistory` into those that the local host tells. AWS has no event for a retry or for
 * a catch: a function that is scheduled again in the same state is a retry, and a state that is left with its last
 * attempt failed was left by a catch, whose target is the state that is entered next.
 */
export function historyReader(): HistoryReader {
  let state = { name: '', type: '', at: 0 };
  /** The last attempt of the state, as long as it failed and nothing followed. */
  let failure: Failure | null = null;
  /** How often the state was tried again after each error. */
  const attempts = new Map<string, number>();
  /** The event of a state that a catch led out of: told when it is known where to. */
  let pendingExit: TimelineEvent | null = null;
  let end: HistoryEnd | null = null;

  const entered = (name: string, type: string, at: number): TimelineEvent[] => {
    const before: TimelineEvent[] =
      failure === null
        ? []
        : [
            { kind: 'caught', state: state.name, at, error: failure.error, next: name },
            ...(pendingExit ? [pendingExit] : []),
          ];
    state = { name, type, at };
    failure = pendingExit = null;
    attempts.clear();
    return [...before, { kind: 'entered', state: name, type, at }];
  };
  const exited = (at: number, output: unknown): TimelineEvent[] => {
    const { name, type } = state;
    const event: TimelineEvent = { kind: 'exited', state: name, type, at, ms: at - state.at, output };
    if (failure === null) return [event];
    pendingExit = event;
    return [];
  };
  const failed = (at: number, error: string, message: string): TimelineEvent[] => {
    failure = { at, error };
    return [{ kind: 'failed', state: state.name, at, error, message }];
  };
  const scheduled = (at: number): TimelineEvent[] => {
    if (failure === null) return [];
    const { error, at: since } = failure;
    const attempt = (attempts.get(error) ?? 0) + 1;
    attempts.set(error, attempt);
    failure = null;
    return [{ kind: 'retried', state: state.name, at, error, attempt, pausedMs: at - since }];
  };
  const ended = (status: HistoryEnd['status'], at: number, details: Details = {}): TimelineEvent[] => {
    const { error, cause } = details;
    const errorAtEnd = error === undefined && cause === undefined ? null : errorOf(error, cause);
    end = { status, output: null, error: errorAtEnd };
    if (status === 'ABORTED') return [{ kind: 'aborted', at }];
    // The attempt that nothing caught has been told already.
    if (failure !== null) return [];
    const { name, message } = errorAtEnd ?? { name: 'States.Timeout', message: '' };
    const text = status === 'TIMED_OUT' && message === '' ? 'the execution took longer than it may' : message;
    return failed(at, name, text);
  };

  return {
    read(event) {
      const at = event.timestamp?.getTime() ?? state.at;
      const type = String(event.type);
      const [, kind = '', boundary] = /^(\w+)State(Entered|Exited)$/.exec(type) ?? [];
      if (boundary === 'Entered') return entered(event.stateEnteredEventDetails?.name ?? '', kind, at);
      if (boundary === 'Exited') return exited(at, jsonOrNull(event.stateExitedEventDetails?.output));
      if (type === 'ExecutionStarted')
        return [
          { kind: 'started', at, input: jsonOrNull(event.executionStartedEventDetails?.input), before: null },
        ];
      if (type === 'LambdaFunctionScheduled' || type === 'TaskScheduled') return scheduled(at);
      if (type === 'ExecutionSucceeded') {
        end = {
          status: 'SUCCEEDED',
          output: jsonOrNull(event.executionSucceededEventDetails?.output),
          error: null,
        };
        return [];
      }
      if (type === 'ExecutionFailed') return ended('FAILED', at, event.executionFailedEventDetails ?? {});
      if (type === 'ExecutionTimedOut') return ended('TIMED_OUT', at, event.executionTimedOutEventDetails);
      if (type === 'ExecutionAborted') return ended('ABORTED', at, event.executionAbortedEventDetails);
      if (type === 'ExecutionRedriven') {
        end = null;
        return [{ kind: 'noted', at, note: 'redriven from outside: the machine goes on' }];
      }
      const attempt = failureOf(event);
      if (attempt === undefined) return [];
      const { name, message } = errorOf(attempt.error ?? type, attempt.cause);
      return failed(at, name, message);
    },
    end: () => end,
  };
}

interface Details {
  error?: string | undefined;
  cause?: string | undefined;
}

/** The attempt of a task that failed: of a function called directly, or of one that waits for a task token. */
function failureOf(event: HistoryEvent): Details | undefined {
  return (
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.lambdaFunctionScheduleFailedEventDetails ??
    event.lambdaFunctionStartFailedEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails ??
    (/Function|Task/.test(String(event.type)) && /Failed$|TimedOut$/.test(String(event.type))
      ? {}
      : undefined)
  );
}

function errorOf(error: string | undefined, cause: string | undefined): { name: string; message: string } {
  return { name: error ?? 'Unknown', message: causeMessage(cause) };
}

/** Null for nothing and for what is not JSON. */
function jsonOrNull(text: string | undefined): unknown {
  try {
    return text === undefined ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
