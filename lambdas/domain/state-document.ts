import * as z from 'zod';
import { ApprovalAnswer } from './approval/payloads.ts';
import { readAs } from './json.ts';
import { causeMessage } from './lambda-cause.ts';
import { type CaughtError, EndAnswer } from './outcome/outcome-schema.ts';
import { Comparison, ExecutionInput, Prepared, PromoteAnswer } from './payloads.ts';
import { CloseAnswer, RollbackAnswer } from './release/payloads.ts';
import { ReplaceAnswer } from './serving/payloads.ts';

const MAX_MESSAGE_LENGTH = 1000;

/** An error as a Catch stores it: `Cause` is Lambda's JSON with a stack trace, or a message of the machine. */
const Caught = z.object({ Error: z.string(), Cause: z.unknown().optional() }).transform(
  ({ Error: name, Cause }): CaughtError => ({
    name,
    message: causeMessage(Cause).slice(0, MAX_MESSAGE_LENGTH) || 'no cause was given',
  }),
);

const { AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: startedBy, ...inputFields } = ExecutionInput.shape;

/**
 * The document that the state machine hands from step to step: written whole by `begin-promotion`, then filled in by
 * each step under its own name. Every path that the machine reads exists from the start, null until it is filled.
 */
export const StateDocument = z.object({
  /** False: the input is invalid, and `problems` lists why. */
  valid: z.boolean(),
  problems: z.array(z.string()),
  ...inputFields,
  /** Null if the input is invalid and names no model. */
  model_name: inputFields.model_name.nullable(),
  started_by: startedBy,
  /** ARN. */
  execution: z.string(),
  /** ISO 8601. */
  started_at: z.iso.datetime({ offset: true }),
  comparison: Comparison.nullable(),
  approval: ApprovalAnswer.nullable(),
  prepared: Prepared.nullable(),
  serving: ReplaceAnswer.nullable(),
  promotion: PromoteAnswer.nullable(),
  closing: CloseAnswer.nullable(),
  rollback: RollbackAnswer.nullable(),
  error: Caught.nullable(),
  rollback_error: Caught.nullable(),
  /** Added by the last step. */
  ending: EndAnswer.optional(),
});
export type StateDocument = z.infer<typeof StateDocument>;

const { shape } = StateDocument;
type Shape = typeof shape;
const fields = Object.entries<z.ZodType>(shape).map(
  ([field, schema]) => [field, z.nullable(schema)] as const,
);

/** The document as read back: a missing or invalid field is null. */
export type PartialStateDocument = { [Field in keyof Shape]: z.output<Shape[Field]> | null };

/**
 * Reads a document leniently: whatever failed in an execution, its outcome must still be recorded. If the first step failed,
 * the document is `{ Error, Cause }`. Never throws.
 */
export function readStateDocument(value: unknown): PartialStateDocument {
  const given = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  if (Caught.safeParse(value).success) given.set('error', value);
  const read = fields.map(([field, schema]) => [field, readAs(schema, given.get(field)).data ?? null]);
  return Object.fromEntries(read) as PartialStateDocument;
}
