import cdf from '@stdlib/stats-base-dists-normal-cdf';
import quantile from '@stdlib/stats-base-dists-normal-quantile';

/** Unpaired tests on one number per model. Conservative: they do not use that both models saw the same rows. */

/** An estimated difference (second minus first) and its standard error. */
export interface Difference {
  readonly estimate: number;
  readonly standardError: number;
}

/** A share measured on a sample. */
export interface Proportion {
  /** 0 to 1. */
  readonly share: number;
  /** Number of rows. */
  readonly size: number;
}

/** A mean measured on a sample. */
export interface Mean {
  readonly mean: number;
  /** Standard deviation of one row, taken as known. */
  readonly deviation: number;
  /** Number of rows. */
  readonly size: number;
}

/**
 * Difference of two independent proportions after Agresti and Caffo ("Simple and effective confidence intervals for
 * proportions and differences of proportions", The American Statistician 54, 2000): one success and one failure
 * are added to each sample, which keeps the interval honest for small samples and for shares near 0 and 1.
 */
export function proportionDifference(first: Proportion, second: Proportion): Difference {
  const [a, b] = [adjust(first), adjust(second)];
  return { estimate: b.share - a.share, standardError: Math.sqrt(a.variance + b.variance) };
}

function adjust({ share, size }: Proportion): { share: number; variance: number } {
  const adjusted = (share * size + 1) / (size + 2);
  return { share: adjusted, variance: (adjusted * (1 - adjusted)) / (size + 2) };
}

/** Difference of two independent means whose deviations are known. */
export function meanDifference(first: Mean, second: Mean): Difference {
  const variance = first.deviation ** 2 / first.size + second.deviation ** 2 / second.size;
  return { estimate: second.mean - first.mean, standardError: Math.sqrt(variance) };
}

/** One minus the one-sided p-value of "the true difference is at most `needed`". 0 to 1. */
export function confidenceAbove({ estimate, standardError }: Difference, needed: number): number {
  return cdf((estimate - needed) / standardError, 0, 1);
}

/** Two-sided interval of level 1 − 2α: each end is the one-sided bound at risk α. */
export function interval(difference: Difference, alpha: number): { lower: number; upper: number } {
  const reach = quantile(1 - alpha, 0, 1) * difference.standardError;
  return { lower: difference.estimate - reach, upper: difference.estimate + reach };
}
