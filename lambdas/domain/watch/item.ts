import { createHash } from 'node:crypto';
import * as z from 'zod';
import { recordId } from '../promotion/record.ts';
import { SeriesName } from './block.ts';
import { WatchEvidence } from './evidence.ts';
import { WatchFinding } from './finding.ts';
import { Hours } from './hours.ts';
import { WatchState } from './state.ts';

/** What is kept of a model's live release in the item `watch#<model>`: its watch, and the hours that it has served. */

/** What is still to be told: kept with the decision, so that a crash loses nothing. */
const PendingTell = z.strictObject({
  found: WatchFinding,
  /** Null for a verdict on the whole watch. */
  series: SeriesName.nullable(),
  /** `rev` of the write that decided it: part of its id. */
  rev: z.int(),
  evidence: WatchEvidence,
  /** The owner of the model; null if it has none, or it was not read. */
  owner: z.string().nullable(),
});
export type PendingTell = z.infer<typeof PendingTell>;

export const watchStatuses = [
  'watching',
  /** A rollback is decided, and is started from `due_at` on. */
  'rollback_due',
  'rollback_started',
  'kept',
  'unproven',
  'unverified',
  /** The release is not watched. */
  'closed',
] as const;
export type WatchStatus = (typeof watchStatuses)[number];

export const WatchItem = z.strictObject({
  /** Number of writes; one with an earlier number is refused. */
  rev: z.int(),
  /** Id of the change that the live release closed. */
  promotion: z.string(),
  status: z.enum(watchStatuses),
  /** Null where the release is not watched. */
  state: WatchState.nullable(),
  /** Number of the rollback that is due or was started last; 0 before the first. */
  attempt: z.int().min(0),
  /** ISO 8601; null where no rollback is due. */
  due_at: z.string().nullable(),
  tells: z.array(PendingTell).max(10),
  /** Of the live release, whether it is watched or not: the next one is compared with them. Null without a Workload. */
  hours: Hours.nullable(),
  /** Of the release before it, until the switch; null where there is nothing to compare with. */
  before: Hours.nullable(),
});
export type WatchItem = z.infer<typeof WatchItem>;

/** The write that a look found: another write is refused. Null where there was no item. */
export type SeenWatch = Pick<WatchItem, 'promotion' | 'rev'> | null;

/** Short name of a change, distinct for each, in characters that names of executions allow. */
function slugOf(promotion: string): string {
  const hash = createHash('sha256').update(promotion).digest('hex').slice(0, 12);
  return `${recordId(promotion).slice(0, 50)}-${hash}`;
}

/** Name of the execution that rolls a release back: the same for a repeated start, at most 80 characters. */
export const rollbackName = ({ promotion, attempt }: Pick<WatchItem, 'promotion' | 'attempt'>): string =>
  `watch-${slugOf(promotion)}-${attempt}`;

/** Id of the outcome that tells a finding: the same for a repeated run. */
export const tellId = (promotion: string, { found, series, rev }: PendingTell): string =>
  `watch:${slugOf(promotion)}:${rev}:${found}${series === null ? '' : `:${series}`}`;
