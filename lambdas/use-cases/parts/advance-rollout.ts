import { MAX_CANDIDATE_PROTONS } from '../../domain/limits.ts';
import { isStatus, isTerminal } from '../../domain/rollout/rules.ts';
import { fail, type ObservedState, type Step } from '../../domain/rollout/step.ts';
import {
  WorkloadApiInvalidResponse,
  WorkloadApiRefused,
  WorkloadApiUnavailable,
} from '../../domain/serving/errors.ts';
import type { Progress } from '../../domain/serving/payloads.ts';
import type { Replacement, Workloads } from '../../domain/serving/workloads.ts';
import { existing } from './look.ts';

/** Observing a Workload and executing one step on it, for rollout and rollback. */

const HISTORY_ROWS = 50;

/** A Workload and the artifact that it should serve. */
export interface Target {
  workloadId: string;
  artifactId: string;
}

/**
 * Reads the state of a Workload. The replacement is read before the Workload: a settled one disappears only after the
 * Workload's document has switched, so that a switch in between does not look like a failure. Throws `WorkloadNotFound`
 * and the errors of the Workload API.
 */
export async function observe(
  workloads: Workloads,
  { workloadId, artifactId }: Target,
): Promise<ObservedState> {
  const replacement = await workloads.getReplacement(workloadId);
  const [workload, artifact] = await Promise.all([
    workloads.getWorkload(workloadId),
    workloads.getArtifact(artifactId),
  ]);
  const found = existing(workload, workloadId);
  const served = found.artifactId;
  const another = served !== null && served !== artifactId;
  const settled = replacement === null || isTerminal(replacement);
  const [current, protons, history] = await Promise.all([
    another ? workloads.getArtifact(served) : artifact,
    workloads.protons(workloadId),
    another && settled ? pastReplacements(workloads, workloadId) : [],
  ]);
  const servedStatus = current?.status ?? found.artifactStatus;
  return { workload: found, artifact, servedStatus, replacement, protons, history };
}

/** Empty where an installation lacks the route: a rollout does not depend on it. */
async function pastReplacements(workloads: Workloads, workloadId: string): Promise<Replacement[]> {
  try {
    return await workloads.history(workloadId, HISTORY_ROWS);
  } catch (error) {
    if (error instanceof WorkloadApiRefused && error.status === 404) return [];
    throw error;
  }
}

/** True when the platform rejected the request itself, which is an outcome; 401 and 403 concern the credentials and are thrown. */
const isRejected = (error: unknown): error is WorkloadApiRefused =>
  error instanceof WorkloadApiRefused && [400, 404, 409, 422].includes(error.status);

/** True when the request may have taken effect: the next step reads the state. Otherwise the error is thrown and retried. */
const isOutcomeUnknown = (error: unknown) =>
  (error instanceof WorkloadApiInvalidResponse || error instanceof WorkloadApiUnavailable) &&
  error.outcomeUnknown;

/** Executes the step once and answers it as it turned out: failed, unconfirmed, or unchanged. Throws the errors of the Workload API. */
export async function executeStep(
  step: Step,
  target: Target,
  before: Progress,
  workloads: Workloads,
): Promise<Step> {
  switch (step.kind) {
    case 'complete':
    case 'wait':
    case 'fail':
      return step;
    case 'set-importance':
      await workloads.setImportance(target.workloadId, step.importance);
      return step;
    case 'lock':
      return lock(step, target, workloads);
    case 'promote':
      return promoteInPlace(step, target, workloads);
    case 'start':
      return start(step, target, before, workloads);
    case 'cancel':
      await cancel(target, workloads);
      return step;
  }
}

/** Cancels the replacement in progress; a rejected cancellation is ignored. */
export async function cancel({ workloadId }: Target, workloads: Workloads): Promise<void> {
  await workloads.cancelReplacement(workloadId).catch((error: unknown) => {
    // It may be too late to cancel; the next step reads which artifact is served.
    if (!isRejected(error)) throw error;
  });
}

async function lock(step: Step, { artifactId }: Target, workloads: Workloads): Promise<Step> {
  try {
    await workloads.lockArtifact(artifactId);
    return step;
  } catch (error) {
    if (!(error instanceof WorkloadApiRefused)) throw error;
    // A locked artifact rejects every change, even locking it again.
    if (await isLocked(workloads, artifactId)) return step;
    if (!isRejected(error)) throw error;
    return refused(step, 'lock-refused', error);
  }
}

/** Promotion in place: locks the served draft. Answers the step as it turned out. Throws the errors of the Workload API. */
export async function promoteInPlace(
  step: Step,
  { workloadId, artifactId }: Target,
  workloads: Workloads,
): Promise<Step> {
  try {
    await workloads.promote(workloadId);
    return step;
  } catch (error) {
    if (isOutcomeUnknown(error))
      return { kind: 'wait', progress: step.progress, finding: { code: 'promotion-unconfirmed' } };
    if (!isRejected(error)) throw error;
    return (await isLocked(workloads, artifactId)) ? step : refused(step, 'promote-refused', error);
  }
}

async function isLocked(workloads: Workloads, artifactId: string): Promise<boolean> {
  const artifact = await workloads.getArtifact(artifactId);
  return artifact !== null && isStatus(artifact.status, 'locked');
}

async function start(
  step: Extract<Step, { kind: 'start' }>,
  { workloadId, artifactId }: Target,
  before: Progress,
  workloads: Workloads,
): Promise<Step> {
  try {
    return acknowledged(step, await workloads.startReplacement(workloadId, step.request));
  } catch (error) {
    if (isOutcomeUnknown(error)) {
      const current = await workloads.getReplacement(workloadId).catch(() => null);
      const started = current !== null && !isTerminal(current) && current.candidateArtifactId === artifactId;
      // The progress has to be kept even if nothing is visible yet: so this is an answer, not an error.
      return started
        ? acknowledged(step, current)
        : { kind: 'wait', progress: step.progress, finding: { code: 'start-unconfirmed' } };
    }
    if (!isRejected(error)) throw error;
    const other = await workloads.getReplacement(workloadId);
    if (other === null || isTerminal(other)) {
      // A replacement requested a moment ago, perhaps by an earlier attempt of this step, is not visible at once.
      if (before.missing_since !== null || error.status === 400) return refused(step, 'start-refused', error);
      const progress = { ...before, missing_since: step.progress.started_at };
      return { kind: 'wait', progress, finding: { code: 'start-refused-for-now', detail: error.detail } };
    }
    return { kind: 'wait', progress: before, finding: { code: 'start-overtaken', detail: error.detail } };
  }
}

function acknowledged(step: Extract<Step, { kind: 'start' }>, replacement: Replacement): Step {
  const { id, candidateArtifactId, candidateProtonIds } = replacement;
  // Where the platform queues requests, the answer may name an earlier replacement.
  if (candidateArtifactId !== '' && candidateArtifactId !== step.request.artifactId) return step;
  const progress = {
    ...step.progress,
    confirmed: true,
    replacement_id: id,
    candidate_proton_ids: [...candidateProtonIds].slice(0, MAX_CANDIDATE_PROTONS),
  };
  return { ...step, progress };
}

const refused = (
  step: Step,
  code: 'lock-refused' | 'start-refused' | 'promote-refused',
  { status, detail }: WorkloadApiRefused,
): Step => fail(step, { code, http_status: status, detail });
