import type { PromotionStore } from '../adapters/aws/promotion-table.ts';
import type { Clock } from '../adapters/clock.ts';
import { nextStep } from '../domain/rollout/plan.ts';
import { pollSeconds } from '../domain/rollout/progress.ts';
import { candidateProtons, isStatus, isTerminal } from '../domain/rollout/rules.ts';
import type { DesiredState, ObservedState, Step } from '../domain/rollout/step.ts';
import { mergeDiagnoses } from '../domain/serving/diagnosis.ts';
import {
  type Diagnosis,
  type FailureCode,
  Progress,
  type ReplaceAnswer,
  type ReplaceInput,
} from '../domain/serving/payloads.ts';
import type { LeaseHeld } from '../domain/serving/rollout-finding.ts';
import { visible } from '../domain/visible-text.ts';
import type { Invocation } from '../runtime/handler.ts';
import type { ServingServices } from '../runtime/workload-services.ts';
import { rolloutReason } from '../words/rollout.ts';
import { executeStep, observe } from './parts/advance-rollout.ts';
import { diagnose } from './parts/diagnose-rollout.ts';
import { withLease } from './parts/with-lease.ts';

export interface ReplaceServices extends ServingServices {
  store: PromotionStore;
  clock: Clock;
}

/**
 * Executes one step towards the Workload serving the artifact, locked. Idempotent; called again after
 * `retry_after_seconds`. Throws `WorkloadNotFound`, `StaleFence`, `LeaseStoreUnavailable`, `WorkloadApiUnavailable`,
 * `WorkloadApiRefused` and `WorkloadApiInvalidResponse`.
 */
export function replace(
  input: ReplaceInput,
  { workloads, store, clock }: ReplaceServices,
  { requestId }: Invocation,
): Promise<ReplaceAnswer> {
  const desired = desiredStateOf(input);
  const target = { workloadId: input.workload_id, artifactId: input.artifact_id };
  const work = async () => {
    const observed = await observe(workloads, target);
    const now = clock.now();
    const planned = nextStep(observed, desired, now);
    const before = input.previous?.diagnosis ?? null;
    // Cancelling removes the candidate's protons, so they are diagnosed before it.
    const fresh = needsDiagnosis(planned, observed, desired)
      ? await diagnose(workloads, target, observed, planned.progress)
      : null;
    const done = await executeStep(planned, target, desired.progress, workloads);
    return answer(done, observed, desired, now, fresh === null ? before : mergeDiagnoses(fresh, before));
  };
  // Without a model the Workload has a lease of its own.
  const model_name = input.model_name ?? `workload:${input.workload_id}`;
  const call = { model_name, fence: input.fence, execution: input.execution, requestId };
  return withLease(call, { store, clock }, work, (lease) => leaseHeldResult(lease, desired));
}

function desiredStateOf(input: ReplaceInput): DesiredState {
  return {
    artifactId: input.artifact_id,
    rollout: input.rollout,
    importance: input.importance,
    lockArtifact: input.lock_artifact ?? false,
    deadline: new Date(input.deadline),
    since: input.since === null ? null : new Date(input.since),
    progress: input.previous?.progress ?? Progress.parse({}),
  };
}

/** Failures that the state of containers can explain. */
const ABOUT_CONTAINERS: readonly FailureCode[] = [
  'candidate-failed',
  'candidate-dropped',
  'active-unhealthy',
  'deadline',
  'cancel-unconfirmed',
];

function needsDiagnosis(step: Step, { protons }: ObservedState, { artifactId }: DesiredState): boolean {
  if (step.kind === 'cancel') return true;
  if (step.kind === 'fail')
    return ABOUT_CONTAINERS.includes(step.finding.code) && step.progress.action === 'replace';
  const own = protons.filter((p) => p.artifactId === artifactId);
  return step.kind === 'wait' && own.some(({ status }) => isStatus(status, 'errored'));
}

function answer(
  step: Step,
  observed: ObservedState,
  desired: DesiredState,
  now: Date,
  diagnosis: Diagnosis | null,
): ReplaceAnswer {
  const { progress } = step;
  const settled = step.kind === 'complete' || step.kind === 'fail';
  const { replacement } = observed;
  const own = replacement !== null && replacement.candidateArtifactId === desired.artifactId;
  const candidate = candidateProtons(observed.protons).find((p) => p.artifactId === desired.artifactId);
  return {
    action: progress.action,
    status: step.kind === 'complete' ? 'completed' : step.kind === 'fail' ? 'failed' : 'in_progress',
    phase: replacement !== null && (own || !isTerminal(replacement)) ? visible(replacement.status, 40) : null,
    artifact_id: desired.artifactId,
    previous_artifact_id: progress.previous_artifact_id,
    endpoint: observed.workload.endpoint,
    candidate:
      candidate === undefined
        ? null
        : { proton_id: visible(candidate.id, 80), status: visible(candidate.status, 40) },
    retry_after_seconds: settled ? null : pollSeconds(step.kind, progress, desired.deadline, now),
    already_replaced: step.kind === 'complete' && progress.action === 'none',
    reason: rolloutReason(step.finding),
    waiting: settled ? null : step.finding,
    failure: step.kind === 'fail' ? step.finding.code : null,
    failure_details: step.kind === 'fail' ? step.finding : null,
    diagnosis: step.kind === 'complete' ? null : diagnosis,
    progress,
  };
}

/** Another owner holds the lease: nothing was read and nothing changed. */
function leaseHeldResult(lease: LeaseHeld, { artifactId, progress }: DesiredState): ReplaceAnswer {
  return {
    action: progress.action,
    status: 'failed',
    phase: null,
    artifact_id: artifactId,
    previous_artifact_id: progress.previous_artifact_id,
    endpoint: progress.endpoint,
    candidate: null,
    retry_after_seconds: null,
    already_replaced: false,
    reason: rolloutReason(lease),
    waiting: null,
    failure: lease.code,
    failure_details: lease,
    diagnosis: null,
    progress,
  };
}
