import * as z from 'zod';

/** The results of gates and checks, and what changed since the champion, as payloads have them. */

/** One gate of the policy, or one check of the evidence against itself. */
export const GateResult = z.object({
  name: z.string(),
  kind: z.string(),
  /** `not-judged`: there is nothing to judge, such as no champion to compare with; it blocks nothing. */
  result: z.enum(['passed', 'failed', 'not-judged']),
  /** Judged and shown, but a failure blocks nothing. */
  dry_run: z.boolean(),
  /** Why it is not passed: a code, and its facts. */
  why: z.array(z.looseObject({ code: z.string() })),
  /** For people only. */
  reason: z.string(),
});
export type GateResult = z.infer<typeof GateResult>;

const Value = z.string().nullable();

/** One difference between challenger and champion; a value is null on the side that has none. */
export const Change = z.object({
  what: z.enum(['parameter', 'data', 'code', 'input', 'output', 'size']),
  /** Of a parameter, an input or an output; null otherwise. */
  name: Value,
  before: Value,
  after: Value,
});
export type Change = z.infer<typeof Change>;

export const Changes = z.object({
  listed: z.array(Change),
  /** Changes that are not listed. */
  left_out: z.number(),
  /** What could not be compared, as one side does not say it. */
  unknown: z.array(Change.shape.what),
});
export type Changes = z.infer<typeof Changes>;
