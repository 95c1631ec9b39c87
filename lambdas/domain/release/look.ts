import { createHash } from 'node:crypto';
import { champions, isSoleChampion, type RegistryMode, type RegistryView } from '../registry.ts';
import { activeProtons, isLeaving, isStatus, isTerminal, stateWord } from '../rollout/rules.ts';
import type { Json, JsonObject, Proton, Replacement, Workload } from '../serving/workloads.ts';
import type { Change, Release, Touched } from './release.ts';

/** One look at both sides, on which every decision about a change is based. */
export interface Look {
  readonly registry: RegistryView;
  readonly mode: RegistryMode;
  /** Null where the operation knows no Workload. */
  readonly serving: ServingView | null;
}

/** What a Workload shows. */
export interface ServingView {
  readonly workload_id: string;
  /** Type of the Workload; null if unknown. */
  readonly type: string | null;
  readonly artifact_id: string | null;
  /** Status of the served artifact: `draft`, `locked`, another word, or null if unknown. */
  readonly artifact_status: string | null;
  readonly importance: string | null;
  /** The runtime as it may be sent back; null if the platform reports none. */
  readonly runtime: JsonObject | null;
  /** Artifacts of the active protons. */
  readonly active: readonly (string | null)[];
  /** The replacement that has not ended; null where there is none. */
  readonly in_flight: InFlight | null;
}

/** A replacement in progress. */
export interface InFlight {
  readonly artifact_id: string;
  /** True from the switch on: the candidate is in service, and the old version may still be kept. */
  readonly switched: boolean;
  /** True while the platform removes it after a cancellation. */
  readonly leaving: boolean;
  /** The platform's word for its state. */
  readonly state: string;
}

/** What was read of a Workload, as a look shows it. */
export function servingView(
  workload: Workload,
  protons: readonly Proton[],
  replacement: Replacement | null,
  servedStatus: string | null = workload.artifactStatus,
): ServingView {
  return {
    workload_id: workload.id,
    type: workload.type,
    artifact_id: workload.artifactId,
    artifact_status: servedStatus,
    importance: workload.importance,
    runtime: workload.runtime === null ? null : sendable(workload.runtime),
    active: activeProtons(protons).map(({ artifactId }) => artifactId),
    in_flight:
      replacement === null || isTerminal(replacement)
        ? null
        : {
            artifact_id: replacement.candidateArtifactId,
            switched: replacement.switchedAt !== null,
            leaving: isLeaving(replacement),
            state: stateWord(replacement.status),
          },
  };
}

/** A runtime as it may be sent back: without what the platform only reports. */
function sendable(runtime: JsonObject): JsonObject {
  const groups = runtime['containerGroups'];
  return Array.isArray(groups) ? { ...runtime, containerGroups: groups.map(withoutReports) } : { ...runtime };
}

function withoutReports(group: Json): Json {
  if (typeof group !== 'object' || group === null || Array.isArray(group)) return group;
  const { resolvedBundle: _, ...fields } = group;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

type Half = Pick<Release, 'version' | 'workload_id' | 'artifact_id'>;

/** True when every pointer of the mode names the release's version and no other is in Production. */
export const registryShows = (
  { registry, mode }: Pick<Look, 'registry' | 'mode'>,
  { version }: Pick<Half, 'version'>,
) => (version === null ? champions(registry, mode).length === 0 : isSoleChampion(registry, mode, version));

/**
 * True when the Workload and every active proton have the release's artifact, and nothing else is in flight. A release
 * without a serving half, or a look without a Workload, compares nothing.
 */
export function servingShows(
  serving: ServingView | null,
  { artifact_id }: Pick<Half, 'artifact_id'>,
): boolean {
  if (serving === null || artifact_id === null) return true;
  const own = (artifact: string | null) => artifact === artifact_id;
  return (
    own(serving.artifact_id) &&
    serving.active.every(own) &&
    (serving.in_flight === null || own(serving.in_flight.artifact_id))
  );
}

/** Both sides show the release. */
export const shows = (look: Look, release: Half): boolean =>
  registryShows(look, release) && servingShows(look.serving, release);

/** True when the registry names only versions that the change may have put there. */
export function isRegistryKnown(
  { registry, mode }: Pick<Look, 'registry' | 'mode'>,
  change: Change,
): boolean {
  const named = champions(registry, mode);
  const { versions } = change.touched;
  if (named.length === 0) return versions.includes(null);
  return change.aim.version !== null && named.every((version) => versions.includes(version));
}

/** True when the Workload serves, and rolls out, only artifacts that the change may have put there. */
export function isServingKnown(serving: ServingView | null, change: Change): boolean {
  if (serving === null || change.aim.artifact_id === null) return true;
  if (change.aim.workload_id !== null && change.aim.workload_id !== serving.workload_id) return false;
  const known = (artifact: string | null) => change.touched.artifacts.includes(artifact);
  return known(serving.artifact_id) && (serving.in_flight === null || known(serving.in_flight.artifact_id));
}

/** True when both sides show only what the change may have put there. */
export const isKnown = (look: Look, change: Change): boolean =>
  isRegistryKnown(look, change) && isServingKnown(look.serving, change);

/**
 * The release that both sides show, if they agree: one champion, one artifact served by all active protons and tagged on
 * the champion (a champion without the tag may be served by any), nothing else in flight. Null where they do not agree.
 */
export function shownBy({ registry, mode, serving }: Look, artifactTag: string): Half | null {
  // A pointer that is not set yet does not disagree: the mode may have just been changed to `both`.
  const [version, ...others] = champions(registry, mode);
  if (others.length > 0) return null;
  const artifact_id = serving?.artifact_id ?? null;
  if (!servingShows(serving, { artifact_id })) return null;
  const tagged = registry.versions.find((v) => v.version === version)?.tags[artifactTag] || null;
  if (serving !== null && tagged !== null && tagged !== artifact_id) return null;
  return { version: version ?? null, workload_id: serving?.workload_id ?? null, artifact_id };
}

/** Everything that either side shows, in the form of what a change has touched. */
export function seen({ registry, mode, serving }: Look): Touched {
  const named = champions(registry, mode);
  const flying = serving?.in_flight ?? null;
  return {
    versions: named.length === 0 ? [null] : named,
    artifacts:
      serving === null ? [] : [serving.artifact_id, ...(flying === null ? [] : [flying.artifact_id])],
  };
}

/** A registered model that does not exist: it has no version and names no Workload. */
export const noModel = (name: string): RegistryView => ({
  model: { name, tags: {}, aliases: {} },
  versions: [],
});

/** A Workload that does not exist: it serves nothing. */
export const noWorkload = (workload_id: string): ServingView => ({
  workload_id,
  type: null,
  artifact_id: null,
  artifact_status: null,
  importance: null,
  runtime: null,
  active: [],
  in_flight: null,
});

/** Digest of what both sides show: the same picture is told once. */
export function pictureOf({ registry, mode, serving }: Look): string {
  const picture = [
    registry.versions.length === 0 ? null : champions(registry, mode),
    registry.model.aliases['champion'] ?? null,
    serving === null
      ? null
      : [serving.workload_id, serving.artifact_id, serving.in_flight?.artifact_id ?? null],
  ];
  return createHash('sha256').update(JSON.stringify(picture)).digest('hex').slice(0, 32);
}

/** True when both sides show the aim and nothing is left to be locked: a change that failed on the way is complete. */
export function isComplete({ aim }: Change, look: Look): boolean {
  const draft = !aim.draft && look.serving !== null && isStatus(look.serving.artifact_status ?? '', 'draft');
  return registryShows(look, aim) && servingShows(look.serving, aim) && !draft;
}

/** Both sides show the aim of a change that names both halves, and nothing is left to be done. */
export const isWholeIn = (look: Look, change: Change) =>
  change.aim.version !== null &&
  change.aim.artifact_id === (look.serving?.artifact_id ?? null) &&
  isComplete(change, look);

/**
 * True where the release was in service as a draft and another artifact is served that is locked: the platform takes no
 * draft over a locked artifact.
 */
export const isBarred = ({ serving }: Look, { draft, artifact_id }: Pick<Release, 'draft' | 'artifact_id'>) =>
  draft &&
  artifact_id !== null &&
  serving !== null &&
  serving.artifact_id !== artifact_id &&
  isStatus(serving.artifact_status ?? '', 'locked');
