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

/** The progress of a rollout between its steps: what the platform does not report. */

/** The previous progress, completed by this observation: where the rollout began, and its replacement once visible. */
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
  // Served from the start: this replacement is a settings change, or the end of an earlier rollout.
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
 * Whether a settled replacement belongs to this rollout. An earlier one with the same artifact, from last week or a minute
 * ago, does not.
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
 * Seconds until the next poll: 1 after a step that changed something, a few at the start of a rollout, growing to two
 * minutes, and no later than the deadline.
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
  // After the deadline only a cancellation is in progress, which takes seconds.
  return Math.min(pause, MAX_POLL_SECONDS.cancellation);
}

/** Seconds until the next poll of a rollback that began then (ISO 8601); longer with age, as each poll takes some events. */
export function rollbackPollSeconds(began: string, now: Date): number {
  const age = (now.getTime() - Date.parse(began)) / 1000;
  const pause = Math.max(MIN_POLL_SECONDS.rollback, Math.round(age / POLL_AGE_DIVISOR));
  return Math.min(MAX_POLL_SECONDS.rollback, pause);
}
