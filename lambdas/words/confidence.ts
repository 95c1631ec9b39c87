import type { Basis, Comparison } from '../domain/payloads.ts';
import { percent, probability } from './numbers.ts';

/** The confidence of a comparison, which is never shown without its method and grade. */

/** The method of a confidence, shown after "100.0% =" or, without a comparison, alone. */
export const METHODS: Readonly<Record<Basis, string>> = {
  probability: 'one minus the one-sided p-value of an unpaired comparison',
  share: 'weighted share of passed rules, not a probability',
  limits: 'weighted share of limits met, not a probability; there is no champion to compare with',
  same: 'not compared: challenger and champion are the same version',
  none: 'not compared',
};

/** `probability`, by grade; of the others as above. */
export const PROBABILITY: Partial<Readonly<Record<NonNullable<Comparison['evidence_grade']>, string>>> = {
  A: 'one minus the one-sided p-value of a test on the same rows',
  B: 'one minus the one-sided p-value of a test on folds or seeds: of the way of training, not of these two versions',
  D: 'one minus the one-sided p-value against the spread of earlier versions on the same data',
};

const MEANING_OF_GRADE: Readonly<Record<NonNullable<Comparison['evidence_grade']>, string>> = {
  A: 'grade A: both evaluated on the same rows',
  B: 'grade B: both evaluated on the same folds or seeds',
  C: 'grade C',
  D: 'grade D: compared with the spread of earlier versions',
  E: 'grade E: point values only',
};

type ConfidenceFacts = Pick<Comparison, 'confidence' | 'basis' | 'method' | 'evidence_grade'>;

/** The method with the grade of the evidence, such as "weighted share of … (grade E: point values only)". */
export function methodText({
  method,
  evidence_grade: grade,
}: Pick<ConfidenceFacts, 'method' | 'evidence_grade'>): string {
  return grade === null ? method : `${method} (${MEANING_OF_GRADE[grade]})`;
}

/** The confidence with its method and grade, or that nothing was compared. The method is not yet in visible form. */
export function confidenceText(comparison: ConfidenceFacts): string {
  const { confidence, basis, method } = comparison;
  if (basis === 'none' || basis === 'same') return method;
  const shown = !Number.isFinite(confidence)
    ? 'unknown'
    : basis === 'probability'
      ? probability(confidence)
      : percent(confidence);
  return `${shown} = ${methodText(comparison)}`;
}
