import type { ShownEvent } from '../screen/timeline.ts';
import { type HistoryEnd, historyReader } from './execution-history.ts';
import type { AwsExecutions } from './executions.ts';
import { AwsUnavailable, NoSuchExecution } from './problem.ts';

export interface Following {
  onEvent: (event: ShownEvent) => void;
  /** Trouble on the way, and its end. */
  note: (text: string) => void;
  /** Rejects when the following is to stop. */
  pause: (ms: number) => Promise<void>;
}

/** Between two looks, and between two when AWS is asked too often or does not answer. */
const POLL_MS = 2_000;
const LONGEST_POLL_MS = 10_000;
/** So long without any answer is no hiccup. */
const MOST_SILENCE_MS = 15 * 60_000;
/** So long a new execution may be unknown to whoever is asked for its history. */
const MOST_UNKNOWN_MS = 30_000;

/**
 * Tells what happens in an execution until it has ended. Goes on when AWS is asked too often, cannot be reached for up
 * to 15 minutes, or does not know the execution yet; throws what else the calls throw.
 */
export async function followExecution(
  { history }: Pick<AwsExecutions, 'history'>,
  execution: string,
  { onEvent, note, pause }: Following,
): Promise<HistoryEnd> {
  const reader = historyReader();
  let seen = 0;
  let poll = POLL_MS;
  let silence = 0;
  for (;;) {
    try {
      const events = await history(execution, seen);
      if (silence > 0) note('AWS answers again');
      silence = 0;
      poll = Math.max(POLL_MS, poll / 2);
      for (const event of events) for (const shown of reader.read(event)) onEvent(shown);
      seen += events.length;
      const end = reader.end();
      if (end !== null) return end;
    } catch (error) {
      if (!mayPass(error, silence)) throw error;
      if (silence === 0 && error instanceof AwsUnavailable) note(`${error.message} The execution goes on.`);
      poll = Math.min(poll * 2, LONGEST_POLL_MS);
      silence += poll;
    }
    await pause(poll);
  }
}

function mayPass(error: unknown, silence: number): boolean {
  if (error instanceof NoSuchExecution) return silence < MOST_UNKNOWN_MS;
  return error instanceof AwsUnavailable && silence < MOST_SILENCE_MS;
}
