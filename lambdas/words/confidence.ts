import type { Basis, Comparison } from '../domain/payloads.ts';
import { percent, probability } from './numbers.ts';

/** How sure a comparison was, and in which sense: a confidence is never shown without its method and grade. */

/** What a confidence is: it can be read after "100.0% =" or, where nothing was compared, alone. */
export const METHODS: Readonly<Record<Basis, string>> = {
  probability: 'one minus the one-sided p-value of an unpaired comparison',
  share: 'weighted share of passed rules, not a probability',
  limits: 'weighted share of limits met, not a probability; there is no champion to compare with',
  same: 'not compared: challenger and champion are the same version',
  none: 'not compared',
};

const MEANING_OF_GRADE: Readonly<Record<NonNullable<Comparison['evidence_grade']>, string>> = {
  A: 'grade A: both evaluated on the same rows',
  B: 'grade B: both evaluated on the same folds or seeds',
  C: 'grade C',
  D: 'grade D: compared with the spread of earlier versions',
  E: 'grade E: point values only',
};

type Judgement = Pick<Comparison, 'confidence' | 'basis' | 'method' | 'evidence_grade'>;

/** The method with the grade of the evidence, such as "weighted share of … (grade E: point values only)". */
export function methodText({
  method,
  evidence_grade: grade,
}: Pick<Judgement, 'method' | 'evidence_grade'>): string {
  return grade === null ? method : `${method} (${MEANING_OF_GRADE[grade]})`;
}

/** The confidence with its method and grade, or that nothing was compared. The method is not in visible form yet. */
export function confidenceText(comparison: Judgement): string {
  const { confidence, basis, method } = comparison;
  if (basis === 'none' || basis === 'same') return method;
  const shown = !Number.isFinite(confidence)
    ? 'unknown'
    : basis === 'probability'
      ? probability(confidence)
      : percent(confidence);
  return `${shown} = ${methodText(comparison)}`;
}
