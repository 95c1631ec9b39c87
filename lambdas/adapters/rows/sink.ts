import { RowsStop } from '../../domain/rows/problems.ts';
import type { RowsSpec } from '../../domain/rows/spec.ts';
import { type Chosen, chooseColumns, type RowsTable, TableBuilder } from '../../domain/rows/table.ts';

/** Where a parser puts what it reads: first the header, then the rows or the columns. */
export class Sink {
  readonly path: string;
  readonly #spec: RowsSpec;
  readonly #maxRows: number;
  #builder: TableBuilder | null = null;

  constructor(path: string, spec: RowsSpec, maxRows: number) {
    this.path = path;
    this.#spec = spec;
    this.#maxRows = maxRows;
  }

  /** The columns of the file that are wanted. Throws `RowsStop` where one is missing. */
  header(names: readonly string[]): readonly Chosen[] {
    const chosen = chooseColumns(names, this.#spec, this.path);
    this.#builder = new TableBuilder(chosen, this.path, this.#maxRows);
    return chosen;
  }

  row(cells: readonly (string | null)[]): void {
    this.#table().addRow((index) => cells[index] ?? null);
  }

  /** Throws `RowsStop` when so many rows are too many. */
  expect(rows: number): void {
    this.#table().expect(rows);
  }

  column(name: string, cells: Iterable<string | null>): void {
    this.#table().addColumn(name, cells);
  }

  finish(): RowsTable {
    return this.#table().finish();
  }

  #table(): TableBuilder {
    if (this.#builder === null) throw new RowsStop({ code: 'no-rows', path: this.path });
    return this.#builder;
  }
}
