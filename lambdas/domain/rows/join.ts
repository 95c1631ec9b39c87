import { fingerprint } from './fingerprint.ts';
import type { JoinProblem, Side } from './problems.ts';
import { type Column, type RowsTable, textAt } from './table.ts';

/** What one version gave for each row; null where its file has no such column. */
export interface Measures {
  readonly prediction: Column | null;
  readonly probability: Float64Array | null;
  readonly loss: Float64Array | null;
}

/** The rows of both versions, in the order of time where the ids are times, else in that of the challenger's file. */
export interface JoinedRows {
  readonly n: number;
  readonly matchedBy: 'id' | 'position';
  /** Rows that stood in a file more than once, exactly alike, as `log_table` leaves them when it is called again. */
  readonly dropped: { readonly champion: number; readonly challenger: number };
  /** See `fingerprint`. */
  readonly fingerprint: string;
  readonly label: Column | null;
  readonly champion: Measures;
  readonly challenger: Measures;
  readonly cluster: readonly string[] | null;
  readonly slice: readonly string[] | null;
}

/** The rows of one version alone, such as a first model's. */
export interface SingleRows {
  readonly n: number;
  readonly dropped: number;
  readonly fingerprint: string;
}

type Or<T> = { readonly rows: T } | { readonly problem: JoinProblem };

/** The rows of one version, each once. */
export function singleRows(table: RowsTable): Or<SingleRows> {
  const kept = distinct(table);
  if ('contradicting' in kept) return duplicates(kept.contradicting, 'challenger');
  const { rows } = kept;
  return { rows: { n: rows.length, dropped: table.n - rows.length, fingerprint: fingerprint(table, rows) } };
}

/**
 * Joins the rows of two versions: by id, where both have one; by position, where neither has one and all labels agree row by
 * row. Ids and labels have to be the same on both sides: a part of the rows is not the data that either was evaluated on.
 */
export function joinRows(champion: RowsTable, challenger: RowsTable): Or<JoinedRows> {
  const before = distinct(champion);
  if ('contradicting' in before) return duplicates(before.contradicting, 'champion');
  const kept = distinct(challenger);
  if ('contradicting' in kept) return duplicates(kept.contradicting, 'challenger');
  const after = { rows: inOrderOfTime(challenger, kept.rows) };
  const pairs = matched(champion, before.rows, challenger, after.rows);
  if ('problem' in pairs) return pairs;
  const differing = labelsDiffer(champion, challenger, pairs.rows, after.rows);
  if (differing > 0) return { problem: { code: 'labels-differ', count: differing } };
  const sides = { champion: measures(champion, pairs.rows), challenger: measures(challenger, after.rows) };
  const common = (['prediction', 'probability', 'loss'] as const).some(
    (measure) => sides.champion[measure] !== null && sides.challenger[measure] !== null,
  );
  if (!common) return { problem: { code: 'nothing-in-common' } };
  const group = (role: 'cluster' | 'slice') => {
    if (challenger.columns[role] !== undefined) return texts(challenger.columns[role], after.rows);
    return texts(champion.columns[role], pairs.rows);
  };
  return {
    rows: {
      n: after.rows.length,
      matchedBy: challenger.columns.id === undefined ? 'position' : 'id',
      dropped: {
        champion: champion.n - before.rows.length,
        challenger: challenger.n - after.rows.length,
      },
      fingerprint: fingerprint(challenger, after.rows),
      label: picked(challenger.columns.label, after.rows),
      ...sides,
      cluster: group('cluster'),
      slice: group('slice'),
    },
  };
}

const duplicates = (count: number, of: Side) => ({ problem: { code: 'duplicate-ids', of, count } }) as const;

/** A date, or a date and time in UTC or without a zone, as pandas and the standard library of Python write them. */
const TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|\+00:00)?)?$/;

/** The rows sorted by their ids where all of these are times: a test of a series takes them for neighbours. */
function inOrderOfTime({ columns: { id } }: RowsTable, rows: readonly number[]): readonly number[] {
  if (id === undefined || id.kind !== 'text') return rows;
  const text = (row: number) => id.values[row] ?? '';
  if (!rows.every((row) => TIME.test(text(row)))) return rows;
  return [...rows].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** The champion's row for each row of the challenger. */
function matched(
  champion: RowsTable,
  before: readonly number[],
  challenger: RowsTable,
  after: readonly number[],
): Or<readonly number[]> {
  const [old, id] = [champion.columns.id, challenger.columns.id];
  const bothLabelled = champion.columns.label !== undefined && challenger.columns.label !== undefined;
  const oneLabelled = champion.columns.label !== undefined || challenger.columns.label !== undefined;
  if (old !== undefined && id !== undefined) {
    if (oneLabelled && !bothLabelled) return { problem: { code: 'not-matchable' } };
    const places = new Map(before.map((row) => [textAt(old, row), row]));
    const found = after.flatMap((row) => places.get(textAt(id, row)) ?? []);
    const onlyChallenger = after.length - found.length;
    const onlyChampion = before.length - found.length;
    if (onlyChallenger === 0 && onlyChampion === 0) return { rows: found };
    return { problem: { code: 'ids-differ', onlyChampion, onlyChallenger } };
  }
  if (old !== undefined || id !== undefined || !bothLabelled) return { problem: { code: 'not-matchable' } };
  if (before.length === after.length) return { rows: before };
  return { problem: { code: 'sizes-differ', champion: before.length, challenger: after.length } };
}

function labelsDiffer(
  champion: RowsTable,
  challenger: RowsTable,
  before: readonly number[],
  after: readonly number[],
): number {
  const [old, label] = [champion.columns.label, challenger.columns.label];
  if (old === undefined || label === undefined) return 0;
  return after.filter((row, place) => textAt(label, row) !== textAt(old, before[place] ?? 0)).length;
}

/** Copies that a table without ids may consist of: more calls of `log_table` on one run are not looked for. */
const MAX_COPIES = 5;
/** Shorter tables may repeat themselves by chance. */
const FEWEST_ROWS_OF_A_COPY = 20;

/**
 * The rows that count: of an id that stands there several times the first, if all are alike, and of a table without ids that
 * is the same rows several times over, the first copy. `contradicting`: how many ids have rows that differ.
 */
function distinct(table: RowsTable): { rows: readonly number[] } | { contradicting: number } {
  const { id } = table.columns;
  const all = Array.from({ length: table.n }, (_, row) => row);
  if (id === undefined) {
    const copies = Array.from({ length: MAX_COPIES - 1 }, (_, index) => MAX_COPIES - index).find((count) => {
      const size = table.n / count;
      return (
        Number.isInteger(size) &&
        size >= FEWEST_ROWS_OF_A_COPY &&
        all.every((row) => isSameRow(table, row, row % size))
      );
    });
    return { rows: all.slice(0, table.n / (copies ?? 1)) };
  }
  const first = new Map<string, number>();
  const contradicting = new Set<string>();
  const rows = all.filter((row) => {
    const key = textAt(id, row);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, row);
    else if (!isSameRow(table, row, earlier)) contradicting.add(key);
    return earlier === undefined;
  });
  return contradicting.size > 0 ? { contradicting: contradicting.size } : { rows };
}

function isSameRow({ columns }: RowsTable, a: number, b: number): boolean {
  return Object.values(columns).every(({ values }) => values[a] === values[b]);
}

function measures({ columns }: RowsTable, rows: readonly number[]): Measures {
  const numbers = (column: Column | undefined) => {
    const found = picked(column, rows);
    return found?.kind === 'number' ? found.values : null;
  };
  return {
    prediction: picked(columns.prediction, rows),
    probability: numbers(columns.probability),
    loss: numbers(columns.loss),
  };
}

function picked(column: Column | undefined, rows: readonly number[]): Column | null {
  if (column === undefined) return null;
  if (column.kind === 'text') return { kind: 'text', values: rows.map((row) => column.values[row] ?? '') };
  return { kind: 'number', values: Float64Array.from(rows, (row) => column.values[row] ?? Number.NaN) };
}

function texts(column: Column | undefined, rows: readonly number[]): readonly string[] | null {
  return column === undefined ? null : rows.map((row) => textAt(column, row));
}
