import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { driftBetween, holm } from '../../lambdas/domain/drift/drift.ts';
import { binned, cellsOf, type Feature, Histograms } from '../../lambdas/domain/drift/histogram.ts';
import { leastP, mannWhitney } from '../../lambdas/domain/drift/mann-whitney.ts';
import { noncentralTail } from '../../lambdas/domain/drift/noncentral.ts';
import { MODERATE, psiOf, psiP, rowsNeeded, SIGNIFICANT } from '../../lambdas/domain/drift/psi.ts';

// Expected values: SciPy 1.17.1, NumPy 2.4.6, each with its line.

const numeric = (...counts: number[]): Feature => ({ edges: counts.slice(1).map((_, at) => at), counts });
const histograms = (features: Record<string, Feature>): Histograms =>
  Histograms.parse({ format: 1, features });
/** Twenty bins with as many rows each, and those of a period in which the feature has moved up by three bins. */
const even = (rows: number) => numeric(...new Array(20).fill(rows / 20));
const moved = (rows: number) => numeric(0, 0, 0, ...new Array(16).fill(rows / 20), (4 * rows) / 20);

describe('the tail of a noncentral χ² variable', () => {
  // ncx2.sf(x, degrees, noncentrality); without noncentrality chi2.sf(x, degrees)
  it.each([
    [18, 9, 3, 0.13634789562644223],
    [5, 2, 0, 0.0820849986238988],
    [1, 1, 0.5, 0.42870298961325404],
    [30, 9, 9.09, 0.06800699076437848],
    [1900, 9, 1818.2, 0.19604168838443772],
    [9400, 9, 9090.9, 0.05869977397568047],
    [9000, 4, 9090.9, 0.6892245220876613],
    [1e5, 9, 1e5, 0.5050461388896923],
    [1_003_000, 9, 1e6, 0.0674729233638654],
    [0.001, 3, 20, 0.9999999996175171],
  ])('beyond %d with %d degrees of freedom and %d', (x, degrees, noncentrality, tail) => {
    expect(noncentralTail(x, degrees, noncentrality)).toBeCloseTo(tail, 11);
  });

  it('is one at zero, and none far out', () => {
    expect(noncentralTail(0, 9, 3)).toBe(1);
    expect(noncentralTail(200, 9, 3)).toBeLessThan(1e-31);
    expect(noncentralTail(1e8, 9, 1e6)).toBe(0);
  });
});

describe('the population stability index', () => {
  // p = (rows + .5)/(100 + 3/2) of each period; sum((q - p)*log(q/p))
  it('is smoothed by half a row in each cell', () => {
    const cells = [
      [30, 50],
      [25, 30],
      [45, 20],
    ] as const;
    expect(psiOf(cells)).toBeCloseTo(0.30455527296470386, 12);
  });

  it('of .12 from 300 and 300 rows may well be chance', () => {
    expect(psiP(0.12, { cells: 10, m: 300, n: 300 }, MODERATE)).toBeCloseTo(0.136348, 6);
  });

  it('needs more rows for several features', () => {
    const [one, fifty] = [rowsNeeded(0.01), rowsNeeded(0.01 / 50)];
    expect(fifty).toBeGreaterThan(one);
    // With so many rows, and not with fewer, the critical index is exceeded four times in five.
    for (const [rows, holds] of [
      [one, true],
      [one - 5, false],
    ] as const) {
      const periods = { cells: 10, m: rows, n: rows };
      let critical = 0;
      while (psiP(critical, periods, MODERATE) > 0.01) critical += 1e-5;
      expect(psiP(critical, periods, SIGNIFICANT) >= 0.8).toBe(holds);
    }
  });
});

describe('the test of Mann and Whitney', () => {
  // mannwhitneyu(repeat(arange(7), current), repeat(arange(7), reference), method='asymptotic', use_continuity=True)
  it('agrees with SciPy on ties', () => {
    const { p, higher } = mannWhitney([4, 0, 7, 9, 3, 12, 10], [1, 0, 1, 2, 5, 2, 3]);
    expect(p).toBeCloseTo(0.848893921760078, 12);
    expect(higher).toBeCloseTo(0.5174603174603175, 12);
  });

  it('finds nothing where all rows are in one bin', () => {
    expect(mannWhitney([0, 45], [0, 12]).p).toBe(1);
  });

  it('has a smallest p', () => {
    expect(
      mannWhitney(
        [...new Array(45).fill(1), ...new Array(12).fill(0)],
        [...new Array(45).fill(0), ...new Array(12).fill(1)],
      ).p,
    ).toBeCloseTo(leastP(45, 12), 12);
    expect(leastP(45, 2)).toBeGreaterThan(0.01);
    expect(leastP(0, 12)).toBe(1);
  });
});

describe('risks over all features', () => {
  it.each([
    { ps: [0.003, 0.006, 0.2], rejected: [true, false, false] },
    { ps: [0.2, 0.003, 0.004], rejected: [false, true, true] },
    { ps: [0.004, null, 0.006], rejected: [true, false, true] },
    { ps: [0.02], rejected: [false] },
    { ps: [], rejected: [] },
  ])('are those of Holm: $ps', ({ ps, rejected }) => {
    expect(holm(ps, 0.01)).toEqual(rejected);
  });
});

describe('cells', () => {
  const rows = (feature: Feature, other: Feature) => {
    const both = binned(feature, other);
    if (both === null) throw new Error('other bins');
    return both;
  };

  it('have about as many rows of the reference each', () => {
    expect(cellsOf(rows(even(1000), moved(1000)), 10).map(([reference]) => reference)).toEqual(
      new Array(10).fill(100),
    );
  });

  it('show rows where the reference has none', () => {
    const cells = cellsOf(rows(numeric(0, 1000, 0), numeric(0, 500, 500)), 10);
    expect(cells).toEqual([
      [1000, 500],
      [0, 500],
    ]);
  });

  it('of values are the most frequent ones and all others', () => {
    const values = (counts: Record<string, number>): Feature => ({
      values: Object.keys(counts),
      counts: Object.values(counts),
    });
    const reference = values({ a: 50, b: 30, c: 1, d: 19 });
    const current = values({ e: 60, b: 30, a: 10 });
    expect(cellsOf(rows(reference, current), 10)).toEqual(
      [
        [50, 10],
        [30, 30],
        [0, 60],
        [20, 0],
      ].sort(([a = 0, b = 0], [c = 0, d = 0]) => c + d - a - b),
    );
  });
});

describe('two periods', () => {
  it('without drift have none', () => {
    const { severity, features } = driftBetween(
      histograms({ age: even(1000) }),
      histograms({ age: even(1000) }),
    );
    expect(severity).toBe('none');
    expect(features[0]).toMatchObject({ method: 'psi', reference: 1000, current: 1000, severity: 'none' });
  });

  it('have the severity of the feature that drifted most', () => {
    const { severity, psi, features } = driftBetween(
      histograms({ age: even(1000), income: even(1000) }),
      histograms({ age: even(1000), income: moved(1000) }),
    );
    expect(severity).toBe('significant');
    expect(features.map((each) => each.severity)).toEqual(['none', 'significant']);
    expect(psi).toBe(features[1]?.psi);
  });

  it('may drift moderately', () => {
    const step = numeric(...new Array(20).fill(500).map((rows, at) => rows + (at < 10 ? -100 : 100)));
    expect(driftBetween(histograms({ age: even(10_000) }), histograms({ age: step })).severity).toBe(
      'moderate',
    );
  });

  it('of few rows are compared by ranks', () => {
    const { features } = driftBetween(
      histograms({ age: even(60) }),
      histograms({ age: numeric(...new Array(19).fill(0), 12) }),
    );
    expect(features[0]).toMatchObject({ method: 'mann_whitney', psi: null, severity: 'moderate' });
    expect(features[0]?.higher).toBeGreaterThan(0.9);
  });

  it.each([
    ['numbers', even(60), numeric(...new Array(19).fill(0), 1)],
    ['values', { values: ['a', 'b'], counts: [500, 500] }, { values: ['a'], counts: [12] }],
    ['no rows', even(60), numeric(...new Array(20).fill(0))],
  ] as [string, Feature, Feature][])(
    'are not enough to tell with hardly any: %s',
    (_, reference, current) => {
      const drift = driftBetween(histograms({ age: reference }), histograms({ age: current }));
      expect(drift).toMatchObject({
        severity: null,
        psi: null,
        features: [{ method: null, severity: null }],
      });
      expect(drift.rows_needed).toBe(rowsNeeded(0.01));
    },
  );

  it('are compared in the features of both, in the same bins', () => {
    const { severity, not_compared } = driftBetween(
      histograms({ age: even(1000), city: { values: ['a'], counts: [9] }, constructor: even(20) }),
      histograms({ age: numeric(500, 500), city: even(1000) }),
    );
    expect(severity).toBeNull();
    expect(not_compared).toEqual([
      { feature: 'age', why: 'other_bins' },
      { feature: 'city', why: 'other_bins' },
      { feature: 'constructor', why: 'missing' },
    ]);
  });

  it('of any sizes give finite numbers', () => {
    const Counts = fc.array(fc.oneof(fc.nat(20), fc.nat(1e9)), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(Counts, Counts, fc.boolean(), (reference, current, ordered) => {
        const feature = (counts: number[]): Feature =>
          ordered ? numeric(...counts) : { values: counts.map((_, at) => `v${at}`), counts };
        const drift = driftBetween(
          histograms({ x: feature(reference) }),
          histograms({ x: feature(current) }),
        );
        expect(JSON.parse(JSON.stringify(drift))).toEqual(drift);
        for (const p of [drift.features[0]?.p_moderate, drift.features[0]?.p_significant])
          if (p !== null && p !== undefined) expect(p >= 0 && p <= 1).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what a pipeline logs', () => {
  it.each([
    ['edges that do not ascend', { edges: [1, 1], counts: [1, 2, 3] }],
    ['too few counts', { edges: [1, 2], counts: [1, 2] }],
    ['a value twice', { values: ['a', 'a'], counts: [1, 2] }],
    ['a negative count', { values: ['a'], counts: [-1] }],
    ['a share', { values: ['a'], counts: [0.5] }],
    ['a count beyond reason', { values: ['a'], counts: [1e300] }],
    ['an edge that is no number', { edges: [Number.NaN], counts: [1, 2] }],
    ['too many bins', { edges: Array.from({ length: 200 }, (_, at) => at), counts: new Array(201).fill(1) }],
  ])('is refused with %s', (_, feature) => {
    expect(Histograms.safeParse({ format: 1, features: { x: feature } }).success).toBe(false);
  });

  it('is refused with too many features', () => {
    const features = Object.fromEntries(Array.from({ length: 501 }, (_, at) => [`f${at}`, even(20)]));
    expect(Histograms.safeParse({ format: 1, features }).success).toBe(false);
  });
});
