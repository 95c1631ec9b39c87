import type { PromotionStore } from '../adapters/aws/promotion-table.ts';
import type { Clock } from '../adapters/clock.ts';
import { nextStep } from '../domain/rollout/plan.ts';
import { pollSeconds } from '../domain/rollout/progress.ts';
import { candidates, isStatus, isTerminal } from '../domain/rollout/rules.ts';
import type { Seen, Step, Wanted } from '../domain/rollout/step.ts';
import { fuller } from '../domain/serving/diagnosis.ts';
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
import { carryOut, observe } from './parts/advance-rollout.ts';
import { diagnose } from './parts/diagnose-rollout.ts';
import { withLease } from './parts/with-lease.ts';

export interface ReplaceServices extends ServingServices {
  store: PromotionStore;
  clock: Clock;
}

/**
 * Brings the Workload one step closer to serving the artifact, locked. May be called at any moment, any number of
 * times. Throws when the Workload API or the lease table cannot be relied on, and `WorkloadNotFound`.
 */
export function replace(
  input: ReplaceInput,
  { workloads, store, clock }: ReplaceServices,
  { requestId }: Invocation,
): Promise<ReplaceAnswer> {
  const wanted = wantedOf(input);
  const target = { workloadId: input.workload_id, artifactId: input.artifact_id };
  const work = async () => {
    const seen = await observe(workloads, target);
    const now = clock.now();
    const planned = nextStep(seen, wanted, now);
    const before = input.previous?.diagnosis ?? null;
    // Cancelling removes what there is to see, so a diagnosis is made before it.
    const fresh = needsDiagnosis(planned, seen, wanted)
      ? await diagnose(workloads, target, seen, planned.progress)
      : null;
    const done = await carryOut(planned, target, wanted.progress, workloads);
    return answer(done, seen, wanted, now, fresh === null ? before : fuller(fresh, before));
  };
  // Without a model the Workload has a lease of its own.
  const model_name = input.model_name ?? `workload:${input.workload_id}`;
  const call = { model_name, fence: input.fence, execution: input.execution, requestId };
  return withLease(call, { store, clock }, work, (lease) => held(lease, wanted));
}

function wantedOf(input: ReplaceInput): Wanted {
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

/** Failures that are about containers; the others are said in full by their reason. */
const ABOUT_CONTAINERS: readonly FailureCode[] = [
  'candidate-failed',
  'candidate-dropped',
  'active-unhealthy',
  'deadline',
  'cancel-unconfirmed',
];

function needsDiagnosis(step: Step, { protons }: Seen, { artifactId }: Wanted): boolean {
  if (step.kind === 'cancel') return true;
  if (step.kind === 'fail')
    return ABOUT_CONTAINERS.includes(step.finding.code) && step.progress.action === 'replace';
  const own = protons.filter((p) => p.artifactId === artifactId);
  return step.kind === 'wait' && own.some(({ status }) => isStatus(status, 'errored'));
}

function answer(
  step: Step,
  seen: Seen,
  wanted: Wanted,
  now: Date,
  diagnosis: Diagnosis | null,
): ReplaceAnswer {
  const { progress } = step;
  const settled = step.kind === 'complete' || step.kind === 'fail';
  const { replacement } = seen;
  const own = replacement !== null && replacement.candidateArtifactId === wanted.artifactId;
  const candidate = candidates(seen.protons).find((p) => p.artifactId === wanted.artifactId);
  return {
    action: progress.action,
    status: step.kind === 'complete' ? 'completed' : step.kind === 'fail' ? 'failed' : 'in_progress',
    phase: replacement !== null && (own || !isTerminal(replacement)) ? visible(replacement.status, 40) : null,
    artifact_id: wanted.artifactId,
    previous_artifact_id: progress.previous_artifact_id,
    endpoint: seen.workload.endpoint,
    candidate:
      candidate === undefined
        ? null
        : { proton_id: visible(candidate.id, 80), status: visible(candidate.status, 40) },
    retry_after_seconds: settled ? null : pollSeconds(step.kind, progress, wanted.deadline, now),
    already_replaced: step.kind === 'complete' && progress.action === 'none',
    reason: rolloutReason(step.finding),
    waiting: settled ? null : step.finding,
    failure: step.kind === 'fail' ? step.finding.code : null,
    failure_details: step.kind === 'fail' ? step.finding : null,
    diagnosis: step.kind === 'complete' ? null : diagnosis,
    progress,
  };
}

/** Somebody else may write for the model now: nothing was looked at and nothing touched. */
function held(lease: LeaseHeld, { artifactId, progress }: Wanted): ReplaceAnswer {
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
