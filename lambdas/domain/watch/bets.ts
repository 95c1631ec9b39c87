/**
 * Tests by betting, which may be looked at after every block and stopped at any of them (Waudby-Smith and Ramdas, JRSS B
 * 86:1, 2024; e-detectors: Shin, Ramdas and Rinaldo, 2023). A gambler who cannot win while the claim holds multiplies the
 * stake by 1 + λ·(outcome − claim) at each row; a stake of 1/α shows at the risk α that it does not hold. As nobody knows
 * the best λ, 16 gamblers with a λ each share the stake. Everything is in natural logarithms: at 100,000 rows an hour the
 * stakes themselves are beyond the range of numbers.
 */

const GAMBLERS = 16;

/** What a row of each kind does to each gambler: the logarithm of the factor, by kind of row and by gambler. */
export type Bets = readonly (readonly number[])[];

/** The logarithms of the gamblers' stakes; null before the first block. */
export type Stakes = readonly number[] | null;

/** λ of each gambler: √2 apart, from the largest one that cannot lose everything. */
const lambdas = (largest: number) => Array.from({ length: GAMBLERS }, (_, k) => largest * 2 ** (-k / 2));

/** Bets that the new version loses more rows than the old one by over `margin`, a share of the rows; rows (a, b, z). */
export function betsOnWorse(margin: number): Bets {
  const sizes = lambdas(0.95 / (1 + margin));
  const of = (outcome: number) => sizes.map((lambda) => Math.log1p(lambda * (outcome - margin)));
  return [of(1), of(-1), of(0)];
}

/** Bets that the new version does not lose more rows than the old one by `margin` or more; rows (a, b, z). */
export function betsOnNotWorse(margin: number): Bets {
  const sizes = lambdas(0.95 / (1 + margin));
  const of = (outcome: number) => sizes.map((lambda) => Math.log1p(lambda * (margin - outcome)));
  return [of(1), of(-1), of(0)];
}

/** Bets that a rate is above `bound`, 0 to 1; requests (with the event, without). */
export function betsOnRate(bound: number): Bets {
  const sizes = lambdas(Math.min(1, 0.95 / bound));
  const of = (outcome: number) => sizes.map((lambda) => Math.log1p(lambda * (outcome - bound)));
  return [of(1), of(0)];
}

/**
 * What the rows of a block do to each gambler. `phi` is by how much the hours vary more than independent rows would: that
 * many rows count as one.
 */
export function growthOf(bets: Bets, counts: readonly number[], phi: number): number[] {
  return Array.from({ length: GAMBLERS }, (_, k) => {
    const sum = bets.reduce((total, of, kind) => total + (counts[kind] ?? 0) * (of[k] ?? 0), 0);
    return sum / phi;
  });
}

/**
 * The stakes after block number `t` (from 1 to `horizon`), when a part of the stake is kept for each later block: half is
 * bet from the first one on, the other half in equal parts from each of the others, so that a version that becomes worse
 * late is found soon.
 */
export function restarted(stakes: Stakes, growth: readonly number[], t: number, horizon: number): number[] {
  const added = Math.log(t === 1 ? 0.5 : 0.5 / (horizon - 1));
  return growth.map((by, k) => (stakes === null ? added : addLogs(stakes[k] ?? 0, added)) + by);
}

/** ln M after block number `t`: the stakes, and what is kept for later blocks. */
export function logOfRestarted(stakes: Stakes, t: number, horizon: number): number {
  if (stakes === null) return 0;
  const kept = (0.5 * (horizon - t)) / (horizon - 1);
  return addLogs(logMean(stakes), Math.log(kept));
}

/** ln M of gamblers who have bet their whole stakes on all these rows, in whatever blocks they came. */
export const logOfPlain = (bets: Bets, counts: readonly number[], phi: number): number =>
  logMean(growthOf(bets, counts, phi));

/** The guard (Shiryaev and Roberts): a new stake of 1 at each block, for as long as it lasts. */
export const guarded = (stakes: Stakes, growth: readonly number[]): number[] =>
  growth.map((by, k) => (stakes === null ? 0 : addLogs(stakes[k] ?? 0, 0)) + by);

/** ln of the guard's mean stake; null before the first block. */
export const logOfGuard = (stakes: Stakes): number | null => (stakes === null ? null : logMean(stakes));

/** Hourly blocks between false alarms of the guard, at least on average: five years. */
export const GUARD_BLOCKS = 43_800;

/** ln(eᵃ + eᵇ). */
export function addLogs(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}

/** ln of the mean of numbers of which the logarithms are given. */
export function logMean(logs: readonly number[]): number {
  const high = Math.max(...logs);
  return high + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - high), 0) / logs.length);
}
