import { RemovalPolicy } from 'aws-cdk-lib';
import { SlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { isUnfiltered } from '../checks/recipients.ts';
import { alarmPublisher, allowPublishers, publishers } from '../encryption.ts';
import type { AlertProps, EmailProps, SlackProps } from '../props.ts';
import { filterPolicyOf } from './alert-filter.ts';

/** A topic, and the key of its messages; null if they are not encrypted, or with a key that is not known. */
export interface KeyedTopic {
  readonly topic: ITopic;
  readonly key: IKey | null;
}

/**
 * An encrypted topic for this account's functions and alarms, TLS only. `displayName` is the sender of its emails;
 * `key` defaults to a new one.
 */
export class AlertTopic extends Construct implements KeyedTopic {
  readonly topic: ITopic;
  readonly key: IKey;

  constructor(scope: Construct, id: string, displayName: string, key?: IKey) {
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
  allowPublishers(key, publishers(scope));
  return key;
}

/** A topic of somebody else. Alarms are allowed to publish; an imported topic, or its key, ignores the statement. */
function givenTopic(scope: Construct, topic: ITopic): KeyedTopic {
  const alarms = alarmPublisher(scope);
  topic.addToResourcePolicy(
    new PolicyStatement({ ...alarms, actions: ['sns:Publish'], resources: [topic.topicArn] }),
  );
  if (topic.masterKey !== undefined) allowPublishers(topic.masterKey, [alarms]);
  return { topic, key: topic.masterKey ?? null };
}

/** What the topics need besides the recipients. */
export interface AlertTopicsProps extends AlertProps {
  readonly encryptionKey?: IKey | undefined;
  /** Name of the configuration of the Slack channel, unique within the account. */
  readonly slackConfigurationName: string;
}

/** The notification topics: promotions and alarms, and separately the alarm that alerts cannot be sent. */
export class AlertTopics extends Construct {
  readonly alerts: KeyedTopic;
  /** Separate topic of chat (`ownTopic`); null otherwise. */
  readonly chat: KeyedTopic | null;
  /**
   * Shares no resource with `alerts`, so that it works when that topic fails; unless both have the same `encryptionKey`, or
   * there is nobody to tell but the subscribers of a given topic.
   */
  readonly failures: KeyedTopic;

  constructor(scope: Construct, id: string, props: AlertTopicsProps) {
    super(scope, id);
    const { emails = [], slack, topic, failureTopic, encryptionKey } = props;
    const addresses = emails.map(
      (email): EmailProps => (typeof email === 'string' ? { address: email } : email),
    );
    const unfiltered = addresses.filter(isUnfiltered);
    this.alerts =
      topic === undefined
        ? new AlertTopic(this, 'Alerts', 'Model promotion', encryptionKey)
        : givenTopic(this, topic);
    const isToldByUs = unfiltered.length > 0 || slack !== undefined;
    this.failures =
      failureTopic !== undefined
        ? givenTopic(this, failureTopic)
        : isToldByUs
          ? new AlertTopic(this, 'AlertFailures', 'Model promotion: alerts not sent', encryptionKey)
          : this.alerts;
    const chatKey = topic === undefined && this.alerts.key !== null ? this.alerts.key : undefined;
    this.chat =
      slack?.ownTopic === true
        ? new AlertTopic(this, 'Chat', 'Model promotion: chat', encryptionKey ?? chatKey)
        : null;
    for (const email of addresses) {
      const filterPolicy = filterPolicyOf(email);
      this.alerts.topic.addSubscription(
        new EmailSubscription(email.address, filterPolicy === undefined ? {} : { filterPolicy }),
      );
    }
    if (this.failures !== this.alerts)
      for (const { address } of unfiltered)
        this.failures.topic.addSubscription(new EmailSubscription(address));
    if (slack !== undefined) this.addSlack(slack, props.slackConfigurationName);
  }

  private addSlack({ workspaceId, channelId }: SlackProps, name: string): void {
    new SlackChannelConfiguration(this, 'Slack', {
      slackChannelConfigurationName: name,
      slackWorkspaceId: workspaceId,
      slackChannelId: channelId,
      notificationTopics: [(this.chat ?? this.alerts).topic, this.failures.topic],
      // Notifications only: every command in the channel is denied.
      guardrailPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AWSDenyAll')],
    });
  }
}
