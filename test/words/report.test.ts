import fc from 'fast-check';
import { type DefaultTreeAdapterMap, parse } from 'parse5';
import { describe, expect, it } from 'vitest';
import type { RuleResult } from '../../lambdas/domain/comparison/rule-result.ts';
import type { Comparison } from '../../lambdas/domain/payloads.ts';
import { DecisionReport, MAX_RULES } from '../../lambdas/domain/report/decision.ts';
import { renderDecision } from '../../lambdas/words/report/decision-page.ts';
import { decisionReport } from '../../lambdas/words/report/document.ts';
import { sampleComparison, sampleOutcome, sampleRule } from '../support/sample-outcome.ts';

type Node = DefaultTreeAdapterMap['node'];

const tested: RuleResult = {
  ...sampleRule,
  name: 'accuracy',
  test: {
    grade: 'A',
    method: 'mid-p-mcnemar',
    n: 2000,
    needed: 0.001,
    estimate: 0.0148123,
    lower: 0.0042,
    upper: 0.0251,
    level: 0.9,
    p: 0.0123,
  },
};
const comparison: Comparison = {
  ...sampleComparison,
  rules: [tested, ...sampleComparison.rules],
  paired: { fingerprint: 'f'.repeat(64), rows: 2000, alpha: 0.0417, spent: 0.0417, rows_needed: 6176 },
};

const gateOf = (text: string) => ({
  name: text,
  kind: text,
  result: 'failed',
  dry_run: true,
  why: [],
  reason: text,
});
const allocation = {
  policy_alpha: 0.05,
  budget: 0.5,
  comparisons: 14,
  uses: 6,
  warning: true,
  at_least: true,
  candidates: 101,
  candidates_from: 'at-least',
};

const reportOf = (changes: object = {}, model = 'PascalStrategy') => {
  const changed = { ...comparison, ...changes };
  const outcome = { ...sampleOutcome, model_name: model, comparison: changed };
  return decisionReport(model, changed, { outcome, ledgerFrom: 13 });
};
const rendered = (changes: object = {}, model?: string) => renderDecision(reportOf(changes, model));

const nodesOf = (node: Node): Node[] => [
  node,
  ...('childNodes' in node ? node.childNodes.flatMap(nodesOf) : []),
];
const nodesIn = (page: string) => nodesOf(parse(page));
/** Names of elements and attributes, in the order of the page. */
const shapeOf = (page: string): string[] =>
  nodesIn(page).map((node) =>
    'tagName' in node ? `${node.tagName} ${node.attrs.map(({ name }) => name).join(' ')}` : node.nodeName,
  );
const textIn = (page: string) =>
  nodesIn(page)
    .map((node) => ('value' in node ? node.value : ''))
    .join('\n');
const attributes = (page: string) =>
  nodesIn(page).flatMap((node) =>
    'attrs' in node ? node.attrs.map(({ name, value }) => ({ of: node.tagName, name, value })) : [],
  );

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  '</title></style></svg><b>',
  '<!--',
  ']]>',
  '&lt;b&gt;',
  '!',
  '\u202e\u0000\n\r\u2028',
  'javascript:alert(1)',
];
const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.tuple(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' })).map((both) => both.join('')),
  fc.string({ unit: 'binary', minLength: 1 }),
);

describe('the page of a decision', () => {
  it('has no element and no attribute but those of the template, whatever the names and texts are', () => {
    const changed = (text: string) => ({
      recommendation: text,
      policy: text,
      method: text,
      champion_version: text,
      challenger_version: text,
      evidence_digest: text,
      paired: { ...comparison.paired, fingerprint: text },
      rules: comparison.rules.map((rule) => ({
        ...rule,
        name: text,
        metric: text,
        champion_metric: text,
        reason: text,
        why: rule.why.map((lack) => ({ ...lack, metric: text })),
        ...(rule.test === undefined ? {} : { test: { ...rule.test, method: text } }),
      })),
      gates: [gateOf(text)],
      checks: [gateOf(text)],
      changes: {
        listed: [{ what: 'parameter', name: text, before: text, after: text }],
        left_out: 1,
        unknown: ['size'],
      },
    });
    const plain = shapeOf(rendered(changed('plain'), 'plain').html).filter((each) => each !== '#text');
    fc.assert(
      fc.property(hostile, (text) => {
        const page = rendered(changed(text), text).html;
        expect(shapeOf(page).filter((each) => each !== '#text')).toEqual(plain);
      }),
      { numRuns: 150 },
    );
  });

  it('shows a hostile name as text', () => {
    const name = '<img src=x onerror=alert(1)>';
    expect(textIn(rendered({}, name).html)).toContain(name);
  });

  it('loads nothing, runs nothing and leads nowhere', () => {
    const { html } = rendered();
    const found = attributes(html);
    expect(shapeOf(html).filter((each) => /^(script|link|img|iframe|object|a|form) /.test(each))).toEqual([]);
    expect(found.filter(({ name }) => /^(on|src|href|style$)/.test(name))).toEqual([]);
    const policy = found.find(({ of, value }) => of === 'meta' && value.startsWith('default-src'))?.value;
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'$/,
    );
  });

  it('has a name and a description for each chart', () => {
    const charts = nodesIn(rendered().html).filter(
      (node) => 'tagName' in node && node.attrs.some(({ value }) => value === 'img'),
    );
    expect(charts.length).toBeGreaterThan(1);
    for (const chart of charts) {
      const named = nodesOf(chart).flatMap((node) => ('tagName' in node ? [node.tagName] : []));
      expect(named).toEqual(expect.arrayContaining(['title', 'desc']));
    }
  });

  it('has every figure of the JSON document', () => {
    const { html, json } = rendered({ paired: { ...comparison.paired, allocation } });
    const figures: number[] = [];
    JSON.parse(json, (_, value: unknown) => (typeof value === 'number' ? figures.push(value) : value));
    const shown = attributes(html).flatMap(({ of, name, value }) =>
      of === 'data' && name === 'value' ? [Number(value)] : [],
    );
    expect(figures.length).toBeGreaterThan(20);
    const without = figures.filter((value) => value !== 0 && !shown.includes(value));
    expect(without).toEqual([]);
  });

  it('has every text of the JSON document', () => {
    const { html, json } = rendered();
    const texts: string[] = [];
    JSON.parse(json, (key, value: unknown) =>
      typeof value === 'string' && !['schema', 'status', 'method'].includes(key) ? texts.push(value) : value,
    );
    const shown = textIn(html);
    expect(texts.filter((text) => !shown.includes(text))).toEqual([]);
  });

  it('keeps every mark of every chart inside, whatever the figures are', () => {
    const figure = fc.double({ noDefaultInfinity: true, noNaN: true });
    fc.assert(
      fc.property(fc.record({ estimate: figure, lower: figure, upper: figure, needed: figure }), (test) => {
        const { html } = rendered({ rules: [{ ...tested, test: { ...tested.test, ...test } }] });
        const places = attributes(html).filter(
          ({ name, value }) => /^(x|x1|x2|width)$/.test(name) && value.endsWith('%'),
        );
        expect(places.length).toBeGreaterThan(5);
        for (const { value } of places) {
          expect(Number.parseFloat(value)).toBeGreaterThanOrEqual(0);
          expect(Number.parseFloat(value)).toBeLessThanOrEqual(100);
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    [
      'a first model',
      { champion_version: null, rules: [{ ...sampleRule, champion: null, counted: 'alone' }] },
    ],
    [
      'nothing compared',
      { decision: 'INVESTIGATE', evidence_grade: null, challenger_version: null, rules: [] },
    ],
    ['a comparison of the first version', { basis: undefined, paired: undefined }],
    [
      'numbers that are none',
      { confidence: Number.NaN, rules: [{ ...sampleRule, champion: Number.POSITIVE_INFINITY }] },
    ],
  ])('shows %s', (_, changes) => {
    const { html, json } = rendered(changes);
    expect(DecisionReport.parse(JSON.parse(json))).toEqual(reportOf(changes));
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('stays below one megabyte with 100 rules and texts of five megabytes', () => {
    const long = '<&">'.repeat(1_250_000);
    const rules = Array.from({ length: 100 }, (_, at) => ({
      ...tested,
      name: `${at}${long}`,
      metric: long,
      reason: long,
    }));
    const changes = {
      rules,
      recommendation: long,
      policy: long,
      changes: {
        listed: Array.from({ length: 1000 }, () => ({
          what: 'parameter',
          name: long,
          before: long,
          after: null,
        })),
        left_out: 0,
        unknown: [],
      },
      gates: Array.from({ length: 1000 }, () => gateOf(long)),
    };
    const { html, json } = rendered(changes, long);
    expect(html.length).toBeLessThan(1_000_000);
    expect(json.length).toBeLessThan(1_000_000);
  });

  it('counts the rules that it does not show', () => {
    const rules = Array.from({ length: MAX_RULES + 7 }, () => sampleRule);
    expect(reportOf({ rules })).toMatchObject({ rules_left_out: 7, rules: { length: MAX_RULES } });
  });
});

describe('the JSON document of a decision', () => {
  it('keeps to its schema', () => {
    const report = reportOf();
    expect(DecisionReport.parse(JSON.parse(rendered().json))).toEqual(report);
  });

  it('names where the ledger ended when the versions were compared', () => {
    const head = `12:${'e'.repeat(64)}`;
    expect(reportOf({ ledger_head: head }).ledger).toEqual({ from: 13, follows: head });
    expect(reportOf({ ledger_head: '<b>' }).ledger).toEqual({ from: 13, follows: null });
  });

  it.each([
    ['plain', '--model plain '],
    ["it's; rm -rf ~", `--model 'it'\\''s; rm -rf ~' `],
    ['a\nb', `--model 'a\\nb' `],
  ])('has a command that a shell reads as it is meant: %s', (model, part) => {
    expect(reportOf({}, model).reproduce).toContain(part);
  });
});
