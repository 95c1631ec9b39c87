import * as z from 'zod';
import { ApprovalRecord } from '../approval/request.ts';
import { Comparison, Operation } from '../payloads.ts';
import { RollbackAnswer } from '../release/payloads.ts';
import { Diagnosis } from '../serving/payloads.ts';
import { RolloutFailure } from '../serving/rollout-finding.ts';
import { SeriesName } from '../watch/block.ts';
import { WatchEvidence } from '../watch/evidence.ts';
import { WatchFinding } from '../watch/finding.ts';

/** How executions end, and what `end-promotion` answers. Every status is terminal. */

export const OutcomeStatus = z.enum([
  /** The challenger is the champion, on every side that the execution was to change. */
  'promoted',
  /** The requested version was the champion before the execution started; nothing was written. */
  'already_promoted',
  /** The comparison decided KEEP, gates did not pass any more, or a dry run ended: nothing was changed. */
  'kept',
  /** The comparison decided INVESTIGATE: the evidence is missing or ambiguous. Nothing was changed. */
  'needs_investigation',
  /** What both sides show was taken as live, by hand. Nothing else was changed. */
  'adopted',
  /** Found by a sweep, after people were told otherwise: both sides show the live release again. Nothing was changed. */
  'in_step',
  /** An approver declined, or nobody approved in time. Nothing was changed. */
  'declined',
  /** Nothing has ended: people are asked to approve, or reminded. */
  'awaiting_approval',
  /** A requested rollback is complete, or a failed promotion was undone. */
  'rolled_back',
  /** Another actor changed the registry or the Workload during the execution; that change was kept. */
  'contested',
  /** Another execution holds the lease of the model. Nothing was changed. */
  'busy',
  /** The execution did not succeed. If its change is open, the sweep starts attempts at it; the alert says so. */
  'failed',
  /** The input is invalid. Nothing was changed. */
  'invalid_input',
  /** Found by the watch of a release: it is not worse than the one before it by the margin of its policy. */
  'confirmed',
  /** Found by the watch of a release: it is worse, or has become worse. Nothing was changed. */
  'degraded',
  /** The watch of a release ended without either. */
  'unproven',
  /** The watch of a release ended, and nothing could be compared. */
  'unverified',
]);
export type OutcomeStatus = z.infer<typeof OutcomeStatus>;
export const outcomeStatuses = OutcomeStatus.options;

/** A step's own message, for people: where no sentence is made from the code. */
const said = z.string();

/** What was in progress when an execution was stopped, as the clean-up found it. */
export const Interrupted = z.enum([
  /** No change of its own is open. */
  'nothing',
  /** Its change is open: the sweep starts attempts at it. */
  'open',
  /** Nobody knows: the input was too large for the event, or the table could not be read. */
  'unknown',
]);
export type Interrupted = z.infer<typeof Interrupted>;

/** Why an execution ended: the deciding event, with its parameters. */
export const OutcomeCause = z.discriminatedUnion('code', [
  /** The input has problems: `problems` of the outcome. */
  z.object({ code: z.literal('invalid') }),
  /**
   * The challenger was promoted; `direct` when promote-model was invoked without a state machine: then a Workload that
   * serves the model (`workload_unchanged`) goes on serving what it served.
   */
  z.object({
    code: z.literal('promoted'),
    direct: z.boolean(),
    workload_unchanged: z.boolean().default(false),
  }),
  /** `version` was the champion already. */
  z.object({ code: z.literal('already'), version: z.string().nullable() }),
  /** The comparison decided that nothing changes. */
  z.object({ code: z.literal('decided') }),
  /** PROMOTE, but in a dry run. */
  z.object({ code: z.literal('dry-run') }),
  /** PROMOTE, but `gates` that depend on the clock, or on tags that people set, did not pass any more. */
  z.object({ code: z.literal('gates'), gates: z.array(z.string()), said }),
  /** People did not approve. */
  z.object({ code: z.literal('not-approved'), status: z.enum(['rejected', 'expired', 'void']), said }),
  /** People are asked to approve, or reminded: `approval` of the outcome. */
  z.object({ code: z.literal('approval'), occasion: z.enum(['requested', 'reminder']) }),
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
  /** `adopted`: what both sides show is live. */
  z.object({ code: z.literal('adopted') }),
  /** Both sides showed the result when the change was closed, and something else in the last reading. */
  z.object({ code: z.literal('moved-since') }),
  /** Found by a sweep: the sides show something that no operation of ours put there. */
  z.object({ code: z.literal('out-of-step'), change_open: z.boolean() }),
  /** Found by a sweep: after that was told, both sides show the live release again. */
  z.object({ code: z.literal('in-step-again') }),
  /** `attempts` at a retraining since this time (ISO 8601) have brought no new version; another one begins. */
  z.object({ code: z.literal('no-new-version'), attempts: z.int(), since: z.string() }),
  /** Found by the watch of a release; `watch` of the outcome has the figures. `series` is null for a verdict on all. */
  z.object({ code: z.literal('watch'), found: WatchFinding, series: SeriesName.nullable() }),
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

/** What the item and both sides showed after the last write. */
export const Ending = z.object({
  /** The live release; null if none is recorded, or the table could not be read. */
  live: z
    .object({
      version: text,
      artifact_id: text,
      change: z.string(),
      /** How that change ended; null where the release was found in service or adopted. */
      result: z.enum(['promoted', 'rolled_back']).nullable().default(null),
    })
    .nullable(),
  /** The open change; null if none is open, or the table could not be read. */
  change: z
    .object({
      id: z.string(),
      kind: z.enum(['promote', 'rollback']),
      to: text,
      aim: text,
      safe: text,
      /** True for a promotion that has failed and goes back to `safe`. */
      turned: z.boolean().default(false),
      /** Attempts that the sweep has started so far. */
      attempts: z.int().default(0),
      /** ISO 8601; the sweep starts no attempt before. */
      next_at: text.default(null),
    })
    .nullable(),
  /** The versions in Production (mode `aliases`: the champion); null if unread, or there is no such registered model. */
  champions: z.array(z.string()).nullable(),
  /** Mode `both`: what each pointer names. Null in the other modes, or if the registry could not be read. */
  pointers: z
    .object({ stage: z.array(z.string()), alias: text })
    .nullable()
    .default(null),
  /** Null if no Workload serves the model, or it could not be read. */
  workload: z
    .object({
      workload_id: z.string(),
      artifact_id: text,
      in_flight: text,
      /** The platform knows none by this id, or shows none to the owner of the token. */
      missing: z.literal(true).optional(),
    })
    .nullable(),
  /** The version and the artifact on which both sides agree, and which `adopt` would take as live; null if they do not. */
  agreed: z.object({ version: z.string(), artifact_id: text }).nullable().default(null),
  /**
   * Closed, and both sides show the live release. Null if none is recorded, or a part could not be read and the other one
   * shows it.
   */
  in_step: z.boolean().nullable(),
  /** Of an open change: both sides show only what it put there. Null if none is open, or likewise. */
  known: z.boolean().nullable(),
  /** Digest of what both sides show; null if a part could not be read. */
  picture: text,
  /** What could not be read. */
  unread: z.array(z.enum(['table', 'registry', 'workload'])),
});
export type Ending = z.infer<typeof Ending>;

/** How one execution (or one direct invocation) ended: recorded once, notified at least once. */
export const Outcome = z.object({
  status: OutcomeStatus,
  /** Null in outcomes of the first version, which have only `reason`. */
  cause: OutcomeCause.nullable().catch(null),
  operation: Operation,
  /** ARN of the execution, `direct:<request id>`, `sweep:<…>` for what a sweep found, `watch:<…>` for what a watch found, `approval:<…>` for a request. */
  execution: z.string(),
  /** Null only when the input named no model. */
  model_name: text,
  /** From the registered model's tag `owner`; null if it has none, or it is not known. */
  owner: text.default(null),
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
  /** Versions that another actor moved to Production just before, and that the promotion archived. */
  overwritten: z.array(z.string()).default([]),
  /** What both sides showed at the end; null where nothing was to be changed, and in outcomes of the first version. */
  ending: Ending.nullable().catch(null).default(null),
  /** What the watch of the release has found, where it asked for the rollback or this is what it tells. */
  watch: WatchEvidence.optional().catch(undefined),
  /** What people decided; absent where nobody was asked. */
  approval: ApprovalRecord.optional().catch(undefined),
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
