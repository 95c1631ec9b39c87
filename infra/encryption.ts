import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, type PolicyStatementProps, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

/** What the policy of a key must allow to the services that use it. An imported key ignores these statements. */

/** A service that publishes to topics, and the condition on which it may. */
type Publisher = Pick<PolicyStatementProps, 'principals' | 'conditions'>;

/** The alarms of this account. */
export const alarmPublisher = (scope: Construct): Publisher => ({
  principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
  conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
});

/** The services that publish to the topics of the construct, each allowed by its own statement. */
export const publishers = (scope: Construct): Publisher[] => [
  alarmPublisher(scope),
  // EventBridge can publish to an encrypted topic only if neither policy has a condition (SNS developer guide, "Key
  // management"). It also writes to the dead-letter queue.
  { principals: [new ServicePrincipal('events.amazonaws.com')] },
];

/** Allows these services to use the key. */
export function allowPublishers(key: IKey, allowed: readonly Publisher[]): void {
  // In a key policy `*` means the key itself.
  for (const publisher of allowed)
    key.addToResourcePolicy(
      new PolicyStatement({
        ...publisher,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
      }),
    );
}

/** Allows CloudWatch Logs to use the key for these log groups (CloudWatch Logs user guide, "Encrypt log data"). */
export function allowLogs(scope: Construct, key: IKey, logGroupNames: readonly string[]): void {
  const stack = Stack.of(scope);
  const arns = logGroupNames.map((resourceName) =>
    stack.formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  );
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'],
      conditions: { ArnEquals: { 'kms:EncryptionContext:aws:logs:arn': arns } },
    }),
  );
}
