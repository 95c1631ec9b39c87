import fc from 'fast-check';
import { type DefaultTreeAdapterMap, parse } from 'parse5';
import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../lambdas/domain/ledger/entry.ts';
import { differences, type VersionFacts } from '../../lambdas/domain/promotion/differences.ts';
import { ModelsReport } from '../../lambdas/domain/report/models.ts';
import type { WatchEvidence } from '../../lambdas/domain/watch/evidence.ts';
import { type ModelFacts, modelsReport } from '../../lambdas/words/report/models-document.ts';
import { renderModels } from '../../lambdas/words/report/models-page.ts';
import { run } from '../support/evidence.ts';
import { compared } from '../support/stub-functions.ts';

type Node = DefaultTreeAdapterMap['node'];
const nodesOf = (node: Node): Node[] => [
  node,
  ...('childNodes' in node ? node.childNodes.flatMap(nodesOf) : []),
];
const shapeOf = (page: string) =>
  nodesOf(parse(page)).flatMap((node) =>
    'tagName' in node ? [`${node.tagName} ${node.attrs.map(({ name }) => name).join(' ')}`] : [],
  );

const NOW = new Date('2026-11-20T12:00:00Z');

const entry = (seq: number, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  model: 'churn',
  seq,
  previous: null,
  at: `2026-11-0${seq}T08:00:00.000Z`,
  execution: `arn:${seq}`,
  operation: 'promote',
  status: 'promoted',
  requested_by: 'retraining',
  dry_run: false,
  decision: {
    decision: 'PROMOTE',
    champion_version: String(seq),
    challenger_version: String(seq + 1),
    policy: 'default',
    evidence_digest: 'd'.repeat(64),
    evidence_grade: 'A',
    confidence: 0.97,
    fingerprint: null,
    alpha_spent: null,
  },
  before: { version: String(seq), artifact_id: null },
  after: { version: String(seq + 1), artifact_id: null },
  table_behind: false,
  ...more,
});

const versionFacts = (number: number, accuracy: number | null) => ({
  version: String(number),
  stage: 'None',
  run: accuracy === null ? null : run({ accuracy }, { params: { depth: String(number) } }),
  page: `https://mlflow.internal/#/experiments/1/runs/r${number}/artifacts`,
});

const facts = (changes: Partial<ModelFacts> = {}): ModelFacts => ({
  model: 'churn',
  status: 'in_step',
  live: {
    version: '3',
    artifact_id: 'a3',
    at: '2026-11-02T08:00:01.000Z',
    result: 'promoted',
    adopted_by: null,
  },
  waiting: [],
  watch: null,
  comparisons: new Map(),
  entries: [entry(1), entry(2)],
  versions: [versionFacts(2, 0.8), versionFacts(3, 0.85), versionFacts(4, null)],
  versionsLeftOut: 0,
  pair: null,
  metric: null,
  ...changes,
});
const only = (changes: Partial<ModelFacts> = {}) => modelsReport([facts(changes)], NOW).models[0];

const ruleResult = {
  ...{ metric: 'accuracy', champion: 0.8, challenger: 0.83, passed: true, counted: 'counted' as const },
  ...{ why: [], critical: false, reason: '' },
};
const gain = {
  ...{ grade: 'A' as const, method: 'mid-p', n: 1000, needed: 0 },
  ...{ estimate: 0, lower: -0.01, upper: 0.05, level: 0.9, p: 0.01 },
};

const evidence: WatchEvidence = {
  ...{ new: '3', old: '2', switched_at: '2026-11-02T08:00:01.000Z' },
  series: [
    {
      ...{ series: 'rows', decides: true, blocks: 12, before: 168, phi: 1.2, level: 0.9 },
      ...{ worse: { ln: 1.2, needed: 4.6 }, not_worse: { ln: 2, needed: 3 }, guard: null },
      ...{ estimate: 0.002, interval: [-0.001, 0.005] },
    },
    {
      ...{ series: 'errors', decides: false, blocks: 0, before: 0, phi: null, level: 0.9 },
      ...{ worse: null, not_worse: null, guard: null, estimate: null, interval: null },
    },
  ],
};
const chartsIn = (html: string) =>
  nodesOf(parse(html)).filter((node) => 'tagName' in node && node.tagName === 'title').length;

describe('what happened after releases', () => {
  it('is where the watch of the live release stands, with a chart of what could be compared', () => {
    const report = modelsReport([facts({ watch: { status: 'watching', evidence } })], NOW);
    expect(ModelsReport.parse(report)).toEqual(report);
    expect(report.models[0]?.watch).toMatchObject({
      ...{ status: 'watching', new: '3', old: '2' },
      series: [
        { series: 'rows', estimate: 0.002, interval: [-0.001, 0.005], worse: { ln: 1.2, needed: 4.6 } },
        { series: 'errors', estimate: null, worse: null },
      ],
    });
    const [without, withIt] = [only(), report.models[0]].map((model) =>
      chartsIn(renderModels({ ...report, models: model === undefined ? [] : [model] }).html),
    );
    expect(withIt).toBe((without ?? 0) + 1);
  });

  it('is what was predicted of each release beside what was seen until the next change', () => {
    const seen = {
      series: 'rows',
      blocks: 168,
      estimate: -0.01,
      interval: [-0.02, 0.001] as [number, number],
    };
    const verdict = (seq: number, status: string) =>
      entry(seq, { status, decision: null, after: null, watch: [seen] });
    const tested = (estimate: number) =>
      compared({
        rules: [
          { ...ruleResult, name: 'plain' },
          { ...ruleResult, name: 'accuracy', critical: true, test: { ...gain, estimate } },
        ],
      });
    const report = modelsReport(
      [
        facts({
          entries: [entry(1), verdict(2, 'confirmed'), entry(3), entry(4), verdict(5, 'rolled_back')],
          comparisons: new Map([
            ['arn:1', tested(0.03)],
            ['arn:4', tested(0.01)],
          ]),
        }),
      ],
      NOW,
    );
    expect(ModelsReport.parse(report)).toEqual(report);
    expect(report.models[0]?.releases).toMatchObject([
      {
        version: '5',
        predicted: { rule: 'accuracy', estimate: 0.01 },
        verdict: 'rolled_back',
        observed: [seen],
      },
      { version: '4', predicted: null, verdict: null, observed: [] },
      {
        version: '2',
        predicted: { rule: 'accuracy', estimate: 0.03 },
        verdict: 'confirmed',
        observed: [seen],
      },
    ]);
    expect(renderModels(report).html).toContain('Predicted');
  });
});

describe('the report over models', () => {
  it('names what is live, since when and on which evidence', () => {
    expect(only()).toMatchObject({
      live: { version: '3', since: '2026-11-02T08:00:01.000Z', how: 'promoted' },
      evidence: { seq: 2, grade: 'A', confidence: 0.97 },
    });
  });

  it.each([
    ['found in service', { result: null, adopted_by: null }, 'seen'],
    ['adopted', { result: null, adopted_by: 'ops' }, 'adopted'],
    ['rolled back to', { result: 'rolled_back', adopted_by: null }, 'rolled_back'],
  ] as const)('says of a release that was %s how it became live', (_, more, how) => {
    const live = { version: '3', artifact_id: null, at: '2026-11-02T08:00:01.000Z', ...more };
    expect(only({ live })?.live?.how).toBe(how);
  });

  it('lists rollbacks apart, newest first', () => {
    const entries = [
      entry(1),
      entry(2, { status: 'rolled_back', decision: null }),
      entry(3),
      entry(4, { status: 'rolled_back', decision: null }),
    ];
    expect(only({ entries })?.rolled_back.map(({ seq }) => seq)).toEqual([4, 2]);
    expect(only({ entries })?.decisions.map(({ seq }) => seq)).toEqual([3, 1]);
  });

  it('shows the metric that most versions have, and a gap where one has none', () => {
    expect(only()?.metric).toEqual({
      name: 'accuracy',
      points: [
        { version: '2', value: 0.8 },
        { version: '3', value: 0.85 },
        { version: '4', value: null },
      ],
    });
    expect(only({ metric: 'other' })?.metric?.points.map(({ value }) => value)).toEqual([null, null, null]);
  });

  it('compares neighbours, and any two that were asked for', () => {
    const pairs = only({ pair: ['2', '4'] })?.differences.map(({ before, after, asked }) => [
      before,
      after,
      asked,
    ]);
    expect(pairs).toEqual([
      ['2', '4', true],
      ['3', '4', false],
      ['2', '3', false],
    ]);
  });

  it('keeps to its schema', () => {
    const report = modelsReport([facts(), facts({ live: null, entries: [], versions: [] })], NOW);
    expect(ModelsReport.parse(JSON.parse(renderModels(report).json))).toEqual(report);
  });

  it('has no element and no attribute but those of the template, whatever the names and texts are', () => {
    const changed = (text: string) => {
      const seen = { series: text, blocks: 1, estimate: 0, interval: null };
      const verdict = entry(4, { status: 'confirmed', decision: null, after: null, watch: [seen] });
      const named = entry(1, { requested_by: text, execution: text, status: text });
      const version = {
        ...versionFacts(2, 0.8),
        stage: text,
        run: run({ [text]: 0.5 }, { params: { p: text }, tags: { 'mlflow.source.git.commit': text } }),
      };
      const report = modelsReport(
        [
          facts({
            model: text,
            entries: [named, { ...named, status: 'rolled_back' }, entry(3), verdict],
            watch: { status: text, evidence: { ...evidence, new: text, old: text, switched_at: text } },
            comparisons: new Map([
              ['arn:3', compared({ rules: [{ ...ruleResult, name: text, test: gain }] })],
            ]),
            versions: [version, versionFacts(3, 0.9)],
            waiting: [{ what: 'change', about: text, since: text }],
            metric: text,
          }),
        ],
        NOW,
      );
      // Names are sorted, so that the order of the rows is another.
      return shapeOf(renderModels(report).html).sort();
    };
    const plain = changed('plain');
    const hostile = fc.oneof(
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onload='x",
        '</title><b>',
        '<!--',
        '!',
      ),
      fc.string({ unit: 'binary', minLength: 1 }),
    );
    // A metric or a parameter of the same name as another is one difference less.
    const own = hostile.filter((text) => !['accuracy', 'p', 'depth'].includes(text));
    fc.assert(
      fc.property(own, (text) => {
        expect(changed(text)).toEqual(plain);
      }),
      { numRuns: 50 },
    );
  });

  it('is bounded: 100 models of 30 versions are less than six megabytes', () => {
    const versions = Array.from({ length: 30 }, (_, at) => versionFacts(at + 1, Math.sin(at)));
    const many = Array.from({ length: 100 }, () =>
      facts({ versions, entries: Array.from({ length: 9 }, (_, at) => entry(at + 1)) }),
    );
    expect(renderModels(modelsReport(many, NOW)).html.length).toBeLessThan(6_000_000);
  });
});

describe('the differences of two versions', () => {
  const of = (more: Parameters<typeof run>[1], metrics = { accuracy: 0.8 }): VersionFacts => ({
    version: '1',
    stage: 'None',
    run: run(metrics, more),
  });

  it('are metrics, parameters, data and code', () => {
    const before = of({
      params: { depth: '3', rate: '0.1' },
      tags: { 'mlflow.source.git.commit': 'aaa', other: 'x' },
    });
    const after = of(
      {
        params: { depth: '5', rate: '0.1', seed: '7' },
        tags: { 'mlflow.source.git.commit': 'bbb', other: 'y' },
        datasets: [{ name: 'held-out', digest: 'd2', context: 'evaluation' }],
      },
      { accuracy: 0.9 },
    );
    expect(differences(before, after)).toEqual([
      { what: 'metric', name: 'accuracy', before: 0.8, after: 0.9 },
      { what: 'parameter', name: 'depth', before: '3', after: '5' },
      { what: 'parameter', name: 'seed', before: null, after: '7' },
      { what: 'data', name: 'evaluation held-out', before: 'd1', after: 'd2' },
      { what: 'code', name: 'git commit', before: 'aaa', after: 'bbb' },
    ]);
  });

  it('are none of a version with itself, also where a metric is NaN', () => {
    const same = of({}, { accuracy: Number.NaN });
    expect(differences(same, same)).toEqual([]);
  });
});
