import type { OutcomeStatus } from './ending.ts';

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
