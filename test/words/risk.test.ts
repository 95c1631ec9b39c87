import { describe, expect, it } from 'vitest';
import type { AllocationFacts } from '../../lambdas/domain/comparison/paired-facts.ts';
import { riskText } from '../../lambdas/words/risk.ts';

const plain: AllocationFacts = {
  ...{ policy_alpha: 0.05, budget: 0.5, comparisons: 12, uses: 1, warning: false, at_least: false },
  ...{ candidates: 1, candidates_from: 'declared' },
};
const told = (alpha: number, more: Partial<AllocationFacts>) =>
  riskText({
    paired: {
      ...{ fingerprint: 'f', rows: 9, alpha, spent: 0, rows_needed: null },
      allocation: { ...plain, ...more },
    },
  });

describe('the risk of a claim', () => {
  it.each<[number, Partial<AllocationFacts>, string]>([
    [0.05, { budget: null, candidates_from: 'not-declared' }, '5%; number of candidates not declared'],
    [0.05, { budget: null, candidates_from: 'counted' }, '5%; no other candidate found'],
    [
      0.00521,
      { candidates: 8, candidates_from: 'counted' },
      '0.521% of 5%; budget 0.5 a year for 12 comparisons; best of 8 runs found',
    ],
    [
      0.001,
      { budget: null, uses: 5, warning: true, candidates: 20 },
      '0.1% of 5%; 5 challengers on the same rows, so often that they wear out: evaluate on new ones; best of 20, as declared',
    ],
    [
      0.0001,
      { comparisons: 400, uses: 2, at_least: true, candidates: 101, candidates_from: 'at-least' },
      '0.01% of 5%; budget 0.5 a year for at least 400 comparisons; at least 2 challengers on the same rows; best of at least 101 runs found',
    ],
  ])('of %d by %j is told as %j', (alpha, more, text) => {
    expect(told(alpha, more)).toBe(text);
  });

  it('is not told where no claim was tested', () => {
    expect(riskText({})).toBeNull();
    expect(
      riskText({ paired: { fingerprint: 'f', rows: 9, alpha: 0.05, spent: 0.05, rows_needed: null } }),
    ).toBeNull();
  });
});
