import type { Role } from './usual.ts';

/**
 * Why per-row evidence cannot be used; outcomes, not errors. Paths, columns and values are untrusted text.
 *
 * - `no-file`: the run has none of the paths; `looked` names them.
 * - `several-files`: the run logged several tables, none of which is named by the policy or has a usual name.
 * - `too-large`: more bytes than the limit, as listed (`file`), as received (`file`) or when inflated (`inflated`).
 * - `too-many-rows`: more rows than the limit, found before or while reading.
 * - `no-rows`: the table is empty.
 * - `unreadable`: not a whole file of its format; `what` is the parser's code or message.
 * - `no-column`: no column of these names for a role that the policy names, or for any measure (`role: null`).
 * - `column-twice`: the file has two columns of this name.
 * - `values-too-long`: a value of the column has more characters than a cell may have, or all texts together are too long.
 * - `not-numeric`: text where numbers are needed; `count` cells, the first in `row`, counted from 1.
 * - `missing-values`: `count` cells of the column are empty, null or NaN, the first in `row`.
 */
export type FileProblem =
  | { readonly code: 'no-file'; readonly looked: readonly string[] }
  | { readonly code: 'several-files'; readonly paths: readonly string[] }
  | {
      readonly code: 'too-large';
      readonly path: string;
      readonly what: 'file' | 'inflated';
      readonly limit: number;
    }
  | { readonly code: 'too-many-rows'; readonly path: string; readonly limit: number }
  | { readonly code: 'no-rows'; readonly path: string }
  | {
      readonly code: 'column-twice' | 'values-too-long';
      readonly path: string;
      readonly column: string;
    }
  | { readonly code: 'unreadable'; readonly path: string; readonly format: Format; readonly what: string }
  | {
      readonly code: 'no-column';
      readonly path: string;
      readonly role: Role | null;
      readonly names: readonly string[];
    }
  | {
      readonly code: 'not-numeric';
      readonly path: string;
      readonly column: string;
      readonly count: number;
      readonly row: number;
    }
  | {
      readonly code: 'missing-values';
      readonly path: string;
      readonly column: string;
      readonly count: number;
      readonly row: number;
    };

export type Format = 'csv' | 'json' | 'parquet' | 'gzip';

/**
 * Why the rows of two versions cannot be joined.
 *
 * - `duplicate-ids`: `count` ids of one side have several rows that contradict each other.
 * - `ids-differ`: ids that only one side has.
 * - `labels-differ`: rows whose labels are not equal.
 * - `sizes-differ`: without ids, the tables have different numbers of rows.
 * - `not-matchable`: only one side has ids or labels, or neither has either.
 * - `nothing-in-common`: no measure (prediction, probability, loss) is in both.
 */
export type JoinProblem =
  | { readonly code: 'duplicate-ids'; readonly of: Side; readonly count: number }
  | { readonly code: 'ids-differ'; readonly onlyChampion: number; readonly onlyChallenger: number }
  | { readonly code: 'labels-differ'; readonly count: number }
  | { readonly code: 'sizes-differ'; readonly champion: number; readonly challenger: number }
  | { readonly code: 'not-matchable' | 'nothing-in-common' };

export type Side = 'champion' | 'challenger';

/** `of` says whose file it is. */
export type RowsProblem = (FileProblem & { readonly of: Side }) | JoinProblem;

/** Ends the reading of a file; caught by the reader of row files and by nobody else. */
export class RowsStop extends Error {
  override readonly name = 'RowsStop' as const;
  readonly problem: FileProblem;
  constructor(problem: FileProblem) {
    super(problem.code);
    this.problem = problem;
  }
}
