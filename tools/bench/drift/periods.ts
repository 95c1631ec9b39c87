import { poissonSampler, type Random } from '../../../lambdas/domain/paired/random.ts';
import { normalQuantile, phi } from '../../../lambdas/domain/paired/test-result.ts';

/** A normal feature in the bins that a pipeline logs: each has a sixtieth of the rows of the reference. */
export const BINS = 60;
const edges = Array.from({ length: BINS - 1 }, (_, at) => normalQuantile((at + 1) / BINS));

/** Shares of the bins when the feature is moved up by `shift` standard deviations. */
const sharesOf = (shift: number) => {
  const below = [0, ...edges.map((edge) => phi(edge - shift)), 1];
  return Array.from({ length: BINS }, (_, at) => (below[at + 1] ?? 1) - (below[at] ?? 0));
};

/** Draws the histogram of one period of `n` rows; with many, their number varies by its root. */
export function periodOf(n: number, shift: number, random: Random): () => number[] {
  if (n > 2000) {
    const samplers = sharesOf(shift).map((share) => poissonSampler(n * share, random));
    return () => samplers.map((sample) => sample());
  }
  return () => {
    const counts = Array.from({ length: BINS }, () => 0);
    for (let row = 0; row < n; row += 1) {
      const bin = Math.min(BINS - 1, Math.floor(BINS * phi(random.normal() + shift)));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return counts;
  };
}

/** The index as it is often computed: ten equal bins, without smoothing (a share of 0 is 1e-4). */
export function plainPsi(reference: readonly number[], current: readonly number[]): number {
  const [before, now] = [tenths(reference), tenths(current)];
  return before.reduce((sum, share, at) => {
    const other = now[at] ?? 0;
    return sum + (other - share) * Math.log(other / share);
  }, 0);
}

function tenths(counts: readonly number[]): number[] {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  return Array.from({ length: 10 }, (_, tenth) => {
    const own = counts.slice((tenth * BINS) / 10, ((tenth + 1) * BINS) / 10);
    return Math.max(1e-4, own.reduce((sum, count) => sum + count, 0) / rows);
  });
}

/** The shift, in standard deviations, whose true index in ten equal bins is `index`; by halving. */
export function shiftFor(index: number): number {
  let [low, high] = [0, 2];
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    if (plainPsi(sharesOf(0), sharesOf(middle)) < index) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
