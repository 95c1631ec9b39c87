import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateAlpha, type Spending } from '../../lambdas/domain/comparison/budget.ts';
import {
  type Claim,
  decideClaim,
  type Guardrail,
  guardrailTested,
  neededFor,
  rowsNeeded,
} from '../../lambdas/domain/comparison/claims.ts';
import { mcnemar } from '../../lambdas/domain/paired/mcnemar.ts';
import { isRefused, type TestResult } from '../../lambdas/domain/paired/test-result.ts';

const superiority: Claim = { kind: 'superiority', margin: 0 };
const notWorse: Claim = { kind: 'non_inferiority', margin: 0.01 };

/** 2,000 rows, of which `better` and `worse` are right by one model only. */
function accuracy(better: number, worse: number, claim: Claim = superiority): TestResult {
  const test = mcnemar(
    { onlyChampion: worse, onlyChallenger: better, n: 2000 },
    { needed: neededFor(claim), alpha: 0.05 },
  );
  if (isRefused(test)) throw new Error(test.refused);
  return test;
}

const guardrail = (name: string, better: number, worse: number): Guardrail => ({
  name,
  margin: 0.01,
  test: accuracy(better, worse, notWorse),
});

function decided(claim: Claim, primary: TestResult, more: { guardrails?: Guardrail[]; alpha?: number } = {}) {
  return decideClaim({ claim, primary, guardrails: [], alpha: 0.05, worthwhile: 0.01, ...more });
}

describe('the rows needed', () => {
  it('for one point at 10 % disagreement are 6,176', () => {
    expect(rowsNeeded({ variance: 0.1 - 0.01 ** 2, gain: 0.01, alpha: 0.05 })).toBe(6176);
  });

  it.each([0, -0.01, Number.NaN])('cannot be told for a gain of %d', (gain) => {
    expect(rowsNeeded({ variance: 0.1, gain, alpha: 0.05 })).toBeNull();
  });
});

describe('a claim of superiority', () => {
  it.each([
    // only the challenger right, only the champion right
    [130, 80, 'PROMOTE', 'shown'],
    [110, 90, 'INVESTIGATE', 'open'],
    [100, 100, 'KEEP', 'not-better'],
    [80, 130, 'KEEP', 'not-better'],
    [10, 9, 'KEEP', 'not-worthwhile'],
  ])('with %d rows better and %d worse answers %s (%s)', (better, worse, decision, code) => {
    expect(decided(superiority, accuracy(better, worse))).toMatchObject({ decision, code });
  });

  it('has one minus p as confidence', () => {
    const test = accuracy(110, 90);
    expect(decided(superiority, test).confidence).toBe(1 - test.p);
  });

  it('is held to what the budget leaves', () => {
    const test = accuracy(118, 90);
    expect(test.p).toBeLessThan(0.05);
    expect(decided(superiority, test, { alpha: test.p }).decision).toBe('PROMOTE');
    expect(decided(superiority, test, { alpha: 0.99 * test.p })).toMatchObject({
      decision: 'INVESTIGATE',
      code: 'open',
    });
  });

  it('tells the rows with which a worthwhile gain would probably be shown', () => {
    const test = accuracy(110, 90);
    expect(decided(superiority, test).rowsNeeded).toBe(
      rowsNeeded({ variance: 0.1 - 0.01 ** 2, gain: 0.01, alpha: 0.05 }),
    );
    expect(decided(superiority, accuracy(130, 80)).rowsNeeded).toBeNull();
  });
});

describe('a claim of non-inferiority', () => {
  it.each([
    [115, 90, 'PROMOTE', 'shown'],
    [110, 100, 'PROMOTE', 'shown'],
    [95, 90, 'PROMOTE', 'shown'],
    [92, 90, 'INVESTIGATE', 'open'],
    [201, 200, 'INVESTIGATE', 'open'],
    [100, 112, 'KEEP', 'not-better'],
    [80, 130, 'KEEP', 'not-better'],
  ])('with %d rows better and %d worse answers %s (%s)', (better, worse, decision, code) => {
    expect(decided(notWorse, accuracy(better, worse, notWorse))).toMatchObject({ decision, code });
  });
});

describe('guardrails', () => {
  const better = accuracy(130, 80);

  it('that are all not worse let the claim decide', () => {
    expect(
      decided(superiority, better, { guardrails: [guardrail('a', 95, 90), guardrail('b', 99, 90)] }),
    ).toMatchObject({
      decision: 'PROMOTE',
      guardrails: [],
    });
  });

  it('of which one is not shown put the decision before a person, with the rows it needs', () => {
    const open = guardrail('b', 90, 95);
    expect(open.test.p).toBeGreaterThan(0.05);
    expect(decided(superiority, better, { guardrails: [guardrail('a', 95, 90), open] })).toEqual({
      decision: 'INVESTIGATE',
      code: 'guardrail-open',
      confidence: 1 - better.p,
      guardrails: ['b'],
      rowsNeeded: rowsNeeded({ variance: open.test.variance, gain: 0.01, alpha: 0.05 }),
    });
  });

  it('of which one is shown to be worse keep the champion, however good the rest', () => {
    expect(decided(superiority, better, { guardrails: [guardrail('a', 10, 90)] })).toMatchObject({
      decision: 'KEEP',
      code: 'guardrail-worse',
      guardrails: ['a'],
    });
  });

  it('are tested at the policy’s alpha, whatever the budget leaves for the claim', () => {
    expect(guardrailTested(0.01, 0.05)).toEqual({ needed: -0.01, alpha: 0.05 });
    const shown = guardrail('a', 94, 90);
    expect(shown.test.p).toBeGreaterThan(0.02);
    const strict = decided(superiority, accuracy(160, 80), { guardrails: [shown], alpha: 0.001 });
    expect(strict.decision).toBe('PROMOTE');
  });
});

describe('every decision', () => {
  it('promotes only what is shown, and never gets worse with a better challenger', () => {
    const order = { KEEP: 0, INVESTIGATE: 1, PROMOTE: 2 };
    fc.assert(
      fc.property(
        fc.constantFrom(superiority, notWorse),
        fc.nat(300),
        fc.nat(300),
        fc.double({ min: 0.001, max: 0.05, noNaN: true }),
        (claim, better, worse, alpha) => {
          const one = accuracy(better, worse, claim);
          const answer = decided(claim, one, { alpha });
          expect(answer.decision === 'PROMOTE').toBe(one.p <= alpha);
          const more = decided(claim, accuracy(better + 1, worse, claim), { alpha });
          expect(order[more.decision]).toBeGreaterThanOrEqual(order[answer.decision]);
        },
      ),
    );
  });
});

describe('the budget', () => {
  const spending: Spending = {
    claim: 'superiority',
    alpha: 0.05,
    budget: 0.5,
    comparisons: 26,
    uses: 1,
    candidates: 1,
    candidatesFrom: 'declared',
    maxT: false,
  };
  const allocated = (more: Partial<Spending> = {}) => allocateAlpha({ ...spending, ...more });

  it.each([
    [{}, 0.5 / 26],
    [{ comparisons: 3 }, 0.5 / 12], // at least 12 are assumed
    [{ comparisons: 8, budget: 1 }, 0.05], // never above the policy's alpha
    [{ budget: 0.05 }, 0.05 / 26],
    [{ budget: null }, 0.05],
    [{ uses: 4 }, 0.5 / 26 / 4],
    [{ uses: 0, candidates: 0 }, 0.5 / 26],
    [{ candidates: 20 }, 0.5 / 26 / 20],
    [{ candidates: 20, maxT: true }, 0.5 / 26],
    [{ candidates: 101, uses: 2, candidatesFrom: 'at-least' }, 0.5 / 26 / 202],
    [{ claim: 'non_inferiority' }, 0.05],
    [{ claim: 'non_inferiority', uses: 2, candidates: 5 }, 0.005],
  ] as [Partial<Spending>, number][])('of %j leaves %d', (more, alpha) => {
    expect(allocated(more).alpha).toBeCloseTo(alpha, 15);
  });

  it('is spent by claims of superiority only', () => {
    expect(allocated().spent).toBe(0.5 / 26);
    expect(allocated({ budget: null }).spent).toBe(0);
    expect(allocated({ claim: 'non_inferiority' }).spent).toBe(0);
  });

  it('gives a reason for everything that lowers alpha, and warns from the fifth use', () => {
    expect(allocated({ uses: 5, candidates: 3, candidatesFrom: 'counted' }).reasons).toEqual([
      { code: 'budget', budget: 0.5, comparisons: 26 },
      { code: 'uses', uses: 5, warn: true },
      { code: 'candidates', candidates: 3, from: 'counted' },
    ]);
    expect(allocated({ uses: 4, candidates: 3, maxT: true, budget: null }).reasons).toEqual([
      { code: 'uses', uses: 4, warn: false },
      { code: 'max-t', candidates: 3, from: 'declared' },
    ]);
    expect(allocated({ candidatesFrom: 'not-declared', budget: null }).reasons).toEqual([
      { code: 'candidates-not-declared' },
    ]);
  });

  it('never spends more than itself in a year of as many comparisons', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        (comparisons, budget) => {
          expect(comparisons * allocated({ comparisons, budget }).spent).toBeLessThanOrEqual(
            budget * (1 + 1e-12),
          );
        },
      ),
    );
  });
});
