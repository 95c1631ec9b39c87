/**
 * Canonical text of cells, so that the same row is the same in every format. A file's cell is text (or missing): CSV has
 * nothing else, and table JSON and Parquet are read as the text that CSV would have.
 */

/** A number as JSON writes one. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INTEGER = /^-?(?:0|[1-9]\d*)$/;
/** Integers that pandas has turned into floats, because one of the column was missing. */
const WHOLE = /^(-?(?:0|[1-9]\d*))(?:\.0+)?$/;
const TRUTH: Readonly<Record<string, number>> = { True: 1, true: 1, False: 0, false: 0 };

/** True for a cell without a value: empty in CSV, `nan` from Python, null elsewhere. */
export const isMissing = (cell: string | null): cell is null =>
  cell === null || cell === '' || cell === 'nan' || cell === 'NaN';

/**
 * The number that a cell is, `True` and `False` being 1 and 0; null for text, also for an integer that a double does not
 * hold (2^53 and more: those are ids). May be infinite.
 */
export function numberOf(cell: string): number | null {
  if (Object.hasOwn(TRUTH, cell)) return TRUTH[cell] ?? null;
  if (!NUMBER.test(cell)) return null;
  const value = Number(cell);
  return INTEGER.test(cell) && !Number.isSafeInteger(value) ? null : value;
}

const double = new DataView(new ArrayBuffer(8));

/** An integer below 2^53 in size as its digits, any other number as the 16 hexadecimal digits of its IEEE 754 double. */
export function canonicalNumber(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  double.setFloat64(0, value);
  return double.getBigUint64(0).toString(16).padStart(16, '0');
}

/** The canonical text of a label or a prediction: that of its number (`1.0` is `1`), else the text as it is. */
export function canonicalValue(cell: string): string {
  const value = numberOf(cell);
  return value === null ? cell : canonicalNumber(value);
}

/** The canonical text of a row id: an integer without `.0`, everything else as it is (`007` and `1.10` stay). */
export function canonicalId(cell: string): string {
  const whole = WHOLE.exec(cell)?.[1];
  if (whole === undefined) return cell;
  return whole === '-0' ? '0' : whole;
}
