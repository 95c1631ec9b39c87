import type { AlertState, PromotionStore } from '../../adapters/aws/promotion-table.ts';
import { metricsOf, type RunFacts } from '../../domain/outcome/metrics.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { PromotionRecord } from '../../domain/promotion/record.ts';
import { log, logError } from '../../runtime/log.ts';
import { count, emit } from '../../runtime/metrics.ts';
import type { AlertPublisher, NotifyServices } from '../../runtime/notify-services.ts';
import { type Alert, alertFor } from '../../words/alert/alert.ts';

/**
 * Records an outcome once, counts it, and sends its alert unless that was sent before. Throws `LeaseStoreUnavailable`, but
 * nothing because of SNS. After a crash between recording and counting it stays uncounted: counting twice would distort
 * alarms.
 */
export async function recordOutcomeAndNotify(
  outcome: Outcome,
  alertDue: boolean,
  { store, alerts, chat = null, alertContext }: NotifyServices,
  facts: RunFacts = {},
): Promise<{ outcome: Outcome; alert: AlertState }> {
  const requested: AlertState = !alertDue ? 'none' : alerts === null ? 'off' : 'pending';
  const { first, ...recorded } = await store.recordOutcome(outcome, requested);
  if (first) emit(metricsOf(recorded.outcome, facts));
  if (recorded.alert !== 'pending' || alerts === null) return recorded;
  return {
    outcome: recorded.outcome,
    alert: await sendAlert(recorded.outcome, { store, alerts, chat, alertContext }),
  };
}

/**
 * Publishes one alert and records it as sent. After a crash in between it is published twice rather than never. Chat comes
 * after that and has no part in the state: a failure there does not send the mail again. Throws `LeaseStoreUnavailable`.
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
 * True when an execution moved the registry and recorded no outcome, so that no notification was sent: it was aborted,
 * timed out, or could not reach the table. `counted` is the caller's fence in the table: a table that has not counted
 * beyond the record's fence is a different one and cannot know that outcome. Throws `LeaseStoreUnavailable`.
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
