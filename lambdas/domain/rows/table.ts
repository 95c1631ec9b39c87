import { canonicalId, canonicalNumber, canonicalValue, isMissing, numberOf } from './cells.ts';
import { type FileProblem, RowsStop } from './problems.ts';
import type { RowsSpec } from './spec.ts';
import { type Role, roles } from './usual.ts';

/** One column of the rows. Text of ids, labels and predictions is canonical (`cells.ts`), of other columns as it is. */
export type Column =
  | { readonly kind: 'number'; readonly values: Float64Array }
  | { readonly kind: 'text'; readonly values: readonly string[] };

/** The rows of one file: the columns that were asked for and found. Ids, clusters and slices are always text. */
export interface RowsTable {
  readonly n: number;
  readonly columns: Readonly<Partial<Record<Role, Column>>>;
  /** The names of these columns in the file. */
  readonly names: Readonly<Partial<Record<Role, string>>>;
}

/** Characters of one cell, and of all cells that are kept as text: their memory. */
const MAX_CELL = 500;
const MAX_TEXT = 16_000_000;

/** A column that was chosen, and where it stands in the file. */
export interface Chosen {
  readonly role: Role;
  readonly name: string;
  readonly index: number;
}

const MEASURES: readonly Role[] = ['prediction', 'probability', 'loss'];
const NUMERIC: readonly Role[] = ['probability', 'loss'];

/**
 * The columns to read of those that a file has. Throws `RowsStop` where one that the policy names is missing, where there is
 * no measure at all, or where a name stands twice.
 */
export function chooseColumns(header: readonly string[], spec: RowsSpec, path: string): Chosen[] {
  const chosen = roles.flatMap((role): Chosen[] => {
    const { names, named } = spec.columns[role];
    const name = names.find((each) => header.includes(each));
    if (name !== undefined) return [{ role, name, index: header.indexOf(name) }];
    if (named) throw new RowsStop({ code: 'no-column', path, role, names });
    return [];
  });
  const twice = chosen.find(({ name, index }) => header.lastIndexOf(name) !== index);
  if (twice !== undefined) {
    throw new RowsStop({ code: 'column-twice', path, column: twice.name });
  }
  if (!chosen.some(({ role }) => MEASURES.includes(role))) {
    const names = MEASURES.flatMap((role) => spec.columns[role].names);
    throw new RowsStop({ code: 'no-column', path, role: null, names });
  }
  return chosen;
}

/** Collects the cells of a file while it is read; throws `RowsStop` as soon as they are too many or unusable. */
export class TableBuilder {
  readonly #path: string;
  readonly #maxRows: number;
  readonly #columns: Collected[];
  #rows = 0;

  constructor(chosen: readonly Chosen[], path: string, maxRows: number) {
    this.#path = path;
    this.#maxRows = maxRows;
    const budget = { left: MAX_TEXT };
    this.#columns = chosen.map((column) => new Collected(column, budget));
  }

  /** Adds one row; `cell` gives the cell at a place of the file's columns. */
  addRow(cell: (index: number) => string | null): void {
    this.expect(this.#rows + 1);
    this.#rows += 1;
    for (const column of this.#columns) this.#add(column, cell(column.index));
  }

  /** Adds the cells of one column, for files that are stored by column; `expect` says how many rows there are. */
  addColumn(name: string, cells: Iterable<string | null>): void {
    for (const column of this.#columns.filter((each) => each.name === name)) {
      for (const cell of cells) this.#add(column, cell);
    }
  }

  /** Throws when so many rows are too many. */
  expect(rows: number): void {
    if (rows > this.#maxRows) {
      throw new RowsStop({ code: 'too-many-rows', path: this.#path, limit: this.#maxRows });
    }
  }

  finish(): RowsTable {
    const n = this.#columns[0]?.size ?? 0;
    if (n === 0) throw new RowsStop({ code: 'no-rows', path: this.#path });
    const found = this.#columns.map((column) => [column.role, column.finish(this.#path)] as const);
    return {
      n,
      columns: Object.fromEntries(found),
      names: Object.fromEntries(this.#columns.map(({ role, name }) => [role, name])),
    };
  }

  #add(column: Collected, cell: string | null): void {
    if (column.add(cell)) return;
    throw new RowsStop({ code: 'values-too-long', path: this.#path, column: column.name });
  }
}

class Collected {
  readonly role: Role;
  readonly name: string;
  readonly index: number;
  readonly #budget: { left: number };
  readonly #texts: string[] = [];
  readonly #numbers: number[] = [];
  readonly #missing = { count: 0, row: 0 };
  readonly #notNumeric = { count: 0, row: 0 };
  size = 0;

  constructor({ role, name, index }: Chosen, budget: { left: number }) {
    this.role = role;
    this.name = name;
    this.index = index;
    this.#budget = budget;
  }

  /** False when the cell is too long. */
  add(cell: string | null): boolean {
    this.size += 1;
    const isGroup = this.role === 'cluster' || this.role === 'slice';
    if (isMissing(cell) && !isGroup) note(this.#missing, this.size);
    if (NUMERIC.includes(this.role)) {
      const value = isMissing(cell) ? 0 : numberOf(cell);
      if (value === null || !Number.isFinite(value)) note(this.#notNumeric, this.size);
      this.#numbers.push(value ?? 0);
      return true;
    }
    const text = cell ?? '';
    this.#budget.left -= text.length;
    if (text.length > MAX_CELL || this.#budget.left < 0) return false;
    this.#texts.push(this.role === 'id' ? canonicalId(text) : text);
    return true;
  }

  /** A label or a prediction is a number where all its cells are. */
  finish(path: string): Column {
    const { name: column } = this;
    const problem = (code: 'missing-values' | 'not-numeric', { count, row }: Noted): FileProblem => ({
      code,
      path,
      column,
      count,
      row,
    });
    if (this.#missing.count > 0) throw new RowsStop(problem('missing-values', this.#missing));
    if (this.#notNumeric.count > 0) throw new RowsStop(problem('not-numeric', this.#notNumeric));
    if (NUMERIC.includes(this.role)) return { kind: 'number', values: Float64Array.from(this.#numbers) };
    if (this.role !== 'label' && this.role !== 'prediction') return { kind: 'text', values: this.#texts };
    const values = new Float64Array(this.size);
    for (const [row, text] of this.#texts.entries()) {
      const value = numberOf(text);
      if (value === null || !Number.isFinite(value)) {
        return { kind: 'text', values: this.#texts.map(canonicalValue) };
      }
      values[row] = value;
    }
    return { kind: 'number', values };
  }
}

interface Noted {
  count: number;
  row: number;
}

function note(noted: Noted, row: number): void {
  if (noted.count === 0) noted.row = row;
  noted.count += 1;
}

/** The canonical text of one cell. */
export const textAt = (column: Column, row: number): string =>
  column.kind === 'text' ? (column.values[row] ?? '') : canonicalNumber(column.values[row] ?? 0);
