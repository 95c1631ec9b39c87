import { bootstrapZOf, type Clusters, correctedZ, FEWEST_UNITS } from './mean.ts';
import { type Random, seeded } from './random.ts';
import {
  type Answer,
  agreeing,
  type Method,
  type Note,
  normalQuantile,
  phi,
  type Refused,
  type Tested,
  tailNotes,
} from './test-result.ts';

/** How often is drawn: the same seed gives the same answer. */
export interface Drawn {
  readonly seed: number;
  /** By default as many as the risk needs, 20 ÷ alpha, from 2,000 to 10,000. */
  readonly resamples?: number;
}

/** Fewer resamples than this beyond the claim give no p of their own: it is read off a normal tail. */
const FEWEST_IN_TAIL = 20;
/** Groups of units of the jackknife for the acceleration. */
const JACKKNIFE_GROUPS = 200;
/** Largest share of the resamples in which the metric may be undefined. */
const MAX_UNDEFINED = 0.01;

/** As many resamples as the risk needs, from 2,000 to `most`. */
export const resamplesFor = ({ alpha }: Tested, most: number): number =>
  Math.min(most, Math.max(2000, Math.ceil(FEWEST_IN_TAIL / alpha)));

/**
 * The paired bootstrap (BCa) of any gain that can be computed from weighted rows: every row, or every cluster as a whole, is
 * in a resample a Poisson(1) number of times. `gain` gets the weights of all rows (0 to 255; the array is reused) and is
 * called about 2,200 times: it must not sort. For a mean use `meanGain`, for a confusion matrix `confusionGain`.
 */
export function resampledGain(
  { rows, clusters, gain }: { rows: number; clusters?: Clusters; gain: (weights: Uint8Array) => number },
  tested: Tested,
  drawn: Drawn,
): Answer {
  const units = clusters?.count ?? rows;
  if (units < FEWEST_UNITS) {
    return {
      refused: clusters === undefined ? 'too-few-rows' : 'too-few-clusters',
      have: units,
      fewest: FEWEST_UNITS,
    };
  }
  const random = seeded(drawn.seed);
  const ofUnits = new Uint8Array(units);
  const ofRows = clusters === undefined ? ofUnits : new Uint8Array(rows);
  const gained = () => {
    if (clusters !== undefined) {
      for (let row = 0; row < rows; row += 1) ofRows[row] = ofUnits[clusters.of[row] ?? 0] ?? 0;
    }
    return gain(ofRows);
  };
  ofUnits.fill(1);
  const estimate = gained();
  const replicate = () => {
    random.resample(ofUnits);
    return gained();
  };
  const groupOf = groupsOf(units, random);
  const without = Float64Array.from({ length: Math.min(units, JACKKNIFE_GROUPS) }, (_, group) => {
    for (let unit = 0; unit < units; unit += 1) ofUnits[unit] = groupOf[unit] === group ? 0 : 1;
    return gained();
  });
  const skew = acceleration(without, new Float64Array(without.length).fill(1));
  return bca({ method: 'bca-resampled', n: rows, units, estimate, skew, replicate }, tested, drawn);
}

/** The units in random order, dealt to the groups in turn. */
function groupsOf(units: number, { uniform }: Random): Uint8Array {
  const groups = Uint8Array.from({ length: units }, (_, unit) => unit % JACKKNIFE_GROUPS);
  for (let last = units - 1; last > 0; last -= 1) {
    const other = Math.floor(uniform() * (last + 1));
    const group = groups[last] ?? 0;
    groups[last] = groups[other] ?? 0;
    groups[other] = group;
  }
  return groups;
}

/**
 * The acceleration of a statistic from its values with one unit (or group) left out, of which each stands for `times`
 * units: the skewness of the influences ÷ 6√n (Efron, JASA 82:171, 1987).
 */
export function acceleration(without: Float64Array, times: Float64Array): number {
  let [count, total] = [0, 0];
  for (const [i, value] of without.entries()) {
    count += times[i] ?? 0;
    total += (times[i] ?? 0) * value;
  }
  let [squares, cubes] = [0, 0];
  for (const [i, value] of without.entries()) {
    const influence = total / count - value;
    squares += (times[i] ?? 0) * influence ** 2;
    cubes += (times[i] ?? 0) * influence ** 3;
  }
  return squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
}

interface Statistic {
  readonly method: Method;
  readonly n: number;
  readonly units: number;
  readonly estimate: number;
  /** The acceleration. */
  readonly skew: number;
  /** The gain in one more resample; NaN where it is undefined. */
  replicate(): number;
}

/** Interval and p by BCa from drawn resamples; a resample that equals the value counts half. */
export function bca(statistic: Statistic, tested: Tested, drawn: Drawn): Answer {
  const { method, n, units, estimate, skew } = statistic;
  const { needed, alpha } = tested;
  if (!Number.isFinite(estimate) || !Number.isFinite(skew)) {
    return { refused: 'undefined-metric', have: 0, fewest: 1 };
  }
  const all = Float64Array.from({ length: drawn.resamples ?? resamplesFor(tested, 10_000) }, () =>
    statistic.replicate(),
  );
  const drawnGains = all.filter(Number.isFinite).sort();
  const resamples = drawnGains.length;
  const lost = all.length - resamples;
  if (lost > MAX_UNDEFINED * all.length) return undefinedMetric(resamples, all.length);
  // A metric of counts has no row that differs much more than others.
  const notes: Note[] = method === 'bca-cells' ? [] : tailNotes(units);
  if (lost > 0) notes.push({ code: 'undefined-resamples', count: lost });
  const { mean, deviation } = spreadOf(drawnGains);
  const result = { method, n, estimate, level: 1 - 2 * alpha, variance: n * deviation ** 2 };
  if (deviation === 0) {
    notes.push({ code: 'no-variance' });
    return { ...result, interval: [estimate, estimate], p: estimate > needed ? 1 / resamples : 1, notes };
  }
  const bias = normalQuantile(shareUpTo(drawnGains, estimate));
  const end = (z: number) => quantileOf(drawnGains, phi(bootstrapZOf(z, skew, bias)));
  const count = shareUpTo(drawnGains, needed) * resamples;
  const inTail = Math.min(count, resamples - count) < FEWEST_IN_TAIL;
  if (inTail) notes.push({ code: 'normal-tail', resamples });
  const z = inTail ? (needed - mean) / deviation : normalQuantile(count / resamples);
  const p = phi(correctedZ(z, skew, bias));
  return {
    ...result,
    interval: agreeing([end(normalQuantile(alpha)), end(normalQuantile(1 - alpha))], p, tested),
    p,
    notes,
  };
}

const undefinedMetric = (have: number, fewest: number): Refused => ({
  refused: 'undefined-metric',
  have,
  fewest,
});

function spreadOf(values: Float64Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** The share of sorted values below a value, those equal to it counted half; never quite 0 or 1. */
export function shareUpTo(sorted: Float64Array, value: number): number {
  const noise = 1e-12 * Math.max(Math.abs(sorted[0] ?? 0), Math.abs(sorted[sorted.length - 1] ?? 0));
  const share = (firstAbove(sorted, value - noise) + firstAbove(sorted, value + noise)) / 2 / sorted.length;
  return Math.min(Math.max(share, 0.5 / sorted.length), 1 - 0.5 / sorted.length);
}

/** The index of the first of the sorted values that is above `value`. */
function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Between the two nearest of the sorted values, in proportion. */
function quantileOf(sorted: Float64Array, probability: number): number {
  const at = Math.min(Math.max(probability * (sorted.length + 1) - 1, 0), sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return below + (above - below) * (at - Math.floor(at));
}
