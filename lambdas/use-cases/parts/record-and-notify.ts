import { metricsOf, type RunFacts } from '../../domain/outcome/metrics.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { AlertState, LedgerEnd, RecordedOutcome } from '../../domain/release/store.ts';
import { log, logError } from '../../runtime/log.ts';
import { count, emit } from '../../runtime/metrics.ts';
import type { AlertPublisher, NotifyServices } from '../../runtime/notify-services.ts';
import { type Alert, alertFor, type Traces } from '../../words/alert/alert.ts';
import { appendEntry, firstNumber, ledgerEndFor } from './append-entry.ts';
import { attachReport, makeReport } from './attach-report.ts';

/**
 * Records an outcome once, counts it, and sends its alert unless that was sent before. Throws `LeaseStoreUnavailable`, but
 * nothing because of SNS. After a crash between recording and counting it stays uncounted: counting twice would distort
 * alarms.
 */
export async function recordOutcomeAndNotify(
  outcome: Outcome,
  alertDue: boolean,
  { store, alerts, chat = null, alertContext, ...more }: NotifyServices,
  facts: RunFacts = {},
): Promise<{ outcome: Outcome; alert: AlertState }> {
  const requested: AlertState = !alertDue ? 'none' : alerts === null ? 'off' : 'pending';
  let end: LedgerEnd | null = null;
  const record = async () => {
    try {
      end = await ledgerEndFor(outcome, store);
      return await store.recordOutcome(outcome, requested, firstNumber(end));
    } catch (error) {
      // The table may be away for hours: people are told first, and once by each process.
      const { execution } = outcome;
      if (requested === 'pending' && alerts !== null && !toldBy(alerts).has(execution)) {
        const sent = await publish(outcome, {}, { alerts, chat, alertContext });
        if (sent) toldBy(alerts).add(execution);
      }
      throw error;
    }
  };
  const { first, ...recorded } = await record();
  if (first) emit(metricsOf(recorded.outcome, facts));
  return {
    outcome: recorded.outcome,
    alert: await finish(recorded, { store, alerts, chat, alertContext, ...more }, end),
  };
}

/**
 * Puts the entry of a recorded outcome into the ledger and attaches its report, then sends its alert, as far as they are
 * pending. All may be repeated.
 */
export async function finish(
  recorded: RecordedOutcome,
  services: NotifyServices,
  end: LedgerEnd | null = null,
): Promise<AlertState> {
  const { outcome, alert } = recorded;
  const { store, alerts } = services;
  const report = await makeReport(recorded);
  const ledger = await appendEntry(recorded, store, end, report?.sha256);
  const run = report === null ? null : await attachReport(outcome, report, services);
  if (alert !== 'pending' || alerts === null) return alert;
  return sendAlert(outcome, { ledger, run }, { ...services, alerts });
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
async function sendAlert(
  outcome: Outcome,
  traces: Traces,
  { store, ...channels }: NotifyServices & { alerts: AlertPublisher },
): Promise<AlertState> {
  const markSent = () => store.markAlertSent(outcome.execution);
  return (await publish(outcome, traces, channels, markSent)) ? 'sent' : 'pending';
}

/**
 * Publishes one alert; false if that failed. Chat comes after it and has no part in the state: a failure there does not
 * send the mail again. Throws what `afterMail` throws.
 */
async function publish(
  outcome: Outcome,
  traces: Traces,
  { alerts, chat = null, alertContext }: Channels,
  afterMail: () => Promise<void> = async () => {},
): Promise<boolean> {
  const { execution } = outcome;
  let alert: Alert;
  try {
    alert = alertFor(outcome, alertContext, traces);
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
