import * as z from 'zod';
import { LAST_WRITE_SECONDS } from '../domain/limits.ts';
import { directOutcome } from '../domain/outcome/outcome.ts';
import type { EndAnswer, Interrupted, Outcome, OutcomeCause } from '../domain/outcome/outcome-schema.ts';
import { type PromotionRecord, recordsOn } from '../domain/promotion/record.ts';
import { isLeftBy } from '../domain/release/release.ts';
import { readStateDocument } from '../domain/state-document.ts';
import { jsonOrNull } from '../runtime/environment.ts';
import type { ExecutionServices } from '../runtime/execution-services.ts';
import type { ReadingServices } from '../runtime/reading-services.ts';
import { inWords } from '../words/reasons.ts';
import { approvalBehind } from './parts/approval-behind.ts';
import { type CloseServices, closeExecution } from './parts/close-execution.ts';
import { type BothSidesRead, ownerIn, readBothSides } from './parts/read-ending.ts';
import { rememberTold } from './parts/tell-out-of-step.ts';

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
type CleanUpInput = z.infer<typeof CleanUpInput>;

export interface CleanUpServices extends CloseServices, ExecutionServices, ReadingServices {}

/**
 * Ends an execution that was stopped before it recorded its outcome: reads both sides, records what they show, sends the
 * alert, and lets the lease end when no function of the execution can still write. Its change stays open: the sweep starts
 * attempts at it. If the outcome is already recorded, only a pending alert is sent and the lease ended. What cannot be read
 * is told as unknown. Throws `LeaseStoreUnavailable`, after people have been told.
 */
export async function cleanUp(event: CleanUpInput, services: CleanUpServices): Promise<EndAnswer> {
  const { store, clock } = services;
  const { executionArn: execution } = event;
  // Only fields of the execution input are read: results of steps could have been forged there.
  const requested = readStateDocument(jsonOrNull(event.input ?? 'null'));
  const { model_name } = requested;
  const recorded = (await store.outcomeRecordedAt(execution).catch(() => null)) !== null;
  const read = recorded || model_name === null ? null : await readBothSides(model_name, services);
  const change = requested.change_id ?? execution;
  const mayHaveAsked = !recorded && (requested.operation ?? 'promote') === 'promote';
  const approval = mayHaveAsked ? await approvalBehind(execution, services) : undefined;
  const ended = directOutcome({
    ...endOf(event, change, requested.operation, read),
    operation: requested.operation ?? 'promote',
    execution,
    model_name,
    owner: ownerIn(read),
    champion_before: championBefore(change, read),
    champion_after: read?.ending.champions?.length === 1 ? (read.ending.champions[0] ?? null) : null,
    challenger_version: challengerOf(requested.challenger_version, change, read),
    confidence: confidenceOf(change, read),
    ...(approval === undefined ? {} : { approval }),
    requested_by: requested.requested_by,
    dry_run: requested.dry_run ?? false,
    ending: read?.ending ?? null,
    recorded_at: clock.now().toISOString(),
  });
  const closed = await closeExecution(inWords(ended), services, { startedAt: dateOf(event.startDate) });
  if (closed.model_name !== null) {
    await rememberTold(closed.model_name, closed, services);
    await store.endLeaseAt(closed.model_name, execution, lastWrite(closed));
  }
  return closed.answer;
}

/** How the execution ended: with what it closed, if it did; else stopped. */
function endOf(
  event: CleanUpInput,
  change: string,
  operation: Outcome['operation'] | null,
  read: BothSidesRead | null,
): { status: Outcome['status']; cause: OutcomeCause } {
  const { live = null, in_step = null } = read?.ending ?? {};
  if (live?.change === change) {
    if (in_step === false) return { status: 'contested', cause: { code: 'moved-since' } };
    if (operation === 'adopt') return { status: 'adopted', cause: { code: 'adopted' } };
    return live.result === 'promoted'
      ? { status: 'promoted', cause: { code: 'promoted', direct: false, workload_unchanged: false } }
      : { status: 'rolled_back', cause: { code: 'stopped', status: event.status, interrupted: 'nothing' } };
  }
  const cause = {
    code: 'stopped',
    status: event.status,
    interrupted: interruptedOf(event, change, read),
  } as const;
  return { status: 'failed', cause };
}

/** The record in MLflow of the promotion that opened the change; null if there is none, or it could not be read. */
const recordOf = (change: string, read: BothSidesRead | null): PromotionRecord | null =>
  recordsOn(read?.view?.versions ?? []).find(
    ({ kind, execution }) => kind === 'promote' && execution === change,
  ) ?? null;

function interruptedOf({ input }: CleanUpInput, change: string, read: BothSidesRead | null): Interrupted {
  if (typeof input !== 'string' || read === null || read.item === null) return 'unknown';
  return read.item.change?.id === change ? 'open' : 'nothing';
}

/** The live release before the change, while that is known. */
function championBefore(change: string, read: BothSidesRead | null): string | null {
  const item = read?.item ?? null;
  if (item?.live?.change !== change) return item?.live?.version ?? null;
  const [last] = item.history;
  return last !== undefined && isLeftBy(last, change) ? last.version : null;
}

/** If the input names no version, the change or the live release does. */
function challengerOf(named: string | null, change: string, read: BothSidesRead | null): string | null {
  const item = read?.item ?? null;
  if (named !== null) return named;
  if (item?.change?.id === change) return item.change.to;
  return item?.live?.change === change ? item.live.version : null;
}

/** The confidence that the change was opened with: in the item while it is open, then in the record for people. */
function confidenceOf(change: string, read: BothSidesRead | null): number | null {
  const open = read?.item?.change ?? null;
  if (open?.id === change) return open.asked.confidence;
  return recordOf(change, read)?.confidence ?? null;
}

/** When the functions of the execution have ended; from the recorded time, so that a repeated event does not change it. */
const lastWrite = ({ recorded_at }: Pick<Outcome, 'recorded_at'>): Date =>
  new Date(Date.parse(recorded_at) + LAST_WRITE_SECONDS * 1000);

/** Null for a missing or invalid time. */
function dateOf(ms: number | null | undefined): Date | null {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}
