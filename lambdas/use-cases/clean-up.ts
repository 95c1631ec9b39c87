import * as z from 'zod';
import { CLEAN_UP_WAIT_MINUTES, LAST_WRITE_SECONDS } from '../domain/limits.ts';
import { directOutcome } from '../domain/outcome/outcome.ts';
import type { EndAnswer, Interrupted, Outcome } from '../domain/outcome/outcome-schema.ts';
import { type PromotionRecord, recordId, recordsOn } from '../domain/promotion/record.ts';
import { findInterruptedChange } from '../domain/promotion/rollback-plan.ts';
import type { Registry, RegistryView } from '../domain/registry.ts';
import { readStateDocument } from '../domain/state-document.ts';
import { jsonOrNull } from '../runtime/environment.ts';
import type { ExecutionServices } from '../runtime/execution-services.ts';
import { inWords } from '../words/reasons.ts';
import { type CloseServices, closeExecution } from './parts/close-execution.ts';
import { readRegistry } from './parts/move-champion.ts';

/**
 * The `detail` of EventBridge's event "Step Functions Execution Status Change", for executions that failed, timed out or
 * were aborted, and that may not have recorded an outcome.
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export const CleanUpInput = z.object({
  /** ARN of the execution. */
  executionArn: z.string().min(1),
  status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
  /** JSON text; null when it was too large for an event. */
  input: z.string().nullish(),
  /** Milliseconds since 1970. */
  startDate: z.number().nullish().catch(null),
});

export interface CleanUpServices extends CloseServices, ExecutionServices {
  /** Created on first use: a sweep without anything to clean up does not connect to MLflow. */
  registry: () => Registry;
}

/**
 * Ends an execution that was stopped before it recorded its outcome: records it, sends the alert, and starts a rollback
 * if its promotion was recorded and has no result. The rollback's execution name is derived from the stopped execution, so
 * a repeated event starts no second one; it gets the lease when no function of the stopped execution can still write. If
 * the outcome is already recorded, only a pending alert is sent and the lease ended. Throws what MLflow, the table and
 * Step Functions throw: `MlflowUnavailable`, `LeaseStoreUnavailable`, `StateMachineUnavailable` and their kin.
 */
export async function cleanUp(
  event: z.infer<typeof CleanUpInput>,
  services: CleanUpServices,
): Promise<EndAnswer> {
  const { store, clock } = services;
  const { executionArn: execution, status } = event;
  // Only fields of the execution input are read: results of steps could have been forged there.
  const requested = readStateDocument(jsonOrNull(event.input ?? 'null'));
  const known = {
    operation: requested.operation ?? 'promote',
    execution,
    model_name: requested.model_name,
    challenger_version: requested.challenger_version,
    requested_by: requested.requested_by,
    dry_run: requested.dry_run ?? false,
    recorded_at: clock.now().toISOString(),
  };
  const facts = { startedAt: dateOf(event.startDate) };
  const stopped = async (interrupted: Interrupted, challenger = known.challenger_version) => {
    const cause = { code: 'stopped', status, interrupted } as const;
    const ended = directOutcome({ ...known, status: 'failed', cause, challenger_version: challenger });
    const closed = await closeExecution(inWords(ended), services, facts);
    if (closed.model_name !== null) await store.endLeaseAt(closed.model_name, execution, lastWrite(closed));
    return closed.answer;
  };
  if ((await store.outcomeRecordedAt(execution)) !== null) return stopped('unknown');

  const view =
    requested.model_name === null ? null : await readRegistry(services.registry(), requested.model_name);
  const done = view === null ? null : findCompletedPromotion(view, execution);
  if (view !== null && done !== null) {
    const { from: champion_before, to: champion_after, confidence } = done;
    const promoted = { champion_before, champion_after, challenger_version: champion_after, confidence };
    const cause = { code: 'promoted', direct: false } as const;
    const ended = directOutcome({ ...known, ...promoted, status: 'promoted', cause });
    const closed = await closeExecution(inWords(ended), services, facts);
    if (closed.model_name !== null) await store.releaseLease(closed.model_name, execution);
    return closed.answer;
  }

  const open = view === null ? null : await findOpenPromotion(view, execution, services);
  const executions = open === null ? null : await services.executions();
  if (view !== null && open !== null) {
    await executions?.start(`undo-${recordId(execution)}`.slice(0, 80), {
      operation: 'rollback',
      model_name: view.model.name,
      reason: 'ROLLOUT_FAILED',
      emergency: true,
      wait_for_lease_minutes: CLEAN_UP_WAIT_MINUTES,
      requested_by: 'clean-up of a stopped execution',
    });
    // If the input names no version, the record alone says which one was promoted.
    return stopped(executions === null ? 'undo-by-hand' : 'being-undone', open.to);
  }
  if (typeof event.input !== 'string') return stopped('unknown');
  return stopped(known.operation === 'rollback' ? 'rollback' : 'nothing');
}

/** When the functions of the execution have ended; from the recorded time, so that a repeated event does not change it. */
const lastWrite = ({ operation, recorded_at }: Pick<Outcome, 'operation' | 'recorded_at'>): Date =>
  new Date(Date.parse(recorded_at) + LAST_WRITE_SECONDS[operation] * 1000);

/** Null for a missing or invalid time. */
function dateOf(ms: number | null | undefined): Date | null {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** The promotion that this execution completed in the registry before it was stopped. */
function findCompletedPromotion(view: RegistryView, execution: string): PromotionRecord | null {
  const own = (r: PromotionRecord) => r.kind === 'promote' && r.execution === execution && r.holder === r.to;
  return recordsOn(view.versions).find((r) => own(r) && r.result?.result === 'promoted') ?? null;
}

/** The promotion that this execution recorded and that has no result; null if the execution lost its lease. */
async function findOpenPromotion(
  view: RegistryView,
  execution: string,
  { store, clock }: CleanUpServices,
): Promise<PromotionRecord | null> {
  const open = findInterruptedChange(view, null)?.record ?? null;
  if (open === null || open.execution !== execution || open.fence === null) return null;
  return (await store.holdsLease(view.model.name, execution, open.fence, clock.now())) ? open : null;
}
