import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addLogs,
  betsOnNotWorse,
  betsOnRate,
  betsOnWorse,
  growthOf,
  guarded,
  logMean,
  logOfGuard,
  logOfPlain,
  logOfRestarted,
  restarted,
  type Stakes,
} from '../../lambdas/domain/watch/bets.ts';
import { expectedOf, logOfDifferences } from '../../lambdas/domain/watch/differences.ts';
import { phiOf, spreadOf } from '../../lambdas/domain/watch/dispersion.ts';
import { WatchFields } from '../../lambdas/domain/watch/policy-watch.ts';
import { rateBound } from '../../lambdas/domain/watch/series.ts';
import { shareWithin, watchOften } from '../../tools/bench/watch/releases.ts';

// Expected values without another source: SciPy 1.17.1, NumPy 2.4.6, each with its line.

const Rows = fc.tuple(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6));

/** ln M after each block. */
function lookedAt(
  blocks: readonly (readonly number[])[],
  margin: number,
  horizon: number,
  phi = 1,
): number[] {
  let stakes: Stakes = null;
  return blocks.map((block, at) => {
    stakes = restarted(stakes, growthOf(betsOnWorse(margin), block, phi), at + 1, horizon);
    return logOfRestarted(stakes, at + 1, horizon);
  });
}

describe('a bet on "worse" from rows of both versions', () => {
  it.each([
    [0, 3.250197],
    [0.005, 2.000418],
  ])('is worth this on (60, 30, 910) with a margin of %d', (margin, ln) => {
    expect(logOfPlain(betsOnWorse(margin), [60, 30, 910], 1)).toBeCloseTo(ln, 6);
  });

  it('with a stake kept for each later block is worth this after three of 168', () => {
    const blocks = [
      [50, 50, 900],
      [70, 30, 900],
      [70, 30, 900],
    ];
    const [first, second, third] = lookedAt(blocks, 0.005, 168);
    expect(first).toBeCloseTo(-0.298885, 6);
    expect(second).toBeCloseTo(0.764713, 6);
    expect(third).toBeCloseTo(5.114676, 6);
  });

  it('is worth nothing more or less after hours without rows', () => {
    for (const ln of lookedAt(new Array(168).fill([0, 0, 0]), 0, 168)) expect(ln).toBeCloseTo(0, 12);
  });

  it('counts φ rows as one', () => {
    const plain = logOfPlain(betsOnWorse(0.005), [60, 30, 910], 1);
    expect(logOfPlain(betsOnWorse(0.005), [180, 90, 2730], 3)).toBeCloseTo(plain, 12);
  });

  it('cannot gain on average where the version is worse by just the margin', () => {
    // Shares (a, b, z) with a − b = margin: the mean factor of each gambler is 1.
    for (const [margin, a] of [
      [0, 0.05],
      [0.005, 0.0525],
      [0.2, 0.3],
    ] as const) {
      const shares = [a, a - margin, 1 - 2 * a + margin];
      const bets = betsOnWorse(margin);
      for (let k = 0; k < 16; k += 1) {
        const mean = bets.reduce((sum, of, kind) => sum + (shares[kind] ?? 0) * Math.exp(of[k] ?? 0), 0);
        expect(mean).toBeCloseTo(1, 12);
      }
    }
  });

  it('stays finite at a billion rows an hour', () => {
    for (const block of [
      [1e9, 0, 0],
      [0, 1e9, 0],
      [5e8, 5e8, 0],
    ]) {
      const looks = lookedAt(new Array(48).fill(block), 0, 48);
      expect(looks.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('a bet on "not worse by the margin"', () => {
  it('cannot gain on average where the version is worse by just that', () => {
    const bets = betsOnNotWorse(0.01);
    const shares = [0.055, 0.045, 0.9];
    for (let k = 0; k < 16; k += 1) {
      const mean = bets.reduce((sum, of, kind) => sum + (shares[kind] ?? 0) * Math.exp(of[k] ?? 0), 0);
      expect(mean).toBeCloseTo(1, 12);
    }
  });

  it('does not depend on how the rows came', () => {
    const bets = betsOnNotWorse(0.01);
    fc.assert(
      fc.property(Rows, Rows, ([a, b, z], [c, d, e]) => {
        const together = growthOf(bets, [a + c, b + d, z + e], 2);
        const [one, other] = [growthOf(bets, [a, b, z], 2), growthOf(bets, [c, d, e], 2)];
        for (const [k, sum] of together.entries())
          expect((one[k] ?? 0) + (other[k] ?? 0)).toBeCloseTo(sum, 5);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a bet on a higher rate', () => {
  it.each([0.0001, 0.002, 0.15, 0.9, 1])('cannot gain on average at a rate of %d, its bound', (bound) => {
    const [event, none] = betsOnRate(bound);
    for (let k = 0; k < 16; k += 1) {
      const mean = bound * Math.exp(event?.[k] ?? 0) + (1 - bound) * Math.exp(none?.[k] ?? 0);
      expect(mean).toBeCloseTo(1, 12);
    }
  });

  // beta.ppf(.9975, 252/2.7 + 1, (168000 - 252)/2.7); beta.ppf(.9975, 1, 16800)
  it('has a bound from before, where φ requests count as one', () => {
    expect(rateBound([252, 168_000 - 252], 2.7, 0.9975)).toBeCloseTo(0.001990667119354497, 14);
    expect(rateBound([0, 16_800], 1, 0.9975)).toBeCloseTo(0.00035657120784169364, 14);
    expect(rateBound([10, 0], 1, 0.9975)).toBe(1);
  });
});

describe('the guard', () => {
  it('adds one to each stake before it multiplies it', () => {
    const stakes = guarded(guarded(null, new Array(16).fill(Math.log(2))), new Array(16).fill(Math.log(3)));
    expect(Math.exp(logOfGuard(stakes) ?? 0)).toBeCloseTo((2 + 1) * 3, 10);
    expect(logOfGuard(null)).toBeNull();
  });
});

describe('a bet on differences', () => {
  it('is worth this after .01, .02, .015, .01', () => {
    const squares = 0.01 ** 2 + 0.02 ** 2 + 0.015 ** 2 + 0.01 ** 2;
    expect(logOfDifferences([0.055, squares, 4], 0.0012)).toBeCloseTo(1.06099, 6);
  });

  // log(2) + .5*log(r/(r + V)) + S*S/2/(V + r) + special.log_ndtr(S/sqrt(V + r))
  it.each([
    [-30, 1, 0.0012, -6.990814962859076],
    [-3000, 9200, 12, -6.990726544921301],
    [30, 1, 0.0012, 446.7904779025101],
  ])('is exact far out: sum %d, squares %d, expected %d', (sum, squares, expected, ln) => {
    expect(logOfDifferences([sum, squares, 30], expected)).toBeCloseTo(ln, 6);
  });

  it('expects twelve times the variance before, which has to be known', () => {
    const twelve = Array.from({ length: 12 }, (_, at) => (at % 2 === 0 ? 1 : -1));
    expect(expectedOf(twelve)).toBeCloseTo((12 * 12) / 11, 12);
    expect(expectedOf(twelve.slice(1))).toBeNull();
    expect(expectedOf(new Array(12).fill(3))).toBeNull();
  });
});

describe('the dispersion of the hours before a release', () => {
  const hours = (a: (hour: number) => number) =>
    Array.from({ length: 168 }, (_, index) => {
      const onlyNew = 50 + a(index);
      return { index, n: 950 + onlyNew, sum: onlyNew - 50, disagree: onlyNew + 50 };
    });
  const phi = (of: ReturnType<typeof hours>) =>
    phiOf(of, of.reduce((sum, { disagree }) => sum + disagree, 0) / of.reduce((sum, { n }) => sum + n, 0));

  // b = 50, z = 900; per scale k: g = (167 - h)//k; N, S = bincount(g, n), bincount(g, a - b);
  // (N*(S/N - D)**2).sum()/(sum(a + b)/sum(n))/chi2.ppf(.1, len(N) - 1); the largest of k = 1, 3, 6, 12, 24
  it('is that of the scale with the largest one', () => {
    expect(phi(hours((h) => Math.round(30 * Math.sin(h ** 2))))).toBeCloseTo(12.913008595906291, 9);
    expect(phi(hours((h) => Math.round(20 * Math.sin(h / 12))))).toBeCloseTo(103.23362728645375, 9);
  });

  it('is one where all hours are alike, or nothing differs', () => {
    expect(phi(hours(() => 0))).toBe(1);
    expect(
      phiOf(
        hours(() => 0),
        0,
      ),
    ).toBe(1);
  });

  it('is not known from fewer than 168 hours, or fewer than 48 with rows', () => {
    const enough = hours((h) => h % 7);
    const idleFrom = (rows: number) =>
      enough.map((hour, at) => (at < rows ? hour : { ...hour, n: 0, sum: 0 }));
    expect(phiOf(enough.slice(1), 0.1)).toBeNull();
    expect(phiOf(idleFrom(47), 0.1)).toBeNull();
    expect(phiOf(idleFrom(48), 0.1)).toBe(spreadOf(enough.slice(0, 48), 0.1));
    expect(spreadOf(enough.slice(1), 0.1)).toBeGreaterThanOrEqual(1);
    expect(spreadOf([], 0.1)).toBe(1);
  });
});

describe('logarithms of sums', () => {
  it('hold beyond the range of numbers', () => {
    expect(addLogs(-5000, -5000)).toBeCloseTo(-5000 + Math.LN2, 9);
    expect(addLogs(5000, 0)).toBe(5000);
    expect(addLogs(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
    expect(logMean([9000, 9000])).toBeCloseTo(9000, 9);
    expect(logMean([-1e9, -2])).toBeCloseTo(-2 - Math.LN2, 9);
  });
});

describe('the defaults of a policy', () => {
  it('are those of the simulations', () => {
    expect(WatchFields.parse({})).toEqual({
      hours: 168,
      maturity_hours: 0,
      alpha: 0.01,
      margin: 0,
      keep_alpha: 0.05,
      keep_margin: 0.01,
      on_worse: { rows: 'rollback', rates: 'alert' },
      better: 'lower',
    });
  });
});

describe('a watch as npm run bench -- watch simulates it, with fewer simulations', () => {
  const weather = { sd: 0.005, carried: 0.9 };

  it('rolls hardly any good release back where the hours differ and are alike for long', () => {
    const { worse } = watchOften({ series: 'rows', perHour: 10_000, weather }, 200, 3);
    const { mean, error } = shareWithin(worse, 168);
    expect(mean - 2.5 * error).toBeLessThanOrEqual(0.015);
  });

  it('finds a release that is worse by two points within a day', () => {
    const { worse, notWorse } = watchOften({ series: 'rows', perHour: 1000, worseBy: 0.02 }, 50, 3);
    expect(shareWithin(worse, 24).mean).toBeGreaterThan(0.8);
    expect(shareWithin(notWorse, 168).mean).toBe(0);
  });

  it('is silent about bursts of errors that were there before', () => {
    const { worse } = watchOften({ series: 'errors', perHour: 10_000, rate: 0.002, bursty: true }, 100, 3);
    expect(shareWithin(worse, 168).mean).toBeLessThanOrEqual(0.01);
  });
});
