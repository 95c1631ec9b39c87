import type { Progress, WorkloadRollout } from '../serving/payloads.ts';
import type { RolloutDone, RolloutFailure, RolloutWaiting } from '../serving/rollout-finding.ts';
import type {
  Artifact,
  Importance,
  Proton,
  Replacement,
  StartReplacement,
  Workload,
} from '../serving/workloads.ts';

/** The vocabulary of the rollout plan: what a step looks at, what it is asked for, and what it may decide. */

/** What a step looks at. Read in this order of age: the replacement first, then the Workload, then the rest. */
export interface ObservedState {
  readonly workload: Workload;
  /** The desired artifact; null when there is none or it cannot be seen. */
  readonly artifact: Artifact | null;
  /** Status of the artifact that is served; null where nobody says. */
  readonly servedStatus: string | null;
  readonly replacement: Replacement | null;
  readonly protons: readonly Proton[];
  /** Settled replacements of the Workload, as far as they were read. */
  readonly history: readonly Replacement[];
}

export interface DesiredState {
  readonly artifactId: string;
  readonly rollout: WorkloadRollout | null;
  readonly importance: Importance | null;
  readonly lockArtifact: boolean;
  readonly deadline: Date;
  /** When the caller began; null where it does not say. */
  readonly since: Date | null;
  readonly progress: Progress;
}

/** One thing to do, with what has to be updatedProgress for the next time, and why it is done. */
export type Step = { readonly progress: Progress } & (
  | { readonly kind: 'complete'; readonly finding: RolloutDone }
  | { readonly kind: 'fail'; readonly finding: RolloutFailure }
  | ({ readonly finding: RolloutWaiting } & (
      | { readonly kind: 'wait' | 'promote' | 'lock' | 'cancel' }
      | { readonly kind: 'set-importance'; readonly importance: Importance }
      | { readonly kind: 'start'; readonly request: StartReplacement }
    ))
);

/** Everything one decision is made on. */
export interface Situation extends ObservedState {
  readonly artifact: Artifact;
  readonly desired: DesiredState;
  readonly progress: Progress;
  readonly now: Date;
  readonly late: boolean;
}

export const wait = ({ progress }: Situation, finding: RolloutWaiting): Step => ({
  kind: 'wait',
  progress,
  finding,
});

export const fail = ({ progress }: Pick<Situation, 'progress'>, finding: RolloutFailure): Step => ({
  kind: 'fail',
  progress,
  finding,
});

/** Infinitely many where it never happened. */
export const secondsSince = (at: string | null, now: Date) =>
  at === null ? Number.POSITIVE_INFINITY : (now.getTime() - Date.parse(at)) / 1000;

export function unknownStatus(s: Situation): Step {
  const { id: artifact, status } = s.artifact;
  return fail(s, { code: 'artifact-status-unknown', artifact, status, served_status: s.servedStatus });
}
