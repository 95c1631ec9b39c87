import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';

/** Functions that are called by the hour, by people or seldom: three errors in five minutes are more than they make. */
export const checkingFunctions: readonly FunctionName[] = [
  'check-retraining-needed',
  'decide-approval',
  'watch-releases',
];
/** All others: an alarm cannot look at more than ten metrics. */
export const promotingFunctions = functionNames.filter((name) => !checkingFunctions.includes(name));

/** Number of metrics of each alarm: CloudWatch charges for each of them by the month. */
export const metricsPerAlarm = {
  ExecutionsFailed: 3,
  RollbackFailed: 1,
  AlertNotSent: 1,
  LeaseStuck: 1,
  FunctionErrors: promotingFunctions.length,
  FunctionThrottles: promotingFunctions.length,
  ChecksFailing: 2 * checkingFunctions.length,
  RolloutSlow: 1,
  ChangeOpen: 1,
  OutOfStep: 1,
  EventsNotDelivered: 1,
} as const;

export type AlarmId = keyof typeof metricsPerAlarm;
export const alarmIds = Object.keys(metricsPerAlarm) as readonly AlarmId[];

/** Number of alarm metrics of one environment. */
export const alarmMetricCount = Object.values(metricsPerAlarm).reduce((sum, count) => sum + count, 0);
