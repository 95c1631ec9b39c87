import {
  type AlertState,
  dynamodbClient,
  dynamodbStore,
  noStore,
  type PromotionStore,
} from '../adapters/dynamodb.ts';
import { type AlertPublisher, snsAlerts } from '../adapters/sns.ts';
import { type AlertContext, alertFor } from '../domain/alert/alert.ts';
import type { Outcome } from '../domain/ending.ts';
import type { PromotionRecord } from '../domain/promotion-record.ts';
import { AlertEnvironment, configuration, StoreEnvironment } from './config.ts';
import { log } from './log.ts';

/** Who remembers how executions ended, and who is told. */
export interface AnnounceServices {
  store: PromotionStore;
  /** Null when alerts are switched off or no topic is configured. */
  alerts: AlertPublisher | null;
  alertContext: AlertContext;
}

export function announceServices(env: NodeJS.ProcessEnv): AnnounceServices {
  const config = configuration(AlertEnvironment.extend(StoreEnvironment.shape), env);
  const topicArn = config.ALERTS_ENABLED ? config.ALERT_SNS_TOPIC_ARN : undefined;
  return {
    store: storeFor(config.PROMOTION_TABLE),
    alerts: topicArn === undefined ? null : snsAlerts({ topicArn }),
    alertContext: {
      prefix: config.ALERT_PREFIX,
      environment: config.ENVIRONMENT,
      registryName: config.MODEL_REGISTRY_NAME,
    },
  };
}

function storeFor(table: string | undefined): PromotionStore {
  if (table !== undefined) return dynamodbStore(dynamodbClient(), table);
  log.warn('PROMOTION_TABLE is not set: no lease is taken and no outcome is remembered');
  return noStore;
}

/** Records an outcome once and sends its alert unless it is known to be sent. Never throws because of SNS. */
export async function announce(
  outcome: Outcome,
  alertDue: boolean,
  { store, alerts, alertContext }: AnnounceServices,
): Promise<{ outcome: Outcome; alert: AlertState }> {
  const wanted: AlertState = !alertDue ? 'none' : alerts === null ? 'off' : 'pending';
  const recorded = await store.recordOutcome(outcome, wanted);
  if (recorded.alert !== 'pending' || alerts === null) return recorded;
  return {
    outcome: recorded.outcome,
    alert: await sendAlert(recorded.outcome, { store, alerts, alertContext }),
  };
}

/**
 * True when an execution moved the registry and never came to record how it ended, so that nobody was told: it was
 * aborted, ran out of time, or could not reach the table. `counted` is the caller's fence as the table counts it: a
 * table that has not counted beyond the record's fence is another one, and cannot know how that execution ended.
 */
export async function isUnannounced(
  record: PromotionRecord,
  counted: number | null,
  store: PromotionStore,
): Promise<boolean> {
  const { execution, result } = record;
  if (execution === null || result?.alert !== 'execution') return false;
  if (counted === null || record.fence === null || record.fence >= counted) return false;
  const counts = result.result === 'promoted' || result.result === 'rolled_back';
  return counts && !(await store.hasOutcome(execution));
}

/** Publishes one alert and notes that it is sent. A crash in between sends it twice, never not at all. */
export async function sendAlert(
  outcome: Outcome,
  { store, alerts, alertContext }: AnnounceServices & { alerts: AlertPublisher },
): Promise<AlertState> {
  try {
    await alerts.publish(alertFor(outcome, alertContext));
  } catch (error) {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error';
    log.error('alert not sent; it stays pending', { execution: outcome.execution, error: why });
    return 'pending';
  }
  await store.markAlertSent(outcome.execution);
  return 'sent';
}
