import { maxRolloutMinutes } from '../limits.ts';
import type { WorkloadRollout } from '../serving/payloads.ts';
import type { NotRunning, RolloutFailure } from '../serving/rollout-finding.ts';
import type { Artifact, Proton, Replacement, Workload } from '../serving/workloads.ts';
import { visible } from '../visible-text.ts';

/** The platform's rules for a rollout: violations are reported before any request is sent. */

/** A status of the platform for a finding: at most 40 characters, in visible form. */
export const stateWord = (status: string) => visible(status, 40);

/** True when the status is one of the words, ignoring case and white space. */
export const isStatus = (status: string, ...words: string[]) => words.includes(status.trim().toLowerCase());

/** Every other status, including an unknown one, means in progress. */
export const isTerminal = ({ status }: Replacement) => isStatus(status, 'completed', 'failed', 'errored');
/** True when the platform reports the replacement as failed. */
export const hasFailed = ({ status }: Replacement) => isStatus(status, 'failed', 'errored');
/** Being removed after a cancellation; `finalizing` also follows a switch. */
export const isLeaving = ({ status }: Replacement) =>
  isStatus(status, 'deleting', 'canceling', 'cancelling', 'finalizing', 'cleaning_up');

/** The protons that serve requests. */
export const activeProtons = (protons: readonly Proton[]) =>
  protons.filter(({ role }) => role !== null && isStatus(role, 'active'));
/** The protons of the replacement in progress. */
export const candidateProtons = (protons: readonly Proton[]) =>
  protons.filter(({ role }) => role !== null && isStatus(role, 'candidate'));

/** What it takes to serve an artifact, or why the platform would refuse. */
export type Move = 'none' | 'promote' | 'replace' | 'lock' | 'draft-onto-locked' | 'locked-onto-draft';
type Known = 'draft' | 'locked';

/**
 * What it takes to get from the served artifact to the desired one, by their statuses. A Workload's
 * lifetime follows its artifact's status, so the platform replaces an artifact only by one of the same status ("Replace and roll out",
 * status matrix: a mismatch is answered 400), and a served draft is promoted in place ("Promote to
 * production"). Locking is one-way, so it is done on request only.
 */
const moves = {
  locked: { same: 'none', locked: 'replace', draft: 'lock' },
  draft: { same: 'promote', draft: 'replace', locked: 'locked-onto-draft' },
} as const satisfies Record<Known, Record<'same' | Known, Move>>;

const known = (status: string): Known | null =>
  isStatus(status, 'draft') ? 'draft' : isStatus(status, 'locked') ? 'locked' : null;

/** Null when one of the statuses is neither `draft` nor `locked`. */
export function moveTo(
  desired: Artifact,
  served: { id: string | null; status: string | null },
  lockAllowed: boolean,
): Move | null {
  const to = known(desired.status);
  if (to === null) return null;
  if (served.id === desired.id) return moves[to].same;
  const from = known(served.status ?? '');
  if (from === null) return null;
  const move = moves[from][to];
  return move === 'lock' && !lockAllowed ? 'draft-onto-locked' : move;
}

/** Why the platform would refuse to replace what is served by this artifact; null if it would not, or serves it already. */
export function refusalOfTarget(
  desired: Artifact,
  served: { id: string | null; status: string | null; workload: string; type: string | null },
  lockAllowed: boolean,
): RolloutFailure | null {
  if (served.id === desired.id) return null;
  const move = moveTo(desired, served, lockAllowed);
  if (move === 'draft-onto-locked' || move === 'locked-onto-draft')
    return { code: move, artifact: desired.id, served: served.id };
  return wrongType({ id: served.workload, type: served.type }, desired);
}

/** The first reason not to start this rollout; null if there is none. */
export function refusalToStart(
  workload: Workload,
  desired: Artifact,
  protons: readonly Proton[],
  rollout: WorkloadRollout | null,
): RolloutFailure | null {
  return (
    wrongMinutes(rollout) ??
    wrongType(workload, desired) ??
    notRunning(workload, protons) ??
    unknownContainer(rollout, desired)
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

function wrongType(workload: Pick<Workload, 'id' | 'type'>, desired: Artifact): RolloutFailure | null {
  // If either document omits the type, the platform checks it.
  if (workload.type === null || desired.type === null || isStatus(desired.type, workload.type.toLowerCase()))
    return null;
  const types = { type: desired.type, workload_type: workload.type };
  return { code: 'type-mismatch', artifact: desired.id, workload: workload.id, ...types };
}

/** A replacement needs an active proton; an errored one may be replaced, which repairs it. */
export function notRunning({ id, status }: Workload, protons: readonly Proton[]): NotRunning | null {
  const which = { workload: id, state: stateWord(status) };
  if (isStatus(status, 'stopped', 'stopping', 'terminated', 'suspended'))
    return { code: 'workload-not-running', ...which };
  return activeProtons(protons).length > 0 ? null : { code: 'no-active-proton', ...which };
}

const MAX_NAMES = 8;

/** The platform accepts a group or container that the artifact lacks, and the rollout fails minutes later. */
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
    // The platform names a container without a name itself.
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
