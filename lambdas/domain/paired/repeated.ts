import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import type { Answer, Method, Note, Tested, TestResult } from './test-result.ts';

/** Fewest folds, and fewest earlier retrains. */
const FEWEST_REPEATS = 5;

/**
 * Grade B: the corrected resampled t (Nadeau and Bengio, Machine Learning 52:239, 2003) of gains on folds, seeds or random
 * splits that both ways of training share. `testShare`: rows of a test set ÷ rows of a training set; 1/(k − 1) for k folds,
 * however often repeated. It compares recipes, not the two fitted versions.
 */
export function correctedResampledT(gains: readonly number[], testShare: number, tested: Tested): Answer {
  const n = gains.length;
  if (n < FEWEST_REPEATS) return { refused: 'too-few-folds', have: n, fewest: FEWEST_REPEATS };
  const { mean, variance } = momentsOf(gains);
  if (!Number.isFinite(variance)) return { refused: 'not-finite', have: 0, fewest: n };
  if (variance <= (Number.EPSILON * mean) ** 2) return { refused: 'no-variance', have: 0, fewest: 1 };
  const error = Math.sqrt((1 / n + testShare) * variance);
  return byT('corrected-resampled-t', { n, estimate: mean, error }, tested, { code: 'compares-recipes' });
}

/**
 * Grade D: a gain of single values against the spread of the last retrains' values on the same data (the champion's may be
 * among them). Both values are taken to vary as those did: t with k − 1 degrees of freedom and error √2 · spread.
 */
export function noiseFloor(gain: number, retrains: readonly number[], tested: Tested): Answer {
  const n = retrains.length;
  if (n < FEWEST_REPEATS) return { refused: 'too-few-retrains', have: n, fewest: FEWEST_REPEATS };
  const { mean, variance } = momentsOf(retrains);
  if (!Number.isFinite(variance + gain)) return { refused: 'not-finite', have: 0, fewest: n };
  if (variance <= (Number.EPSILON * mean) ** 2) return { refused: 'no-variance', have: 0, fewest: 1 };
  const error = Math.sqrt(2 * variance);
  return byT('noise-floor', { n, estimate: gain, error }, tested, { code: 'assumes-equal-spread' });
}

function momentsOf(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1) };
}

function byT(
  method: Method,
  { n, estimate, error }: { n: number; estimate: number; error: number },
  { needed, alpha }: Tested,
  note: Note,
): TestResult {
  const reach = tQuantile(1 - alpha, n - 1) * error;
  return {
    method,
    n,
    estimate,
    interval: [estimate - reach, estimate + reach],
    level: 1 - 2 * alpha,
    p: tCdf((needed - estimate) / error, n - 1),
    variance: n * error ** 2,
    notes: [note],
  };
}
