import * as z from 'zod';
import { InputDigests, PairedFacts } from './comparison/paired-facts.ts';
import { RuleResult } from './comparison/rule-result.ts';
import { Changes, GateResult } from './gates/gate-result.ts';
import { MAX_LEASE_WAIT_MINUTES } from './limits.ts';
import { VersionNumber } from './registry.ts';
import { WorkloadRollout } from './serving/payloads.ts';

/** Payloads of the functions and of the execution (design §3), snake_case as in the source documents. */

/** MLflow accepts almost any name; only names that no registry can hold are rejected here. */
const ModelName = z.string().min(1, 'must name a registered model').max(256);
const ShortText = z.string().max(2000);
const PolicyName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be a policy name such as "default"');
/** Null counts as absent: the state machine passes null for every field that was not set. */
export const absent = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? null);

/** Why a rollback is requested. `ROLLOUT_FAILED` undoes an interrupted or failed promotion. */
export const RollbackReason = z.enum([
  'MANUAL_REQUEST',
  'PERFORMANCE_DEGRADATION',
  'TEST_FAILURE',
  'DRIFT_SEVERE',
  'ROLLOUT_FAILED',
]);
export type RollbackReason = z.infer<typeof RollbackReason>;

/**
 * What an execution does: `promote` and `rollback` open a change; `resume` goes on with an open one, and `adopt` takes what
 * both sides show as live, by hand.
 */
export const Operation = z.enum(['promote', 'rollback', 'resume', 'adopt']);
export type Operation = z.infer<typeof Operation>;

/** The input of an execution; unknown fields are rejected (design §3, "Execution input"). */
export const ExecutionInput = z.strictObject({
  operation: Operation.nullish().transform((value) => value ?? 'promote'),
  model_name: ModelName,
  challenger_version: absent(VersionNumber),
  champion_version: absent(VersionNumber),
  policy: absent(PolicyName),
  workload_id: absent(z.string().min(1).max(200)),
  artifact_id: absent(z.string().min(1).max(200)),
  rollout: absent(WorkloadRollout),
  importance: absent(z.enum(['critical', 'high', 'moderate', 'low'])),
  lock_artifact: absent(z.boolean()),
  wait_for_lease_minutes: z
    .number()
    .min(0)
    .max(MAX_LEASE_WAIT_MINUTES)
    .nullish()
    .transform((value) => value ?? 0),
  dry_run: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  requested_by: absent(ShortText),
  reason: absent(ShortText),
  target_version: absent(VersionNumber),
  alarm_name: absent(ShortText),
  emergency: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  /** A promotion may take what both sides show as live first, where the model was moved by hand. */
  adopt: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  /** The open change that `resume` goes on with. */
  change_id: absent(z.string().min(1).max(300)),
  AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: absent(z.string()),
});
export type ExecutionInput = z.infer<typeof ExecutionInput>;

/** Fields of the execution input, from which the payload of each step picks. */
export const fields = ExecutionInput.shape;

const stageOr = <T extends z.ZodType>(stage: string, version: T) =>
  z.preprocess((value) => (value === stage ? null : value), version);

/** Payload of `compare-models`. */
export const CompareInput = z.object({
  model_name: fields.model_name,
  /** The name of the stage stands for the version that is in it, as where the field is absent. */
  champion_version: stageOr('Production', fields.champion_version),
  challenger_version: stageOr('Staging', fields.challenger_version),
  policy: fields.policy,
  /** ARN of the execution, whose own entries in the ledger do not count. */
  execution: absent(z.string()),
  /** When the execution started: comparisons of the year before count. Absent in a direct call. */
  started_at: absent(z.iso.datetime({ offset: true })).optional(),
});
export type CompareInput = z.infer<typeof CompareInput>;

/** The decision of a comparison; INVESTIGATE if data are missing or ambiguous, and then nothing changes. */
export const Decision = z.enum(['PROMOTE', 'KEEP', 'INVESTIGATE']);
export type Decision = z.infer<typeof Decision>;

/**
 * What the confidence of a comparison is. `probability`: one minus the one-sided p-value of the deciding rule with the lowest confidence.
 * `share`: weight of passed rules ÷ weight of counted rules. `limits`: the same share for a first model, of which only
 * limits are checked. `same`: 1, challenger and champion are one version. `none`: 0, nothing was decided.
 */
export const Basis = z.enum(['probability', 'share', 'limits', 'same', 'none']);
export type Basis = z.infer<typeof Basis>;

/** What `compare-models` answers. */
export const Comparison = z.object({
  decision: Decision,
  /** 0 to 1; its meaning depends on `basis` and `evidence_grade`, and it is never shown without them. */
  confidence: z.number(),
  champion_version: z.string().nullable(),
  challenger_version: z.string().nullable(),
  same_version: z.boolean(),
  recommendation: z.string(),
  /** Absent in comparisons stored by the first version, which have only `method`. */
  basis: Basis.optional(),
  /** `basis` in words. */
  method: z.string(),
  /** How much more the challenger's metric `profit_total` is, in percent of the champion's; null where a run has none. Absent as `basis`. */
  profit_improvement: z.number().nullable().optional(),
  /** Step of the ladder of evidence, `A` (best) to `E`; null where nothing was compared. */
  evidence_grade: z.enum(['A', 'B', 'C', 'D', 'E']).nullable(),
  rules: z.array(RuleResult),
  /** Rules of the policy beyond metrics. Absent where it has none, and where no two versions were compared. */
  gates: z.array(GateResult).optional(),
  /** Checks of the evidence against itself; likewise. */
  checks: z.array(GateResult).optional(),
  /** What changed since the champion, for people; absent without a champion. */
  changes: Changes.optional(),
  /** Per-row evidence, where both runs hold it, and what a claim was tested at; absent otherwise. */
  paired: PairedFacts.optional(),
  /** SHA-256 (hex) of everything that the decision is based on. */
  evidence_digest: z.string(),
  /** SHA-256 (hex) of files, metrics and policy alone, without what was counted; approvals bind to it. Absent as `basis`. */
  inputs_digest: z.string().optional(),
  /** Digests of the parts of the inputs, to name what changed; `rows` is null where none were read. Absent as `basis`. */
  input_digests: InputDigests.optional(),
  /** Head of the ledger up to which comparisons were counted, as `SEQ:HASH`; null without entries. Absent where none were counted. */
  ledger_head: z.string().max(100).nullable().optional(),
  policy: z.string(),
  /** From the registered model's tag `owner`; null if it has none that can be used. Absent as `basis`. */
  owner: z.string().nullable().optional(),
});
export type Comparison = z.infer<typeof Comparison>;

/** Payload of `promote-model`. */
export const PromoteInput = z.object({
  model_name: fields.model_name,
  new_version: fields.challenger_version,
  confidence: z
    .number()
    .min(0)
    .max(1)
    .nullish()
    .transform((value) => value ?? 0),
  /** Absent: not checked. Null: there must be no champion yet. */
  expected_champion: VersionNumber.nullable().optional(),
  fence: absent(z.int().positive()),
  execution: absent(z.string()),
  reason: fields.reason,
  requested_by: fields.requested_by,
});
export type PromoteInput = z.infer<typeof PromoteInput>;

/** What `promote-model` answers (source document 003). Fields are left out, not null, where 003 leaves them out. */
export const PromoteAnswer = z.discriminatedUnion('promoted', [
  z.object({
    promoted: z.literal(false),
    reason: z.string(),
    contested: z.literal(true).optional(),
    overwritten: z.array(z.string()).optional(),
  }),
  z.object({
    promoted: z.literal(true),
    new_version: z.string(),
    new_stage: z.literal('Production'),
    archived_version: z.string().nullable(),
    already_promoted: z.literal(true).optional(),
    /** Versions that another actor moved to Production just before, and that this call archived. */
    overwritten: z.array(z.string()).optional(),
  }),
]);
export type PromoteAnswer = z.infer<typeof PromoteAnswer>;

/** Payload of `prepare-promotion`. */
export const PrepareInput = z.object({
  operation: Operation,
  model_name: fields.model_name,
  challenger_version: fields.challenger_version,
  workload_id: fields.workload_id,
  wait_for_lease_minutes: z.number(),
  dry_run: z.boolean(),
  requested_by: fields.requested_by,
  reason: fields.reason,
  policy: fields.policy,
  artifact_id: fields.artifact_id,
  rollout: fields.rollout,
  comparison: Comparison.nullable(),
  lock_artifact: fields.lock_artifact,
  importance: fields.importance.optional(),
  adopt: fields.adopt,
  /** What `request-approval` answered: the wait for the lease counts from the last approval. The table has what counts. */
  approval: absent(z.object({ approvals: z.array(z.object({ at: z.string() })) })).optional(),
  /** Undefined only in executions that were started by the definition of the first version. */
  change_id: z.string().nullable().optional(),
  execution: z.string(),
  started_at: z.iso.datetime({ offset: true }),
  /** The last answer of this function in the same execution; null on the first call. */
  previous: absent(z.object({ prepared_at: z.string(), retry_after_seconds: z.number() })),
});
export type PrepareInput = z.infer<typeof PrepareInput>;

const text = z.string().nullable();

/** What `prepare-promotion` answers. */
export const Prepared = z.object({
  /**
   * `ready`: the lease is taken and, for a promotion, the change is open. `busy`: another owner holds the lease, or a
   * request of the last one may not be visible yet. `contested`: another actor has changed the registry, the Workload or
   * the evidence. `refused`: the promotion is not possible. `already_promoted`, `adopted`: nothing is left to be done.
   */
  status: z.enum(['ready', 'busy', 'contested', 'refused', 'already_promoted', 'adopted']),
  /** One sentence, for people only; null when `ready`. */
  reason: text,
  /** Names of the gates that do not pass any more when `refused` for them; absent otherwise. */
  gates: z.array(z.string()).optional(),
  /** The owner of the lease when `busy`: an ARN, or `direct:<request id>`. */
  holder: text,
  /** ISO 8601; the latest end of the holder's lease. */
  lease_expires_at: text,
  /** True when `busy` and the execution still has time to wait. */
  wait: z.boolean(),
  retry_after_seconds: z.number(),
  fence: z.number().nullable(),
  /** The open change that the next steps converge; null where a rollback opens its own, and where none is open. */
  change_id: text,
  /** The champion before the change; null if there is none. */
  champion_before: text,
  rollback_reason: RollbackReason,
  /** ISO 8601; when the lease was taken. Earlier changes of the Workload are not this execution's. */
  prepared_at: z.string(),
  /** The Workload that serves the model; null where none does. */
  workload_id: text,
  /** The artifact to put in service; null where there is none to put. */
  artifact_id: text,
  /** ISO 8601; a rollout that is not complete by then is cancelled. */
  deadline: text,
});
export type Prepared = z.infer<typeof Prepared>;
