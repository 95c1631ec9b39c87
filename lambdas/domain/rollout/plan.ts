import { CANCEL_MINUTES } from '../limits.ts';
import type { FailureCode, Progress } from '../serving/payloads.ts';
import type { Replacement } from '../serving/workloads.ts';
import { quoted, visible } from '../visible-text.ts';
import { GRACE_SECONDS, isOurs, MOST_ATTEMPTS, remembered } from './progress.ts';
import { activeProtons, hasFailed, isLeaving, isStatus, isTerminal } from './rules.ts';
import { whenServed } from './served.ts';
import { start } from './start.ts';
import { fail, type Seen, type Situation, type Step, secondsSince, step, type Wanted } from './step.ts';

/**
 * The one next thing that brings the Workload closer to serving the wanted artifact, locked. Whoever started it, a
 * replacement by the wanted artifact is taken for ours; any other is never touched, and none is started beside it.
 */
export function nextStep(seen: Seen, wanted: Wanted, now: Date): Step {
  const progress = remembered(seen, wanted, now);
  const late = now >= wanted.deadline;
  if (seen.artifact === null) {
    const reason = `Artifact ${quoted(wanted.artifactId)} does not exist, or the owner of the token cannot see it (artifacts are shared apart from Workloads)`;
    return { kind: 'fail', code: 'artifact-not-found', progress, reason };
  }
  const situation = { ...seen, artifact: seen.artifact, wanted, progress, now, late };
  const foreign = foreignReplacement(seen, wanted.artifactId);
  // Once ours is cancelled, what others do next is theirs.
  if (foreign !== null && progress.cancelled_for === null)
    return fail(situation, 'foreign-replacement', foreign);
  return seen.workload.artifactId === wanted.artifactId ? whenServed(situation) : whenNotServed(situation);
}

/** A replacement by the artifact that is served changes settings only; by any other than the wanted it is foreign. */
function foreignReplacement({ replacement, workload }: Seen, wantedId: string): string | null {
  if (replacement === null || isTerminal(replacement)) return null;
  const { id, candidateArtifactId, status } = replacement;
  if (candidateArtifactId === wantedId || candidateArtifactId === workload.artifactId) return null;
  return `Another replacement is in progress (${visible(status, 40)}): artifact ${quoted(candidateArtifactId)}, replacement ${quoted(id)}; it was left alone. Wait until it has ended, or have it cancelled by its owner`;
}

function whenNotServed(s: Situation): Step {
  const { replacement, wanted, progress } = s;
  if (replacement === null || (isTerminal(replacement) && !isOurs(replacement, s))) return whenNoneGoesOn(s);
  if (isTerminal(replacement)) {
    if (progress.cancelled_for !== null || !hasFailed(replacement)) return whenNoneGoesOn(s);
    return candidateFailed(s, replacement);
  }
  if (replacement.candidateArtifactId === wanted.artifactId) return whenInFlight(s, replacement);
  if (progress.cancelled_for !== null) return cancelled(s, progress.cancelled_for);
  const reason = `A settings change of the Workload is in progress (${visible(replacement.status, 40)})`;
  return s.late
    ? fail(s, 'deadline', `${reason} until the deadline; nothing was started`)
    : step(s, 'wait', reason);
}

/** A replacement by the wanted artifact goes on: it is waited for, and cancelled once the deadline is over. */
function whenInFlight(s: Situation, replacement: Replacement): Step {
  const { progress, wanted, now } = s;
  const state = visible(replacement.status, 40);
  if (!s.late) return step(s, 'wait', `The replacement is in progress (${state})`);
  if (now.getTime() > wanted.deadline.getTime() + CANCEL_MINUTES * 60_000) {
    const reason = `The replacement ${quoted(replacement.id)} was to be cancelled and is still ${state}: look at the Workload`;
    return fail(s, 'cancel-unconfirmed', reason);
  }
  // What has switched, or is leaving already, cannot be cancelled; which artifact it leaves behind will be seen.
  if (replacement.switchedAt !== null)
    return step(s, 'wait', `The replacement had switched by the deadline (${state})`);
  const leaving: Progress = { ...progress, cancelled_for: progress.cancelled_for ?? 'deadline' };
  const kind = isLeaving(replacement) ? 'wait' : 'cancel';
  return { kind, progress: leaving, reason: `The deadline is over: the replacement is cancelled (${state})` };
}

/** Nothing goes on and another artifact is served: not begun yet, or begun and settled without a switch. */
function whenNoneGoesOn(s: Situation): Step {
  const { progress, workload, now } = s;
  if (progress.cancelled_for !== null) return cancelled(s, progress.cancelled_for);
  const ended = s.history.find((entry) => isOurs(entry, s));
  if (progress.started_at === null) return ended === undefined ? start(s) : settled(s, ended);
  if (progress.previous_artifact_id !== null && workload.artifactId !== progress.previous_artifact_id) {
    const reason = `Since the rollout began, somebody else has put artifact ${quoted(workload.artifactId ?? 'none')} in service`;
    return fail(s, 'superseded', reason);
  }
  if (ended !== undefined && hasFailed(ended)) return candidateFailed(s, ended);
  const missing = { ...progress, missing_since: progress.missing_since ?? now.toISOString() };
  if (secondsSince(missing.missing_since, now) < GRACE_SECONDS) {
    return {
      kind: 'wait',
      progress: missing,
      reason: 'The replacement was asked for and cannot be seen (yet)',
    };
  }
  if (ended !== undefined) return settled(s, ended);
  if (progress.confirmed) {
    const reason = `The platform has given the replacement up without a word: artifact ${quoted(workload.artifactId ?? 'none')} is still served`;
    return fail(s, 'candidate-dropped', reason);
  }
  if (progress.attempts < MOST_ATTEMPTS) return start(s);
  return fail(
    s,
    'not-started',
    `The replacement was asked for ${progress.attempts} times, no answer came, and none can be seen`,
  );
}

/** Whoever of us started it, and whether or not that could be remembered: the platform's history knows how it ended. */
function settled(s: Situation, ended: Replacement): Step {
  if (hasFailed(ended)) return candidateFailed(s, ended);
  if (isStatus(ended.status, 'completed')) {
    return fail(
      s,
      'superseded',
      `The artifact was put in service and replaced again by ${quoted(s.workload.artifactId ?? 'none')}`,
    );
  }
  return fail(
    s,
    'candidate-dropped',
    `The replacement ended as ${visible(ended.status, 40)}, without a switch`,
  );
}

function candidateFailed(s: Situation, replacement: Replacement): Step {
  const why = replacement.message === null ? '' : `: ${visible(replacement.message, 300)}`;
  return fail(
    s,
    'candidate-failed',
    `The candidate did not come up; the replacement is ${visible(replacement.status, 40)}${why}`,
  );
}

/** Failed only when the old artifact is known to be served: until then it is still being undone. */
function cancelled(s: Situation, code: FailureCode): Step {
  const { workload, progress, wanted, now } = s;
  const old = progress.previous_artifact_id ?? workload.artifactId;
  const active = activeProtons(s.protons);
  const back = active.length > 0 && active.every((p) => p.artifactId === old) && workload.artifactId === old;
  if (back) {
    return fail(
      s,
      code,
      `The rollout did not end before its deadline and was cancelled; artifact ${quoted(old ?? 'none')} is served as before`,
    );
  }
  if (now.getTime() <= wanted.deadline.getTime() + CANCEL_MINUTES * 60_000) {
    return step(s, 'wait', 'The replacement was cancelled; the old artifact is not confirmed yet');
  }
  return fail(
    s,
    'cancel-unconfirmed',
    'The replacement was cancelled, but the old artifact could not be confirmed: look at the Workload',
  );
}
