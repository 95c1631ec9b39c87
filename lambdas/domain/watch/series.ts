import betaQuantile from '@stdlib/stats-base-dists-beta-quantile';
import {
  type Bets,
  betsOnNotWorse,
  betsOnRate,
  betsOnWorse,
  GUARD_BLOCKS,
  growthOf,
  guarded,
  logOfGuard,
  logOfPlain,
  logOfRestarted,
  restarted,
} from './bets.ts';
import type { SeriesName } from './block.ts';
import { expectedOf, FEWEST_DIFFERENCES, logOfDifferences } from './differences.ts';
import { phiOf, spreadOf } from './dispersion.ts';
import type { WatchPolicy } from './policy-watch.ts';
import type { Prior, SeriesState } from './state.ts';

/** How far a test has come: the logarithms of its evidence, and of the evidence that it needs. */
export interface Progress {
  readonly ln: number;
  readonly needed: number;
}

/** What the statistics of a series need to know. */
export type SeriesPolicy = Pick<WatchPolicy, 'hours' | 'margin' | 'keep_alpha' | 'keep_margin' | 'better'>;

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** The hours' dispersion in use: exact enough to decide by only if `phi` is there. */
export const dispersionOf = ({ phi, spread }: Prior): number => phi ?? spread;

/** How much worse the new version is in a block with one value for each version. */
const differenceOf = ([ours = 0, old = 0]: readonly number[], better: WatchPolicy['better']) =>
  better === 'lower' ? ours - old : old - ours;

/** What the blocks before the release, [index, ...values], show of a series. */
export function priorOf(
  name: SeriesName,
  before: readonly (readonly number[])[],
  { alpha, better }: { alpha: number; better: WatchPolicy['better'] },
): Prior {
  if (name === 'differences') {
    const differences = before.map(([, ...values]) => differenceOf(values, better));
    return { blocks: before.length, phi: null, spread: 1, bound: expectedOf(differences), counts: [] };
  }
  const hours = before.map(([index = 0, ...values]) => ({
    index,
    n: total(values),
    sum: name === 'rows' ? (values[0] ?? 0) - (values[1] ?? 0) : (values[0] ?? 0),
  }));
  const [n, sum] = [total(hours.map((hour) => hour.n)), total(hours.map((hour) => hour.sum))];
  const none = { blocks: hours.length, phi: null, spread: 1, bound: null, counts: [] };
  if (n === 0) return none;
  if (name === 'rows') {
    const disagreement = total(before.map(([, a = 0, b = 0]) => a + b)) / n;
    return { ...none, phi: phiOf(hours, disagreement), spread: spreadOf(hours, disagreement) };
  }
  const variance = (sum / n) * (1 - sum / n);
  const prior = { ...none, phi: phiOf(hours, variance), spread: spreadOf(hours, variance) };
  const bound = rateBound([sum, n - sum], dispersionOf(prior), 1 - alpha / 4);
  return { ...prior, bound, counts: [sum, n - sum] };
}

/** Clopper and Pearson's bound of a rate, where `phi` requests count as one: at most this with the given probability. */
export function rateBound([x = 0, others = 0]: readonly number[], phi: number, probability: number): number {
  return others === 0 ? 1 : betaQuantile(probability, x / phi + 1, others / phi);
}

/** The bets that a series is worse; null where there is nothing to compare with. */
function betsOf(name: SeriesName, prior: Prior, { margin }: SeriesPolicy): Bets | null {
  if (name === 'rows') return betsOnWorse(margin);
  if (name === 'differences' || prior.bound === null) return null;
  return betsOnRate(Math.min(1, prior.bound + margin));
}

/** Counts a block after the release in the test: changes `state`. */
export function countForTest(
  name: SeriesName,
  state: SeriesState & { prior: Prior },
  values: readonly number[],
  policy: SeriesPolicy,
): void {
  state.blocks += 1;
  const difference = differenceOf(values, policy.better);
  const added = name === 'differences' ? [difference, difference ** 2, 1] : values;
  state.sums = added.map((value, at) => value + (state.sums[at] ?? 0));
  const bets = betsOf(name, state.prior, policy);
  if (bets === null) return;
  const growth = growthOf(bets, values, dispersionOf(state.prior));
  state.stakes = restarted(state.stakes, growth, state.blocks, policy.hours);
}

/** Counts a block after the verdict in the guard: changes `state`. True for an alarm, after which it starts again. */
export function countForGuard(
  name: SeriesName,
  state: SeriesState & { prior: Prior },
  values: readonly number[],
  policy: SeriesPolicy,
): boolean {
  const bets = betsOf(name, state.prior, policy);
  if (bets === null) return false;
  state.guard = guarded(state.guard, growthOf(bets, values, dispersionOf(state.prior)));
  const { ln, needed } = guardOf(state) ?? { ln: 0, needed: 1 };
  if (ln < needed) return false;
  state.guard = null;
  return true;
}

/** How far "worse" is; null if it cannot be tested: no rows, nothing to compare with, or too few blocks. */
export function worseOf(name: SeriesName, state: SeriesState, { hours }: SeriesPolicy): Progress | null {
  const needed = -Math.log(state.alpha);
  if (name === 'differences') {
    const [sum = 0, squares = 0, blocks = 0] = state.sums;
    const expected = state.prior?.bound ?? null;
    if (expected === null || blocks < FEWEST_DIFFERENCES) return null;
    return { ln: logOfDifferences([sum, squares, blocks], expected), needed };
  }
  if (state.stakes === null || total(state.sums) === 0) return null;
  // A quarter of the risk of a rate is spent on its bound before the release.
  const spent = name === 'rows' ? 0 : Math.log(4 / 3);
  return { ln: logOfRestarted(state.stakes, state.blocks, hours), needed: needed + spent };
}

/** How far "not worse by the margin" is: of rows only. */
export function notWorseOf(
  name: SeriesName,
  { sums, prior }: SeriesState,
  { keep_alpha, keep_margin }: SeriesPolicy,
): Progress | null {
  if (name !== 'rows' || prior === null || total(sums) === 0) return null;
  return {
    ln: logOfPlain(betsOnNotWorse(keep_margin), sums, dispersionOf(prior)),
    needed: -Math.log(keep_alpha),
  };
}

/** How far the guard is; null before its first block. */
export function guardOf({ guard }: SeriesState): Progress | null {
  const ln = logOfGuard(guard);
  return ln === null ? null : { ln, needed: Math.log(GUARD_BLOCKS) };
}

/** Whether anything after the release could be compared. */
export const hasEvidence = (name: SeriesName, state: SeriesState): boolean =>
  state.prior !== null &&
  (name === 'rows' || state.prior.bound !== null) &&
  (name === 'differences' ? state.blocks >= FEWEST_DIFFERENCES : total(state.sums) > 0);
