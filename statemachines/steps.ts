import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { IntegrationPattern, JsonPath, TaskInput, Timeout } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { AwaitDecisionInput, RequestApprovalInput } from '../lambdas/domain/approval/payloads.ts';
import type { ErrorName } from '../lambdas/domain/errors.ts';
import { type StepFunctionName, taskTimeoutSeconds } from '../lambdas/domain/limits.ts';
import type { CompareInput, PrepareInput, PromoteInput } from '../lambdas/domain/payloads.ts';
import type { CloseInput, RollbackInput } from '../lambdas/domain/release/payloads.ts';
import type { ReplaceInput } from '../lambdas/domain/serving/payloads.ts';
import type { Path, ResultPath, StateName } from './names.ts';
import {
  MAX_OUTAGE_RETRIES,
  outcomeUnknownWaiting,
  whenNotStarted,
  whenOutcomeUnknown,
  whenUnavailable,
} from './retry-policies.ts';

/** A path for every field of the function's payload: a missing one does not compile. */
type Parameters<Payload> = { [Field in keyof Payload]-?: Path };

/** A task of the state machine. */
export interface Step {
  functionName: StepFunctionName;
  parameters: Record<string, Path>;
  /** Left out: the answer becomes the whole state document. */
  resultPath?: ResultPath;
  /** The functions' transient errors: what it talks to may be away for a moment. */
  transient: ErrorName[];
  /** How often it is called again after one of them; `MAX_OUTAGE_RETRIES` if left out. */
  retries?: number;
}

// The whole input comes from the context object: it may be any JSON value, not only an object.
const begin: Parameters<{ input: unknown; execution: string; started_at: string }> = {
  input: '$$.Execution.Input',
  execution: '$$.Execution.Id',
  started_at: '$$.Execution.StartTime',
};

const compare: Parameters<CompareInput> = {
  model_name: '$.model_name',
  champion_version: '$.champion_version',
  challenger_version: '$.challenger_version',
  policy: '$.policy',
  execution: '$$.Execution.Id',
  started_at: '$$.Execution.StartTime',
};

const requestApproval: Parameters<RequestApprovalInput> = {
  execution: '$$.Execution.Id',
  started_at: '$$.Execution.StartTime',
  model_name: '$.model_name',
  comparison: '$.comparison',
  workload_id: '$.workload_id',
  artifact_id: '$.artifact_id',
  rollout: '$.rollout',
  importance: '$.importance',
  lock_artifact: '$.lock_artifact',
  requested_by: '$.requested_by',
};

/** The token stands in the execution's history: it wakes the execution, and nothing else follows from it. */
const awaitDecision: Parameters<AwaitDecisionInput> = {
  execution: '$$.Execution.Id',
  request_id: '$.approval.request_id',
  task_token: '$$.Task.Token',
};

const prepare: Parameters<PrepareInput> = {
  operation: '$.operation',
  model_name: '$.model_name',
  challenger_version: '$.challenger_version',
  workload_id: '$.workload_id',
  artifact_id: '$.artifact_id',
  rollout: '$.rollout',
  wait_for_lease_minutes: '$.wait_for_lease_minutes',
  dry_run: '$.dry_run',
  requested_by: '$.requested_by',
  reason: '$.reason',
  policy: '$.policy',
  comparison: '$.comparison',
  lock_artifact: '$.lock_artifact',
  importance: '$.importance',
  adopt: '$.adopt',
  approval: '$.approval',
  change_id: '$.change_id',
  execution: '$$.Execution.Id',
  started_at: '$$.Execution.StartTime',
  previous: '$.prepared',
};

const replace: Parameters<ReplaceInput> = {
  workload_id: '$.prepared.workload_id',
  artifact_id: '$.prepared.artifact_id',
  rollout: '$.rollout',
  importance: '$.importance',
  lock_artifact: '$.lock_artifact',
  deadline: '$.prepared.deadline',
  fence: '$.prepared.fence',
  model_name: '$.model_name',
  execution: '$$.Execution.Id',
  since: '$.prepared.prepared_at',
  previous: '$.serving',
};

const promote: Parameters<PromoteInput> = {
  model_name: '$.model_name',
  new_version: '$.challenger_version',
  confidence: '$.comparison.confidence',
  expected_champion: '$.comparison.champion_version',
  fence: '$.prepared.fence',
  execution: '$$.Execution.Id',
  reason: '$.reason',
  requested_by: '$.requested_by',
};

const close: Parameters<CloseInput> = {
  model_name: '$.model_name',
  change_id: '$.prepared.change_id',
  execution: '$$.Execution.Id',
  fence: '$.prepared.fence',
  deadline: '$.prepared.deadline',
  previous: '$.closing',
};

const rollback: Parameters<RollbackInput> = {
  model_name: '$.model_name',
  target_version: '$.target_version',
  champion_version: '$.champion_version',
  reason: '$.prepared.rollback_reason',
  alarm_name: '$.alarm_name',
  asked_at: '$.started_at',
  dry_run: '$.dry_run',
  emergency: '$.emergency',
  change_id: '$.prepared.change_id',
  workload_id: '$.workload_id',
  fence: '$.prepared.fence',
  execution: '$$.Execution.Id',
  requested_by: '$.requested_by',
  previous: '$.rollback',
};

/** The whole state document: `end-promotion` decides the outcome from it, not from the path taken. */
const end: Parameters<{ state: unknown; execution: string }> = { state: '$', execution: '$$.Execution.Id' };

// A malformed answer is often that of a proxy for a moment; a lasting one costs the pauses of one or two steps.
const mlflow: ErrorName[] = ['MlflowUnavailable', 'MlflowInvalidResponse'];
const workloadApi: ErrorName[] = ['WorkloadApiUnavailable', 'WorkloadApiInvalidResponse'];
const table: ErrorName[] = ['LeaseStoreUnavailable'];
const allSystems: ErrorName[] = [...mlflow, ...workloadApi, ...table];

/** The tasks: function, parameters, and result path of each. */
export const steps = {
  BeginPromotion: { functionName: 'begin-promotion', parameters: begin, transient: [] },
  CompareModels: {
    functionName: 'compare-models',
    parameters: compare,
    resultPath: '$.comparison',
    transient: [...mlflow, ...table],
  },
  RequestApproval: {
    functionName: 'request-approval',
    parameters: requestApproval,
    resultPath: '$.approval',
    transient: [...mlflow, ...table],
  },
  PreparePromotion: {
    functionName: 'prepare-promotion',
    parameters: prepare,
    resultPath: '$.prepared',
    transient: allSystems,
  },
  ReplaceWorkload: {
    functionName: 'replace-workload',
    parameters: replace,
    resultPath: '$.serving',
    transient: [...workloadApi, ...table],
  },
  PromoteModel: {
    functionName: 'promote-model',
    parameters: promote,
    resultPath: '$.promotion',
    transient: [...mlflow, ...table],
  },
  ClosePromotion: {
    functionName: 'close-promotion',
    parameters: close,
    resultPath: '$.closing',
    transient: allSystems,
  },
  ModelRollback: {
    functionName: 'model-rollback',
    parameters: rollback,
    resultPath: '$.rollback',
    transient: allSystems,
    // It comes after another step has found a system away, and people wait: attempts of the sweep go on with the change.
    retries: MAX_OUTAGE_RETRIES - 1,
  },
  NotifySuccess: {
    functionName: 'end-promotion',
    parameters: end,
    resultPath: '$.ending',
    transient: table,
  },
  NotifyOutcome: {
    functionName: 'end-promotion',
    parameters: end,
    resultPath: '$.ending',
    transient: table,
  },
} satisfies Partial<Record<StateName, Step>>;

/** How long `AwaitDecision` waits: until the reminder or the end of the request, in seconds. */
const WAIT_SECONDS: Path = '$.approval.wait_seconds';

/** Waits until people have decided, or for so long. Its answer is discarded: what was decided is read from the table. */
export function awaitTask(
  scope: Construct,
  name: 'AwaitDecision' & StateName,
  functions: Record<StepFunctionName, IFunction>,
): LambdaInvoke {
  const invoke = new LambdaInvoke(scope, name, {
    lambdaFunction: functions['request-approval'],
    integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.at(WAIT_SECONDS),
    payload: TaskInput.fromObject(pathsIn(awaitDecision)),
    resultPath: JsonPath.DISCARD,
  });
  invoke.addRetry(whenNotStarted);
  invoke.addRetry(whenUnavailable([...table, 'StateMachineUnavailable']));
  invoke.addRetry(whenOutcomeUnknown('request-approval', outcomeUnknownWaiting));
  return invoke;
}

const pathsIn = (parameters: Record<string, Path>) =>
  Object.fromEntries(Object.entries(parameters).map(([field, path]) => [field, JsonPath.stringAt(path)]));

/** A task with its time-out and its retries; its catches are drawn in `promotion.ts`, as they are part of the flow. */
export function task(
  scope: Construct,
  name: keyof typeof steps,
  functions: Record<StepFunctionName, IFunction>,
): LambdaInvoke {
  const step: Step = steps[name];
  const invoke = new LambdaInvoke(scope, name, {
    lambdaFunction: functions[step.functionName],
    // The function's answer itself is the result, without the envelope of the `lambda:invoke` integration.
    payloadResponseOnly: true,
    // CDK's own retries would repeat the call after 2 s, while a function without an answer may still be writing.
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(Duration.seconds(taskTimeoutSeconds(step.functionName))),
    payload: TaskInput.fromObject(pathsIn(step.parameters)),
    ...(step.resultPath === undefined ? {} : { resultPath: step.resultPath }),
  });
  invoke.addRetry(whenNotStarted);
  if (step.transient.length > 0) invoke.addRetry(whenUnavailable([...step.transient], step.retries));
  invoke.addRetry(whenOutcomeUnknown(step.functionName));
  return invoke;
}
