import { createHash } from 'node:crypto';
import * as z from 'zod';
import {
  attemptPauseMinutes,
  COMPARE_MINUTES,
  MISSED_AFTER_MS,
  MISSED_WITHIN_DAY_MS,
  MISSED_WITHIN_MS,
  SWEEP_MAX_ALERTS,
  SWEEP_MAX_COUNTED,
  SWEEP_MAX_MODELS,
  SWEEP_SECONDS,
} from '../domain/limits.ts';
import { isOutOfStep } from '../domain/outcome/outcome.ts';
import { recordId } from '../domain/promotion/record.ts';
import type { Change, ModelItem } from '../domain/release/release.ts';
import type { SweepCursor } from '../domain/release/store.ts';
import { log, logError } from '../runtime/log.ts';
import { count, emit } from '../runtime/metrics.ts';
import { CleanUpInput, type CleanUpServices, cleanUp } from './clean-up.ts';
import type { CloseServices } from './parts/close-execution.ts';
import type { BothSidesRead } from './parts/read-ending.ts';
import { finish } from './parts/record-and-notify.ts';
import { isModelGone, readTwice, tellDirectChange, tellOutOfStep } from './parts/tell-out-of-step.ts';
import { isLeaseStuck } from './parts/with-lease.ts';

/** The event of the schedule, or EventBridge's event about an execution that did not succeed. */
export const SweepInput = z.union([z.object({ sweep: z.literal(true) }), CleanUpInput]);

/** What one sweep did. */
export interface SweepAnswer {
  /** Pending alerts that were sent, and those that are left, up to `SWEEP_MAX_COUNTED`. */
  sent: number;
  pending: number;
  /** Executions that had ended without a recorded outcome. */
  cleaned_up: number;
  /** Attempts at open changes that were started. */
  attempted: number;
  /** Models that were told to be out of step. */
  told: number;
}

/**
 * Sends pending alerts, cleans up executions whose event was lost, goes on with open changes, and compares closed models
 * with what both sides show. Each part goes on where another has failed; then the first error is thrown:
 * `LeaseStoreUnavailable` or `StateMachineUnavailable`.
 */
export async function sweep(services: CleanUpServices): Promise<SweepAnswer> {
  const until = services.clock.now().getTime() + SWEEP_SECONDS * 1000 * 4;
  const failures: unknown[] = [];
  const part = async <T>(work: () => Promise<T>, none: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      log().error('a part of the sweep failed', { error: logError(error) });
      failures.push(error);
      return none;
    }
  };
  const sent = await part(() => sendPending(services), { sent: 0, pending: 0 });
  const cleaned_up = await part(() => cleanUpMissed(services), 0);
  const open = await part(() => attemptOpenChanges(services, until), { attempted: 0, told: 0 });
  const closed = await part(() => compareClosed(services, until), 0);
  if (failures.length > 0) throw failures[0];
  return { ...sent, cleaned_up, attempted: open.attempted, told: open.told + closed };
}

/**
 * Puts pending entries into the ledgers and sends pending alerts, at most `SWEEP_MAX_ALERTS`, and measures how many alerts are
 * left. Throws `LeaseStoreUnavailable`.
 */
export async function sendPending(services: CloseServices): Promise<Pick<SweepAnswer, 'sent' | 'pending'>> {
  const { store, clock } = services;
  const until = clock.now().getTime() + SWEEP_SECONDS * 1000;
  const sent = new Set<string>();
  for (const recorded of await store.pendingOutcomes(SWEEP_MAX_ALERTS)) {
    if (clock.now().getTime() >= until) break;
    const { execution } = recorded.outcome;
    const state = await finish(recorded, services);
    if (state === 'sent' && recorded.alert === 'pending') sent.add(execution);
    // Two processes can have settled alert and entry at the same time, each before it saw the other's.
    if (recorded.alert === 'sent' && recorded.ledger.state !== 'pending')
      await store.markAlertSent(execution);
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
 * Cleans up executions that ended without a recorded outcome, and answers how many: those of the last hours, and once an hour
 * those of the last day. A failed clean-up counts in the metric `LeaseStuck`; the next sweep retries it. Throws
 * `StateMachineUnavailable` and `LeaseStoreUnavailable`.
 */
export async function cleanUpMissed(services: CleanUpServices): Promise<number> {
  const now = services.clock.now().getTime();
  const executions = await services.executions();
  if (executions === null) return 0;
  const isHourly = isRoundDue(await services.store.readCursor(), services.clock.now());
  const from = new Date(now - (isHourly ? MISSED_WITHIN_DAY_MS : MISSED_WITHIN_MS));
  const ended = await executions.listUnsuccessful(from, new Date(now - MISSED_AFTER_MS));
  let cleanedUp = 0;
  for (const execution of ended) {
    if (services.clock.now().getTime() >= now + SWEEP_SECONDS * 1000) break;
    try {
      if (await cleanUpUnrecorded(execution, services)) cleanedUp += 1;
    } catch (error) {
      log().error('clean-up of an execution failed', { execution, error: logError(error) });
      count('LeaseStuck');
    }
  }
  return cleanedUp;
}

/** Cleans up an execution that ended without a recorded outcome; false if it has one, goes on, or succeeded. */
async function cleanUpUnrecorded(execution: string, services: CleanUpServices): Promise<boolean> {
  if ((await services.store.outcomeRecordedAt(execution)) !== null) return false;
  const executions = await services.executions();
  const event = await executions?.describeUnsuccessful(execution);
  if (!event) return false;
  log().warn('an execution ended without a recorded outcome', { execution });
  await cleanUp(event, services);
  return true;
}

/**
 * True while somebody has the lease. What an execution left behind that has ended is settled here, however long ago that was,
 * as nobody else does it: one without a recorded outcome is cleaned up, and the lease of one with an outcome is ended. A later
 * sweep goes on with the model.
 */
async function isHeld(
  { model, owner, expires_at }: ModelItem,
  now: Date,
  services: CleanUpServices,
): Promise<boolean> {
  if (owner === null || expires_at === null) return false;
  const held = expires_at >= now;
  if (held && (await isLeaseStuck(owner, now, services.store))) {
    count('LeaseStuck');
    await services.store.endLeaseAt(model, owner, now);
  } else if (owner.startsWith('arn:')) {
    await cleanUpUnrecorded(owner, services).catch((error: unknown) => {
      log().warn('the holder of a lease could not be looked up', { owner, error: logError(error) });
    });
  }
  return held;
}

/**
 * Starts an attempt at each open change that nobody works on and whose sides are known; tells of the others. Measures the
 * age of the oldest one whose registered model exists.
 */
async function attemptOpenChanges(
  services: CleanUpServices,
  until: number,
): Promise<Pick<SweepAnswer, 'attempted' | 'told'>> {
  const done = { attempted: 0, told: 0 };
  let oldest = 0;
  let from: string | null = null;
  pages: do {
    const page: { models: readonly string[]; next: string | null } = await services.store.openChanges(
      from,
      SWEEP_MAX_MODELS,
    );
    for (const model of page.models) {
      const now = services.clock.now();
      if (now.getTime() >= until) break pages;
      try {
        const item = await services.store.readItem(model);
        const { change } = item;
        if (change === null || (await isHeld(item, now, services))) continue;
        const read = await readTwice(model, services);
        if (read === null || !isModelGone(read.ending))
          oldest = Math.max(oldest, now.getTime() - Date.parse(change.opened_at));
        const came = read === null ? 'nothing' : await attempt(model, change, read, services);
        if (came !== 'nothing') done[came] += 1;
      } catch (error) {
        log().error('an open change could not be taken up', { model, error: logError(error) });
      }
    }
    from = page.next;
  } while (from !== null);
  emit([{ name: 'OpenChangeAge', value: oldest / 1000 }]);
  return done;
}

async function attempt(
  model: string,
  change: Change,
  read: BothSidesRead,
  services: CleanUpServices,
): Promise<'attempted' | 'told' | 'nothing'> {
  const { store, clock } = services;
  const now = clock.now();
  const due = change.next_at === null || new Date(change.next_at) <= now;
  if (await tellOutOfStep(read, services)) return 'told';
  if (read.ending.known === false) return 'nothing';
  if (!due) return 'nothing';
  const executions = await services.executions();
  if (executions === null) return 'nothing';
  // W7 comes before the start: an attempt that dies at once does not use its name again.
  const next = new Date(now.getTime() + attemptPauseMinutes(change.attempts + 1) * 60_000);
  if (!(await store.countAttempt(model, change.id, change.attempts, next))) return 'nothing';
  await executions.start(attemptName(change), {
    operation: 'resume',
    model_name: model,
    change_id: change.id,
    requested_by: 'sweep-promotions',
  });
  return 'attempted';
}

/** Name of the next attempt's execution: readable, distinct for every change and attempt, at most 80 characters. */
export function attemptName({ id, attempts }: Pick<Change, 'id' | 'attempts'>): string {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 12);
  return `resume-${recordId(id).slice(0, 50)}-${hash}-${attempts + 1}`;
}

/** True where the hourly comparison is to begin anew. */
const isRoundDue = ({ from, next_round_at }: SweepCursor, now: Date): boolean =>
  from === null && (next_round_at === null || new Date(next_round_at) <= now);

/**
 * Compares closed models with what both sides show, page by page, a round at most every `COMPARE_MINUTES`, and answers how
 * many were told to be out of step. At the end of a round it measures how many are, of those that still exist.
 */
async function compareClosed(services: CleanUpServices, until: number): Promise<number> {
  const { store, clock } = services;
  const cursor = await store.readCursor();
  const now = clock.now();
  if (cursor.from === null && !isRoundDue(cursor, now)) return 0;
  const next_round_at =
    cursor.from === null || cursor.next_round_at === null
      ? new Date(now.getTime() + COMPARE_MINUTES * 60_000).toISOString()
      : cursor.next_round_at;
  const page = await store.closedModels(cursor.from, SWEEP_MAX_MODELS);
  let { out_of_step } = cursor;
  let told = 0;
  let last = cursor.from;
  for (const model of page.models) {
    if (clock.now().getTime() >= until) {
      // A round that has not begun is left to the next sweep.
      if (last !== null) await store.writeCursor({ from: last, next_round_at, out_of_step });
      return told;
    }
    try {
      const item = await store.readItem(model);
      const isHeldNow = await isHeld(item, now, services);
      if (item.live !== null && item.change === null && !isHeldNow) {
        const read = await readTwice(model, services);
        if (read !== null) {
          if (isOutOfStep(read.ending) && !isModelGone(read.ending)) out_of_step += 1;
          const isTold = (await tellDirectChange(read, services)) || (await tellOutOfStep(read, services));
          if (isTold) told += 1;
        }
      }
    } catch (error) {
      log().error('a model could not be compared', { model, error: logError(error) });
    }
    last = model;
  }
  const ended = page.next === null;
  await store.writeCursor({ from: page.next, next_round_at, out_of_step: ended ? 0 : out_of_step });
  if (ended) emit([{ name: 'OutOfStep', value: out_of_step }]);
  return told;
}
