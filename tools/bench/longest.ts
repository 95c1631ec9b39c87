import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { longestLeaseWaitSeconds, longestMinutes, rolloutSeconds } from '../../lambdas/domain/limits.ts';
import { PrepareInput } from '../../lambdas/domain/payloads.ts';
import { nextStep } from '../../lambdas/domain/rollout/plan.ts';
import { pollSeconds } from '../../lambdas/domain/rollout/progress.ts';
import type { ServingBefore, ServingUndo } from '../../lambdas/domain/rollout/serving-rollback.ts';
import { Progress } from '../../lambdas/domain/serving/payloads.ts';
import type { Artifact, Replacement, Workload, Workloads } from '../../lambdas/domain/serving/workloads.ts';
import { undoServing } from '../../lambdas/use-cases/parts/serving-undo.ts';
import { type PrepareServices, prepare } from '../../lambdas/use-cases/prepare-promotion.ts';
import { eventsOf } from './tally.ts';

/** One kind of waiting inside an execution, as long as it can last. */
export interface Waiting {
  what: string;
  /** How often it is looked at what is waited for, and then waited. */
  rounds: number;
  seconds: number;
  /** Seconds between two looks, at the shortest and at the longest. */
  pauses: { shortest: number; longest: number };
  /** History events of all rounds. */
  events: number;
}

export interface Longest {
  waitings: readonly Waiting[];
  /** Events of everything else on the longest path, each task run once. */
  otherEvents: number;
}

const BEGIN = new Date('2026-01-01T00:00:00.000Z');
const later = (from: Date, seconds: number) => new Date(from.getTime() + seconds * 1000);

/** States of one round and of everything else, by type; a test holds them against the state machine. */
export const leaseRound = ['Wait', 'Choice', 'Task', 'Pass', 'Choice', 'Task', 'Choice'];
export const lookRound = ['Task', 'Choice', 'Wait'];
const untilPrepared = ['Task', 'Choice', 'Task', 'Pass', 'Choice', 'Task', 'Choice'];
const lastLooks = ['Task', 'Choice', 'Task', 'Choice'];
const ending = ['Task', 'Choice', 'Fail'];

const eventsOfAll = (types: readonly string[]) => types.flatMap(eventsOf).length;
/** `ExecutionStarted` and `ExecutionFailed`. */
const OF_THE_EXECUTION = 2;

/**
 * The longest history that one execution can have: it waits for the lease as long as may be asked for, rolls out with
 * the longest minutes on a platform that switches at the last moment and never comes to an end, and waits for the way
 * back until that is given up, too. It is found by asking the functions' own code when it wants to be called again.
 */
export async function longest(): Promise<Longest> {
  return {
    waitings: [
      waiting('waiting for the lease', leaseRound, await leaseRounds()),
      waiting('rolling out', lookRound, rolloutRounds()),
      waiting('waiting for the way back', lookRound, await undoRounds()),
    ],
    otherEvents: eventsOfAll([...untilPrepared, ...lastLooks, ...ending]) + OF_THE_EXECUTION,
  };
}

const waiting = (what: string, round: readonly string[], pauses: readonly number[]): Waiting => ({
  what,
  rounds: pauses.length,
  seconds: pauses.reduce((sum, pause) => sum + pause, 0),
  pauses: { shortest: Math.min(...pauses), longest: Math.max(...pauses) },
  events: pauses.length * eventsOfAll(round),
});

/** Pauses of an execution that waits for a lease which never becomes free. */
async function leaseRounds(): Promise<number[]> {
  const input = PrepareInput.parse({
    operation: 'promote',
    model_name: 'model',
    wait_for_lease_minutes: longestLeaseWaitSeconds / 60,
    dry_run: false,
    comparison: null,
    execution: 'this one',
    started_at: BEGIN.toISOString(),
  });
  const pauses: number[] = [];
  for (let now = BEGIN; ; now = later(now, pauses.at(-1) ?? 0)) {
    const services = only<PrepareServices>({
      store: {
        ...noStore,
        takeLease: async () => ({ taken: false, holder: 'another', expiresAt: '' }),
      },
      clock: { now: () => now },
    });
    const { wait, retry_after_seconds } = await prepare(input, services);
    if (!wait) return pauses;
    pauses.push(retry_after_seconds);
  }
}

const artifact = (id: string): Artifact => ({
  id,
  name: id,
  type: null,
  status: 'locked',
  version: 1,
  groups: [],
  containerGroups: [],
});
const workload = (artifactId: string): Workload => ({
  id: 'workload',
  name: 'workload',
  status: 'running',
  importance: null,
  type: null,
  artifactId,
  artifactStatus: 'locked',
  endpoint: null,
  runtime: null,
});
const active = { id: 'proton', artifactId: 'old', role: 'active', status: 'running', logTail: [] };
/** It has switched, and so can no longer be cancelled, and goes on for ever. */
const endless: Replacement = {
  id: 'replacement',
  candidateArtifactId: 'new',
  candidateProtonIds: [],
  previousProtonIds: [],
  status: 'finalizing',
  message: null,
  switchedAt: BEGIN.toISOString(),
  createdAt: BEGIN.toISOString(),
};

/** Pauses of a rollout with the longest minutes that may be asked for. */
export function rolloutRounds(
  rollout: { warmupDurationMinutes: number; keepOldVersionMinutes: number } = longestMinutes,
): number[] {
  const deadline = later(BEGIN, rolloutSeconds(rollout));
  const pauses: number[] = [];
  let progress = Progress.parse({});
  for (let now = BEGIN; ; now = later(now, pauses.at(-1) ?? 0)) {
    const seen = {
      workload: workload('old'),
      artifact: artifact('new'),
      servedStatus: 'locked',
      replacement: pauses.length === 0 ? null : endless,
      protons: [active],
      history: [],
    };
    const step = nextStep(
      seen,
      {
        artifactId: 'new',
        rollout: { strategy: 'rolling', ...rollout },
        importance: null,
        lockArtifact: false,
        deadline,
        since: BEGIN,
        progress,
      },
      now,
    );
    if (step.kind === 'fail' || step.kind === 'complete') return pauses;
    progress = step.progress;
    pauses.push(pollSeconds(step.kind, progress, deadline, now));
  }
}

/** Pauses of a way back that cannot begin, as the rollout never ends. */
async function undoRounds(): Promise<number[]> {
  const platform = only<Workloads>({
    getReplacement: async () => endless,
    getWorkload: async () => workload('new'),
    getArtifact: async (id) => artifact(id),
    protons: async () => [active],
  });
  const before: ServingBefore = {
    workload_id: 'workload',
    artifact_id: 'new',
    previous_artifact_id: 'old',
    previous_status: 'locked',
    previous_runtime: null,
    previous_importance: null,
  };
  const pauses: number[] = [];
  let previous: ServingUndo | null = null;
  for (let now = BEGIN; ; now = later(now, pauses.at(-1) ?? 0)) {
    const { serving, retryAfter }: Awaited<ReturnType<typeof undoServing>> = await undoServing(
      platform,
      before,
      previous,
      now,
    );
    if (retryAfter === null) return pauses;
    previous = serving;
    pauses.push(retryAfter);
  }
}

/** Services of which only these are used here: another one would be undefined, and its use an error. */
const only = <Services extends object>(used: Partial<Services>): Services => used as Services;
