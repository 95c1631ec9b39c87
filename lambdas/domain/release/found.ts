import type { JsonObject } from '../serving/workloads.ts';
import { isBarred, isWholeIn, type Look, servingShows, shownBy, shows } from './look.ts';
import { type Change, type ModelItem, type Release, releaseKey, type StoredRelease } from './release.ts';

/** Releases as operations find, want, complete and refresh them. */

/** Version tag with the id of the artifact that serves the version. */
export const ARTIFACT_TAG = 'workload.artifact_id';

/** Who opens, and since when: what others have opened or closed after that is contested. */
export interface Opener {
  /** ARN of the execution, or `direct:<request id>`. */
  readonly id: string;
  /** When the operation asked for the change. */
  readonly since: Date;
  readonly now: Date;
}

/** A version and its artifact, as asked for. The serving half is null where no Workload serves the model. */
export type Wanted = Pick<Release, 'version' | 'workload_id' | 'artifact_id'>;

/** A release as an operation finds or wants it. */
export function releaseOf(
  { version, workload_id, artifact_id }: Wanted,
  from: Pick<Release, 'change' | 'at'> & Partial<Pick<Release, 'adopted_by' | 'result'>>,
  more: { draft?: boolean; importance?: string | null; runtime?: JsonObject | null } = {},
): StoredRelease {
  const whole = {
    version,
    workload_id,
    artifact_id,
    draft: more.draft ?? false,
    importance: more.importance ?? null,
    runtime: more.runtime ?? null,
    change: from.change,
    at: from.at,
    adopted_by: from.adopted_by ?? null,
    result: from.result ?? null,
  };
  return { key: releaseKey(whole), ...whole };
}

/** A release with the settings that its Workload has now; without a Workload as it is. */
export function asServed(
  halves: Wanted,
  { serving }: Look,
  from: Parameters<typeof releaseOf>[1],
): StoredRelease {
  if (serving === null || serving.artifact_id !== halves.artifact_id) return releaseOf(halves, from);
  return releaseOf(halves, from, {
    draft: serving.artifact_status?.trim().toLowerCase() === 'draft',
    importance: serving.importance,
    runtime: serving.runtime,
  });
}

/** The release that both sides show, as live; `id` is the operation that found it. */
export const releaseShown = (shown: Wanted, look: Look, { id, now }: Opener): StoredRelease =>
  asServed(shown, look, { change: `seen:${id}`, at: now.toISOString() });

/** True when the Workload is another one than the release's: for the live one that counts as moved. */
export const isOtherWorkload = ({ serving }: Look, { workload_id }: Pick<Release, 'workload_id'>) =>
  serving !== null && workload_id !== null && workload_id !== serving.workload_id;

/** Closed, and both sides show the live release. */
export const isInStep = (look: Look, item: Pick<ModelItem, 'live' | 'change'>): boolean =>
  item.change === null && item.live !== null && !isOtherWorkload(look, item.live) && shows(look, item.live);

/**
 * The release completed by what is served, where it has no serving half and this operation knows the Workload. Null where
 * another artifact is in flight, or on an active proton.
 */
export function completed(release: Release, look: Look): StoredRelease | Release | null {
  const { serving } = look;
  if (serving === null || release.artifact_id !== null) return release;
  if (!servingShows(serving, serving)) return null;
  const halves = {
    version: release.version,
    workload_id: serving.workload_id,
    artifact_id: serving.artifact_id,
  };
  return asServed(halves, look, release);
}

/**
 * What both sides show whole, where nothing leads back from it to the safe release of the open promotion: a first champion,
 * which may be locked, or a locked artifact that bars the way to a draft, together with the version that it is tagged on.
 */
export function withoutWayBack(look: Look, change: Change): Wanted | null {
  if (change.safe.version === null) return isWholeIn(look, change) ? change.aim : null;
  if (change.kind !== 'promote' || !isBarred(look, change.safe)) return null;
  const shown = shownBy(look, ARTIFACT_TAG);
  if (shown === null || !shows(look, shown)) return null;
  const holder = look.registry.versions.find(({ version }) => version === shown.version);
  return holder?.tags[ARTIFACT_TAG] === shown.artifact_id ? shown : null;
}

export type AnyRelease = Release | StoredRelease;
export const isStored = (release: AnyRelease | null): release is StoredRelease =>
  release !== null && 'runtime' in release;

/** Those that have to be stored, each once. */
export const stored = (...releases: readonly (AnyRelease | null)[]): StoredRelease[] => [
  ...new Map(releases.filter(isStored).map((release) => [release.key, release])).values(),
];

/** `live` in step, with the settings that the Workload has now: somebody may have scaled it since. */
export function refreshed(live: Release, look: Look): StoredRelease | Release | null {
  const whole = completed(live, look);
  return whole === null || look.serving === null || look.serving.artifact_id === null
    ? whole
    : asServed(whole, look, live);
}

/** A release that another Workload served, for the one that serves the model now, whose runtime and importance stay. */
export function onServingWorkload(
  release: StoredRelease,
  { serving }: Look,
  { id, now }: Opener,
): StoredRelease {
  if (serving === null || release.workload_id === null || release.workload_id === serving.workload_id)
    return release;
  const halves = { ...release, workload_id: serving.workload_id };
  return releaseOf(halves, { change: id, at: now.toISOString() });
}

/** The release as the item holds it: without its runtime, which is stored beside it. */
export function bare(release: Release | StoredRelease): Release {
  const { runtime: _, ...rest } = { runtime: null, ...release };
  return rest;
}
