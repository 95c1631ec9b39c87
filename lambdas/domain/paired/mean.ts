import { type Answer, agreeing, normalQuantile, phi, type Tested, tailNotes } from './test-result.ts';

/** Fewest independent units for which a bootstrap says anything. */
export const FEWEST_UNITS = 20;

/** The cluster of each row as a number from 0 to `count` − 1: rows of one entity, or of one day. */
export interface Clusters {
  readonly of: Uint32Array;
  readonly count: number;
}

/** Independent units: the sum of the differences and the number of rows of each. */
interface Units {
  readonly sums: Float64Array;
  readonly sizes: Float64Array;
}

/**
 * The paired bootstrap (BCa) of a mean of per-row differences, such as of log losses, squared errors or profits; positive
 * is better. With clusters whole clusters are resampled, and the mean is the sum of rows over the number of rows.
 *
 * Nothing is drawn: the share of resamples below a value comes from the saddlepoint of the bootstrap distribution
 * (Davison and Hinkley, "Bootstrap Methods and their Application", 9.5.1; Lugannani and Rice in the form of
 * Barndorff-Nielsen), so that p has no smallest value that depends on a number of resamples, and 100,000 rows take some
 * fifty passes. Bias and acceleration are those of a mean, skewness ÷ 6√n (DiCiccio and Efron, Statistical Science 11:189,
 * 1996). p is not below 2^−units, that of the sign test. Linear in the number of rows.
 */
export function meanGain(differences: Float64Array, tested: Tested, clusters?: Clusters): Answer {
  const n = differences.length;
  const count = clusters?.count ?? n;
  if (count < FEWEST_UNITS) {
    return {
      refused: clusters === undefined ? 'too-few-rows' : 'too-few-clusters',
      have: count,
      fewest: FEWEST_UNITS,
    };
  }
  const units = unitsOf(differences, clusters);
  const estimate = sumOf(units.sums) / n;
  const { spread, skew } = momentsOf(units, estimate);
  if (!Number.isFinite(spread)) return { refused: 'not-finite', have: 0, fewest: n };
  const { needed, alpha } = tested;
  const result = { method: 'bca-mean' as const, n, estimate, level: 1 - 2 * alpha };
  const least = 2 ** -count;
  if (spread <= Number.EPSILON * Math.abs(estimate) * n) {
    const p = estimate > needed ? least : 1;
    return { ...result, interval: [estimate, estimate], p, variance: 0, notes: [{ code: 'no-variance' }] };
  }
  const error = spread / n;
  const end = (z: number) => valueAt(units, { estimate, error, skew }, z);
  const p = Math.max(least, phi(correctedZ(bootstrapZ(units, needed), skew)));
  return {
    ...result,
    interval: agreeing([end(normalQuantile(alpha)), end(normalQuantile(1 - alpha))], p, tested),
    p,
    variance: n * error ** 2,
    notes: tailNotes(count),
  };
}

function unitsOf(differences: Float64Array, clusters: Clusters | undefined): Units {
  if (clusters === undefined) {
    return { sums: differences, sizes: new Float64Array(differences.length).fill(1) };
  }
  const sums = new Float64Array(clusters.count);
  const sizes = new Float64Array(clusters.count);
  for (let row = 0; row < differences.length; row += 1) {
    const cluster = clusters.of[row] ?? 0;
    sums[cluster] = (sums[cluster] ?? 0) + (differences[row] ?? 0);
    sizes[cluster] = (sizes[cluster] ?? 0) + 1;
  }
  return { sums, sizes };
}

const sumOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);

/** Of the units' sums about the mean: the root of their squares, and their skewness ÷ 6√n. */
function momentsOf({ sums, sizes }: Units, estimate: number): { spread: number; skew: number } {
  let [squares, cubes] = [0, 0];
  for (let i = 0; i < sums.length; i += 1) {
    const about = (sums[i] ?? 0) - estimate * (sizes[i] ?? 0);
    squares += about * about;
    cubes += about ** 3;
  }
  return { spread: Math.sqrt(squares), skew: cubes / (6 * squares ** 1.5) };
}

/** BCa (DiCiccio and Efron, 1996, 2.3): from the bootstrap's z of a value to that of the test, with bias and acceleration both `skew`. */
export function correctedZ(z: number, skew: number, bias: number = skew): number {
  if (!Number.isFinite(z)) return z;
  const w = z - bias;
  const slope = 1 + skew * w;
  if (slope <= 0) return skew > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return w / slope - bias;
}

/** BCa the other way round: the bootstrap's z at the value where the test's z is `z`. */
export function bootstrapZOf(z: number, skew: number, bias: number = skew): number {
  return bias + (bias + z) / (1 - skew * (bias + z));
}

/**
 * The value at which the test's z is `z`, to 1e-4 of the error: from the estimate outwards until it is passed, then false
 * position (Illinois), as the function is nearly a line; by halving where the bootstrap distribution ends.
 */
function valueAt(
  units: Units,
  { estimate, error, skew }: { estimate: number; error: number; skew: number },
  z: number,
): number {
  const sought = bootstrapZOf(z, skew) - skew;
  const outwards = Math.sign(sought) * error;
  const excess = (value: number) => Math.sign(sought) * (bootstrapZ(units, value) - skew - sought);
  let [inside, insideBy] = [estimate, -Math.abs(sought)];
  let [outside, outsideBy] = [estimate + sought * error, 0];
  for (outsideBy = excess(outside); outsideBy < 0; outsideBy = excess(outside)) {
    [inside, insideBy] = [outside, outsideBy];
    outside += (1 - outsideBy) * outwards;
  }
  while (Math.abs(outside - inside) > 1e-4 * error) {
    const share = Number.isFinite(outsideBy) ? insideBy / (insideBy - outsideBy) : 0.5;
    const middle = inside + share * (outside - inside);
    const by = excess(middle);
    if (Math.abs(by) < 1e-4) return middle;
    if (by < 0) {
      [inside, insideBy] = [middle, by];
      outsideBy /= 2;
    } else {
      [outside, outsideBy] = [middle, by];
      insideBy /= 2;
    }
  }
  return inside;
}

/** Normal quantile of the share of resamples whose mean is at most `value`. */
function bootstrapZ({ sums, sizes }: Units, value: number): number {
  const count = sums.length;
  let [total, squares, cubes, zeros] = [0, 0, 0, 0];
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i += 1) {
    const about = (sums[i] ?? 0) - value * (sizes[i] ?? 0);
    total += about;
    squares += about * about;
    cubes += about ** 3;
    if (about === 0) zeros += 1;
    least = Math.min(least, about);
    most = Math.max(most, about);
  }
  // At the end of the bootstrap distribution are the resamples that hold units equal to the value alone, if any.
  const alone = (zeros / count) ** count;
  if (least >= 0) return normalQuantile(alone);
  if (most <= 0) return -normalQuantile(alone);
  // Near the mean both parts of the formula below vanish; there the normal quantile and the skewness are exact enough.
  const z = -total / Math.sqrt(squares - total ** 2 / count);
  if (Math.abs(z) < 1e-3) return z + cubes / (6 * squares ** 1.5);
  return saddlepointZ({ sums, sizes }, value, { least, most, start: -total / squares });
}

/** The modified signed root at the saddlepoint of K(s) = ln mean e^{s·(sum − value·size)}. */
function saddlepointZ(
  { sums, sizes }: Units,
  value: number,
  { least, most, start }: { least: number; most: number; start: number },
): number {
  const count = sums.length;
  const at = (s: number) => {
    const largest = Math.max(s * least, s * most);
    // Near the mean K is tiny, and the formula divides by its root twice: it is summed as what differs from 1.
    const near = largest < 1;
    const shift = near ? 0 : largest;
    let [e, ev, evv, less] = [0, 0, 0, 0];
    for (let i = 0; i < count; i += 1) {
      const about = (sums[i] ?? 0) - value * (sizes[i] ?? 0);
      const beyond = near ? Math.expm1(s * about) : 0;
      const weight = near ? 1 + beyond : Math.exp(s * about - shift);
      less += beyond;
      e += weight;
      ev += weight * about;
      evv += weight * about * about;
    }
    const slope = ev / e;
    const k = near ? Math.log1p(less / count) : shift + Math.log(e / count);
    return { s, k, slope, curve: Math.max(evv / e - slope ** 2, 0) };
  };
  let best = at(start);
  for (let step = 0; step < 60; step += 1) {
    let move = -best.slope / best.curve;
    if (!Number.isFinite(move)) break;
    let next = at(best.s + move);
    // K is convex: a step that is too long goes up, and is halved.
    for (let half = 0; half < 30 && next.k > best.k; half += 1) {
      move /= 2;
      next = at(best.s + move);
    }
    // Newton's next error is about the square of this one.
    const settled = Math.abs(move) * Math.sqrt(best.curve * count) < 1e-6;
    if (next.k <= best.k) best = next;
    if (settled) break;
  }
  const r = Math.sign(best.s) * Math.sqrt(Math.max(0, -2 * count * best.k));
  const q = best.s * Math.sqrt(count * best.curve);
  const corrected = r + Math.log(q / r) / r;
  return Number.isFinite(corrected) ? corrected : r;
}
