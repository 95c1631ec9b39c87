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
import { functionNames, functionTimeoutSeconds } from '../../lambdas/domain/limits.ts';
import { type MetricName, outcomeMetrics } from '../../lambdas/domain/outcome/metrics.ts';
import { alarmIds, type MonitoredResources, promotionMetric, runbookEntry } from './alarms.ts';

const DAY = Duration.days(1);
const HOUR = Duration.hours(1);
/** Three graphs to a row of CloudWatch's 24 columns. */
const size = { width: 8, height: 6 };
const count = { min: 0, showUnits: false };

/** One screen: are the alarms quiet, what became of the models, how long did it take, is the machinery well. */
export class PromotionDashboard extends Construct {
  constructor(
    scope: Construct,
    id: string,
    monitored: MonitoredResources & { readonly alarms: readonly Alarm[] },
  ) {
    super(scope, id);
    new Dashboard(this, 'Dashboard', {
      // Letters, digits, hyphens and underscores are all that CloudWatch takes, and all that both names can hold.
      dashboardName: `${monitored.environment}-${Stack.of(this).stackName}`,
      defaultInterval: Duration.days(7),
      // A day's count stays a day's count when somebody looks at a month.
      periodOverride: PeriodOverride.INHERIT,
      widgets: [
        [
          new AlarmStatusWidget({ title: 'Alarms', alarms: [...monitored.alarms], width: 16, height: 4 }),
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
    `What to do when an alarm rings: [the runbook](${runbookUrl}), or at once ${entries.join(' · ')}`,
  ].join('\n\n');
}

/** What became of the models. */
function outcomes({ environment }: MonitoredResources): GraphWidget[] {
  const daily = Object.values(outcomeMetrics).map((name) =>
    promotionMetric(environment, name, { statistic: Stats.SUM, period: DAY, label: name }),
  );
  const spread = (name: MetricName) =>
    [50, 90].map((p) =>
      promotionMetric(environment, name, { statistic: Stats.p(p), period: DAY, label: `${name} p${p}` }),
    );
  return [
    graph('Outcomes per day', daily, { stacked: true }),
    graph('Lead time of promotions, seconds', spread('LeadTime')),
    graph('Time of rollbacks, seconds', spread('RollbackTime')),
  ];
}

/** How the executions went, and what of theirs is late. */
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
    graph('Running time of executions, milliseconds', [
      machine.metricTime({ period, statistic: Stats.p(50), label: 'p50' }),
      machine.metricTime({ period, statistic: Stats.p(90), label: 'p90' }),
    ]),
    graph('Late, held up or not told', [
      own('RolloutDeadlineExceeded', Stats.SUM),
      own('RollbackFailed', Stats.SUM),
      own('LeaseStuck', Stats.SUM),
      own('AlertNotSent', Stats.SUM),
      own('AlertsPending', Stats.MAXIMUM),
    ]),
  ];
}

/** Whether functions and table keep up. */
function infrastructure({ functions, table, undelivered }: MonitoredResources): GraphWidget[] {
  const period = HOUR;
  const each = (metric: (name: (typeof functionNames)[number]) => IMetric) => functionNames.map(metric);
  return [
    graph(
      'Function errors',
      each((name) => functions[name].metricErrors({ period, label: name })),
    ),
    graph(
      'p99 of durations, in percent of the time-out',
      each((name) =>
        percentOfTimeout(name, functions[name].metricDuration({ period, statistic: Stats.p(99) })),
      ),
      { leftAnnotations: [{ value: 100, label: 'Lambda ends it' }] },
    ),
    graph('Refused or not delivered', [
      ...each((name) => functions[name].metricThrottles({ period, label: `${name} throttled` })),
      table.metric('ReadThrottleEvents', { period, statistic: Stats.SUM, label: 'table reads throttled' }),
      table.metric('WriteThrottleEvents', { period, statistic: Stats.SUM, label: 'table writes throttled' }),
      undelivered.metricApproximateNumberOfMessagesVisible({
        period,
        statistic: Stats.MAXIMUM,
        label: 'events not delivered',
      }),
    ]),
  ];
}

/** One scale for functions with different time-outs. */
function percentOfTimeout(name: (typeof functionNames)[number], milliseconds: IMetric): MathExpression {
  // An id in a graph begins with a lower-case letter and is used once in it.
  const id = name.replaceAll('-', '_');
  return new MathExpression({
    expression: `100 * ${id} / ${functionTimeoutSeconds[name] * 1000}`,
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
