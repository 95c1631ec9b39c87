import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { ManagedPolicy, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { AlertProps } from '../props.ts';

/** Services that tell of alarms and events through our topics, each allowed by a statement. */
const publishers = (scope: Construct) => [
  {
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  },
  // EventBridge publishes to an encrypted topic only where neither policy has a condition (SNS developer guide, "Key
  // management").
  { principals: [new ServicePrincipal('events.amazonaws.com')] },
];

/** A topic that takes messages over TLS only, encrypted with a key of its own, from this account's functions and alarms. */
export class AlertTopic extends Construct {
  readonly topic: Topic;
  readonly key: Key;

  constructor(scope: Construct, id: string, displayName: string, key?: Key) {
    super(scope, id);
    this.key = key ?? keyFor(this, displayName);
    this.topic = new Topic(this, 'Topic', { displayName, masterKey: this.key, enforceSSL: true });
    // A topic with a policy of its own no longer has the default one, which would let the account's alarms publish.
    for (const publisher of publishers(this))
      this.topic.addToResourcePolicy(
        new PolicyStatement({ ...publisher, actions: ['sns:Publish'], resources: [this.topic.topicArn] }),
      );
  }
}

function keyFor(scope: Construct, displayName: string): Key {
  const key = new Key(scope, 'Key', {
    description: `Messages of the topic "${displayName}"`,
    enableKeyRotation: true,
    // Messages are gone when they are delivered: nothing stays that only this key could read.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  // In the policy of a key `*` is the key itself.
  for (const publisher of publishers(scope))
    key.addToResourcePolicy(
      new PolicyStatement({
        ...publisher,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
      }),
    );
  return key;
}

/** Where people are told: of promotions and alarms, and, apart from those, that they cannot be told. */
export class AlertTopics extends Construct {
  readonly alerts: AlertTopic;
  /** Chat, where it is served by a topic of its own. */
  readonly chat: AlertTopic | null;
  /** Shares nothing with `alerts`, so that what breaks the one does not silence the other. */
  readonly failures: AlertTopic;

  constructor(scope: Construct, id: string, { emails = [], slack }: AlertProps) {
    super(scope, id);
    this.alerts = new AlertTopic(this, 'Alerts', 'Model promotion');
    this.failures = new AlertTopic(this, 'AlertFailures', 'Model promotion: alerts not sent');
    this.chat =
      slack?.ownTopic === true
        ? new AlertTopic(this, 'Chat', 'Model promotion: chat', this.alerts.key)
        : null;
    for (const address of emails) {
      for (const { topic } of [this.alerts, this.failures])
        topic.addSubscription(new EmailSubscription(address));
    }
    if (slack === undefined) return;
    new SlackChannelConfiguration(this, 'Slack', {
      slackChannelConfigurationName: Stack.of(this).stackName,
      slackWorkspaceId: slack.workspaceId,
      slackChannelId: slack.channelId,
      notificationTopics: [(this.chat ?? this.alerts).topic, this.failures.topic],
      // It tells and does nothing: whatever is asked for in the channel is denied.
      guardrailPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AWSDenyAll')],
    });
  }
}
