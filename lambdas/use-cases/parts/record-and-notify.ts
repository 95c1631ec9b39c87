import { metricsOf, type RunFacts } from '../../domain/outcome/metrics.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { AlertState } from '../../domain/release/store.ts';
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
  const record = async () => {
    try {
      return await store.recordOutcome(outcome, requested);
    } catch (error) {
      // The table may be away for hours: people are told first, and once by each process.
      const { execution } = outcome;
      if (requested === 'pending' && alerts !== null && !toldBy(alerts).has(execution)) {
        const sent = await publish(outcome, { alerts, chat, alertContext });
        if (sent) toldBy(alerts).add(execution);
      }
      throw error;
    }
  };
  const { first, ...recorded } = await record();
  if (first) emit(metricsOf(recorded.outcome, facts));
  if (recorded.alert !== 'pending' || alerts === null) return recorded;
  return {
    outcome: recorded.outcome,
    alert: await sendAlert(recorded.outcome, { store, alerts, chat, alertContext }),
  };
}

const toldUnrecorded = new WeakMap<AlertPublisher, Set<string>>();

/** Executions that a process has told of, through its publisher, while their outcome could not be recorded. */
function toldBy(alerts: AlertPublisher): Set<string> {
  const told = toldUnrecorded.get(alerts) ?? new Set();
  toldUnrecorded.set(alerts, told);
  return told;
}

type Channels = Pick<NotifyServices, 'chat' | 'alertContext'> & { alerts: AlertPublisher };

/**
 * Publishes one alert and records it as sent. After a crash in between it is published twice rather than never. Throws
 * `LeaseStoreUnavailable`.
 */
export async function sendAlert(
  outcome: Outcome,
  { store, ...channels }: NotifyServices & { alerts: AlertPublisher },
): Promise<AlertState> {
  const markSent = () => store.markAlertSent(outcome.execution);
  return (await publish(outcome, channels, markSent)) ? 'sent' : 'pending';
}

/**
 * Publishes one alert; false if that failed. Chat comes after it and has no part in the state: a failure there does not
 * send the mail again. Throws what `afterMail` throws.
 */
async function publish(
  outcome: Outcome,
  { alerts, chat = null, alertContext }: Channels,
  afterMail: () => Promise<void> = async () => {},
): Promise<boolean> {
  const { execution } = outcome;
  let alert: Alert;
  try {
    alert = alertFor(outcome, alertContext);
    await alerts.publish(alert);
  } catch (error) {
    count('AlertNotSent');
    log().error('alert not sent; it stays pending', { execution, error: logError(error) });
    return false;
  }
  await afterMail();
  await chat?.publish(alert).catch((error: unknown) => {
    count('AlertNotSent');
    log().error('alert not sent to chat; not retried', { execution, error: logError(error) });
  });
  return true;
}
