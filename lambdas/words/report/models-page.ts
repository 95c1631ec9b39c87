import { html } from 'ghtml';
import type { ModelsReport, ReportedEntry, ReportedModel } from '../../domain/report/models.ts';
import { percent } from '../numbers.ts';
import { seriesChart } from './chart.ts';
import { code, figure, NONE, page, pairs, plain, section, table } from './markup.ts';
import { releasesTable, watchPart } from './watch-part.ts';

/** The report over models for people: one page, without a script. */

/** The report over models: the page and the document that it is made from. */
export function renderModels(report: ModelsReport): { html: string; json: string } {
  return { html: modelsPage(report), json: `${JSON.stringify(report, null, 2)}\n` };
}

function modelsPage({ models, made_at: at }: ModelsReport): string {
  const title = models.length === 1 ? (models[0]?.model ?? '') : `${models.length} models`;
  return page(
    `Models: ${title}`,
    [
      html`<header><p class="kicker">Model promotion · report over models</p><h1>${title}</h1>
<p class="note">Made at <time datetime="${at}">${at}</time></p></header>`,
      models.length === 0 ? html`<p>The table records no model yet.</p>` : overview(models),
      ...models.map((model, index) =>
        section(
          `m${index}`,
          models.length === 1 ? 'What is live' : model.model,
          modelPart(model, `m${index}`),
        ),
      ),
    ].join('\n'),
  );
}

const STATUS: Partial<Record<string, readonly [tone: string, text: string]>> = {
  in_step: ['good', '✓ in step'],
  open: ['open', '… change open'],
  out_of_step: ['bad', '✗ out of step'],
  unrecorded: ['plain', '– not recorded'],
  unknown: ['bad', '? not all could be read'],
};

function statusTag(status: string): string {
  const [tone, text] = STATUS[status] ?? ['plain', status];
  return html`<span class="tag ${tone}">${text}</span>`;
}

const time = (at: string) => html`<time datetime="${at}">${at.replace(/T(\d\d:\d\d).*$/, ' $1')}</time>`;
const confidence = (value: number) => html`<data value="${value}">${percent(value)}</data>`;
const versionOr = (version: string | null) => (version === null ? NONE : html`version ${version}`);

function overview(models: readonly ReportedModel[]): string {
  if (models.length === 1) return '';
  const rows = models.map(({ model, status, live, evidence, waiting }, index) => [
    html`<a href="#m${index}">${model}</a>`,
    statusTag(status),
    live === null ? NONE : versionOr(live.version),
    live === null ? NONE : time(live.since),
    evidence === null ? NONE : html`${evidence.decision ?? ''}, grade ${evidence.grade ?? 'none'}`,
    waiting.length === 0 ? NONE : figure(waiting.length, 12),
  ]);
  return table('Every model', ['Model', 'State', 'Live', 'Since', 'Evidence', 'Waiting'], rows);
}

const HOW = {
  promoted: 'by a promotion',
  rolled_back: 'by a rollback',
  adopted: 'adopted by hand',
  seen: 'found in service',
} as const;

const WHAT = {
  change: 'Open change',
  alert: 'Alert not sent yet',
  challenger: 'Challenger',
  retraining: 'Retraining',
  unread: 'Not read',
} as const;

function modelPart(model: ReportedModel, id: string): string {
  const { live, evidence, waiting, rolled_back: back, metric } = model;
  const marked = new Set(live?.version == null ? [] : [live.version]);
  return [
    pairs([
      ['State', statusTag(model.status)],
      ['Live', live === null ? html`none recorded` : versionOr(live.version)],
      ['Since', live === null ? null : html`!${time(live.since)}, ${HOW[live.how]}`],
      ['Served by', live?.artifact_id == null ? null : html`artifact !${code(live.artifact_id)}`],
      ['On which evidence', live === null ? null : evidenceOf(evidence)],
    ]),
    part('What waits', waiting.length === 0 ? html`<p>Nothing.</p>` : waitingList(waiting)),
    model.watch === null ? '' : part('How the release does', watchPart(model.watch, id)),
    model.releases.length === 0 ? '' : part('Predicted and seen', releasesTable(model.releases)),
    part(
      'What was rolled back',
      back.length === 0 ? html`<p>Nothing that the ledger has.</p>` : entriesTable('Rollbacks', back),
    ),
    metric === null ? '' : part(html`${metric.name} over the versions`, metricChart(metric, marked, id)),
    model.decisions.length === 0
      ? ''
      : part(
          'Decisions',
          entriesTable('Newest first', model.decisions) + leftOut(model.decisions_left_out, 'decisions'),
        ),
    model.versions.length === 0 ? '' : part('Versions', versionsTable(model)),
    model.differences.length === 0 ? '' : part('Differences', model.differences.map(difference).join('\n')),
  ].join('\n');
}

/** `title` is markup. */
const part = (title: string, markup: string) => html`<h3>!${title}</h3>
!${markup}`;

const leftOut = (count: number, what: string) =>
  count === 0 ? '' : html`<p class="note">!${figure(count, 12)} more ${what} are not shown.</p>`;

const evidenceOf = (entry: ReportedEntry | null) =>
  entry === null
    ? html`none in the ledger`
    : html`${entry.decision ?? 'no decision'} by policy ${entry.policy ?? 'none'}, grade ${entry.grade ?? 'none'}!${entry.confidence === null ? '' : html`, confidence !${confidence(entry.confidence)}`}; entry !${figure(entry.seq, 12)} of the ledger, evidence !${code(entry.evidence_digest ?? 'none')}`;

const waitingList = (waiting: ReportedModel['waiting']) =>
  html`<ul>!${waiting.map(
    ({ what, about, since }) =>
      html`<li><b>${WHAT[what]}</b>: ${about}!${since === null ? '' : html` (since !${time(since)})`}</li>`,
  )}</ul>`;

function entriesTable(caption: string, entries: readonly ReportedEntry[]): string {
  const rows = entries.map((entry) => [
    figure(entry.seq, 12),
    time(entry.at),
    html`${entry.status.replaceAll('_', ' ')}`,
    entry.decision === null
      ? NONE
      : html`${entry.decision}, grade ${entry.grade ?? 'none'}!${entry.confidence === null ? '' : html`, confidence !${confidence(entry.confidence)}`}`,
    html`${entry.champion_version ?? '–'} → ${entry.challenger_version ?? entry.after ?? '–'}`,
    entry.requested_by === null ? NONE : html`${entry.requested_by}`,
  ]);
  return table(caption, ['Entry', 'At', 'Outcome', 'Decision', 'Versions', 'Requested by'], rows);
}

function metricChart(
  { name, points }: NonNullable<ReportedModel['metric']>,
  live: ReadonlySet<string>,
  id: string,
): string {
  const series = points.map(({ version, value }) => ({ name: version, value, isMarked: live.has(version) }));
  const chart = seriesChart(`${id}c`, name, series);
  if (chart === '') return html`<p>No version has a value of it.</p>`;
  const values = table(
    'Values',
    ['Version', name],
    points.map(({ version, value }) => [html`${version}`, value === null ? NONE : figure(value, 6)]),
  );
  return html`<figure>!${chart}<figcaption>By version; the full diamond is live, a gap has no value.</figcaption></figure>
<details><summary>Values</summary>!${values}</details>`;
}

function versionsTable({ versions, versions_left_out: left, live }: ReportedModel): string {
  const rows = versions
    .toReversed()
    .map(({ version, stage, run, page: address }) => [
      html`${version}!${version === live?.version ? html` <span class="tag good">live</span>` : ''}`,
      html`${stage}`,
      run === null
        ? NONE
        : address === null
          ? code(run)
          : html`<a href="${address}" rel="noreferrer"><code>${run}</code></a>`,
    ]);
  return table('Newest first', ['Version', 'Stage', 'Run'], rows) + leftOut(left, 'older versions');
}

function difference({
  before,
  after,
  asked,
  rows,
  left_out: left,
}: ReportedModel['differences'][number]): string {
  const cell = (value: string | number | null) =>
    value === null ? NONE : typeof value === 'number' ? figure(value, 6) : html`${value}`;
  const shown =
    rows.length === 0
      ? html`<p>Their runs have logged the same.</p>`
      : table(
          'What their runs have logged',
          ['What', 'Name', `Version ${before}`, `Version ${after}`],
          rows.map((row) => [plain(row.what) ?? '', html`${row.name}`, cell(row.before), cell(row.after)]),
        );
  const count = rows.length + left;
  return html`<details!${asked ? ' open' : ''}><summary>Version ${before} → ${after}: <data value="${count}">${count}</data> ${count === 1 ? 'difference' : 'differences'}</summary>
!${shown}!${leftOut(left, 'differences')}</details>`;
}
