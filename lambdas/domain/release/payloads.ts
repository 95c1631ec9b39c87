import * as z from 'zod';
import { absent, fields, RollbackReason } from '../payloads.ts';
import { RollbackFinding } from '../promotion/rollback-finding.ts';
import { Progress, ServingUndo } from '../serving/payloads.ts';
import { RolloutFinding } from '../serving/rollout-finding.ts';

/** Payloads of the functions that bring a change to its end: `close-promotion` and `model-rollback`. */

const text = z.string().nullable();

/** Payload of `close-promotion`. */
export const CloseInput = z.object({
  model_name: fields.model_name,
  change_id: absent(z.string()),
  execution: z.string(),
  fence: absent(z.int().positive()),
  /** ISO 8601; the lock waits until then for the end of the rollout. */
  deadline: absent(z.iso.datetime({ offset: true })),
  /** The last answer of this function in the same execution; null on the first call. */
  previous: absent(z.object({ progress: Progress, overwritten: z.array(z.string()).optional() })),
});
export type CloseInput = z.infer<typeof CloseInput>;

/** What `close-promotion` answers. */
export const CloseAnswer = z.object({
  /** `in_progress` is called again after `retry_after_seconds`; the others are terminal. */
  status: z.enum(['in_progress', 'completed', 'failed', 'contested']),
  retry_after_seconds: z.number().nullable(),
  /** One sentence, for people only. */
  reason: z.string(),
  /** What the Workload came to; null where nothing was left to be done there. */
  finding: RolloutFinding.nullable().catch(null),
  /** Versions that somebody moved to Production just before the promotion, which archived them. */
  overwritten: z.array(z.string()).default([]),
  progress: Progress,
});
export type CloseAnswer = z.infer<typeof CloseAnswer>;

/** Payload of `model-rollback`. */
export const RollbackInput = z.object({
  model_name: fields.model_name,
  target_version: fields.target_version,
  /** Only while this version is the champion. Absent in executions of earlier definitions. */
  champion_version: fields.champion_version.optional(),
  reason: RollbackReason.nullish().transform((value) => value ?? 'MANUAL_REQUEST'),
  alarm_name: fields.alarm_name,
  /** ISO 8601; when the execution started: an alarm that requested it is about the version in Production then. */
  asked_at: absent(z.iso.datetime({ offset: true })),
  dry_run: fields.dry_run,
  emergency: fields.emergency,
  /** The open change to be brought to its end after a failure; null: the call opens a rollback of its own. */
  change_id: absent(z.string()),
  workload_id: absent(z.string()),
  fence: absent(z.int().positive()),
  execution: absent(z.string()),
  requested_by: fields.requested_by,
  /** The last answer of this function in the same execution; null on the first call. */
  previous: absent(
    z.object({
      champion_before: z.string().nullable(),
      serving: ServingUndo.nullable(),
      overwritten: z.array(z.string()).optional(),
    }),
  ),
});
export type RollbackInput = z.infer<typeof RollbackInput>;

/** What `model-rollback` answers. */
export const RollbackAnswer = z.object({
  rolled_back: z.boolean(),
  model_name: z.string(),
  /** The version that is left; it need not have reached Production. */
  from_version: text,
  to_version: text,
  /** The champion when the rollback began; null if there was none, several, or the registry was not read. */
  champion_before: text,
  reason: z.string(),
  alarm_name: text,
  /** ISO 8601. */
  timestamp: z.string(),
  /** What was done on the serving side; null where no Workload serves the model. */
  serving: ServingUndo.nullable(),
  /**
   * `in_progress` is called again after `retry_after_seconds`; the others are terminal. `open`: the change could not be
   * brought to its end and stays open; the sweep starts further attempts.
   */
  status: z.enum(['in_progress', 'completed', 'contested', 'open']),
  retry_after_seconds: z.number().nullable(),
  /** What was found and done in the registry; null in answers of the first version. */
  finding: RollbackFinding.nullable().catch(null),
  /** One sentence, for people only: the finding, and the result on the serving side. */
  detail: z.string(),
  dry_run: z.boolean(),
  already_rolled_back: z.literal(true).optional(),
  /** Versions that another actor moved to Production just before, and that the rollback archived. */
  overwritten: z.array(z.string()).optional(),
  /** True when an earlier call completed everything: no notification is sent. */
  nothing_to_do: z.literal(true).optional(),
});
export type RollbackAnswer = z.infer<typeof RollbackAnswer>;
