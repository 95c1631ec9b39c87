import * as z from 'zod';
import { Comparison, ExecutionInput } from '../payloads.ts';

const { workload_id, artifact_id, rollout, importance, lock_artifact } = ExecutionInput.shape;

/** Payload of `request-approval`. */
export const RequestApprovalInput = z.object({
  execution: z.string(),
  started_at: z.iso.datetime({ offset: true }),
  model_name: z.string(),
  comparison: Comparison,
  ...{ workload_id, artifact_id, rollout, importance, lock_artifact },
  /** As the caller typed it: shown, and trusted for nothing. */
  requested_by: ExecutionInput.shape.requested_by,
});
export type RequestApprovalInput = z.infer<typeof RequestApprovalInput>;

/** The other payload of `request-approval`: the state machine waits, and gives the token by which it is woken. */
export const AwaitDecisionInput = z.object({
  execution: z.string(),
  request_id: z.string().nullable(),
  task_token: z.string().min(1).max(2048),
});
export type AwaitDecisionInput = z.infer<typeof AwaitDecisionInput>;

const text = z.string().nullable();

/** What `request-approval` answers. */
export const ApprovalAnswer = z.object({
  status: z.enum(['not_needed', 'waiting', 'approved', 'rejected', 'expired', 'void', 'investigate']),
  /** Null where nobody is asked. */
  request_id: text,
  digest: text,
  approvals: z.array(z.object({ who: z.string(), reason: z.string(), at: z.string() })),
  /** Approvals that are still missing. */
  missing: z.int(),
  /** Null unless waiting: seconds until the reminder or the end. */
  wait_seconds: z.int().nullable(),
  /** ISO 8601; null where nobody is asked. */
  expires_at: text,
  /** For people. */
  reason: z.string(),
});
export type ApprovalAnswer = z.infer<typeof ApprovalAnswer>;
