import { fitted } from '../../cli/screen/layout.ts';
import { functionNames, longestMinutes } from '../../lambdas/domain/limits.ts';
import { A_SHORT_ONE, EVERY_DAY } from './measure.ts';
import { services } from './prices.ts';
import { judge, quotas } from './quotas.ts';
import type { Report } from './report.ts';
import { EVENTS_OF_A_RETRY } from './tally.ts';

/** A table as it stands in the document and on the screen, where it has at most 100 columns. */
export interface Table {
  /** Names its place in the document. */
  id: string;
  title: string;
  head: readonly string[];
  /** The first column is text, the others are set to the right unless they are among `text`. */
  rows: readonly (readonly string[])[];
  text?: readonly number[];
  notes: readonly string[];
  /** Too wide for a screen. */
  documentOnly?: true;
}

const whole = (value: number) => Math.round(value).toLocaleString('en-US');
/** Three digits that count. */
const about = (value: number) =>
  value >= 100 ? whole(value) : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
const usd = (value: number) => value.toFixed(value < 1 ? 3 : 2);
const percent = (share: number) => (share >= 0.001 ? `${about(share * 100)} %` : '< 0.1 %');
const hours = (seconds: number) => `${about(seconds / 3600)} h`;

/** Everything that does not depend on the machine it was measured on. */
export function tablesOf(report: Report): Table[] {
  return [
    executions(report),
    invocations(report),
    costs(report),
    standingCosts(report),
    history(report),
    volume(report),
    priceList(report),
    quotaList(report),
  ];
}

const executions = ({ executions: kinds, largestPayload }: Report): Table => ({
  id: 'executions',
  title: 'What one execution takes',
  head: ['kind', 'transitions', 'events', 'calls', 'MLflow', 'Workload', 'reads', 'writes', 'SNS', 'KB'],
  rows: kinds.map((one) => [
    one.kind,
    whole(one.transitions),
    whole(one.historyEvents),
    whole(Object.values(one.invocations).reduce((sum, count) => sum + count, 0)),
    whole(one.mlflowCalls),
    whole(one.workloadCalls),
    whole(one.table.readUnits),
    whole(one.table.writeUnits + one.table.indexWriteUnits),
    whole(one.published),
    (one.largestPayload / 1024).toFixed(1),
  ]),
  notes: [
    'transitions: states entered, and retries. events: of the history. calls: of functions. MLflow and Workload: requests.',
    'reads and writes: units of DynamoDB, its index included. SNS: messages. KB: the largest payload between two states.',
    `The largest of all is ${percent(largestPayload.share)} of the ${whole(quotas.payload.limit)} bytes that there may be: ${largestPayload.verdict}.`,
  ],
});

const invocations = ({ executions: kinds }: Report): Table => ({
  id: 'invocations',
  title: 'Calls of each function, and how long the execution lasts while functions take no time',
  head: [
    'kind',
    ...functionNames.map((name) => name.replace(/^model-|-(promotion|models|workload|model)$/g, '')),
    's',
  ],
  rows: kinds.map((one) => [
    one.kind,
    ...functionNames.map((name) => whole(one.invocations[name])),
    whole(one.seconds),
  ]),
  notes: oneLook(kinds),
});

/** What a longer rollout takes more, divided by its looks. */
function oneLook(kinds: Report['executions']): string[] {
  const [short, long] = [A_SHORT_ONE, EVERY_DAY].map((name) => kinds.find(({ kind }) => kind === name));
  if (short === undefined || long === undefined) return [];
  const looks = long.invocations['replace-workload'] - short.invocations['replace-workload'];
  const each = (of: (one: Report['executions'][number]) => number) => about((of(long) - of(short)) / looks);
  return [
    `Each look at a rollout: ${each((one) => one.transitions)} transitions, ${each((one) => one.historyEvents)} events, ${each((one) => one.workloadCalls)} requests to the Workload API, ${each((one) => one.table.readUnits)} read, ${each((one) => 1000 * one.total)} USD for 1,000.`,
  ];
}

const costs = ({ executions: kinds, assumptions }: Report): Table => ({
  id: 'costs',
  title: 'US dollars for 1,000 executions',
  head: ['kind', ...services, 'all'],
  rows: kinds.map((one) => [
    one.kind,
    ...services.map((service) => usd(1000 * one.cost[service])),
    usd(1000 * one.total),
  ]),
  notes: [
    `Assumed: ${assumptions.callMs} ms and ${assumptions.memoryMb} MB for each call, addresses that get emails: ${assumptions.emails}, bytes of log for each call: ${whole(assumptions.logBytesPerCall)} and for each event: ${assumptions.logBytesPerEvent}, every trace recorded, secrets read anew.`,
    'Others: X-Ray, KMS, Secrets Manager. Free tiers are not taken off.',
  ],
});

const standingCosts = ({ standing, month }: Report): Table => ({
  id: 'standing',
  title: 'US dollars a month for one environment in which nothing is promoted',
  head: ['what', 'USD'],
  rows: [...standing.map(({ what, cost }) => [what, usd(cost)]), ['all', usd(month.standing)]],
  notes: ['Not in it: storage of logs and of the table, backups, a network of your own, MLflow, DataRobot.'],
});

/** The short answer, for whoever is about to deploy. */
export const costSummary = ({ executions: kinds, month }: Report): Table => ({
  id: 'costs',
  title: 'US dollars',
  head: ['what', 'USD'],
  rows: [
    ...kinds
      .filter(({ kind }) => /^(promoted|kept|rollout failed)/.test(kind))
      .map(({ kind, total }) => [`1,000 executions: ${kind}`, usd(1000 * total)]),
    ['one environment for a month, besides', usd(month.standing)],
  ],
  notes: [],
});

const apart = ({ shortest, longest }: { shortest: number; longest: number }) => `${shortest}–${longest} s`;

const history = ({ longest, machineTimeout }: Report): Table => {
  const limit = quotas.history.limit;
  const row = (what: string, waited: readonly [string, string, string], events: number) => {
    const { share, verdict } = judge(events, limit);
    return [what, ...waited, whole(events), percent(share), verdict];
  };
  const none = ['', '', ''] as const;
  const [lease, ...afterwards] = longest.waitings;
  const rest = afterwards.reduce((sum, { events }) => sum + events, longest.otherEvents);
  return {
    id: 'history',
    title: 'The longest execution that can be asked for, in events of its history',
    head: ['what', 'looks', 'every', 'time', 'events', `of ${whole(limit)}`, 'verdict'],
    text: [6],
    rows: [
      ...longest.waitings.map(({ what, rounds, seconds, pauses, events }) =>
        row(what, [whole(rounds), apart(pauses), hours(seconds)], events),
      ),
      row('everything else', none, longest.otherEvents),
      row(`all without ${lease?.what}`, none, rest),
      row('all in one execution', none, longest.events),
    ],
    notes: [
      `${whole(longest.retriesThatFit)} retries (${EVENTS_OF_A_RETRY} events each) would fit in besides.`,
      `The rollout: ${longestMinutes.warmupDurationMinutes} min of warm-up, the old version kept for ${whole(longestMinutes.keepOldVersionMinutes)} min, switched late and never finished.`,
      `The state machine's own time-out is ${hours(machineTimeout.seconds)}, ${percent(machineTimeout.share)} of the year that an execution may take: ${machineTimeout.verdict}.`,
    ],
  };
};

const MILLION = 1_000_000;

const volume = ({ needs, profile, bottleneck, burstSeconds, month }: Report): Table => ({
  id: 'volume',
  title: `What ${whole(profile.models)} models a day take`,
  head: ['what', 'average', 'peak', 'limit', 'share', 'verdict', 'models'],
  text: [5],
  rows: needs.map(({ what, average, peak, limit, share, verdict, mostModels }) => [
    what,
    about(average),
    about(peak),
    limit === null ? '' : about(limit),
    share === null ? '' : percent(share),
    verdict,
    mostModels === null ? '' : mostModels > MILLION ? '> million' : whole(mostModels),
  ]),
  notes: [
    `Each: ${EVERY_DAY}. Average over the day; peak: all started evenly within ${profile.peakHours} h.`,
    `models: how many could be started within ${profile.peakHours} h before the limit is reached. The narrowest: ${bottleneck}.`,
    `MLflow: ${profile.mlflowWorkers} workers with a core each; ${profile.mlflowCallMs} ms for a call where each has its password hashed, ${profile.mlflowCachedCallMs} ms where the server remembers it.`,
    `Started as fast as they can be, they all run after ${whole(burstSeconds)} s. Each address gets ${whole(profile.models)} emails a day.`,
    `A month of such days costs ${whole(month.executions)} USD, and the ${usd(month.standing)} USD above.`,
  ],
});

const priceList = ({ prices, lookedAt }: Report): Table => ({
  id: 'prices',
  title: `List prices of us-east-1, looked at on ${lookedAt}`,
  head: ['what', 'USD', 'for', 'said by', 'page'],
  text: [2, 3, 4],
  rows: Object.values(prices).map(({ what, usd: price, per, unit, seen, source }) => [
    what,
    String(price),
    `${per === 1 ? 'one' : whole(per)} ${unit}`,
    seen,
    source,
  ]),
  notes: [],
  documentOnly: true,
});

const quotaList = ({ quotas: all, lookedAt }: Report): Table => ({
  id: 'quotas',
  title: `Default quotas of us-east-1, looked at on ${lookedAt}`,
  head: ['what', 'limit', 'unit', 'can be raised', 'said by', 'page'],
  text: [2, 3, 4, 5],
  rows: Object.values(all).map(({ what, limit, unit, soft, seen, source }) => [
    what,
    whole(limit),
    unit,
    soft ? 'yes' : 'no',
    seen,
    source,
  ]),
  notes: [],
  documentOnly: true,
});

/** For a screen: columns set by spaces. */
export function asText({ title, head, rows, text = [], notes }: Table): string {
  const widths = head.map((name, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? name.length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || text.includes(column) ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  const ruled = widths.map((width) => '-'.repeat(width)).join('  ');
  const told = fitted(notes.join(' '), { prefix: '  ' });
  return [title, '', line(head), ruled, ...rows.map(line), ...(notes.length === 0 ? [] : told)].join('\n');
}

/** For the document: GitHub's tables. */
export function asMarkdown({ title, head, rows, text = [], notes }: Table): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const ruled = head.map((_, column) => (column === 0 || text.includes(column) ? '---' : '---:'));
  const told = notes.length === 0 ? [] : ['', ...notes];
  return [`**${title}**`, '', line(head), line(ruled), ...rows.map(line), ...told].join('\n');
}
