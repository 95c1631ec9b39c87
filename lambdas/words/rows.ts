import type { NotByRows } from '../domain/comparison/by-rows.ts';
import type { FileProblem, RowsProblem } from '../domain/rows/problems.ts';
import { visible } from '../domain/visible-text.ts';
import { show } from './numbers.ts';

/** The texts about per-row evidence. Paths, columns and a parser's message are untrusted text. */

const MAX_NAME = 80;
const name = (text: string) => `"${visible(text, MAX_NAME)}"`;
const names = (all: readonly string[]) => all.slice(0, 4).map(name).join(', ');

/** Why the rows that are there cannot be used. */
export function rowsProblem(problem: RowsProblem): string {
  switch (problem.code) {
    case 'duplicate-ids':
      return `${problem.count} row ids of the ${problem.of} stand for rows that contradict each other`;
    case 'ids-differ':
      return `the rows differ: ${problem.onlyChampion} row ids only the champion has, ${problem.onlyChallenger} only the challenger`;
    case 'labels-differ':
      return `the rows differ: ${problem.count} of them have other labels`;
    case 'sizes-differ':
      return `the rows differ: ${problem.champion} of the champion and ${problem.challenger} of the challenger, and they have no ids`;
    case 'not-matchable':
      return 'the rows cannot be matched: they need a row id in both files, or labels in both';
    case 'nothing-in-common':
      return 'no prediction, probability or loss is in the rows of both';
    default:
      return `rows of the ${problem.of}: ${fileProblem(problem)}`;
  }
}

function fileProblem(problem: FileProblem): string {
  switch (problem.code) {
    case 'no-file':
      return `none of ${names(problem.looked)} is there`;
    case 'several-files':
      return `several tables are logged (${names(problem.paths)}), and the policy names none of them`;
    case 'too-large':
      return `${name(problem.path)} has more than ${show(problem.limit / 1e6)} MB${problem.what === 'inflated' ? ' when inflated' : ''}`;
    case 'too-many-rows':
      return `${name(problem.path)} has more than ${problem.limit} rows`;
    case 'no-rows':
      return `${name(problem.path)} has no rows`;
    case 'unreadable':
      return `${name(problem.path)} is no whole ${problem.format} file (${visible(problem.what, MAX_NAME)})`;
    case 'no-column':
      return `${name(problem.path)} has no column ${names(problem.names)}`;
    case 'column-twice':
      return `${name(problem.path)} has column ${name(problem.column)} twice`;
    case 'values-too-long':
      return `column ${name(problem.column)} of ${name(problem.path)} holds values that are too long`;
    case 'not-numeric':
      return `column ${name(problem.column)} of ${name(problem.path)} holds text in ${problem.count} rows, the first is row ${problem.row}`;
    case 'missing-values':
      return `column ${name(problem.column)} of ${name(problem.path)} is empty in ${problem.count} rows, the first is row ${problem.row}`;
  }
}

/** Why a metric is not tested on the rows. */
export function notByRows(why: NotByRows): string {
  switch (why.code) {
    case 'no-measure':
      return 'it is not known how the metric follows from the rows';
    case 'no-column':
      return `the rows have no ${why.column}`;
    case 'not-binary':
      return 'labels and predictions of the rows are not all 0 and 1';
    case 'refused':
      return refusedText(why);
  }
}

function refusedText({ refused, have, fewest }: Extract<NotByRows, { code: 'refused' }>): string {
  switch (refused) {
    case 'too-few-rows':
    case 'too-few-clusters':
    case 'too-few-positives':
    case 'too-few-negatives':
    case 'too-few-folds':
    case 'too-few-retrains':
      return `${have} ${refused.slice('too-few-'.length)} are too few, at least ${fewest} are needed`;
    case 'not-finite':
      return 'the rows hold a number that is not finite';
    case 'no-variance':
      return 'all values are equal';
    case 'undefined-metric':
      return 'the metric is not defined on these rows';
  }
}
