import type { ApprovalAnswer } from '../lambdas/domain/approval/payloads.ts';
import type { EndAnswer } from '../lambdas/domain/outcome/outcome-schema.ts';
import type { Comparison, ExecutionInput, Prepared, PromoteAnswer } from '../lambdas/domain/payloads.ts';
import type { CloseAnswer, RollbackAnswer } from '../lambdas/domain/release/payloads.ts';
import type { ReplaceAnswer } from '../lambdas/domain/serving/payloads.ts';

/** Every state, in the order in which the rendered definition lists them. */
export const stateNames = [
  'BeginPromotion',
  'Operation?',
  'CompareModels',
  'PinChallenger',
  'Decision?',
  'RequestApproval',
  'Approval?',
  'AwaitDecision',
  'PreparePromotion',
  'Prepared?',
  'WaitForLease',
  'ReplaceWorkload',
  'Rollout?',
  'WaitForRollout',
  'WaitForReplaceWorkload',
  'PromoteModel',
  'WaitForPromoteModel',
  'WasPromoted?',
  'ClosePromotion',
  'Closed?',
  'WaitForClose',
  'WaitForClosePromotion',
  'ModelRollback',
  'RolledBack?',
  'WaitForModelRollback',
  'WaitForRollback',
  'NotifySuccess',
  'NotifyOutcome',
  'Outcome?',
  'Done',
  'Failed',
  'OutcomeNotRecorded',
] as const;
export type StateName = (typeof stateNames)[number];

/** Where a step leaves its answer, or a catch its error, in the state document. */
export type ResultPath =
  | '$.comparison'
  | '$.challenger_version'
  | '$.approval'
  | '$.prepared'
  | '$.serving'
  | '$.promotion'
  | '$.closing'
  | '$.rollback'
  | '$.ending'
  | '$.error'
  | '$.rollback_error'
  | '$.ending_error';

/**
 * A path into the state document or the context object. `BeginPromotion` answers every field of the document and each
 * later step every field of its answer, so each of these paths exists wherever the machine reads it.
 */
export type Path =
  | '$'
  | ResultPath
  | '$.valid'
  | '$.started_at'
  | `$.${Exclude<keyof ExecutionInput, 'AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID'>}`
  | `$.comparison.${keyof Comparison}`
  | `$.approval.${keyof ApprovalAnswer}`
  | `$.prepared.${keyof Prepared}`
  | `$.serving.${keyof ReplaceAnswer}`
  | `$.promotion.${keyof PromoteAnswer}`
  | `$.closing.${keyof CloseAnswer}`
  | `$.rollback.${keyof RollbackAnswer}`
  | `$.ending.${keyof EndAnswer}`
  | '$$.Execution.Id'
  | '$$.Execution.Input'
  | '$$.Execution.StartTime'
  | '$$.Task.Token';
