import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  type MetricOptions,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import {
  ENVIRONMENT_DIMENSION,
  METRICS_NAMESPACE,
  type MetricName,
} from '../../lambdas/domain/outcome/metrics.ts';
import { SWEEP_MINUTES } from '../event-rules.ts';

/** What is watched, and who is told. */
export interface MonitoredResources {
  /** Value of the dimension of our own metrics. */
  readonly environment: string;
  readonly machine: IStateMachine;
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  readonly table: ITable;
  /** Where alarms are told. */
  readonly alerts: ITopic;
  /** Chat, where it has a topic of its own: it is told what `alerts` is told. Default: none. */
  readonly chat?: ITopic | null;
  /** Where it is told that alerts cannot be sent: a topic of its own. */
  readonly alertFailures: ITopic;
  /** Events that a rule could not deliver. */
  readonly undelivered: IQueue;
  /** Address of the runbook, to which `#heading` is added. */
  readonly runbookUrl: string;
}

/** Metrics of each alarm: CloudWatch charges every one of them by the month. */
export const metricsPerAlarm = {
  ExecutionsFailed: 3,
  RollbackFailed: 1,
  AlertNotSent: 1,
  LeaseStuck: 1,
  FunctionErrors: functionNames.length,
  FunctionThrottles: functionNames.length,
  RolloutSlow: 1,
  EventsNotDelivered: 1,
} as const;

export type AlarmId = keyof typeof metricsPerAlarm;
export const alarmIds = Object.keys(metricsPerAlarm) as readonly AlarmId[];

/** The alarm metrics of one environment: what its alarms cost. */
export const alarmMetricCount = Object.values(metricsPerAlarm).reduce((sum, count) => sum + count, 0);

/** The heading of an alarm in the runbook, as GitHub makes an anchor of it. */
export const runbookEntry = (runbookUrl: string, id: AlarmId) => `${runbookUrl}#${id.toLowerCase()}`;

/** One of our own metrics, as the functions of this environment count it. */
export function promotionMetric(environment: string, metricName: MetricName, options: MetricOptions): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { [ENVIRONMENT_DIMENSION]: environment },
    ...options,
  });
}

interface Rule {
  /** Added up when there are several. */
  readonly metrics: readonly IMetric[];
  /** The alarm rings at this value and above it. */
  readonly threshold: number;
  /** So many of the newest periods have to reach the threshold. */
  readonly datapoints: { readonly reached: number; readonly of: number };
  readonly missing: TreatMissingData;
  /** True where the end is worth telling. Elsewhere the metric counts events, and its silence repairs nothing. */
  readonly notifyOnOk: boolean;
  /** One sentence. */
  readonly summary: string;
}

/**
 * What nobody should have to find out by looking. That one execution failed is told by its own alert; these tell that
 * something is wrong with the machinery, and the runbook says what to do about each. Some come together (the runbook
 * has the table): `RollbackFailed` and `RolloutSlow` with `ExecutionsFailed`; `FunctionErrors` with `ExecutionsFailed`
 * when MLflow, the platform or DynamoDB is away; `AlertNotSent` with `FunctionErrors`, `FunctionThrottles` or
 * `EventsNotDelivered` when it is `sweep-promotions` that does not run.
 */
export class PromotionAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, monitored: MonitoredResources) {
    super(scope, id);
    const rules = rulesFor(monitored);
    this.alarms = alarmIds.map((alarm) => this.alarmFor(alarm, rules[alarm], monitored));
  }

  private alarmFor(id: AlarmId, rule: Rule, monitored: MonitoredResources): Alarm {
    const alarm = new Alarm(this, id, {
      // The environment alone is not enough: two stacks of one account may both call theirs `dev`.
      alarmName: `${monitored.environment}-${Stack.of(this).stackName}-${id}`,
      alarmDescription: `${rule.summary} Runbook: ${runbookEntry(monitored.runbookUrl, id)}`,
      metric: summed(rule.metrics),
      threshold: rule.threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      datapointsToAlarm: rule.datapoints.reached,
      evaluationPeriods: rule.datapoints.of,
      treatMissingData: rule.missing,
    });
    for (const topic of topicsFor(id, monitored)) {
      alarm.addAlarmAction(new SnsAction(topic));
      if (rule.notifyOnOk) alarm.addOkAction(new SnsAction(topic));
    }
    return alarm;
  }
}

/** That alerts cannot be sent must not depend on the topic that they cannot be sent to. */
function topicsFor(id: AlarmId, { alerts, chat, alertFailures }: MonitoredResources): ITopic[] {
  if (id === 'AlertNotSent') return [alertFailures];
  return chat ? [alerts, chat] : [alerts];
}

/**
 * A metric that counts nothing has no datapoint: gaps are filled with 0, and SUM leaves out a metric that has never had
 * one, of a function that was never called.
 * As the newest 0 may stand for a count that is still on its way, alarms on a sum look at more than one period
 * (CloudWatch user guide, "Using math expressions", FILL).
 */
function summed(metrics: readonly IMetric[]): IMetric {
  const [only] = metrics;
  if (only !== undefined && metrics.length === 1) return only;
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  const names = Object.keys(usingMetrics);
  return new MathExpression({
    expression: `SUM([${names.map((name) => `FILL(${name}, 0)`).join(', ')}])`,
    usingMetrics,
    period: FIVE_MINUTES,
    label: 'sum',
  });
}

const FIVE_MINUTES = Duration.minutes(5);

function rulesFor({
  environment,
  machine,
  functions,
  undelivered,
}: MonitoredResources): Record<AlarmId, Rule> {
  const period = FIVE_MINUTES;
  const counted = (name: MetricName, minutes = 5) => [
    promotionMetric(environment, name, { statistic: Stats.SUM, period: Duration.minutes(minutes) }),
  ];
  const ofFunctions = (metric: (deployed: IFunction) => IMetric) =>
    functionNames.map((name) => metric(functions[name]));
  const once = { reached: 1, of: 1 };
  /** For counts of events: no event, no datapoint, no alarm. */
  const event = {
    threshold: 1,
    datapoints: once,
    missing: TreatMissingData.NOT_BREACHING,
    notifyOnOk: false,
  };
  return {
    ExecutionsFailed: {
      ...event,
      metrics: [
        machine.metricFailed({ period }),
        machine.metricTimedOut({ period }),
        machine.metricAborted({ period }),
      ],
      datapoints: { reached: 1, of: 2 },
      summary: 'An execution failed, ran out of time or was aborted.',
    },
    RollbackFailed: {
      ...event,
      // The one after which no automatic step is left: told within the minute.
      metrics: counted('RollbackFailed', 1),
      summary:
        'A rollback failed: the registry or the Workload may be half-moved, and no automatic step is left.',
    },
    AlertNotSent: {
      metrics: [
        promotionMetric(environment, 'AlertsPending', {
          statistic: Stats.MAXIMUM,
          period: Duration.minutes(SWEEP_MINUTES),
        }),
      ],
      threshold: 1,
      // What one sweep could not send the next one may: only then is it more than a hiccup of SNS.
      datapoints: { reached: 2, of: 2 },
      // Every sweep counts, 0 included: no datapoint means that none ran, and then nothing that is pending is sent.
      missing: TreatMissingData.BREACHING,
      notifyOnOk: true,
      summary: 'Two sweeps in a row could not send the alerts of executions, or no sweep ran.',
    },
    LeaseStuck: {
      ...event,
      metrics: counted('LeaseStuck'),
      summary:
        'A model is held by the lease of an execution that has ended, or the clean-up of an execution keeps failing.',
    },
    FunctionErrors: {
      metrics: ofFunctions((deployed) => deployed.metricErrors({ period })),
      // Single errors are retried by the state machine and told by the execution if that does not help.
      threshold: 3,
      datapoints: { reached: 2, of: 3 },
      missing: TreatMissingData.NOT_BREACHING,
      notifyOnOk: true,
      summary: 'The functions keep failing: retries do not help.',
    },
    FunctionThrottles: {
      metrics: ofFunctions((deployed) => deployed.metricThrottles({ period })),
      threshold: 1,
      datapoints: { reached: 2, of: 3 },
      missing: TreatMissingData.NOT_BREACHING,
      notifyOnOk: true,
      summary: 'Lambda keeps refusing calls of the functions because too many run in this account already.',
    },
    RolloutSlow: {
      ...event,
      metrics: counted('RolloutDeadlineExceeded'),
      summary: 'A rollout did not come to its end by its deadline and was given up.',
    },
    EventsNotDelivered: {
      metrics: [undelivered.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period })],
      threshold: 1,
      datapoints: once,
      // A queue that nobody touches for six hours sends no metrics, whatever lies in it: the last state stands.
      missing: TreatMissingData.IGNORE,
      notifyOnOk: true,
      summary: 'An event could not be delivered: a clean-up, a rollback, a sweep or a start did not happen.',
    },
  };
}
