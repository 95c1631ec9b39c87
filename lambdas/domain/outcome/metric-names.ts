/** The CloudWatch metrics that the functions publish, for alarms and dashboards. */

export const METRICS_NAMESPACE = 'ModelPromotion';

/** The only dimension; its value is the `ENVIRONMENT` of the functions. */
export const ENVIRONMENT_DIMENSION = 'Environment';

/** Every metric with its unit. */
export const metricUnits = {
  // How executions and direct calls ended: 1 when an outcome is first recorded.
  Promoted: 'Count',
  AlreadyPromoted: 'Count',
  Kept: 'Count',
  NeedsInvestigation: 'Count',
  Declined: 'Count',
  AwaitingApproval: 'Count',
  Adopted: 'Count',
  InStep: 'Count',
  RolledBack: 'Count',
  Contested: 'Count',
  Busy: 'Count',
  Failed: 'Count',
  InvalidInput: 'Count',
  // What watches of releases have found.
  Confirmed: 'Count',
  Degraded: 'Count',
  Unproven: 'Count',
  Unverified: 'Count',
  /** From the start of an execution to its outcome `promoted`. */
  LeadTime: 'Seconds',
  /** From the start of an execution to its outcome `rolled_back`. */
  RollbackTime: 'Seconds',
  /** A required rollback did not succeed. */
  RollbackFailed: 'Count',
  /** A rollout was not complete at its deadline. */
  RolloutDeadlineExceeded: 'Count',
  /** SNS rejected a publication, or did not confirm it in time. */
  AlertNotSent: 'Count',
  /** Alerts left to send after each sweep; normally 0. */
  AlertsPending: 'Count',
  /** A lease is still held although its execution has ended. */
  LeaseStuck: 'Count',
  /** Age of the oldest open change that no execution is working on, as each sweep finds it; 0 if there is none. */
  OpenChangeAge: 'Seconds',
  /** Closed models whose sides show something else than what is live, as each complete comparison finds them. */
  OutOfStep: 'Count',
} as const satisfies Record<string, 'Count' | 'Seconds'>;

export type MetricName = keyof typeof metricUnits;
export const metricNames = Object.keys(metricUnits) as readonly MetricName[];
