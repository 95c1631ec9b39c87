import { createHash } from 'node:crypto';
import * as z from 'zod';
import { MAX_HISTORY } from '../limits.ts';
import { recordId } from '../promotion/record.ts';

/**
 * What should be live for a model, and which change of it is under way: the contents of the model's item in the promotion
 * table. Promotion, compensation, rollback and clean-up all converge the registry and the Workload to `change.aim`.
 */

const text = z.string().nullable().default(null);

/** A version together with the artifact that serves it: what is, was, or is to be live. */
export const Release = z.object({
  /** Identity of the release within the model, derived from its fields: `releaseKey`. */
  key: z.string(),
  /** Null: no version is champion (before the first promotion). */
  version: text,
  /** Null: no Workload serves the model, or it was not known to the operation that recorded the release. */
  workload_id: text,
  artifact_id: text,
  /** True where the artifact was in service as a draft, and is not to be locked by going back to it. */
  draft: z.boolean().default(false),
  /** The Workload's importance when the release was last seen in service. */
  importance: text,
  /** Id of the change that closed with this release, or `seen:<id>` where an operation found it in service. */
  change: z.string(),
  /** ISO 8601; when both sides were seen to show it. */
  at: z.string(),
  /** Who adopted it by hand; null if a change closed with it. */
  adopted_by: text,
  /** How the change that closed with it ended; null where it was found in service or adopted. */
  result: z.enum(['promoted', 'rolled_back']).nullable().default(null),
});
export type Release = z.infer<typeof Release>;

/** A release as stored by itself, with the runtime that the Workload had; null where it was never seen running. */
export const StoredRelease = Release.extend({ runtime: z.record(z.string(), z.json()).nullable() });
export type StoredRelease = z.infer<typeof StoredRelease>;

/** A release that was live, newest first in the item. */
export const PastRelease = z.object({
  key: z.string(),
  version: text,
  workload_id: text,
  artifact_id: text,
  /** ISO 8601. */
  since: z.string(),
  left_at: z.string(),
  /** Name of the execution whose change replaced it: `isLeftBy`. Twenty ARNs would double the size of the item. */
  left_by: z.string(),
  /** False for a release that a rollback left. */
  good: z.boolean(),
});
export type PastRelease = z.infer<typeof PastRelease>;

/** What either side may show because of a change: versions (null: no champion) and artifacts (null: none in service). */
export const Touched = z.object({
  versions: z.array(z.string().nullable()),
  artifacts: z.array(z.string().nullable()),
});
export type Touched = z.infer<typeof Touched>;

/** The one change of a model that is under way. */
export const Change = z.object({
  /** Owner that opened it: the ARN of an execution, or `direct:<request id>`. */
  id: z.string(),
  kind: z.enum(['promote', 'rollback']),
  /** The version that was asked for; for texts only. */
  to: text,
  /** Where the change goes when it fails: the live release of a promotion, the target of a rollback. */
  safe: Release,
  /** Where both sides are to go now. */
  aim: Release,
  touched: Touched,
  /** The version that a rollback leaves; null for a promotion. */
  left: text,
  /** ISO 8601. */
  opened_at: z.string(),
  /** ISO 8601; when `aim` became `safe`; null before. */
  turned_at: text,
  /** Number of executions that the sweep has started for it. */
  attempts: z.int().min(0).default(0),
  /** ISO 8601; no attempt is started before. */
  next_at: text,
  asked: z.object({
    by: text,
    reason: text,
    alarm: text,
    evidence_digest: text,
    confidence: z.number().nullable().default(null),
  }),
});
export type Change = z.infer<typeof Change>;

/** The item of a model. Everything is empty for a model that no operation has touched. */
export interface ModelItem {
  readonly model: string;
  /** Holder of the lease: an ARN or `direct:<request id>`; null if nobody holds it. It may have expired. */
  readonly owner: string | null;
  /** Counted up at each taking of the lease; 0 before the first, null without a table. */
  readonly fence: number | null;
  /** End of the lease. */
  readonly expires_at: Date | null;
  /** When the last owner's lease ended at the latest; null if there was none. */
  readonly released_at: Date | null;
  readonly live: Release | null;
  readonly change: Change | null;
  /** The picture of both sides that people were last alerted to; null if none. */
  readonly told: string | null;
  readonly history: readonly PastRelease[];
}

type Identity = Pick<
  StoredRelease,
  'version' | 'workload_id' | 'artifact_id' | 'draft' | 'importance' | 'runtime'
>;

/** The key of a release: its version for people, and a digest of everything that going back to it needs. */
export function releaseKey({
  version,
  workload_id,
  artifact_id,
  draft,
  importance,
  runtime,
}: Identity): string {
  const all = JSON.stringify([version, workload_id, artifact_id, draft, importance, runtime]);
  return `${version ?? 'none'}-${createHash('sha256').update(all).digest('hex').slice(0, 16)}`;
}

/** The same version and the same serving half; times, runtime and importance may differ. */
export const isSameRelease = (a: Halves, b: Halves): boolean =>
  a.version === b.version && a.workload_id === b.workload_id && a.artifact_id === b.artifact_id;

type Halves = Pick<Release, 'version' | 'workload_id' | 'artifact_id'>;

/** What these releases may show. A serving half that is null adds no artifact. */
export const touchedBy = (...releases: readonly (Halves | null)[]): Touched =>
  union(
    ...releases.map((release) => ({
      versions: release === null ? [] : [release.version],
      artifacts: release === null || release.artifact_id === null ? [] : [release.artifact_id],
    })),
  );

/** Everything that is in one of the lists, each once. */
export const union = (...all: readonly Touched[]): Touched => ({
  versions: [...new Set(all.flatMap(({ versions }) => versions))],
  artifacts: [...new Set(all.flatMap(({ artifacts }) => artifacts))],
});

/** The history once `change` has closed: the release that was live comes first, unless it still is. */
export function historyAfter(
  item: Pick<ModelItem, 'live' | 'history'>,
  next: Release,
  left: Left,
): PastRelease[] {
  const { live, history } = item;
  if (live === null || live.version === null || isSameRelease(live, next)) return [...history];
  const { key, version, workload_id, artifact_id, at: since } = live;
  const past = {
    key,
    version,
    workload_id,
    artifact_id,
    since,
    left_at: left.at,
    left_by: recordId(left.by),
    good: !left.bad,
  };
  return [past, ...history].slice(0, MAX_HISTORY);
}

/** True for a release that this change replaced. */
export const isLeftBy = ({ left_by }: Pick<PastRelease, 'left_by'>, change: string): boolean =>
  left_by === recordId(change);

/** How the live release was left: when (ISO 8601), by which change, and whether as a bad one. */
interface Left {
  at: string;
  by: string;
  bad: boolean;
}

/** The newest release in the history that was left as a good one and is not live. */
export const newestGood = ({ live, history }: Pick<ModelItem, 'live' | 'history'>): PastRelease | null =>
  history.find((past) => past.good && past.version !== null && past.version !== live?.version) ?? null;
