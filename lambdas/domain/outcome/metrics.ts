import type { FailureCode } from '../serving/payloads.ts';
import type { Outcome, OutcomeStatus } from './outcome-schema.ts';

/** What the functions count and measure, for alarms, dashboards and people (CloudWatch custom metrics). */

export const METRICS_NAMESPACE = 'ModelPromotion';

/** The only dimension; its value is the `ENVIRONMENT` of the functions. */
export const ENVIRONMENT_DIMENSION = 'Environment';

/** Every metric with its unit. */
export const metricUnits = {
  // How executions and direct calls ended: one each time that an outcome is recorded for the first time.
  Promoted: 'Count',
  AlreadyPromoted: 'Count',
  Kept: 'Count',
  NeedsInvestigation: 'Count',
  Declined: 'Count',
  RolledBack: 'Count',
  Contested: 'Count',
  Busy: 'Count',
  Failed: 'Count',
  InvalidInput: 'Count',
  /** From the start of an execution to its outcome `promoted`. */
  LeadTime: 'Seconds',
  /** From the start of an execution to its outcome `rolled_back`. */
  RollbackTime: 'Seconds',
  /** Something had to be undone and was not. */
  RollbackFailed: 'Count',
  /** A rollout was not done by its deadline. */
  RolloutDeadlineExceeded: 'Count',
  /** A publication that SNS did not take. */
  AlertNotSent: 'Count',
  /** Alerts that are still to be sent, as each sweep leaves them; 0 as a rule. */
  AlertsPending: 'Count',
  /** A lease that is still held although its execution has ended. */
  LeaseStuck: 'Count',
} as const satisfies Record<string, 'Count' | 'Seconds'>;

export type MetricName = keyof typeof metricUnits;
export const metricNames = Object.keys(metricUnits) as readonly MetricName[];

/** The metric that counts each way in which an execution can end. */
export const outcomeMetrics = {
  promoted: 'Promoted',
  already_promoted: 'AlreadyPromoted',
  kept: 'Kept',
  needs_investigation: 'NeedsInvestigation',
  declined: 'Declined',
  rolled_back: 'RolledBack',
  contested: 'Contested',
  busy: 'Busy',
  failed: 'Failed',
  invalid_input: 'InvalidInput',
} as const satisfies Record<OutcomeStatus, MetricName>;

/** One value of one metric, in the metric's unit. */
export interface Measurement {
  name: MetricName;
  value: number;
}

/** What an outcome does not say of the run that it ended; a direct call knows none of it. */
export interface RunFacts {
  startedAt?: Date | null;
  /** Why the rollout failed, where it did. */
  failure?: FailureCode | null;
}

/** What one outcome counts for, and how long it took: emitted when it is recorded for the first time. */
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
 * Something had to be undone and was not: a rollback that was asked for, by a person, an alarm or the clean-up, or the
 * one after a failed step. A failed promotion that left nothing to undo is none.
 */
function isRollbackFailed({ status, operation, dry_run, rollback, rollback_error }: Outcome): boolean {
  if (dry_run) return false;
  if (operation === 'rollback' && status === 'busy') return true;
  if (status !== 'failed' && status !== 'contested') return false;
  if (operation === 'rollback' || rollback_error !== null) return true;
  return rollback?.status === 'contested' || rollback?.serving?.undone === false;
}
