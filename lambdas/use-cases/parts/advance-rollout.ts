import { MAX_CANDIDATE_PROTONS } from '../../domain/limits.ts';
import { isStatus, isTerminal } from '../../domain/rollout/rules.ts';
import { fail, type ObservedState, type Step } from '../../domain/rollout/step.ts';
import {
  WorkloadApiInvalidResponse,
  WorkloadApiRefused,
  WorkloadApiUnavailable,
  WorkloadNotFound,
} from '../../domain/serving/errors.ts';
import type { Progress } from '../../domain/serving/payloads.ts';
import type { Replacement, Workloads } from '../../domain/serving/workloads.ts';
import { quoted } from '../../domain/visible-text.ts';

/** One look at a Workload and one step carried out: what the serving functions share. */

const HISTORY_ROWS = 50;

export interface Target {
  workloadId: string;
  artifactId: string;
}

/**
 * What there is to see. The replacement is read before the Workload: a settled one vanishes only after the Workload's
 * document has switched, so that a switch in between is never taken for a failure. Throws `WorkloadNotFound`.
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
  if (workload === null) {
    throw new WorkloadNotFound(
      `Workload ${quoted(workloadId)} does not exist, or the owner of the token cannot see it`,
    );
  }
  const served = workload.artifactId;
  const another = served !== null && served !== artifactId;
  const settled = replacement === null || isTerminal(replacement);
  const [current, protons, history] = await Promise.all([
    another ? workloads.getArtifact(served) : artifact,
    workloads.protons(workloadId),
    another && settled ? pastReplacements(workloads, workloadId) : [],
  ]);
  const servedStatus = current?.status ?? workload.artifactStatus;
  return { workload, artifact, servedStatus, replacement, protons, history };
}

/** Some installations lack the route; a rollout can do without it. */
async function pastReplacements(workloads: Workloads, workloadId: string): Promise<Replacement[]> {
  try {
    return await workloads.history(workloadId, HISTORY_ROWS);
  } catch (error) {
    if (error instanceof WorkloadApiRefused && error.status === 404) return [];
    throw error;
  }
}

/** The platform's own "no" to what was asked: an outcome. 401 and 403 are not about this rollout and are thrown. */
const isRejected = (error: unknown): error is WorkloadApiRefused =>
  error instanceof WorkloadApiRefused && [400, 404, 409, 422].includes(error.status);

/** Carried out, perhaps: the next look tells. What certainly was not is thrown, so that the caller is repeated. */
const isOutcomeUnknown = (error: unknown) =>
  error instanceof WorkloadApiInvalidResponse ||
  (error instanceof WorkloadApiUnavailable && error.outcomeUnknown);

/** Does what the step says, once. Answers the step as it turned out: refused, still open, or as it was. */
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
      return promote(step, target, workloads);
    case 'start':
      return start(step, target, before, workloads);
    case 'cancel':
      await cancel(target, workloads);
      return step;
  }
}

/** Cancels the replacement in progress, where it can still be cancelled. */
export async function cancel({ workloadId }: Target, workloads: Workloads): Promise<void> {
  await workloads.cancelReplacement(workloadId).catch((error: unknown) => {
    // Too late to cancel, for example: which artifact remains will be seen.
    if (!isRejected(error)) throw error;
  });
}

async function lock(step: Step, { artifactId }: Target, workloads: Workloads): Promise<Step> {
  try {
    await workloads.lockArtifact(artifactId);
    return step;
  } catch (error) {
    if (!(error instanceof WorkloadApiRefused)) throw error;
    // A locked artifact refuses every change, also that to what it is already.
    if (await isLocked(workloads, artifactId)) return step;
    if (!isRejected(error)) throw error;
    return refused(step, 'lock-refused', error);
  }
}

async function promote(step: Step, { workloadId, artifactId }: Target, workloads: Workloads): Promise<Step> {
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
      const seen = await workloads.getReplacement(workloadId).catch(() => null);
      const taken = seen !== null && !isTerminal(seen) && seen.candidateArtifactId === artifactId;
      // What was asked must be remembered even if nothing can be seen now: so this is an answer, not an error.
      return taken
        ? acknowledged(step, seen)
        : { kind: 'wait', progress: step.progress, finding: { code: 'start-unconfirmed' } };
    }
    if (!isRejected(error)) throw error;
    const other = await workloads.getReplacement(workloadId);
    if (other === null || isTerminal(other)) {
      // One that was asked for a moment ago, perhaps by this very step before it died, cannot be seen at once.
      if (before.missing_since !== null || error.status === 400) return refused(step, 'start-refused', error);
      const progress = { ...before, missing_since: step.progress.started_at };
      return { kind: 'wait', progress, finding: { code: 'start-refused-for-now', detail: error.detail } };
    }
    return { kind: 'wait', progress: before, finding: { code: 'start-overtaken', detail: error.detail } };
  }
}

function acknowledged(step: Extract<Step, { kind: 'start' }>, replacement: Replacement): Step {
  const { id, candidateArtifactId, candidateProtonIds } = replacement;
  // The answer may name a replacement that was there before, where the platform queues instead of refusing.
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
