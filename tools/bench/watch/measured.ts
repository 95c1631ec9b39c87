import { atLeast, atMost, type Bound } from '../bounds.ts';
import type { Estimated } from '../decisions/years.ts';
import { calm, type Weather } from './hours.ts';
import { policy, quantileOf, type Release, shareWithin, type Watched, watchOften } from './releases.ts';

/** A release that is not worse: how often it is found to be. */
export interface FalseAlarms {
  readonly what: string;
  readonly bound: number;
  readonly share: Estimated;
}

/** A release that is worse, or not: hours until that is shown, with those of a watch that knows the hours to be independent. */
export interface Delay {
  readonly what: string;
  readonly perHour: number;
  readonly median: number;
  readonly ninth: number;
  /** Found within the watch. */
  readonly found: Estimated;
  /** Median without φ; null where half are not found. */
  readonly without: number | null;
  /** Share found within 2.2 times as long, in whole hours; null where that is longer than the watch, or not promised. */
  readonly soon: Estimated | null;
}

export interface Measured {
  readonly falseAlarms: readonly FalseAlarms[];
  readonly delays: readonly Delay[];
  /** Confirmed although it is worse by `keep_margin`. */
  readonly falseKeeps: readonly FalseAlarms[];
}

const weathers: readonly { what: string; weather: Weather; bound: number }[] = [
  { what: 'hours alike', weather: calm, bound: 0.01 },
  { what: 'hours differ by 0.5 point', weather: { sd: 0.005, carried: 0 }, bound: 0.01 },
  { what: 'hours differ by 2 points', weather: { sd: 0.02, carried: 0 }, bound: 0.01 },
  { what: 'by 0.5 point, AR .9', weather: { sd: 0.005, carried: 0.9 }, bound: 0.015 },
];

/** Rows an hour, and the medians without φ: worse from the first hour, from hour 48, errors before against after; not worse. */
const sizes = [
  { perHour: 100, first: [null, 45, 8], late: [null, 57, 12], errors: [null, 121, 13], keep: 76 },
  { perHour: 1000, first: [19, 5, 1], late: [27, 8, 2], errors: [33, 7, 1], keep: 9 },
  { perHour: 10_000, first: [2, 1, 1], late: [4, 1, 1], errors: [3, 1, 1], keep: 1 },
] as const;
const drops = [0.01, 0.02, 0.05];

/** How many times longer a verdict may take because the dispersion of the hours is not known. */
const SLOWER = 2.2;

/** Simulates every situation: those without a difference `simulations` times, the others a quarter as often. */
export function measure(
  { simulations, seed }: { simulations: number; seed: number },
  onProgress: (what: string) => void,
): Measured {
  const few = Math.ceil(simulations / 4);
  const watch = (what: string, release: Release, times: number) => {
    onProgress(what);
    return watchOften(release, times, seed);
  };
  const [falseAlarms, falseKeeps, delays]: [FalseAlarms[], FalseAlarms[], Delay[]] = [[], [], []];
  for (const { perHour, first, late, errors, keep } of sizes) {
    for (const { what, weather, bound } of weathers) {
      const title = `${perHour} rows, ${what}`;
      const { worse, notWorse } = watch(title, { series: 'rows', perHour, weather }, simulations);
      falseAlarms.push({ what: title, bound, share: shareWithin(worse, policy.hours) });
      if (weather === calm)
        delays.push(
          delayOf(`${perHour} rows, not worse`, perHour, notWorse, { without: keep, promised: false }),
        );
      const at = { series: 'rows', perHour, weather, worseBy: policy.keep_margin } as const;
      const kept = watch(`${title}, worse by 1 point`, at, few).notWorse;
      falseKeeps.push({ what: title, bound: policy.keep_alpha, share: shareWithin(kept, policy.hours) });
    }
    for (const bursty of [false, true]) {
      const title = `${perHour} requests, ${bursty ? 'bursts of errors' : 'errors'}`;
      const rate = bursty ? 0.002 : 0.15;
      const share = (release: Partial<Release>, times: number) =>
        watch(title, { series: 'errors', perHour, bursty, rate, ...release }, times).worse;
      const falsely = shareWithin(share({}, simulations), policy.hours);
      falseAlarms.push({ what: title, bound: 0.01, share: falsely });
      if (!bursty) continue;
      const delay = share({ worseBy: 0.01 }, few);
      delays.push(delayOf(`${title}, +1 point`, perHour, delay, { without: null, promised: false }));
    }
    for (const [index, worseBy] of drops.entries()) {
      const points = `worse by ${100 * worseBy} point${worseBy === 0.01 ? '' : 's'}`;
      const rows = (fromHour: number, medians: readonly (number | null)[]) => {
        const what = `${perHour} rows, ${points} from hour ${fromHour}`;
        const { worse } = watch(what, { series: 'rows', perHour, worseBy, fromHour }, few);
        delays.push(delayOf(what, perHour, worse, { without: medians[index] ?? null, promised: true }));
      };
      rows(0, first);
      rows(48, late);
      const what = `${perHour} requests, errors, ${points}`;
      const { worse } = watch(what, { series: 'errors', perHour, worseBy }, few);
      delays.push(delayOf(what, perHour, worse, { without: errors[index] ?? null, promised: false }));
    }
  }
  return { falseAlarms, falseKeeps, delays };
}

function delayOf(
  what: string,
  perHour: number,
  hours: Watched['worse'],
  { without, promised }: { without: number | null; promised: boolean },
): Delay {
  const soon = without === null ? Number.POSITIVE_INFINITY : Math.floor(SLOWER * without);
  return {
    what,
    perHour,
    median: quantileOf(hours, 0.5),
    ninth: quantileOf(hours, 0.9),
    found: shareWithin(hours, policy.hours),
    without,
    soon: promised && soon < policy.hours ? shareWithin(hours, soon) : null,
  };
}

export function boundsOf({ falseAlarms, falseKeeps, delays }: Measured): Bound[] {
  return [
    ...falseAlarms.map(({ what, bound, share }) => atMost(`called worse: ${what}`, bound, share)),
    ...falseKeeps.map(({ what, bound, share }) =>
      atMost(`confirmed, worse by 1 point: ${what}`, bound, share),
    ),
    ...delays.flatMap(({ what, without, soon }) =>
      soon === null ? [] : [atLeast(`${what}: found in ${Math.floor(SLOWER * (without ?? 0))} h`, 0.5, soon)],
    ),
    ...delays
      .filter(({ what, perHour }) => what.includes('bursts') && perHour >= 1000)
      .map(({ what, found }) => atLeast(`${what}: found`, 0.96, found)),
  ];
}
