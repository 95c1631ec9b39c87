import type { TimelineEvent } from '../screen/timeline.ts';
import { type HistoryEnd, historyReader } from './execution-history.ts';
import type { AwsExecutions } from './executions.ts';
import { AwsUnavailable, NoSuchExecution } from './problem.ts';

export interface FollowOptions {
  onEvent: (event: TimelineEvent) => void;
  /** Trouble on the way, and its end. */
  note: (text: string) => void;
  /** Rejects when the following is to stop. */
  pause: (ms: number) => Promise<void>;
}

/** Between two looks, and between two when AWS is asked too often or does not answer. */
const POLL_MS = 2_000;
const MAX_POLL_MS = 10_000;
/** So long without any answer is no hiccup. */
const MAX_OUTAGE_MS = 15 * 60_000;
/** So long a new execution may be unknown to whoever is asked for its history. */
const MAX_UNKNOWN_MS = 30_000;

/**
 * Tells what happens in an execution until it has ended. Goes on when AWS is asked too often, cannot be reached for up
 * to 15 minutes, or does not know the execution yet; throws what else the calls throw.
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
      if (outageMs > 0) note('AWS answers again');
      outageMs = 0;
      poll = Math.max(POLL_MS, poll / 2);
      for (const event of events) for (const timelineEvent of reader.read(event)) onEvent(timelineEvent);
      lastEventId += events.length;
      const end = reader.end();
      if (end !== null) return end;
    } catch (error) {
      if (!isTransient(error, outageMs)) throw error;
      if (outageMs === 0 && error instanceof AwsUnavailable) note(`${error.message} The execution goes on.`);
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
