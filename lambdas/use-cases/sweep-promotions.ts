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

/** The event of the schedule, or EventBridge's event about an execution that did not succeed. */
export const SweepInput = z.union([z.object({ sweep: z.literal(true) }), CleanUpInput]);

/** How many pending alerts a sweep sent, and how many are left, up to `SWEEP_MAX_COUNTED`. */
export interface SweepAnswer {
  sent: number;
  pending: number;
  /** Number of executions that had ended without a recorded outcome. */
  cleaned_up: number;
}

/** Sends pending alerts, and cleans up executions whose event was lost. Throws `LeaseStoreUnavailable` and `StateMachineUnavailable`. */
export async function sweep(services: CleanUpServices): Promise<SweepAnswer> {
  return { ...(await sendPending(services)), cleaned_up: await cleanUpMissed(services) };
}

/** Sends pending alerts, at most `SWEEP_MAX_ALERTS`, and measures how many are left. Throws `LeaseStoreUnavailable`. */
export async function sendPending(services: CloseServices): Promise<Omit<SweepAnswer, 'cleaned_up'>> {
  const { alerts, store, clock } = services;
  const until = clock.now().getTime() + SWEEP_SECONDS * 1000;
  const sent = new Set<string>();
  for (const outcome of alerts === null ? [] : await store.pendingAlerts(SWEEP_MAX_ALERTS)) {
    if (alerts === null || clock.now().getTime() >= until) break;
    if ((await sendAlert(outcome, { ...services, alerts })) === 'sent') sent.add(outcome.execution);
  }
  // The index is eventually consistent: it may still hold alerts that were just sent.
  const left = (await store.pendingExecutions(SWEEP_MAX_COUNTED + sent.size)).filter(
    (each) => !sent.has(each),
  );
  const pending = Math.min(left.length, SWEEP_MAX_COUNTED);
  emit([{ name: 'AlertsPending', value: pending }]);
  return { sent: sent.size, pending };
}

/**
 * Cleans up executions that ended without a recorded outcome, and answers how many. A failed clean-up counts in the metric
 * `LeaseStuck`; the next sweep retries it. Throws `StateMachineUnavailable`.
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
      const event = await executions?.describeUnsuccessful(execution);
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
