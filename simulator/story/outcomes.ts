import { replacedBy } from '../../lambdas/domain/watch/advance.ts';
import { HOUR_MS, readBlock } from '../../lambdas/domain/watch/block.ts';
import { hourOf } from '../../lambdas/domain/watch/hours.ts';
import type { Random } from '../random.ts';
import type { World } from './world.ts';

/** What people's own pipeline writes of the releases of a model: a run of outcomes for each of them, hour by hour. */

/** How a release does beside the one before it; `turns`: well at first, and badly later; `unknown`: nobody looks. */
export const performances = ['worse', 'better', 'alike', 'turns', 'unknown'] as const;
export type Performance = (typeof performances)[number];

/** Requests that only the new version gets wrong, that only the old one does, all others. */
const ROWS: Readonly<Record<Exclude<Performance, 'turns' | 'unknown'>, readonly [number, number, number]>> = {
  worse: [300, 20, 680],
  better: [20, 120, 860],
  alike: [2, 2, 16],
};
/** Hours of a release of which outcomes are written: what comes later leads to nothing else. */
const MOST_HOURS = 5;
/** Hours before a release that are written: as many as a verdict needs, or too few. */
const BEFORE = { enough: 168, few: 20 } as const;
const REQUESTS = 40;

const HOSTILE = [
  '{"a":',
  '[]',
  'null',
  '"rows"',
  '{"new":"3","old":"2"}',
  '{"__proto__":{"a":1},"a":1e308,"b":-1,"z":0.5}',
  'x'.repeat(5000),
];

/** A release and the run of its outcomes. */
interface Followed {
  change: string;
  run: string;
  pair: { new: string; old: string };
  /** The hour in which it began to serve. */
  switched: number;
  /** The next hour to be written. */
  next: number;
  /** Blocks that are written, again or for the first time, in so many hours. */
  later: { inHours: number; index: number; block: object }[];
}

interface Plan {
  /** By version, counted modulo their number. */
  performs: readonly Performance[];
  before: keyof typeof BEFORE;
}

/** Writes what is due each time that it is called. */
export class Outcomes {
  readonly #world: World;
  readonly #plan: Plan;
  #followed: Followed | null = null;
  /** What the model's tag says. */
  #named = '';
  /** Counted up with everything that it writes. */
  written = 0;

  constructor(world: World, plan: Plan) {
    this.#world = world;
    this.#plan = plan;
  }

  /** An hour has passed. `isLast`: what was to come later comes now. */
  hourly(isLast = false): void {
    const { chronicle, play } = this.#world;
    this.#traffic();
    this.released();
    const { live } = chronicle.item();
    const followed = this.#followed;
    if (live === null || followed?.change !== live.change) return;
    this.#name(followed, followed.next === followed.switched && !isLast);
    const due = followed.later.filter(({ inHours }) => isLast || inHours <= 1);
    followed.later = followed.later
      .filter((each) => !due.includes(each))
      .map((each) => ({ ...each, inHours: each.inHours - 1 }));
    for (const { index, block } of due) this.#write(followed, index, block);
    const end = Math.min(hourOf(new Date(play.time.now)), followed.switched + MOST_HOURS);
    for (; followed.next < end && !isLast; followed.next += 1) this.#hour(followed, live.at);
  }

  /** A version may have been promoted: its run is made, with the hours before it. */
  released(): void {
    const { live, history } = this.#world.chronicle.item();
    if (live?.result !== 'promoted' || live.version === null || this.#followed?.change === live.change)
      return;
    const old = replacedBy({ live, history })?.version ?? null;
    if (old === null) return;
    this.#name(this.#follow(live.change, live.at, { new: live.version, old }), true);
  }

  /** Requests of clients, while a few hours of them are of interest. */
  #traffic(): void {
    const { workloadId, platform, chronicle, play } = this.#world;
    if (workloadId === null || play.time.now > play.time.start + 8 * HOUR_MS) return;
    const version = chronicle.item().live?.version ?? null;
    const isWorse = version !== null && this.#performance(version) === 'worse';
    try {
      platform.direct.addTraffic(workloadId, { count: REQUESTS });
      if (isWorse) platform.direct.addTraffic(workloadId, { count: REQUESTS, status: 500 });
      this.written += 1;
    } catch (error) {
      // Somebody has deleted it, or nothing serves.
      play.note('clients', () => String(error));
    }
  }

  /** A run for a release, with the hours before it. */
  #follow(change: string, at: string, pair: Followed['pair']): Followed {
    const switched = hourOf(at);
    const run = this.#world.mlflow.registry.createRun({});
    const followed: Followed = { change, run, pair, switched, next: switched, later: [] };
    this.#followed = followed;
    for (let before = BEFORE[this.#plan.before]; before > 0; before -= 1) {
      const index = switched - before;
      const [from, to] = [index, index + 1].map((hour) => new Date(hour * HOUR_MS).toISOString());
      const rows = { a: 45 + ((index * 7919) % 13), b: 50, z: 900 };
      this.#tag(followed, index, JSON.stringify({ ...pair, from, to, ...rows }));
    }
    return followed;
  }

  /** The model names the run; anybody may edit its tag, which is put right an hour later. */
  #name({ run, change }: Followed, isNew: boolean): void {
    const { mlflow, model, play } = this.#world;
    const random = play.random(`outcomes/${change}`);
    const named = isNew && random.chance(0.05) ? random.pick(['../x', 'run'.repeat(60), 'gone']) : run;
    if (named === this.#named) return;
    this.#named = named;
    mlflow.registry.setModelTag(model, 'promotion.monitor', named);
    this.written += 1;
  }

  #performance(version: string): Performance {
    const { performs } = this.#plan;
    return performs[Number(version) % performs.length] ?? 'alike';
  }

  /** The outcomes of an hour: written as they should be, or late, changed, hostile, or of another pair. */
  #hour(followed: Followed, at: string): void {
    const { change, pair, next: index, switched } = followed;
    const random = this.#world.play.random(`outcomes/${change}/${index}`);
    const whole = index * HOUR_MS;
    // Of the hour of the switch, what came after it.
    const from = index === switched ? Math.ceil(Date.parse(at) / 60_000) * 60_000 + 60_000 : whole;
    if (from >= whole + HOUR_MS) return;
    const times = { from: new Date(from).toISOString(), to: new Date(whole + HOUR_MS).toISOString() };
    const performance = this.#performance(pair.new);
    if (performance === 'unknown') return;
    const block = { ...pair, ...times, ...rowsOf(performance, index - switched, random) };
    switch (random.weighted({ written: 70, late: 8, changed: 8, foreign: 7, hostile: 7 })) {
      case 'written':
        this.#write(followed, index, block);
        return;
      case 'late':
        followed.later.push({ inHours: random.between(1, 3), index, block });
        return;
      case 'changed':
        this.#write(followed, index, block);
        followed.later.push({ inHours: 1, index, block: { ...block, ...rowsOf('worse', 0, random) } });
        return;
      case 'foreign': {
        const other = random.pick([{ new: pair.old, old: pair.new }, { old: '99' }, { new: '99' }]);
        this.#write(followed, index, { ...block, ...rowsOf('worse', 0, random), ...other });
        return;
      }
      case 'hostile':
        this.#tag(followed, index, random.pick(HOSTILE));
        followed.later.push({ inHours: 1, index, block });
    }
  }

  #write(followed: Followed, index: number, block: object): void {
    const read = readBlock({ ...block, index, series: 'rows' });
    if (read !== null) this.#world.blocks.set(read.digest, read.values);
    this.#tag(followed, index, JSON.stringify(block));
  }

  #tag({ run }: Followed, index: number, value: string): void {
    this.#world.mlflow.registry.setRunTag(run, `promotion.block.${index}`, value);
    this.written += 1;
  }
}

function rowsOf(performance: Exclude<Performance, 'unknown'>, hour: number, random: Random) {
  const shown = performance === 'turns' ? (hour < 2 ? 'better' : 'worse') : performance;
  const [a, b, z] = ROWS[shown];
  return { a: a + random.below(3), b: b + random.below(3), z: z + random.below(9) };
}
