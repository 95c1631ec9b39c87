import type { AllocationFacts } from '../domain/comparison/paired-facts.ts';
import type { Comparison } from '../domain/payloads.ts';
import { show } from './numbers.ts';

/** The risk at which a claim was tested, and what it was divided by. */

/** One line; null where no claim was tested, and in comparisons of earlier versions. */
export function riskText({ paired }: Pick<Comparison, 'paired'>): string | null {
  const { alpha = null, allocation } = paired ?? {};
  if (alpha === null || allocation === undefined) return null;
  const { policy_alpha: policy } = allocation;
  const parts = [
    alpha < policy ? `${points(alpha)} of ${points(policy)}` : points(policy),
    ...budgetText(allocation, policy),
    ...usesText(allocation),
    candidatesText(allocation),
  ];
  return parts.join('; ');
}

const points = (risk: number) => `${show(100 * risk, 3)}%`;

function budgetText({ budget, comparisons, at_least }: AllocationFacts, alpha: number): string[] {
  if (budget === null || budget / comparisons >= alpha) return [];
  return [`budget ${show(budget)} a year for ${at_least ? 'at least ' : ''}${comparisons} comparisons`];
}

function usesText({ uses, warning, at_least }: AllocationFacts): string[] {
  if (uses === 1) return [];
  const told = `${at_least ? 'at least ' : ''}${uses} challengers on the same rows`;
  return [warning ? `${told}, so often that they wear out: evaluate on new ones` : told];
}

function candidatesText({ candidates, candidates_from: from, max_t: together }: AllocationFacts): string {
  if (together === true) return `best of ${candidates} candidates, on the rows of all of them`;
  switch (from) {
    case 'not-declared':
      return 'number of candidates not declared';
    case 'declared':
      return `best of ${candidates}, as declared`;
    case 'counted':
      return candidates === 1 ? 'no other candidate found' : `best of ${candidates} runs found`;
    case 'at-least':
      return `best of at least ${candidates} runs found`;
  }
}
