import * as z from 'zod';
import { Comparison, RollbackAnswer } from '../payloads.ts';
import { Diagnosis } from '../serving/payloads.ts';
import { RolloutFailure } from '../serving/rollout-finding.ts';

/** How executions end, and what `end-promotion` answers. Every status is terminal. */

export const OutcomeStatus = z.enum([
  /** The challenger is the champion, on every side that the execution was to change. */
  'promoted',
  /** The version asked for was the champion before the execution began; nothing was written. */
  'already_promoted',
  /** The comparison decided KEEP, or a dry run ended: nothing was changed. */
  'kept',
  /** The comparison decided INVESTIGATE: the evidence is missing or ambiguous. Nothing was changed. */
  'needs_investigation',
  /** An approver declined. Nothing was changed. */
  'declined',
  /** A rollback that was asked for is done, or a failed promotion was undone. */
  'rolled_back',
  /** Somebody else changed the registry or the Workload meanwhile; that was left alone. */
  'contested',
  /** Another execution holds the lease of the model. Nothing was changed. */
  'busy',
  /** The execution did not do its job; what it had changed is undone unless the alert says that it is not. */
  'failed',
  /** The input was refused. Nothing was changed. */
  'invalid_input',
]);
export type OutcomeStatus = z.infer<typeof OutcomeStatus>;
export const outcomeStatuses = OutcomeStatus.options;

/** What a step said, for people: where the words are not made from the code. */
const said = z.string();

/** What an execution that was stopped had begun, as the clean-up found it. */
export const Interrupted = z.enum([
  /** Nothing of its own was in flight. */
  'nothing',
  /** Its promotion is open, and an execution that undoes it was started. */
  'being-undone',
  /** Its promotion is open, and nothing here can start executions. */
  'undo-by-hand',
  /** It was a rollback. */
  'rollback',
  /** The event had no room for the input: not even the model is known. */
  'unknown',
]);
export type Interrupted = z.infer<typeof Interrupted>;

/** Why an execution ended as it did: the event that decided, with its parameters. */
export const OutcomeCause = z.discriminatedUnion('code', [
  /** The input has problems: `problems` of the outcome. */
  z.object({ code: z.literal('invalid') }),
  /** The challenger was promoted; `direct` when promote-model was invoked without a state machine. */
  z.object({ code: z.literal('promoted'), direct: z.boolean() }),
  /** `version` was the champion already. */
  z.object({ code: z.literal('already'), version: z.string().nullable() }),
  /** The comparison decided that nothing changes. */
  z.object({ code: z.literal('decided') }),
  /** PROMOTE, but in a dry run. */
  z.object({ code: z.literal('dry-run') }),
  /** promote-model refused. */
  z.object({ code: z.literal('refused'), said }),
  /** The rollout on the Workload failed. */
  z.object({ code: z.literal('rollout-failed'), failure: RolloutFailure.nullable() }),
  /** A step threw `error` of the outcome. */
  z.object({ code: z.literal('error') }),
  /** The execution was aborted, ran out of time or failed without a step that could say so. */
  z.object({
    code: z.literal('stopped'),
    status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
    interrupted: Interrupted,
  }),
  /** The rollback threw `rollback_error` of the outcome. */
  z.object({ code: z.literal('rollback-failed') }),
  /** Somebody else moved the registry. */
  z.object({ code: z.literal('contested'), said }),
  /** `holder` of the outcome has the lease. */
  z.object({ code: z.literal('busy'), said }),
  /** A rollback was asked for: `rollback.finding` of the outcome says what came of it. */
  z.object({ code: z.literal('asked') }),
  /** No step left a result. */
  z.object({ code: z.literal('no-result') }),
]);
export type OutcomeCause = z.infer<typeof OutcomeCause>;

/** An error as the state machine hands it on: `Cause` without a stack trace. */
export const CaughtError = z.object({ name: z.string(), message: z.string() });
export type CaughtError = z.infer<typeof CaughtError>;

/** What became of a rollout. */
export const ServingOutcome = z.object({
  workload_id: z.string(),
  /** The artifact that was to be served. */
  artifact_id: z.string(),
  status: z.enum(['in_progress', 'completed', 'failed']),
  endpoint: z.string().nullable(),
  reason: z.string(),
  /** Why a candidate did not come up, for people; null where it did. */
  diagnosis: Diagnosis.nullable(),
});
export type ServingOutcome = z.infer<typeof ServingOutcome>;

const text = z.string().nullable();

/** How one execution (or one direct invocation) ended: recorded once, notified at least once. */
export const Outcome = z.object({
  status: OutcomeStatus,
  /** Null in outcomes that were recorded before there were causes: they have their `reason` only. */
  cause: OutcomeCause.nullable().catch(null),
  operation: z.enum(['promote', 'rollback']),
  /** ARN of the execution, or `direct:<request id>`. */
  execution: z.string(),
  /** Null only when the input named no model. */
  model_name: text,
  champion_before: text,
  /** The champion as far as the execution knows; null when there is none or it could not be found out. */
  champion_after: text,
  challenger_version: text,
  confidence: z.number().nullable(),
  /** One sentence, for people only: why it ended so. */
  reason: z.string(),
  comparison: Comparison.nullable(),
  rollback: RollbackAnswer.nullable(),
  /** The rollout on the Workload; null where no Workload serves the model, or it never came to that. */
  serving: ServingOutcome.nullable(),
  /** Who holds the lease, when `busy`. */
  holder: text,
  error: CaughtError.nullable(),
  rollback_error: CaughtError.nullable(),
  /** Every mistake of the input, when `invalid_input`. */
  problems: z.array(z.string()),
  /** The execution whose promotion this one finished and notified of in its place; null as a rule. */
  finishes: text,
  requested_by: text,
  dry_run: z.boolean(),
  /** ISO 8601. */
  recorded_at: z.string(),
});
export type Outcome = z.infer<typeof Outcome>;

/** An outcome as it is decided: the words of its reason are made from it. */
export type DecidedOutcome = Omit<Outcome, 'reason' | 'cause'> & { readonly cause: OutcomeCause };

/** What `end-promotion` answers. */
export const EndAnswer = z.object({
  status: OutcomeStatus,
  /** True when the execution did its job; the machine ends SUCCEEDED or FAILED by it. */
  succeeded: z.boolean(),
  reason: z.string(),
  alert: z.enum(['sent', 'pending', 'none', 'off']),
});
export type EndAnswer = z.infer<typeof EndAnswer>;
