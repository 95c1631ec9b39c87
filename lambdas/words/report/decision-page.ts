import { html } from 'ghtml';
import type { DecisionReport, Listed, ReportedRule } from '../../domain/report/decision.ts';
import { probability } from '../numbers.ts';
import { chartKey, percentText, ruleChart } from './chart.ts';
import { decisionReport, type RecordedDecision, versionsOf } from './document.ts';
import { code, figure, gain, NONE, page, pairs, plain, section, table } from './markup.ts';

/** The report of a decision for people: one page, which has everything that the JSON document has. */

/** The report of a decision: the page and the document that it is made from. */
export function renderDecision(report: DecisionReport): { html: string; json: string } {
  return { html: decisionPage(report), json: `${JSON.stringify(report, null, 2)}\n` };
}

/** The page of a recorded decision; null where no versions were compared. The same outcome gives the same bytes. */
export function recordedPage(recorded: RecordedDecision): string | null {
  const { comparison, model_name: model } = recorded.outcome;
  if (comparison === null || model === null) return null;
  return decisionPage(decisionReport(model, comparison, recorded));
}

function decisionPage(report: DecisionReport): string {
  return page(
    `${report.decision}: ${report.model}, ${versionsOf(report)}`,
    [
      html`<header><p class="kicker">Model promotion · decision report</p><h1>${report.model}</h1></header>`,
      verdictBox(report),
      section('evidence', 'Evidence', evidence(report)),
      section('table', 'Figures', rulesTable(report)),
      section('gates', 'Gates', listed('Gates beyond metrics', report.gates)),
      section(
        'checks',
        'Checks of the evidence',
        listed('Checks of the evidence against itself', report.checks),
      ),
      section('changes', 'What changed', listed('What changed since the champion', report.changes)),
      section('rows', 'Where the rows are from', rowsOf(report)),
      section('reproduce', 'How to reproduce the figures', reproduce(report)),
      section('record', 'Record', record(report)),
    ].join('\n'),
  );
}

const KIND = { PROMOTE: 'promote', KEEP: 'keep', INVESTIGATE: 'investigate' } as const;
const TONE = { PROMOTE: 'good', KEEP: 'plain', INVESTIGATE: 'open' } as const;
/** The tests of `domain/paired`, as statisticians name them. */
const METHOD: Partial<Record<string, string>> = {
  'mid-p-mcnemar': 'McNemar test, mid-p',
  'tango-score': 'Tango score interval',
  'bca-mean': 'paired bootstrap, BCa',
  'bca-resampled': 'paired bootstrap, BCa',
  'bca-cells': 'paired bootstrap of the confusion matrix, BCa',
  delong: 'DeLong test',
  'ewc-t': 'EWC t-test of a series in time',
  'corrected-resampled-t': 'corrected resampled t-test: compares recipes, not the two fitted versions',
  'noise-floor': 'spread of earlier versions',
  'max-t': 'max-T over the candidates',
  unpaired: 'two samples, not paired',
};
const STATUS: Partial<Record<string, string>> = {
  promoted: 'promoted',
  already_promoted: 'was the champion already',
  kept: 'champion kept',
  needs_investigation: 'needs investigation',
  declined: 'not approved',
  awaiting_approval: 'waits for approval',
  rolled_back: 'rolled back',
  contested: 'contested',
  failed: 'failed',
};

function verdictBox(report: DecisionReport): string {
  const { decision, execution } = report;
  return html`<div class="verdict ${KIND[decision]}">
<p class="line"><span class="tag ${TONE[decision]}">${decision}</span> ${versionsOf(report)}</p>
<p>${report.verdict}</p>
<p class="note">Confidence: !${confidence(report)}</p>
!${execution === null ? '' : html`<p class="note">Outcome: <b>${STATUS[execution.status] ?? execution.status}</b>${execution.dry_run ? ' (dry run: nothing was changed)' : ''}. ${execution.reason === report.verdict ? '' : execution.reason}</p>`}
</div>`;
}

const confidence = ({ confidence: value, confidence_text: text }: DecisionReport) =>
  value === null ? html`${text}` : html`<data value="${value}">${text}</data>`;

function evidence({ rules, rules_left_out: left }: DecisionReport): string {
  if (rules.length === 0) return html`<p>No rule was evaluated.</p>`;
  const items = rules.map(
    (
      rule,
      index,
    ) => html`<li><figure><figcaption class="head"><b>${rule.name}</b> !${resultTag(rule)}</figcaption>
!${ruleChart(rule, `r${index}`)}
<p class="figures">!${figuresOf(rule)}</p></figure></li>`,
  );
  return [
    html`<p class="note">A gain is challenger minus champion, turned so that positive is better. Each rule has its own scale, which need not begin at zero.</p>`,
    chartKey(rules),
    html`<ul class="rules">!${items}</ul>`,
    left === 0 ? '' : html`<p class="note">!${figure(left)} more rules are not shown.</p>`,
  ].join('\n');
}

function resultTag({ passed, result, critical }: ReportedRule): string {
  const [tone, sign] = passed === true ? ['good', '✓'] : passed === false ? ['bad', '✗'] : ['plain', '–'];
  return html`<span class="tag ${tone}">${sign} ${result}</span>!${critical && passed !== false ? ' <span class="note">critical</span>' : ''}`;
}

function figuresOf({ test, champion, challenger, reason }: ReportedRule): string {
  if (test === null)
    return champion === null || challenger === null
      ? html`${reason || 'No value'}`
      : html`${reason === '' ? '' : `${reason}. `}No interval.`;
  const level = html`<data value="${test.level}">${percentText(test.level)}</data>`;
  const sure = html`<data value="${test.p}">${probability(1 - test.p)}</data>`;
  return html`Gain !${gain(test.estimate)}, !${level} interval !${gain(test.lower)} to !${gain(test.upper)}; needed !${gain(test.needed)}; confidence !${sure}; n = !${figure(test.n, 12)}; grade ${test.grade}, ${METHOD[test.method] ?? test.method}`;
}

function rulesTable({ rules }: DecisionReport): string {
  if (rules.length === 0) return '';
  const value = (one: number | null) => (one === null ? NONE : figure(one, 6));
  const rows = rules.map((rule) => [
    html`${rule.name}`,
    rule.champion_metric === null
      ? code(rule.metric)
      : html`<code>${rule.metric}</code> (champion: <code>${rule.champion_metric}</code>)`,
    value(rule.champion),
    value(rule.challenger),
    html`${rule.result}`,
    html`${rule.reason}`,
  ]);
  return table(
    'Every rule of the policy',
    ['Rule', 'Metric', 'Champion', 'Challenger', 'Result', 'Reason'],
    rows,
  );
}

/** A list of facts as a table; empty where there is none. */
export function listed(caption: string, list: Listed | null): string {
  if (list === null) return '';
  const cell = (value: Listed['rows'][number][number]) =>
    value === null
      ? NONE
      : typeof value === 'number'
        ? figure(value, 6)
        : html`${typeof value === 'boolean' ? (value ? 'yes' : 'no') : value}`;
  const more =
    list.left_out === 0 ? '' : html`<p class="note">!${figure(list.left_out)} more are not shown.</p>`;
  return (
    table(
      caption,
      list.columns,
      list.rows.map((row) => row.map(cell)),
    ) + more
  );
}

function rowsOf({ rows, grade, budget }: DecisionReport): string {
  const given = (value: number | null, digits = 4) => (value === null ? null : figure(value, digits));
  const without =
    grade === null
      ? 'Nothing was compared.'
      : 'No rows of both versions were compared: the metrics that their runs have logged are the evidence.';
  return [
    rows === null || rows.count === null ? html`<p>${without}</p>` : '',
    rows === null
      ? ''
      : pairs([
          ['Rows in common', given(rows.count, 12)],
          ['Fingerprint of the data', rows.fingerprint === null ? null : code(rows.fingerprint)],
          ['Tested at a risk of', given(rows.alpha)],
          ['Taken from the budget', given(rows.spent)],
          ['Rows that would probably show it', given(rows.rows_needed, 12)],
        ]),
    listed('What the risk was divided by', budget),
  ].join('');
}

const reproduce = ({
  reproduce: command,
  evidence_digest: digest,
  inputs_digest: inputs,
  policy,
  grade,
}: DecisionReport) => html`<pre><code>${command}</code></pre>
<p>It answers the same digest as long as both runs, their files and the policy are what they were.</p>
!${pairs([
  ['Evidence digest', code(digest)],
  ['Digest of files, metrics and policy', inputs === null ? null : code(inputs)],
  ['Policy', plain(policy)],
  ['Evidence grade', plain(grade ?? 'none: nothing was compared')],
])}`;

function record({ execution, ledger }: DecisionReport): string {
  if (execution === null) return html`<p>Compared without an execution: nothing was recorded.</p>`;
  const champion = (version: string | null) =>
    plain(version === null ? 'none or unknown' : `version ${version}`);
  return pairs([
    ['Execution', code(execution.id)],
    ['Operation', plain(execution.operation)],
    ['Requested by', plain(execution.requested_by ?? 'not given')],
    ['Recorded at', html`<time datetime="${execution.recorded_at}">${execution.recorded_at}</time>`],
    ['Champion before', champion(execution.champion_before)],
    ['Champion after', champion(execution.champion_after)],
    [
      'Ledger entry',
      ledger === null
        ? null
        : html`number !${figure(ledger.from, 12)}, or the first free one after it; it holds the SHA-256 of the report on the run`,
    ],
    ['Ledger when compared', ledger?.follows == null ? null : code(ledger.follows)],
  ]);
}
