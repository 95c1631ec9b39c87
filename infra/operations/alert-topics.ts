import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { ManagedPolicy, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { AlertProps } from '../props.ts';

/** The services that publish alarms and events to the topics, each allowed by its own statement. */
const publishers = (scope: Construct) => [
  {
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  },
  // EventBridge can publish to an encrypted topic only if neither policy has a condition (SNS developer guide, "Key
  // management").
  { principals: [new ServicePrincipal('events.amazonaws.com')] },
];

/**
 * An encrypted topic for this account's functions and alarms, TLS only. `displayName` is the sender of its emails;
 * `key` defaults to a new one.
 */
export class AlertTopic extends Construct {
  readonly topic: Topic;
  readonly key: Key;

  constructor(scope: Construct, id: string, displayName: string, key?: Key) {
    super(scope, id);
    this.key = key ?? keyFor(this, displayName);
    this.topic = new Topic(this, 'Topic', { displayName, masterKey: this.key, enforceSSL: true });
    // An explicit policy replaces the default one, which allows the account's alarms to publish.
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
    // Messages are not stored: no data depends on this key later.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  // In a key policy `*` means the key itself.
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

/** The notification topics: promotions and alarms, and separately the alarm that alerts cannot be sent. */
export class AlertTopics extends Construct {
  readonly alerts: AlertTopic;
  /** Separate topic of chat (`ownTopic`); null otherwise. */
  readonly chat: AlertTopic | null;
  /** Shares no resource with `alerts`, so that it works when that topic fails. */
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
      // Notifications only: every command in the channel is denied.
      guardrailPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AWSDenyAll')],
    });
  }
}
