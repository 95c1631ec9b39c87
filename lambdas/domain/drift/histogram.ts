import * as z from 'zod';
import { oneLine } from '../comparison/policy-fields.ts';

/**
 * What a pipeline logs of the inputs of a model in one period, as `drift.json`: how many rows have which values, never the
 * rows. Two periods are compared feature by feature; their bins have to be the same.
 */

export const MOST_BINS = 200;
export const MOST_FEATURES = 500;

const Counts = z.array(z.number().int().min(0).max(1e9)).min(1).max(MOST_BINS);

const NumericFeature = z
  .strictObject({
    /** Where one bin ends and the next one begins, ascending: the first bin is all that is below, the last all from there on. */
    edges: z
      .array(z.number())
      .min(1)
      .max(MOST_BINS - 1),
    /** Rows in each bin: one more than edges. */
    counts: Counts,
  })
  .refine(({ edges }) => edges.every((edge, at) => at === 0 || edge > (edges[at - 1] ?? edge)), {
    path: ['edges'],
    message: 'must be ascending',
  })
  .refine(({ edges, counts }) => counts.length === edges.length + 1, {
    path: ['counts'],
    message: 'must be one more than edges',
  });

const CategoricalFeature = z
  .strictObject({
    values: z.array(z.string().max(250)).min(1).max(MOST_BINS),
    /** Rows with each value. */
    counts: Counts,
  })
  .refine(({ values }) => new Set(values).size === values.length, {
    path: ['values'],
    message: 'must differ',
  })
  .refine(({ values, counts }) => counts.length === values.length, {
    path: ['counts'],
    message: 'must be as many as values',
  });

export const AnyFeature = z.union([NumericFeature, CategoricalFeature]);

export const Histograms = z.strictObject({
  format: z.literal(1),
  /** Further names of features are allowed in either period; they are not compared. */
  features: z
    .record(oneLine(250), AnyFeature)
    .refine((features) => Object.keys(features).length <= MOST_FEATURES, {
      message: `at most ${MOST_FEATURES} features`,
    }),
});
export type Histograms = z.infer<typeof Histograms>;
export type Feature = Histograms['features'][string];

/** Rows of one feature in both periods, in the same bins. */
export interface Binned {
  readonly reference: readonly number[];
  readonly current: readonly number[];
  /** Whether the order of the bins means anything. */
  readonly ordered: boolean;
}

/** Both periods in the same bins; null if these differ. A value that one period does not have is none of its rows. */
export function binned(reference: Feature, current: Feature): Binned | null {
  if ('edges' in reference && 'edges' in current) {
    const same =
      reference.edges.length === current.edges.length &&
      reference.edges.every((edge, at) => edge === current.edges[at]);
    return same ? { reference: reference.counts, current: current.counts, ordered: true } : null;
  }
  if ('edges' in reference || 'edges' in current) return null;
  const values = [...new Set([...reference.values, ...current.values])];
  const rows = (of: typeof reference) => {
    const counts = new Map(of.values.map((value, at) => [value, of.counts[at] ?? 0]));
    return values.map((value) => counts.get(value) ?? 0);
  };
  return { reference: rows(reference), current: rows(current), ordered: false };
}

export const totalOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** Expected rows without which a cell is no cell of its own. */
const FEWEST_IN_CELL = 5;

/** How many cells so many rows in the smaller period allow. */
export const cellsFor = (reference: number, current: number): number =>
  Math.min(10, Math.floor(Math.min(reference, current) / FEWEST_IN_CELL));

/**
 * The bins as at most `most` cells with about as many rows of the reference each (quantile bins), or with the most frequent
 * values and all others. A cell in which neither period lets expect five rows of the smaller one joins its neighbour.
 */
export function cellsOf({ reference, current, ordered }: Binned, most: number): [number, number][] {
  const [m, n] = [totalOf(reference), totalOf(current)];
  const pairs = reference.map((count, at): [number, number] => [count, current[at] ?? 0]);
  if (!ordered) pairs.sort(([a, b], [c, d]) => c / m + d / n - a / m - b / n);
  const cells = new Map<number, [number, number]>();
  let below = 0;
  for (const [at, [ours, theirs]] of pairs.entries()) {
    const cell = ordered
      ? Math.min(most - 1, Math.floor((most * (below + ours / 2)) / m))
      : Math.min(most - 1, at);
    const [a, b] = cells.get(cell) ?? [0, 0];
    cells.set(cell, [a + ours, b + theirs]);
    below += ours;
  }
  const smaller = Math.min(m, n);
  const merged: [number, number][] = [];
  for (const [a, b] of cells.values()) {
    const last = merged.at(-1);
    const isFull = ([x, y]: [number, number]) => Math.max(x / m, y / n) * smaller >= FEWEST_IN_CELL;
    if (last !== undefined && !(isFull([a, b]) && isFull(last)))
      merged[merged.length - 1] = [last[0] + a, last[1] + b];
    else merged.push([a, b]);
  }
  return merged;
}
