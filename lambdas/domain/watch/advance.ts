import { rollbackPauseMinutes } from '../limits.ts';
import { isLeftBy, type ModelItem, type Release } from '../release/release.ts';
import { HOUR_MS } from './block.ts';
import type { WatchEvidence } from './evidence.ts';
import type { WatchFinding } from './finding.ts';
import { blocksOfHours, countedUntil, type Hours, hourOf, KEPT_HOURS, noHours } from './hours.ts';
import type { PendingTell, SeenWatch, WatchItem, WatchStatus } from './item.ts';
import type { WatchPolicy } from './policy-watch.ts';
import type { WatchState } from './state.ts';
import {
  continueWatch,
  deadlineOf,
  type IgnoredBlock,
  openWatch,
  standingsOf,
  type WatchStep,
} from './watch.ts';

/** What becomes of the item of a watch: when another release is live, when blocks come, when a rollback has failed. */

/** The write that a look found. */
export const seenOf = (item: WatchItem | null): SeenWatch =>
  item === null ? null : { promotion: item.promotion, rev: item.rev };

/** Where a watch stands. */
export const evidenceOf = (state: WatchState): WatchEvidence => ({
  ...state.pair,
  switched_at: state.switched_at,
  series: standingsOf(state).map(({ interval, ...standing }) => ({
    ...standing,
    interval: interval === null ? null : [interval[0], interval[1]],
  })),
});

/** The release that the live one has replaced; null where it is not known. */
export const replacedBy = ({ live, history: [last] }: Pick<ModelItem, 'live' | 'history'>) =>
  live !== null && last !== undefined && isLeftBy(last, live.change) ? last : null;

type Served = Pick<Hours, 'workload_id' | 'artifact_id'>;

const servedBy = ({
  workload_id,
  artifact_id,
}: Pick<Release, 'workload_id' | 'artifact_id'>): Served | null =>
  workload_id === null || artifact_id === null ? null : { workload_id, artifact_id };

/**
 * The item for the live release, of which there is none yet; `kept` is that of an earlier one. With a policy the release is
 * watched, if it has replaced another one: the hours in which that served are what it is compared with.
 */
export function openItem(
  model: Pick<ModelItem, 'live' | 'history'> & { live: Release },
  policy: WatchPolicy | null,
  kept: WatchItem | null,
  now: Date,
): WatchItem {
  const { live } = model;
  const served = servedBy(live);
  const switched = hourOf(live.at);
  // The hour of the switch belongs to neither release.
  const first = Math.max(switched + 1, countedUntil(now) - KEPT_HOURS);
  const none: WatchItem = {
    // The write that follows counts.
    rev: kept?.rev ?? 0,
    promotion: live.change,
    status: 'closed',
    state: null,
    attempt: 0,
    due_at: null,
    tells: [],
    hours: served === null ? null : noHours(served, first),
    before: null,
  };
  const left = replacedBy(model);
  if (policy === null || live.version === null || left === null || left.version === null) return none;
  const state = openWatch({
    policy,
    pair: { new: live.version, old: left.version },
    switchedAt: new Date(live.at),
    series: ['rows', 'differences', ...(served === null ? [] : (['errors', 'slow'] as const))],
  });
  return { ...none, status: 'watching', state, before: hoursBefore(served, servedBy(left), kept, switched) };
}

/** The hours of the replaced artifact; null where it is the same one, or was served by another Workload. */
function hoursBefore(
  served: Served | null,
  left: Served | null,
  kept: WatchItem | null,
  switched: number,
): Hours | null {
  if (served === null || left === null) return null;
  if (left.workload_id !== served.workload_id || left.artifact_id === served.artifact_id) return null;
  const hours = kept?.hours ?? null;
  return hours !== null && hours.workload_id === left.workload_id && hours.artifact_id === left.artifact_id
    ? { ...hours, hours: hours.hours.filter(([index]) => index < switched) }
    : noHours(left, switched - KEPT_HOURS);
}

/** The first hour after those that the replaced artifact is asked for: that of the switch. */
export const beforeUntil = ({ state }: WatchItem): number => (state === null ? 0 : hourOf(state.switched_at));

/** The blocks that the platform's hours are, once everything before the switch has been asked for. */
export function platformBlocks(item: WatchItem): object[] {
  const { state, hours, before } = item;
  if (state === null || hours === null) return [];
  if (before !== null && before.next < beforeUntil(item)) return [];
  const earlier = before === null ? [] : blocksOfHours(before, state.pair, { fromFirstRequest: true });
  return [...earlier, ...blocksOfHours(hours, state.pair)];
}

/** For how long a source that is away keeps a watch from its end. */
const AWAY_MS = 72 * HOUR_MS;

/** An item after blocks have come. */
export interface Advanced {
  readonly item: WatchItem;
  readonly ignored: readonly IgnoredBlock[];
}

/**
 * Counts what is new of these blocks, and decides. While a source could not be read (`isWhole` false) a watch does not end
 * because its time is over, for some days.
 */
export function advance(
  item: WatchItem,
  blocks: readonly unknown[],
  { now, isWhole, owner }: { now: Date; isWhole: boolean; owner: string | null },
): Advanced {
  const { state } = item;
  const rev = item.rev + 1;
  if (state === null || state.ended === 'rollback') return { item: { ...item, rev }, ignored: [] };
  const end = deadlineOf(state);
  const waits = !isWhole && state.ended === null && now.getTime() < end + AWAY_MS;
  const step = continueWatch(state, blocks, waits ? new Date(Math.min(now.getTime(), end - 1)) : now);
  const evidence = evidenceOf(step.state);
  const tells = findingsOf(step).map((tell): PendingTell => ({ ...tell, rev, evidence, owner }));
  const next = { ...item, rev, state: step.state, tells: [...item.tells, ...tells] };
  if (step.verdict === 'rollback')
    return {
      item: { ...next, status: 'rollback_due', attempt: 1, due_at: now.toISOString() },
      ignored: step.ignored,
    };
  const status = step.state.ended === null ? 'watching' : STATUS[step.state.ended];
  return { item: { ...next, status }, ignored: step.ignored };
}

const STATUS: Readonly<Record<NonNullable<WatchState['ended']>, WatchStatus>> = {
  rollback: 'rollback_due',
  keep: 'kept',
  unproven: 'unproven',
  unverified: 'unverified',
};

/** What people are told. A rollback is told by its execution, and what is not worse where the release is confirmed by it. */
function findingsOf({ state, verdict, tells }: WatchStep): Pick<PendingTell, 'found' | 'series'>[] {
  const found: Pick<PendingTell, 'found' | 'series'>[] = [];
  if (verdict !== 'rollback')
    for (const { code, series } of tells) {
      const decides = state.series[series]?.prior?.phi != null;
      // Of the alarms of many hours that come at once, one is told.
      const isNew = !found.some((each) => each.found === code && each.series === series);
      if (isNew && (code === 'worse' || (code === 'guard_alarm' && decides)))
        found.push({ found: code, series });
    }
  const ended: Partial<Record<WatchStep['verdict'], WatchFinding>> = {
    keep: 'keep',
    unproven: 'unproven',
    unverified: 'unverified',
  };
  const verdictFound = ended[verdict];
  return verdictFound === undefined ? found : [...found, { found: verdictFound, series: null }];
}

/** True where nothing but the number of writes differs: then there is nothing to write. */
export const isSameItem = (a: WatchItem, b: WatchItem | null): boolean =>
  b !== null && JSON.stringify({ ...a, rev: 0 }) === JSON.stringify({ ...b, rev: 0 });

/**
 * The item after a rollback has ended, and the release is live as before: the next one is due after a pause, and not before
 * the end of the cool-down (`notBefore`, ISO 8601) that has refused it.
 */
export function retried(item: WatchItem, now: Date, notBefore: string | null): WatchItem {
  const pause = now.getTime() + rollbackPauseMinutes(item.attempt) * 60_000;
  const after = Date.parse(notBefore ?? '');
  const due = Number.isFinite(after) ? Math.max(pause, after) : pause;
  return {
    ...item,
    rev: item.rev + 1,
    status: 'rollback_due',
    attempt: item.attempt + 1,
    due_at: new Date(due).toISOString(),
  };
}
