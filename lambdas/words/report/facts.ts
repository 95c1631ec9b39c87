import type { Listed } from '../../domain/report/decision.ts';
import { publicMessage, visible } from '../../domain/visible-text.ts';
import { show } from '../numbers.ts';

/** Facts of a comparison that are listed as they are named, such as gates, checks and changes. */

/** Rows of a list, columns of a row, and characters of a value at most. */
const MAX_ROWS = 100;
const MAX_COLUMNS = 8;
const MAX_LENGTH = 300;
/** Levels of lists and objects within one value. */
const MAX_DEPTH = 3;

export type Facts = Readonly<Record<string, unknown>>;

type Cell = Listed['rows'][number][number];

/** A list of objects, or an object, as a table; null where there is nothing to list. Never throws. */
export function factsIn(value: unknown): Listed | null {
  const rows = rowsIn(value);
  if (rows.length === 0) return null;
  const shown = rows.slice(0, MAX_ROWS);
  const columns = [...new Set(shown.flatMap((row) => Object.keys(row)))].slice(0, MAX_COLUMNS);
  return {
    columns: columns.map((name) => visible(name, 60)),
    rows: shown.map((row) => columns.map((name) => cellOf(row[name]))),
    left_out: rows.length - shown.length,
  };
}

function rowsIn(value: unknown): Facts[] {
  if (Array.isArray(value)) return value.map((each) => (isFacts(each) ? each : { value: each }));
  if (!isFacts(value)) return [];
  return Object.entries(value).flatMap(([of, each]) =>
    Array.isArray(each) && each.every(isFacts)
      ? each.map((one) => ({ of, ...one }))
      : each === null || each === undefined
        ? []
        : [{ of, value: each }],
  );
}

const isFacts = (value: unknown): value is Facts =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function cellOf(value: unknown): Cell {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return value === null || value === undefined ? null : publicMessage(plain(value, MAX_DEPTH), MAX_LENGTH);
}

/** A value in one line: `a, b` for a list, `name: value; …` for an object. */
function plain(value: unknown, depth: number): string {
  if (typeof value === 'string') return value.slice(0, MAX_LENGTH * 2);
  if (typeof value === 'number') return show(value);
  if (depth === 0) return '…';
  if (Array.isArray(value))
    return value
      .slice(0, 20)
      .map((each) => plain(each, depth - 1))
      .join(', ');
  if (isFacts(value))
    return Object.entries(value)
      .slice(0, 20)
      .map(([name, each]) => `${name}: ${plain(each, depth - 1)}`)
      .join('; ');
  return String(value);
}
