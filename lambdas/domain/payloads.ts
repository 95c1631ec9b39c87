import * as z from 'zod';
import { MAX_LEASE_WAIT_MINUTES } from './limits.ts';
import { RollbackFinding } from './promotion/rollback-finding.ts';
import { VersionNumber } from './registry.ts';
import { ServingBefore, ServingUndo } from './rollout/serving-rollback.ts';
import { WorkloadRollout } from './serving/payloads.ts';

/** Payloads of the functions and of the execution (design §3), snake_case as in the source documents. */

/** MLflow accepts almost any name; only what no registry can hold is refused here. */
const ModelName = z.string().min(1, 'must name a registered model').max(256);
const ShortText = z.string().max(2000);
const PolicyName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be a policy name such as "default"');
/** Where a field is given but null, it counts as absent: the state machine passes null for what nobody set. */
const absent = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? null);

export const RollbackReason = z.enum([
  'MANUAL_REQUEST',
  'PERFORMANCE_DEGRADATION',
  'TEST_FAILURE',
  'DRIFT_SEVERE',
  'ROLLOUT_FAILED',
]);
export type RollbackReason = z.infer<typeof RollbackReason>;

/** What an execution may be started with; nothing else is accepted (design §3, "Execution input"). */
export const ExecutionInput = z.strictObject({
  operation: z
    .enum(['promote', 'rollback'])
    .nullish()
    .transform((value) => value ?? 'promote'),
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
  AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: absent(z.string()),
});
export type ExecutionInput = z.infer<typeof ExecutionInput>;

/** Fields of the execution's input that later steps are called with: each step's payload picks its own. */
const asked = ExecutionInput.shape;

export const CompareInput = z.object({
  model_name: asked.model_name,
  champion_version: asked.champion_version,
  challenger_version: asked.challenger_version,
  policy: asked.policy,
  /** Who asks, for the log. */
  execution: absent(z.string()),
});
export type CompareInput = z.infer<typeof CompareInput>;

export const Decision = z.enum(['PROMOTE', 'KEEP', 'INVESTIGATE']);
export type Decision = z.infer<typeof Decision>;

/**
 * A metric without a usable value: `not-logged`, the run has no such metric; `nan` or `infinite`, the value that was
 * logged is not a number or not finite (SQL stores of MLflow keep an infinity as the largest double).
 */
export const MissingNumber = z.object({
  code: z.enum(['not-logged', 'nan', 'infinite']),
  version: z.string(),
  metric: z.string(),
});
export type MissingNumber = z.infer<typeof MissingNumber>;

/** What the first version stored: a boolean, or nothing where the rule was counted. */
const countedBefore = (value: unknown) =>
  value === false ? 'not-counted' : value === true || value === undefined ? 'counted' : value;

/** One rule of the policy, as it came out. Numbers are null where the run has none that is finite. */
export const RuleResult = z.object({
  name: z.string(),
  metric: z.string(),
  champion: z.number().nullable(),
  challenger: z.number().nullable(),
  passed: z.boolean(),
  /**
   * Whether `passed` says anything. `counted`: the rule was evaluated. Otherwise it was not: `skipped`, a number is
   * missing and the policy leaves such a rule out; `missing`, a number is missing or nothing was decided at all, so a
   * person has to look; `alone`, there is no champion and the rule sets no limit for a first model. `not-counted` is
   * read only, from a stored `false` of the first version: its `reason` alone says which of these it was.
   */
  counted: z.preprocess(countedBefore, z.enum(['counted', 'skipped', 'missing', 'alone', 'not-counted'])),
  /** The numbers that the rule lacks; the challenger's first. */
  why: z.array(MissingNumber).default([]),
  critical: z.boolean(),
  /** For people only. */
  reason: z.string(),
});
export type RuleResult = z.infer<typeof RuleResult>;

/**
 * What the confidence of a comparison is. `probability`: one minus the one-sided p of the least sure deciding rule.
 * `share`: weight of passed rules ÷ weight of counted rules. `limits`: the same share for a first model, of which only
 * limits are checked. `same`: 1, challenger and champion are one version. `none`: 0, nothing was decided.
 */
export const Basis = z.enum(['probability', 'share', 'limits', 'same', 'none']);
export type Basis = z.infer<typeof Basis>;

/** What `compare-models` answers. */
export const Comparison = z.object({
  decision: Decision,
  /** 0 to 1; what it means is said by `basis` and `evidence_grade`, and it is never shown without them. */
  confidence: z.number(),
  champion_version: z.string().nullable(),
  challenger_version: z.string().nullable(),
  same_version: z.boolean(),
  recommendation: z.string(),
  /** Absent where the first version stored the comparison; then `method` is all there is. */
  basis: Basis.optional(),
  /** `basis` in words. */
  method: z.string(),
  /** Step of the ladder of evidence, `A` (best) to `E`; null where nothing was compared. */
  evidence_grade: z.enum(['A', 'B', 'C', 'D', 'E']).nullable(),
  rules: z.array(RuleResult),
  /** SHA-256 (hex) of everything the decision was made on. */
  evidence_digest: z.string(),
  policy: z.string(),
});
export type Comparison = z.infer<typeof Comparison>;

export const PromoteInput = z.object({
  model_name: asked.model_name,
  new_version: asked.challenger_version,
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
  reason: asked.reason,
  requested_by: asked.requested_by,
});
export type PromoteInput = z.infer<typeof PromoteInput>;

/** What `promote-model` answers (source document 003). Fields are left out, not null, where 003 leaves them out. */
export const PromoteAnswer = z.discriminatedUnion('promoted', [
  z.object({ promoted: z.literal(false), reason: z.string(), contested: z.literal(true).optional() }),
  z.object({
    promoted: z.literal(true),
    new_version: z.string(),
    new_stage: z.literal('Production'),
    archived_version: z.string().nullable(),
    already_promoted: z.literal(true).optional(),
  }),
]);
export type PromoteAnswer = z.infer<typeof PromoteAnswer>;

/** What was true before the registry moved; what a compensating rollback restores. */
export const BeforeState = z.object({
  champion_version: z.string().nullable(),
  challenger_version: z.string(),
  /** Null where no Workload serves the model. */
  serving: ServingBefore.nullable().default(null),
});
export type BeforeState = z.infer<typeof BeforeState>;

export const PrepareInput = z.object({
  operation: z.enum(['promote', 'rollback']),
  model_name: asked.model_name,
  challenger_version: asked.challenger_version,
  workload_id: asked.workload_id,
  wait_for_lease_minutes: z.number(),
  dry_run: z.boolean(),
  requested_by: asked.requested_by,
  reason: asked.reason,
  policy: asked.policy,
  artifact_id: asked.artifact_id,
  rollout: asked.rollout,
  comparison: Comparison.nullable(),
  execution: z.string(),
  started_at: z.iso.datetime({ offset: true }),
});
export type PrepareInput = z.infer<typeof PrepareInput>;

const text = z.string().nullable();

/** What `prepare-promotion` answers. */
export const Prepared = z.object({
  /** `ready`: the lease is taken. `busy`: somebody else has it. `contested`: the registry is not as it was compared. */
  status: z.enum(['ready', 'busy', 'contested']),
  /** One sentence, for people only; null when `ready`. */
  reason: text,
  /** Who has the lease when `busy`. */
  holder: text,
  /** ISO 8601; when the holder's lease ends at the latest. */
  lease_expires_at: text,
  /** True when `busy` and the execution still has time to wait for the lease. */
  wait: z.boolean(),
  retry_after_seconds: z.number(),
  fence: z.number().nullable(),
  /** Id of the intent that is recorded and has no result yet; null when there is nothing to do. */
  promotion_id: text,
  /** An earlier execution's promotion that this one only finishes; null where this one does the work. */
  unfinished: z
    .object({ execution: text, champion_before: text, confidence: z.number().nullable() })
    .nullable(),
  before_state: BeforeState.nullable(),
  rollback_reason: RollbackReason,
  /** ISO 8601; when the lease was taken. What happened on the Workload before is not this execution's. */
  prepared_at: z.string(),
  /** The Workload that serves the model; null where none does. */
  workload_id: text,
  /** The artifact to put in service; null where there is none to put. */
  artifact_id: text,
  /** ISO 8601; the rollout is cancelled when it has not come to its end by then. */
  deadline: text,
});
export type Prepared = z.infer<typeof Prepared>;

export const RollbackInput = z.object({
  model_name: asked.model_name,
  target_version: asked.target_version,
  reason: RollbackReason.nullish().transform((value) => value ?? 'MANUAL_REQUEST'),
  alarm_name: asked.alarm_name,
  /** When the execution began: an alarm that asks for it is about what was in Production then. */
  asked_at: absent(z.iso.datetime({ offset: true })),
  dry_run: asked.dry_run,
  emergency: asked.emergency,
  before_state: absent(BeforeState),
  workload_id: absent(z.string()),
  fence: absent(z.int().positive()),
  execution: absent(z.string()),
  requested_by: asked.requested_by,
  /** The last answer of this function in the same execution; null on the first call. */
  previous: absent(z.object({ serving: ServingUndo.nullable() })),
});
export type RollbackInput = z.infer<typeof RollbackInput>;

/** What `model-rollback` answers. */
export const RollbackAnswer = z.object({
  rolled_back: z.boolean(),
  model_name: z.string(),
  /** The version that is undone; one whose rollout never came to the registry was not in Production. */
  from_version: text,
  to_version: text,
  /** The champion that the rollback found when it began; null where there was none, or several, or nobody looked. */
  champion_before: text,
  reason: z.string(),
  alarm_name: text,
  timestamp: z.string(),
  /** What was done on the serving side; null where no Workload serves the model. */
  serving: ServingUndo.nullable(),
  /** `in_progress` is called again after `retry_after_seconds`; the others are terminal. */
  status: z.enum(['in_progress', 'completed', 'contested']),
  retry_after_seconds: z.number().nullable(),
  /** What was found and done in the registry; null in answers that were stored before there were findings. */
  finding: RollbackFinding.nullable().default(null),
  /** One sentence, for people only: the finding, and what came of the serving side. */
  detail: z.string(),
  dry_run: z.boolean(),
  already_rolled_back: z.literal(true).optional(),
  /** True when an earlier call had finished everything: nobody has to be notified. */
  nothing_to_do: z.literal(true).optional(),
});
export type RollbackAnswer = z.infer<typeof RollbackAnswer>;
