import type { Scored } from '../paired/auc.ts';
import type { JoinedRows, Measures } from '../rows/join.ts';
import { type Column, textAt } from '../rows/table.ts';

/** The values of each row that metrics are computed from. */

/** Predictions as logged, else by a probability of at least one half. */
export function predictionOf({ prediction, probability }: Measures): Column | null {
  if (prediction !== null || probability === null) return prediction;
  return { kind: 'number', values: probability.map((each) => (each >= 0.5 ? 1 : 0)) };
}

/** Why rows have no labels and probabilities of two classes. */
type NotScored =
  | { readonly code: 'no-column'; readonly column: 'label' | 'probability' }
  | { readonly code: 'not-binary' };

export function scoredOf(rows: JoinedRows): Scored | NotScored {
  const labels = rows.label === null ? null : binary(rows.label);
  const [champion, challenger] = [rows.champion.probability, rows.challenger.probability];
  if (rows.label === null) return { code: 'no-column', column: 'label' };
  if (labels === null) return { code: 'not-binary' };
  if (champion === null || challenger === null) return { code: 'no-column', column: 'probability' };
  return { labels, champion, challenger };
}

const TRUE = new Set(['1', 'true', 'True', 'TRUE']);
const FALSE = new Set(['0', 'false', 'False', 'FALSE']);

/** 0 and 1 (or false and true); null where there is another value. */
export function binary(column: Column): Uint8Array | null {
  const found = new Uint8Array(column.values.length);
  for (let row = 0; row < found.length; row += 1) {
    const text = textAt(column, row);
    if (TRUE.has(text)) found[row] = 1;
    else if (!FALSE.has(text)) return null;
  }
  return found;
}

export const numbers = (column: Column | null) => (column?.kind === 'number' ? column.values : null);
/** Row by row: 1 where the prediction is the label. */
export const rightOf = (label: Column, prediction: Column) =>
  Float64Array.from({ length: label.values.length }, (_, row) =>
    textAt(prediction, row) === textAt(label, row) ? 1 : 0,
  );
/** Row by row: the size of the error, to a power. */
export const errorsOf = (predicted: Float64Array, label: Float64Array, power: number) =>
  predicted.map((value, row) => Math.abs(value - (label[row] ?? Number.NaN)) ** power);
export const minus = (a: Float64Array, b: Float64Array) =>
  a.map((value, row) => value - (b[row] ?? Number.NaN));
export const meanOf = (all: Float64Array) => all.reduce((sum, value) => sum + value, 0) / all.length;
