import { readFileSync } from 'node:fs';
import { type FunctionName, MISSED_AFTER_MS, MISSED_WITHIN_MS } from '../../lambdas/domain/limits.ts';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Execution } from '../engine/executions.ts';
import { systems } from '../engine/faults.ts';
import { type DeployedFunctions, deployed } from '../engine/functions.ts';
import { type Definition, readDefinition } from '../engine/interpreter.ts';
import { isRecord, type Json } from '../engine/json-path.ts';
import { invoke } from '../engine/lambda.ts';
import { Play } from '../engine/play.ts';
import { VirtualTime } from '../engine/time.ts';
import { sidesOf } from '../invariants/sides.ts';
import { act, type PersonsWrite, type Stage } from './actions.ts';
import type { Item, Moment } from './chronicle.ts';
import { MODEL } from './model.ts';
import type { Story } from './story.ts';
import { World } from './world.ts';

/** An answer to a function that somebody called directly, with the item and both sides at that moment. */
export interface DirectAnswer extends Moment {
  id: string;
  functionName: FunctionName;
  /** Milliseconds since 1970. */
  startedAt: number;
  answer: Json;
  /** Its name, where it threw. */
  error: string | null;
  item: Item;
  /** When both sides last changed before. */
  changedAt: number;
}

/** A world after its story, for the invariants. */
export interface Finished {
  story: Story;
  play: Play;
  world: World;
  persons: PersonsWrite[];
  direct: DirectAnswer[];
  /** Recorded outcomes by execution. */
  outcomes: Map<string, { outcome: Outcome; alert: string; recordedAt: number }>;
  /** What kept the world from coming to rest; null as a rule. */
  unrest: string | null;
}

export interface PlayOptions {
  /** Keep a trace of every request. */
  traced: boolean;
  /** Faults happen at these places only; null: as the story says. */
  onlyFaults: ReadonlySet<string> | null;
  /** Every pause before a retry is as long as it can be. */
  longestPauses?: boolean;
  /** Ends the play before its end. */
  isOver?: (world: World) => boolean;
  /** Replaces functions, to test the simulator's own parts. */
  altered?: (functions: DeployedFunctions) => DeployedFunctions;
}

const START = Date.parse('2026-11-21T10:00:00Z');
const MINUTE = 60_000;
/** A story with more moments than this does not end. */
const MAX_MOMENTS = 200_000;
/** Sweeps come so often; the one that finds nothing is not played. */
const SWEEP_MS = 5 * MINUTE;
/**
 * Sweeps after the last action, without faults, until one changes nothing that comes an hour after whatever was before it:
 * attempts and comparisons are hourly at most.
 */
const MAX_FINAL_SWEEPS = 12;
const FINAL_SWEEP_MS = 61 * MINUTE;
/** One in so many sweeps is played even if it should find nothing: the hourly comparison. */
const HOURLY = 13;

let loaded: Definition | undefined;

function definition(): Definition {
  const file = new URL('../../statemachines/promotion.asl.json', import.meta.url);
  loaded ??= readDefinition(readFileSync(file, 'utf8'));
  return loaded;
}

/** Plays a story to its end: until all executions have ended and sweeps find nothing more to do. */
export async function playStory(story: Story, options: PlayOptions): Promise<Finished> {
  const time = new VirtualTime(START);
  const { seed, faultRate: rate, faultBudget: budget, aims } = story;
  const outages = story.outages.map((each) => ({
    ...each,
    from: START + each.from,
    until: START + each.until,
  }));
  const play = new Play(time, { seed, rate, budget, only: options.onlyFaults, aims, outages }, options);
  play.count(`family ${story.family}`);
  const loadedFunctions = await deployed({ mode: story.beginning.mode, table: story.table });
  const functions = options.altered?.(loadedFunctions) ?? loadedFunctions;
  const direct: DirectAnswer[] = [];
  const called = (functionName: FunctionName, id: string, payload: Json) =>
    invoke(play, { id, functionName, payload }, functions[functionName]);
  const world = new World(play, story.beginning, definition(), functions, (execution) =>
    deliverEnd(play, execution, called),
  );
  const stage: Stage = {
    world,
    persons: [],
    lastInput: null,
    invoke(functionName, id, payload) {
      const startedAt = time.now;
      const asked = (answer: Json, error: string | null) => {
        play.note(id, () => `answered ${error ?? JSON.stringify(answer)}`);
        if (functionName === 'sweep-promotions') return;
        const { chronicle } = world;
        const sides = chronicle.look();
        const { changedAt } = chronicle;
        const item = chronicle.item();
        direct.push({ id, functionName, startedAt, at: time.now, answer, error, sides, changedAt, item });
      };
      called(functionName, id, payload).then(
        (answer) => asked(answer, null),
        (error: Error) => asked(null, error.name),
      );
    },
  };
  for (const step of story.steps)
    time.after(step.at, () => {
      const { upon } = step;
      if (upon === null) act(stage, step);
      else world.chronicle.upon(upon.landmark, () => time.after(upon.delay, () => act(stage, step)));
    });
  for (const { id, at, action } of story.steps)
    if (action.kind === 'restore' && action.backup !== null)
      time.after(at - action.backup, () => world.backups.set(id, world.table.backup()));
  const stopSweeping = sweeping(world, called);
  const lastStep = Math.max(
    0,
    ...story.steps.map(({ at }) => at),
    ...story.outages.map(({ until }) => until),
  );
  let acting = true;
  time.after(lastStep + 1, () => {
    acting = false;
  });
  const busy = () => acting || play.processes > 0 || world.executions.running.length > 0;
  let atRest = await time.play(MAX_MOMENTS, () => !busy() || options.isOver?.(world) === true);
  stopSweeping();
  play.calm = true;
  const ends = options.isOver?.(world) !== true;
  for (let number = 1; ends && atRest && number <= MAX_FINAL_SWEEPS; number += 1) {
    const before = fingerprint(world);
    const isSoon = number === 1 && mayFindSomething(world);
    // With a restored table comes the lease of an execution that has ended since: it runs out.
    const lease = world.restoredAt === null ? 0 : leaseLeftMs(world);
    time.after(isSoon ? SWEEP_MS : FINAL_SWEEP_MS + lease, () => {
      called('sweep-promotions', `final-sweep-${number}`, { sweep: true }).catch(() => {});
    });
    atRest = await time.play(MAX_MOMENTS);
    const isQuiet = !isSoon && !mayFindSomething(world) && !isHeld(world);
    if ((isQuiet || (number > 2 && lease === 0)) && before === fingerprint(world)) break;
  }
  return {
    story,
    play,
    world,
    persons: stage.persons,
    direct,
    outcomes: outcomesIn(world),
    unrest: atRest ? null : 'something goes on for ever',
  };
}

type Called = (functionName: FunctionName, id: string, payload: Json) => Promise<Json>;

/** EventBridge: the end of an execution that did not succeed reaches the clean-up late, twice or never. */
function deliverEnd(play: Play, execution: Execution, called: Called): void {
  if (execution.status === 'SUCCEEDED') return;
  const random = play.random(`${execution.name}/event`);
  const detail: Json = {
    executionArn: execution.arn,
    status: execution.status,
    input: execution.input,
    startDate: execution.startedAt,
  };
  const fate = random.weighted({ once: 80, twice: 8, lost: 6, late: 6 });
  if (play.calm || play.plan.budget === 0 || fate === 'once')
    deliver(play, `${execution.name}/end`, detail, called, 500);
  else if (fate === 'late')
    deliver(play, `${execution.name}/end`, detail, called, random.unit() * 20 * MINUTE);
  else if (fate === 'twice') {
    deliver(play, `${execution.name}/end`, detail, called, 500);
    deliver(play, `${execution.name}/end-2`, detail, called, 500 + random.unit() ** 3 * 10 * MINUTE);
  } else play.note(execution.name, () => 'its event is lost');
}

/** Lambda repeats an asynchronous call that failed twice, after one and two minutes. */
function deliver(play: Play, id: string, payload: Json, called: Called, afterMs: number, attempt = 1): void {
  play.time.after(afterMs, () => {
    called('sweep-promotions', `${id}.${attempt}`, payload).catch(() => {
      if (attempt < 3) deliver(play, id, payload, called, attempt * MINUTE, attempt + 1);
    });
  });
}

/** The schedule. Answers a function that stops it. */
function sweeping(world: World, called: Called): () => void {
  let number = 0;
  let stopped = false;
  const found = new Map<string, { picture: string; times: number }>();
  const sweep = (kind: 'hourly' | 'may find something') => {
    const before = pictureOf(world);
    const known = found.get(kind);
    const times = known?.picture === before ? known.times : 0;
    // What a sweep does is decided by the picture, and by minutes that have passed when it has come to the same twice.
    if (times >= 2) return;
    const faults = world.play.faults.length;
    called('sweep-promotions', `sweep-${number}`, { sweep: true }).then(
      () => {
        const same = pictureOf(world) === before && world.play.faults.length === faults;
        found.set(kind, { picture: before, times: same ? times + 1 : 0 });
      },
      () => found.delete(kind),
    );
  };
  const next = () => {
    world.play.time.after(SWEEP_MS, () => {
      if (stopped) return;
      number += 1;
      if (number % HOURLY === 0) sweep('hourly');
      else if (mayFindSomething(world)) sweep('may find something');
      next();
    });
  };
  next();
  return () => {
    stopped = true;
  };
}

/** The executions that have no outcome, among those that sweeps look for. */
const missed = ({ table, executions, play }: World) =>
  [...executions.all.values()].filter(
    ({ status, arn, endedAt }) =>
      status !== 'RUNNING' &&
      status !== 'SUCCEEDED' &&
      play.time.now - (endedAt ?? 0) < MISSED_WITHIN_MS + SWEEP_MS &&
      !table.items.has(`outcome#${arn}`),
  );

function mayFindSomething(world: World): boolean {
  for (const item of world.table.items.values())
    if (item['alert_pending'] !== undefined || item['change_state'] === 'open') return true;
  return missed(world).length > 0;
}

function leaseLeftMs({ table, play }: World): number {
  const { expires_at: until } = table.items.get(`lease#${MODEL}`) ?? {};
  return Math.max(0, Number(until ?? 0) * 1000 - play.time.now);
}

const isHeld = (world: World) => leaseLeftMs(world) > 0;

/** It moves with every comparison. */
const CURSOR = 'sweep#cursor';

/** What a sweep may change. */
const fingerprint = ({ table, executions, published }: World) =>
  JSON.stringify([
    [...table.items.values()].filter(({ pk }) => pk !== CURSOR),
    executions.all.size,
    published.length,
  ]);

/** Everything that decides what a sweep does; what the minutes change is in it as true or false. */
function pictureOf(world: World): string {
  const { play, executions, table } = world;
  const { now } = play.time;
  const { change } = table.items.get(`lease#${MODEL}`) ?? {};
  const next = isRecord(change) ? change['next_at'] : null;
  const isDue = typeof next !== 'string' || Date.parse(next) <= now;
  const late = missed(world).filter(({ endedAt }) => now - (endedAt ?? 0) > MISSED_AFTER_MS);
  return JSON.stringify([
    fingerprint(world),
    sidesOf(world),
    executions.running.map(({ name }) => name),
    late.map(({ name }) => name),
    [isHeld(world), isDue],
    systems.map((system) => play.outageOf(system)),
  ]);
}

function outcomesIn({ table, putAt }: World): Finished['outcomes'] {
  const found: Finished['outcomes'] = new Map();
  for (const [key, item] of table.items) {
    if (!key.startsWith('outcome#') || item['outcome'] === undefined) continue;
    found.set(key.slice('outcome#'.length), {
      outcome: JSON.parse(String(item['outcome'])),
      alert: String(item['alert']),
      recordedAt: putAt.get(key) ?? 0,
    });
  }
  return found;
}
