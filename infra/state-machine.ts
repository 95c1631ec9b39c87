import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { machineTimeoutSeconds, type StepFunctionName, stepFunctionNames } from '../lambdas/domain/limits.ts';
import { promotionChain } from '../statemachines/promotion.ts';
import { acknowledgeFinding } from './nag.ts';

/** The functions that the state machine calls, and its log. */
export interface WorkflowProps {
  readonly stateMachineName: string;
  readonly functions: Record<StepFunctionName, IFunction>;
  readonly logRetention: RetentionDays;
  readonly protect: boolean;
  /** Key of the log. Default: one of CloudWatch Logs. */
  readonly encryptionKey?: IKey | undefined;
}

/** Log groups with this prefix share one resource policy, whose size is limited (Step Functions guide, "Logging"). */
export const workflowLogGroup = (stateMachineName: string) => `/aws/vendedlogs/states/${stateMachineName}`;

/**
 * The promotion as a Standard state machine. Its log contains the states that were entered and the errors that were
 * caught, without execution data.
 */
export class Workflow extends Construct {
  readonly stateMachine: StateMachine;

  constructor(
    scope: Construct,
    id: string,
    { stateMachineName, functions, logRetention, protect, encryptionKey }: WorkflowProps,
  ) {
    super(scope, id);
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    // CDK's own grant would include every version of the functions.
    const policy = new Policy(this, 'Policy', {
      statements: [
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: stepFunctionNames.map((name) => functions[name].functionArn),
        }),
        new PolicyStatement({
          actions: [...LOG_DELIVERY_ACTIONS, ...TRACE_ACTIONS],
          resources: ['*'],
        }),
      ],
    });
    policy.attachToRole(role);
    acknowledgeFinding(
      policy,
      'AwsSolutions-IAM5[Resource::*]',
      'Log delivery and X-Ray: AWS offers no resource for these actions (Step Functions developer guide, "Logging" and "X-Ray")',
    );
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(promotionChain(this, functions)),
      timeout: Duration.seconds(machineTimeoutSeconds),
      role: role.withoutPolicyUpdates(),
      logs: {
        destination: new LogGroup(this, 'Logs', {
          logGroupName: workflowLogGroup(stateMachineName),
          retention: logRetention,
          ...(encryptionKey === undefined ? {} : { encryptionKey }),
          removalPolicy: protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        includeExecutionData: false,
      },
      tracingEnabled: true,
    });
    // Step Functions rejects a state machine whose role cannot write the log yet.
    this.stateMachine.node.addDependency(policy);
  }
}

const LOG_DELIVERY_ACTIONS = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
];
const TRACE_ACTIONS = [
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
];
