import { z } from 'zod';
import { type Clock, systemClock } from './adapters/clock.ts';
import { alertDue, endedWell, outcomeOf } from './domain/outcome.ts';
import type { EndAnswer } from './domain/payloads.ts';
import { type AnnounceServices, announce, announceServices, sendAlert } from './runtime/announce.ts';
import { toHandler } from './runtime/handler.ts';

const Ending = z.object({ state: z.unknown(), execution: z.string() });
const Sweep = z.object({ sweep: z.literal(true) });
const EndInput = z.union([Sweep, Ending]);

export interface EndServices extends AnnounceServices {
  clock: Clock;
}

/** What a sweep answers: how many pending alerts it sent, and how many are still not sent. */
export interface SweepAnswer {
  sent: number;
  pending: number;
}

/** Records how an execution ended, once; tells people; releases the lease. Also sends alerts left pending. */
export const handler = toHandler('end-promotion', {
  input: EndInput,
  services: (env): EndServices => ({ ...announceServices(env), clock: systemClock }),
  run: async (input, services): Promise<EndAnswer | SweepAnswer> =>
    'sweep' in input ? sweep(services) : end(input, services),
});

/** Called again, it answers what was recorded first and sends only an alert that is not known to be sent. */
export async function end(
  { state, execution }: z.infer<typeof Ending>,
  services: EndServices,
): Promise<EndAnswer> {
  const ended = outcomeOf(state, execution, services.clock.now());
  const { outcome, alert } = await announce(ended, alertDue(ended), services);
  if (outcome.model_name !== null) await services.store.releaseLease(outcome.model_name, execution);
  return { status: outcome.status, succeeded: endedWell(outcome), reason: outcome.reason, alert };
}

const SWEEP_AT_MOST = 25;

export async function sweep(services: EndServices): Promise<SweepAnswer> {
  const { alerts, store } = services;
  const waiting = await store.pendingAlerts(SWEEP_AT_MOST);
  if (alerts === null) return { sent: 0, pending: waiting.length };
  let sent = 0;
  for (const outcome of waiting) {
    if ((await sendAlert(outcome, { ...services, alerts })) === 'sent') sent += 1;
  }
  return { sent, pending: waiting.length - sent };
}
