import { CfnOutput } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IFunctionUrl } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

/** The resources that the outputs name. */
interface NamedResources {
  readonly stateMachine: Pick<IStateMachine, 'stateMachineArn'>;
  readonly table: Pick<ITable, 'tableName'>;
  readonly alertTopic: Pick<ITopic, 'topicArn'>;
  readonly alertFailureTopic: Pick<ITopic, 'topicArn'>;
  readonly deadLetterQueue: Pick<IQueue, 'queueUrl'>;
  readonly approvalUrl: Pick<IFunctionUrl, 'url'>;
  readonly starterRole: Pick<IRole, 'roleArn'> | undefined;
}

/** Adds the outputs that scripts and the runbook read. */
export function addOutputs(scope: Construct, promotion: NamedResources, namePrefix: string): void {
  const { stateMachine, table, alertTopic, alertFailureTopic, deadLetterQueue, approvalUrl, starterRole } =
    promotion;
  const outputs = {
    StateMachineArn: stateMachine.stateMachineArn,
    TableName: table.tableName,
    AlertsTopicArn: alertTopic.topicArn,
    AlertFailuresTopicArn: alertFailureTopic.topicArn,
    UndeliveredQueueUrl: deadLetterQueue.queueUrl,
    ApprovalUrl: approvalUrl.url,
    // CloudFormation refuses an empty value.
    FunctionNamePrefix: namePrefix === '' ? 'none' : namePrefix,
    ...(starterRole === undefined ? {} : { StarterRoleArn: starterRole.roleArn }),
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(scope, name, { value });
}
