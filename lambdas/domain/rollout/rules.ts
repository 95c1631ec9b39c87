import { maxRolloutMinutes } from '../limits.ts';
import type { WorkloadRollout } from '../serving/payloads.ts';
import type { NotRunning, RolloutFailure } from '../serving/rollout-finding.ts';
import type { Artifact, Proton, Replacement, Workload } from '../serving/workloads.ts';
import { visible } from '../visible-text.ts';

/** The rules a rollout keeps: what the platform would refuse is refused before anything is sent. */

/** A word of the platform as a finding holds it. */
export const stateWord = (status: string) => visible(status, 40);

export const isStatus = (status: string, ...words: string[]) => words.includes(status.trim().toLowerCase());

/** Any other word, also one never seen before, means that it is still going on. */
export const isTerminal = ({ status }: Replacement) => isStatus(status, 'completed', 'failed', 'errored');
export const hasFailed = ({ status }: Replacement) => isStatus(status, 'failed', 'errored');
/** On its way out after a cancellation; `finalizing` is said there too, but also after a switch. */
export const isLeaving = ({ status }: Replacement) =>
  isStatus(status, 'deleting', 'canceling', 'cancelling', 'finalizing', 'cleaning_up');

export const activeProtons = (protons: readonly Proton[]) =>
  protons.filter(({ role }) => role !== null && isStatus(role, 'active'));
export const candidateProtons = (protons: readonly Proton[]) =>
  protons.filter(({ role }) => role !== null && isStatus(role, 'candidate'));

export type Move = 'none' | 'promote' | 'replace' | 'lock' | 'draft-onto-locked' | 'locked-onto-draft';
type Known = 'draft' | 'locked';

/**
 * What it takes to get from the artifact that is served to the one that is wanted, by their statuses. A Workload's
 * lifetime follows its artifact's status, so the platform replaces like with like only ("Replace and roll out",
 * status matrix: a mismatch is answered 400), and a draft that is served already is promoted where it is ("Promote to
 * production"). Locking first is one-way and so is only done on request.
 */
const moves = {
  locked: { same: 'none', locked: 'replace', draft: 'lock' },
  draft: { same: 'promote', draft: 'replace', locked: 'locked-onto-draft' },
} as const satisfies Record<Known, Record<'same' | Known, Move>>;

const known = (status: string): Known | null =>
  isStatus(status, 'draft') ? 'draft' : isStatus(status, 'locked') ? 'locked' : null;

/** Null when one of the statuses is neither `draft` nor `locked`. */
export function moveTo(
  wanted: Artifact,
  served: { id: string | null; status: string | null },
  lockAllowed: boolean,
): Move | null {
  const to = known(wanted.status);
  if (to === null) return null;
  if (served.id === wanted.id) return moves[to].same;
  const from = known(served.status ?? '');
  if (from === null) return null;
  const move = moves[from][to];
  return move === 'lock' && !lockAllowed ? 'draft-onto-locked' : move;
}

/** The first thing that speaks against starting this rollout; null when nothing does. */
export function refusalToStart(
  workload: Workload,
  wanted: Artifact,
  protons: readonly Proton[],
  rollout: WorkloadRollout | null,
): RolloutFailure | null {
  return (
    wrongMinutes(rollout) ??
    wrongType(workload, wanted) ??
    notRunning(workload, protons) ??
    unknownContainer(rollout, wanted)
  );
}

function wrongMinutes(rollout: WorkloadRollout | null): RolloutFailure | null {
  for (const field of ['warmupDurationMinutes', 'keepOldVersionMinutes'] as const) {
    const minutes = rollout?.[field] ?? 0;
    const most = maxRolloutMinutes[field];
    if (Number.isSafeInteger(minutes) && minutes >= 0 && minutes <= most) continue;
    return { code: 'minutes-out-of-range', field, minutes, most };
  }
  return null;
}

function wrongType(workload: Workload, wanted: Artifact): RolloutFailure | null {
  // Either document may leave the type out; the platform then decides by itself.
  if (workload.type === null || wanted.type === null || isStatus(wanted.type, workload.type.toLowerCase()))
    return null;
  const types = { type: wanted.type, workload_type: workload.type };
  return { code: 'type-mismatch', artifact: wanted.id, workload: workload.id, ...types };
}

/** A replacement needs an active proton; one that has errored may be replaced, as that is how it is put right. */
export function notRunning({ id, status }: Workload, protons: readonly Proton[]): NotRunning | null {
  const which = { workload: id, state: stateWord(status) };
  if (isStatus(status, 'stopped', 'stopping', 'terminated', 'suspended'))
    return { code: 'workload-not-running', ...which };
  return activeProtons(protons).length > 0 ? null : { code: 'no-active-proton', ...which };
}

const MAX_NAMES = 8;

/** A group or container that the artifact lacks is accepted by the platform and fails the rollout minutes later. */
function unknownContainer(
  rollout: WorkloadRollout | null,
  { id: artifact, groups }: Artifact,
): RolloutFailure | null {
  if (groups.length === 0) return null;
  for (const { name, containers } of namedIn(rollout?.runtime)) {
    const group = groups.find((g) => g.name === name);
    const unknown = (container: string | null, has: readonly string[]): RolloutFailure => ({
      code: 'unknown-container',
      artifact,
      group: name,
      container,
      has: has.slice(0, MAX_NAMES),
    });
    if (group === undefined)
      return unknown(
        null,
        groups.map((g) => g.name),
      );
    const stranger = containers.find((container) => !group.containers.includes(container));
    // A container without a name of its own gets one from the platform, which we do not know.
    if (stranger !== undefined && group.containers.length > 0) return unknown(stranger, group.containers);
  }
  return null;
}

function namedIn(runtime: unknown): { name: string; containers: string[] }[] {
  return objects(field(runtime, 'containerGroups')).map((group) => ({
    name: textOf(field(group, 'name')) ?? 'default',
    containers: objects(field(group, 'containers')).flatMap(
      (container) => textOf(field(container, 'name')) ?? [],
    ),
  }));
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
const objects = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
