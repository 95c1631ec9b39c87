import { betsOnNotWorse, betsOnWorse, logOfPlain } from './bets.ts';
import type { SeriesName } from './block.ts';
import { FEWEST_DIFFERENCES, logOfDifferences } from './differences.ts';
import { dispersionOf, rateBound } from './series.ts';
import type { SeriesState } from './state.ts';

/** How much worse the new version is: shares of rows or requests, or units of the metric. */
export interface Estimate {
  readonly estimate: number;
  /** Each end is a one-sided bound at the risk given; of rows and differences at any time, of rates at the end. */
  readonly interval: readonly [lower: number, upper: number];
}

/** Estimate and interval of a series after the release; null without anything to compare. */
export function intervalOf(name: SeriesName, state: SeriesState, risk: number): Estimate | null {
  if (state.prior === null) return null;
  const [first = 0, second = 0, third = 0] = state.sums;
  const needed = -Math.log(risk);
  if (name === 'rows') {
    const n = first + second + third;
    if (n === 0) return null;
    const estimate = (first - second) / n;
    const phi = dispersionOf(state.prior);
    const shows = (margin: number) => logOfPlain(betsOnWorse(margin), state.sums, phi) >= needed;
    const refutes = (margin: number) => logOfPlain(betsOnNotWorse(margin), state.sums, phi) >= needed;
    return { estimate, interval: [lastOf(shows, -EDGE, estimate), lastOf(refutes, EDGE, estimate)] };
  }
  const { bound, counts } = state.prior;
  if (bound === null) return null;
  if (name === 'differences') {
    if (third < FEWEST_DIFFERENCES) return null;
    const estimate = first / third;
    const about = (side: 1 | -1) => (value: number) => {
      const sum = first - third * value;
      const squares = Math.max(0, second - 2 * value * first + third * value ** 2);
      return logOfDifferences([side * sum, squares, third], bound) >= needed;
    };
    // Far outside: ln E is about half the number of blocks there, or these are too few to bound anything.
    const far = 1e3 * Math.sqrt(bound + second);
    return {
      estimate,
      interval: [lastOf(about(1), estimate - far, estimate), lastOf(about(-1), estimate + far, estimate)],
    };
  }
  const n = first + second;
  if (n === 0) return null;
  const phi = dispersionOf(state.prior);
  const upper = (of: readonly number[]) => rateBound(of, phi, 1 - risk / 2);
  const lower = ([x = 0, others = 0]: readonly number[]) => 1 - upper([others, x]);
  const [before = 0, othersBefore = 0] = counts;
  return {
    estimate: first / n - before / (before + othersBefore),
    interval: [lower(state.sums) - upper(counts), upper(state.sums) - lower(counts)],
  };
}

/** Differences of shares that the rows are tested against go up to this. */
const EDGE = 0.999;

/** The value nearest to `inside` for which it still holds; `outside` if it does not even hold there. By halving. */
function lastOf(holds: (value: number) => boolean, outside: number, inside: number): number {
  let [far, near] = [outside, inside];
  if (!holds(far)) return far;
  for (let step = 0; step < 60; step += 1) {
    const middle = (far + near) / 2;
    if (holds(middle)) far = middle;
    else near = middle;
  }
  return far;
}
