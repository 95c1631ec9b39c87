import type { Random } from '../../../lambdas/domain/paired/random.ts';

/** Simulated hours of a version that serves, with or without another beside it. */

/** What differs from hour to hour besides chance. */
export interface Weather {
  /** Standard deviation of the hours' own effect, as a share of the rows. */
  readonly sd: number;
  /** Part of it that the next hour keeps: autoregressive of first order. */
  readonly carried: number;
}

export const calm: Weather = { sd: 0, carried: 0 };

/** Draws the effect of one hour after the other. */
export function effects({ sd, carried }: Weather, { normal }: Random): () => number {
  let value = normal();
  return () => {
    value = carried * value + Math.sqrt(1 - carried ** 2) * normal();
    return sd * value;
  };
}

/** Rows on which only the new version is wrong, only the old one, and all others, of `n`; exactly one on a tenth of them. */
export function shadowHour(n: number, worseBy: number, random: Random): number[] {
  const disagreement = 0.1;
  const difference = Math.max(-disagreement, Math.min(disagreement, worseBy));
  const a = poisson((n * (disagreement + difference)) / 2, random);
  const b = poisson((n * (disagreement - difference)) / 2, random);
  return [a, b, Math.max(0, n - a - b)];
}

/** Requests with the event and without, of `n`. */
export function rateHour(n: number, rate: number, random: Random): number[] {
  const x = Math.min(n, poisson(n * Math.min(1, rate), random));
  return [x, n - x];
}

/** A Poisson count: by inversion, and from a mean of 50 on from a normal one with its skewness (Cornish and Fisher). */
function poisson(mean: number, random: Random): number {
  if (mean >= 50) {
    const z = random.normal();
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * z + (z ** 2 - 1) / 6));
  }
  let [count, mass] = [0, Math.exp(-mean)];
  for (let left = random.uniform() - mass; left > 0 && count < 500; left -= mass) {
    count += 1;
    mass *= mean / count;
  }
  return count;
}
