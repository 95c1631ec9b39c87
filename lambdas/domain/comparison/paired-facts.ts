import * as z from 'zod';

/** What the answer of a comparison says about rows, and about the risk of its claim. */

/** Where the number of candidates is from. `at-least`: counted until the page was full. */
const CandidatesFrom = z.enum(['declared', 'counted', 'at-least', 'not-declared']);
export type CandidatesFrom = z.infer<typeof CandidatesFrom>;

/** What the policy's risk was divided by. */
export const AllocationFacts = z.object({
  /** The risk that the policy sets for one comparison. */
  policy_alpha: z.number(),
  /** Needless promotions a year; null for none, and for non-inferiority, which spends nothing. */
  budget: z.number().nullable(),
  /** Comparisons of the model in a year, at least 12; they share the budget. */
  comparisons: z.number(),
  /** Distinct challengers on the same rows, this one included. */
  uses: z.number(),
  /** True from the fifth use of the same rows on. */
  warning: z.boolean(),
  /** True where the ledger was longer than what is read: comparisons and uses are at least so many. */
  at_least: z.boolean(),
  /** Candidates of which the challenger is the best, and where their number is from. */
  candidates: z.number(),
  candidates_from: CandidatesFrom,
  /** True where the rows of all of them were tested together (max-T): the risk is not divided by their number. Absent otherwise. */
  max_t: z.boolean().optional(),
});
export type AllocationFacts = z.infer<typeof AllocationFacts>;

export const PairedFacts = z.object({
  /** SHA-256 (hex) over the sorted pairs of row id and label: the same data. Null without rows. */
  fingerprint: z.string().nullable(),
  rows: z.number().nullable(),
  /** The risk at which the claim was tested, and what it takes from the budget of the year; null without a claim. */
  alpha: z.number().nullable(),
  spent: z.number().nullable(),
  /** Rows with which what was not shown would probably be; null where all was, or no number of rows would do. */
  rows_needed: z.number().nullable(),
  /** Absent without a claim, and in comparisons of earlier versions. */
  allocation: AllocationFacts.optional(),
});

/** SHA-256 (hex) of each part of what a decision is based on. */
export const InputDigests = z.object({
  policy: z.string(),
  metrics: z.string(),
  rows: z.string().nullable(),
});
export type InputDigests = z.infer<typeof InputDigests>;
