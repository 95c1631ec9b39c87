import { deLong, weightedAucGain } from '../../../lambdas/domain/paired/auc.ts';
import { resampledGain } from '../../../lambdas/domain/paired/bootstrap.ts';
import { CELLS, confusionGain } from '../../../lambdas/domain/paired/confusion.ts';
import { maxT } from '../../../lambdas/domain/paired/max-t.ts';
import { mcnemar } from '../../../lambdas/domain/paired/mcnemar.ts';
import { meanGain } from '../../../lambdas/domain/paired/mean.ts';
import { poissonSampler, type Random, seeded } from '../../../lambdas/domain/paired/random.ts';
import { correctedResampledT, noiseFloor } from '../../../lambdas/domain/paired/repeated.ts';
import { seriesGain } from '../../../lambdas/domain/paired/series.ts';
import { type Answer, isRefused } from '../../../lambdas/domain/paired/test-result.ts';
import { ALPHA } from './judges.ts';
import { type Estimated, estimated } from './years.ts';

/** A test where the claim is just not true: the share of p values up to 5 % is its size. */
interface Null {
  readonly what: string;
  /** What the size is held to, 0 to 1. */
  readonly bound: number;
  /** Runs one comparison in so many, for tests that take long. */
  readonly every: number;
  readonly test: (random: Random) => Answer;
}

export interface Size {
  readonly what: string;
  readonly bound: number;
  readonly size: Estimated;
}

const tested = { needed: 0, alpha: ALPHA };
const normals = (n: number, { normal }: Random) => Float64Array.from({ length: n }, () => normal());

/** Differences with a mean of 0: e^z about its mean √e, the long tail on the side of the losses or of the gains. */
const lognormal = (n: number, sign: 1 | -1) => (random: Random) =>
  meanGain(
    normals(n, random).map((z) => sign * (Math.exp(z) - Math.exp(0.5))),
    tested,
  );

const counts = (n: number, disagreement: number, gain: number, random: Random) => ({
  onlyChampion: poissonSampler((n * (disagreement - gain)) / 2, random)(),
  onlyChallenger: poissonSampler((n * (disagreement + gain)) / 2, random)(),
  n,
});

const clustered = (random: Random) => {
  const [count, size] = [100, 10];
  const of = Uint32Array.from({ length: count * size }, (_, row) => Math.floor(row / size));
  const shared = normals(count, random);
  const values = normals(of.length, random).map((own, row) => own + (shared[of[row] ?? 0] ?? 0));
  return meanGain(values, tested, { of, count });
};

/** Two equally good scores with correlated errors. */
function scored(positives: number, negatives: number, { normal }: Random) {
  const n = positives + negatives;
  const labels = Uint8Array.from({ length: n }, (_, row) => (row < positives ? 1 : 0));
  const shared = Float64Array.from(labels, (label) => 1.2 * label + normal());
  return {
    labels,
    champion: shared.map((score) => score + 0.5 * normal()),
    challenger: shared.map((score) => score + 0.5 * normal()),
  };
}

/** Autoregressive of first order. */
function dependent(n: number, carried: number, { normal }: Random): Float64Array {
  let value = normal() / Math.sqrt(1 - carried ** 2);
  return Float64Array.from({ length: n }, () => {
    value = carried * value + normal();
    return value;
  });
}

/** Two models with the same confusion matrix, wrong on different rows. */
function cells({ uniform }: Random): Float64Array {
  const drawn = new Float64Array(CELLS);
  for (let row = 0; row < 500; row += 1) {
    const label = uniform() < 0.3 ? 1 : 0;
    const at = uniform();
    const predictions = at < 0.8 ? 3 * label : at < 0.86 ? 1 : at < 0.92 ? 2 : 3 - 3 * label;
    drawn[4 * label + predictions] = (drawn[4 * label + predictions] ?? 0) + 1;
  }
  return drawn;
}

/** Gains on ten folds, as dependent as Nadeau and Bengio take them: by testShare ÷ (1 + testShare). */
function folds({ normal }: Random): Answer {
  const dependence = 0.25 / 1.25;
  const shared = Math.sqrt(dependence) * normal();
  const gains = Array.from({ length: 10 }, () => shared + Math.sqrt(1 - dependence) * normal());
  return correctedResampledT(gains, 0.25, tested);
}

/** The best of k equal candidates, whose errors are those of the champion in half. */
const bestOf = (k: number, n: number) => (random: Random) => {
  const champion = normals(n, random);
  const gains = Array.from({ length: k }, () =>
    normals(n, random).map((own, row) => own - (champion[row] ?? 0)),
  );
  const sums = gains.map((gain) => gain.reduce((sum, value) => sum + value, 0));
  const best = sums.indexOf(Math.max(...sums));
  return maxT(gains, best, tested, { seed: Math.floor(2 ** 31 * random.uniform()), resamples: 1000 });
};

const aucOfRows = (random: Random) => {
  const rows = scored(60, 140, random);
  return resampledGain({ rows: 200, gain: weightedAucGain(rows) }, tested, {
    seed: Math.floor(2 ** 31 * random.uniform()),
    resamples: 1000,
  });
};

const nulls: readonly Null[] = [
  {
    what: 'mid-p McNemar, 500 rows',
    bound: 0.05,
    every: 1,
    test: (r) => mcnemar(counts(500, 0.1, 0, r), tested),
  },
  {
    what: 'mid-p McNemar, 50 rows',
    bound: 0.05,
    every: 1,
    test: (r) => mcnemar(counts(50, 0.1, 0, r), tested),
  },
  {
    what: 'not worse by 1 point, 2,000 rows',
    bound: 0.055,
    every: 1,
    test: (r) => mcnemar(counts(2000, 0.1, -0.01, r), { needed: -0.01, alpha: ALPHA }),
  },
  { what: 'mean, normal, 200 rows', bound: 0.055, every: 1, test: (r) => meanGain(normals(200, r), tested) },
  { what: 'mean, lognormal losses, 50 rows', bound: 0.12, every: 1, test: lognormal(50, -1) },
  { what: 'mean, lognormal losses, 200 rows', bound: 0.075, every: 1, test: lognormal(200, -1) },
  { what: 'mean, lognormal gains, 200 rows', bound: 0.055, every: 1, test: lognormal(200, 1) },
  { what: 'mean, 100 clusters of 10', bound: 0.06, every: 2, test: clustered },
  {
    what: 'F1 from cells, 500 rows',
    bound: 0.06,
    every: 2,
    test: (r) => confusionGain(cells(r), 'f1', tested, { seed: Math.floor(2 ** 31 * r.uniform()) }),
  },
  {
    what: 'AUC, DeLong, 20 positives',
    bound: 0.065,
    every: 1,
    test: (r) => deLong(scored(20, 180, r), tested),
  },
  { what: 'AUC, resampled, 60 positives', bound: 0.065, every: 10, test: aucOfRows },
  {
    what: 'series, AR .6, 30 points',
    bound: 0.075,
    every: 1,
    test: (r) => seriesGain(dependent(30, 0.6, r), tested),
  },
  {
    what: 'series, AR .6, 60 points',
    bound: 0.065,
    every: 1,
    test: (r) => seriesGain(dependent(60, 0.6, r), tested),
  },
  {
    what: 'series, AR .6, 1,000 points',
    bound: 0.06,
    every: 5,
    test: (r) => seriesGain(dependent(1000, 0.6, r), tested),
  },
  { what: 'ten folds', bound: 0.055, every: 1, test: folds },
  {
    what: 'noise floor of 6 retrains',
    bound: 0.05,
    every: 1,
    test: (r) => noiseFloor(r.normal() - r.normal(), Array.from({ length: 6 }, r.normal), tested),
  },
  { what: 'best of 5, max-T', bound: 0.06, every: 4, test: bestOf(5, 200) },
  { what: 'best of 50, max-T', bound: 0.065, every: 20, test: bestOf(50, 200) },
];

/** The size of every test at 5 %, each from `simulations` comparisons or a fraction of them. */
export function sizesOf(
  simulations: number,
  seed: number,
  onProgress: (what: string) => void = () => undefined,
): Size[] {
  return nulls.map(({ what, bound, every, test }) => {
    onProgress(what);
    const random = seeded(seed);
    const promoted = Array.from({ length: Math.ceil(simulations / every) }, () => {
      const answer = test(random);
      if (isRefused(answer)) throw new Error(`${what}: ${answer.refused}`);
      return answer.p <= ALPHA ? 1 : 0;
    });
    return { what, bound, size: estimated(promoted) };
  });
}
