import {
  PublishCommand,
  type PublishCommandInput,
  SNSClient,
  type SNSClientConfig,
  SNSServiceException,
} from '@aws-sdk/client-sns';
import { visible } from '../../domain/visible-text.ts';
import { type Clock, processExpiry } from '../clock.ts';
import type { Sender } from '../network.ts';

/** SNS rejected the alert, or did not confirm it in time. It stays pending; sending it again is safe. */
export class AlertNotSent extends Error {
  override readonly name = 'AlertNotSent' as const;
}

/** The parts of an alert to publish; `lambdas/words` writes them. */
export interface PublishedAlert {
  readonly kind: string;
  readonly execution: string;
  readonly model: string | null;
  readonly owner: string | null;
  readonly ledger: string | null;
  readonly run: { readonly url: string; readonly report: string | null } | null;
  readonly environment: string;
  readonly subject: string;
  readonly text: string;
  /** The custom notification for chat. */
  readonly slack: object;
}

/** An SNS topic for alerts. */
export interface Topic {
  /** Sends one alert to every subscriber. Throws `AlertNotSent` and nothing else. */
  publish(alert: PublishedAlert): Promise<void>;
}

/** Maximum characters of an attribute; a filter of a subscription compares the whole. */
export const MAX_ATTRIBUTE_LENGTH = 256;

/** A topic and its client. */
export interface SnsAlertsOptions {
  readonly topicArn: string;
  readonly client: Sender<SNSClient>;
  /** Milliseconds for all attempts together, below every function's time-out. Default 12,000. */
  readonly totalTimeout?: number;
  /** Default: the process's own. */
  readonly clock?: Pick<Clock, 'expiry'>;
}

/** An SNS client with 2 attempts, 3 s to connect and 5 s for a response. */
export function createSnsClient(config: SNSClientConfig = {}): SNSClient {
  return new SNSClient({
    maxAttempts: 2,
    // Without `throwOnRequestTimeout` the SDK logs a warning and keeps waiting.
    requestHandler: { connectionTimeout: 3000, requestTimeout: 5000, throwOnRequestTimeout: true },
    ...config,
  });
}

/** Publishes alerts to one SNS topic: text for email, the custom-notification document for chat (protocol `https`). */
export function snsAlerts(options: SnsAlertsOptions): Topic {
  return publisher(options, (alert) => ({ MessageStructure: 'json', Message: messageOf(alert) }));
}

/** Publishes alerts to a topic that chat alone subscribes to: the custom-notification document, and no text. */
export function snsChat(options: SnsAlertsOptions): Topic {
  return publisher(options, ({ slack }) => ({ Message: JSON.stringify(slack) }));
}

type Message = Pick<PublishCommandInput, 'Message' | 'MessageStructure'>;

function publisher(
  { topicArn, client, totalTimeout = 12_000, clock: { expiry = processExpiry } = {} }: SnsAlertsOptions,
  message: (alert: PublishedAlert) => Message,
): Topic {
  return {
    publish: async (alert) => {
      const signal = expiry(totalTimeout);
      // The SDK does not check the signal between two attempts, so the call is raced against it.
      const expired = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      try {
        const sent = client.send(publishCommand(alert, topicArn, message(alert)), { abortSignal: signal });
        const { MessageId } = await Promise.race([sent, expired]);
        // A 200 without it is not from SNS, but from a proxy, for example.
        if (MessageId === undefined) throw new AlertNotSent('the answer has no MessageId');
      } catch (error) {
        const problem = signal.aborted ? `no answer within ${totalTimeout} ms` : problemOf(error);
        throw new AlertNotSent(`SNS Publish to ${visible(topicArn, 300)} failed: ${problem}`);
      }
    },
  };
}

function publishCommand(alert: PublishedAlert, topicArn: string, message: Message): PublishCommand {
  const { kind, execution, environment, model, owner, ledger } = alert;
  const { url: run = null, report = null } = alert.run ?? {};
  return new PublishCommand({
    TopicArn: topicArn,
    Subject: alert.subject,
    ...message,
    MessageAttributes: attributesOf({ kind, execution, environment, model, owner, ledger, run, report }),
  });
}

/** The attributes by which subscriptions filter. One without a value is left out: SNS refuses an empty one. */
function attributesOf(values: Readonly<Record<string, string | null>>) {
  const present = Object.entries(values).flatMap(([name, value]) =>
    value === null || value === ''
      ? []
      : [[name, { DataType: 'String', StringValue: visible(value, MAX_ATTRIBUTE_LENGTH) }] as const],
  );
  return Object.fromEntries(present);
}

/**
 * The message as one JSON object with a text for each protocol; below SNS's 262,144 bytes for every alert.
 * https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
export function messageOf(alert: PublishedAlert): string {
  return JSON.stringify({ default: alert.text, email: alert.text, https: JSON.stringify(alert.slack) });
}

/** Errors whose message is safe to show. Others may quote the signed request with its session token. */
const PUBLIC_ERROR_NAMES = /^(InvalidParameter|NotFound|AuthorizationError|KMS|Throttled|InternalError)/;

function problemOf(error: unknown): string {
  if (error instanceof AlertNotSent) return error.message;
  if (error instanceof SNSServiceException) {
    const detail = PUBLIC_ERROR_NAMES.test(error.name) ? `: ${visible(error.message, 300)}` : '';
    return `${visible(error.name, 100)} (HTTP ${error.$metadata.httpStatusCode ?? 'unknown'})${detail}`;
  }
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  return visible(code ?? (error instanceof Error ? error.name : 'unknown error'), 100);
}
