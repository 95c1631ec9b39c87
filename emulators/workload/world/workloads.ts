import { createArtifact, isRunnable, lock, type NewArtifact, owner } from './artifacts.ts';
import type { Artifact, Importance, Replacement, Runtime, Workload } from './entities.ts';
import * as protons from './protons.ts';
import { abandon, cancel, isBeforeSwitch, replacementInProgress, startRollout } from './rollout.ts';
import { misfit, type RuntimeInput, readRuntime, resourceSignal, withDefaults } from './runtime.ts';
import { ApiError, invalid, type World } from './world.ts';

export interface NewWorkload {
  name: string;
  description?: string | null | undefined;
  importance?: Importance | undefined;
  artifact?: NewArtifact | null | undefined;
  artifactId?: string | null | undefined;
  runtime?: RuntimeInput | null | undefined;
}

export function createWorkload(world: World, input: NewWorkload): Workload {
  refuseTakenName(world, input.name);
  refuseAboveCap(world);
  const artifact = artifactFor(world, input);
  if (!isRunnable(artifact))
    throw new ApiError(422, 'Artifact has no runtime image: complete an image build first');
  refuseShared(world, artifact);
  const workload: Workload = {
    id: world.id(),
    name: input.name,
    description: input.description ?? null,
    importance: input.importance ?? 'low',
    type: artifact.type,
    artifactId: artifact.id,
    runtime: withDefaults(artifact, checkedRuntime(world, artifact, input.runtime ?? null)),
    protons: [],
    replacement: null,
    queued: [],
    history: [],
    events: [],
    served: [],
    routed: [],
    roles: [owner(world)],
    startedAt: world.now,
    logsClearedAt: 0,
    createdAt: world.now,
    updatedAt: world.now,
  };
  world.workloads.set(workload.id, workload);
  run(world, workload, artifact);
  return workload;
}

function artifactFor(world: World, { artifact, artifactId }: NewWorkload): Artifact {
  if (!artifact === !artifactId) throw invalid('', 'Provide exactly one of artifact and artifactId');
  if (artifact) return createArtifact(world, artifact);
  const known = world.artifacts.get(artifactId ?? '');
  if (known === undefined) throw invalid('artifactId', 'Artifact not found', 'invalid');
  return known;
}

function checkedRuntime(world: World, artifact: Artifact, input: RuntimeInput | null): Runtime | null {
  if (input === null) return null;
  const runtime = readRuntime(world, input);
  const problem = misfit(artifact, runtime);
  if (problem !== null) throw invalid('runtime.containerGroups', problem);
  if (resourceSignal(artifact, runtime) === 'some') {
    throw invalid('runtime.containerGroups', 'Each container of a group needs a resource allocation');
  }
  return runtime;
}

/** A name is taken while the Workload exists, whatever its status. */
export function refuseTakenName(world: World, name: string, except?: Workload): void {
  if ([...world.workloads.values()].some((each) => each !== except && each.name === name)) {
    throw new ApiError(409, `Workload with name '${name}' already exists.`);
  }
}

function refuseAboveCap(world: World): void {
  const { maxConcurrentWorkloads: most } = world.settings.limits;
  const active = [...world.workloads.values()].filter((each) => protons.isActive(each, world.now)).length;
  if (most > 0 && active >= most) {
    throw new ApiError(403, `Maximum number of concurrent workloads (${most}) reached.`);
  }
}

/** A draft artifact backs at most one active Workload. */
function refuseShared(world: World, artifact: Artifact, except?: Workload): void {
  if (artifact.status === 'locked') return;
  const user = [...world.workloads.values()].find(
    (each) => each !== except && uses(each, artifact) && protons.isActive(each, world.now),
  );
  if (user !== undefined) {
    throw new ApiError(world.variants.draftInUse, `Draft artifact is already in use by workload ${user.id}.`);
  }
}

const uses = (workload: Workload, { id }: Artifact) =>
  workload.artifactId === id || replacementInProgress(workload)?.candidateArtifactId === id;

function run(world: World, workload: Workload, artifact: Artifact): void {
  for (const old of workload.protons.filter(({ role }) => role === 'active')) {
    old.role = null;
    old.removedAt = world.now + world.timings.retiredListedMs;
  }
  const proton = protons.launch(world, {
    workload,
    artifact,
    role: 'active',
    runtime: workload.runtime,
    warmupMs: 0,
  });
  workload.routed.push({ at: world.now, protonId: proton.id });
  workload.startedAt = world.now;
  workload.updatedAt = world.now;
  watchLifetime(world, workload);
}

/** A draft's hours end at the first sweep after them; a locked artifact, or a later start, makes that void. */
function watchLifetime(world: World, workload: Workload): void {
  const { ttlMs, ttlSweepMs } = world.timings;
  const { startedAt } = workload;
  const sweep = Math.ceil((startedAt + ttlMs) / ttlSweepMs) * ttlSweepMs;
  world.at(sweep, () => {
    const isDraft = world.artifacts.get(workload.artifactId)?.status === 'draft';
    if (isDraft && workload.startedAt === startedAt) halt(world, workload, world.variants.ttlEnd);
  });
}

function halt(world: World, workload: Workload, end: 'stopped' | 'terminated'): void {
  abandon(world, workload);
  for (const proton of workload.protons) protons.stop(world, proton, end);
  workload.updatedAt = world.now;
}

/** Whether anything had to be done. */
export function startWorkload(world: World, workload: Workload): boolean {
  const status = protons.workloadStatus(workload, world.now);
  if (status === 'stopping' || status === 'terminated') {
    throw new ApiError(409, `Workload must be stopped before it can be started (it is ${status}).`);
  }
  if (!['stopped', 'errored', 'suspended', 'interrupted'].includes(status)) return false;
  if (replacementInProgress(workload) !== null) return false;
  refuseAboveCap(world);
  const artifact = world.artifact(workload.artifactId);
  refuseShared(world, artifact, workload);
  for (const proton of protons.activeProtons(workload, world.now)) protons.stop(world, proton);
  run(world, workload, artifact);
  return true;
}

export function stopWorkload(world: World, workload: Workload): boolean {
  const status = protons.workloadStatus(workload, world.now);
  if (status === 'stopped' || status === 'terminated' || status === 'stopping') return false;
  halt(world, workload, 'stopped');
  return true;
}

/** Running is no obstacle; the artifact stays. */
export function deleteWorkload(world: World, workload: Workload): void {
  const { stuckDelete } = world.variants;
  if (stuckDelete !== 'off' && protons.activeProtons(workload, world.now).length > 0) {
    halt(world, workload, 'stopped');
    throw new ApiError(stuckDelete, 'Some protons could not be stopped, please retry.');
  }
  abandon(world, workload);
  world.workloads.delete(workload.id);
}

/** Locks the artifact under a running Workload: same id, endpoint and protons; statistics and TTL end. */
export function promote(world: World, workload: Workload): void {
  const artifact = world.artifact(workload.artifactId);
  if (artifact.status !== 'draft')
    throw new ApiError(422, 'Cannot promote workload: artifact is not a draft');
  if (protons.activeProtons(workload, world.now).length === 0) {
    throw new ApiError(422, 'Cannot promote workload: it has no active proton');
  }
  if (replacementInProgress(workload) !== null) {
    throw new ApiError(422, 'Cannot promote workload: a replacement is in progress');
  }
  lock(world, artifact);
  workload.served = [];
  workload.updatedAt = world.now;
  workload.history.unshift({
    id: world.id(),
    workloadId: workload.id,
    candidateArtifactId: artifact.id,
    isSettingsChange: false,
    candidateProtonIds: [],
    previousProtonIds: null,
    state: 'completed',
    config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 },
    runtime: workload.runtime,
    message: null,
    switchedAt: world.now,
    createdAt: world.now,
    updatedAt: world.now,
    deletedAt: null,
  });
}

export interface NewReplacement {
  artifactId: string;
  config: Replacement['config'];
  runtime?: RuntimeInput | null | undefined;
}

export function replace(world: World, workload: Workload, input: NewReplacement): Replacement {
  const candidate = world.artifact(input.artifactId);
  refuseSecond(world, workload);
  if (protons.activeProtons(workload, world.now).length === 0) {
    throw new ApiError(422, 'Workload has no active proton to replace.');
  }
  refuseMismatch(world, workload, candidate);
  const runtime = input.runtime ? readRuntime(world, input.runtime) : workload.runtime;
  const problem = incompatibility(world, workload, candidate) ?? misfit(candidate, runtime);
  if (problem !== null) throw new ApiError(422, [`Artifact is incompatible with the workload: ${problem}.`]);
  refuseShared(world, candidate, workload);
  return startRollout(world, workload, { artifact: candidate, runtime, config: input.config });
}

function refuseSecond(world: World, workload: Workload): void {
  const { secondReplacement } = world.variants;
  if (secondReplacement === 'queue' || replacementInProgress(workload) === null) return;
  throw new ApiError(secondReplacement, 'A replacement is already in progress for this workload.');
}

function refuseMismatch(world: World, workload: Workload, candidate: Artifact): void {
  const current = world.artifact(workload.artifactId);
  if (current.status !== candidate.status) {
    const text = `current artifact is ${current.status}, candidate artifact is ${candidate.status}.`;
    throw new ApiError(world.variants.statusMismatch, `Artifact status mismatch: ${text}`);
  }
  if (current.id === candidate.id && candidate.status === 'locked') {
    const text = 'candidate artifact ID matches current artifact.';
    throw new ApiError(422, [`Cannot replace with the same artifact — ${text}`]);
  }
}

function incompatibility(world: World, workload: Workload, candidate: Artifact): string | null {
  if (candidate.type !== workload.type) return `its type is ${candidate.type}, not ${workload.type}`;
  if (!isRunnable(candidate)) return 'it has no runtime image';
  const names = (artifact: Artifact) => artifact.spec.containerGroups.map(({ name }) => name).sort();
  const [now, then] = [names(world.artifact(workload.artifactId)), names(candidate)];
  return now.join() === then.join()
    ? null
    : `its container groups are ${then.join(', ')}, not ${now.join(', ')}`;
}

/** The same artifact with another runtime; starts a stopped Workload. */
export function changeSettings(world: World, workload: Workload, input: RuntimeInput): Replacement {
  if (replacementInProgress(workload) !== null) {
    throw new ApiError(409, 'A replacement is already in progress for this workload.');
  }
  const artifact = world.artifact(workload.artifactId);
  const runtime = readRuntime(world, input);
  const problem = misfit(artifact, runtime);
  if (problem !== null) throw invalid('runtime.containerGroups', problem);
  refuseShared(world, artifact, workload);
  if (protons.activeProtons(workload, world.now).length === 0) {
    workload.startedAt = world.now;
    watchLifetime(world, workload);
  }
  const config = { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 };
  return startRollout(world, workload, { artifact, runtime, config, isSettingsChange: true });
}

export const NO_REPLACEMENT = 'There is no active replacement for this workload.';

/** The record that a GET returns: not visible for a moment after the POST. */
export const visibleReplacement = (world: World, { replacement }: Workload): Replacement | null =>
  replacement !== null && world.now >= replacement.createdAt + world.timings.recordHiddenMs
    ? replacement
    : null;

/** Accepted again while it is being cancelled. */
export function cancelReplacement(world: World, workload: Workload): Replacement {
  const replacement = replacementInProgress(workload);
  if (replacement === null) throw new ApiError(404, NO_REPLACEMENT);
  if (isBeforeSwitch(replacement)) cancel(world, workload, replacement);
  else if (replacement.switchedAt !== null && world.variants.cancelAfterSwitch === 'refused') {
    throw new ApiError(404, NO_REPLACEMENT);
  }
  return replacement;
}
