import * as z from 'zod';
import { MAX_CANDIDATE_PROTONS } from '../limits.ts';
import { RolloutFailure, RolloutFinding, RolloutWaiting } from './rollout-finding.ts';

/** Payloads of `replace-workload`, snake_case like those of the other functions. */

const absent = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? null);

/** An id goes into a path: it is percent-encoded there, but nothing encodes the path segments `.` and `..`. */
const Id = z
  .string()
  .min(1)
  .max(200)
  .refine((id) => id !== '.' && id !== '..', 'is not a valid id');

export const WorkloadRollout = z.strictObject({
  strategy: z.literal('rolling').default('rolling'),
  warmupDurationMinutes: z.number().optional(),
  keepOldVersionMinutes: z.number().default(0),
  /** Sent unchanged; the names of its groups and containers are checked against the artifact. */
  runtime: z.record(z.string(), z.json()).nullish(),
});
export type WorkloadRollout = z.infer<typeof WorkloadRollout>;

/** The codes of `RolloutFailure`. */
export const failureCodes = RolloutFailure.options.map(({ shape }) => shape.code.value);
export const FailureCode = z.enum(failureCodes);
export type FailureCode = z.infer<typeof FailureCode>;

const text = z.string().nullable().default(null);

/** What a later step cannot read from the platform: passed from answer to answer in `previous`. */
export const Progress = z.object({
  action: z.enum(['replace', 'promote', 'none']).default('none'),
  /** When the first step ran; ISO 8601. */
  began_at: text,
  /** Served artifact and endpoint at that time. */
  previous_artifact_id: text,
  endpoint: text,
  /** When the replacement was requested (or first observed, if it was adopted); ISO 8601. */
  started_at: text,
  /** True once the API has acknowledged it; false while the response is lost. */
  confirmed: z.boolean().default(false),
  replacement_id: text,
  candidate_proton_ids: z.array(z.string()).max(MAX_CANDIDATE_PROTONS).default([]),
  /** Number of requests; more than one only after lost responses without effect. */
  attempts: z.int().min(0).default(0),
  /** Since when it is requested and not visible, neither in progress nor switched; ISO 8601. */
  missing_since: text,
  /** True once the API has accepted the importance; it is not sent again. */
  importance_set: z.boolean().default(false),
  /** When promotion in place was last requested; ISO 8601. */
  promoted_at: text,
  /** Why it was cancelled; null if it was not. */
  cancelled_for: FailureCode.nullable().default(null),
});
export type Progress = z.infer<typeof Progress>;

const ContainerReport = z.object({
  replica: z.string(),
  container: z.string(),
  status: z.string(),
  ready: z.boolean(),
  restarts: z.number(),
  reason: text,
  exit_code: z.number().nullable(),
  message: text,
});
export type ContainerReport = z.infer<typeof ContainerReport>;

/** Why a candidate did not become ready, for people. Every text is on one line and bounded. */
export const Diagnosis = z.object({
  /** The platform's message about the replacement. */
  message: text,
  protons: z.array(
    z.object({ id: z.string(), role: text, status: z.string(), summary: text, unmet: z.array(z.string()) }),
  ),
  containers: z.array(ContainerReport),
  /** Oldest first. */
  log_lines: z.array(z.string()),
  log_source: z.enum(['status_details', 'otel']).nullable(),
  /** What could not be read, and why. */
  unavailable: z.array(z.string()),
});
export type Diagnosis = z.infer<typeof Diagnosis>;

export const Previous = z.object({ progress: Progress, diagnosis: Diagnosis.nullable().default(null) });
export type Previous = z.infer<typeof Previous>;

export const ReplaceInput = z
  .object({
    workload_id: Id,
    artifact_id: Id,
    rollout: absent(WorkloadRollout),
    importance: absent(z.enum(['critical', 'high', 'moderate', 'low'])),
    lock_artifact: absent(z.boolean()),
    /** ISO 8601; nothing is started or promoted after it, and what is in flight then is cancelled. */
    deadline: z.iso.datetime({ offset: true }),
    fence: absent(z.int().positive()),
    /** The model whose lease is checked (or taken, without a fence); null: the Workload's own lease. */
    model_name: absent(z.string().min(1).max(256)),
    execution: absent(z.string()),
    /** ISO 8601; when the caller started. Earlier replacements with the same artifact are not this rollout's. */
    since: absent(z.iso.datetime({ offset: true })),
    /** The last answer of this function in the same rollout; null on the first call. */
    previous: absent(Previous),
  })
  .refine(
    ({ fence, model_name, execution }) => fence === null || (model_name !== null && execution !== null),
    'fence requires model_name and execution',
  );
export type ReplaceInput = z.infer<typeof ReplaceInput>;

/** What `replace-workload` answers: every field always, null where there is nothing. */
export const ReplaceAnswer = z.object({
  action: z.enum(['replace', 'promote', 'none']),
  /** `in_progress` is called again after `retry_after_seconds`; the others are terminal. */
  status: z.enum(['in_progress', 'completed', 'failed']),
  /** The API's own word for the state of the replacement; null when there is none. */
  phase: z.string().nullable(),
  artifact_id: z.string(),
  /** The artifact that was served before; null when it was this one already. */
  previous_artifact_id: z.string().nullable(),
  endpoint: z.string().nullable(),
  candidate: z.object({ proton_id: z.string(), status: z.string() }).nullable(),
  /** Seconds until the next call; null once it is settled. */
  retry_after_seconds: z.number().nullable(),
  already_replaced: z.boolean(),
  /** One sentence, for people only: what was done or observed, and on failure what to do. */
  reason: z.string(),
  /** What the rollout is doing or waiting for; null once it is settled. */
  waiting: RolloutWaiting.nullable().catch(null),
  failure: FailureCode.nullable(),
  /** The failure with its parameters; null without one. */
  failure_details: RolloutFailure.nullable().catch(null),
  diagnosis: Diagnosis.nullable(),
  progress: Progress,
});
export type ReplaceAnswer = z.infer<typeof ReplaceAnswer>;

/** What the way back came to on the Workload; a code of `RolloutFinding` while it goes on, or where it failed. */
export const ServingFinding = z.discriminatedUnion('code', [
  ...RolloutFinding.options,
  /** The artifact to go back to is in service. */
  z.object({
    code: z.literal('serves-previous'),
    artifact: z.string().nullable(),
    state: z.string().nullable(),
  }),
  /** The served draft was locked in place, which the platform cannot undo: it takes no draft over a locked artifact. */
  z.object({ code: z.literal('locked-in-place') }),
]);
export type ServingFinding = z.infer<typeof ServingFinding>;

/** What a rollback has done on the Workload so far; handed from answer to answer. */
export const ServingUndo = z.object({
  workload_id: z.string(),
  /** True once the artifact to go back to is served; false when it cannot or must not be; null while open. */
  undone: z.boolean().nullable(),
  action: z.enum(['none', 'cancelled', 'replaced', 'left']),
  /** Null where it was stored before there were codes, or with one that there is no more. */
  finding: ServingFinding.nullable().catch(null),
  /** The finding as a sentence. */
  reason: z.string(),
  /** The API's own word for the state of the replacement; null when there is none. */
  phase: z.string().nullable(),
  contested: z.boolean(),
  /** ISO 8601; the first look. */
  began_at: z.string(),
  progress: Progress,
});
export type ServingUndo = z.infer<typeof ServingUndo>;
