import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../lambdas/domain/comparison/decision.ts';
import type { Evidence } from '../../lambdas/domain/comparison/evidence.ts';
import type { Policy } from '../../lambdas/domain/comparison/policy.ts';
import { anyComparison, evidence, policy, run } from '../support/evidence.ts';

const THRESHOLD = 0.7;
const decided = (of: Evidence, by: Policy) => decide(of, by, THRESHOLD);

/** What one critical rule on the metric `m` decides. */
function ruled(rule: Record<string, unknown>, champion: number | null, challenger: number) {
  const by = policy([{ metric: 'm', critical: true, ...rule }]);
  return decided(evidence(champion === null ? null : { m: champion }, { m: challenger }), by);
}

describe('one rule on point values', () => {
  it.each([
    // rule, champion, challenger, passes
    [{}, 0.8, 0.9, true],
    [{}, 0.8, 0.8, true],
    [{}, 0.8, 0.7, false],
    [{ direction: 'lower' }, 0.8, 0.7, true],
    [{ direction: 'lower' }, 0.8, 0.9, false],
    [{ strict: true }, 0.8, 0.8, false],
    [{ strict: true }, 0.8, 0.81, true],
    [{ strict: true }, 0.3, 0.1 + 0.2, false], // 0.30000000000000004 is rounding, not a gain
    [{ min_gain: 0.05 }, 0.85, 0.9, true], // 0.9 − 0.85 is a bit less than 0.05
    [{ min_gain: 0.05 }, 0.85, 0.89, false],
    [{ min_relative_gain: 0.1 }, 10, 11, true],
    [{ min_relative_gain: 0.1 }, 10, 10.9, false],
    [{ min_relative_gain: 0.1 }, -10, -9, true],
    [{ min_relative_gain: 0.1 }, -10, -9.1, false],
    [{ min_relative_gain: 0.1 }, -10, -11, false],
    [{ min_relative_gain: 0.1 }, 0, 0.01, true],
    [{ min_relative_gain: 0.1 }, 0, 0, false],
    [{ min_relative_gain: 0.1, relative_scale: 1 }, 0, 0.09, false],
    [{ min_relative_gain: 0.1, relative_scale: 1 }, 0, 0.1, true],
    [{ direction: 'lower', min_relative_gain: 0.1 }, -10, -11, true],
    [{ direction: 'lower', min_relative_gain: 0.1 }, 10, 9.5, false],
    [{ margin: 0.02 }, 0.8, 0.78, true],
    [{ margin: 0.02 }, 0.8, 0.77, false],
    [{ relative_margin: 0.1 }, 0.6, 0.54, true],
    [{ relative_margin: 0.1 }, 0.6, 0.53, false],
    [{ relative_margin: 0.1 }, -10, -11, true],
    [{ relative_margin: 0.1 }, -10, -11.5, false],
    [{ limit: 0.75 }, 0.7, 0.75, true],
    [{ limit: 0.75 }, 0.6, 0.74, false],
    [{ direction: 'lower', limit: 200 }, 300, 200, true],
    [{ direction: 'lower', limit: 200 }, 300, 201, false],
    [{ limit: 0.75, against_champion: false }, 0.9, 0.8, true],
    [{ limit: 0.75, against_champion: false }, 0.1, 0.7, false],
    [{}, Number.MAX_VALUE / 1.5, -Number.MAX_VALUE / 1.5, false],
  ])('%j from %d to %d passes: %s', (rule, champion, challenger, passes) => {
    const answer = ruled(rule, champion, challenger);
    expect(answer.rules[0]?.result.passed).toBe(passes);
    expect(answer).toMatchObject({
      decision: passes ? 'PROMOTE' : 'KEEP',
      confidence: passes ? 1 : 0,
      evidence_grade: 'E',
    });
  });

  it('gives the numbers, what was needed and what the limit says', () => {
    const [judged] = ruled({ min_gain: 0.05, limit: 0.8 }, 0.85, 0.875).rules;
    expect(judged?.result).toEqual({
      name: 'rule 1',
      metric: 'm',
      champion: 0.85,
      challenger: 0.875,
      passed: false,
      counted: 'counted',
      why: [],
      critical: true,
    });
    expect(judged?.limit).toEqual({ value: 0.8, missedBy: 0 });
    expect(judged?.gain).toMatchObject({ needed: 0.05, interval: null, noInterval: [] });
    expect(judged?.gain?.gain).toBeCloseTo(0.025, 12);
  });

  it.each([
    [{ strict: true }, 0.3, 0.1 + 0.2, 0],
    [{ min_gain: 0.05 }, 0.85, 0.9, 0.05],
  ])('of %j from %d to %d takes rounding for no difference: gain %d', (rule, champion, challenger, gain) => {
    expect(ruled(rule, champion, challenger).rules[0]?.gain?.gain).toBe(gain);
  });

  it.each([
    [{ limit: 0.95 }, 0.9, 0.05],
    [{ limit: 0.95 }, 0.96, 0],
    [{ direction: 'lower', limit: 0.95 }, 1, 0.05],
    [{ limit: 0.95, against_champion: false }, 0.9, 0.05],
  ])('with %j at %d misses its limit by %d', (rule, challenger, missedBy) => {
    expect(ruled(rule, 0.8, challenger).rules[0]?.limit?.missedBy).toBeCloseTo(missedBy, 12);
  });

  it('has a confidence that is a share, no probability', () => {
    expect(ruled({}, 0.8, 0.9)).toMatchObject({ basis: 'share', finding: { code: 'promote', share: 1 } });
  });
});

describe('a number that is missing or not finite', () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE];

  it.each(values)('asks a person, whichever side has %d', (bad) => {
    for (const answer of [ruled({}, bad, 1), ruled({}, 1, bad), ruled({ limit: 0 }, null, bad)]) {
      expect(answer).toMatchObject({ decision: 'INVESTIGATE', confidence: 0, evidence_grade: null });
      expect(answer.finding).toEqual({ code: 'missing-numbers' });
      expect(answer.rules[0]?.result).toMatchObject({ passed: false, counted: 'missing' });
    }
  });

  it('asks a person even when another critical rule fails', () => {
    const by = policy([{ metric: 'm', critical: true }, { metric: 'n' }]);
    const answer = decided(evidence({ m: 2, n: 1 }, { m: 1 }), by);
    expect(answer).toMatchObject({ decision: 'INVESTIGATE', finding: { code: 'missing-numbers' } });
    expect(answer.rules[1]?.result).toMatchObject({
      counted: 'missing',
      why: [{ code: 'not-logged', version: '3', metric: 'n' }],
    });
  });

  it.each([
    // Only a challenger that lacks its number counts, where the policy says so, and then as failed.
    ['fail', { n: 1 }, {}, true, 'KEEP', 'counted'],
    ['fail', { n: 1 }, {}, false, 'INVESTIGATE', 'counted'],
    ['fail', {}, { n: 1 }, true, 'INVESTIGATE', 'missing'],
    ['fail', {}, {}, true, 'INVESTIGATE', 'missing'],
    ['skip', {}, {}, false, 'PROMOTE', 'skipped'],
    ['skip', { n: 1 }, {}, false, 'INVESTIGATE', 'missing'],
    ['skip', { n: Number.NaN }, { n: 1 }, false, 'INVESTIGATE', 'missing'],
    ['skip', { n: 1 }, { n: Number.NaN }, false, 'INVESTIGATE', 'missing'],
    ['fail', { n: 1 }, { n: Number.NaN }, true, 'KEEP', 'counted'],
    ['fail', { n: Number.NaN }, { n: 1 }, true, 'INVESTIGATE', 'missing'],
    ['skip', {}, { n: 1 }, false, 'PROMOTE', 'skipped'],
    ['investigate', { n: 1 }, {}, false, 'INVESTIGATE', 'missing'],
  ])(
    'under "%s", champion %j and challenger %j, critical %s: %s, %s',
    (whenMissing, champion, challenger, critical, expected, counted) => {
      const by = policy([
        { metric: 'm', weight: 99 },
        { metric: 'n', when_missing: whenMissing, critical },
      ]);
      const answer = decided(evidence({ m: 1, ...champion }, { m: 2, ...challenger }), by);
      expect(answer.decision).toBe(expected);
      expect(answer.rules[1]?.result).toMatchObject({ passed: false, counted });
      expect(answer.rules[1]?.result.why).not.toEqual([]);
    },
  );

  it('asks a person when every rule is skipped', () => {
    const by = policy([{ metric: 'm', when_missing: 'skip' }]);
    expect(decided(evidence({}, {}), by)).toMatchObject({
      decision: 'INVESTIGATE',
      confidence: 0,
      finding: { code: 'nothing-to-judge' },
    });
  });
});

describe('several rules on point values', () => {
  const three = (more: Record<string, unknown> = {}) =>
    policy([
      { metric: 'a', weight: 5, ...more },
      { metric: 'b', weight: 3 },
      { metric: 'c', weight: 2 },
    ]);
  const before = { a: 1, b: 1, c: 1 };

  it.each([
    ['all are better', { a: 2, b: 2, c: 2 }, {}, 'PROMOTE', 1, 'promote'],
    ['the share just reaches the threshold', { a: 2, b: 0, c: 2 }, {}, 'PROMOTE', 0.7, 'promote'],
    ['the picture is mixed', { a: 2, b: 0, c: 0 }, {}, 'INVESTIGATE', 0.5, 'mixed'],
    ['the champion has the larger share', { a: 0, b: 2, c: 0 }, {}, 'KEEP', 0.3, 'not-better'],
    ['all are worse', { a: 0, b: 0, c: 0 }, {}, 'KEEP', 0, 'not-better'],
    ['a critical rule fails', { a: 0, b: 2, c: 2 }, { critical: true }, 'KEEP', 0.5, 'critical-rules-failed'],
    ['nothing is better', { a: 1, b: 1, c: 1 }, { strict: true }, 'KEEP', 0.5, 'not-better'],
    [
      'all are a bit worse, within the margin',
      { a: 0.95, b: 1, c: 1 },
      { margin: 0.1 },
      'PROMOTE',
      1,
      'promote',
    ],
  ])('when %s: %j with %j gives %s', (_, after, more, decision, confidence, code) => {
    const answer = decided(evidence(before, after), three(more));
    expect(answer).toMatchObject({ decision, finding: { code } });
    expect(answer.confidence).toBeCloseTo(confidence, 12);
  });

  it('lets the policy set the threshold', () => {
    const strict = { ...three(), min_confidence: 0.9 };
    expect(decided(evidence(before, { a: 2, b: 2, c: 0 }), strict)).toMatchObject({
      decision: 'INVESTIGATE',
      finding: { code: 'mixed', share: 0.8, threshold: 0.9, shortOf: 'share' },
    });
  });

  it('is not misled by the rounding of weights', () => {
    const by = policy([
      { metric: 'a', weight: 0.1 },
      { metric: 'b', weight: 0.5 },
      { metric: 'c', weight: 0.2 },
    ]);
    // (0.1 + 0.5) ÷ 0.8 comes out as 0.7499999999999999.
    const answer = decided(evidence(before, { a: 2, b: 2, c: 0 }), { ...by, min_confidence: 0.75 });
    expect(answer.decision).toBe('PROMOTE');
  });

  it('does not promote on a grade that the policy does not accept', () => {
    const answer = decided(evidence(before, { a: 2, b: 2, c: 2 }), { ...three(), accepted_grades: ['C'] });
    expect(answer).toMatchObject({
      decision: 'INVESTIGATE',
      evidence_grade: 'E',
      finding: { code: 'grade-not-accepted' },
    });
  });
});

describe('a rule with a sample', () => {
  const proportion = { metric: 'm', strict: true, critical: true, sample: { kind: 'proportion', size: 'n' } };
  const shares = (champion: number, challenger: number, n: number, more: Record<string, unknown> = {}) =>
    decided(evidence({ m: champion, n }, { m: challenger, n }), policy([{ ...proportion, ...more }]));

  it('promotes when the whole interval is above what is needed', () => {
    const answer = shares(420 / 450, 435 / 450, 450);
    expect(answer).toMatchObject({ decision: 'PROMOTE', basis: 'probability', evidence_grade: 'C' });
    // One-sided z of the Agresti-Caffo estimate: 15/452 ÷ 0.0147260
    expect(answer.confidence).toBeCloseTo(0.98788, 4);
    const interval = answer.rules[0]?.gain?.interval;
    expect(interval).toMatchObject({ alpha: 0.05, rows: [450, 450] });
    expect(interval?.lower).toBeCloseTo(0.00896, 5);
    expect(interval?.upper).toBeCloseTo(0.0574, 4);
  });

  it('asks for more rows when the point is better but chance explains it', () => {
    const answer = shares(0.85, 0.855, 2000);
    expect(answer).toMatchObject({
      decision: 'INVESTIGATE',
      evidence_grade: 'C',
      finding: { code: 'in-doubt', about: answer.rules },
    });
    expect(answer.rules[0]).toMatchObject({ verdict: 'unclear', result: { passed: false } });
  });

  it.each([0.85, 0.8])('keeps the champion of 0.85 against %d', (challenger) => {
    expect(shares(0.85, challenger, 2000)).toMatchObject({ decision: 'KEEP', evidence_grade: 'C' });
  });

  it('keeps the champion when the challenger is surely better but below the limit', () => {
    expect(shares(0.3, 0.5, 2000, { limit: 0.6 }).decision).toBe('KEEP');
  });

  it('accepts an equal challenger within a margin once there are rows enough', () => {
    const margin = { strict: false, margin: 0.02 };
    expect(shares(0.9, 0.9, 100, margin).decision).toBe('INVESTIGATE');
    expect(shares(0.9, 0.9, 10_000, margin).decision).toBe('PROMOTE');
  });

  it('turns the interval round where lower is better', () => {
    const lower = { direction: 'lower' };
    expect(shares(30 / 450, 15 / 450, 450, lower)).toMatchObject({
      decision: 'PROMOTE',
      evidence_grade: 'C',
    });
    expect(shares(15 / 450, 30 / 450, 450, lower).decision).toBe('KEEP');
  });

  it('compares means whose deviation is known', () => {
    const by = policy([
      { metric: 'm', critical: true, sample: { kind: 'mean', size: 'n', deviation: 'sd' } },
    ]);
    const answer = (n: number) => decided(evidence({ m: 10, n, sd: 3 }, { m: 11, n, sd: 4 }), by);
    // Standard error 5 ÷ √n: 1 is two of them at n = 100, one at n = 25 (too few), 1.4 at n = 49.
    expect(answer(100)).toMatchObject({ decision: 'PROMOTE', evidence_grade: 'C' });
    expect(answer(100).confidence).toBeCloseTo(0.97725, 5);
    expect(answer(49)).toMatchObject({ decision: 'INVESTIGATE', evidence_grade: 'C' });
    expect(answer(25)).toMatchObject({ evidence_grade: 'E' });
  });

  it('draws the line where the lower bound is just above what is needed', () => {
    const by = policy([
      { metric: 'm', critical: true, sample: { kind: 'mean', size: 'n', deviation: 'sd' } },
    ]);
    // Standard error 0.5, and the bound at 5 % is 1.645 of them below the gain.
    const answer = (m: number) => decided(evidence({ m: 0, n: 100, sd: 3 }, { m, n: 100, sd: 4 }), by);
    expect(answer(0.822).decision).toBe('INVESTIGATE');
    expect(answer(0.823).decision).toBe('PROMOTE');
  });

  it('is as sure as the least sure rule that decides', () => {
    const sample = { kind: 'proportion', size: 'n' };
    const two = [
      { metric: 'a', critical: true, sample },
      { metric: 'b', critical: true, sample },
    ];
    const by = (count: number) => policy(two.slice(0, count));
    const runs = evidence({ a: 0.9, b: 0.5, n: 1000 }, { a: 0.93, b: 0.9, n: 1000 });
    expect(decided(runs, by(2)).confidence).toBe(decided(runs, by(1)).confidence);
    expect(decided(runs, { ...by(2), min_confidence: 0.999 })).toMatchObject({
      decision: 'INVESTIGATE',
      finding: { code: 'mixed', shortOf: 'confidence' },
    });
  });

  it('is not kept out by a rule that chance may have spoilt', () => {
    const by = policy([
      { metric: 'x', critical: true },
      { metric: 'm', weight: 3, margin: 0.02, sample: { kind: 'proportion', size: 'n' } },
    ]);
    const answer = decided(evidence({ x: 1, m: 0.8, n: 200 }, { x: 1, m: 0.79, n: 200 }), by);
    expect(answer).toMatchObject({ decision: 'INVESTIGATE', finding: { code: 'mixed' } });
    expect(answer.rules[1]?.verdict).toBe('unclear');
  });

  it('falls back to the points, and says why, when a run does not hold the size', () => {
    const answer = decided(evidence({ m: 0.8 }, { m: 0.9, n: 9 }), policy([proportion]));
    expect(answer).toMatchObject({ decision: 'PROMOTE', evidence_grade: 'E', confidence: 1 });
    expect(answer.rules[0]?.gain?.noInterval).toEqual([{ code: 'no-number', key: 'n', version: '2' }]);
  });

  it('does not call a share a probability where only rules that do not decide have an interval', () => {
    const by = policy([
      { ...proportion, critical: false },
      { metric: 'm', limit: 0.5, against_champion: false, critical: true },
    ]);
    const answer = decided(evidence({ m: 0.8, n: 1000 }, { m: 0.9, n: 1000 }), by);
    expect(answer).toMatchObject({ decision: 'PROMOTE', confidence: 1, basis: 'share' });
  });

  it('counts as the weakest grade among the rules that decide', () => {
    const guarded = (critical: boolean) =>
      decided(
        evidence({ m: 0.8, n: 1000, x: 1 }, { m: 0.9, n: 1000, x: 2 }),
        policy([proportion, { metric: 'x', critical }]),
      );
    expect(guarded(true)).toMatchObject({ decision: 'PROMOTE', evidence_grade: 'E', confidence: 1 });
    expect(guarded(false)).toMatchObject({ decision: 'PROMOTE', evidence_grade: 'C' });
    expect(guarded(false).confidence).toBeLessThan(1);
  });

  it('does not promote alone when the other rules fail', () => {
    const answer = decided(
      evidence({ m: 0.8, n: 1000, x: 2 }, { m: 0.9, n: 1000, x: 1 }),
      policy([proportion, { metric: 'x' }]),
    );
    expect(answer).toMatchObject({ decision: 'INVESTIGATE', finding: { code: 'mixed' } });
  });
});

describe('a first model', () => {
  const by = policy([{ metric: 'a', limit: 0.5, critical: true }, { metric: 'b' }]);

  it('is judged by the limits alone, and the answer says so', () => {
    const answer = decided(evidence(null, { a: 0.6, b: 1 }), by);
    expect(answer).toMatchObject({
      decision: 'PROMOTE',
      champion_version: null,
      challenger_version: '3',
      confidence: 1,
      evidence_grade: null,
      basis: 'limits',
    });
    expect(answer.rules[1]?.result).toMatchObject({ passed: true, counted: 'alone' });
  });

  it('is not promoted below a critical limit', () => {
    const answer = decided(evidence(null, { a: 0.4, b: 1 }), by);
    expect(answer).toMatchObject({
      decision: 'KEEP',
      finding: { code: 'critical-rules-failed', about: [answer.rules[0]] },
    });
  });

  it('must log every number that the policy needs', () => {
    expect(decided(evidence(null, { a: 0.6 }), by)).toMatchObject({
      decision: 'INVESTIGATE',
      finding: { code: 'missing-numbers' },
    });
  });

  it('asks a person where the policy sets no limit or too few are reached', () => {
    expect(decided(evidence(null, { a: 1 }), policy([{ metric: 'a' }]))).toMatchObject({
      decision: 'INVESTIGATE',
      finding: { code: 'nothing-to-judge' },
    });
    const two = policy([
      { metric: 'a', limit: 0 },
      { metric: 'b', limit: 0 },
    ]);
    expect(decided(evidence(null, { a: 1, b: -1 }), two)).toMatchObject({
      decision: 'INVESTIGATE',
      finding: { code: 'mixed' },
    });
  });
});

describe('what can be said of any comparison', () => {
  const { champion, keys, metrics, rules: someRules, sized } = anyComparison;

  it('is its confidence between 0 and 1', () => {
    fc.assert(
      fc.property(someRules, champion, metrics, (rules, before, after) => {
        const { confidence } = decided(evidence(sized(before), { ...after, n: 200 }), policy(rules));
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('never promotes where a number is not finite, or missing and not skipped', () => {
    fc.assert(
      fc.property(someRules, champion, metrics, (rules, before, after) => {
        const by = policy(rules);
        const answer = decided(evidence(sized(before), { ...after, n: 200 }), by);
        const sides: Record<string, number | undefined>[] = before === null ? [after] : [before, after];
        const gap = by.rules.some(({ metric, when_missing }) =>
          sides.some(({ [String(metric)]: value }) =>
            value === undefined ? when_missing !== 'skip' : !Number.isFinite(value),
          ),
        );
        expect(gap && answer.decision === 'PROMOTE').toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('never promotes with a critical rule that has not passed', () => {
    fc.assert(
      fc.property(someRules, champion, metrics, (rules, before, after) => {
        const answer = decided(evidence(sized(before), { ...after, n: 200 }), policy(rules));
        const missed = answer.rules.some(({ result }) => result.critical && !result.passed);
        expect(missed && answer.decision === 'PROMOTE').toBe(false);
      }),
    );
  });

  it('decides the same when every value is negated and every direction turned', () => {
    const negated = (of: Record<string, number | undefined>): Record<string, number> =>
      Object.fromEntries(Object.entries(of).map(([key, v]) => [key, -(v ?? 0)]));
    fc.assert(
      fc.property(someRules, champion, metrics, (rules, before, after) => {
        const points = rules.map(({ sample: _, ...rule }) => rule);
        const turned = points.map((rule) => ({
          ...rule,
          direction: rule.direction === 'higher' ? 'lower' : 'higher',
          limit: rule.limit === undefined ? undefined : -rule.limit,
        }));
        const straight = decided(evidence(before, after), policy(points));
        const mirrored = decided(
          evidence(before === null ? null : negated(before), negated(after)),
          policy(turned),
        );
        expect(mirrored.decision).toBe(straight.decision);
        expect(mirrored.confidence).toBe(straight.confidence);
      }),
    );
  });

  it('never turns PROMOTE into KEEP when a value of the challenger gets better', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const shares = fc.record({ a: share, b: share, c: share });
    const oneWay = someRules.map((rules) =>
      rules.map((rule) => ({
        ...rule,
        direction: 'higher',
        limit: rule.limit === undefined ? undefined : 0.2,
      })),
    );
    fc.assert(
      fc.property(
        oneWay,
        shares,
        shares,
        fc.constantFrom(...keys),
        share,
        (rules, before, after, key, raise) => {
          const by = policy(rules);
          const values: Record<string, number> = after;
          const first = decided(evidence({ ...before, n: 200 }, { ...values, n: 200 }), by);
          fc.pre(first.decision === 'PROMOTE');
          const raised = { ...values, [key]: Math.min(1, (values[key] ?? 0) + raise), n: 200 };
          expect(decided(evidence({ ...before, n: 200 }, raised), by).decision).not.toBe('KEEP');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('what the answer says about the data', () => {
  it('is that their sameness is assumed, when neither run names any', () => {
    const unnamed = evidence(run({ m: 1 }, { datasets: [] }), run({ m: 2 }, { datasets: [] }));
    const answer = decided(unnamed, policy([{ metric: 'm' }]));
    expect(answer).toMatchObject({ decision: 'PROMOTE', finding: { dataUnknown: true } });
    const named = decided(evidence({ m: 1 }, { m: 2 }), policy([{ metric: 'm' }]));
    expect(named).toMatchObject({ decision: 'PROMOTE', finding: { dataUnknown: false } });
  });

  it('is that nothing was decided, when they differ, with the numbers for a person to see', () => {
    const other = run({ m: 2 }, { datasets: [{ name: 'd', digest: 'd2', context: null }] });
    const answer = decided(evidence({ m: 1 }, other), policy([{ metric: 'm' }]));
    expect(answer).toMatchObject({
      ...{ decision: 'INVESTIGATE', confidence: 0, basis: 'none', evidence_grade: null },
      finding: {
        code: 'undecided',
        obstacles: [{ code: 'data-differ', champion: ['d1'], challenger: ['d2'] }],
      },
    });
    const [judged] = answer.rules;
    expect(judged?.result).toMatchObject({ champion: 1, challenger: 2, passed: false, counted: 'missing' });
  });
});
