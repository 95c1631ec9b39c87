import type { Policies } from '../adapters/policy-files.ts';
import { LeaseStoreUnavailable, StateMachineUnavailable } from '../domain/errors.ts';
import { SWEEP_MAX_MODELS, WATCH_SECONDS } from '../domain/limits.ts';
import { MONITOR_TAG } from '../domain/registry.ts';
import type { ModelItem, Release } from '../domain/release/release.ts';
import { advance, isSameItem, openItem, retried, seenOf } from '../domain/watch/advance.ts';
import { rollbackName, type WatchItem } from '../domain/watch/item.ts';
import { monitorIn } from '../domain/watch/monitor.ts';
import type { WatchPolicy } from '../domain/watch/policy-watch.ts';
import { deadlineOf } from '../domain/watch/watch.ts';
import type { ExecutionServices } from '../runtime/execution-services.ts';
import { log, logError } from '../runtime/log.ts';
import type { ReadingServices } from '../runtime/reading-services.ts';
import type { CloseServices } from './parts/close-execution.ts';
import { readBlocks } from './parts/read-blocks.ts';
import { tellWatch } from './parts/tell-watch.ts';

export interface WatchServices extends CloseServices, ReadingServices, ExecutionServices {
  /** ARN of the execution of this name. */
  executionArn: (name: string) => string;
  policies: Policies;
}

/** What one run did. */
export interface WatchAnswer {
  /** Models with a live release that were looked at. */
  looked: number;
  /** Findings that people were told, and rollbacks that were started. */
  told: number;
  started: number;
  /** Models that could not be looked at; the next run does it. */
  failed: number;
}

/**
 * Looks at every closed model that the time allows, and goes on where the last run has stopped. A model with an open change is
 * left alone. A failure of one does not stop the others; then the first one of the table or of the state machine is thrown, so
 * that Lambda calls again before the hour is over: `LeaseStoreUnavailable` or `StateMachineUnavailable`.
 */
export async function watchReleases(services: WatchServices): Promise<WatchAnswer> {
  const done: WatchAnswer = { looked: 0, told: 0, started: 0, failed: 0 };
  const failures: unknown[] = [];
  await watchRound(done, failures, services);
  const lasting = failures.find(
    (error) => error instanceof LeaseStoreUnavailable || error instanceof StateMachineUnavailable,
  );
  if (lasting !== undefined) throw lasting;
  return done;
}

async function watchRound(done: WatchAnswer, failures: unknown[], services: WatchServices): Promise<void> {
  const { store, clock } = services;
  const until = clock.now().getTime() + WATCH_SECONDS * 1000;
  let from = await store.readWatchCursor();
  do {
    const page = await store.closedModels(from, SWEEP_MAX_MODELS);
    let last = from;
    for (const model of page.models) {
      if (clock.now().getTime() >= until) return store.writeWatchCursor(last);
      try {
        await watchModel(model, until, done, services);
      } catch (error) {
        done.failed += 1;
        failures.push(error);
        log().error('a release could not be watched', { model, error: logError(error) });
      }
      last = model;
    }
    from = page.next;
  } while (from !== null);
  await store.writeWatchCursor(null);
}

async function watchModel(
  model: string,
  until: number,
  done: WatchAnswer,
  services: WatchServices,
): Promise<void> {
  const { store, clock } = services;
  const { live, change, history } = await store.readItem(model);
  if (live === null || change !== null) return;
  done.looked += 1;
  const kept = await store.readWatch(model);
  // What was decided, and not carried out before the process died.
  const settled = kept === null ? null : await carryOut(model, live, kept, done, services);
  if (kept !== null && settled === null) return;
  if (settled?.promotion === live.change && settled.state?.ended === 'rollback')
    return retryRollback(model, settled, done, services, live);
  const opened =
    settled?.promotion === live.change ? settled : await opening(model, { live, history }, settled, services);
  if (opened === null) return;
  const { blocks, isWhole, owner, ...hours } = await readBlocks(model, opened, until, services);
  // The statistics, which blocks they hold, and what was decided: one write.
  const { item, ignored } = advance({ ...opened, ...hours }, blocks, {
    ...{ now: clock.now(), isWhole, owner },
  });
  for (const block of ignored.filter(({ why }) => why === 'changed'))
    log().warn('a block has changed after it was counted; it is not counted again', { model, ...block });
  if (isSameItem(item, settled)) return;
  if (await store.putWatch(model, item, seenOf(settled))) await carryOut(model, live, item, done, services);
}

/** How long the outcome of a promotion may take until it counts as lost, in milliseconds. */
const OUTCOME_MS = 24 * 3_600_000;

/**
 * The item for a release that has none yet; null while the outcome of its promotion is not recorded, or that of the rollback
 * which the watch before it has started and which is told with what that has found, or while there is no source: neither a
 * Workload nor a run with outcomes.
 */
async function opening(
  model: string,
  of: Pick<ModelItem, 'history'> & { live: Release },
  kept: WatchItem | null,
  { store, clock, policies, registry, executionArn }: WatchServices,
): Promise<WatchItem | null> {
  const now = clock.now();
  const { live } = of;
  const isPromoted = live.result === 'promoted';
  const isItsRollback = kept !== null && live.change === executionArn(rollbackName(kept));
  if (!isPromoted && !isItsRollback) return openItem(of, null, kept, now);
  const outcome = await store.readOutcome(live.change);
  if (outcome === null && now.getTime() - Date.parse(live.at) < OUTCOME_MS) return null;
  if (!isPromoted) return openItem(of, null, kept, now);
  const name = outcome?.comparison?.policy ?? null;
  const policy = name === null ? null : await policyOf(model, name, policies);
  if (policy === null || live.artifact_id !== null) return openItem(of, policy, kept, now);
  const tags = (await registry().registry.getModel(model))?.tags ?? {};
  if (monitorIn(tags[MONITOR_TAG]) !== null) return openItem(of, policy, kept, now);
  return now.getTime() < deadlineOf({ switched_at: live.at, policy }) ? null : openItem(of, null, kept, now);
}

/** The watch of a policy; null where it has none, or there is no such policy any more. */
async function policyOf(model: string, name: string, policies: Policies): Promise<WatchPolicy | null> {
  try {
    return (await policies.load(name)).watch ?? null;
  } catch (error) {
    log().warn('the policy of a release cannot be read: it is not watched', {
      model,
      error: logError(error),
    });
    return null;
  }
}

/**
 * Carries out what an item says is still to be done: starts the rollback that is due, tells what was found, and remembers
 * that. All of it may be repeated, under the same names. Answers the item as it is then; null where another run has changed it.
 */
async function carryOut(
  model: string,
  live: Release,
  item: WatchItem,
  done: WatchAnswer,
  services: WatchServices,
): Promise<WatchItem | null> {
  const { store, clock } = services;
  const isDue =
    item.status === 'rollback_due' &&
    item.promotion === live.change &&
    item.due_at !== null &&
    new Date(item.due_at) <= clock.now();
  const executions = isDue ? await services.executions() : null;
  if (executions !== null && item.state !== null) {
    await executions.start(rollbackName(item), {
      operation: 'rollback',
      model_name: model,
      champion_version: item.state.pair.new,
      reason: 'PERFORMANCE_DEGRADATION',
      requested_by: 'watch-releases',
    });
    done.started += 1;
  }
  for (const tell of item.tells) await tellWatch(model, item.promotion, tell, services);
  done.told += item.tells.length;
  if (executions === null && item.tells.length === 0) return item;
  const status = executions === null ? item.status : ('rollback_started' as const);
  const next: WatchItem = { ...item, rev: item.rev + 1, status, tells: [] };
  return (await store.putWatch(model, next, seenOf(item))) ? next : null;
}

/** Makes the next rollback due where the last one has ended, and the release is live as before. */
async function retryRollback(
  model: string,
  item: WatchItem,
  done: WatchAnswer,
  services: WatchServices,
  live: Release,
): Promise<void> {
  const { store, clock } = services;
  if (item.status !== 'rollback_started') return;
  const ended = await store.readOutcome(services.executionArn(rollbackName(item)));
  if (ended === null) return;
  const finding = ended.rollback?.finding ?? null;
  const until = finding?.code === 'refused' && finding.why === 'cooling' ? finding.until : null;
  const next = retried(item, clock.now(), until);
  if (await store.putWatch(model, next, seenOf(item))) await carryOut(model, live, next, done, services);
}
