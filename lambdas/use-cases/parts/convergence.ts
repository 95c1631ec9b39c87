import type { Clock } from '../../adapters/clock.ts';
import type { Change } from '../../domain/release/release.ts';
import type { PromotionStore } from '../../domain/release/store.ts';
import type { DesiredState, ObservedState } from '../../domain/rollout/step.ts';
import type { Progress, WorkloadRollout } from '../../domain/serving/payloads.ts';
import type { Importance, Workloads } from '../../domain/serving/workloads.ts';
import type { RegistryServices } from '../../runtime/mlflow-services.ts';
import type { Writer } from './with-lease.ts';
export interface ConvergeServices extends RegistryServices {
  store: PromotionStore;
  clock: Clock;
  /** Created on first use: only models served by a Workload need the Workload API. */
  workloads: () => Workloads;
}

/** One call's part in bringing both sides to the aim of the open change. */
export interface Convergence {
  readonly change: Change;
  readonly writer: Writer;
  readonly progress: Progress;
  readonly deadline: Date;
  readonly requested_by: string | null;
  /** False where a rollout that has to be started counts as a failure: the serving half was brought there before. */
  readonly mayStart: boolean;
}

/**
 * True on the way back, or in a rollback: the aim was in service before. The safe release may be what a promotion was asked
 * for, where it has taken over a change that was to go there.
 */
export const isBack = ({ kind, turned_at }: Change) => kind === 'rollback' || turned_at !== null;

const importances: readonly Importance[] = ['critical', 'high', 'moderate', 'low'];

/** What the rollout towards the aim of a change is to reach. Throws `LeaseStoreUnavailable`. */
export async function desiredState(
  { change, progress, deadline, writer }: Convergence,
  { workload }: ObservedState,
  { store }: ConvergeServices,
): Promise<DesiredState> {
  const { aim } = change;
  const elsewhere = workload.artifactId !== aim.artifact_id;
  // The runtime is needed for a replacement only.
  const runtime = elsewhere ? ((await store.getRelease(writer.item.model, aim.key))?.runtime ?? null) : null;
  const rollout: WorkloadRollout = {
    strategy: 'rolling',
    keepOldVersionMinutes: 0,
    ...(runtime === null ? {} : { runtime }),
  };
  return {
    artifactId: aim.artifact_id ?? '',
    rollout,
    importance: importances.find((word) => word === aim.importance) ?? null,
    lockArtifact: false,
    deadline,
    since: null,
    change: { touched: change.touched.artifacts, back: isBack(change) },
    progress,
  };
}
