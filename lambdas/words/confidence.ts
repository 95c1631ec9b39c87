import { percent, probability } from '../domain/comparison/numbers.ts';
import { METHODS } from '../domain/comparison/recommendation.ts';
import type { Comparison } from '../domain/payloads.ts';

/** How sure a comparison was, and in which sense: a confidence is never shown without its method and grade. */

const MEANING_OF_GRADE: Readonly<Record<NonNullable<Comparison['evidence_grade']>, string>> = {
  A: 'grade A: both on the same rows',
  B: 'grade B: both on the same folds or seeds',
  C: 'grade C',
  D: 'grade D: against the spread of earlier versions',
  E: 'grade E: point values only',
};

type Judgement = Pick<Comparison, 'confidence' | 'method' | 'evidence_grade'>;

/** The method with the grade of the evidence, such as "weighted share of … (grade E: point values only)". */
export function methodText({ method, evidence_grade: grade }: Omit<Judgement, 'confidence'>): string {
  return grade === null ? method : `${method} (${MEANING_OF_GRADE[grade]})`;
}

/** The confidence with its method and grade, or that nothing was compared. The method is not in visible form yet. */
export function confidenceText(comparison: Judgement): string {
  const { confidence, method } = comparison;
  if (method === METHODS.none || method === METHODS.same) return method;
  const shown = !Number.isFinite(confidence)
    ? 'unknown'
    : method === METHODS.probability
      ? probability(confidence)
      : percent(confidence);
  return `${shown} = ${methodText(comparison)}`;
}
