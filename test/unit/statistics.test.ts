import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  confidenceAbove,
  interval,
  meanDifference,
  proportionDifference,
} from '../../lambdas/domain/comparison/statistics.ts';

const proportion = fc.record({
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  size: fc.integer({ min: 1, max: 1_000_000 }),
});

describe('the difference of two proportions', () => {
  // Expected values: statsmodels 0.14, confint_proportions_2indep(..., method='agresti-caffo', compare='diff').
  it.each([
    [10, 20, 15, 20, 0.025, -0.05252484164585436, 0.507070296191309],
    [10, 20, 15, 20, 0.05, -0.007540794648153909, 0.4620862491936085],
    [420, 450, 435, 450, 0.05, 0.008962861662325124, 0.05740881975360407],
    [0, 20, 20, 20, 0.05, 0.8057867324178076, 1.0123950857640107],
    [0, 30, 0, 30, 0.05, -0.07154810473603217, 0.07154810473603217],
    [1700, 2000, 1710, 2000, 0.05, -0.013458155678920943, 0.023448165668930817],
    [450, 500, 9, 10, 0.025, -0.27758133088185877, 0.14743524854454151],
  ])('of %d/%d and %d/%d at risk %d is %d to %d', (x1, n1, x2, n2, alpha, lower, upper) => {
    const difference = proportionDifference({ share: x1 / n1, size: n1 }, { share: x2 / n2, size: n2 });
    const found = interval(difference, alpha);
    expect(found.lower).toBeCloseTo(lower, 10);
    expect(found.upper).toBeCloseTo(upper, 10);
  });

  it('is the opposite one when the two change places', () => {
    fc.assert(
      fc.property(proportion, proportion, (a, b) => {
        const [forth, back] = [proportionDifference(a, b), proportionDifference(b, a)];
        expect(forth.estimate).toBe(-back.estimate || 0);
        expect(forth.standardError).toBeCloseTo(back.standardError, 15);
      }),
    );
  });

  it('has an error above zero even where all rows succeed or fail', () => {
    const all = proportionDifference({ share: 1, size: 50 }, { share: 1, size: 50 });
    expect(all.standardError).toBeGreaterThan(0);
  });
});

describe('the difference of two means', () => {
  it('adds the variances of both means', () => {
    // 3²/36 + 4²/64 = 0.25 + 0.25
    const difference = meanDifference(
      { mean: 10, deviation: 3, size: 36 },
      { mean: 11, deviation: 4, size: 64 },
    );
    expect(difference.estimate).toBe(1);
    expect(difference.standardError).toBeCloseTo(Math.SQRT1_2, 12);
    // 1 ± 1.6448536 × 0.7071068
    expect(interval(difference, 0.05).lower).toBeCloseTo(-0.163087, 6);
    expect(interval(difference, 0.05).upper).toBeCloseTo(2.163087, 6);
    // Φ(1.4142136)
    expect(confidenceAbove(difference, 0)).toBeCloseTo(0.9213504, 6);
  });
});

describe('the confidence', () => {
  const difference = fc.record({
    estimate: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    standardError: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  });

  it('is one half when the estimate is just what is needed', () => {
    expect(confidenceAbove({ estimate: 0.3, standardError: 2 }, 0.3)).toBe(0.5);
  });

  it('lies between 0 and 1', () => {
    fc.assert(
      fc.property(difference, fc.double({ min: -1e6, max: 1e6, noNaN: true }), (d, needed) => {
        const confidence = confidenceAbove(d, needed);
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('exceeds one minus the risk exactly when the lower bound exceeds what is needed', () => {
    fc.assert(
      fc.property(
        difference,
        fc.double({ min: 0.001, max: 0.4, noNaN: true }),
        fc.double({ min: -4, max: 4, noNaN: true }),
        (d, alpha, deviations) => {
          const needed = d.estimate - deviations * d.standardError;
          const { lower } = interval(d, alpha);
          fc.pre(Math.abs(lower - needed) > 1e-6 * (d.standardError + Math.abs(needed)));
          expect(confidenceAbove(d, needed) > 1 - alpha).toBe(lower > needed);
        },
      ),
    );
  });
});
