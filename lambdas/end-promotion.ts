import * as z from 'zod';
import { type Clock, systemClock } from './adapters/clock.ts';
import type { Executions } from './adapters/step-functions.ts';
import type { EndAnswer, Outcome } from './domain/ending.ts';
import { functionTimeoutSeconds } from './domain/limits.ts';
import type { RunFacts } from './domain/metrics.ts';
import { alertDue, endedWell, outcomeOf } from './domain/outcome.ts';
import { type PromotionRecord, recordId, recordsOn } from './domain/promotion-record.ts';
import type { Registry, RegistryView } from './domain/registry.ts';
import { cutOff } from './domain/rollback-plan.ts';
import { FailureCode } from './domain/serving/payloads.ts';
import { type AnnounceServices, announce, announceServices, sendAlert } from './runtime/announce.ts';
import { CleanUpEnvironment, configuration, jsonOrNull } from './runtime/config.ts';
import { toHandler } from './runtime/handler.ts';
import { log, logError } from './runtime/log.ts';
import { emit } from './runtime/metrics.ts';
import { readRegistry, registryServices } from './runtime/registry.ts';

const Ending = z.object({ state: z.unknown(), execution: z.string() });
const Sweep = z.object({ sweep: z.literal(true) });
/**
 * The `detail` of EventBridge's "Step Functions Execution Status Change", as it comes, of executions that failed, timed
 * out or were aborted: no step of theirs may have said how they ended.
 */
const CleanUp = z.object({
  executionArn: z.string().min(1),
  status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
  /** JSON text; null when it was too large for an event. */
  input: z.string().nullish(),
  /** Milliseconds since 1970. */
  startDate: z.number().nullish().catch(null),
});
const EndInput = z.union([Sweep, CleanUp, Ending]);

export interface EndServices extends AnnounceServices {
  clock: Clock;
  /** Made only for a clean-up and, without MLflow, for a sweep: the others need neither. */
  registry: () => Registry;
  executions: () => Promise<Executions | null>;
}

/** What a sweep answers: how many pending alerts it sent, and how many are still not sent, up to `COUNTED_AT_MOST`. */
export interface SweepAnswer {
  sent: number;
  pending: number;
  /** Executions whose end nobody had told of. */
  cleaned_up: number;
}

/** Records how an execution ended, once; tells people; releases the lease. A sweep makes up for what was left undone. */
export const handler = toHandler('end-promotion', {
  input: EndInput,
  services: (env): EndServices => ({
    ...announceServices(env),
    clock: systemClock,
    registry: () => registryServices(env).registry,
    executions: () => executionsFor(configuration(CleanUpEnvironment, env).STATE_MACHINE_ARN),
  }),
  run: async (input, services): Promise<EndAnswer | SweepAnswer> => {
    if ('sweep' in input) return { ...(await sweep(services)), cleaned_up: await cleanUpMissed(services) };
    return 'executionArn' in input ? cleanUp(input, services) : end(input, services);
  },
});

/**
 * Called again, it answers what was recorded first and sends only an alert that is not known to be sent. The lease of an
 * execution that was stopped ends when none of its functions can write any more.
 */
export async function end(
  { state, execution }: z.infer<typeof Ending>,
  services: EndServices,
  { stopped = false }: { stopped?: boolean } = {},
): Promise<EndAnswer> {
  const ended = outcomeOf(state, execution, services.clock.now());
  const { outcome, alert } = await announce(ended, alertDue(ended), services, factsOf(state));
  if (outcome.finishes !== null && outcome.finishes !== execution) {
    // Told in its place: whoever comes next finds that it has ended.
    await services.store.recordOutcome({ ...outcome, execution: outcome.finishes, finishes: null }, 'none');
  }
  const { model_name: model } = outcome;
  if (model !== null && stopped) await services.store.endLeaseAt(model, execution, lastWrite(outcome));
  else if (model !== null) await services.store.releaseLease(model, execution);
  return { status: outcome.status, succeeded: endedWell(outcome), reason: outcome.reason, alert };
}

/** What the metrics need of the state document; whatever is not as expected is unknown. */
const Facts = z
  .object({
    started_at: z.iso.datetime({ offset: true }).nullable().catch(null),
    serving: z
      .object({
        failure: FailureCode.nullable().catch(null),
        progress: z.object({ cancelled_for: FailureCode.nullable() }).nullable().catch(null),
      })
      .nullable()
      .catch(null),
  })
  .catch({ started_at: null, serving: null });

function factsOf(state: unknown): RunFacts {
  const { started_at, serving } = Facts.parse(state);
  return {
    startedAt: started_at === null ? null : new Date(started_at),
    // Where it could not be cancelled either, the failure says only that.
    failure: serving?.progress?.cancelled_for ?? serving?.failure ?? null,
  };
}

/** The client of Step Functions is loaded for a sweep, and for a clean-up that has something to start. */
async function executionsFor(arn: string | undefined): Promise<Executions | null> {
  if (arn === undefined) return null;
  const { stepFunctions } = await import('./adapters/step-functions.ts');
  return stepFunctions(arn);
}

/** How long the rollback that a clean-up starts may wait for the lease of the execution that was stopped. */
const CLEAN_UP_WAIT_MINUTES = 10;
/**
 * A function that was at work when its execution was stopped may go on writing for so long. A promotion's own rollback
 * may take longer, but it wants what the one that is started here wants.
 */
const LAST_WRITE_SECONDS = {
  promote:
    Math.max(
      ...(['prepare-promotion', 'replace-workload', 'promote-model'] as const).map(
        (name) => functionTimeoutSeconds[name],
      ),
    ) + 10,
  rollback: functionTimeoutSeconds['model-rollback'] + 10,
};

/** Told from the record, so that an event that comes again neither shortens nor lengthens the wait. */
const lastWrite = ({ operation, recorded_at }: Outcome): Date =>
  new Date(Date.parse(recorded_at) + LAST_WRITE_SECONDS[operation] * 1000);

const Named = z.object({ model_name: z.string().min(1).max(256), operation: z.string().optional() });
/** What of an input belongs in a state document: nobody may put there what only a step can know. */
const Asked = z
  .object({
    operation: z.unknown(),
    model_name: z.unknown(),
    challenger_version: z.unknown(),
    requested_by: z.unknown(),
    dry_run: z.unknown(),
  })
  .partial()
  .catch({});

/**
 * Ends an execution that could not end itself: records its outcome, sends the alert, and starts a rollback where its
 * promotion was announced and has no result. The rollback has a name of its own, so that a repeated event starts no
 * second one. It gets the lease when no function of the stopped execution can write any more. One whose outcome is
 * recorded had come to its end, or was cleaned up: only what that may have left undone is done, its alert and its lease.
 */
export async function cleanUp(event: z.infer<typeof CleanUp>, services: EndServices): Promise<EndAnswer> {
  const { executionArn: execution, status } = event;
  if ((await services.store.outcomeRecordedAt(execution)) !== null)
    return end({ state: null, execution }, services, { stopped: true });
  const input = jsonOrNull(event.input ?? 'null');
  const named = Named.safeParse(input).data;
  const view = named === undefined ? null : await readRegistry(services.registry(), named.model_name);
  const done = view === null ? null : promotionOf(view, execution);
  const open = view === null || done !== null ? null : await unfinished(view, execution, services);
  const fields = {
    ...Asked.parse(input),
    // The newest Staging version, where the input names none, is known by the record only.
    ...(open === null ? {} : { challenger_version: open.to }),
    started_at: timeOf(event.startDate),
  };
  if (done !== null) return end({ state: { ...fields, ...asPromoted(done) }, execution }, services);

  const executions = open === null ? null : await services.executions();
  if (named !== undefined && open !== null) {
    await executions?.start(`undo-${recordId(execution)}`.slice(0, 80), {
      operation: 'rollback',
      model_name: named.model_name,
      reason: 'ROLLOUT_FAILED',
      emergency: true,
      wait_for_lease_minutes: CLEAN_UP_WAIT_MINUTES,
      requested_by: 'clean-up of an execution that could not end itself',
    });
  }
  const cause = status === 'ABORTED' ? 'was aborted' : status === 'TIMED_OUT' ? 'ran out of time' : 'failed';
  const next =
    typeof event.input === 'string'
      ? whatNext(open !== null, executions !== null, named?.operation)
      : NOT_KNOWN;
  const error = { Error: status, Cause: `The execution ${cause}; ${next}` };
  return end({ state: { ...fields, error }, execution }, services, { stopped: true });
}

/** An event has no room for a large input, and without it not even the model is known. */
const NOT_KNOWN =
  'its input was too large for the event that says so: look at its input and its last state in Step Functions; if a promotion or a rollback was under way, start an execution for its model with "operation": "rollback" and "reason": "ROLLOUT_FAILED"; the lease of its model ends by itself';

function whatNext(open: boolean, startable: boolean, operation: string | undefined): string {
  if (open && startable) return 'its promotion is being undone by an execution of its own';
  if (open)
    return 'its promotion was announced and has no result: start an execution with "operation": "rollback" and "reason": "ROLLOUT_FAILED"';
  if (operation !== 'rollback') return 'nothing was in flight';
  return `a rollback was under way: compare what the Workload serves with the champion, and start the rollback again when the model's lease has ended, in ${LAST_WRITE_SECONDS.rollback} s`;
}

/** ISO 8601; null where there is no such time. */
function timeOf(ms: number | null | undefined): string | null {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** The promotion of this execution that had moved the registry before the execution was stopped. */
function promotionOf(view: RegistryView, execution: string): PromotionRecord | null {
  const own = (r: PromotionRecord) => r.kind === 'promote' && r.execution === execution && r.holder === r.to;
  return recordsOn(view.versions).find((r) => own(r) && r.result?.result === 'promoted') ?? null;
}

/** The state document that the execution would have come to. */
const asPromoted = ({ id, from, to, confidence }: PromotionRecord) => ({
  challenger_version: to,
  prepared: {
    status: 'ready',
    promotion_id: id,
    unfinished: { execution: null, champion_before: from, confidence },
  },
  promotion: { promoted: true, new_version: to },
});

/** The promotion that this execution announced and that has no result; only while its lease is still its own. */
async function unfinished(
  view: RegistryView,
  execution: string,
  { store, clock }: EndServices,
): Promise<PromotionRecord | null> {
  const open = cutOff(view, null)?.record ?? null;
  if (open === null || open.execution !== execution || open.fence === null) return null;
  return (await store.holdsLease(view.model.name, execution, open.fence, clock.now())) ? open : null;
}

const SWEEP_AT_MOST = 25;
/** After so many seconds a sweep begins no other publication: each may take half of the function's time. */
const SWEEP_SECONDS = 5;
const COUNTED_AT_MOST = 100;

/** Sends what is pending, and measures what is left. */
export async function sweep(services: EndServices): Promise<Omit<SweepAnswer, 'cleaned_up'>> {
  const { alerts, store, clock } = services;
  const until = clock.now().getTime() + SWEEP_SECONDS * 1000;
  const sent = new Set<string>();
  for (const outcome of alerts === null ? [] : await store.pendingAlerts(SWEEP_AT_MOST)) {
    if (alerts === null || clock.now().getTime() >= until) break;
    if ((await sendAlert(outcome, { ...services, alerts })) === 'sent') sent.add(outcome.execution);
  }
  // The index may still show what was sent just now.
  const left = (await store.pendingExecutions(COUNTED_AT_MOST + sent.size)).filter((each) => !sent.has(each));
  const pending = Math.min(left.length, COUNTED_AT_MOST);
  emit([{ name: 'AlertsPending', value: pending }]);
  return { sent: sent.size, pending };
}

/** So long after its end an execution that has no outcome is taken for one whose event was lost: AWS delivers it by best effort. */
const MISSED_AFTER_MS = 10 * 60_000;
/** Longer than the schedule is likely to stand still; the alarm about sweeps rings long before. */
const MISSED_WITHIN_MS = 2 * 3_600_000;

/**
 * Cleans up after executions whose end nobody has told of, and answers how many. One that cannot be cleaned up is counted
 * as holding its model, and is tried again by the next sweep.
 */
export async function cleanUpMissed(services: EndServices): Promise<number> {
  const now = services.clock.now().getTime();
  const executions = await services.executions();
  const ended =
    (await executions?.endedBadly(new Date(now - MISSED_WITHIN_MS), new Date(now - MISSED_AFTER_MS))) ?? [];
  let cleanedUp = 0;
  for (const execution of ended) {
    if (services.clock.now().getTime() >= now + SWEEP_SECONDS * 1000) break;
    try {
      if ((await services.store.outcomeRecordedAt(execution)) !== null) continue;
      const event = await executions?.ended(execution);
      if (!event) continue;
      log().warn('nobody has told of the end of an execution', { execution });
      await cleanUp(event, services);
      cleanedUp += 1;
    } catch (error) {
      log().error('an execution could not be cleaned up', { execution, error: logError(error) });
      emit([{ name: 'LeaseStuck', value: 1 }]);
    }
  }
  return cleanedUp;
}
