import binomial from '@stdlib/stats-base-dists-binomial-cdf';
import { type Answer, agreeing, normalQuantile, phi, type Tested } from './test-result.ts';

/** Rows on which exactly one of two classifiers is right, out of `n`. */
export interface Discordant {
  /** Rows that only the champion gets right. */
  readonly onlyChampion: number;
  /** Rows that only the challenger gets right. */
  readonly onlyChallenger: number;
  readonly n: number;
}

/**
 * The paired test of accuracy (gain: a difference of shares, −1 to 1). Whether the challenger is better at all is tested by
 * McNemar's mid-p (Fagerland, Lydersen and Laake, BMC Med Res Methodol 13:91, 2013): at no number of rows up to 2,000 is
 * its risk above the stated one, and it finds what any paired test of accuracy can. Where a margin is needed, and for the
 * interval, Tango's score (Statistics in Medicine 17:891, 1998). An end of the interval that would contradict the mid-p
 * test about zero is set to zero.
 */
export function mcnemar(counts: Discordant, { needed, alpha }: Tested): Answer {
  const { onlyChampion, onlyChallenger, n } = counts;
  if (n < 1) return { refused: 'too-few-rows', have: n, fewest: 1 };
  const estimate = (onlyChallenger - onlyChampion) / n;
  const better = midP(onlyChampion, onlyChallenger);
  const p = needed === 0 ? better : phi(-tangoScore(counts, needed));
  const [lower, upper] = tangoInterval(counts, alpha);
  const ends = [
    better <= alpha ? Math.max(lower, 0) : Math.min(lower, 0),
    midP(onlyChallenger, onlyChampion) <= alpha ? Math.min(upper, 0) : Math.max(upper, 0),
  ] as const;
  return {
    method: needed === 0 ? 'mid-p-mcnemar' : 'tango-score',
    n,
    estimate,
    interval: agreeing(ends, p, { needed, alpha }),
    level: 1 - 2 * alpha,
    p,
    variance: (onlyChampion + onlyChallenger) / n - estimate ** 2,
    notes: [],
  };
}

/**
 * McNemar's one-sided mid-p: P(X < b) + ½ P(X = b) for X ~ Binomial(b + c, ½), with b the rows that only the first gets
 * right, c those that only the second does; small if the second is better. Both tails are taken from below, so that a
 * small p keeps its digits at any number of rows.
 */
export function midP(onlyFirst: number, onlySecond: number): number {
  const all = onlyFirst + onlySecond;
  if (all === 0) return 0.5;
  const below = onlyFirst === 0 ? 0 : binomial(onlyFirst - 1, all, 0.5);
  return (binomial(onlyFirst, all, 0.5) + below) / 2;
}

/**
 * Tango's score statistic of "the true difference is `difference`" (−1 to 1): standard normal if it is, positive if the
 * rows show more. The share of the rows that only the champion gets right is estimated under that difference.
 */
export function tangoScore({ onlyChampion, onlyChallenger, n }: Discordant, difference: number): number {
  const b = -onlyChampion - onlyChallenger + (2 * n - onlyChallenger + onlyChampion) * difference;
  const c = -onlyChampion * difference * (1 - difference);
  const root = Math.sqrt(Math.max(0, b * b - 8 * n * c));
  // Of the two forms of the root, the one without cancellation.
  const share = b <= 0 ? (root - b) / (4 * n) : (-2 * c) / (root + b);
  const variance = n * Math.max(0, 2 * share + difference * (1 - difference));
  const excess = onlyChallenger - onlyChampion - n * difference;
  if (variance === 0) return excess === 0 ? 0 : Math.sign(excess) * Number.POSITIVE_INFINITY;
  return excess / Math.sqrt(variance);
}

/** Each end is the difference at which the score is the normal quantile of the risk; found by halving, to 2^-50. */
function tangoInterval(counts: Discordant, alpha: number): readonly [number, number] {
  const reach = normalQuantile(1 - alpha);
  const estimate = (counts.onlyChallenger - counts.onlyChampion) / counts.n;
  const end = (inside: number, outside: number, sought: number) => {
    let [near, far] = [inside, outside];
    for (let step = 0; step < 50; step += 1) {
      const middle = (near + far) / 2;
      if (Math.abs(tangoScore(counts, middle)) < sought) near = middle;
      else far = middle;
    }
    return (near + far) / 2;
  };
  return [end(estimate, -1, reach), end(estimate, 1, reach)];
}
