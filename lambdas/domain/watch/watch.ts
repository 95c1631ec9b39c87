import { type Block, HOUR_MS, readBlock, type SeriesName, seriesNames } from './block.ts';
import { intervalOf } from './interval.ts';
import type { WatchPolicy } from './policy-watch.ts';
import {
  countForGuard,
  countForTest,
  guardOf,
  hasEvidence,
  notWorseOf,
  type Progress,
  priorOf,
  worseOf,
} from './series.ts';
import type { SeriesState, WatchState } from './state.ts';

/** Newest blocks before the release of which φ is computed: two weeks. */
const MOST_BEFORE = 336;
/** Counted blocks that are known by their digests: more than the hours of any watch. */
const MOST_COUNTED = 1024;

export type Verdict = 'go_on' | 'rollback' | 'keep' | 'unproven' | 'unverified' | 'guard_alarm';

/** What people are told, besides the verdict: each once, an alarm of the guard each time. */
export interface Tell {
  readonly code: 'worse' | 'not_worse' | 'guard_alarm';
  readonly series: SeriesName;
}

/**
 * An offered block that does not count. `changed` is said once for each change; a block that is known already is not named.
 * `too_old` are also those that were counted so long ago that they are no longer known.
 */
export interface IgnoredBlock {
  readonly why:
    | 'invalid'
    | 'other_pair'
    | 'not_watched'
    | 'not_complete'
    | 'straddles_switch'
    | 'too_old'
    | 'changed';
  /** Null for what is no block. */
  readonly series: SeriesName | null;
  readonly index: number | null;
}

/** Where a series stands. */
export interface Standing {
  readonly series: SeriesName;
  /** Whether it may roll back; otherwise it only tells that the version is worse. */
  readonly decides: boolean;
  /** Blocks counted for the verdict. */
  readonly blocks: number;
  /** Blocks before the release, and what they say of the dispersion; null with too few, and before the first block after it. */
  readonly before: number;
  readonly phi: number | null;
  readonly worse: Progress | null;
  readonly not_worse: Progress | null;
  readonly guard: Progress | null;
  /** How much worse the new version is; null where nothing can be compared. */
  readonly estimate: number | null;
  readonly interval: readonly [lower: number, upper: number] | null;
  /** Of the interval. */
  readonly level: number;
}

export interface WatchStep {
  readonly state: WatchState;
  readonly verdict: Verdict;
  readonly tells: readonly Tell[];
  readonly standings: readonly Standing[];
  readonly ignored: readonly IgnoredBlock[];
}

/** Opens the watch of a release, on the series that there are sources for. */
export function openWatch({
  policy,
  pair,
  switchedAt,
  series,
}: {
  policy: WatchPolicy;
  pair: { readonly new: string; readonly old: string };
  switchedAt: Date;
  series: readonly SeriesName[];
}): WatchState {
  const watched = seriesNames.filter((name) => series.includes(name));
  const onWorse = (name: SeriesName) => {
    if (name === 'differences') return 'alert';
    return name === 'rows' ? policy.on_worse.rows : policy.on_worse.rates;
  };
  const deciding = watched.filter((name) => onWorse(name) === 'rollback').length;
  const opened = (name: SeriesName): SeriesState => ({
    on_worse: onWorse(name),
    alpha: onWorse(name) === 'rollback' ? policy.alpha / deciding : policy.alpha,
    before: [],
    prior: null,
    counted: {},
    changed: {},
    floor: 0,
    blocks: 0,
    sums: [],
    stakes: null,
    guard: null,
    told: [],
  });
  return {
    format: 1,
    policy,
    pair: { new: pair.new, old: pair.old },
    switched_at: switchedAt.toISOString(),
    series: Object.fromEntries(watched.map((name) => [name, opened(name)])),
    ended: null,
  };
}

/**
 * Counts the blocks that are new, each once and in the order of their hours, and decides. What is offered may hold every
 * block that there is, in any order; what is no block is ignored. The watch ends with a rollback or keep as soon as one is
 * shown, and unproven when every series has its hours, or when the last of them must have come; unverified if nothing could
 * be compared by then. After the end, but for a rollback, the blocks go to the guard.
 */
export function continueWatch(state: WatchState, offered: readonly unknown[], now: Date): WatchStep {
  const next = structuredClone(state);
  const ignored: IgnoredBlock[] = [];
  const tells: Tell[] = [];
  const blocks: Block[] = [];
  for (const each of offered) {
    const block = readBlock(each);
    if (block === null) ignored.push({ why: 'invalid', series: null, index: null });
    else blocks.push(block);
  }
  blocks.sort((a, b) => a.index - b.index || order(a, b) || (a.digest < b.digest ? -1 : 1));
  for (const block of blocks) {
    if (next.ended === 'rollback') break;
    const result = countBlock(next, block, now);
    if (typeof result !== 'string') tells.push(...result);
    else if (result !== 'known') ignored.push({ why: result, series: block.series, index: block.index });
  }
  if (next.ended === null && now.getTime() >= deadlineOf(next)) next.ended = endOf(next);
  return {
    state: next,
    verdict: verdictOf(state, next, tells),
    tells,
    standings: standingsOf(next),
    ignored,
  };
}

const order = (a: Block, b: Block) => seriesNames.indexOf(a.series) - seriesNames.indexOf(b.series);

/** When every block of the watch must have come, in milliseconds since 1970. */
export const deadlineOf = ({ switched_at, policy }: Pick<WatchState, 'switched_at' | 'policy'>): number =>
  Date.parse(switched_at) + (policy.hours + policy.maturity_hours + 24) * HOUR_MS;

const seriesOf = (state: WatchState) => Object.entries(state.series) as [SeriesName, SeriesState][];

const endOf = (state: WatchState) =>
  seriesOf(state).some(([name, series]) => hasEvidence(name, series)) ? 'unproven' : 'unverified';

function verdictOf(before: WatchState, { ended, series }: WatchState, tells: readonly Tell[]): Verdict {
  if (ended === 'rollback' || (ended !== null && before.ended === null)) return ended;
  const alarms = tells.filter(({ code }) => code === 'guard_alarm');
  return alarms.some((tell) => series[tell.series]?.prior?.phi != null) ? 'guard_alarm' : 'go_on';
}

/** Puts a block where it belongs: changes `state`. Answers what to tell, or why it does not count. */
function countBlock(state: WatchState, block: Block, now: Date): Tell[] | IgnoredBlock['why'] | 'known' {
  const series = state.series[block.series];
  const switched = Date.parse(state.switched_at);
  if (series === undefined) return 'not_watched';
  if (block.new !== state.pair.new || block.old !== state.pair.old) return 'other_pair';
  if (!(block.to <= now.getTime())) return 'not_complete';
  if (block.to <= switched) return keepBefore(series, block);
  if (block.from < switched) return 'straddles_switch';
  const known = series.counted[block.index];
  if (known !== undefined) return changedOrKnown(series, block, known === block.digest);
  if (block.index < series.floor) return 'too_old';
  series.prior ??= priorOf(block.series, series.before ?? [], {
    alpha: series.alpha,
    better: state.policy.better,
  });
  if (series.before !== null) [series.before, series.changed] = [null, {}];
  remember(series, block);
  return applyBlock(state, series as SeriesState & { prior: NonNullable<SeriesState['prior']> }, block);
}

/** Keeps a block before the release, until the first one after it is counted: φ may not depend on what is tested. */
function keepBefore(series: SeriesState, { index, values, digest }: Block): 'known' | 'changed' {
  if (series.before === null) return 'known';
  const kept = series.before.find(([at]) => at === index);
  if (kept !== undefined)
    return changedOrKnown(
      series,
      { index, digest },
      kept.slice(1).every((value, at) => value === values[at]),
    );
  series.before.push([index, ...values]);
  if (series.before.length > MOST_BEFORE) {
    series.before.sort(([a = 0], [b = 0]) => a - b);
    const dropped = series.before.shift();
    delete series.changed[String(dropped?.[0])];
  }
  return 'known';
}

function changedOrKnown(
  series: SeriesState,
  { index, digest }: Pick<Block, 'index' | 'digest'>,
  same: boolean,
): 'changed' | 'known' {
  if (same || series.changed[index] === digest) return 'known';
  series.changed[index] = digest;
  return 'changed';
}

function remember(series: SeriesState, { index, digest }: Block): void {
  series.counted[index] = digest;
  const indices = Object.keys(series.counted).map(Number);
  if (indices.length <= MOST_COUNTED) return;
  const oldest = Math.min(...indices);
  delete series.counted[oldest];
  delete series.changed[oldest];
  series.floor = Math.max(series.floor, oldest + 1);
}

/** Counts a block for the test or, after the end, for the guard. */
function applyBlock(
  state: WatchState,
  series: SeriesState & { prior: NonNullable<SeriesState['prior']> },
  { series: name, values }: Block,
): Tell[] {
  const { policy } = state;
  if (state.ended !== null || series.blocks >= policy.hours)
    return countForGuard(name, series, values, policy) ? [{ code: 'guard_alarm', series: name }] : [];
  countForTest(name, series, values, policy);
  const tells = shownBy(name, series, policy).filter((code) => !series.told.includes(code));
  series.told.push(...tells);
  if (series.prior.phi !== null) {
    if (tells.includes('worse') && series.on_worse === 'rollback') state.ended = 'rollback';
    else if (tells.includes('not_worse') && !wasToldWorse(state)) state.ended = 'keep';
  }
  if (state.ended === null && seriesOf(state).every(([, { blocks }]) => blocks >= policy.hours))
    state.ended = endOf(state);
  return tells.map((code) => ({ code, series: name }));
}

const wasToldWorse = (state: WatchState) => seriesOf(state).some(([, { told }]) => told.includes('worse'));

function shownBy(name: SeriesName, series: SeriesState, policy: WatchPolicy): ('worse' | 'not_worse')[] {
  const reached = (progress: Progress | null) => progress !== null && progress.ln >= progress.needed;
  if (reached(worseOf(name, series, policy))) return ['worse'];
  return reached(notWorseOf(name, series, policy)) ? ['not_worse'] : [];
}

/** Where each series of a watch stands. */
export function standingsOf(state: WatchState): Standing[] {
  return seriesOf(state).map(([name, series]) => ({
    series: name,
    decides: series.on_worse === 'rollback' && series.prior !== null && series.prior.phi !== null,
    blocks: series.blocks,
    before: series.prior?.blocks ?? series.before?.length ?? 0,
    phi: series.prior?.phi ?? null,
    worse: worseOf(name, series, state.policy),
    not_worse: notWorseOf(name, series, state.policy),
    guard: guardOf(series),
    ...(intervalOf(name, series, state.policy.keep_alpha) ?? { estimate: null, interval: null }),
    level: 1 - 2 * state.policy.keep_alpha,
  }));
}
