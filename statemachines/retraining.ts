import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Chain,
  Choice,
  Condition,
  Fail,
  type IChainable,
  IntegrationPattern,
  type IStateMachine,
  JsonPath,
  Succeed,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke, StepFunctionsStartExecution } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { ErrorName } from '../lambdas/domain/errors.ts';
import { taskTimeoutSeconds } from '../lambdas/domain/limits.ts';
import { whenNotStarted, whenOutcomeUnknown, whenUnavailable } from './retry-policies.ts';

const CHECK = 'check-retraining-needed';
/** What a check may find away. */
const transient: ErrorName[] = [
  'MlflowUnavailable',
  'MlflowInvalidResponse',
  'LeaseStoreUnavailable',
  'StateMachineUnavailable',
];

/** Minutes that the promotion waits for another operation on the model. */
const WAIT_FOR_LEASE_MINUTES = 60;

/** States in the order in which they are rendered; `Train` stands for those that are given. */
export const retrainingStateNames = [
  'CheckRetrainingNeeded',
  'Needed?',
  'NotNeeded',
  'InvalidModel',
  'Train',
  'CheckNewVersion',
  'NewVersion?',
  'NoNewVersion',
  'StartPromotion',
] as const;
type RetrainingStateName = (typeof retrainingStateNames)[number];

/** What the lifecycle of a model consists of. */
export interface RetrainingParts {
  /** The function `check-retraining-needed`. */
  readonly check: IFunction;
  /** States that train and register a version. They find the name of the model at `$.model_name`, and why at `$.retraining`. */
  readonly train: IChainable;
  /** The state machine of promotions. */
  readonly promotion: IStateMachine;
}

/**
 * Check, train, promote: one execution for each check. The execution that asks is the attempt: a step that is repeated gets
 * the same answer, and another execution is told that one is under way. Nothing is remembered in the state document, which
 * the training may replace. The need is closed by the new version, before anything is decided about it.
 */
export function retrainingChain(scope: Construct, { check, train, promotion }: RetrainingParts): IChainable {
  const asks = (name: RetrainingStateName, more: Record<string, unknown>, resultPath?: string) => {
    const invoke = new LambdaInvoke(scope, name, {
      lambdaFunction: check,
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      taskTimeout: Timeout.duration(Duration.seconds(taskTimeoutSeconds(CHECK))),
      payload: TaskInput.fromObject({
        input: JsonPath.objectAt('$$.Execution.Input'),
        execution: JsonPath.stringAt('$$.Execution.Id'),
        ...more,
      }),
      ...(resultPath === undefined ? {} : { resultPath }),
    });
    invoke.addRetry(whenNotStarted);
    invoke.addRetry(whenUnavailable(transient));
    invoke.addRetry(whenOutcomeUnknown(CHECK));
    return invoke;
  };
  const needed = Condition.stringEquals('$.retraining.decision', 'needs_retraining');
  const invalid = Condition.stringEquals('$.retraining.decision', 'invalid_model');
  const came = Condition.stringEquals('$.decision', 'recently_trained');

  const start = new StepFunctionsStartExecution(scope, 'StartPromotion' satisfies RetrainingStateName, {
    stateMachine: promotion,
    integrationPattern: IntegrationPattern.RUN_JOB,
    associateWithParent: true,
    // The same name for a repeated start, which then follows the first one.
    name: JsonPath.format('retrained-{}-{}', JsonPath.stringAt('$.need_id'), JsonPath.stringAt('$.attempt')),
    input: TaskInput.fromObject({
      model_name: JsonPath.stringAt('$$.Execution.Input.model_name'),
      challenger_version: JsonPath.stringAt('$.newest_version'),
      requested_by: 'retraining',
      wait_for_lease_minutes: WAIT_FOR_LEASE_MINUTES,
    }),
  });
  const checkNewVersion = asks('CheckNewVersion', { after_training: true }).next(
    new Choice(scope, 'NewVersion?' satisfies RetrainingStateName)
      .when(Condition.and(came, Condition.isString('$.need_id')), start)
      .otherwise(
        new Fail(scope, 'NoNewVersion' satisfies RetrainingStateName, {
          error: 'NoNewVersion',
          cause: 'The training has registered no version; another attempt follows after a pause',
        }),
      ),
  );
  return asks('CheckRetrainingNeeded', {}, '$.retraining').next(
    new Choice(scope, 'Needed?' satisfies RetrainingStateName)
      .when(needed, Chain.start(train).next(checkNewVersion))
      .when(
        invalid,
        new Fail(scope, 'InvalidModel' satisfies RetrainingStateName, {
          errorPath: '$.retraining.decision',
          causePath: '$.retraining.reason',
        }),
      )
      .otherwise(new Succeed(scope, 'NotNeeded' satisfies RetrainingStateName)),
  );
}
