import * as z from 'zod';

/** The results of rules on metrics, as payloads have them. */

/**
 * A metric without a usable value: `not-logged`, the run has no such metric; `nan` or `infinite`, the value that was
 * logged is not a number or not finite (SQL stores of MLflow keep an infinity as the largest double); `differs-from-rows`,
 * the rows of the same run give another value.
 */
export const MissingNumber = z.object({
  code: z.enum(['not-logged', 'nan', 'infinite', 'differs-from-rows']),
  version: z.string(),
  metric: z.string(),
});
export type MissingNumber = z.infer<typeof MissingNumber>;

/** Values stored by the first version: a boolean, or nothing if the rule was counted. */
const countedBefore = (value: unknown) =>
  value === false ? 'not-counted' : value === true || value === undefined ? 'counted' : value;

/** The test of a gain, in the units of the metric. */
export const GainTest = z.object({
  grade: z.enum(['A', 'B', 'C', 'D', 'E']),
  method: z.string(),
  n: z.number(),
  needed: z.number(),
  estimate: z.number(),
  lower: z.number(),
  upper: z.number(),
  level: z.number(),
  p: z.number(),
});

/** The result of one rule of the policy. Numbers are null if the run has no finite value. */
export const RuleResult = z.object({
  name: z.string(),
  /** Key of the metric in the challenger's run. */
  metric: z.string(),
  /** Key in the champion's run, where it is another one. */
  champion_metric: z.string().optional(),
  champion: z.number().nullable(),
  challenger: z.number().nullable(),
  passed: z.boolean(),
  /**
   * Whether `passed` is meaningful. `counted`: the rule was evaluated. Otherwise it was not: `skipped`, a number is
   * missing and the policy leaves such a rule out; `missing`, a number is missing or nothing was decided at all, so a
   * person has to look; `alone`, there is no champion and the rule sets no limit for a first model. `not-counted` is
   * read only, from a stored `false` of the first version: its `reason` alone says which of these it was.
   */
  counted: z.preprocess(
    countedBefore,
    z.enum(['counted', 'skipped', 'missing', 'alone', 'not-counted']).catch('not-counted'),
  ),
  /** The numbers that the rule lacks; the challenger's first. */
  why: z.array(MissingNumber).default([]),
  critical: z.boolean(),
  /** The test of the gain, turned so that positive is better; absent where the evidence has no measure of uncertainty. */
  test: GainTest.optional(),
  /** For people only. */
  reason: z.string(),
});
export type RuleResult = z.infer<typeof RuleResult>;
