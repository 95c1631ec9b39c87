import { type Drawn, resamplesFor, shareUpTo } from './bootstrap.ts';
import { FEWEST_UNITS } from './mean.ts';
import { seeded } from './random.ts';
import {
  type Answer,
  agreeing,
  type Note,
  normalQuantile,
  phi,
  type Tested,
  tailNotes,
} from './test-result.ts';

/**
 * The gain of the best of k candidates, with the risk held for having chosen it: its studentised mean against the largest of
 * k under "none is better" (max-T, single step; Westfall and Young, 1993). `gains` holds one array for each candidate,
 * per-row differences to the champion on the same rows (positive is better); `chosen` is the challenger's index. The largest
 * mean of rows with normal multipliers is drawn, which is the largest of k normal variables with the correlations of the
 * candidates: n·k² steps once, then k² a draw. p is at most k times the uncorrected one (Bonferroni).
 */
export function maxT(
  gains: readonly Float64Array[],
  chosen: number,
  tested: Tested,
  { seed, resamples = resamplesFor(tested, 100_000) }: Drawn,
): Answer {
  const { needed, alpha } = tested;
  const n = gains[chosen]?.length ?? 0;
  if (n < FEWEST_UNITS) return { refused: 'too-few-rows', have: n, fewest: FEWEST_UNITS };
  const { means, covariances } = covariancesOf(gains);
  const estimate = means[chosen] ?? 0;
  const variance = covariances[chosen]?.[chosen] ?? 0;
  if (!Number.isFinite(variance)) return { refused: 'not-finite', have: 0, fewest: n };
  if (variance === 0) return { refused: 'no-variance', have: 0, fewest: 1 };
  const error = Math.sqrt(variance / n);
  const largest = drawLargest(choleskyOfCorrelations(covariances), seed, resamples);
  const z = (estimate - needed) / error;
  const reached = Math.round((1 - shareUpTo(largest, z)) * largest.length);
  const bonferroni = Math.min(1, gains.length * phi(-z));
  const p = reached < 20 ? bonferroni : Math.min(bonferroni, reached / largest.length);
  const notes: Note[] = [...tailNotes(n)];
  if (reached < 20) notes.push({ code: 'resolution', resamples });
  const reach = largest[Math.ceil((1 - alpha) * (largest.length - 1))] ?? normalQuantile(1 - alpha);
  return {
    method: 'max-t',
    n,
    estimate,
    interval: agreeing([estimate - reach * error, estimate + normalQuantile(1 - alpha) * error], p, tested),
    level: 1 - 2 * alpha,
    p,
    variance,
    notes,
  };
}

function covariancesOf(gains: readonly Float64Array[]): { means: number[]; covariances: number[][] } {
  const n = gains[0]?.length ?? 0;
  const means = gains.map((gain) => gain.reduce((sum, value) => sum + value, 0) / n);
  const centred = gains.map((gain, i) => gain.map((value) => value - (means[i] ?? 0)));
  const covariances = centred.map((first) =>
    centred.map((second) => {
      let sum = 0;
      for (let row = 0; row < n; row += 1) sum += (first[row] ?? 0) * (second[row] ?? 0);
      return sum / (n - 1);
    }),
  );
  return { means, covariances };
}

/** Lower triangle; a candidate that adds nothing to those before it (a copy, or no variance) has a zero on the diagonal. */
function choleskyOfCorrelations(covariances: number[][]): number[][] {
  const deviations = covariances.map((row, i) => Math.sqrt(row[i] ?? 0));
  const lower: number[][] = [];
  for (const [i, row] of covariances.entries()) {
    const mine: number[] = [];
    lower.push(mine);
    for (let j = 0; j <= i; j += 1) {
      const scale = (deviations[i] ?? 0) * (deviations[j] ?? 0);
      const other = lower[j] ?? [];
      let rest = scale > 0 ? (row[j] ?? 0) / scale : 0;
      for (let at = 0; at < j; at += 1) rest -= (mine[at] ?? 0) * (other[at] ?? 0);
      if (i === j) mine.push(Math.sqrt(Math.max(0, rest)));
      else mine.push((other[j] ?? 0) > 1e-6 ? rest / (other[j] ?? 1) : 0);
    }
  }
  return lower;
}

/** Sorted draws of the largest of correlated standard normal variables. */
function drawLargest(lower: number[][], seed: number, resamples: number): Float64Array {
  const random = seeded(seed);
  const independent = new Float64Array(lower.length);
  return Float64Array.from({ length: resamples }, () => {
    for (let i = 0; i < independent.length; i += 1) independent[i] = random.normal();
    let most = Number.NEGATIVE_INFINITY;
    for (const row of lower) {
      let value = 0;
      for (let j = 0; j < row.length; j += 1) value += (row[j] ?? 0) * (independent[j] ?? 0);
      if (value > most) most = value;
    }
    return most;
  }).sort();
}
