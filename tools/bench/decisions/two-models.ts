import type { Random } from '../../../lambdas/domain/paired/random.ts';
import { normalQuantile, phi } from '../../../lambdas/domain/paired/test-result.ts';

/**
 * Two classifiers with calibrated probabilities, on the same rows. A row's score is μ + e for the right label against −μ for
 * the wrong one, e standard normal; it is right where that is above zero, so the accuracy is Φ(μ), and the probability of
 * the right label is 1/(1 + e^{−2μ·score}). The errors of both models are correlated so that exactly one of them is right on
 * the given share of rows.
 */

export interface Situation {
  /** Of the champion, 0 to 1. */
  readonly accuracy: number;
  /** True gain in accuracy, challenger minus champion. */
  readonly gain: number;
  /** Share of rows on which exactly one is right. */
  readonly disagreement: number;
}

/** What one evaluation on `n` rows holds. */
export interface Evaluated {
  readonly n: number;
  readonly championRight: number;
  readonly onlyChampion: number;
  readonly onlyChallenger: number;
  /** Champion's log loss minus challenger's on each row. */
  readonly lossGains: Float64Array;
}

/** Draws evaluations of a situation. */
export function evaluator({ accuracy, gain, disagreement }: Situation) {
  const [first, second] = [normalQuantile(accuracy), normalQuantile(accuracy + gain)];
  const shared = correlationFor(first, second, disagreement);
  const own = Math.sqrt(1 - shared ** 2);
  return (n: number, random: Random): Evaluated => {
    const lossGains = new Float64Array(n);
    let [championRight, onlyChampion, onlyChallenger] = [0, 0, 0];
    for (let row = 0; row < n; row += 1) {
      const error = random.normal();
      const before = first + error;
      const after = second + shared * error + own * random.normal();
      lossGains[row] = Math.log((1 + Math.exp(-2 * first * before)) / (1 + Math.exp(-2 * second * after)));
      if (before > 0) championRight += 1;
      if (before > 0 && after <= 0) onlyChampion += 1;
      if (before <= 0 && after > 0) onlyChallenger += 1;
    }
    return { n, championRight, onlyChampion, onlyChallenger, lossGains };
  };
}

/** The expected gain in log loss of a situation. */
export function expectedLossGain({ accuracy, gain }: Situation): number {
  const loss = (mu: number) =>
    integral((error) => Math.log1p(Math.exp(-2 * mu * (mu + error))) * density(error), -9, 9);
  return loss(normalQuantile(accuracy)) - loss(normalQuantile(accuracy + gain));
}

/** The correlation of the errors with which exactly one is right on the given share of rows; by halving. */
function correlationFor(first: number, second: number, disagreement: number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    const own = Math.sqrt(1 - middle ** 2);
    const bothWrong = integral((e) => phi((-second - middle * e) / own) * density(e), -9, -first);
    if (phi(-first) + phi(-second) - 2 * bothWrong > disagreement) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/** Simpson's rule with 2,000 steps. */
function integral(of: (x: number) => number, from: number, to: number): number {
  const step = (to - from) / 2000;
  let sum = of(from) + of(to);
  for (let i = 1; i < 2000; i += 1) sum += of(from + i * step) * (i % 2 === 1 ? 4 : 2);
  return (sum * step) / 3;
}
