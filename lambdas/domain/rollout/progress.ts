import {
  CLOCK_SKEW_MS,
  MAX_CANDIDATE_PROTONS,
  MAX_POLL_SECONDS,
  MIN_POLL_SECONDS,
  POLL_AGE_DIVISOR,
} from '../limits.ts';
import type { Progress } from '../serving/payloads.ts';
import type { Replacement } from '../serving/workloads.ts';
import { isTerminal } from './rules.ts';
import type { DesiredState, ObservedState, Situation, Step } from './step.ts';

/** What a rollout remembers between its steps, as no question to the platform could tell. */

/** What was handed on, with what this look adds: where it began, and our replacement once it can be observed. */
export function updatedProgress(
  observed: ObservedState,
  { artifactId, progress }: DesiredState,
  now: Date,
): Progress {
  const { workload, replacement } = observed;
  const elsewhere = workload.artifactId === artifactId ? null : workload.artifactId;
  const first: Progress = {
    ...progress,
    began_at: progress.began_at ?? now.toISOString(),
    previous_artifact_id: progress.previous_artifact_id ?? elsewhere,
    endpoint: progress.endpoint ?? workload.endpoint,
  };
  if (replacement === null || isTerminal(replacement) || replacement.candidateArtifactId !== artifactId)
    return first;
  // Served already when we came: what goes on is a change of settings, or the end of a rollout before ours.
  if (elsewhere === null && progress.action !== 'replace') return first;
  return {
    ...first,
    action: progress.action === 'none' ? 'replace' : progress.action,
    started_at: progress.started_at ?? replacement.createdAt ?? now.toISOString(),
    confirmed: true,
    replacement_id: replacement.id,
    candidate_proton_ids: replacement.candidateProtonIds.slice(0, MAX_CANDIDATE_PROTONS),
    attempts: Math.max(1, progress.attempts),
    missing_since: null,
  };
}

/**
 * Whether a settled replacement is the one of this rollout. An earlier one by the same artifact, which failed last
 * week or a minute ago, says nothing about this one.
 */
export function isOurs(settled: Replacement, { desired, progress }: Situation): boolean {
  if (settled.candidateArtifactId !== desired.artifactId) return false;
  if (settled.id === progress.replacement_id) return true;
  const requested = progress.started_at === null ? null : Date.parse(progress.started_at) - CLOCK_SKEW_MS;
  const from =
    desired.since === null
      ? requested
      : Math.min(desired.since.getTime(), requested ?? Number.POSITIVE_INFINITY);
  return from !== null && settled.createdAt !== null && Date.parse(settled.createdAt) >= from;
}

/**
 * Seconds until the next look is worth while: at once after a step of ours, every few seconds while a rollout is
 * young, every two minutes in a long one, and just after the deadline where that comes before.
 */
export function pollSeconds(kind: Step['kind'], progress: Progress, deadline: Date, now: Date): number {
  if (kind !== 'wait' && kind !== 'start' && kind !== 'cancel') return 1;
  const from = progress.started_at ?? progress.began_at;
  const age = from === null ? 0 : (now.getTime() - Date.parse(from)) / 1000;
  const pause = Math.min(
    MAX_POLL_SECONDS.rollout,
    Math.max(MIN_POLL_SECONDS.rollout, Math.round(age / POLL_AGE_DIVISOR)),
  );
  const left = Math.ceil((deadline.getTime() - now.getTime()) / 1000);
  if (left > 0) return Math.min(pause, left);
  // After the deadline only a cancellation is waited for, which takes seconds.
  return Math.min(pause, MAX_POLL_SECONDS.cancellation);
}
