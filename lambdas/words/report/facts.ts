import type { AllocationFacts } from '../../domain/comparison/paired-facts.ts';
import type { Changes, GateResult } from '../../domain/gates/gate-result.ts';
import type { Listed } from '../../domain/report/decision.ts';
import { publicMessage, visible } from '../../domain/visible-text.ts';
import { CHANGE_LABELS, changeValue } from '../changes.ts';
import { GATE_RESULTS } from '../gates.ts';

/** Facts of a comparison as tables. Names, tags and values in them are untrusted text. */

/** Rows of a table, and characters of a cell, at most. */
const MAX_ROWS = 60;
const MAX_NAME = 100;
const MAX_REASON = 400;

type Row = Listed['rows'][number];

const listedOf = (columns: string[], rows: readonly Row[], leftOut = 0): Listed | null =>
  rows.length === 0
    ? null
    : {
        columns,
        rows: rows.slice(0, MAX_ROWS),
        left_out: leftOut + Math.max(0, rows.length - MAX_ROWS),
      };

/** Gates, or checks, with their results; null where there are none. */
export const gatesListed = (all: readonly GateResult[] = []): Listed | null =>
  listedOf(
    ['Name', 'Result', 'Reason'],
    all
      .slice(0, MAX_ROWS)
      .map(({ name, result, dry_run: dry, reason }) => [
        visible(name, MAX_NAME),
        `${GATE_RESULTS[result]}${dry && result === 'failed' ? ' (dry run: does not block)' : ''}`,
        reason === '' ? null : publicMessage(reason, MAX_REASON),
      ]),
    Math.max(0, all.length - MAX_ROWS),
  );

/** What changed since the champion, with what one side does not say; null where no change is known. */
export function changesListed(changes: Changes | undefined): Listed | null {
  if (changes === undefined || changes.listed.length === 0) return null;
  const { listed, unknown, left_out: leftOut } = changes;
  const value = (what: (typeof unknown)[number], text: string | null) =>
    text === null ? null : changeValue(what, text);
  return listedOf(
    ['What', 'Name', 'Champion', 'Challenger'],
    [
      ...listed.map(
        ({ what, name, before, after }): Row => [
          CHANGE_LABELS[what],
          name === null ? null : visible(name, MAX_NAME),
          value(what, before),
          value(what, after),
        ],
      ),
      ...unknown.map((what): Row => [CHANGE_LABELS[what], null, 'not known', 'not known']),
    ],
    leftOut,
  );
}

const CANDIDATES_FROM = {
  declared: 'declared by the pipeline',
  counted: 'runs that MLflow found',
  'at-least': 'runs that MLflow found, and there are more',
  'not-declared': 'nowhere: not declared',
} as const satisfies Record<AllocationFacts['candidates_from'], string>;

/** What the risk of a claim was divided by; null without a claim. */
export function allocationListed(allocation: AllocationFacts | undefined): Listed | null {
  if (allocation === undefined) return null;
  const { policy_alpha: alpha, budget, comparisons, uses, candidates, at_least, warning } = allocation;
  return listedOf(
    ['What', 'Value'],
    [
      ['Risk that the policy sets', alpha],
      ['Needless promotions a year that it accepts', budget],
      ['Comparisons in a year', comparisons],
      ['Challengers on the same rows', uses],
      ...(at_least ? [['Counted in', 'the newest entries of the ledger: there are more']] : []),
      ...(warning
        ? [['Warning', 'these rows were used so often that they wear out: evaluate on new ones']]
        : []),
      ['Candidates that the challenger is the best of', candidates],
      ...(allocation.max_t === true ? [['Tested', 'on the rows of all of them (max-T)']] : []),
      ['Their number is from', CANDIDATES_FROM[allocation.candidates_from]],
    ],
  );
}
