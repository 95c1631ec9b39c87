import { CANCEL_MINUTES, MAX_START_ATTEMPTS, VISIBILITY_GRACE_SECONDS } from '../limits.ts';
import type { Progress } from '../serving/payloads.ts';
import type { RolloutFailure } from '../serving/rollout-finding.ts';
import type { Replacement } from '../serving/workloads.ts';
import { visible } from '../visible-text.ts';
import { isOurs, updatedProgress } from './progress.ts';
import { activeProtons, hasFailed, isLeaving, isStatus, isTerminal, stateWord } from './rules.ts';
import { whenServed } from './served.ts';
import { start } from './start.ts';
import {
  type DesiredState,
  fail,
  type ObservedState,
  type Situation,
  type Step,
  secondsSince,
  wait,
} from './step.ts';

/**
 * The next step towards the Workload serving the desired artifact. A replacement with the desired artifact counts as this
 * rollout's, whoever started it. One with another artifact that the change has touched is cancelled before its switch;
 * any other is never changed, and none is started beside it. A rollout by itself also locks the artifact; as part of a
 * change the lock comes last, after the registry.
 */
export function nextStep(observed: ObservedState, desired: DesiredState, now: Date): Step {
  const progress = updatedProgress(observed, desired, now);
  const late = now >= desired.deadline;
  if (observed.artifact === null)
    return fail({ progress }, { code: 'artifact-not-found', artifact: desired.artifactId });
  const situation = { ...observed, artifact: observed.artifact, desired, progress, now, late };
  const foreign = foreignReplacement(observed, desired) ?? foreignArtifact(observed, desired);
  // Once this rollout is cancelled, later replacements belong to others.
  if (foreign !== null && progress.cancelled_for === null) return fail(situation, foreign);
  const other = whenAnotherInFlight(situation);
  if (other !== null) return other;
  return observed.workload.artifactId === desired.artifactId
    ? whenServed(situation)
    : whenNotServed(situation);
}

/** A replacement with the served artifact changes settings only; with any other than the desired one it is foreign. */
function foreignReplacement(
  { replacement, workload }: ObservedState,
  { artifactId, change }: DesiredState,
): RolloutFailure | null {
  if (replacement === null || isTerminal(replacement)) return null;
  const { id, candidateArtifactId: artifact, status } = replacement;
  if (artifact === artifactId || artifact === workload.artifactId || change?.touched.includes(artifact))
    return null;
  return { code: 'foreign-replacement', artifact, replacement: id, state: stateWord(status) };
}

/** In a change: an artifact is served that the change has not put there. */
function foreignArtifact(
  { workload }: ObservedState,
  { artifactId, change }: DesiredState,
): RolloutFailure | null {
  const served = workload.artifactId;
  if (change === null || served === artifactId || change.touched.includes(served)) return null;
  return { code: 'superseded', served, switched: false };
}

/**
 * In a change: a replacement with another of its artifacts is in flight. It is cancelled before its switch, and waited for
 * afterwards, as the platform takes no other until it has ended.
 */
function whenAnotherInFlight(s: Situation): Step | null {
  const { replacement, desired, workload, progress } = s;
  if (desired.change === null || replacement === null || isTerminal(replacement)) return null;
  const { candidateArtifactId: candidate, switchedAt } = replacement;
  if (candidate === desired.artifactId || !desired.change.touched.includes(candidate)) return null;
  const state = stateWord(replacement.status);
  const switched = switchedAt !== null;
  // A replacement by the artifact in service changes its settings only: it is somebody's, and waited for.
  if (candidate === workload.artifactId && !switched) return null;
  const waiting = switched
    ? ({ code: 'rollout-switched', state } as const)
    : ({ code: 'rollout-leaving', state } as const);
  if (switched || isLeaving(replacement))
    return s.late ? fail(s, { code: 'deadline', at: waiting }) : wait(s, waiting);
  if (isCancellationOver(s))
    return fail(s, { code: 'cancel-unconfirmed', replacement: { id: replacement.id, state } });
  return { kind: 'cancel', progress, finding: { code: 'rollout-cancelled', state } };
}

function whenNotServed(s: Situation): Step {
  const { replacement, desired, progress } = s;
  if (replacement === null || (isTerminal(replacement) && !isOurs(replacement, s)))
    return whenNoneInProgress(s);
  if (isTerminal(replacement)) {
    if (progress.cancelled_for !== null || !hasFailed(replacement)) return whenNoneInProgress(s);
    return candidateFailed(s, replacement);
  }
  if (replacement.candidateArtifactId === desired.artifactId) return whenInFlight(s, replacement);
  if (progress.cancelled_for !== null) return cancelled(s);
  const change = { code: 'settings-change', state: stateWord(replacement.status) } as const;
  return s.late ? fail(s, { code: 'deadline', at: change }) : wait(s, change);
}

/** A replacement with the desired artifact is in progress: wait for it, and cancel it after the deadline. */
function whenInFlight(s: Situation, replacement: Replacement): Step {
  const { progress } = s;
  const state = stateWord(replacement.status);
  if (!s.late) return wait(s, { code: 'replacing', state });
  if (isCancellationOver(s))
    return fail(s, { code: 'cancel-unconfirmed', replacement: { id: replacement.id, state } });
  // A replacement that has switched, or is being removed, cannot be cancelled; the next step reads which artifact is served.
  if (replacement.switchedAt !== null) return wait(s, { code: 'switched-by-deadline', state });
  const leaving: Progress = { ...progress, cancelled_for: progress.cancelled_for ?? 'deadline' };
  const kind = isLeaving(replacement) ? 'wait' : 'cancel';
  return { kind, progress: leaving, finding: { code: 'cancelling', state } };
}

/** No replacement is in progress and another artifact is served: not started yet, or ended without a switch. */
function whenNoneInProgress(s: Situation): Step {
  const { progress, workload, now } = s;
  if (progress.cancelled_for !== null) return cancelled(s);
  const ended = s.history.find((entry) => isOurs(entry, s));
  if (progress.started_at === null) return ended === undefined ? start(s) : settled(s, ended);
  if (progress.previous_artifact_id !== null && workload.artifactId !== progress.previous_artifact_id)
    return fail(s, { code: 'superseded', served: workload.artifactId, switched: false });
  if (ended !== undefined && hasFailed(ended)) return candidateFailed(s, ended);
  const missing = { ...progress, missing_since: progress.missing_since ?? now.toISOString() };
  if (secondsSince(missing.missing_since, now) < VISIBILITY_GRACE_SECONDS)
    return { kind: 'wait', progress: missing, finding: { code: 'start-not-visible' } };
  if (ended !== undefined) return settled(s, ended);
  if (progress.confirmed)
    return fail(s, { code: 'candidate-dropped', state: null, served: workload.artifactId });
  if (progress.attempts < MAX_START_ATTEMPTS) return start(s);
  return fail(s, { code: 'not-started', attempts: progress.attempts });
}

/** The result of this rollout's replacement, from the platform's history. */
function settled(s: Situation, ended: Replacement): Step {
  if (hasFailed(ended)) return candidateFailed(s, ended);
  const served = s.workload.artifactId;
  if (isStatus(ended.status, 'completed')) return fail(s, { code: 'superseded', served, switched: true });
  return fail(s, { code: 'candidate-dropped', state: stateWord(ended.status), served });
}

function candidateFailed(s: Situation, { status, message }: Replacement): Step {
  return fail(s, {
    code: 'candidate-failed',
    state: stateWord(status),
    message: message === null ? null : visible(message, 300),
  });
}

/** Failed once the previous artifact is confirmed to be served; until then the cancellation is in progress. */
function cancelled(s: Situation): Step {
  const { workload, progress } = s;
  const old = progress.previous_artifact_id ?? workload.artifactId;
  const active = activeProtons(s.protons);
  const back = active.length > 0 && active.every((p) => p.artifactId === old) && workload.artifactId === old;
  if (back) return fail(s, { code: 'deadline', at: { code: 'cancelled', artifact: old } });
  return isCancellationOver(s)
    ? fail(s, { code: 'cancel-unconfirmed', replacement: null })
    : wait(s, { code: 'cancelled' });
}

/** True once a cancellation after the deadline counts as failed. */
const isCancellationOver = ({ desired, now }: Situation) =>
  now.getTime() > desired.deadline.getTime() + CANCEL_MINUTES * 60_000;
