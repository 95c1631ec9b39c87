import { clientSettings } from '../adapters/aws/client-settings.ts';
import type { SnsAlertsOptions } from '../adapters/aws/sns.ts';
import { type Clock, systemClock } from '../adapters/clock.ts';
import type { Network } from '../adapters/network.ts';
import { chatMs } from '../domain/limits.ts';
import type { Alert } from '../words/alert/alert.ts';
import type { AlertContext } from '../words/alert/wording.ts';
import { AlertEnvironment, configuration } from './environment.ts';
import type { ReportServices } from './report-services.ts';
import { type StoreServices, storeServices } from './store-services.ts';

/** The port to a topic for alerts. */
export interface AlertPublisher {
  /** Sends one alert to every subscriber. Throws `AlertNotSent` and nothing else. */
  publish(alert: Alert): Promise<void>;
}

/** What a function needs to record outcomes and send notifications. */
export interface NotifyServices extends StoreServices, ReportServices {
  /** Null when alerts are disabled or no topic is configured. */
  alerts: AlertPublisher | null;
  /** The topic of chat, published after the first; null or absent if chat has none of its own. */
  chat?: AlertPublisher | null;
  alertContext: AlertContext;
}

/** Throws `InvalidConfiguration`. */
export function notifyServices(
  env: NodeJS.ProcessEnv,
  clock: Clock = systemClock,
  network: Network = {},
): NotifyServices {
  const config = configuration(AlertEnvironment, env);
  const topic = config.ALERTS_ENABLED ? config.ALERT_SNS_TOPIC_ARN : undefined;
  const chat = config.ALERTS_ENABLED ? config.ALERT_CHAT_TOPIC_ARN : undefined;
  return {
    ...storeServices(env, network),
    alerts: publisher({ env, clock, network }, topic, ({ snsAlerts }, options) => snsAlerts(options)),
    chat: publisher({ env, clock, network }, chat, ({ snsChat }, options) =>
      snsChat({ ...options, totalTimeout: chatMs }),
    ),
    alertContext: {
      prefix: config.ALERT_PREFIX,
      environment: config.ENVIRONMENT,
      registryName: config.MODEL_REGISTRY_NAME,
    },
  };
}

type Sns = typeof import('../adapters/aws/sns.ts');

/** The SNS client is loaded on the first publication: most invocations publish nothing. */
function publisher(
  { env, clock, network }: { env: NodeJS.ProcessEnv; clock: Clock; network: Network },
  topicArn: string | undefined,
  make: (sns: Sns, options: SnsAlertsOptions) => AlertPublisher,
): AlertPublisher | null {
  if (topicArn === undefined) return null;
  let made: AlertPublisher | undefined;
  return {
    publish: async (alert) => {
      if (made === undefined) {
        const sns = await import('../adapters/aws/sns.ts');
        const client = network.sns ?? sns.createSnsClient(clientSettings(env, 'SNS'));
        made = make(sns, { topicArn, client, clock });
      }
      await made.publish(alert);
    },
  };
}
