import { evidenceOf } from '../../lambdas/domain/watch/advance.ts';
import type { WatchEvidence } from '../../lambdas/domain/watch/evidence.ts';
import type { WatchItem } from '../../lambdas/domain/watch/item.ts';
import { deadlineOf } from '../../lambdas/domain/watch/watch.ts';

/** Where the watch of a release stands; `evidence` is null where the release is not watched. */
export interface WatchDocument extends Pick<WatchItem, 'status' | 'promotion' | 'attempt' | 'due_at'> {
  model: string;
  evidence: WatchEvidence | null;
  /** ISO 8601; when the watch ends at the latest. */
  ends_at: string | null;
  /** Hours that are kept of the platform's counts: what the next release is compared with. */
  hours_kept: number;
}

/** The document of an item. */
export function documentOf(model: string, item: WatchItem): WatchDocument {
  const { status, promotion, attempt, due_at, state, hours } = item;
  return {
    ...{ model, status, promotion, attempt, due_at },
    evidence: state === null ? null : evidenceOf(state),
    ends_at: state === null ? null : new Date(deadlineOf(state)).toISOString(),
    hours_kept: hours?.hours.length ?? 0,
  };
}
