import { z } from 'zod';
import { type Clock, systemClock } from './adapters/clock.ts';
import { type Executions, stepFunctions } from './adapters/step-functions.ts';
import type { EndAnswer } from './domain/ending.ts';
import { alertDue, endedWell, outcomeOf } from './domain/outcome.ts';
import { type PromotionRecord, recordId } from './domain/promotion-record.ts';
import type { Registry } from './domain/registry.ts';
import { cutOff } from './domain/rollback-plan.ts';
import { type AnnounceServices, announce, announceServices, sendAlert } from './runtime/announce.ts';
import { CleanUpEnvironment, configuration } from './runtime/config.ts';
import { toHandler } from './runtime/handler.ts';
import { readRegistry, registryServices } from './runtime/registry.ts';

const Ending = z.object({ state: z.unknown(), execution: z.string() });
const Sweep = z.object({ sweep: z.literal(true) });
/** From the rule for executions that failed, timed out or were aborted: no step of theirs could say how they ended. */
const CleanUp = z.object({
  execution: z.string(),
  status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
  /** The execution's input, as a value or as the JSON text that the event carries. */
  input: z.unknown(),
});
const EndInput = z.union([Sweep, CleanUp, Ending]);

export interface EndServices extends AnnounceServices {
  clock: Clock;
  /** Made only for a clean-up: the others need neither MLflow nor Step Functions. */
  registry: () => Registry;
  executions: () => Executions | null;
}

/** What a sweep answers: how many pending alerts it sent, and how many are still not sent. */
export interface SweepAnswer {
  sent: number;
  pending: number;
}

/** Records how an execution ended, once; tells people; releases the lease. Also sends alerts left pending. */
export const handler = toHandler('end-promotion', {
  input: EndInput,
  services: (env): EndServices => ({
    ...announceServices(env),
    clock: systemClock,
    registry: () => registryServices(env).registry,
    executions: () => executionsFor(configuration(CleanUpEnvironment, env).STATE_MACHINE_ARN),
  }),
  run: async (input, services): Promise<EndAnswer | SweepAnswer> => {
    if ('sweep' in input) return sweep(services);
    return 'status' in input ? cleanUp(input, services) : end(input, services);
  },
});

/** Called again, it answers what was recorded first and sends only an alert that is not known to be sent. */
export async function end(
  { state, execution }: z.infer<typeof Ending>,
  services: EndServices,
): Promise<EndAnswer> {
  const ended = outcomeOf(state, execution, services.clock.now());
  const { outcome, alert } = await announce(ended, alertDue(ended), services);
  if (outcome.finishes !== null && outcome.finishes !== execution) {
    // Told in its place: whoever comes next finds that it has ended.
    await services.store.recordOutcome({ ...outcome, execution: outcome.finishes, finishes: null }, 'none');
  }
  if (outcome.model_name !== null) await services.store.releaseLease(outcome.model_name, execution);
  return { status: outcome.status, succeeded: endedWell(outcome), reason: outcome.reason, alert };
}

const executionsFor = (arn: string | undefined) => (arn === undefined ? null : stepFunctions(arn));

/** How long the rollback that a clean-up starts may wait for the lease, which is released right after its start. */
const CLEAN_UP_WAIT_MINUTES = 10;
const Named = z.object({ model_name: z.string().min(1).max(256) });

/**
 * Ends an execution that could not end itself: records its outcome unless one is recorded, sends the alert, and
 * starts a rollback where its promotion was announced and has no result. The rollback has a name of its own, so that
 * a repeated event starts no second one; the lease is released last, so that nothing else comes in between.
 */
export async function cleanUp(event: z.infer<typeof CleanUp>, services: EndServices): Promise<EndAnswer> {
  const { execution, status } = event;
  const input = jsonValue(event.input);
  const model = Named.safeParse(input).data?.model_name ?? null;
  const cause = status === 'ABORTED' ? 'was aborted' : status === 'TIMED_OUT' ? 'ran out of time' : 'failed';
  const open = model === null ? null : await unfinished(model, execution, services);
  if (model !== null && open !== null) {
    await services.executions()?.start(`undo-${recordId(execution)}`.slice(0, 80), {
      operation: 'rollback',
      model_name: model,
      reason: 'ROLLOUT_FAILED',
      emergency: true,
      wait_for_lease_minutes: CLEAN_UP_WAIT_MINUTES,
      requested_by: 'clean-up of an execution that could not end itself',
    });
  }
  const next =
    open === null ? 'nothing was in flight' : 'its promotion is being undone by an execution of its own';
  const state = {
    ...(typeof input === 'object' ? input : {}),
    error: { Error: status, Cause: `The execution ${cause}; ${next}` },
  };
  return end({ state, execution }, services);
}

/** The promotion that this execution announced and that has no result; only while its lease is still its own. */
async function unfinished(
  model: string,
  execution: string,
  services: EndServices,
): Promise<PromotionRecord | null> {
  const view = await readRegistry(services.registry(), model);
  const open = view === null ? null : (cutOff(view, null)?.record ?? null);
  if (open === null || open.execution !== execution || open.fence === null) return null;
  return (await services.store.holdsLease(model, execution, open.fence, services.clock.now())) ? open : null;
}

function jsonValue(input: unknown): unknown {
  try {
    return typeof input === 'string' ? JSON.parse(input) : input;
  } catch {
    return null;
  }
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
