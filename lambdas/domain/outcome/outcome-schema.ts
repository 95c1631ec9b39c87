import * as z from 'zod';
import { Comparison, RollbackAnswer } from '../payloads.ts';
import { Diagnosis } from '../serving/payloads.ts';
import { RolloutFailure } from '../serving/rollout-finding.ts';

/** How executions end, and what `end-promotion` answers. Every status is terminal. */

export const OutcomeStatus = z.enum([
  /** The challenger is the champion, on every side that the execution was to change. */
  'promoted',
  /** The requested version was the champion before the execution started; nothing was written. */
  'already_promoted',
  /** The comparison decided KEEP, or a dry run ended: nothing was changed. */
  'kept',
  /** The comparison decided INVESTIGATE: the evidence is missing or ambiguous. Nothing was changed. */
  'needs_investigation',
  /** An approver declined. Nothing was changed. */
  'declined',
  /** A requested rollback is complete, or a failed promotion was undone. */
  'rolled_back',
  /** Another actor changed the registry or the Workload during the execution; that change was kept. */
  'contested',
  /** Another execution holds the lease of the model. Nothing was changed. */
  'busy',
  /** The execution did not succeed; its changes are undone unless the alert states otherwise. */
  'failed',
  /** The input is invalid. Nothing was changed. */
  'invalid_input',
]);
export type OutcomeStatus = z.infer<typeof OutcomeStatus>;
export const outcomeStatuses = OutcomeStatus.options;

/** A step's own message, for people: where no sentence is made from the code. */
const said = z.string();

/** What was in progress when an execution was stopped, as the clean-up found it. */
export const Interrupted = z.enum([
  /** No change was in progress. */
  'nothing',
  /** Its promotion is open, and an execution that undoes it was started. */
  'being-undone',
  /** Its promotion is open, and nothing here can start executions. */
  'undo-by-hand',
  /** It was a rollback. */
  'rollback',
  /** The input was too large for the event: not even the model is known. */
  'unknown',
]);
export type Interrupted = z.infer<typeof Interrupted>;

/** Why an execution ended: the deciding event, with its parameters. */
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
  /** The execution was aborted, timed out or failed before a step recorded its outcome. */
  z.object({
    code: z.literal('stopped'),
    status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
    interrupted: Interrupted,
  }),
  /** The rollback threw `rollback_error` of the outcome. */
  z.object({ code: z.literal('rollback-failed') }),
  /** Another actor moved the registry. */
  z.object({ code: z.literal('contested'), said }),
  /** `holder` of the outcome holds the lease. */
  z.object({ code: z.literal('busy'), said }),
  /** A rollback was requested; its result is `rollback.finding` of the outcome. */
  z.object({ code: z.literal('asked') }),
  /** No step left a result. */
  z.object({ code: z.literal('no-result') }),
]);
export type OutcomeCause = z.infer<typeof OutcomeCause>;

/** An error that the state machine caught, without its stack trace. */
export const CaughtError = z.object({ name: z.string(), message: z.string() });
export type CaughtError = z.infer<typeof CaughtError>;

/** The result of a rollout. */
export const ServingOutcome = z.object({
  workload_id: z.string(),
  /** The artifact that was to be served. */
  artifact_id: z.string(),
  status: z.enum(['in_progress', 'completed', 'failed']),
  endpoint: z.string().nullable(),
  reason: z.string(),
  /** Why a candidate did not become ready, for people; null if it did. */
  diagnosis: Diagnosis.nullable(),
});
export type ServingOutcome = z.infer<typeof ServingOutcome>;

const text = z.string().nullable();

/** How one execution (or one direct invocation) ended: recorded once, notified at least once. */
export const Outcome = z.object({
  status: OutcomeStatus,
  /** Null in outcomes of the first version, which have only `reason`. */
  cause: OutcomeCause.nullable().catch(null),
  operation: z.enum(['promote', 'rollback']),
  /** ARN of the execution, or `direct:<request id>`. */
  execution: z.string(),
  /** Null only when the input named no model. */
  model_name: text,
  champion_before: text,
  /** The champion as last read; null when there is none or it is unknown. */
  champion_after: text,
  challenger_version: text,
  confidence: z.number().nullable(),
  /** One sentence, for people only: why it ended. */
  reason: z.string(),
  comparison: Comparison.nullable(),
  rollback: RollbackAnswer.nullable(),
  /** The rollout on the Workload; null if no Workload serves the model or no rollout started. */
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

/** An outcome before its reason is put into words. */
export type DecidedOutcome = Omit<Outcome, 'reason' | 'cause'> & { readonly cause: OutcomeCause };

/** What `end-promotion` answers. */
export const EndAnswer = z.object({
  status: OutcomeStatus,
  /** True when the execution succeeded; the machine ends SUCCEEDED or FAILED accordingly. */
  succeeded: z.boolean(),
  reason: z.string(),
  /** `sent`; `pending`: the sweep sends it; `none`: none is due; `off`: alerts are disabled. */
  alert: z.enum(['sent', 'pending', 'none', 'off']),
});
export type EndAnswer = z.infer<typeof EndAnswer>;
