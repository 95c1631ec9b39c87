import * as z from 'zod';
import {
  MISSED_AFTER_MS,
  MISSED_WITHIN_MS,
  SWEEP_MAX_ALERTS,
  SWEEP_MAX_COUNTED,
  SWEEP_SECONDS,
} from '../domain/limits.ts';
import { log, logError } from '../runtime/log.ts';
import { emit } from '../runtime/metrics.ts';
import { CleanUpInput, type CleanUpServices, cleanUp } from './clean-up.ts';
import type { CloseServices } from './parts/close-execution.ts';
import { sendAlert } from './parts/record-and-notify.ts';

/** What a schedule sends, or the event of an execution that could not end itself. */
export const SweepInput = z.union([z.object({ sweep: z.literal(true) }), CleanUpInput]);

/** What a sweep answers: how many pending alerts it sent, and how many are still not sent, up to `SWEEP_MAX_COUNTED`. */
export interface SweepAnswer {
  sent: number;
  pending: number;
  /** Executions whose end nobody had told of. */
  cleaned_up: number;
}

/** Sends what is pending, and cleans up after executions whose event was lost. */
export async function sweep(services: CleanUpServices): Promise<SweepAnswer> {
  return { ...(await sendPending(services)), cleaned_up: await cleanUpMissed(services) };
}

/** Sends what is pending, and measures what is left. */
export async function sendPending(services: CloseServices): Promise<Omit<SweepAnswer, 'cleaned_up'>> {
  const { alerts, store, clock } = services;
  const until = clock.now().getTime() + SWEEP_SECONDS * 1000;
  const sent = new Set<string>();
  for (const outcome of alerts === null ? [] : await store.pendingAlerts(SWEEP_MAX_ALERTS)) {
    if (alerts === null || clock.now().getTime() >= until) break;
    if ((await sendAlert(outcome, { ...services, alerts })) === 'sent') sent.add(outcome.execution);
  }
  // The index may still show what was sent just now.
  const left = (await store.pendingExecutions(SWEEP_MAX_COUNTED + sent.size)).filter(
    (each) => !sent.has(each),
  );
  const pending = Math.min(left.length, SWEEP_MAX_COUNTED);
  emit([{ name: 'AlertsPending', value: pending }]);
  return { sent: sent.size, pending };
}

/**
 * Cleans up after executions whose end nobody has told of, and answers how many. One that cannot be cleaned up is counted
 * as holding its model, and is tried again by the next sweep.
 */
export async function cleanUpMissed(services: CleanUpServices): Promise<number> {
  const now = services.clock.now().getTime();
  const executions = await services.executions();
  const ended =
    (await executions?.listUnsuccessful(new Date(now - MISSED_WITHIN_MS), new Date(now - MISSED_AFTER_MS))) ??
    [];
  let cleanedUp = 0;
  for (const execution of ended) {
    if (services.clock.now().getTime() >= now + SWEEP_SECONDS * 1000) break;
    try {
      if ((await services.store.outcomeRecordedAt(execution)) !== null) continue;
      const event = await executions?.ended(execution);
      if (!event) continue;
      log().warn('an execution ended without a recorded outcome', { execution });
      await cleanUp(event, services);
      cleanedUp += 1;
    } catch (error) {
      log().error('clean-up of an execution failed', { execution, error: logError(error) });
      emit([{ name: 'LeaseStuck', value: 1 }]);
    }
  }
  return cleanedUp;
}
