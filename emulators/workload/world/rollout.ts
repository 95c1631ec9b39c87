import { containersOf } from '../monitor/containers.ts';
import { record, recordStep, touchOutcome } from '../monitor/events.ts';
import type { Artifact, Proton, Replacement, Runtime, Workload } from './entities.ts';
import { activeProtons, canServe, launch, planned, replan, stop } from './protons.ts';
import { resourceSignal } from './runtime.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;
const NO_SIGNAL =
  'Failed to launch candidate protons: ResourceBundleInferenceError: At least one resource signal is required';

export interface Rollout {
  artifact: Artifact;
  runtime: Runtime;
  config: Replacement['config'];
  isSettingsChange?: boolean;
}

const isTerminal = ({ state }: Replacement) => state === 'completed' || state === 'errored';

/** The replacement that has not ended, if any. */
export const replacementInProgress = ({ replacement }: Workload): Replacement | null =>
  replacement === null || isTerminal(replacement) ? null : replacement;

/** Creates a replacement and starts it, immediately or when the one in progress has ended. */
export function startRollout(
  world: World,
  workload: Workload,
  { artifact, runtime, config, isSettingsChange = false }: Rollout,
): Replacement {
  const replacement: Replacement = {
    id: world.id(),
    workloadId: workload.id,
    candidateArtifactId: artifact.id,
    isSettingsChange,
    candidateProtonIds: [],
    previousProtonIds: null,
    state: 'submitted',
    config,
    runtime,
    message: null,
    switchedAt: null,
    createdAt: world.now,
    updatedAt: world.now,
    deletedAt: null,
  };
  if (replacementInProgress(workload) === null) begin(world, workload, replacement);
  else workload.queued.push(replacement);
  return replacement;
}

function begin(world: World, workload: Workload, replacement: Replacement): void {
  forget(workload);
  workload.replacement = replacement;
  recordStep(world, workload, replacement, 'Replacement Created');
  const { candidateCreatedMs, initializingMs } = world.timings;
  const soon = (ms: number, run: () => void) => after(world, workload, replacement, world.now + ms, run);
  soon(initializingMs, () => enter(world, replacement, 'initializing'));
  const artifact = world.artifacts.get(replacement.candidateArtifactId);
  const resources = artifact === undefined ? 'none' : resourceSignal(artifact, replacement.runtime);
  if (artifact === undefined || resources === 'none') {
    soon(initializingMs, () => fail(world, workload, NO_SIGNAL));
  } else if (resources === 'some') {
    soon(initializingMs, () => settleRecord(world, workload));
  } else {
    soon(candidateCreatedMs, () => bringUp(world, workload, replacement, artifact));
  }
}

/** Schedules a transition, which is skipped if the replacement has been cancelled or has ended by then. */
function after(
  world: World,
  workload: Workload,
  replacement: Replacement,
  at: number,
  run: () => void,
): void {
  world.at(at, () => {
    if (workload.replacement === replacement && isBeforeSwitch(replacement)) run();
  });
}

export const isBeforeSwitch = ({ state }: Replacement) =>
  state === 'submitted' || state === 'initializing' || state === 'staged';

function enter(world: World, replacement: Replacement, state: Replacement['state']): void {
  replacement.state = state;
  replacement.updatedAt = world.now;
}

function bringUp(world: World, workload: Workload, replacement: Replacement, artifact: Artifact): void {
  const { timings } = world;
  const { runtime, createdAt } = replacement;
  const warmupMs = replacement.config.warmupDurationMinutes * MINUTE_MS;
  // A highly available Workload gets as many candidates as it has active protons.
  const count = Math.max(1, activeProtons(workload, world.now).length);
  const candidates = Array.from({ length: count }, () =>
    launch(world, { workload, artifact, role: 'candidate', runtime, warmupMs }),
  );
  const [candidate] = candidates;
  if (candidate === undefined) return;
  replacement.candidateProtonIds = candidates.map(({ id }) => id);
  const then = (at: number, run: () => void) => after(world, workload, replacement, at, run);
  if (candidate.script === 'silently-dropped') {
    then(world.now + timings.silentDropMs, () => dropSilently(world, workload, candidates));
    return;
  }
  const erroredAt = planned(candidate, 'errored');
  const ready = planned(candidate, 'warming', 'running');
  const windowEnds = createdAt + timings.rollingWindowMs;
  if (erroredAt !== null && erroredAt <= windowEnds) {
    then(erroredAt + timings.failMs, () => fail(world, workload, unhealthy(world, candidate)));
  } else if (ready === null || ready > windowEnds) {
    then(Math.max(windowEnds, world.now), () =>
      fail(world, workload, 'Candidate protons were not ready in time'),
    );
  } else {
    then(ready + warmupMs, () => {
      recordStep(world, workload, replacement, 'Candidate Running');
      enter(world, replacement, 'staged');
    });
    then(ready + warmupMs + timings.stagedMs, () => switchOver(world, workload, replacement, candidates));
  }
}

function unhealthy(world: World, candidate: Proton): string {
  const troubled = containersOf(candidate, world.now, world.timings).find(({ reason }) => reason !== null);
  return `Candidate protons are unhealthy: ${troubled?.name ?? candidate.id} ${troubled?.reason ?? 'errored'}`;
}

function dropSilently(world: World, workload: Workload, candidates: Proton[]): void {
  for (const candidate of candidates) candidate.removedAt = world.now;
  settleRecord(world, workload);
}

/** Switches all traffic together; the candidate receives none before. */
function switchOver(world: World, workload: Workload, replacement: Replacement, candidates: Proton[]): void {
  const broken = candidates.find((candidate) => !canServe(candidate, world.now));
  if (broken !== undefined) {
    fail(world, workload, unhealthy(world, broken));
    return;
  }
  const { timings, now } = world;
  const old = activeProtons(workload, now);
  const keepOldMs = replacement.config.keepOldVersionMinutes * MINUTE_MS;
  // The endpoint routes to the old proton until its lag has passed: the proton must live that long.
  const drained = now + Math.max(timings.drainMs, keepOldMs, timings.endpointLagMs);
  for (const proton of workload.protons.filter(({ role }) => role === 'active')) {
    retire(world, workload, replacement, proton, canServe(proton, now) ? drained : now);
  }
  for (const candidate of candidates) candidate.role = 'active';
  const wasServed = old.length > 0;
  workload.routed.push({
    at: wasServed ? now + timings.endpointLagMs : now,
    protonId: candidates.at(-1)?.id ?? '',
  });
  workload.artifactId = replacement.candidateArtifactId;
  workload.runtime = replacement.runtime;
  workload.updatedAt = now;
  replacement.previousProtonIds = wasServed ? old.map(({ id }) => id) : null;
  replacement.switchedAt = now;
  enter(world, replacement, 'promoting');
  recordStep(world, workload, replacement, 'Traffic Switched');
  const finalizing = now + timings.promotingMs;
  world.at(finalizing, () =>
    whileCurrent(workload, replacement, () => enter(world, replacement, 'finalizing')),
  );
  world.at(Math.max(finalizing + timings.finalizingMs, now + keepOldMs), () =>
    complete(world, workload, replacement),
  );
}

function retire(
  world: World,
  workload: Workload,
  replacement: Replacement,
  proton: Proton,
  drained: number,
): void {
  proton.role = null;
  proton.removedAt ??= world.now + world.timings.retiredListedMs;
  stop(world, proton, 'stopped', drained);
  world.at(drained + world.timings.stopMs, () => {
    recordStep(world, workload, replacement, 'Old Proton Drained');
    touchOutcome(world, workload, replacement);
  });
}

function complete(world: World, workload: Workload, replacement: Replacement): void {
  if (workload.replacement !== replacement || isTerminal(replacement)) return;
  enter(world, replacement, 'completed');
  const message = 'Maintenance of the inference server replacement completed.';
  record(world, workload, replacement, 'Replacement Completed', message);
  const gone = world.now + world.timings.completedVisibleMs;
  world.at(gone, () => whileCurrent(workload, replacement, () => settleRecord(world, workload)));
}

function fail(world: World, workload: Workload, message: string): void {
  const { replacement } = workload;
  if (replacement === null) return;
  enter(world, replacement, 'errored');
  replacement.message = message;
  for (const proton of candidatesOf(workload, replacement)) {
    replan(proton, world.now, { at: world.now, status: 'errored' });
  }
  record(world, workload, replacement, 'Replacement Errored', message);
  const next = workload.queued.shift();
  if (next !== undefined) {
    begin(world, workload, next);
    return;
  }
  const gone = world.now + world.timings.erroredVisibleMs;
  world.at(gone, () => whileCurrent(workload, replacement, () => settleRecord(world, workload)));
}

/** Removes the candidate; the old artifact keeps serving. Only before the switch. */
export function cancel(world: World, workload: Workload, replacement: Replacement): void {
  const { deletingMs, cancelFinalizingMs } = world.timings;
  enter(world, replacement, 'deleting');
  for (const proton of candidatesOf(workload, replacement)) stop(world, proton);
  const reverted = world.now + deletingMs;
  world.at(reverted, () =>
    whileCurrent(workload, replacement, () => enter(world, replacement, 'finalizing')),
  );
  world.at(reverted + cancelFinalizingMs, () =>
    whileCurrent(workload, replacement, () =>
      endCancelled(world, workload, replacement, 'Replacement cancelled.'),
    ),
  );
}

function endCancelled(world: World, workload: Workload, replacement: Replacement, message: string): void {
  enter(world, replacement, 'deleting');
  replacement.deletedAt = world.now;
  record(world, workload, replacement, 'Replacement Cancelled', message);
  settleRecord(world, workload);
}

function whileCurrent(workload: Workload, replacement: Replacement, run: () => void): void {
  if (workload.replacement === replacement) run();
}

/** Ends a replacement together with its Workload's run: stopped, deleted or expired. */
export function abandon(world: World, workload: Workload): void {
  workload.queued = [];
  const replacement = replacementInProgress(workload);
  if (replacement === null) return;
  if (replacement.switchedAt !== null) {
    complete(world, workload, replacement);
    settleRecord(world, workload);
    return;
  }
  for (const proton of candidatesOf(workload, replacement)) stop(world, proton);
  endCancelled(world, workload, replacement, 'Workload was stopped.');
}

/** Removes the record: a GET returns 404 from now on, whatever the outcome. */
function settleRecord(world: World, workload: Workload): void {
  forget(workload);
  const next = workload.queued.shift();
  if (next !== undefined) begin(world, workload, next);
}

function forget(workload: Workload): void {
  const { replacement } = workload;
  if (replacement?.state === 'errored') {
    const ids = replacement.candidateProtonIds;
    workload.protons = workload.protons.filter(({ id }) => !ids.includes(id));
  }
  workload.replacement = null;
}

const candidatesOf = ({ protons }: Workload, { candidateProtonIds }: Replacement) =>
  protons.filter(({ id, role }) => role === 'candidate' && candidateProtonIds.includes(id));
