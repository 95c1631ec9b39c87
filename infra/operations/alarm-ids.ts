import { functionNames } from '../../lambdas/domain/limits.ts';

/** Number of metrics of each alarm: CloudWatch charges for each of them by the month. */
export const metricsPerAlarm = {
  ExecutionsFailed: 3,
  RollbackFailed: 1,
  AlertNotSent: 1,
  LeaseStuck: 1,
  FunctionErrors: functionNames.length,
  FunctionThrottles: functionNames.length,
  RolloutSlow: 1,
  ChangeOpen: 1,
  OutOfStep: 1,
  EventsNotDelivered: 1,
} as const;

export type AlarmId = keyof typeof metricsPerAlarm;
export const alarmIds = Object.keys(metricsPerAlarm) as readonly AlarmId[];

/** Number of alarm metrics of one environment. */
export const alarmMetricCount = Object.values(metricsPerAlarm).reduce((sum, count) => sum + count, 0);
