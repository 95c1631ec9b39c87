import { type Random, seeded } from '../../../lambdas/domain/paired/random.ts';
import type { SeriesName } from '../../../lambdas/domain/watch/block.ts';
import { WatchFields } from '../../../lambdas/domain/watch/policy-watch.ts';
import { countForTest, notWorseOf, priorOf, worseOf } from '../../../lambdas/domain/watch/series.ts';
import type { SeriesState } from '../../../lambdas/domain/watch/state.ts';
import { type Estimated, estimated } from '../decisions/years.ts';
import { calm, effects, rateHour, shadowHour, type Weather } from './hours.ts';

/** A release as it is watched many times over. */
export interface Release {
  /** Shadow rows, or errors before against after. */
  readonly series: Extract<SeriesName, 'rows' | 'errors'>;
  /** Rows or requests an hour. */
  readonly perHour: number;
  readonly weather?: Weather;
  /** How much worse it is, as a share of the rows, and from which hour on (0: the first). */
  readonly worseBy?: number;
  readonly fromHour?: number;
  /** errors: the rate before; whether it is as often as not far above or below (coefficient of variation 1, by the hour). */
  readonly rate?: number;
  readonly bursty?: boolean;
}

export const policy = WatchFields.parse({});
const ALPHA = policy.alpha;

/** Hours until "worse" and until "not worse" is shown, counted from when it became worse; infinite if not within the watch. */
export interface Watched {
  readonly worse: readonly number[];
  readonly notWorse: readonly number[];
}

/** Watches it `times` times, each with its own 168 hours before. Neither verdict ends the watch here. */
export function watchOften(release: Release, times: number, seed: number): Watched {
  const random = seeded(seed);
  const watched = Array.from({ length: times }, () => watchOnce(release, random));
  return { worse: watched.map(({ worse }) => worse), notWorse: watched.map(({ notWorse }) => notWorse) };
}

function watchOnce(release: Release, random: Random): { worse: number; notWorse: number } {
  const { series, fromHour = 0, worseBy = 0 } = release;
  const draw = drawer(release, random);
  const before = Array.from({ length: policy.hours }, (_, index) => [index, ...draw(0)]);
  const prior = priorOf(series, before, { alpha: ALPHA, better: 'lower' });
  if (prior.phi === null) throw new Error('The hours before the release are too few to decide by.');
  const state = { ...none, prior };
  let [worse, notWorse] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const isDone = () => Number.isFinite(series === 'rows' ? worse + notWorse : worse);
  for (let hour = 1; hour <= policy.hours && !isDone(); hour += 1) {
    countForTest(series, state, draw(hour > fromHour ? worseBy : 0), policy);
    if (worse > hour && isShown(worseOf(series, state, policy))) worse = hour - fromHour;
    if (notWorse > hour && isShown(notWorseOf(series, state, policy))) notWorse = hour;
  }
  return { worse, notWorse };
}

/** Draws one hour after the other, given how much worse the version is. */
function drawer({ series, perHour, weather = calm, rate = 0.15, bursty }: Release, random: Random) {
  const effect = effects(weather, random);
  if (series === 'rows') return (worseBy: number) => shadowHour(perHour, worseBy + effect(), random);
  const burst = () => (bursty ? -Math.log(1 - random.uniform()) : 1);
  return (worseBy: number) => rateHour(perHour, rate * burst() + worseBy + effect(), random);
}

const none: SeriesState = {
  on_worse: 'rollback',
  alpha: ALPHA,
  before: null,
  prior: null,
  counted: {},
  changed: {},
  floor: 0,
  blocks: 0,
  sums: [],
  stakes: null,
  guard: null,
  told: [],
};

const isShown = (progress: { ln: number; needed: number } | null) =>
  progress !== null && progress.ln >= progress.needed;

/** The share that was found within some hours. */
export const shareWithin = (delays: readonly number[], hours: number): Estimated =>
  estimated(delays.map((delay) => (delay <= hours ? 1 : 0)));

/** Hours within which this share was found; infinite if fewer were. */
export const quantileOf = (delays: readonly number[], share: number): number =>
  [...delays].sort((a, b) => a - b)[Math.ceil(share * delays.length) - 1] ?? Number.NaN;
