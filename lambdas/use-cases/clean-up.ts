import * as z from 'zod';
import type { EndAnswer } from '../domain/outcome/outcome-schema.ts';
import { type PromotionRecord, recordId, recordsOn } from '../domain/promotion/record.ts';
import { cutOff } from '../domain/promotion/rollback-plan.ts';
import type { Registry, RegistryView } from '../domain/registry.ts';
import { jsonOrNull } from '../runtime/environment.ts';
import type { ExecutionServices } from '../runtime/execution-services.ts';
import { type EndServices, end, LAST_WRITE_SECONDS } from './end-promotion.ts';
import { readRegistry } from './parts/move-champion.ts';

/**
 * The `detail` of EventBridge's "Step Functions Execution Status Change", as it comes, of executions that failed, timed
 * out or were aborted: no step of theirs may have said how they ended.
 */
export const CleanUpInput = z.object({
  executionArn: z.string().min(1),
  status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
  /** JSON text; null when it was too large for an event. */
  input: z.string().nullish(),
  /** Milliseconds since 1970. */
  startDate: z.number().nullish().catch(null),
});

export interface CleanUpServices extends EndServices, ExecutionServices {
  /** Made only when it is needed: a sweep that finds nothing to clean up needs no MLflow. */
  registry: () => Registry;
}

/** How long the rollback that a clean-up starts may wait for the lease of the execution that was stopped. */
const CLEAN_UP_WAIT_MINUTES = 10;
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
export async function cleanUp(
  event: z.infer<typeof CleanUpInput>,
  services: CleanUpServices,
): Promise<EndAnswer> {
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
  { store, clock }: CleanUpServices,
): Promise<PromotionRecord | null> {
  const open = cutOff(view, null)?.record ?? null;
  if (open === null || open.execution !== execution || open.fence === null) return null;
  return (await store.holdsLease(view.model.name, execution, open.fence, clock.now())) ? open : null;
}
