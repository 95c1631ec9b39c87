import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decide } from '../../lambdas/domain/comparison/decision.ts';
import type { Evidence } from '../../lambdas/domain/comparison/evidence.ts';
import { type Policy, parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { agrees } from '../../lambdas/domain/comparison/self-checks.ts';
import { withGates } from '../../lambdas/domain/gates/apply.ts';
import { checkEvidence, type OverlapRead } from '../../lambdas/domain/gates/checks.ts';
import { compareSlices, sliceRule } from '../../lambdas/domain/gates/slices.ts';
import { seeded } from '../../lambdas/domain/paired/random.ts';
import type { JoinedRows } from '../../lambdas/domain/rows/join.ts';
import { isBeyond, TrainingFilter, trainingOverlap } from '../../lambdas/domain/rows/training-filter.ts';
import { evidence, metric, run } from '../support/evidence.ts';

describe('a logged metric', () => {
  it.each([
    [0.85, 0.85, true],
    [0.85, 0.8500000001, true], // MLflow's tables round to 10 decimals
    [0.85, 0.8501, false],
    [123_456.7, 123_456.71, true],
    [123_456.7, 123_457.7, false],
    [Number.NaN, Number.NaN, false],
    [0.85, Number.NaN, false],
    [Number.POSITIVE_INFINITY, 0.85, false],
  ])('of %d and rows that give %d agree: %s', (logged, computed, expected) => {
    expect(agrees({ logged, computed })).toBe(expected);
  });
});

describe('the overlap of training and evaluation', () => {
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `row ${from + i}`);

  /** Of rows 0 to 999, ten bits a row, as `examples/log_evidence.py` writes it. */
  function trained(): TrainingFilter {
    const bits = Buffer.alloc(1250);
    for (const id of ids(0, 1000)) {
      const digest = createHash('sha256').update(id).digest();
      const [a, b] = [digest.readUIntBE(0, 6), digest.readUIntBE(6, 6)];
      for (let i = 0; i < 7; i += 1) {
        const bit = (a + i * b) % 10_000;
        bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
      }
    }
    return TrainingFilter.parse({
      version: 1,
      rows: 1000,
      bits: 10_000,
      hashes: 7,
      filter: bits.toString('base64'),
    });
  }

  it('reads the filter that Python writes', () => {
    // sha256(base64.b64decode(bloom_filter(f"row {i}" for i in range(1000))["filter"])) and, by the same formula in Python,
    // sum(all(bit in filter) for "row 1000" to "row 5999").
    expect(createHash('sha256').update(trained().filter).digest('hex')).toBe(
      '4c70ffdfd97b1a226cfba7ea40f868ffeaff91284bc599bacaafdc9803ae9211',
    );
    expect(trainingOverlap(ids(1000, 6000), trained()).known).toBe(42);
  });

  it('of other rows is what the filter mistakes', () => {
    const overlap = trainingOverlap(ids(1000, 6000), trained());
    expect(overlap.mistakes).toBeCloseTo(0.0082, 3);
    expect(overlap.rows).toBe(5000);
    expect(overlap.share).toBeLessThan(0.005);
    expect(isBeyond(overlap, 0)).toBe(false);
  });

  it('of one row in fifty is found among 5,000, unless as much is allowed', () => {
    const overlap = trainingOverlap(ids(900, 5900), trained());
    expect(overlap.share).toBeCloseTo(0.02, 2);
    expect(isBeyond(overlap, 0)).toBe(true);
    expect(isBeyond(overlap, 0.01)).toBe(true);
    expect(isBeyond(overlap, 0.03)).toBe(false);
  });

  it('of all rows is whole', () => {
    const overlap = trainingOverlap(ids(0, 1000), trained());
    expect(overlap).toMatchObject({ known: 1000, share: 1 });
    expect(isBeyond(overlap, 0)).toBe(true);
  });

  it('of no rows, or of a filter of nothing, is none', () => {
    expect(isBeyond(trainingOverlap([], trained()), 0)).toBe(false);
    const empty = { ...trained(), filter: Buffer.alloc(1250) };
    expect(isBeyond(trainingOverlap(ids(0, 100), empty), 0)).toBe(false);
  });
});

const rule = { name: 'accuracy', metric: 'accuracy', direction: 'higher' };
const policyOf = (more: object = {}): Policy =>
  parsePolicy('checked', { accepted_grades: ['A', 'E'], rules: [{ ...rule, margin: 0.5 }], ...more });

/** Slices by name and size, with the accuracy of the challenger in each; the champion's is 80 %. */
function rowsOf(
  slices: Record<string, [size: number, accuracy: number]>,
  more: Partial<JoinedRows> = {},
): JoinedRows {
  const { uniform } = seeded(7);
  const slice = Object.entries(slices).flatMap(([name, [size]]) => Array<string>(size).fill(name));
  const n = slice.length;
  const right = (accuracy: (row: number) => number) =>
    ({
      kind: 'number',
      values: Float64Array.from({ length: n }, (_, row) => (uniform() < accuracy(row) ? 1 : 0)),
    }) as const;
  const side = (prediction: ReturnType<typeof right>) => ({ prediction, probability: null, loss: null });
  return {
    n,
    matchedBy: 'id',
    dropped: { champion: 0, challenger: 0 },
    fingerprint: 'f',
    label: { kind: 'number', values: new Float64Array(n).fill(1) },
    champion: side(right(() => 0.8)),
    challenger: side(right((row) => slices[slice[row] ?? '']?.[1] ?? 0)),
    cluster: null,
    slice,
    ...more,
  };
}

describe('slices', () => {
  const policy = policyOf({ slices: { margin: 0.02 } });
  const codes = (rows: JoinedRows, of = policy) => {
    const { failed, judged, why } = compareSlices(of, rows);
    return {
      failed,
      judged,
      why: why.map((each) => ('slice' in each ? `${each.code} ${each.slice}` : each.code)),
    };
  };

  it('fail where they are shown to be worse than allowed, the worst first', () => {
    expect(codes(rowsOf({ large: [4000, 0.85], bad: [400, 0.6], worst: [300, 0.3] }))).toEqual({
      failed: true,
      judged: 3,
      why: ['slice-worse worst', 'slice-worse bad'],
    });
  });

  it('are not blamed for what is allowed, or for chance', () => {
    expect(codes(rowsOf({ one: [1000, 0.79], two: [100, 0.75] }))).toEqual({
      failed: false,
      judged: 2,
      why: ['slice-worst two'],
    });
  });

  it('that have too few rows are not judged, and that is said', () => {
    expect(codes(rowsOf({ one: [1000, 0.8], small: [49, 0], tiny: [1, 0] }))).toEqual({
      failed: false,
      judged: 1,
      why: ['slice-worst one', 'slices-too-small'],
    });
    expect(
      codes(rowsOf({ small: [60, 0] }), policyOf({ slices: { margin: 0.02, min_rows: 100 } })),
    ).toMatchObject({
      judged: 0,
    });
  });

  it('are the largest, where there are very many', () => {
    const many = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`s${i}`, [i < 60 ? 60 : 1, 0.8]] as const),
    );
    expect(codes(rowsOf(many as Record<string, [number, number]>))).toEqual({
      failed: false,
      judged: 50,
      why: [expect.stringMatching(/^slice-worst s[1-5]?[0-9]$/), 'slices-too-small', 'slices-left-out'],
    });
  });

  it('are compared by the rule that is named, that of the claim, or the first critical one', () => {
    const rules = [
      rule,
      { ...rule, name: 'f1', metric: 'f1', critical: true },
      { ...rule, name: 'auc', metric: 'auc' },
    ];
    expect(sliceRule(policyOf({ rules }))?.name).toBe('f1');
    expect(sliceRule(policyOf({ rules, slices: { margin: 0, rule: 'auc' } }))?.name).toBe('auc');
    const claim = { kind: 'superiority', primary: 'auc' };
    const guarded = rules.map((each) => ({ ...each, ...(each.name === 'auc' ? {} : { margin: 1 }) }));
    expect(sliceRule(policyOf({ rules: guarded, claim }))?.name).toBe('auc');
    expect(sliceRule(policyOf({ rules: [rule] }))?.name).toBe('accuracy');
  });

  it('that a policy asks for have to be there', () => {
    const none = rowsOf({ one: [1000, 0.8] }, { slice: null });
    expect(codes(none)).toEqual({ failed: true, judged: 0, why: ['no-slices'] });
  });
});

describe('checks of a decision', () => {
  const NOW = new Date('2026-11-20T10:00:00Z');
  const daysAgo = (days: number) => NOW.getTime() - days * 86_400_000;
  const scored = (accuracy: number, timestamp?: number) =>
    run(
      {},
      { metrics: [{ ...metric('accuracy', accuracy), ...(timestamp === undefined ? {} : { timestamp }) }] },
    );
  const checked = (policy: Policy, of: Evidence, overlap: OverlapRead | null = null) =>
    checkEvidence(policy, of, decide(of, policy, 0.5).rules, overlap, NOW).map(
      ({ kind, result, why }) => `${kind} ${result}${why.map(({ code }) => ` ${code}`).join('')}`,
    );

  it('are none where there is nothing to check', () => {
    expect(checked(policyOf(), evidence({ accuracy: 0.8 }, { accuracy: 0.9 }))).toEqual([]);
  });

  it('are those of rows, where there are some', () => {
    const joined = rowsOf({ one: [1000, 0.9] });
    const accuracy = (side: 'champion' | 'challenger') =>
      Number(joined[side].prediction?.values.filter((value) => value === 1).length) / joined.n;
    const honest = evidence({ accuracy: accuracy('champion') }, { accuracy: accuracy('challenger') });
    expect(checked(policyOf(), { ...honest, rows: { joined } })).toEqual([
      'labels passed',
      'recomputed passed',
    ]);
    const flattering = evidence({ accuracy: accuracy('champion') }, { accuracy: 0.99 });
    expect(checked(policyOf(), { ...flattering, rows: { joined } })).toEqual([
      'labels passed',
      'recomputed failed metric-differs',
    ]);
  });

  const overlap = { rows: 1000, known: 100, mistakes: 0.008, share: 0.09 };
  it.each<[OverlapRead, object, string]>([
    [{ overlap }, {}, 'overlap failed overlap'],
    [{ overlap }, { max_overlap: 0.1 }, 'overlap passed'],
    [{ overlap: { ...overlap, known: 8, share: 0 } }, {}, 'overlap passed'],
    [{ overlap: { ...overlap, known: 1000, mistakes: 1, share: 0 } }, {}, 'overlap not-judged filter'],
    [{ problem: 'no-ids' }, {}, 'overlap not-judged no-ids'],
    [{ problem: 'too-large' }, {}, 'overlap not-judged filter'],
  ])('of training rows: %j with %j is %s', (read, more, expected) => {
    expect(checked(policyOf(more), evidence({ accuracy: 0.8 }, { accuracy: 0.9 }), read)).toEqual([expected]);
  });

  it.each<[string, number | undefined, number | undefined, string]>([
    ['recent on both sides', daysAgo(1), daysAgo(29), 'passed'],
    ['old on one', daysAgo(1), daysAgo(31), 'failed too-old'],
    ['old on the other', daysAgo(31), daysAgo(1), 'failed too-old'],
    ['not known on one', undefined, daysAgo(1), 'failed age-unknown'],
    ['in the future', daysAgo(-1), daysAgo(-1), 'passed'],
  ])('of the age: %s', (_, champion, challenger, expected) => {
    const of = evidence(scored(0.8, champion), scored(0.9, challenger));
    expect(checked(policyOf({ max_age_days: 30 }), of)).toEqual([`evaluation_age ${expected}`]);
  });

  it('of slices fail without rows', () => {
    expect(
      checked(policyOf({ slices: { margin: 0.1 } }), evidence({ accuracy: 0.8 }, { accuracy: 0.9 })),
    ).toEqual(['slices failed no-rows']);
    expect(checked(policyOf({ slices: { margin: 0.1 } }), evidence(null, { accuracy: 0.9 }))).toEqual([]);
  });
});

describe('a decision with gates', () => {
  const NOW = new Date('2026-11-20T10:00:00Z');
  const gated = (gates: object[], after: number, said: string) => {
    const policy = policyOf({ rules: [{ ...rule, strict: true }], gates });
    const of = evidence({ accuracy: 0.8 }, { accuracy: after });
    const facts = {
      model: { tags: { 'promotion.hold': said } },
      mode: 'stages',
      ...of,
      modelFiles: { champion: null, challenger: null },
      fingerprint: null,
    } as const;
    return withGates(decide(of, policy, 0.5), { policy, evidence: of, facts, overlap: null }, NOW);
  };
  const hold = { name: 'hold', kind: 'hold' };

  it('is PROMOTE where all pass', () => {
    const decided = gated([hold], 0.9, '');
    expect(decided).toMatchObject({
      decision: 'PROMOTE',
      gates: [{ name: 'hold', result: 'passed', why: [] }],
    });
    expect(decided.changes?.listed).toEqual([]);
  });

  it('is INVESTIGATE where the rules say PROMOTE and a gate fails, with the confidence of the rules', () => {
    const decided = gated([hold], 0.9, 'Ada');
    expect(decided).toMatchObject({
      decision: 'INVESTIGATE',
      confidence: 1,
      evidence_grade: 'E',
      finding: { code: 'gates-failed', blocked: [{ kind: 'hold', why: [{ code: 'on-hold', said: 'Ada' }] }] },
    });
  });

  it('stays KEEP whatever gates say, and PROMOTE where the gate is a dry run', () => {
    expect(gated([hold], 0.7, 'Ada')).toMatchObject({ decision: 'KEEP', gates: [{ result: 'failed' }] });
    expect(gated([{ ...hold, dry_run: true }], 0.9, 'Ada')).toMatchObject({
      decision: 'PROMOTE',
      gates: [{ result: 'failed', dry_run: true }],
    });
  });
});
