import { SWEEP_MINUTES } from '../../infra/event-rules.ts';
import { functionPermissions } from '../../infra/functions/permissions.ts';
import { alarmMetricCount } from '../../infra/operations/alarm-ids.ts';
import { COMPARE_MINUTES, functionMemoryMegabytes, functionNames } from '../../lambdas/domain/limits.ts';
import { metricNames } from '../../lambdas/domain/outcome/metric-names.ts';
import type { KindName, Measured } from './measure.ts';
import list from './prices.json' with { type: 'json' };

/** A table of the documents; its first column is text, the others are numbers. */
export interface Table {
  /** Name of its mark in a document. */
  id: string;
  title: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
  /** Lines below the table. */
  notes: readonly string[];
}

/** Assumptions for what cannot be measured locally; the notes of the tables list all of them. */
export const assumed = {
  /** Billed duration of a function call in milliseconds: remote systems are slower than emulators. */
  callMs: 500,
  memoryMb: functionMemoryMegabytes,
  /** Addresses subscribed to the notifications. */
  emails: 1,
  /** Bytes of log that a call of a function writes, those of Lambda included. */
  logBytesPerCall: 1_500,
  /** Bytes of log for each event of an execution's history; execution data is not logged. */
  logBytesPerEvent: 500,
  /** Requests to KMS for each published message: one to encrypt, one to deliver. */
  keyRequestsPerMessage: 2,
} as const;

/** What one environment of the stack has; a test counts them in the synthesised template. */
export const standing = {
  alarmMetrics: alarmMetricCount,
  customMetrics: metricNames.length,
  keys: 2,
  secrets: 2,
  sweepsPerMonth: (30 * 24 * 60) / SWEEP_MINUTES,
  comparisonsPerMonth: (30 * 24 * 60) / COMPARE_MINUTES,
  watchesPerMonth: 30 * 24,
  models: 20,
} as const;

/** Amounts of what AWS charges for, by the names in `prices.json`. */
export type Bill = Partial<Record<keyof typeof list.prices, number>>;

/** US dollars of a bill, or of the lines of it that one of these services charges. */
export function costOf(bill: Bill, services?: readonly string[]): number {
  const lines = Object.entries(bill) as [keyof typeof list.prices, number][];
  return lines.reduce((sum, [name, amount]) => {
    const { service, usd, per } = list.prices[name];
    return services?.includes(service) === false ? sum : sum + (amount * usd) / per;
  }, 0);
}

const whole = (value: number) => Math.round(value).toLocaleString('en-US');
const usd = (value: number) => value.toFixed(value < 1 ? 3 : 2);

const GB = 1_000_000_000;
const callsOf = ({ invocations }: Pick<Measured, 'invocations'>) =>
  functionNames.reduce((sum, name) => sum + invocations[name], 0);
const computeOf = (calls: number) => (calls * assumed.callMs * assumed.memoryMb) / 1000 / 1024;

/** Everything that AWS charges for one execution. */
export function billOf(
  one: Omit<Measured, 'kind' | 'title' | 'status' | 'seconds' | 'largestPayload' | 'durationsMs'>,
): Bill {
  const calls = callsOf(one);
  return {
    stateTransition: one.transitions,
    lambdaRequest: calls,
    lambdaCompute: computeOf(calls),
    tableRead: one.readUnits,
    tableWrite: one.writeUnits + one.indexWriteUnits,
    publish: one.published,
    email: one.published * assumed.emails,
    logs: (calls * assumed.logBytesPerCall + one.historyEvents * assumed.logBytesPerEvent) / GB,
    trace: 1,
    keyRequest: one.published * assumed.keyRequestsPerMessage,
    secretRequest: secretReads(one.invocations),
  };
}

/** Upper bound: every called function reads its secrets, as if none were cached. */
const secretReads = (invocations: Measured['invocations']) =>
  functionNames
    .filter((name) => invocations[name] > 0)
    .reduce((sum, name) => {
      const { mlflow, workloads } = functionPermissions[name];
      return sum + (mlflow.length > 0 ? 1 : 0) + (workloads === true ? 1 : 0);
    }, 0);

/** What AWS charges for one environment and a month of 30 days in which nothing is promoted. */
export function standingBills({
  alarmMetrics,
  customMetrics,
  keys,
  secrets,
  sweepsPerMonth,
  comparisonsPerMonth,
  watchesPerMonth,
  models,
}: Record<keyof typeof standing, number>): { what: string; bill: Bill }[] {
  return [
    { what: `${alarmMetrics} metrics of alarms`, bill: { alarmMetric: alarmMetrics } },
    {
      what: `${customMetrics} custom metrics, if each is written every hour`,
      bill: { customMetric: customMetrics },
    },
    { what: '1 dashboard', bill: { dashboard: 1 } },
    { what: `${keys} keys, before their first rotation`, bill: { key: keys } },
    { what: `${secrets} secrets`, bill: { secret: secrets } },
    {
      what: `${whole(sweepsPerMonth)} sweeps`,
      bill: {
        lambdaRequest: sweepsPerMonth,
        lambdaCompute: computeOf(sweepsPerMonth),
        // Three queries of indexes, eventually consistent: half a unit each; and the cursor of the comparison.
        tableRead: sweepsPerMonth * 2.5,
        trace: sweepsPerMonth,
        logs: (sweepsPerMonth * assumed.logBytesPerCall) / GB,
      },
    },
    {
      what: `${models} models compared ${whole(comparisonsPerMonth)} times`,
      bill: {
        // A model takes as long as a call: five requests to MLflow and the Workload API. Its item has at most 8 KB as a rule.
        lambdaCompute: computeOf(comparisonsPerMonth * models),
        tableRead: comparisonsPerMonth * (models * 2 + 0.5),
        tableWrite: comparisonsPerMonth,
      },
    },
    {
      what: `${models} live releases watched ${whole(watchesPerMonth)} times`,
      bill: {
        lambdaRequest: watchesPerMonth,
        // As a comparison: two requests to each side. What is kept of a release has some 20 KB, and is written when an hour is new.
        lambdaCompute: computeOf(watchesPerMonth * models),
        tableRead: watchesPerMonth * models * (2 + 5),
        tableWrite: watchesPerMonth * models * 20,
        trace: watchesPerMonth,
        logs: (watchesPerMonth * assumed.logBytesPerCall) / GB,
      },
    },
  ];
}

/** The tables of docs/scaling.md. */
export const tablesOf = (measured: readonly Measured[]): Table[] => [
  executions(measured),
  costs(measured),
  standingCosts(),
];

const executions = (measured: readonly Measured[]): Table => ({
  id: 'executions',
  title: 'What one execution takes',
  head: ['kind', 'transitions', 'events', 'calls', 'MLflow', 'Workload', 'reads', 'writes', 'SNS', 'KB', 's'],
  rows: measured.map((one) => [
    one.title,
    whole(one.transitions),
    whole(one.historyEvents),
    whole(callsOf(one)),
    whole(one.mlflowCalls),
    whole(one.workloadCalls),
    whole(one.readUnits),
    whole(one.writeUnits + one.indexWriteUnits),
    whole(one.published),
    (one.largestPayload / 1024).toFixed(1),
    whole(one.seconds),
  ]),
  notes: onePoll(measured),
});

/** The additional use of a longer rollout, divided by its additional polls. */
function onePoll(measured: readonly Measured[]): string[] {
  const of = (kind: KindName) => measured.find((one) => one.kind === kind);
  const [short, long] = [of('short-rollout'), of('long-rollout')];
  if (short === undefined || long === undefined) return [];
  const polls = long.invocations['replace-workload'] - short.invocations['replace-workload'];
  const each = (amount: (one: Measured) => number) =>
    ((amount(long) - amount(short)) / polls).toLocaleString('en-US', { maximumSignificantDigits: 3 });
  return [
    `Each poll of a rollout: ${each((one) => one.transitions)} transitions, ${each((one) => one.historyEvents)} events, ${each((one) => one.workloadCalls)} requests to the Workload API, ${each((one) => one.readUnits)} read, ${each((one) => 1000 * costOf(billOf(one)))} USD for 1,000.`,
  ];
}

const columns = ['Step Functions', 'Lambda', 'DynamoDB', 'SNS', 'CloudWatch'] as const;
const others = ['X-Ray', 'KMS', 'Secrets Manager'] as const;

const costs = (measured: readonly Measured[]): Table => ({
  id: 'costs',
  title: 'US dollars for 1,000 executions',
  head: ['kind', ...columns, 'others', 'all'],
  rows: measured.map((one) => {
    const bill = billOf(one);
    const of = (...services: string[]) => usd(1000 * costOf(bill, services));
    return [one.title, ...columns.map((service) => of(service)), of(...others), usd(1000 * costOf(bill))];
  }),
  notes: [
    `Assumed: ${assumed.callMs} ms and ${assumed.memoryMb} MB for each call, addresses that get emails: ${assumed.emails}, bytes of log for each call: ${whole(assumed.logBytesPerCall)} and for each event: ${assumed.logBytesPerEvent}, every trace recorded, secrets read anew.`,
    `Others: ${others.join(', ')}. Free tiers are not taken off.`,
  ],
});

const standingCost = () => standingBills(standing).reduce((sum, { bill }) => sum + costOf(bill), 0);

const standingCosts = (): Table => ({
  id: 'standing',
  title: 'US dollars a month for one environment in which nothing is promoted',
  head: ['what', 'USD'],
  rows: [
    ...standingBills(standing).map(({ what, bill }) => [what, usd(costOf(bill))]),
    ['all', usd(standingCost())],
  ],
  notes: ['Not in it: storage of logs and of the table, backups, a network of your own, MLflow, DataRobot.'],
});

const summarised: readonly KindName[] = [
  'registry-only',
  'short-rollout',
  'long-rollout',
  'kept',
  'rollout-failed',
];

/** The short answer of docs/deploy.md. */
export const costSummary = (measured: readonly Measured[]): Table => ({
  id: 'costs',
  title: 'US dollars',
  head: ['what', 'USD'],
  rows: [
    ...measured
      .filter(({ kind }) => summarised.includes(kind))
      .map((one) => [`1,000 executions: ${one.title}`, usd(1000 * costOf(billOf(one)))]),
    ['one environment for a month, besides', usd(standingCost())],
  ],
  notes: [],
});

/** The table as GitHub Markdown, padded to be readable as text. */
export function asMarkdown({ title, head, rows, notes }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => {
    const cells = widths.map((width, column) =>
      column === 0 ? row[column]?.padEnd(width) : row[column]?.padStart(width),
    );
    return `| ${cells.join(' | ')} |`;
  };
  const ruled = widths.map((width, column) => '-'.repeat(width - 1) + (column === 0 ? '-' : ':'));
  const below = notes.length === 0 ? [] : ['', ...notes];
  return [`**${title}**`, '', line(head), line(ruled), ...rows.map(line), ...below].join('\n');
}
