import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { parseJson } from '../../lambdas/domain/json.ts';
import { causeMessage } from '../../lambdas/domain/lambda-cause.ts';
import type { TimelineEvent } from '../screen/timeline.ts';

/** How an execution on AWS ended. */
export interface HistoryEnd {
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** The state document at the end; null unless SUCCEEDED. */
  output: unknown;
  error: { name: string; message: string } | null;
}

/** Converts the events of a history, one by one, in order. */
export interface HistoryReader {
  /** The events of the timeline that this event leads to. */
  read(event: HistoryEvent): TimelineEvent[];
  /** Null while the execution is running. */
  end(): HistoryEnd | null;
}

interface Failure {
  at: number;
  error: string;
}

/**
 * Converts the events of `GetExecutionHistory` to those of the local host. AWS has no event for a retry or for a catch: a
 * function that is scheduled again in the same state is a retry, and a state that exits after a failed attempt was left
 * by a catch, whose target is the state that is entered next.
 */
export function historyReader(): HistoryReader {
  let state = { name: '', type: '', at: 0 };
  /** The failure of the state's last attempt, until the next event. */
  let failure: Failure | null = null;
  /** Number of retries of the state, by error. */
  const attempts = new Map<string, number>();
  /** The exit of a state that was left by a catch: emitted when the target is known. */
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
    // The failed attempt that ended the execution has been emitted already.
    if (failure !== null) return [];
    const { name, message } = errorAtEnd ?? { name: 'States.Timeout', message: '' };
    const text = status === 'TIMED_OUT' && message === '' ? 'the execution exceeded its time-out' : message;
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
        return [{ kind: 'noted', at, note: 'redriven: the execution continues' }];
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

/** Details of a failed attempt of a task, whatever its integration; undefined for other events. */
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

/** Null for undefined and for text that is not JSON. */
function jsonOrNull(text: string | undefined): unknown {
  try {
    return text === undefined ? null : parseJson(text);
  } catch {
    return null;
  }
}
