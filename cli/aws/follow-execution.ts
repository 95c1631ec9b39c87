import type { TimelineEvent } from '../screen/timeline.ts';
import { type HistoryEnd, historyReader } from './execution-history.ts';
import type { AwsExecutions } from './executions.ts';
import { AwsUnavailable, NoSuchExecution } from './problem.ts';

/** Callbacks of `followExecution`. */
export interface FollowOptions {
  onEvent: (event: TimelineEvent) => void;
  /** Called when AWS cannot be reached, and when it can be again. */
  note: (text: string) => void;
  /** Waits between two polls; rejects to stop following. */
  pause: (ms: number) => Promise<void>;
}

/** Interval of polls, and its maximum while AWS throttles or does not answer. */
const POLL_MS = 2_000;
const MAX_POLL_MS = 10_000;
/** Following stops after this long without an answer. */
const MAX_OUTAGE_MS = 15 * 60_000;
/** A new execution may be missing from `GetExecutionHistory` for this long. */
const MAX_UNKNOWN_MS = 30_000;

/**
 * Emits the events of an execution until it has ended. Continues while AWS throttles, cannot be reached for up to 15
 * minutes, or does not return a new execution yet; throws every other error of the calls.
 */
export async function followExecution(
  { history }: Pick<AwsExecutions, 'history'>,
  execution: string,
  { onEvent, note, pause }: FollowOptions,
): Promise<HistoryEnd> {
  const reader = historyReader();
  let lastEventId = 0;
  let poll = POLL_MS;
  let outageMs = 0;
  for (;;) {
    try {
      const events = await history(execution, lastEventId);
      if (outageMs > 0) note('AWS is reachable again');
      outageMs = 0;
      poll = Math.max(POLL_MS, poll / 2);
      for (const event of events) for (const timelineEvent of reader.read(event)) onEvent(timelineEvent);
      lastEventId += events.length;
      const end = reader.end();
      if (end !== null) return end;
    } catch (error) {
      if (!isTransient(error, outageMs)) throw error;
      if (outageMs === 0 && error instanceof AwsUnavailable)
        note(`${error.message} The execution continues.`);
      poll = Math.min(poll * 2, MAX_POLL_MS);
      outageMs += poll;
    }
    await pause(poll);
  }
}

function isTransient(error: unknown, outageMs: number): boolean {
  if (error instanceof NoSuchExecution) return outageMs < MAX_UNKNOWN_MS;
  return error instanceof AwsUnavailable && outageMs < MAX_OUTAGE_MS;
}
