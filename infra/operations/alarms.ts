import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
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
import { COMPARE_MINUTES, type FunctionName } from '../../lambdas/domain/limits.ts';
import type { MetricName } from '../../lambdas/domain/outcome/metric-names.ts';
import { SWEEP_MINUTES } from '../event-rules.ts';
import { type AlarmId, alarmIds, checkingFunctions, promotingFunctions } from './alarm-ids.ts';
import { promotionMetric } from './metrics.ts';

/** The monitored resources, and the topics of the alarms. */
export interface MonitoredResources {
  /** Value of the environment dimension of our own metrics. */
  readonly environment: string;
  readonly machine: IStateMachine;
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  readonly table: ITable;
  /** Topic of the alarms. */
  readonly alerts: ITopic;
  /** Topic of chat, where it is a separate one: it receives the same alarms. Default: none. */
  readonly chat?: ITopic | null;
  /** Separate topic for the alarm that alerts cannot be sent. */
  readonly alertFailures: ITopic;
  /** Dead-letter queue of the event rules. */
  readonly deadLetterQueue: IQueue;
  /** Address of the runbook; `#heading` is appended. */
  readonly runbookUrl: string;
}

/** Link to the alarm's section of the runbook, with GitHub's anchor. */
export const runbookEntry = (runbookUrl: string, id: AlarmId) => `${runbookUrl}#${id.toLowerCase()}`;

interface Rule {
  /** Summed when there are several. */
  readonly metrics: readonly IMetric[];
  /** Of a sum; default: five minutes. */
  readonly period?: Duration;
  /** The alarm goes into ALARM at this value or above. */
  readonly threshold: number;
  /** Number of the newest periods that must reach the threshold. */
  readonly datapoints: { readonly reached: number; readonly of: number };
  readonly missing: TreatMissingData;
  /** Whether a return to OK is notified; false where the metric counts events. */
  readonly notifyOnOk: boolean;
  /** One sentence: the beginning of the alarm's description. */
  readonly summary: string;
}

/**
 * The alarms of one environment; the runbook has a section for each. The outcome of a single execution is reported by its
 * own alert. Some alarms occur together (see the table in the runbook): `RollbackFailed` and `RolloutSlow` with
 * `ExecutionsFailed`; `ChangeOpen` after either of these; `FunctionErrors` with `ExecutionsFailed` when MLflow, the platform or DynamoDB is unavailable;
 * `ChecksFailing` with `FunctionErrors` likewise;
 * `AlertNotSent` with `FunctionErrors`, `FunctionThrottles` or `EventsNotDelivered` when `sweep-promotions` does not run.
 */
export class PromotionAlarms extends Construct {
  readonly alarms: Readonly<Record<AlarmId, Alarm>>;

  constructor(scope: Construct, id: string, monitored: MonitoredResources) {
    super(scope, id);
    const rules = rulesFor(monitored);
    const created = alarmIds.map((alarm) => [alarm, this.alarmFor(alarm, rules[alarm], monitored)] as const);
    this.alarms = Object.fromEntries(created) as Record<AlarmId, Alarm>;
  }

  private alarmFor(id: AlarmId, rule: Rule, monitored: MonitoredResources): Alarm {
    const alarm = new Alarm(this, id, {
      // The environment alone is not unique: two stacks of one account may both use `dev`.
      alarmName: `${monitored.environment}-${Stack.of(this).stackName}-${id}`,
      alarmDescription: `${rule.summary} Runbook: ${runbookEntry(monitored.runbookUrl, id)}`,
      metric: summed(rule.metrics, rule.period ?? FIVE_MINUTES),
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

/** The alarm that alerts cannot be sent must not depend on the topic that has failed. */
function topicsFor(id: AlarmId, { alerts, chat, alertFailures }: MonitoredResources): ITopic[] {
  if (id === 'AlertNotSent') return [alertFailures];
  return chat ? [alerts, chat] : [alerts];
}

/**
 * A metric without events has no datapoint: gaps are filled with 0, and SUM skips a metric that has never had a datapoint.
 * The newest 0 may be a count that has not arrived yet, so alarms on a sum evaluate more than one period (CloudWatch user guide, "Using math expressions", FILL).
 */
function summed(metrics: readonly IMetric[], period: Duration): IMetric {
  const [only] = metrics;
  if (only !== undefined && metrics.length === 1) return only;
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  const names = Object.keys(usingMetrics);
  return new MathExpression({
    expression: `SUM([${names.map((name) => `FILL(${name}, 0)`).join(', ')}])`,
    usingMetrics,
    period,
    label: 'sum',
  });
}

const FIVE_MINUTES = Duration.minutes(5);
const HOUR = Duration.hours(1);

/** Age at which an open change is reported: by then the sweeps have started three attempts at it. */
export const CHANGE_OPEN = Duration.minutes(60);

function rulesFor({
  environment,
  machine,
  functions,
  deadLetterQueue,
}: MonitoredResources): Record<AlarmId, Rule> {
  const period = FIVE_MINUTES;
  const counted = (name: MetricName, minutes = 5) => [
    promotionMetric(environment, name, { statistic: Stats.SUM, period: Duration.minutes(minutes) }),
  ];
  const ofFunctions = (metric: (deployed: IFunction) => IMetric) =>
    promotingFunctions.map((name) => metric(functions[name]));
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
      summary: 'An execution failed, timed out or was aborted.',
    },
    RollbackFailed: {
      ...event,
      // The version to be removed may be in service: notified within a minute.
      metrics: counted('RollbackFailed', 1),
      summary:
        'A rollback is not complete: the registry or the Workload may still have the version that is to be removed.',
    },
    AlertNotSent: {
      metrics: [
        promotionMetric(environment, 'AlertsPending', {
          statistic: Stats.MAXIMUM,
          period: Duration.minutes(SWEEP_MINUTES),
        }),
      ],
      threshold: 1,
      // A single failed sweep may be a transient error of SNS.
      datapoints: { reached: 2, of: 2 },
      // Every sweep emits the metric, including 0: no datapoint means that no sweep ran.
      missing: TreatMissingData.BREACHING,
      notifyOnOk: true,
      summary: 'Two consecutive sweeps could not send the alerts of executions, or no sweep ran.',
    },
    LeaseStuck: {
      ...event,
      metrics: counted('LeaseStuck'),
      summary:
        'The lease of a model is held by an execution that has ended, or the clean-up of an execution keeps failing.',
    },
    FunctionErrors: {
      metrics: ofFunctions((deployed) => deployed.metricErrors({ period })),
      // Single errors are retried by the state machine and, if that fails, reported by the execution's alert.
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
      summary: 'Lambda keeps throttling the functions: the concurrency of this account is used up.',
    },
    ChecksFailing: {
      metrics: checkingFunctions.flatMap((name) => [
        functions[name].metricErrors({ period: HOUR }),
        functions[name].metricThrottles({ period: HOUR }),
      ]),
      period: HOUR,
      threshold: 1,
      datapoints: { reached: 2, of: 3 },
      missing: TreatMissingData.NOT_BREACHING,
      notifyOnOk: true,
      summary: 'For two hours or more, releases were not watched or models not checked for retraining.',
    },
    RolloutSlow: {
      ...event,
      metrics: counted('RolloutDeadlineExceeded'),
      summary: 'A rollout exceeded its deadline and was cancelled.',
    },
    ChangeOpen: {
      metrics: [
        promotionMetric(environment, 'OpenChangeAge', {
          statistic: Stats.MAXIMUM,
          period: Duration.minutes(SWEEP_MINUTES),
        }),
      ],
      threshold: CHANGE_OPEN.toSeconds(),
      datapoints: { reached: 2, of: 2 },
      // Every sweep that reads the table emits the metric; whether sweeps run is the subject of another alarm.
      missing: TreatMissingData.IGNORE,
      notifyOnOk: true,
      summary: `A promotion or rollback has been incomplete for ${CHANGE_OPEN.toMinutes()} minutes: attempts have failed, or somebody else has changed the model.`,
    },
    OutOfStep: {
      // One value for each complete comparison of all models.
      metrics: [
        promotionMetric(environment, 'OutOfStep', {
          statistic: Stats.MAXIMUM,
          period: Duration.minutes(COMPARE_MINUTES),
        }),
      ],
      threshold: 1,
      datapoints: once,
      // A comparison may take longer than a period: until it is complete, the last state is kept.
      missing: TreatMissingData.IGNORE,
      notifyOnOk: true,
      summary: 'The registry or the Workload of a model shows something other than what is recorded as live.',
    },
    EventsNotDelivered: {
      metrics: [
        deadLetterQueue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period }),
      ],
      threshold: 1,
      datapoints: once,
      // An inactive queue sends no metrics after six hours, even with messages in it: the last state is kept.
      missing: TreatMissingData.IGNORE,
      notifyOnOk: true,
      summary: 'An event could not be delivered: a clean-up, a rollback, a sweep or a start did not run.',
    },
  };
}
