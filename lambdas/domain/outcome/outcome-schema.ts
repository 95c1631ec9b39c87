import type { Comparison, RollbackAnswer } from '../payloads.ts';
import type { Diagnosis } from '../serving/payloads.ts';

/** How executions end, and what `end-promotion` answers. */

export const outcomeStatuses = [
  'promoted',
  'already_promoted',
  'kept',
  'needs_investigation',
  'declined',
  'rolled_back',
  'contested',
  'busy',
  'failed',
  'invalid_input',
] as const;
export type OutcomeStatus = (typeof outcomeStatuses)[number];

/** An error as the state machine hands it on: `Cause` without a stack trace. */
export interface CaughtError {
  name: string;
  message: string;
}

/** What became of a rollout. */
export interface ServingOutcome {
  workload_id: string;
  /** The artifact that was to be served. */
  artifact_id: string;
  status: 'in_progress' | 'completed' | 'failed';
  endpoint: string | null;
  reason: string;
  /** Why a candidate did not come up, for people; null where it did. */
  diagnosis: Diagnosis | null;
}

/** How one execution (or one direct invocation) ended: recorded once, announced at least once. */
export interface Outcome {
  status: OutcomeStatus;
  operation: 'promote' | 'rollback';
  /** ARN of the execution, or `direct:<request id>`. */
  execution: string;
  /** Null only when the input named no model. */
  model_name: string | null;
  champion_before: string | null;
  /** The champion as far as the execution knows; null when there is none or it could not be found out. */
  champion_after: string | null;
  challenger_version: string | null;
  confidence: number | null;
  /** One sentence: why it ended so. */
  reason: string;
  comparison: Comparison | null;
  rollback: RollbackAnswer | null;
  /** The rollout on the Workload; null where no Workload serves the model, or it never came to that. */
  serving: ServingOutcome | null;
  /** Who holds the lease, when `busy`. */
  holder: string | null;
  error: CaughtError | null;
  rollback_error: CaughtError | null;
  /** Every mistake of the input, when `invalid_input`. */
  problems: string[];
  /** The execution whose promotion this one finished and announced in its place; null as a rule. */
  finishes: string | null;
  requested_by: string | null;
  dry_run: boolean;
  /** ISO 8601. */
  recorded_at: string;
}

/** What `end-promotion` answers. */
export interface EndAnswer {
  status: OutcomeStatus;
  /** True when the execution did its job; the machine ends SUCCEEDED or FAILED by it. */
  succeeded: boolean;
  reason: string;
  alert: 'sent' | 'pending' | 'none' | 'off';
}
