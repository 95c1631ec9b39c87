import type { Comparison, Outcome } from '../payloads.ts';
import { publicMessage, visible } from '../visible-text.ts';
import { type Wording, wordingOf } from './wording.ts';

/** A line of an alert: a sentence of our own, or a value somebody else chose after a label of our own. */
export type Line = string | { readonly label: string; readonly value: string };

/** What an alert is made of, whatever the channel. Foreign text in it is in visible form already: one line each, of bounded length. */
export interface AlertParts {
  readonly words: Wording;
  readonly name: string;
  /** Why it happened: reason, errors, problems, holder. */
  readonly causes: readonly Line[];
  /** How sure the comparison was, and by which method; empty where nothing was compared. */
  readonly evidence: readonly Line[];
}

// Limits in characters. Together with 3 bytes for each, JSON's escapes and two copies of the text (`default` and
// `email`) they keep the whole SNS message below 262,144 bytes; a test tries the worst characters.
const LONGEST_NAME = 6000;
/** Of one value after a label. */
export const LONGEST_VALUE = 800;
const MOST_PROBLEMS = 10;

/** Puts an outcome into words. */
export function partsOf(outcome: Outcome): AlertParts {
  const { comparison, model_name: name } = outcome;
  return {
    words: wordingOf(outcome),
    name: name === null || name === '' ? 'unknown' : visible(name, LONGEST_NAME),
    causes: causesOf(outcome),
    evidence: comparison === null ? [] : evidenceLines(comparison),
  };
}

function causesOf(outcome: Outcome): Line[] {
  const { reason, error, rollback_error: rollbackError, rollback, problems, holder } = outcome;
  const lines: Line[] = [];
  const add = (label: string, text: string | null | undefined) => {
    if (text) lines.push({ label, value: publicMessage(text, LONGEST_VALUE) });
  };
  if (problems.length === 0) add('Reason', reason);
  if (error !== null && !reason.includes(error.message)) add('Error', `${error.name}: ${error.message}`);
  if (rollbackError !== null) add('Error of the rollback', `${rollbackError.name}: ${rollbackError.message}`);
  if (rollback !== null && !reason.includes(rollback.detail)) add('Rollback', rollback.detail);
  add('Lease held by', holder);
  for (const problem of problems.slice(0, MOST_PROBLEMS)) add('Problem', problem);
  if (problems.length > MOST_PROBLEMS) lines.push(`And ${problems.length - MOST_PROBLEMS} more problems.`);
  return lines;
}

const MEANING_OF_GRADE: Readonly<Record<NonNullable<Comparison['evidence_grade']>, string>> = {
  A: 'both versions on the same rows',
  B: 'both versions on the same folds or seeds',
  C: 'one number per version, with a known sample size',
  D: 'one number per version, against the spread of earlier ones',
  E: 'point values only, no uncertainty available',
};

/** Confidence as percent with one decimal, as the promotion message has always shown it. */
export const percent = (confidence: number | null) =>
  `${(100 * (Number.isFinite(confidence) ? (confidence ?? 0) : 0)).toFixed(1)}%`;

/** By which method a confidence was found: it is never shown without this. */
export function methodOf({ method, evidence_grade: grade }: Comparison): string {
  return `${method}; evidence grade ${grade === null ? 'none' : `${grade} (${MEANING_OF_GRADE[grade]})`}`;
}

function evidenceLines(comparison: Comparison): Line[] {
  const value = (label: string, text: string) => ({ label, value: visible(text, LONGEST_VALUE) });
  return [
    value('Decision', `${comparison.decision} by policy ${comparison.policy}`),
    value('Confidence', `${percent(comparison.confidence)} by ${methodOf(comparison)}`),
  ];
}
