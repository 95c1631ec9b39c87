import { Duration, Stack } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  PeriodOverride,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import type { MetricName } from '../../lambdas/domain/outcome/metric-names.ts';
import { outcomeMetrics } from '../../lambdas/domain/outcome/metrics.ts';
import type { FunctionSize } from '../functions/overrides.ts';
import { type AlarmId, alarmIds } from './alarm-ids.ts';
import { type MonitoredResources, runbookEntry } from './alarms.ts';
import { promotionMetric } from './metrics.ts';

const DAY = Duration.days(1);
const HOUR = Duration.hours(1);
/** Three graphs to a row of CloudWatch's 24 columns. */
const size = { width: 8, height: 6 };
const count = { min: 0, showUnits: false };

/** What the dashboard shows besides what the alarms monitor. */
export interface DashboardResources extends MonitoredResources {
  readonly alarms: Readonly<Record<AlarmId, Alarm>>;
  readonly sizes: Readonly<Record<FunctionName, FunctionSize>>;
}

/** The CloudWatch dashboard of one environment: alarms, outcomes, executions, and the health of functions and table. */
export class PromotionDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, monitored: DashboardResources) {
    super(scope, id);
    this.dashboard = new Dashboard(this, 'Dashboard', {
      // CloudWatch allows letters, digits, hyphens and underscores; both names contain nothing else.
      dashboardName: `${monitored.environment}-${Stack.of(this).stackName}`,
      defaultInterval: Duration.days(7),
      // Counts stay per day when a longer range is selected.
      periodOverride: PeriodOverride.INHERIT,
      widgets: [
        [
          new AlarmStatusWidget({
            title: 'Alarms',
            alarms: alarmIds.map((alarm) => monitored.alarms[alarm]),
            width: 16,
            height: 4,
          }),
          new TextWidget({ markdown: links(monitored), width: 8, height: 4 }),
        ],
        outcomes(monitored),
        executions(monitored),
        infrastructure(monitored),
      ],
    });
  }
}

function links({ environment, runbookUrl }: MonitoredResources): string {
  const entries = alarmIds.map((alarm) => `[${alarm}](${runbookEntry(runbookUrl, alarm)})`);
  return [
    `**Model promotion, ${environment}**`,
    `What to do when an alarm goes into ALARM: [the runbook](${runbookUrl}), or its section ${entries.join(' · ')}`,
  ].join('\n\n');
}

/** Outcomes of promotions and rollbacks. */
function outcomes({ environment }: MonitoredResources): GraphWidget[] {
  const daily = Object.values(outcomeMetrics).map((name) =>
    promotionMetric(environment, name, { statistic: Stats.SUM, period: DAY, label: name }),
  );
  const spread = (name: MetricName) =>
    [50, 90].map((p) =>
      promotionMetric(environment, name, { statistic: Stats.p(p), period: DAY, label: `${name} p${p}` }),
    );
  const oldest = promotionMetric(environment, 'OpenChangeAge', {
    statistic: Stats.MAXIMUM,
    period: DAY,
    label: 'OpenChangeAge',
  });
  return [
    graph('Outcomes per day', daily, { stacked: true }),
    graph('Lead time of promotions, seconds', spread('LeadTime')),
    graph('Duration of rollbacks, age of the oldest open change, seconds', [
      ...spread('RollbackTime'),
      oldest,
    ]),
  ];
}

/** Results and durations of executions, and what is overdue. */
function executions({ environment, machine }: MonitoredResources): GraphWidget[] {
  const own = (name: MetricName, statistic: string) =>
    promotionMetric(environment, name, { statistic, period: HOUR, label: name });
  const period = HOUR;
  return [
    graph('Executions per hour', [
      machine.metricStarted({ period, label: 'started' }),
      machine.metricSucceeded({ period, label: 'succeeded' }),
      machine.metricFailed({ period, label: 'failed' }),
      machine.metricTimedOut({ period, label: 'timed out' }),
      machine.metricAborted({ period, label: 'aborted' }),
    ]),
    graph('Duration of executions, milliseconds', [
      machine.metricTime({ period, statistic: Stats.p(50), label: 'p50' }),
      machine.metricTime({ period, statistic: Stats.p(90), label: 'p90' }),
    ]),
    graph('Deadlines exceeded, leases stuck, models out of step, alerts not sent', [
      own('RolloutDeadlineExceeded', Stats.SUM),
      own('RollbackFailed', Stats.SUM),
      own('LeaseStuck', Stats.SUM),
      own('OutOfStep', Stats.MAXIMUM),
      own('AlertNotSent', Stats.SUM),
      own('AlertsPending', Stats.MAXIMUM),
    ]),
  ];
}

/** Errors, durations and throttling of functions and table. */
function infrastructure({ functions, sizes, table, deadLetterQueue }: DashboardResources): GraphWidget[] {
  const period = HOUR;
  const each = (metric: (name: FunctionName) => IMetric) => functionNames.map(metric);
  return [
    graph(
      'Function errors',
      each((name) => functions[name].metricErrors({ period, label: name })),
    ),
    graph(
      'p99 duration, percent of the time-out',
      each((name) =>
        percentOfTimeout(
          name,
          sizes[name],
          functions[name].metricDuration({ period, statistic: Stats.p(99) }),
        ),
      ),
      { leftAnnotations: [{ value: 100, label: 'time-out' }] },
    ),
    graph('Throttled or not delivered', [
      ...each((name) => functions[name].metricThrottles({ period, label: `${name} throttled` })),
      table.metric('ReadThrottleEvents', { period, statistic: Stats.SUM, label: 'table reads throttled' }),
      table.metric('WriteThrottleEvents', { period, statistic: Stats.SUM, label: 'table writes throttled' }),
      deadLetterQueue.metricApproximateNumberOfMessagesVisible({
        period,
        statistic: Stats.MAXIMUM,
        label: 'events not delivered',
      }),
    ]),
  ];
}

/** The duration as a share of the function's time-out: one scale for all functions. */
function percentOfTimeout(
  name: FunctionName,
  { timeoutSeconds }: FunctionSize,
  milliseconds: IMetric,
): MathExpression {
  // Ids must start with a lower-case letter and be unique within a graph.
  const id = name.replaceAll('-', '_');
  return new MathExpression({
    expression: `100 * ${id} / ${timeoutSeconds * 1000}`,
    usingMetrics: { [id]: milliseconds },
    period: HOUR,
    label: name,
  });
}

function graph(
  title: string,
  left: IMetric[],
  more: { stacked?: boolean; leftAnnotations?: { value: number; label: string }[] } = {},
): GraphWidget {
  return new GraphWidget({ title, left, leftYAxis: count, ...size, ...more });
}
