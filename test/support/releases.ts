import type { RegistryMode, RegistryView } from '../../lambdas/domain/registry.ts';
import { bare, type Opener, releaseOf } from '../../lambdas/domain/release/found.ts';
import type { Look, ServingView } from '../../lambdas/domain/release/look.ts';
import {
  type Change,
  type ModelItem,
  type PastRelease,
  type StoredRelease,
  touchedBy,
  union,
} from '../../lambdas/domain/release/release.ts';
import { emptyItem } from '../../lambdas/domain/release/store.ts';
import type { JsonObject } from '../../lambdas/domain/serving/workloads.ts';
import { version, view } from './registry.ts';
import { NOON } from './serving.ts';

/** Builders for the item of a model and for what a look at both sides shows. A model `PascalStrategy`, a Workload `w1`. */

export const MODEL = 'PascalStrategy';
export const EARLIER = '2026-11-01T09:00:00.000Z';

/** Execution `name`, which asked at noon. */
export const opener = (name = 'run-1', since = NOON, now = since): Opener => ({ id: arn(name), since, now });

/** The id of a change that execution `name` opens. */
export const arn = (name: string) => `arn:aws:states:us-east-1:123456789012:execution:promotion:${name}`;

/** Version 3 with `a3` is `release('3', 'a3')`; without an artifact no Workload is known. */
export function release(
  number: string | null,
  artifact_id: string | null = null,
  more: Partial<Omit<StoredRelease, 'key'>> = {},
): StoredRelease {
  const { change = arn('run-0'), at = EARLIER, adopted_by = null, ...rest } = more;
  const halves = { version: number, workload_id: artifact_id === null ? null : 'w1', artifact_id, ...rest };
  return releaseOf(halves, { change, at, adopted_by }, rest);
}

/** A release that was live until `left_at`. */
export function past(
  number: string | null,
  artifact_id: string | null = null,
  more: Partial<PastRelease> = {},
): PastRelease {
  const { key, version: named, workload_id } = release(number, artifact_id);
  return {
    ...{ key, version: named, workload_id, artifact_id },
    ...{ since: '2026-10-01T09:00:00.000Z', left_at: EARLIER, left_by: 'run-0', good: true },
    ...more,
  };
}

/** A change from `safe` to `aim`, which has touched both. A rollback's aim is its `safe`. */
export function change(safe: StoredRelease, aim: StoredRelease, more: Partial<Change> = {}): Change {
  return {
    ...{ id: arn('run-1'), kind: 'promote', to: aim.version, safe: bare(safe), aim: bare(aim) },
    ...{ touched: touchedBy(safe, aim), left: null, opened_at: '2026-11-20T11:50:00.000Z', turned_at: null },
    ...{ attempts: 0, next_at: null },
    asked: { by: 'retraining', reason: null, alarm: null, evidence_digest: null, confidence: 0.85 },
    ...more,
  };
}

/** An item of `MODEL` with this in it. */
export const itemWith = (
  more: Partial<Omit<ModelItem, 'live'>> & { live?: StoredRelease | null } = {},
): ModelItem => ({
  ...emptyItem(MODEL, 1),
  ...more,
  live: more.live == null ? null : bare(more.live),
});

/** What a Workload shows: this artifact on its active proton. */
export function serving(artifact_id: string | null, more: Partial<ServingView> = {}): ServingView {
  return {
    ...{ workload_id: 'w1', type: 'service', artifact_id, artifact_status: 'locked' },
    ...{ importance: 'low', runtime: null },
    ...{ active: [artifact_id], in_flight: null },
    ...more,
  };
}

/** A replacement by this artifact that has not switched. */
export const inFlight = (artifact_id: string, more: Partial<NonNullable<ServingView['in_flight']>> = {}) => ({
  ...{ artifact_id, switched: false, leaving: false, state: 'warming_up' },
  ...more,
});

/** Versions 1 to 5 with their artifacts as tags, of which these are in Production. */
export function registry(
  production: readonly string[],
  tags: Record<string, string> = {},
  aliases: Record<string, string> = {},
): RegistryView {
  const of = (number: number) => ({ 'workload.artifact_id': tags[number] ?? `a${number}` });
  return view(
    [1, 2, 3, 4, 5].map((n) =>
      version(n, production.includes(String(n)) ? 'Production' : 'Archived', { tags: of(n) }),
    ),
    { aliases },
  );
}

/** A look at these champions and this Workload; a text is an artifact that is served, with nothing in flight. */
export function look(
  production: string | readonly string[] | null,
  served: string | ServingView | null = null,
  mode: RegistryMode = 'stages',
): Look {
  const named = production === null ? [] : typeof production === 'string' ? [production] : production;
  return {
    registry: registry(named),
    mode,
    serving: typeof served === 'string' ? serving(served) : served,
  };
}

/** `look`, with a runtime that the Workload has. */
export const scaledTo = (replicaCount: number): JsonObject => ({
  containerGroups: [{ name: 'default', replicaCount }],
});

/** Everything that a change may have touched, and these releases besides. */
export const touchedToo = (of: Change, ...more: StoredRelease[]) => union(of.touched, touchedBy(...more));
