import cdf from '@stdlib/stats-base-dists-normal-cdf';
import quantile from '@stdlib/stats-base-dists-normal-quantile';

/**
 * What every test of two models answers. A gain is challenger minus champion, turned so that positive is better, in units
 * of the metric.
 */

export type Method =
  | 'mid-p-mcnemar'
  | 'tango-score'
  | 'bca-mean'
  | 'bca-resampled'
  | 'bca-cells'
  | 'delong'
  | 'ewc-t'
  | 'corrected-resampled-t'
  | 'noise-floor'
  | 'max-t'
  /** Two samples of their own: grade C, not paired. */
  | 'unpaired';

/** What is tested: whether the true gain exceeds `needed`, at the one-sided risk `alpha` (0 to ½). */
export interface Tested {
  readonly needed: number;
  readonly alpha: number;
}

/**
 * What a reader of the result should know.
 * `heavy-tail`: below 500 units a few large differences may carry the result, and the true risk may be double the stated.
 * `no-variance`: all units differ by the same amount. `resolution`: no resample reached the claim, so p is its smallest
 * value. `normal-tail`: too few resamples reached the claim; p is from a normal tail. `undefined-resamples`: the metric
 * was undefined in that many resamples. `compares-recipes`: it says which way of training is better, not which fitted
 * version. `assumes-equal-spread`: both values are taken to vary as the earlier retrains did.
 */
export type Note =
  | { readonly code: 'heavy-tail'; readonly units: number }
  | { readonly code: 'resolution' | 'normal-tail'; readonly resamples: number }
  | { readonly code: 'undefined-resamples'; readonly count: number }
  | { readonly code: 'no-variance' | 'compares-recipes' | 'assumes-equal-spread' };

export interface TestResult {
  readonly method: Method;
  /** Rows, folds or earlier retrains behind the estimate. */
  readonly n: number;
  readonly estimate: number;
  /** Each end is the one-sided bound at risk alpha. */
  readonly interval: readonly [lower: number, upper: number];
  /** Of the interval: 1 − 2 alpha. */
  readonly level: number;
  /** One-sided, for "the true gain is at most `needed`". The confidence is one minus it. */
  readonly p: number;
  /** n times the squared standard error: what one row contributes. Tells how many rows would be needed. */
  readonly variance: number;
  readonly notes: readonly Note[];
}

/** Why a test is not done: less of something than the method needs. */
export interface Refused {
  readonly refused:
    | 'too-few-rows'
    | 'too-few-clusters'
    | 'too-few-positives'
    | 'too-few-negatives'
    | 'too-few-folds'
    | 'too-few-retrains'
    | 'not-finite'
    | 'no-variance'
    | 'undefined-metric';
  readonly have: number;
  readonly fewest: number;
}

export type Answer = TestResult | Refused;

export const isRefused = (answer: Answer): answer is Refused => 'refused' in answer;

/** Below this number of independent units a bootstrap of skewed differences exceeds its risk: 7 % at 200, 10 % at 50. */
const HEAVY_TAIL_UNITS = 500;

export const tailNotes = (units: number): Note[] =>
  units < HEAVY_TAIL_UNITS ? [{ code: 'heavy-tail', units }] : [];

/**
 * An interval whose lower end says the same as p: two approximations of one distribution may differ where it has steps, and
 * then the end is set to what is needed.
 */
export function agreeing(
  [lower, upper]: readonly [number, number],
  p: number,
  { needed, alpha }: Tested,
): readonly [number, number] {
  const end = p <= alpha ? Math.max(lower, needed) : Math.min(lower, needed);
  return [end, Math.max(upper, end)];
}

/** Probability that a standard normal variable is at most z. */
export const phi = (z: number): number => cdf(z, 0, 1);

/** The standard normal variable's quantile, of a probability from 0 to 1. */
export const normalQuantile = (probability: number): number => quantile(probability, 0, 1);
