import { phi } from '../paired/test-result.ts';

/**
 * A test of one difference for each block, of whatever metric, for noise that is as often above as below zero by as much (a
 * mixture of e^{λD − λ²D²/2} over half-normal λ). Differences that are alike from hour to hour, or lean to one side, break
 * it: it never decides.
 */

/** Blocks from which it says something, and blocks before the release that it needs to know how much a difference varies. */
export const FEWEST_DIFFERENCES = 12;

/** Sums over the blocks: of the differences, positive where the new version is worse; of their squares; how many. */
export type DifferenceSums = readonly [sum: number, squares: number, blocks: number];

/** ln E after these blocks; `expected` is 12 times the variance of a difference before the release, above 0. */
export function logOfDifferences([sum, squares]: DifferenceSums, expected: number): number {
  const all = squares + expected;
  const z = sum / Math.sqrt(all);
  return Math.LN2 + 0.5 * (Math.log(expected) - Math.log(all)) + z ** 2 / 2 + logPhi(z);
}

/** 12 times the variance of the differences before the release; null if they are too few or do not vary. */
export function expectedOf(differences: readonly number[]): number | null {
  if (differences.length < FEWEST_DIFFERENCES) return null;
  const mean = differences.reduce((sum, value) => sum + value / differences.length, 0);
  const variance =
    differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (differences.length - 1);
  return variance > 0 ? FEWEST_DIFFERENCES * variance : null;
}

/** ln Φ(z), by its asymptotic series where Φ is below the range of numbers. */
const logPhi = (z: number) =>
  z > -20
    ? Math.log(phi(z))
    : -(z ** 2) / 2 - Math.log(-z) - 0.5 * Math.log(2 * Math.PI) + Math.log1p(-1 / z ** 2 + 3 / z ** 4);
