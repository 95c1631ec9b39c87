import type { FailureCode } from '../serving/payloads.ts';
import type { MetricName } from './metric-names.ts';
import type { Outcome, OutcomeStatus } from './outcome-schema.ts';

/** The metric that counts each way in which an execution can end. */
export const outcomeMetrics = {
  promoted: 'Promoted',
  already_promoted: 'AlreadyPromoted',
  kept: 'Kept',
  needs_investigation: 'NeedsInvestigation',
  declined: 'Declined',
  awaiting_approval: 'AwaitingApproval',
  adopted: 'Adopted',
  in_step: 'InStep',
  rolled_back: 'RolledBack',
  contested: 'Contested',
  busy: 'Busy',
  failed: 'Failed',
  invalid_input: 'InvalidInput',
  confirmed: 'Confirmed',
  degraded: 'Degraded',
  unproven: 'Unproven',
  unverified: 'Unverified',
} as const satisfies Record<OutcomeStatus, MetricName>;

/** One value of one metric, in the metric's unit. */
export interface Measurement {
  name: MetricName;
  value: number;
}

/** Facts about the execution that its outcome lacks; unknown for direct calls. */
export interface RunFacts {
  startedAt?: Date | null;
  /** Why the rollout failed; null if it did not. */
  failure?: FailureCode | null;
}

/** The metrics of one outcome: its count and its duration in seconds. Emitted when it is first recorded. */
export function metricsOf(outcome: Outcome, { startedAt = null, failure = null }: RunFacts): Measurement[] {
  const { status } = outcome;
  const measurements: Measurement[] = [{ name: outcomeMetrics[status], value: 1 }];
  const time = status === 'promoted' ? 'LeadTime' : status === 'rolled_back' ? 'RollbackTime' : null;
  const seconds = secondsBetween(startedAt, outcome.recorded_at);
  if (time !== null && seconds !== null) measurements.push({ name: time, value: seconds });
  if (isRollbackFailed(outcome)) measurements.push({ name: 'RollbackFailed', value: 1 });
  if (failure === 'deadline') measurements.push({ name: 'RolloutDeadlineExceeded', value: 1 });
  return measurements;
}

/** Null where either end is unknown. Two clocks may disagree by a little: never negative. */
function secondsBetween(start: Date | null, end: string): number | null {
  const ms = Date.parse(end) - (start?.getTime() ?? Number.NaN);
  return Number.isFinite(ms) ? Math.max(0, ms / 1000) : null;
}

/**
 * A required rollback is not complete when its execution ends: one requested by a person or an alarm, or the one after a
 * failed step. A failed promotion with nothing to undo does not count, nor does a further attempt of the sweep: how long a
 * change stays open is `OpenChangeAge`.
 */
function isRollbackFailed({ status, operation, dry_run, rollback, rollback_error }: Outcome): boolean {
  if (dry_run || operation === 'resume' || operation === 'adopt') return false;
  if (operation === 'rollback' && status === 'busy') return true;
  if (status !== 'failed' && status !== 'contested') return false;
  if (operation === 'rollback' || rollback_error !== null) return true;
  return (
    rollback?.status === 'contested' || rollback?.status === 'open' || rollback?.serving?.undone === false
  );
}
