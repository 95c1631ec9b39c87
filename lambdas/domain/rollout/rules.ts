import { longestMinutes } from '../limits.ts';
import type { FailureCode, WorkloadRollout } from '../serving/payloads.ts';
import type { Artifact, Proton, Replacement, Workload } from '../serving/workloads.ts';
import { clipped, quoted, visible } from '../visible-text.ts';

/** The rules a rollout keeps: what the platform would refuse is refused before anything is sent. */

export const isStatus = (status: string, ...words: string[]) => words.includes(status.trim().toLowerCase());

/** Any other word, also one never seen before, means that it is still going on. */
export const isTerminal = ({ status }: Replacement) => isStatus(status, 'completed', 'failed', 'errored');
export const hasFailed = ({ status }: Replacement) => isStatus(status, 'failed', 'errored');
/** On its way out after a cancellation; `finalizing` is said there too, but also after a switch. */
export const isLeaving = ({ status }: Replacement) =>
  isStatus(status, 'deleting', 'canceling', 'cancelling', 'finalizing', 'cleaning_up');

export const activeProtons = (protons: readonly Proton[]) =>
  protons.filter(({ role }) => role !== null && isStatus(role, 'active'));
export const candidates = (protons: readonly Proton[]) =>
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

export interface Refusal {
  code: FailureCode;
  reason: string;
}

/** The first thing that speaks against starting this rollout; null when nothing does. */
export function refusalToStart(
  workload: Workload,
  wanted: Artifact,
  protons: readonly Proton[],
  rollout: WorkloadRollout | null,
): Refusal | null {
  return (
    wrongMinutes(rollout) ??
    wrongType(workload, wanted) ??
    notRunning(workload, protons) ??
    unknownContainer(rollout, wanted)
  );
}

function wrongMinutes(rollout: WorkloadRollout | null): Refusal | null {
  for (const field of ['warmupDurationMinutes', 'keepOldVersionMinutes'] as const) {
    const minutes = rollout?.[field] ?? 0;
    const most = longestMinutes[field];
    if (Number.isSafeInteger(minutes) && minutes >= 0 && minutes <= most) continue;
    const reason = `${field} is ${minutes}; it must be a whole number from 0 to ${most}`;
    return { code: 'minutes-out-of-range', reason };
  }
  return null;
}

function wrongType(workload: Workload, wanted: Artifact): Refusal | null {
  // Either document may leave the type out; the platform then decides by itself.
  if (workload.type === null || wanted.type === null || isStatus(wanted.type, workload.type.toLowerCase()))
    return null;
  const reason = `Artifact ${quoted(wanted.id)} is of type ${quoted(wanted.type)} and Workload ${quoted(workload.id)} of type ${quoted(workload.type)}: name an artifact of the same type`;
  return { code: 'type-mismatch', reason };
}

/** A replacement needs an active proton; one that has errored may be replaced, as that is how it is put right. */
export function notRunning(workload: Workload, protons: readonly Proton[]): Refusal | null {
  const which = `Workload ${quoted(workload.id)}`;
  if (isStatus(workload.status, 'stopped', 'stopping', 'terminated', 'suspended')) {
    const reason = `${which} is ${visible(workload.status, 40)}: start it (POST /workloads/{id}/start), wait until it runs, and try again`;
    return { code: 'workload-not-running', reason };
  }
  if (activeProtons(protons).length > 0) return null;
  const reason = `${which} (${visible(workload.status, 40)}) has no active proton: start it (POST /workloads/{id}/start), wait until it runs, and try again`;
  return { code: 'no-active-proton', reason };
}

/** A group or container that the artifact lacks is accepted by the platform and fails the rollout minutes later. */
function unknownContainer(rollout: WorkloadRollout | null, wanted: Artifact): Refusal | null {
  const groups = wanted.groups;
  if (groups.length === 0) return null;
  for (const { name, containers } of namedIn(rollout?.runtime)) {
    const group = groups.find((g) => g.name === name);
    if (group === undefined) {
      const reason = `The runtime names the container group ${quoted(name)}, which artifact ${quoted(wanted.id)} lacks; it has ${listed(groups.map((g) => g.name))}`;
      return { code: 'unknown-container', reason };
    }
    const stranger = containers.find((container) => !group.containers.includes(container));
    // A container without a name of its own gets one from the platform, which we do not know.
    if (stranger !== undefined && group.containers.length > 0) {
      const reason = `The runtime names the container ${quoted(stranger)} in group ${quoted(name)}, which artifact ${quoted(wanted.id)} lacks; it has ${listed(group.containers)}`;
      return { code: 'unknown-container', reason };
    }
  }
  return null;
}

const listed = (names: readonly string[]) => clipped(names.slice(0, 8).map(quoted).join(', '), 300);

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
