import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  type INextable,
  JsonPath,
  Pass,
  Succeed,
  type TaskStateBase,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { functionTimeoutSeconds, type StepFunctionName } from '../lambdas/domain/limits.ts';
import type { Path, ResultPath, StateName } from './names.ts';
import { type MachineErrorName, outcomeUnknown } from './retry-policies.ts';
import { awaitTask, task } from './steps.ts';

/**
 * The promotion as a chain of states, for a `StateMachine` with the time-out `machineTimeoutSeconds`. JSONPath
 * throughout: the local interpreter runs the same definition.
 */
export function promotionChain(scope: Construct, functions: Record<StepFunctionName, IFunction>): IChainable {
  const begin = task(scope, 'BeginPromotion', functions);
  const compare = task(scope, 'CompareModels', functions);
  const request = task(scope, 'RequestApproval', functions);
  const awaitDecision = awaitTask(scope, 'AwaitDecision', functions);
  const prepare = task(scope, 'PreparePromotion', functions);
  const replace = task(scope, 'ReplaceWorkload', functions);
  const promote = task(scope, 'PromoteModel', functions);
  const close = task(scope, 'ClosePromotion', functions);
  const rollback = task(scope, 'ModelRollback', functions);
  const notifySuccess = task(scope, 'NotifySuccess', functions);
  const notifyOutcome = task(scope, 'NotifyOutcome', functions);

  const pinChallenger = pass(
    scope,
    'PinChallenger',
    '$.comparison.challenger_version',
    '$.challenger_version',
  );
  const operation = choice(scope, 'Operation?')
    .when(all(isTrue('$.valid'), equals('$.operation', 'promote')), compare)
    .when(all(isTrue('$.valid'), isAnyOf('$.operation', 'rollback', 'resume', 'adopt')), prepare)
    .otherwise(notifyOutcome);
  const decision = choice(scope, 'Decision?')
    // People may let through what the evidence leaves open, where the policy allows it.
    .when(all(isAnyOf('$.comparison.decision', 'PROMOTE', 'INVESTIGATE'), isFalse('$.dry_run')), request)
    .otherwise(notifyOutcome);
  const approval = choice(scope, 'Approval?')
    .when(isAnyOf('$.approval.status', 'approved', 'not_needed'), prepare)
    .when(
      all(equals('$.approval.status', 'waiting'), Condition.isNumeric('$.approval.wait_seconds')),
      awaitDecision,
    )
    .otherwise(notifyOutcome);
  const waitForLease = wait(scope, 'WaitForLease', '$.prepared.retry_after_seconds');
  const prepared = choice(scope, 'Prepared?')
    // A rollback opens its own change, and an attempt goes on with an open one.
    .when(all(equals('$.prepared.status', 'ready'), isAnyOf('$.operation', 'rollback', 'resume')), rollback)
    // No Workload serves the model, or there is nothing to put in service.
    .when(
      all(
        equals('$.prepared.status', 'ready'),
        isAnyNull('$.prepared.workload_id', '$.prepared.artifact_id'),
      ),
      promote,
    )
    .when(equals('$.prepared.status', 'ready'), replace)
    .when(all(equals('$.prepared.status', 'busy'), isTrue('$.prepared.wait')), waitForLease)
    .otherwise(notifyOutcome);
  const waitForRollout = wait(scope, 'WaitForRollout', '$.serving.retry_after_seconds');
  const rollout = choice(scope, 'Rollout?')
    .when(isInProgress('$.serving.status', '$.serving.retry_after_seconds'), waitForRollout)
    .when(equals('$.serving.status', 'completed'), promote)
    .otherwise(rollback);
  const waitForReplaceWorkload = waitForEndOf(scope, 'WaitForReplaceWorkload', 'replace-workload');
  const waitForPromoteModel = waitForEndOf(scope, 'WaitForPromoteModel', 'promote-model');
  const wasPromoted = choice(scope, 'WasPromoted?')
    .when(isTrue('$.promotion.promoted'), close)
    .otherwise(rollback);
  const waitForClose = wait(scope, 'WaitForClose', '$.closing.retry_after_seconds');
  const waitForClosePromotion = waitForEndOf(scope, 'WaitForClosePromotion', 'close-promotion');
  const closed = choice(scope, 'Closed?')
    .when(isInProgress('$.closing.status', '$.closing.retry_after_seconds'), waitForClose)
    .when(equals('$.closing.status', 'completed'), notifySuccess)
    .otherwise(rollback);
  const waitForModelRollback = waitForEndOf(scope, 'WaitForModelRollback', 'model-rollback');
  const waitForRollback = wait(scope, 'WaitForRollback', '$.rollback.retry_after_seconds');
  const rolledBack = choice(scope, 'RolledBack?')
    .when(isInProgress('$.rollback.status', '$.rollback.retry_after_seconds'), waitForRollback)
    .otherwise(notifyOutcome);
  const outcome = choice(scope, 'Outcome?')
    .when(isTrue('$.ending.succeeded'), new Succeed(scope, 'Done' satisfies StateName))
    .otherwise(fail(scope, 'Failed', { errorPath: '$.ending.status', causePath: '$.ending.reason' }));
  const outcomeNotRecorded = fail(scope, 'OutcomeNotRecorded', {
    error: 'OutcomeNotRecorded',
    // A fixed text: the caught error need not have a cause (States Language, "Error output").
    cause: 'NotifyOutcome failed: see its last event in this history and the log of end-promotion',
  });

  follow(begin, operation);
  follow(compare, pinChallenger);
  follow(pinChallenger, decision);
  follow(request, approval);
  // What was decided, and whether it is enough, is read from the table.
  follow(awaitDecision, request);
  follow(prepare, prepared);
  // The model may have changed during the wait, so the evidence is compared again.
  follow(waitForLease, operation);
  follow(replace, rollout);
  follow(waitForRollout, replace);
  follow(waitForReplaceWorkload, rollback);
  follow(promote, wasPromoted);
  follow(waitForPromoteModel, rollback);
  follow(close, closed);
  follow(waitForClose, close);
  follow(waitForClosePromotion, rollback);
  follow(rollback, rolledBack);
  follow(waitForModelRollback, notifyOutcome);
  follow(waitForRollback, rollback);
  follow(notifySuccess, outcome);
  follow(notifyOutcome, outcome);

  // Before the change is open there is nothing to bring back; after it, an error leads to the way back.
  // An input that is not an object cannot hold an error: the error becomes the whole document.
  catchAll(begin, notifyOutcome);
  catchAll(compare, notifyOutcome, '$.error');
  catchAll(request, notifyOutcome, '$.error');
  // A reminder is due, or the request has expired.
  catchNamed(awaitDecision, ['States.Timeout'], request, JsonPath.DISCARD);
  catchAll(awaitDecision, notifyOutcome, '$.error');
  catchAll(prepare, notifyOutcome, '$.error');
  for (const [step, waitForEnd] of [
    [replace, waitForReplaceWorkload],
    [promote, waitForPromoteModel],
    [close, waitForClosePromotion],
  ] as const) {
    // Another owner holds the lease, and is responsible for the model.
    catchNamed(step, ['StaleFence'], notifyOutcome, '$.error');
    // An invocation without an answer may still start a rollout or move the registry; the rollback waits for its time-out.
    catchNamed(step, [...outcomeUnknown], waitForEnd, '$.error');
    catchAll(step, rollback, '$.error');
  }
  // Ending the execution releases the lease, so it waits for a rollback that may still write.
  catchNamed(rollback, [...outcomeUnknown], waitForModelRollback, '$.rollback_error');
  catchAll(rollback, notifyOutcome, '$.rollback_error');
  catchAll(notifySuccess, notifyOutcome, '$.error');
  catchAll(notifyOutcome, outcomeNotRecorded, '$.ending_error');

  return begin;
}

// A comparison with a value of another type, null among them, is false; one with a missing path fails the execution.
const equals = (variable: Path, value: string) => Condition.stringEquals(variable, value);
const isAnyOf = (variable: Path, ...values: string[]) =>
  Condition.or(...values.map((value) => equals(variable, value)));
const isTrue = (variable: Path) => Condition.booleanEquals(variable, true);
const isFalse = (variable: Path) => Condition.booleanEquals(variable, false);
const isAnyNull = (...variables: Path[]) => Condition.or(...variables.map((path) => Condition.isNull(path)));
/** A wait without a length would fail the execution without a notification. */
const isInProgress = (status: Path, seconds: Path) =>
  all(equals(status, 'in_progress'), Condition.isNumeric(seconds));
const all = (...conditions: Condition[]) => Condition.and(...conditions);

const choice = (scope: Construct, name: StateName) => new Choice(scope, name);

const pass = (scope: Construct, name: StateName, inputPath: Path, resultPath: ResultPath) =>
  new Pass(scope, name, { inputPath, resultPath });

const wait = (scope: Construct, name: StateName, seconds: Path) =>
  new Wait(scope, name, { time: WaitTime.secondsPath(seconds) });

/** As long as an invocation without an answer can still run: the function's time-out. */
const waitForEndOf = (scope: Construct, name: StateName, functionName: StepFunctionName) =>
  new Wait(scope, name, { time: WaitTime.duration(Duration.seconds(functionTimeoutSeconds[functionName])) });

const fail = (
  scope: Construct,
  name: StateName,
  output: { error: string; cause: string } | { errorPath: Path; causePath: Path },
) => new Fail(scope, name, output);

const follow = (from: INextable, to: IChainable) => from.next(to);

function catchNamed(
  from: TaskStateBase,
  errors: MachineErrorName[],
  to: IChainable,
  resultPath?: ResultPath | typeof JsonPath.DISCARD,
): void {
  from.addCatch(to, { errors, ...(resultPath === undefined ? {} : { resultPath }) });
}

/** `States.ALL` has to stand alone and last, and does not match `States.DataLimitExceeded`, which is named before it. */
function catchAll(from: TaskStateBase, to: IChainable, resultPath?: ResultPath): void {
  catchNamed(from, ['States.DataLimitExceeded'], to, resultPath);
  catchNamed(from, ['States.ALL'], to, resultPath);
}
