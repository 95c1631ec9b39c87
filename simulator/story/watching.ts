import { HOUR_MS } from '../../lambdas/domain/watch/block.ts';
import { rollbackName, type WatchItem } from '../../lambdas/domain/watch/item.ts';
import { deadlineOf } from '../../lambdas/domain/watch/watch.ts';
import { executionArn } from '../engine/executions.ts';
import { systems } from '../engine/faults.ts';
import { Outcomes, type Performance } from './outcomes.ts';
import type { Called } from './sweeping.ts';
import type { World } from './world.ts';

/** The hourly schedule of the function that watches releases, without the runs that would find nothing. */

const MINUTE = 60_000;
/** The run of a release is made so long after it. */
const SOON_MS = 3_000;

/** How the releases of a story are watched. */
export interface Watching {
  /** Minute of the hour at which the story begins, and at which the schedule calls. */
  start: number;
  minute: number;
  /** Hours for which the schedule goes on after the last step, with everything that may go wrong. */
  after: number;
  /** How each version does, counted modulo their number. */
  performs: readonly Performance[];
  /** Hours with outcomes before each release: as many as a verdict needs, or fewer. */
  before: 'enough' | 'few';
}

/** What goes on beside a story. */
export interface Schedule {
  /** Ends it: what people's pipeline had still to write is written. */
  stop(): void;
}

/** Starts the schedule, and the pipeline that writes the outcomes of the first model. */
export function watching(world: World, { minute, ...plan }: Watching, called: Called): Schedule {
  const { play } = world;
  const outcomes = new Outcomes(world, plan);
  let number = 0;
  let stopped = false;
  let settled = '';
  const picture = () => JSON.stringify([pictureOf(world), outcomes.written]);
  const call = (id: string, attempt = 1): void => {
    const before = picture();
    const faults = play.faults.length;
    called('watch-releases', `${id}.${attempt}`, { watch: true }).then(
      () => {
        if (picture() === before && play.faults.length === faults) settled = before;
      },
      () => {
        // Lambda repeats an asynchronous call that failed twice, after one and two minutes.
        if (attempt < 3) play.time.after(attempt * MINUTE, () => call(id, attempt + 1));
      },
    );
  };
  const tick = () => {
    if (stopped) return;
    number += 1;
    outcomes.hourly();
    const random = play.random(`watch-${number}`);
    if (picture() !== settled) {
      call(`watch-${number}`);
      // A schedule calls at least once.
      if (random.chance(0.15)) {
        const id = `watch-${number}-2`;
        play.time.after(random.unit() ** 2 * 20_000, () => call(id));
      }
    }
    play.time.after(HOUR_MS, tick);
  };
  const released = () => {
    outcomes.released();
    world.chronicle.upon('closed', () => play.time.after(SOON_MS, released));
  };
  released();
  const sinceHour = play.time.now % HOUR_MS;
  play.time.after((minute * MINUTE - sinceHour + HOUR_MS) % HOUR_MS, tick);
  return {
    stop() {
      stopped = true;
      outcomes.hourly(true);
    },
  };
}

/** What a run may change of a watch: the hours of the platform are no reason to run again. */
export function watchPrint({ chronicle }: World): string {
  const watch = chronicle.watch();
  return JSON.stringify(watch === null ? null : shown(watch));
}

const shown = ({ promotion, status, state, attempt, due_at, tells }: WatchItem) => [
  ...[promotion, status, attempt, due_at, tells.length],
  ...[state?.ended, state?.series.rows?.blocks, Object.keys(state?.series.rows?.counted ?? {}).length],
];

/** Milliseconds until the rollback that is due may be started; 0 where none is, or at once. */
export function untilDue({ chronicle, play }: World): number {
  const watch = chronicle.watch();
  if (watch?.status !== 'rollback_due' || watch.promotion !== chronicle.item().live?.change) return 0;
  return Math.max(0, Date.parse(watch.due_at ?? '') - play.time.now);
}

/** Everything that decides what a run does; what the minutes change is in it as true or false. */
function pictureOf(world: World) {
  const { chronicle, play, table } = world;
  const { live, change } = chronicle.item();
  const watch = chronicle.watch();
  const state = watch?.state ?? null;
  return [
    watchPrint(world),
    [live?.change, change?.id, untilDue(world) > 0],
    state !== null && deadlineOf(state) <= play.time.now,
    [live?.change, watch === null ? null : executionArn(rollbackName(watch))].map((execution) =>
      table.items.has(`outcome#${execution}`),
    ),
    systems.map((system) => play.outageOf(system)),
  ];
}
