import type { Clock } from '../adapters/clock.ts';
import { StaleFence } from '../domain/errors.ts';
import type { Change } from '../domain/release/release.ts';
import type { PromotionStore } from '../domain/release/store.ts';
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
import type { RolloutFailure } from '../domain/serving/rollout-finding.ts';
import { visible } from '../domain/visible-text.ts';
import type { Invocation } from '../runtime/handler.ts';
import type { ServingServices } from '../runtime/workload-services.ts';
import { rolloutReason } from '../words/rollout.ts';
import { executeStep, observe } from './parts/advance-rollout.ts';
import { diagnose } from './parts/diagnose-rollout.ts';
import { isFresh, type Writer, withLease } from './parts/with-lease.ts';

export interface ReplaceServices extends ServingServices {
  store: PromotionStore;
  clock: Clock;
}

/**
 * Executes one step towards the Workload serving the artifact. Idempotent; called again after `retry_after_seconds`. As a
 * step of the state machine it converges the open change, whose lock comes last; by itself it also locks the artifact.
 * Throws `WorkloadNotFound`, `StaleFence`, `LeaseStoreUnavailable`, `WorkloadApiUnavailable`, `WorkloadApiRefused` and
 * `WorkloadApiInvalidResponse`.
 */
export function replace(
  input: ReplaceInput,
  { workloads, store, clock }: ReplaceServices,
  { requestId }: Invocation,
): Promise<ReplaceAnswer> {
  const target = { workloadId: input.workload_id, artifactId: input.artifact_id };
  const work = async ({ direct, owner, item }: Writer) => {
    if (direct && item.change !== null) {
      const open = { code: 'change-open', model: item.model, holder: item.change.id } as const;
      return notStarted(open, desiredStateOf(input, null));
    }
    const change = direct ? null : ownChange(item.change, owner, input);
    const desired = desiredStateOf(input, change);
    const observed = await observe(workloads, target);
    const now = clock.now();
    const planned = nextStep(observed, desired, now);
    const before = input.previous?.diagnosis ?? null;
    // Cancelling removes the candidate's protons, so they are diagnosed before it.
    const fresh = needsDiagnosis(planned, observed, desired)
      ? await diagnose(workloads, target, observed, planned.progress)
      : null;
    // A diagnosis can take long, and a step is based on what was just seen.
    const done = isFresh(now, clock.now())
      ? await executeStep(planned, target, desired.progress, workloads)
      : ({ kind: 'wait', progress: desired.progress, finding: { code: 'looking-again' } } as const);
    return answer(done, observed, desired, now, fresh === null ? before : mergeDiagnoses(fresh, before));
  };
  // Without a model the Workload has a lease of its own.
  const model_name = input.model_name ?? `workload:${input.workload_id}`;
  const { fence, execution } = input;
  const call = { function: 'replace-workload', model_name, fence, execution, requestId } as const;
  return withLease(call, { store, clock }, work, (lease) => notStarted(lease, desiredStateOf(input, null)));
}

/** The execution's own change, while it is to put this artifact in service. Throws `StaleFence` otherwise. */
function ownChange(change: Change | null, owner: string, { artifact_id, workload_id }: ReplaceInput): Change {
  if (
    change?.id === owner &&
    change.aim.artifact_id === artifact_id &&
    change.aim.workload_id === workload_id
  )
    return change;
  const now = change === null ? 'no change is open' : `the open change, of ${change.id}, has another aim`;
  throw new StaleFence(`This execution no longer changes the Workload: ${now}`);
}

function desiredStateOf(input: ReplaceInput, change: Change | null): DesiredState {
  return {
    artifactId: input.artifact_id,
    rollout: input.rollout,
    importance: input.importance,
    // Once the artifact is locked, there is no way back to a draft.
    lockArtifact: input.lock_artifact === true && change?.safe.draft !== true,
    deadline: new Date(input.deadline),
    since: input.since === null ? null : new Date(input.since),
    change: change === null ? null : { touched: change.touched.artifacts, back: false },
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

/** Another owner holds the lease, or has a change open: nothing was read and nothing changed. */
function notStarted(why: RolloutFailure, { artifactId, progress }: DesiredState): ReplaceAnswer {
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
    reason: rolloutReason(why),
    waiting: null,
    failure: why.code,
    failure_details: why,
    diagnosis: null,
    progress,
  };
}
