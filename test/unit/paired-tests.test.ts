import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deLong, weightedAucGain } from '../../lambdas/domain/paired/auc.ts';
import { brierLoss, logLoss, lossGains } from '../../lambdas/domain/paired/losses.ts';
import { mcnemar, midP, tangoScore } from '../../lambdas/domain/paired/mcnemar.ts';
import { correctedResampledT, noiseFloor } from '../../lambdas/domain/paired/repeated.ts';
import { seriesGain } from '../../lambdas/domain/paired/series.ts';
import { type Answer, isRefused, type TestResult } from '../../lambdas/domain/paired/test-result.ts';

// Expected values: SciPy 1.17.1, NumPy 2.4.6, scikit-learn 1.9.1, each with its line.

const AT_5 = { needed: 0, alpha: 0.05 };

function done(answer: Answer): TestResult {
  if (isRefused(answer)) throw new Error(answer.refused);
  return answer;
}

/** sin(i²) for i = 1 … n, the same in every language. */
const sines = (n: number) => Float64Array.from({ length: n }, (_, i) => Math.sin((i + 1) ** 2));

describe('mid-p McNemar', () => {
  // Fagerland, Lydersen and Laake (BMC Med Res Methodol 13:91, 2013), Table 2: mid-p .0391 (two-sided) for 1 against 7.
  it('agrees with the published airway example', () => {
    expect(2 * midP(1, 7)).toBeCloseTo(0.0391, 4);
  });

  // binom.cdf(b - 1, b + c, .5) + .5 * binom.pmf(b, b + c, .5)
  it.each([
    [6, 16, 0.03468966484069824 / 2],
    [4000, 6000, 7.248913548048183e-90],
    [49_000, 51_000, 1.268384723123695e-10],
    [0, 0, 0.5],
    [0, 5, 0.015625],
    [5, 0, 0.984375],
  ])('of %d against %d rows is %d', (onlyFirst, onlySecond, p) => {
    expect(midP(onlyFirst, onlySecond) / p).toBeCloseTo(1, 11);
  });

  it('of both sides together is one', () => {
    fc.assert(
      fc.property(fc.nat(50_000), fc.nat(50_000), (b, c) => {
        expect(midP(b, c) + midP(c, b)).toBeCloseTo(1, 10);
      }),
    );
  });

  it('keeps to its risk at every disagreement', () => {
    // Exact: the disagreeing rows are binomial, and of those the better model's are binomial.
    const pmf = (k: number, n: number, q: number) => {
      let log = k * Math.log(q) + (n - k) * Math.log(1 - q);
      for (let i = 1; i <= k; i += 1) log += Math.log((n - k + i) / i);
      return Math.exp(log);
    };
    const sizeGiven = (all: number) => {
      let size = 0;
      for (let b = 0; 2 * b <= all && midP(b, all - b) <= 0.05; b += 1) size += pmf(b, all, 0.5);
      return size;
    };
    for (const n of [50, 200]) {
      const given = Array.from({ length: n + 1 }, (_, all) => sizeGiven(all));
      for (const disagreement of [0.05, 0.1, 0.2, 0.4]) {
        const size = given.reduce((sum, each, all) => sum + each * pmf(all, n, disagreement), 0);
        expect(size).toBeLessThan(0.0505);
      }
    }
  });
});

describe('accuracy with a margin', () => {
  // Fagerland, Lydersen and Laake (Statistics in Medicine 33:2850, 2014): Tango's interval of the airway example.
  it('has the published interval', () => {
    const { interval } = done(
      mcnemar({ onlyChampion: 7, onlyChallenger: 1, n: 21 }, { needed: 0, alpha: 0.025 }),
    );
    expect(interval[0]).toBeCloseTo(-0.517, 3);
    expect(interval[1]).toBeCloseTo(-0.026, 3);
  });

  it('scores as McNemar without a margin', () => {
    expect(tangoScore({ onlyChampion: 30, onlyChallenger: 50, n: 900 }, 0)).toBeCloseTo(
      20 / Math.sqrt(80),
      12,
    );
  });

  it('shows two models with the same answers to be equal, with enough rows', () => {
    const same = (n: number) =>
      mcnemar({ onlyChampion: 0, onlyChallenger: 0, n }, { needed: -0.01, alpha: 0.05 });
    expect(done(same(2000)).p).toBeLessThan(0.001);
    expect(done(same(100)).p).toBeGreaterThan(0.05);
  });

  const counts = fc
    .record({ onlyChampion: fc.nat(400), onlyChallenger: fc.nat(400), both: fc.nat(4000) })
    .map(({ both, ...some }) => ({ ...some, n: some.onlyChampion + some.onlyChallenger + both + 1 }));

  it.each([0, -0.01, 0.01])('exceeds %d in the test exactly when the lower end does', (needed) => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0.001, max: 0.3, noNaN: true }), (some, alpha) => {
        const { p, interval } = done(mcnemar(some, { needed, alpha }));
        fc.pre(Math.abs(interval[0] - needed) > 1e-9 || needed === 0);
        expect(interval[0] >= needed && (needed !== 0 || p <= alpha)).toBe(p <= alpha);
      }),
    );
  });

  it('turns round with the models', () => {
    fc.assert(
      fc.property(counts, ({ onlyChampion, onlyChallenger, n }) => {
        const there = done(mcnemar({ onlyChampion, onlyChallenger, n }, AT_5));
        const back = done(mcnemar({ onlyChampion: onlyChallenger, onlyChallenger: onlyChampion, n }, AT_5));
        expect(there.interval[0]).toBeCloseTo(-back.interval[1], 9);
        expect(there.variance).toBeCloseTo(back.variance, 12);
      }),
    );
  });
});

describe('paired areas under the curve', () => {
  const range = Array.from({ length: 120 }, (_, i) => i + 1);
  const rounded = (value: number) => Math.round(value * 10) / 10;
  const labels = Uint8Array.from(range, (i) => (Math.sin(3 * i) > 0.2 ? 1 : 0));
  const rows = {
    labels,
    champion: Float64Array.from(range, (i, at) => rounded(Math.sin(7 * i) + 0.8 * (labels[at] ?? 0))),
    challenger: Float64Array.from(range, (i, at) => rounded(Math.sin(i * i) + 1.1 * (labels[at] ?? 0))),
  };

  it('differ as DeLong’s definition gives it over all pairs', () => {
    // k = (P > N) + .5 * (P == N); var(diff of row means, ddof=1) / 53 + var(diff of column means, ddof=1) / 67
    // roc_auc_score: 0.7623204731061672 and 0.8203323007603492
    const { estimate, p, interval, variance } = done(deLong(rows, AT_5));
    expect(estimate).toBeCloseTo(0.8203323007603492 - 0.7623204731061672, 12);
    expect(Math.sqrt(variance / 120)).toBeCloseTo(0.05609724145240369, 12);
    expect(p).toBeCloseTo(0.1505377492658248, 10);
    expect(interval[0]).toBeCloseTo(-0.034259923410776674, 10);
    // MLstatkit 0.1.91: Delong_test(labels, champion, challenger), two-sided
    expect(2 * p).toBeCloseTo(0.3010754985316507, 10);
    expect(estimate / Math.sqrt(variance / 120)).toBeCloseTo(1.0341297745166782, 10);
  });

  it('differ by the same with all weights one, and as if a row of weight two were there twice', () => {
    const gain = weightedAucGain(rows);
    expect(gain(new Uint8Array(120).fill(1))).toBeCloseTo(done(deLong(rows, AT_5)).estimate, 12);
    const weights = Uint8Array.from(range, (i) => i % 3);
    const repeated = range.flatMap((_, at) => Array.from({ length: weights[at] ?? 0 }, () => at));
    const pick = (of: ArrayLike<number>) => repeated.map((at) => of[at] ?? 0);
    const twice = {
      labels: Uint8Array.from(pick(labels)),
      champion: Float64Array.from(pick(rows.champion)),
      challenger: Float64Array.from(pick(rows.challenger)),
    };
    expect(gain(weights)).toBeCloseTo(done(deLong(twice, AT_5)).estimate, 12);
  });

  it.each([
    [19, 100, 'too-few-positives'],
    [100, 19, 'too-few-negatives'],
  ])('are not tested with %d positives and %d negatives', (positives, negatives, refused) => {
    const few = Uint8Array.from({ length: positives + negatives }, (_, i) => (i < positives ? 1 : 0));
    const scores = Float64Array.from(few, (_, i) => Math.sin(i));
    expect(deLong({ labels: few, champion: scores, challenger: scores }, AT_5)).toMatchObject({
      refused,
      have: 19,
      fewest: 20,
    });
  });
});

describe('proper losses', () => {
  // sklearn.metrics.log_loss([label], [probability], labels=[0, 1])
  it.each([
    [1, 0.9, 0.10536051565782628],
    [0, 0.2, 0.2231435513142097],
    [0, 0.7, 1.203972804325936],
    [1, 0, 36.04365338911715],
    [1, 1, 0],
  ])('the log loss of label %d at %d is %d', (label, probability, expected) => {
    expect(logLoss(label, probability)).toBeCloseTo(expected, 12);
  });

  it('gains are positive where the challenger is better', () => {
    const rows = {
      labels: [1, 0],
      champion: Float64Array.of(0.5, 0.5),
      challenger: Float64Array.of(0.75, 0.75),
    };
    expect([...lossGains(brierLoss, rows)]).toEqual([0.25 - 0.0625, 0.25 - 0.5625]);
  });
});

describe('a series in time', () => {
  // L = fft.dct(d - d.mean(), type=2, norm='ortho')[1:nu + 1]; se = sqrt((L ** 2).mean() / n); t.sf(d.mean() / se, nu)
  it.each([
    [60, 0.2, 0.16352222750396633, 0.06599891934802855, 0.02397890336684804, 0.03527442889155727],
    [1000, 0.05, 0.0472300340774548, 0.021455804325366642, 0.01685073963049188, 0.011079683153340451],
  ])('of %d points has the cosine t of its definition', (n, shift, mean, error, p, lower) => {
    const found = done(
      seriesGain(
        sines(n).map((value) => value + shift),
        AT_5,
      ),
    );
    expect(found.estimate).toBeCloseTo(mean, 10);
    expect(Math.sqrt(found.variance / n)).toBeCloseTo(error, 10);
    expect(found.p).toBeCloseTo(p, 9);
    expect(found.interval[0]).toBeCloseTo(lower, 9);
  });

  it('is not tested with fewer than 30 points, without variance, or with a value that is not finite', () => {
    expect(seriesGain(sines(29), AT_5)).toMatchObject({ refused: 'too-few-rows' });
    expect(seriesGain(new Float64Array(100).fill(0.1), AT_5)).toMatchObject({ refused: 'no-variance' });
    expect(seriesGain(sines(100).fill(Number.NaN, 7, 8), AT_5)).toMatchObject({ refused: 'not-finite' });
  });
});

describe('folds and earlier retrains', () => {
  it('corrects the t of folds for their common training rows', () => {
    // se = sqrt((1 / 10 + 1 / 4) * g.var(ddof=1)); t.sf(g.mean() / se, 9)
    const gains = [0.01, 0.02, -0.005, 0.015, 0.03, 0, 0.012, 0.018, 0.007, 0.022];
    const { p, interval, notes } = done(correctedResampledT(gains, 1 / 4, AT_5));
    expect(p).toBeCloseTo(0.03350819124309312, 12);
    expect(interval[0]).toBeCloseTo(0.0015436553759065243, 12);
    expect(notes).toEqual([{ code: 'compares-recipes' }]);
  });

  it('holds a gain against the spread of the last retrains', () => {
    // se = sqrt(2) * h.std(ddof=1); t.sf(.01 / se, 5)
    const { p, interval } = done(noiseFloor(0.01, [0.85, 0.853, 0.848, 0.851, 0.846, 0.852], AT_5));
    expect(p).toBeCloseTo(0.021096998352762283, 12);
    expect(interval[0]).toBeCloseTo(0.0025688687753841833, 12);
  });

  it.each([
    [correctedResampledT([1, 2, 3, 4], 0.25, AT_5), 'too-few-folds'],
    [correctedResampledT([1, 1, 1, 1, 1], 0.25, AT_5), 'no-variance'],
    [correctedResampledT([1, 2, 3, 4, Number.NaN], 0.25, AT_5), 'not-finite'],
    [noiseFloor(1, [1, 2, 3, 4], AT_5), 'too-few-retrains'],
    [noiseFloor(1, [0.1, 0.1, 0.1, 0.1, 0.1], AT_5), 'no-variance'],
  ])('refuses what has no spread to judge by (%#)', (answer, refused) => {
    expect(answer).toMatchObject({ refused });
  });
});
