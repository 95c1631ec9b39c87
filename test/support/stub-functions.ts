import type { ApprovalAnswer } from '../../lambdas/domain/approval/payloads.ts';
import { type StepFunctionName, stepFunctionNames } from '../../lambdas/domain/limits.ts';
import type { EndAnswer } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Comparison, Prepared, PromoteAnswer } from '../../lambdas/domain/payloads.ts';
import type { CloseAnswer, RollbackAnswer } from '../../lambdas/domain/release/payloads.ts';
import { Progress, type ReplaceAnswer, type ServingUndo } from '../../lambdas/domain/serving/payloads.ts';
import type { LocalFunction } from '../../local/machine/state-machine.ts';

/** Plain functions in the place of the handlers: they answer from a list, and remember what they were called with. */
export interface StubFunctions {
  handlers: Record<StepFunctionName, LocalFunction>;
  calls: { functionName: StepFunctionName; event: Record<string, unknown> }[];
  /** What this function was called with, first call first. */
  eventsOf(functionName: StepFunctionName): Record<string, unknown>[];
}

/** An answer, an error to throw, or something to run. */
type Reply = object | string | null | Error | (() => Promise<unknown>);

/** Each list is worked through call by call; its last reply is given for ever. Left out: the happy answer. */
export function stubFunctions(replies: Partial<Record<StepFunctionName, Reply[]>> = {}): StubFunctions {
  const calls: StubFunctions['calls'] = [];
  const eventsOf = (functionName: StepFunctionName) =>
    calls.filter((call) => call.functionName === functionName).map((call) => call.event);
  const stub = (functionName: StepFunctionName): LocalFunction => {
    const list = replies[functionName] ?? happy[functionName];
    return async (event) => {
      const reply = list[Math.min(eventsOf(functionName).length, list.length - 1)];
      calls.push({ functionName, event: event as Record<string, unknown> });
      if (reply instanceof Error) throw reply;
      return typeof reply === 'function' ? reply() : reply;
    };
  };
  const handlers = Object.fromEntries(stepFunctionNames.map((name) => [name, stub(name)]));
  return { handlers: handlers as Record<StepFunctionName, LocalFunction>, calls, eventsOf };
}

/** The whole state document as `begin-promotion` answers it for a plain promotion. */
export function begun(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    ...{ valid: true, problems: [], operation: 'promote', model_name: 'PascalStrategy' },
    ...{
      challenger_version: null,
      champion_version: null,
      policy: null,
      workload_id: null,
      artifact_id: null,
    },
    ...{ rollout: null, importance: null, lock_artifact: null, wait_for_lease_minutes: 0, dry_run: false },
    ...{ requested_by: 'retraining', reason: null, target_version: null, alarm_name: null, emergency: false },
    ...{ adopt: false, change_id: null },
    ...{
      started_by: null,
      execution: 'run-1',
      started_at: '2026-01-01T00:00:00.000Z',
      rollback_reason: 'MANUAL_REQUEST',
      comparison: null,
      approval: null,
      prepared: null,
      serving: null,
      promotion: null,
      closing: null,
    },
    ...{ rollback: null, error: null, rollback_error: null },
    ...changes,
  };
}

export function compared(changes: Partial<Comparison> = {}): Comparison {
  return {
    ...{ decision: 'PROMOTE', confidence: 0.85, champion_version: '2', challenger_version: '3' },
    ...{ same_version: false, recommendation: 'Promote version 3.', method: 'rules', evidence_grade: 'E' },
    ...{ rules: [], evidence_digest: 'a'.repeat(64), policy: 'default' },
    ...changes,
  };
}

/** What `request-approval` answers; by default, nobody is asked. */
export function asked(changes: Partial<ApprovalAnswer> = {}): ApprovalAnswer {
  return {
    ...{ status: 'not_needed', request_id: null, digest: null, approvals: [], missing: 0 },
    ...{ wait_seconds: null, expires_at: null, reason: 'No approval is needed' },
    ...changes,
  };
}

export function prepared(changes: Partial<Prepared> = {}): Prepared {
  return {
    ...{ status: 'ready', reason: null, holder: null, lease_expires_at: null, wait: false },
    ...{ retry_after_seconds: 30, fence: 7, change_id: 'run-1', rollback_reason: 'ROLLOUT_FAILED' },
    ...{
      champion_before: '2',
      deadline: '2026-01-01T01:00:00.000Z',
      prepared_at: '2026-01-01T00:20:00.000Z',
    },
    ...{ workload_id: null, artifact_id: null },
    ...changes,
  };
}

/** What `prepare-promotion` answers for a model that a Workload serves. */
export const served = (changes: Partial<Prepared> = {}) =>
  prepared({ workload_id: 'w1', artifact_id: 'a3', ...changes });

export const busy = (changes: Partial<Prepared> = {}) =>
  prepared({
    status: 'busy',
    holder: 'run-0',
    fence: null,
    change_id: null,
    champion_before: null,
    ...changes,
  });

export function replaced(changes: Partial<ReplaceAnswer> = {}): ReplaceAnswer {
  return {
    ...{ action: 'replace', status: 'completed', phase: null, artifact_id: 'a3', previous_artifact_id: 'a2' },
    ...{ endpoint: 'https://app.example.com/w1/', candidate: null, retry_after_seconds: null },
    ...{ already_replaced: false, reason: 'Artifact a3 is served.', diagnosis: null },
    ...{ waiting: null, failure: null, failure_details: null },
    progress: Progress.parse({ action: 'replace' }),
    ...changes,
  };
}

/** A rollout that goes on, to be looked at again after so many seconds. */
export const rolling = (seconds: number | null, changes: Partial<ReplaceAnswer> = {}) =>
  replaced({
    ...{ status: 'in_progress', phase: 'warming_up', retry_after_seconds: seconds },
    waiting: { code: 'replacing', state: 'warming_up' },
    ...changes,
  });

export const notReplaced = replaced({
  status: 'failed',
  failure: 'candidate-failed',
  failure_details: { code: 'candidate-failed', state: 'errored', message: null },
  reason: 'The candidate did not come up.',
});

export const promoted: PromoteAnswer = {
  promoted: true,
  new_version: '3',
  new_stage: 'Production',
  archived_version: '2',
};

export const notPromoted: PromoteAnswer = { promoted: false, reason: 'Version 3 is not READY' };

/** What `close-promotion` answers once both sides have shown the aim. */
export function closed(changes: Partial<CloseAnswer> = {}): CloseAnswer {
  return {
    ...{ status: 'completed', retry_after_seconds: null, reason: 'Both sides show it.', finding: null },
    ...{ overwritten: [], progress: Progress.parse({}) },
    ...changes,
  };
}

export function rolledBack(changes: Partial<RollbackAnswer> = {}): RollbackAnswer {
  return {
    ...{ rolled_back: true, model_name: 'PascalStrategy', from_version: '3', to_version: '2' },
    ...{
      champion_before: '3',
      reason: 'ROLLOUT_FAILED',
      alarm_name: null,
      timestamp: '2026-01-01T00:01:00.000Z',
      serving: null,
    },
    ...{ status: 'completed', retry_after_seconds: null, dry_run: false },
    ...{ finding: { code: 'moved', from: '3', to: '2' }, detail: 'Version 2 is back.' },
    ...changes,
  };
}

/** What a rollback did on the Workload: the previous artifact is served again. */
export function servingUndo(changes: Partial<ServingUndo> = {}): ServingUndo {
  return {
    ...{ workload_id: 'w1', undone: true, action: 'replaced', phase: null, contested: false },
    finding: { code: 'serves-previous', artifact: 'a2', state: null },
    reason: 'The Workload serves artifact "a2", as before',
    began_at: '2026-01-02T03:00:00.000Z',
    progress: Progress.parse({}),
    ...changes,
  };
}

export function ended(changes: Partial<EndAnswer> = {}): EndAnswer {
  return {
    status: 'promoted',
    succeeded: true,
    reason: 'Version 3 was promoted.',
    alert: 'sent',
    ...changes,
  };
}

const happy: Record<StepFunctionName, Reply[]> = {
  'begin-promotion': [begun()],
  'compare-models': [compared()],
  'request-approval': [asked()],
  'prepare-promotion': [prepared()],
  'replace-workload': [replaced()],
  'promote-model': [promoted],
  'close-promotion': [closed()],
  'model-rollback': [rolledBack()],
  'end-promotion': [ended()],
};

/** An error as Step Functions or Lambda would report it, which no class of ours stands for. */
export function platformError(name: string): Error {
  const error = new Error(`${name} (as the platform reports it)`);
  error.name = name;
  return error;
}

/** The tasks of the state machine with their functions, in order. */
export const tasks: [string, StepFunctionName][] = [
  ['BeginPromotion', 'begin-promotion'],
  ['CompareModels', 'compare-models'],
  ['RequestApproval', 'request-approval'],
  ['PreparePromotion', 'prepare-promotion'],
  ['ReplaceWorkload', 'replace-workload'],
  ['PromoteModel', 'promote-model'],
  ['ClosePromotion', 'close-promotion'],
  ['ModelRollback', 'model-rollback'],
  ['NotifySuccess', 'end-promotion'],
  ['NotifyOutcome', 'end-promotion'],
];

/** What brings an execution to a task; the function of the task itself is left to the test. */
export const wayTo: Record<string, Partial<Record<StepFunctionName, Reply[]>>> = {
  ReplaceWorkload: { 'prepare-promotion': [served()] },
  ModelRollback: { 'begin-promotion': [begun({ operation: 'rollback' })] },
  NotifyOutcome: { 'compare-models': [compared({ decision: 'KEEP' })] },
};
