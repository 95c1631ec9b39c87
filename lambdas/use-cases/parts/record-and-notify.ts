import type { AlertState, PromotionStore } from '../../adapters/aws/promotion-table.ts';
import { metricsOf, type RunFacts } from '../../domain/outcome/metrics.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { PromotionRecord } from '../../domain/promotion/record.ts';
import { log, logError } from '../../runtime/log.ts';
import { count, emit } from '../../runtime/metrics.ts';
import type { AlertPublisher, NotifyServices } from '../../runtime/notify-services.ts';
import { type Alert, alertFor } from '../../words/alert.ts';

/**
 * Records an outcome once, counts it then, and sends its alert unless it is known to be sent. Never throws because of
 * SNS. A crash between the record and the count leaves it uncounted: twice would be worse, by alarms and by times.
 */
export async function recordOutcomeAndNotify(
  outcome: Outcome,
  alertDue: boolean,
  { store, alerts, chat = null, alertContext }: NotifyServices,
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
  { store, alerts, chat = null, alertContext }: NotifyServices & { alerts: AlertPublisher },
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
    log().error('alert not sent to chat; not retried', { execution, error: logError(error) });
  });
  return 'sent';
}

/**
 * True when an execution moved the registry and never came to record how it ended, so that nobody was told: it was
 * aborted, ran out of time, or could not reach the table. `counted` is the caller's fence as the table counts it: a
 * table that has not counted beyond the record's fence is another one, and cannot know how that execution ended.
 */
export async function isUnnotified(
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
