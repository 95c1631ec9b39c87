import type { AlertState, PromotionStore } from '../adapters/dynamodb.ts';
import type { AlertPublisher } from '../adapters/sns.ts';
import { type Alert, type AlertContext, alertFor } from '../domain/alert/alert.ts';
import type { Outcome } from '../domain/ending.ts';
import { metricsOf, type RunFacts } from '../domain/metrics.ts';
import { AlertEnvironment, configuration } from './config.ts';
import { log, logError } from './log.ts';
import { count, emit } from './metrics.ts';
import { storeServices } from './store.ts';

/** Who remembers how executions ended, and who is told. */
export interface AnnounceServices {
  store: PromotionStore;
  /** Null when alerts are switched off or no topic is configured. */
  alerts: AlertPublisher | null;
  /** Where alerts go as well, once they are sent; null or absent where chat has no topic of its own. */
  chat?: AlertPublisher | null;
  alertContext: AlertContext;
}

/** Milliseconds for chat, which comes on top of the mail within the time limit of one function. */
const CHAT_TIMEOUT = 5_000;

export function announceServices(env: NodeJS.ProcessEnv): AnnounceServices {
  const config = configuration(AlertEnvironment, env);
  const topic = config.ALERTS_ENABLED ? config.ALERT_SNS_TOPIC_ARN : undefined;
  const chat = config.ALERTS_ENABLED ? config.ALERT_CHAT_TOPIC_ARN : undefined;
  return {
    ...storeServices(env),
    alerts: publisher(topic, ({ snsAlerts }, topicArn) => snsAlerts({ topicArn })),
    chat: publisher(chat, ({ snsChat }, topicArn) => snsChat({ topicArn, totalTimeout: CHAT_TIMEOUT })),
    alertContext: {
      prefix: config.ALERT_PREFIX,
      environment: config.ENVIRONMENT,
      registryName: config.MODEL_REGISTRY_NAME,
    },
  };
}

type Sns = typeof import('../adapters/sns.ts');

/** The client of SNS is loaded at the first publication: most calls have nothing to publish. */
function publisher(
  topicArn: string | undefined,
  make: (sns: Sns, topicArn: string) => AlertPublisher,
): AlertPublisher | null {
  if (topicArn === undefined) return null;
  let made: AlertPublisher | undefined;
  return {
    publish: async (alert) => {
      made ??= make(await import('../adapters/sns.ts'), topicArn);
      await made.publish(alert);
    },
  };
}

/**
 * Records an outcome once, counts it then, and sends its alert unless it is known to be sent. Never throws because of
 * SNS. A crash between the record and the count leaves it uncounted: twice would be worse, by alarms and by times.
 */
export async function announce(
  outcome: Outcome,
  alertDue: boolean,
  { store, alerts, chat = null, alertContext }: AnnounceServices,
  facts: RunFacts = {},
): Promise<{ outcome: Outcome; alert: AlertState }> {
  const wanted: AlertState = !alertDue ? 'none' : alerts === null ? 'off' : 'pending';
  const { first, ...recorded } = await store.recordOutcome(outcome, wanted);
  if (first) emit(metricsOf(recorded.outcome, facts));
  if (recorded.alert !== 'pending' || alerts === null) return recorded;
  return {
    outcome: recorded.outcome,
    alert: await sendAlert(recorded.outcome, { store, alerts, chat, alertContext }),
  };
}

/**
 * Publishes one alert and notes that it is sent. A crash in between sends it twice, never not at all. Chat comes after
 * the note and changes nothing in it: mail is not sent again because chat did not get it.
 */
export async function sendAlert(
  outcome: Outcome,
  { store, alerts, chat = null, alertContext }: AnnounceServices & { alerts: AlertPublisher },
): Promise<AlertState> {
  const { execution } = outcome;
  let alert: Alert;
  try {
    alert = alertFor(outcome, alertContext);
    await alerts.publish(alert);
  } catch (error) {
    count('AlertNotSent');
    log().error('alert not sent; it stays pending', { execution, error: logError(error) });
    return 'pending';
  }
  await store.markAlertSent(execution);
  await chat?.publish(alert).catch((error: unknown) => {
    count('AlertNotSent');
    log().error('alert not sent to chat; it is not sent there again', { execution, error: logError(error) });
  });
  return 'sent';
}
