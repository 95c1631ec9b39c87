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

/** The types of the rollout plan: observed state, desired state, and the steps between them. */

/** The state of a Workload. Read in this order: the replacement first, then the Workload, then the rest. */
export interface ObservedState {
  readonly workload: Workload;
  /** The desired artifact; null if it does not exist or is not visible. */
  readonly artifact: Artifact | null;
  /** Status of the served artifact; null if unknown. */
  readonly servedStatus: string | null;
  readonly replacement: Replacement | null;
  readonly protons: readonly Proton[];
  /** Settled replacements of the Workload, as far as they were read. */
  readonly history: readonly Replacement[];
}

/** What a rollout was requested to reach. */
export interface DesiredState {
  readonly artifactId: string;
  readonly rollout: WorkloadRollout | null;
  readonly importance: Importance | null;
  readonly lockArtifact: boolean;
  readonly deadline: Date;
  /** When the caller started; null if unknown. */
  readonly since: Date | null;
  /** The change of the model that this rollout is part of; null for a rollout by itself. */
  readonly change: {
    /** Artifacts that the change may have put in service or in flight: any other is somebody else's. */
    readonly touched: readonly (string | null)[];
    /** True on the way back: the artifact has to be named by the Workload and its active protons, whatever their health. */
    readonly back: boolean;
  } | null;
  readonly progress: Progress;
}

/** One step, with the progress to keep for the next call and the finding behind it. */
export type Step = { readonly progress: Progress } & (
  | { readonly kind: 'complete'; readonly finding: RolloutDone }
  | { readonly kind: 'fail'; readonly finding: RolloutFailure }
  | ({ readonly finding: RolloutWaiting } & (
      | { readonly kind: 'wait' | 'promote' | 'lock' | 'cancel' }
      | { readonly kind: 'set-importance'; readonly importance: Importance }
      | { readonly kind: 'start'; readonly request: StartReplacement }
    ))
);

/** Everything that one decision is based on. */
export interface Situation extends ObservedState {
  readonly artifact: Artifact;
  readonly desired: DesiredState;
  readonly progress: Progress;
  readonly now: Date;
  readonly late: boolean;
}

/** Waits: nothing to change until the next poll. */
export const wait = ({ progress }: Situation, finding: RolloutWaiting): Step => ({
  kind: 'wait',
  progress,
  finding,
});

/** Fails: terminal. */
export const fail = ({ progress }: Pick<Situation, 'progress'>, finding: RolloutFailure): Step => ({
  kind: 'fail',
  progress,
  finding,
});

/** Seconds since an ISO 8601 time; infinite for null. */
export const secondsSince = (at: string | null, now: Date) =>
  at === null ? Number.POSITIVE_INFINITY : (now.getTime() - Date.parse(at)) / 1000;

/** Fails because an artifact is neither draft nor locked. */
export function unknownStatus(s: Situation): Step {
  const { id: artifact, status } = s.artifact;
  return fail(s, { code: 'artifact-status-unknown', artifact, status, served_status: s.servedStatus });
}
