import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resampledGain } from '../../lambdas/domain/paired/bootstrap.ts';
import {
  type ConfusionMetric,
  cellOf,
  confusionGain,
  confusionMetrics,
  countCells,
  gainOfCells,
  metricOf,
} from '../../lambdas/domain/paired/confusion.ts';
import { maxT } from '../../lambdas/domain/paired/max-t.ts';
import { type Clusters, meanGain } from '../../lambdas/domain/paired/mean.ts';
import { poissonSampler, seeded } from '../../lambdas/domain/paired/random.ts';
import { type Answer, isRefused, type TestResult } from '../../lambdas/domain/paired/test-result.ts';

// Expected values: SciPy 1.17.1 and NumPy 2.4.6, each with its line.

const AT_5 = { needed: 0, alpha: 0.05 };

function done(answer: Answer): TestResult {
  if (isRefused(answer)) throw new Error(answer.refused);
  return answer;
}

/** e^{1.2 sin(i²)} − 1.15: skewed, the same in every language. */
const skewed = (n: number) =>
  Float64Array.from({ length: n }, (_, i) => Math.exp(1.2 * Math.sin((i + 1) ** 2)) - 1.15);

const weightedMean = (values: Float64Array) => (weights: Uint8Array) => {
  let [sum, all] = [0, 0];
  for (const [row, weight] of weights.entries()) {
    sum += weight * (values[row] ?? 0);
    all += weight;
  }
  return sum / all;
};

describe('the paired bootstrap of a mean', () => {
  // stats.bootstrap((x,), np.mean, n_resamples=400_000, confidence_level=.9, method='BCa', rng=default_rng(1));
  // p by BCa from the same resamples: w = ppf((th <= v).mean()) - z0; cdf(w / (1 + a * w) - z0)
  it.each([
    [60, 0, -0.027032, 0.414414, 0.07707],
    [60, -0.08751268371398546, -0.027032, 0.414414, 0.01531],
    [400, 0.15041321578072817, 0.170856, 0.344044, 0.02034],
  ])('of %d rows, against %d, is that of 400,000 resamples', (n, needed, lower, upper, p) => {
    const found = done(meanGain(skewed(n), { needed, alpha: 0.05 }));
    expect(found.interval[0]).toBeCloseTo(lower, 2.5);
    expect(found.interval[1]).toBeCloseTo(upper, 2.5);
    expect(Math.abs(found.p - p)).toBeLessThan(0.002);
  });

  it('agrees with drawn resamples, also of clusters', () => {
    const values = skewed(600);
    const clusters: Clusters = {
      of: Uint32Array.from(values, (_, row) => Math.floor(row / 7) % 60),
      count: 60,
    };
    for (const of of [undefined, clusters]) {
      const smooth = done(meanGain(values, { needed: 0.2, alpha: 0.05 }, of));
      const drawn = done(
        resampledGain(
          { rows: 600, gain: weightedMean(values), ...(of === undefined ? {} : { clusters: of }) },
          { needed: 0.2, alpha: 0.05 },
          { seed: 3, resamples: 4000 },
        ),
      );
      expect(drawn.estimate).toBeCloseTo(smooth.estimate, 12);
      const error = Math.sqrt(smooth.variance / 600);
      for (const end of [0, 1] as const) {
        expect(Math.abs(drawn.interval[end] - smooth.interval[end])).toBeLessThan(0.15 * error);
      }
      expect(Math.abs(drawn.p - smooth.p)).toBeLessThan(0.03);
      expect(drawn.variance / smooth.variance).toBeCloseTo(1, 0);
    }
  });

  it('has no smallest p but that of the sign test', () => {
    expect(done(meanGain(skewed(5000), { needed: -0.5, alpha: 0.05 })).p).toBeLessThan(1e-100);
    expect(done(meanGain(new Float64Array(30).fill(1), AT_5)).p).toBe(2 ** -30);
  });

  const differences = fc
    .array(fc.integer({ min: -1000, max: 1000 }), { minLength: 20, maxLength: 200 })
    .map((values) => Float64Array.from(values, (value) => value / 200));

  it('has its estimate inside its interval, and p up to alpha exactly when the lower end exceeds what is needed', () => {
    fc.assert(
      fc.property(differences, fc.double({ min: -3, max: 3, noNaN: true }), (values, needed) => {
        const { estimate, interval, p, variance } = done(meanGain(values, { needed, alpha: 0.05 }));
        fc.pre(variance > 1e-12);
        expect(interval[0]).toBeLessThan(estimate);
        expect(interval[1]).toBeGreaterThan(estimate);
        fc.pre(Math.abs(interval[0] - needed) > 1e-3 * Math.sqrt(variance / values.length));
        expect(p <= 0.05).toBe(interval[0] > needed);
      }),
    );
  });

  const BESIDE_ZERO = Float64Array.from([
    -2.37, 0.9, -4.34, -3.75, 2.93, 4.68, 4.735, 1.845, -4.95, 4.24, -0.585, 0, 0, 0, -0.01, 0.005, -4.98, 0,
    -0.005, 4.915, 4.925, 0, 0.635, -0.025, -0.005, -4.94, 0.005, 0, -0.005, 0, -3.755,
  ]);

  it('turns round with the models, and scales with the unit', () => {
    fc.assert(
      fc.property(differences, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (values, unit) => {
        const there = done(meanGain(values, AT_5));
        fc.pre(there.variance > 1e-12);
        const back = done(
          meanGain(
            values.map((value) => -value * unit),
            AT_5,
          ),
        );
        const error = Math.sqrt(there.variance / values.length);
        expect(Math.abs(-back.interval[1] / unit - there.interval[0])).toBeLessThan(1e-3 * error);
        expect(back.p).toBeCloseTo(1 - there.p, 3);
      }),
      // A mean just beside zero, where the saddlepoint is almost zero too.
      { examples: [[BESIDE_ZERO, 0.0000024396538049897794]] },
    );
  });

  it('is that of the normal where many rows are just beside zero', () => {
    const drawn = skewed(20_000);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    const rows = drawn.map((value) => value - mean);
    const error = Math.sqrt(rows.reduce((sum, value) => sum + value ** 2, 0)) / rows.length;
    for (const z of [0.0005, 0.0011, 0.002, 0.01, 0.05]) {
      const { p } = done(
        meanGain(
          rows.map((value) => value + z * error),
          AT_5,
        ),
      );
      expect(p).toBeCloseTo(done(meanGain(rows, AT_5)).p - z / Math.sqrt(2 * Math.PI), 3);
    }
  });

  it('does not take rows that do not differ for proof', () => {
    const oneBetter = Float64Array.from({ length: 21 }, (_, row) => (row === 0 ? 1 : 0));
    // No resample is below zero, and (20/21)^21 of them hold no row that differs.
    expect(done(meanGain(oneBetter, AT_5)).p).toBeGreaterThan(0.2);
    expect(
      done(
        meanGain(
          oneBetter.map((value) => -value),
          AT_5,
        ),
      ).p,
    ).toBeGreaterThan(0.5);
  });

  it('says below 500 units that the tail may be heavy', () => {
    expect(done(meanGain(skewed(499), AT_5)).notes).toEqual([{ code: 'heavy-tail', units: 499 }]);
    expect(done(meanGain(skewed(500), AT_5)).notes).toEqual([]);
    const clusters = { of: Uint32Array.from({ length: 500 }, (_, row) => row % 40), count: 40 };
    expect(done(meanGain(skewed(500), AT_5, clusters)).notes).toEqual([{ code: 'heavy-tail', units: 40 }]);
  });

  it('is refused for fewer than 20 units, and for values that are not finite', () => {
    expect(meanGain(skewed(19), AT_5)).toMatchObject({ refused: 'too-few-rows', have: 19, fewest: 20 });
    const two = { of: Uint32Array.from({ length: 500 }, (_, row) => row % 2), count: 2 };
    expect(meanGain(skewed(500), AT_5, two)).toMatchObject({ refused: 'too-few-clusters', have: 2 });
    expect(meanGain(skewed(30).fill(Number.NaN, 3, 4), AT_5)).toMatchObject({ refused: 'not-finite' });
    expect(meanGain(skewed(30).fill(Number.POSITIVE_INFINITY, 3, 4), AT_5)).toMatchObject({
      refused: 'not-finite',
    });
  });
});

describe('drawn resamples', () => {
  const values = skewed(200);
  const drawn = (seed: number, tested = AT_5) =>
    done(resampledGain({ rows: 200, gain: weightedMean(values) }, tested, { seed }));

  it('are the same for the same seed, and others for another', () => {
    expect(drawn(5)).toEqual(drawn(5));
    expect(drawn(5).interval).not.toEqual(drawn(6).interval);
  });

  it('that do not reach the claim leave p to a normal tail', () => {
    const { p, notes } = drawn(5, { needed: -1, alpha: 0.05 });
    expect(notes).toContainEqual({ code: 'normal-tail', resamples: 2000 });
    expect(p).toBeGreaterThan(0);
    expect(p).toBeLessThan(1e-6);
  });

  it('in which the metric is undefined are counted, and refuse the test when they are many', () => {
    const sometimes = (share: number) => {
      const { uniform } = seeded(1);
      let calls = 0;
      const mean = weightedMean(values);
      // The first calls are the estimate and the jackknife.
      return (weights: Uint8Array) => (++calls > 201 && uniform() < share ? Number.NaN : mean(weights));
    };
    const answer = (share: number) => resampledGain({ rows: 200, gain: sometimes(share) }, AT_5, { seed: 2 });
    expect(done(answer(0.004)).notes.map(({ code }) => code)).toContain('undefined-resamples');
    expect(answer(0.05)).toMatchObject({ refused: 'undefined-metric' });
    expect(resampledGain({ rows: 200, gain: () => Number.NaN }, AT_5, { seed: 2 })).toMatchObject({
      refused: 'undefined-metric',
    });
  });

  it('contain each unit a Poisson(1) number of times', () => {
    const weights = new Uint8Array(200_001);
    seeded(11).resample(weights);
    const share = (count: number) => weights.filter((weight) => weight === count).length / weights.length;
    let factorial = 1;
    for (const count of [0, 1, 2, 3, 4]) {
      factorial *= Math.max(1, count);
      expect(Math.abs(share(count) - Math.exp(-1) / factorial)).toBeLessThan(0.005);
    }
  });

  it.each([0.3, 5, 1000, 90_000])('of a count with mean %d have its mean and variance', (mean) => {
    const sample = poissonSampler(mean, seeded(4));
    const counts = Array.from({ length: 20_000 }, sample);
    const average = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const variance = counts.reduce((sum, count) => sum + (count - average) ** 2, 0) / counts.length;
    expect(Math.abs(average - mean) / Math.sqrt(mean / 20_000)).toBeLessThan(4);
    expect(Math.abs(variance / mean - 1)).toBeLessThan(mean < 1 ? 0.1 : 0.05);
  });
});

describe('metrics of a confusion matrix', () => {
  // scikit-learn 1.9.1 on 30 true positives, 20 false positives, 10 false negatives and 40 true negatives.
  it.each([
    ['accuracy', 0.7],
    ['precision', 0.6],
    ['recall', 0.75],
    ['f1', 0.6666666666666666],
    ['balanced_accuracy', 0.7083333333333333],
    ['mcc', 0.4082482904638631],
  ] as const)('%s is scikit-learn’s', (metric, expected) => {
    expect(metricOf({ tp: 30, fp: 20, fn: 10, tn: 40 }, metric)).toBeCloseTo(expected, 14);
  });

  // th = metrics(default_rng(5).poisson(counts, size=(2_000_000, 8))); BCa with the jackknife over the cells.
  // From default_rng(5).multinomial(n, counts / n, size=2_000_000) the ends differ by at most 0.0005, p by 0.0008.
  it.each([
    ['accuracy', 0.025, 0.00519, 0.0449, 0.0182],
    ['precision', 0.02099009900990101, -0.0034, 0.0458, 0.0783],
    ['recall', 0.02941176470588236, 0.00195, 0.0575, 0.0401],
    ['f1', 0.025264595425059766, 0.00566, 0.0452, 0.017],
    ['balanced_accuracy', 0.024909963985594308, 0.00521, 0.0448, 0.0186],
    ['mcc', 0.04984946385195599, 0.01043, 0.0896, 0.0186],
  ] as [ConfusionMetric, number, number, number, number][])(
    'the gain in %s is that of two million resamples',
    (metric, estimate, lower, upper, p) => {
      const counts = Float64Array.of(400, 30, 40, 20, 25, 45, 30, 410);
      const found = done(confusionGain(counts, metric, AT_5, { seed: 1, resamples: 20_000 }));
      expect(found.estimate).toBeCloseTo(estimate, 12);
      const error = Math.sqrt(found.variance / 1000);
      expect(Math.abs(found.interval[0] - lower)).toBeLessThan(0.06 * error);
      expect(Math.abs(found.interval[1] - upper)).toBeLessThan(0.06 * error);
      expect(Math.abs(found.p - p)).toBeLessThan(0.004);
    },
  );

  it('come from the rows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 1), fc.constantFrom(0, 1)), {
          minLength: 1,
        }),
        (rows) => {
          const cells = countCells(
            Uint8Array.from(rows, ([label, a, b]) => cellOf(label as 0, a as 0, b as 0)),
          );
          const right = (model: 1 | 2) => rows.filter((row) => row[0] === row[model]).length / rows.length;
          expect(gainOfCells(cells, 'accuracy')).toBeCloseTo(right(2) - right(1), 12);
        },
      ),
    );
  });

  it.each(confusionMetrics)('%s without any row of a label is refused or defined, never NaN', (metric) => {
    const answer = confusionGain(Float64Array.of(50, 5, 5, 5, 0, 0, 0, 0), metric, AT_5, { seed: 1 });
    if (isRefused(answer)) expect(answer.refused).toBe('undefined-metric');
    else expect(answer.p).toBeGreaterThanOrEqual(0);
  });
});

describe('the best of several candidates', () => {
  const { normal } = seeded(8);
  const rows = (mean: number) => Float64Array.from({ length: 400 }, () => mean + normal());

  it('has the p of one where there is one', () => {
    const gain = rows(0.08);
    const one = done(maxT([gain], 0, AT_5, { seed: 1, resamples: 50_000 }));
    expect(Math.abs(one.p - done(meanGain(gain, AT_5)).p)).toBeLessThan(0.005);
  });

  // 1 - stats.multivariate_normal.cdf([z] * 3, cov=np.corrcoef(g), abseps=1e-9), z = mean / (sd / 20) of the first
  it('has the p of the largest of normal variables with their correlations', () => {
    const of = (value: (square: number, i: number) => number) =>
      Float64Array.from({ length: 400 }, (_, at) => value((at + 1) ** 2, at + 1));
    const gains = [
      of((square) => Math.sin(square) + 0.09),
      of((square) => 0.6 * Math.sin(square) + 0.8 * Math.cos(3 * square) + 0.02),
      of((_, i) => Math.cos(7 * i)),
    ];
    const { p } = done(maxT(gains, 0, AT_5, { seed: 1, resamples: 200_000 }));
    expect(Math.abs(p - 0.008215378898)).toBeLessThan(0.0008);
  });

  // Dunnett (Journal of the American Statistical Association 50:1096, 1955), Table 1a: one-sided 5 %, correlation 1/2, ∞.
  it.each([
    [2, 1.92],
    [3, 2.06],
    [5, 2.23],
    [9, 2.42],
  ])('of %d candidates that share a champion reaches 5 % at the published %d', (k, critical) => {
    const n = 400;
    // Waves are uncorrelated: with a common one, all pairs have a correlation of one half.
    const wave = (times: number, t: number) => Math.SQRT2 * Math.cos((Math.PI * times * (t + 0.5)) / n);
    const mean = critical * Math.sqrt(2 / (n - 1));
    const gains = Array.from({ length: k }, (_, j) =>
      Float64Array.from({ length: n }, (__, t) => mean + wave(1, t) + wave(j + 2, t)),
    );
    const { p } = done(maxT(gains, 0, AT_5, { seed: 1, resamples: 200_000 }));
    expect(Math.abs(p - 0.05)).toBeLessThan(0.002);
  });

  it('has about k times the p among independent candidates, and the p of one among copies', () => {
    const gain = rows(0.1);
    const single = done(maxT([gain], 0, AT_5, { seed: 1, resamples: 50_000 })).p;
    const among = (others: Float64Array[]) =>
      done(maxT([gain, ...others], 0, AT_5, { seed: 1, resamples: 50_000 })).p;
    const independent = among(Array.from({ length: 4 }, () => rows(0)));
    expect(independent / (1 - (1 - single) ** 5)).toBeCloseTo(1, 0);
    expect(among([gain, gain, gain])).toBeCloseTo(single, 2);
  });

  it('reads a p beyond the draws off Bonferroni’s bound', () => {
    const { p, notes } = done(maxT([rows(2), rows(0)], 0, AT_5, { seed: 1 }));
    expect(p).toBeLessThan(1e-100);
    expect(notes.map(({ code }) => code)).toContain('resolution');
  });
});
