import type { Claim } from './claims.ts';
import type { AllocationFacts, CandidatesFrom } from './paired-facts.ts';

/** Comparisons that are assumed for a year at least. */
const FEWEST_COMPARISONS = 12;
const DAYS_OF_YEAR = 365;
/** The rate of a shorter time is not taken for that of a year: a few comparisons on one day are no rate. */
const FEWEST_DAYS = 28;
/** From this use on of the same evaluation rows the answer warns. */
const WARN_FROM_USES = 5;

/** What was counted for a comparison: in the ledger, and for `candidates` in the registry. */
export interface Counted {
  /** Comparisons of the model in a year; see `yearlyComparisons`. */
  readonly comparisons: number;
  /** Distinct challengers that were compared on these rows, this one included. */
  readonly uses: number;
  /** True where the ledger was longer than what is read: comparisons and uses are at least so many. */
  readonly cut: boolean;
  /** Candidates of which the challenger is the best on the same evaluation data. */
  readonly candidates: number;
  readonly candidatesFrom: CandidatesFrom;
  /** SHA-256 of the files with the rows of the other candidates, where the claim is tested on them (max-T). */
  readonly others?: readonly string[];
}

/** Nothing was counted, as without a table. */
export const NOT_COUNTED: Counted = {
  comparisons: 0,
  uses: 1,
  cut: false,
  candidates: 1,
  candidatesFrom: 'not-declared',
};

export interface Spending extends Omit<Counted, 'cut' | 'others'>, Partial<Pick<Counted, 'cut'>> {
  readonly claim: Claim['kind'];
  /** The policy's risk for one comparison, 0 to 1. */
  readonly alpha: number;
  /** False promotions that are accepted in a year; null for no budget. */
  readonly budget: number | null;
  /** The p of the claim is already that of the best of the candidates (max-T). */
  readonly maxT: boolean;
}

/** What changed alpha, in the order in which it was applied, and warnings that did not. */
export type BudgetReason =
  | { readonly code: 'budget'; readonly budget: number; readonly comparisons: number }
  | { readonly code: 'uses'; readonly uses: number; readonly warn: boolean }
  | { readonly code: 'candidates'; readonly candidates: number; readonly from: CandidatesFrom }
  | { readonly code: 'max-t'; readonly candidates: number; readonly from: CandidatesFrom }
  | { readonly code: 'candidates-not-declared' };

export interface Allocation {
  /** The risk at which the claim is tested. */
  readonly alpha: number;
  /** What the comparison takes from the budget of the year: 0 for non-inferiority, and without a budget. */
  readonly spent: number;
  readonly reasons: readonly BudgetReason[];
  /** What it was computed from, for the answer. */
  readonly facts: AllocationFacts;
}

/**
 * Comparisons of a year, of those that were counted in the last 365 days. In the first year of a model the rate so far counts,
 * of 28 days at least: with the count alone, its first comparisons would share the budget of twelve, and a fortnightly
 * retraining would spend .9 of a budget of .5. `days`: since the first comparison ever.
 */
export const yearlyComparisons = (counted: number, days: number): number =>
  Math.round((counted * DAYS_OF_YEAR) / Math.min(DAYS_OF_YEAR, Math.max(FEWEST_DAYS, days)));

/**
 * The risk of one comparison: min(alpha, B ÷ N) with N = comparisons a year (at least 12), so that a year of equal
 * challengers costs at most B needless promotions; divided by the uses of the rows, and by the candidates where their
 * rows are not there. Non-inferiority spends nothing of B: its error is bounded by the margin. But selection flatters it
 * as much, so uses and candidates divide it as well.
 */
export function allocateAlpha(spending: Spending): Allocation {
  const { claim, budget, maxT, candidatesFrom: from } = spending;
  const comparisons = Math.max(FEWEST_COMPARISONS, spending.comparisons);
  const uses = Math.max(1, spending.uses);
  const candidates = Math.max(1, spending.candidates);
  const reasons: BudgetReason[] = [];
  const spends = claim === 'superiority' && budget !== null;
  let alpha = spending.alpha;
  if (spends && budget / comparisons < alpha) {
    alpha = budget / comparisons;
    reasons.push({ code: 'budget', budget, comparisons });
  }
  if (uses > 1) reasons.push({ code: 'uses', uses, warn: uses >= WARN_FROM_USES });
  if (candidates > 1) reasons.push({ code: maxT ? 'max-t' : 'candidates', candidates, from });
  if (from === 'not-declared') reasons.push({ code: 'candidates-not-declared' });
  alpha /= uses * (maxT ? 1 : candidates);
  const facts: AllocationFacts = {
    ...{ policy_alpha: spending.alpha, budget: spends ? budget : null, comparisons },
    ...{ uses, warning: uses >= WARN_FROM_USES, at_least: spending.cut ?? false },
    ...{ candidates, candidates_from: from },
    ...(maxT ? { max_t: true } : {}),
  };
  return { alpha, spent: spends ? alpha : 0, reasons, facts };
}
