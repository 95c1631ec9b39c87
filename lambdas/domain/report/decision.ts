import * as z from 'zod';
import { GainTest } from '../comparison/rule-result.ts';
import { OutcomeStatus } from '../outcome/outcome-schema.ts';
import { Decision } from '../payloads.ts';

/** The report of one decision as data, which the page is made from. */

/** Rules of a report at most; the others are counted. */
export const MAX_RULES = 200;

/** Facts as a table: values in the order of the columns, null where a row has none. */
export const Listed = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  left_out: z.number(),
});
export type Listed = z.infer<typeof Listed>;

const text = z.string().nullable();
const figure = z.number().nullable();

const ReportedRule = z.object({
  name: z.string(),
  metric: z.string(),
  /** Key in the champion's run, where it is another one. */
  champion_metric: text,
  champion: figure,
  challenger: figure,
  /** True and false only where the rule was evaluated; otherwise null. */
  passed: z.boolean().nullable(),
  critical: z.boolean(),
  result: z.string(),
  reason: z.string(),
  /** The gain of the challenger, turned so that positive is better; null where the evidence has no measure of uncertainty. */
  test: GainTest.nullable(),
});
export type ReportedRule = z.infer<typeof ReportedRule>;

/** The JSON document of a decision. Texts in it are in visible form and bounded. */
export const DecisionReport = z.object({
  schema: z.literal('model-promotion/decision-report/1'),
  model: z.string(),
  decision: Decision,
  /** One sentence. */
  verdict: z.string(),
  confidence: figure,
  /** The confidence with what it means. */
  confidence_text: z.string(),
  grade: text,
  champion_version: text,
  challenger_version: text,
  policy: z.string(),
  rules: z.array(ReportedRule),
  /** Rules beyond `MAX_RULES`. */
  rules_left_out: z.number(),
  /** Where the rows are from; null where no rows of both were compared. */
  rows: z
    .object({
      count: figure,
      /** SHA-256 over the sorted pairs of row id and label. */
      fingerprint: text,
      alpha: figure,
      spent: figure,
      rows_needed: figure,
    })
    .nullable(),
  /** What divided the risk of a claim. */
  budget: Listed.nullable(),
  /** Gates beyond metrics, checks of the evidence, and what changed since the champion. */
  gates: Listed.nullable(),
  checks: Listed.nullable(),
  changes: Listed.nullable(),
  evidence_digest: z.string(),
  /** Of the files, metrics and policy alone; null where it is not named. */
  inputs_digest: text,
  /** A command that compares the same versions by the same policy. */
  reproduce: z.string(),
  /** Null for a comparison without an execution. */
  execution: z
    .object({
      id: z.string(),
      operation: z.string(),
      status: OutcomeStatus,
      /** One sentence: why it ended. */
      reason: z.string(),
      dry_run: z.boolean(),
      requested_by: text,
      champion_before: text,
      champion_after: text,
      /** ISO 8601. */
      recorded_at: z.string(),
    })
    .nullable(),
  /** Null where the decision gets no entry. The entry holds the SHA-256 of the page, which cannot name itself. */
  ledger: z
    .object({
      /** The first number that the entry can have: one more than where the ledger ended. */
      from: z.number(),
      /** `SEQ:HASH` where the comparison saw the ledger end; null where it did not look. */
      follows: text,
    })
    .nullable(),
});
export type DecisionReport = z.infer<typeof DecisionReport>;
