import { type CfnElement, Duration, RemovalPolicy, type Resource, Stack, Token } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, type Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  DefinitionBody,
  type IChainable,
  type IStateMachine,
  LogLevel,
  StateMachine,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { retrainingChain } from '../statemachines/retraining.ts';
import { allowLogs } from './encryption.ts';
import { InvalidProps, type ModelPromotion } from './model-promotion.ts';
import { acknowledgeFinding } from './nag.ts';
import { workflowLogGroup } from './state-machine.ts';

/** Props of a `RetrainingLifecycle`. */
export interface RetrainingLifecycleProps {
  /** Whose function decides, and whose state machine promotes. Its prop `retraining` has the intervals. */
  readonly promotion: ModelPromotion;
  /**
   * States that train a model and register a version of it, such as one task of ECS, SageMaker or Lambda. They find
   * `$.model_name`, and in `$.retraining` why it is trained. How they end is the end of the training: one that fails fails
   * the execution, and another attempt follows after a pause.
   */
  readonly train: IChainable;
  /** Name of the state machine. Default: that of the promotions, followed by `-retraining`. */
  readonly stateMachineName?: string | undefined;
  /**
   * When each of `models` is checked: often costs little, as a model is trained at most once in `minHours`. Default: never,
   * executions are started with `{"model_name": …}`, and with `"force": true` whatever the rules say.
   */
  readonly schedule?: Schedule | undefined;
  /** Names of the registered models that the schedule checks. */
  readonly models?: string[] | undefined;
  /** Retention of the log. Default three months. */
  readonly logRetention?: RetentionDays | undefined;
  /** Of an execution with its promotion. Default 24 hours, after which another attempt may begin. */
  readonly timeout?: Duration | undefined;
}

/**
 * Retrains models when that is needed: a state machine that checks, trains by the states that are given, and promotes what
 * was trained, as a nested execution. Throws `InvalidProps`.
 */
export class RetrainingLifecycle extends Construct {
  /** Each execution is one check, with its training and promotion. */
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: RetrainingLifecycleProps) {
    super(scope, id);
    const { promotion, train, schedule, models = [], timeout = Duration.hours(24) } = props;
    const problems = [
      ...(schedule !== undefined && models.length === 0 ? ['schedule needs models: which are checked'] : []),
      ...(schedule === undefined && models.length > 0
        ? ['models needs schedule: when they are checked']
        : []),
    ];
    if (problems.length > 0) throw new InvalidProps(this.node.path, problems);
    const stateMachineName = props.stateMachineName ?? `${promotion.stateMachineName}-retraining`;
    const { encryptionKey } = promotion;
    if (encryptionKey !== undefined) allowLogs(this, encryptionKey, [workflowLogGroup(stateMachineName)]);
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName,
      definitionBody: DefinitionBody.fromChainable(
        retrainingChain(this, {
          check: promotion.functions.checkRetrainingNeeded,
          train,
          // Under `exactOptionalPropertyTypes` CDK's class does not match its own interface.
          promotion: promotion.stateMachine as IStateMachine,
        }),
      ),
      timeout,
      logs: {
        destination: new LogGroup(this, 'Logs', {
          logGroupName: workflowLogGroup(stateMachineName),
          retention: props.logRetention ?? RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
          ...(encryptionKey === undefined ? {} : { encryptionKey }),
        }),
        level: LogLevel.ALL,
        includeExecutionData: false,
      },
      tracingEnabled: true,
    });
    this.acknowledgeRole(promotion);
    if (schedule === undefined) return;
    for (const [index, model] of models.entries())
      new Rule(this, `Check${index}`, {
        description: 'Checks whether a model should be retrained',
        schedule,
        targets: [
          new SfnStateMachine(this.stateMachine as IStateMachine, {
            input: RuleTargetInput.fromObject({ model_name: model }),
            deadLetterQueue: promotion.deadLetterQueue,
            retryAttempts: 20,
            // A later check finds the same.
            maxEventAge: Duration.hours(1),
          }),
        ],
      });
  }

  /** What CDK grants to the role of a state machine for the states of this construct; those of the training are the app's. */
  private acknowledgeRole({ functions, stateMachine }: ModelPromotion): void {
    const { partition, region, account } = Stack.of(this);
    // cdk-nag's notation for values that are known only at deployment.
    const written = (value: string, name: string) => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);
    const place = `${written(partition, 'Partition')}:states:${written(region, 'Region')}:${written(account, 'AccountId')}`;
    const promotions = `{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"${logicalId(stateMachine)}"}]}]}`;
    for (const [resource, reason] of [
      ['*', 'Log delivery and X-Ray: AWS offers no resource for these actions'],
      [`<${logicalId(functions.checkRetrainingNeeded)}.Arn>:*`, 'The versions of one function'],
      [
        `arn:${place}:execution:${promotions}*`,
        'The executions of one state machine; their names are not known at deployment',
      ],
    ] as const)
      acknowledgeFinding(this.stateMachine.role, `AwsSolutions-IAM5[Resource::${resource}]`, reason);
  }
}

const logicalId = ({ stack, node }: Resource): string => stack.getLogicalId(node.defaultChild as CfnElement);
