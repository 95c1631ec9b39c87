import { describe, expect, it } from 'vitest';
import { gainByRows } from '../../lambdas/domain/comparison/by-rows.ts';
import { decide } from '../../lambdas/domain/comparison/decision.ts';
import type { Candidate, Evidence } from '../../lambdas/domain/comparison/evidence.ts';
import { measureOf } from '../../lambdas/domain/comparison/measure.ts';
import {
  type Policy,
  parsePolicy,
  policyMistakes,
  type Rule,
} from '../../lambdas/domain/comparison/policy.ts';
import { seeded } from '../../lambdas/domain/paired/random.ts';
import type { Run } from '../../lambdas/domain/registry.ts';
import type { JoinedRows, Measures } from '../../lambdas/domain/rows/join.ts';

/** Grade A: both versions on the same rows, and what a policy makes of it. */

const numbers = (values: ArrayLike<number>) =>
  ({ kind: 'number', values: Float64Array.from(values) }) as const;

interface Made {
  label: number[];
  champion: Partial<Record<keyof Measures, number[]>>;
  challenger: Partial<Record<keyof Measures, number[]>>;
  cluster?: string[];
}

function rowsOf({ label, champion, challenger, cluster }: Made): JoinedRows {
  const side = (of: Made['champion']): Measures => ({
    prediction: of.prediction === undefined ? null : numbers(of.prediction),
    probability: of.probability === undefined ? null : Float64Array.from(of.probability),
    loss: of.loss === undefined ? null : Float64Array.from(of.loss),
  });
  return {
    n: label.length,
    matchedBy: 'id',
    dropped: { champion: 0, challenger: 0 },
    fingerprint: 'f'.repeat(64),
    label: numbers(label),
    champion: side(champion),
    challenger: side(challenger),
    cluster: cluster ?? null,
    slice: null,
  };
}

/** Two classifiers: the champion is right on `right` rows of `n`; they disagree where `gains` and `losses` say. */
function classifiers(n: number, right: number, gains: number, losses: number) {
  const label = Array.from({ length: n }, (_, row) => row % 2);
  const wrongAt = (row: number) => 1 - (label[row] ?? 0);
  const old = label.map((is, row) => (row < right ? is : wrongAt(row)));
  const now = old.map((was, row) =>
    row < losses ? wrongAt(row) : row >= n - gains ? (label[row] ?? 0) : was,
  );
  return rowsOf({ label, champion: { prediction: old }, challenger: { prediction: now } });
}

const rule = (more: Partial<Rule> & Pick<Rule, 'metric'>): Rule =>
  parsePolicy('p', {
    accepted_grades: ['A'],
    rules: [{ name: 'r', direction: 'higher', ...more }],
  }).rules[0] as Rule;
const tested = { needed: 0, alpha: 0.05 };

describe('a metric is computed from rows', () => {
  it.each([
    ['accuracy_score', 'accuracy'],
    [['roc_auc', 'auc'], 'auc'],
    [['accuracy', 'roc_auc'], null],
    ['constructor', null],
    ['profit_total', null],
  ] as const)('%j as %s, by its usual names', (metric, measure) => {
    expect(measureOf({ metric: typeof metric === 'string' ? metric : [...metric] })).toBe(measure);
  });

  it('as the policy says, whatever its name', () => {
    expect(measureOf({ metric: 'quality', measure: 'mcc' })).toBe('mcc');
  });

  const label = [1, 1, 1, 0, 0, 0, 0, 1];
  const times = <T>(values: readonly T[]) => Array.from({ length: 160 }, (_, row) => values[row % 8] as T);
  const rows = rowsOf({
    label: times(label),
    champion: {
      prediction: times([1, 0, 1, 0, 1, 0, 0, 1]),
      probability: times([0.9, 0.4, 0.8, 0.2, 0.6, 0.1, 0.3, 0.7]),
      loss: times([1, 2, 3, 4, 5, 6, 7, 8]),
    },
    challenger: {
      prediction: times([1, 1, 1, 0, 1, 0, 0, 1]),
      probability: times([0.9, 0.6, 0.8, 0.2, 0.6, 0.1, 0.3, 0.7]),
      loss: times([1, 1, 3, 4, 5, 6, 7, 8]),
    },
  });
  // By scikit-learn 1.7: accuracy_score, precision_score, …, roc_auc_score, log_loss, brier_score_loss of these eight rows.
  it.each([
    ['accuracy', 0.75, 0.875],
    ['precision', 0.75, 0.8],
    ['recall', 0.75, 1],
    ['f1', 0.75, 0.888_888_888_9],
    ['balanced_accuracy', 0.75, 0.875],
    ['mcc', 0.5, 0.774_596_669_2],
    ['auc', 0.9375, 0.968_75],
    ['log_loss', 0.400_367, 0.349_684],
    ['brier', 0.125, 0.1],
    ['mean', 4.5, 4.375],
    ['mean_absolute_error', 0.25, 0.125],
    ['root_mean_squared_error', 0.5, Math.sqrt(0.125)],
  ] as const)('%s', (measure, before, after) => {
    const lower = /log_loss|brier|mean/.test(measure);
    const found = gainByRows(
      rule({ metric: 'm', measure, direction: lower ? 'lower' : 'higher' }),
      rows,
      tested,
    );
    if (!('test' in found)) throw new Error(JSON.stringify(found));
    expect(found.champion).toBeCloseTo(before, 5);
    expect(found.challenger).toBeCloseTo(after, 5);
    expect(found.test.estimate).toBeCloseTo(lower ? before - after : after - before, 5);
    expect(found.test.estimate).toBeGreaterThan(0);
  });

  it.each([
    [
      'auc',
      { label, champion: { prediction: label }, challenger: { prediction: label } },
      { code: 'no-column', column: 'probability' },
    ],
    [
      'f1',
      {
        label: label.map((is) => is + 1),
        champion: { prediction: label },
        challenger: { prediction: label },
      },
      { code: 'not-binary' },
    ],
    [
      'mean',
      { label, champion: { prediction: label }, challenger: { prediction: label } },
      { code: 'no-column', column: 'loss' },
    ],
    [
      'series',
      { label, champion: { loss: label }, challenger: { loss: label } },
      { code: 'refused', refused: 'too-few-rows' },
    ],
  ] as const)('%s is not, where the rows do not allow it', (measure, made, why) => {
    expect(gainByRows(rule({ metric: 'm', measure }), rowsOf(made as unknown as Made), tested)).toMatchObject(
      why,
    );
  });

  it('series_total is the sum of a series, with its test', () => {
    const returns = (edge: number, seed: number) => {
      const { normal } = seeded(seed);
      return Array.from({ length: 90 }, () => edge + normal());
    };
    const made = rowsOf({
      label: Array.from({ length: 90 }, () => 0),
      champion: { loss: returns(0.1, 1) },
      challenger: { loss: returns(0.4, 2) },
    });
    const [mean, total] = (['series', 'series_total'] as const).map((measure) => {
      const needed = measure === 'series' ? 0.1 : 9;
      const found = gainByRows(rule({ metric: 'm', measure }), made, { needed, alpha: 0.05 });
      if (!('test' in found)) throw new Error(JSON.stringify(found));
      return found;
    });
    expect(total?.champion).toBeCloseTo(90 * (mean?.champion ?? 0), 10);
    expect(total?.challenger).toBeCloseTo(90 * (mean?.challenger ?? 0), 10);
    expect(total?.test.estimate).toBeCloseTo(90 * (mean?.test.estimate ?? 0), 10);
    for (const end of [0, 1] as const)
      expect(total?.test.interval[end]).toBeCloseTo(90 * (mean?.test.interval[end] ?? 0), 10);
    expect(total?.test).toMatchObject({ method: 'ewc-t', n: 90 });
    expect(total?.test.p).toBeCloseTo(mean?.test.p ?? 0, 12);
    expect(total?.test.variance).toBeCloseTo(8100 * (mean?.test.variance ?? 0), 6);
  });

  it('with whole clusters drawn, which widens the interval of dependent rows', () => {
    const made = classifiers(400, 300, 30, 10);
    const cluster = Array.from({ length: 400 }, (_, row) => `c${Math.floor(row / 10)}`);
    const [alone, together] = [made, { ...made, cluster }].map((each) =>
      gainByRows(rule({ metric: 'accuracy' }), each, tested),
    );
    if (!alone || !together || !('test' in alone) || !('test' in together)) throw new Error('not tested');
    expect(together.test.estimate).toBeCloseTo(alone.test.estimate, 10);
    expect(together.test.p).toBeGreaterThan(alone.test.p);
  });
});

const policy = (more: object = {}): Policy =>
  parsePolicy('p', {
    accepted_grades: ['A', 'C'],
    rules: [{ name: 'accuracy', metric: 'accuracy', direction: 'higher', strict: true, critical: true }],
    ...more,
  });
const run = (accuracy: number): Run => ({
  runId: 'r',
  status: 'FINISHED',
  metrics: [
    { key: 'accuracy', value: accuracy, step: 0, timestamp: 0, datasetDigest: null },
  ] as unknown as Run['metrics'],
  datasets: [],
  params: {},
  tags: {},
});
const candidate = (version: string, accuracy: number): Candidate => ({
  version: {
    version,
    stage: 'None',
    status: 'READY',
    runId: 'r',
    tags: {},
  } as unknown as Candidate['version'],
  run: run(accuracy),
});

function evidence(rows: JoinedRows, logged?: [number, number]): Evidence {
  const found = gainByRows(rule({ metric: 'accuracy' }), rows, tested);
  if (!('test' in found)) throw new Error(JSON.stringify(found));
  const [before, after] = logged ?? [found.champion, found.challenger];
  return { champion: candidate('2', before), challenger: candidate('3', after), rows: { joined: rows } };
}

describe('a decision on rows', () => {
  it('is of grade A, with the interval, the rows and their fingerprint in the answer', () => {
    const decided = decide(evidence(classifiers(2_000, 1_700, 140, 60)), policy(), 0.7);
    expect(decided).toMatchObject({
      decision: 'PROMOTE',
      evidence_grade: 'A',
      basis: 'probability',
      paired: { rows: 2_000, fingerprint: 'f'.repeat(64), alpha: null },
    });
    expect(decided.rules[0]?.result.test).toMatchObject({ grade: 'A', method: 'mid-p-mcnemar', n: 2_000 });
    expect(decided.confidence).toBeGreaterThan(0.999);
  });

  it('asks a person where the gain is not distinguishable from chance', () => {
    const decided = decide(evidence(classifiers(500, 425, 20, 15)), policy(), 0.7);
    expect(decided).toMatchObject({ decision: 'INVESTIGATE', finding: { code: 'in-doubt' } });
  });

  it('does not believe a metric that is logged with another value than the rows give', () => {
    const decided = decide(evidence(classifiers(2_000, 1_700, 140, 60), [0.85, 0.97]), policy(), 0.7);
    expect(decided).toMatchObject({ decision: 'INVESTIGATE', finding: { code: 'missing-numbers' } });
    expect(decided.rules[0]?.result.why).toEqual([
      { code: 'differs-from-rows', version: '3', metric: 'accuracy' },
    ]);
  });

  it('is none where the rows that are there cannot be used', () => {
    const { champion, challenger } = evidence(classifiers(100, 85, 8, 2));
    const rows = { problem: { code: 'labels-differ', count: 4 } } as const;
    expect(decide({ champion, challenger, rows }, policy(), 0.7)).toMatchObject({
      decision: 'INVESTIGATE',
      finding: { code: 'undecided', obstacles: [{ code: 'rows', problem: rows.problem }] },
    });
  });
});

describe('a claim', () => {
  const superiority = { claim: { kind: 'superiority', primary: 'accuracy' }, budget: null };
  const refresh = { claim: { kind: 'non_inferiority', primary: 'accuracy', margin: 0.01 } };
  const on = (n: number, gains: number, losses: number, more: object) =>
    decide(evidence(classifiers(n, 0.85 * n, gains, losses)), policy(more), 0.7);

  it.each([
    ['shown', superiority, 2_000, 140, 60, 'PROMOTE', 'promote'],
    ['not shown, and not better', superiority, 2_000, 90, 110, 'KEEP', 'not-better'],
    ['not shown, with a worthwhile gain left open', superiority, 500, 30, 20, 'INVESTIGATE', 'open'],
    [
      'not shown, with at most a small gain left open',
      superiority,
      10_000,
      505,
      495,
      'KEEP',
      'not-worthwhile',
    ],
    ['of a refresh, shown by equal quality on many rows', refresh, 10_000, 500, 500, 'PROMOTE', 'promote'],
    ['of a refresh, not shown on few rows', refresh, 500, 26, 25, 'INVESTIGATE', 'open'],
  ] as const)('%s', (_, more, n, gains, losses, decision, code) => {
    expect(on(n, gains, losses, more)).toMatchObject({ decision, finding: { code }, basis: 'probability' });
  });

  it('says at which risk it was tested, and how many rows would show it', () => {
    const { paired, confidence } = on(500, 30, 20, { ...superiority, budget: 0.5 });
    // B/N with at least 12 comparisons a year.
    expect(paired?.alpha).toBeCloseTo(0.5 / 12, 10);
    expect(paired?.spent).toBeCloseTo(0.5 / 12, 10);
    expect(paired?.rows_needed).toBeGreaterThan(500);
    expect(confidence).toBeGreaterThan(0.5);
  });

  it('spends nothing where it is non-inferiority', () => {
    expect(on(10_000, 500, 500, refresh).paired).toMatchObject({ alpha: 0.05, spent: 0 });
  });

  it('is not shown by values alone', () => {
    const { champion, challenger } = evidence(classifiers(2_000, 1_700, 140, 60));
    expect(decide({ champion, challenger }, policy(superiority), 0.7)).toMatchObject({
      decision: 'INVESTIGATE',
      finding: { code: 'grade-not-accepted' },
    });
  });

  it('holds up at a limit, whatever is claimed', () => {
    const rules = [{ name: 'accuracy', metric: 'accuracy', direction: 'higher', limit: 0.95 }];
    const decided = decide(
      evidence(classifiers(2_000, 1_700, 140, 60)),
      policy({ ...superiority, rules }),
      0.7,
    );
    expect(decided).toMatchObject({ decision: 'KEEP', finding: { code: 'critical-rules-failed' } });
  });

  it('is held against guardrails, which must be shown to be no worse', () => {
    const { uniform } = seeded(3);
    const n = 2_000;
    const made = classifiers(n, 1_700, 140, 60);
    const probability = Float64Array.from({ length: n }, uniform);
    const rows: JoinedRows = {
      ...made,
      champion: { ...made.champion, probability },
      // Worse by far: what it says of a row has nothing to do with it.
      challenger: { ...made.challenger, probability: Float64Array.from({ length: n }, () => 0.999) },
    };
    const rules = [
      { name: 'accuracy', metric: 'accuracy', direction: 'higher' },
      { name: 'loss', metric: 'brier', direction: 'lower', margin: 0.01 },
    ];
    const found = gainByRows(rule({ metric: 'brier', direction: 'lower' }), rows, tested);
    if (!('test' in found)) throw new Error('not tested');
    const withBrier = (side: Candidate, value: number): Candidate => ({
      ...side,
      run: {
        ...(side.run as Run),
        metrics: [
          ...(side.run?.metrics ?? []),
          { key: 'brier', value, datasetDigest: null },
        ] as Run['metrics'],
      },
    });
    const { champion, challenger } = evidence(rows);
    const decided = decide(
      {
        champion: withBrier(champion as Candidate, found.champion),
        challenger: withBrier(challenger, found.challenger),
        rows: { joined: rows },
      },
      policy({ ...superiority, rules }),
      0.7,
    );
    expect(decided).toMatchObject({ decision: 'KEEP', finding: { code: 'guardrail-worse' } });
  });

  it.each([
    [{ kind: 'superiority', primary: 'nothing' }, 'claim.primary'],
    [{ kind: 'non_inferiority', primary: 'accuracy' }, 'claim.margin'],
    [{ kind: 'superiority', primary: 'accuracy', margin: -1 }, 'claim.margin'],
  ])('%j is a mistake at %s', (claim, path) => {
    const rules = [{ name: 'accuracy', metric: 'accuracy', direction: 'higher' }];
    expect(policyMistakes({ accepted_grades: ['A'], rules, claim })[0]?.path).toBe(path);
  });

  it('needs a margin for each guardrail', () => {
    const rules = [
      { name: 'accuracy', metric: 'accuracy', direction: 'higher' },
      { name: 'loss', metric: 'log_loss', direction: 'lower' },
    ];
    const claim = { kind: 'superiority', primary: 'accuracy' };
    expect(policyMistakes({ accepted_grades: ['A'], rules, claim })).toMatchObject([
      { path: 'rules.1.margin' },
    ]);
  });
});
