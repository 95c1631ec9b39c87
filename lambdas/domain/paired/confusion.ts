import { acceleration, bca, type Drawn } from './bootstrap.ts';
import { FEWEST_UNITS } from './mean.ts';
import { poissonSampler, seeded } from './random.ts';
import type { Answer, Tested } from './test-result.ts';

/** Metrics of one classifier from its confusion matrix; every one is better when higher. */
export const confusionMetrics = [
  'accuracy',
  'precision',
  'recall',
  'f1',
  'balanced_accuracy',
  'mcc',
] as const;
export type ConfusionMetric = (typeof confusionMetrics)[number];

/**
 * The rows of two classifiers fall into eight cells: 4 · label + 2 · champion's prediction + challenger's prediction, each 0
 * or 1.
 */
export const CELLS = 8;
export const cellOf = (label: 0 | 1, champion: 0 | 1, challenger: 0 | 1): number =>
  4 * label + 2 * champion + challenger;

/** Counts or weights of a confusion matrix. */
interface Confusion {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
}

/** The metric as scikit-learn defines it; NaN where it divides by zero (scikit-learn then says 0). */
export function metricOf({ tp, fp, fn, tn }: Confusion, metric: ConfusionMetric): number {
  switch (metric) {
    case 'accuracy':
      return (tp + tn) / (tp + fp + fn + tn);
    case 'precision':
      return tp / (tp + fp);
    case 'recall':
      return tp / (tp + fn);
    case 'f1':
      return (2 * tp) / (2 * tp + fp + fn);
    case 'balanced_accuracy':
      return (tp / (tp + fn) + tn / (tn + fp)) / 2;
    case 'mcc':
      return (tp * tn - fp * fn) / Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
  }
}

/** Challenger minus champion, from the eight counts or weights. */
export function gainOfCells(cells: ArrayLike<number>, metric: ConfusionMetric): number {
  const at = (cell: number) => cells[cell] ?? 0;
  const champion = { tp: at(6) + at(7), fp: at(2) + at(3), fn: at(4) + at(5), tn: at(0) + at(1) };
  const challenger = { tp: at(5) + at(7), fp: at(1) + at(3), fn: at(4) + at(6), tn: at(0) + at(2) };
  return metricOf(challenger, metric) - metricOf(champion, metric);
}

/** The counts of the cells, from the cell of each row; with weights, their sums. */
export function countCells(cellOfRow: Uint8Array, weights?: Uint8Array): Float64Array {
  const cells = new Float64Array(CELLS);
  for (let row = 0; row < cellOfRow.length; row += 1) {
    const cell = cellOfRow[row] ?? 0;
    cells[cell] = (cells[cell] ?? 0) + (weights?.[row] ?? 1);
  }
  return cells;
}

/**
 * The paired bootstrap (BCa) of a metric of the confusion matrix. Resampling rows is resampling the eight counts, each
 * Poisson: the total varies with them, on which none of these metrics depends. The cost does not depend on the number of
 * rows. For clustered rows use `resampledGain` with `countCells`.
 */
export function confusionGain(
  counts: Float64Array,
  metric: ConfusionMetric,
  tested: Tested,
  drawn: Drawn,
): Answer {
  const n = counts.reduce((sum, count) => sum + count, 0);
  if (n < FEWEST_UNITS) return { refused: 'too-few-rows', have: n, fewest: FEWEST_UNITS };
  const random = seeded(drawn.seed);
  const samplers = Array.from(counts, (count) => (count === 0 ? () => 0 : poissonSampler(count, random)));
  const resample = new Float64Array(CELLS);
  const filled = [...counts.keys()].filter((cell) => (counts[cell] ?? 0) > 0);
  const without = Float64Array.from(filled, (cell) =>
    gainOfCells(
      counts.map((count, other) => (other === cell ? count - 1 : count)),
      metric,
    ),
  );
  return bca(
    {
      method: 'bca-cells',
      n,
      units: n,
      estimate: gainOfCells(counts, metric),
      skew: acceleration(
        without,
        Float64Array.from(filled, (cell) => counts[cell] ?? 0),
      ),
      replicate: () => {
        for (let cell = 0; cell < CELLS; cell += 1) resample[cell] = samplers[cell]?.() ?? 0;
        return gainOfCells(resample, metric);
      },
    },
    tested,
    drawn,
  );
}
