import { readFileSync } from 'node:fs';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { type DeployedFunctions, deployed } from '../engine/functions.ts';
import { type Definition, readDefinition } from '../engine/interpreter.ts';
import type { Json } from '../engine/json-path.ts';
import { invoke } from '../engine/lambda.ts';
import { Play } from '../engine/play.ts';
import { VirtualTime } from '../engine/time.ts';
import { act, type PersonsWrite, type Stage } from './actions.ts';
import type { Item, Moment } from './chronicle.ts';
import { deliverEnd } from './deliver-end.ts';
import { MODELS } from './model.ts';
import type { Story } from './story.ts';
import { Surroundings } from './surroundings.ts';
import {
  type Called,
  fingerprint,
  isHeld,
  leaseLeftMs,
  mayFindSomething,
  SWEEP_MS,
  sweeping,
} from './sweeping.ts';
import { untilDue, watching, watchPrint } from './watching.ts';
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

/** One model after its story, for the invariants. */
export interface Finished {
  /** With the steps that are about this model. */
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

/** A whole play. */
export interface FinishedPlay {
  /** The whole story. */
  story: Story;
  play: Play;
  around: Surroundings;
  /** Each model, the first one first. */
  models: readonly Finished[];
}

export interface PlayOptions {
  /** Keep a trace of every request. */
  traced: boolean;
  /** Faults happen at these places only; null: as the story says. */
  onlyFaults: ReadonlySet<string> | null;
  /** Every pause before a retry is as long as it can be. */
  longestPauses?: boolean;
  /** Ends the play before its end. */
  isOver?: (around: Surroundings) => boolean;
  /** Replaces functions, to test the simulator's own parts. */
  altered?: (functions: DeployedFunctions) => DeployedFunctions;
}

const START = Date.parse('2026-11-21T10:00:00Z');
const MINUTE = 60_000;
/** A story with more moments than this does not end. */
const MAX_MOMENTS = 200_000;
/**
 * Sweeps after the last action, without faults, until one changes nothing that comes an hour after whatever was before it:
 * attempts and comparisons are hourly at most.
 */
const MAX_FINAL_SWEEPS = 12;
const FINAL_SWEEP_MS = 61 * MINUTE;
/** Runs of the watch after that: a rollback that is refused is made again later, and later. */
const MAX_FINAL_WATCHES = 10;
const FINAL_WATCH_MS = 31 * MINUTE;

let loaded: Definition | undefined;

function definition(): Definition {
  const file = new URL('../../statemachines/promotion.asl.json', import.meta.url);
  loaded ??= readDefinition(readFileSync(file, 'utf8'));
  return loaded;
}

/** Plays a story to its end: until all executions have ended and sweeps find nothing more to do. */
export async function playStory(story: Story, options: PlayOptions): Promise<FinishedPlay> {
  const { seed, faultRate: rate, faultBudget: budget, aims, watch } = story;
  const start = START + (watch?.start ?? 0) * MINUTE;
  const time = new VirtualTime(start);
  const outages = story.outages.map((each) => ({
    ...each,
    from: start + each.from,
    until: start + each.until,
  }));
  const play = new Play(time, { seed, rate, budget, only: options.onlyFaults, aims, outages }, options);
  play.count(`family ${story.family}`);
  const loadedFunctions = await deployed({ mode: story.beginning.mode, table: story.table });
  const functions = options.altered?.(loadedFunctions) ?? loadedFunctions;
  const direct: (DirectAnswer & { world: World })[] = [];
  const called = (functionName: FunctionName, id: string, payload: Json) =>
    invoke(play, { id, functionName, payload }, functions[functionName]);
  const around = new Surroundings(play, story.beginning, definition(), functions, (execution) =>
    deliverEnd(play, execution, called),
  );
  const stages = [story.beginning, ...story.neighbours].map((beginning, index): Stage => {
    const watched = watch !== undefined && index === 0;
    const world = new World(around, MODELS[index] ?? `Model${index}`, { ...beginning, watched });
    return {
      world,
      persons: [],
      lastInput: null,
      async ask(id, event) {
        around.called.set(id, world);
        try {
          const answer = await called('decide-approval', id, event);
          play.note(id, () => `answered ${JSON.stringify(answer)}`);
          return bodyOf(answer);
        } catch {
          return null;
        }
      },
      invoke(functionName, id, payload) {
        const startedAt = time.now;
        const isForAll = functionName === 'sweep-promotions' || functionName === 'watch-releases';
        if (!isForAll) around.called.set(id, world);
        const asked = (answer: Json, error: string | null) => {
          play.note(id, () => `answered ${error ?? JSON.stringify(answer)}`);
          if (isForAll) return;
          const { chronicle } = world;
          const sides = chronicle.look();
          const { changedAt } = chronicle;
          const item = chronicle.item();
          const call = { id, functionName, startedAt, at: time.now, answer, error, sides, changedAt, item };
          direct.push({ ...call, world });
        };
        called(functionName, id, payload).then(
          (answer) => asked(answer, null),
          (error: Error) => asked(null, error.name),
        );
      },
    };
  });
  for (const step of story.steps)
    time.after(step.at, () => {
      const { upon } = step;
      const stage = stages[step.model ?? 0];
      if (stage === undefined) return;
      if (upon === null) act(stage, step);
      else stage.world.chronicle.upon(upon.landmark, () => time.after(upon.delay, () => act(stage, step)));
    });
  for (const { id, at, action } of story.steps)
    if (action.kind === 'restore' && action.backup !== null)
      time.after(at - action.backup, () => around.backups.set(id, around.table.backup()));
  const stopSweeping = sweeping(around, called);
  const [first] = stages;
  const watched = watch === undefined || first === undefined ? null : first.world;
  const schedule = watch === undefined || watched === null ? null : watching(watched, watch, called);
  const lastStep =
    (watch?.after ?? 0) * 60 * MINUTE +
    Math.max(0, ...story.steps.map(({ at }) => at), ...story.outages.map(({ until }) => until));
  let acting = true;
  time.after(lastStep + 1, () => {
    acting = false;
  });
  const busy = () => acting || play.processes > 0 || around.executions.running.length > 0;
  let atRest = await time.play(MAX_MOMENTS, () => !busy() || options.isOver?.(around) === true);
  stopSweeping();
  schedule?.stop();
  play.calm = true;
  const ends = options.isOver?.(around) !== true;
  const sweeps = { number: 1 };
  if (ends && atRest) atRest = await sweptToRest(around, called, sweeps);
  if (ends && atRest && watched !== null) atRest = await watchedToRest(watched, around, called, sweeps);
  const models = stages.map(({ world, persons }, index) => ({
    story: {
      ...story,
      beginning: { ...story.beginning, ...(index === 0 ? {} : story.neighbours[index - 1]) },
      steps: story.steps.filter(({ model = 0 }) => model === index),
    },
    play,
    world,
    persons,
    direct: direct.filter((call) => call.world === world),
    outcomes: outcomesIn(world),
    unrest: atRest ? null : 'something goes on for ever',
  }));
  return { story, play, around, models };
}

/** The body of what the function behind the URL answers. */
function bodyOf(answer: Json): Json {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return null;
  return typeof answer['body'] === 'string' ? JSON.parse(answer['body']) : null;
}

/** Sweeps until they find nothing more to do. Answers false where something goes on for ever. */
async function sweptToRest(
  around: Surroundings,
  called: Called,
  sweeps: { number: number },
): Promise<boolean> {
  const { time } = around.play;
  // Of several models each sweep compares one.
  const rounds = around.worlds.length === 1 ? 1 : around.worlds.length + 2;
  const from = sweeps.number;
  let quiet = 0;
  for (; sweeps.number < from + MAX_FINAL_SWEEPS * rounds; sweeps.number += 1) {
    const { number } = sweeps;
    const before = fingerprint(around);
    const isSoon = number === 1 && mayFindSomething(around);
    // With a restored table comes the lease of an execution that has ended since: it runs out.
    const lease = around.restoredAt === null ? 0 : leaseLeftMs(around);
    time.after(isSoon ? SWEEP_MS : FINAL_SWEEP_MS + lease, () => {
      called('sweep-promotions', `final-sweep-${number}`, { sweep: true }).catch(() => {});
    });
    if (!(await time.play(MAX_MOMENTS))) return false;
    const isQuiet = !isSoon && !mayFindSomething(around) && !isHeld(around);
    const isSame = (isQuiet || (number - from > 1 && lease === 0)) && before === fingerprint(around);
    quiet = isSame ? quiet + 1 : 0;
    if (quiet === rounds) break;
  }
  return true;
}

/** Calls the function that watches until it finds nothing more to do, and what it starts has come to rest. */
async function watchedToRest(
  world: World,
  around: Surroundings,
  called: Called,
  sweeps: { number: number },
): Promise<boolean> {
  const { time } = around.play;
  let quiet = 0;
  for (let number = 1; number <= MAX_FINAL_WATCHES && quiet < 2; number += 1) {
    const [before, executions] = [watchPrint(world), around.executions.all.size];
    time.after(untilDue(world) + FINAL_WATCH_MS, () => {
      called('watch-releases', `final-watch-${number}`, { watch: true }).catch(() => {});
    });
    if (!(await time.play(MAX_MOMENTS))) return false;
    quiet = before === watchPrint(world) ? quiet + 1 : 0;
    if (executions === around.executions.all.size && !mayFindSomething(around)) continue;
    sweeps.number += 1;
    if (!(await sweptToRest(around, called, sweeps))) return false;
    quiet = 0;
  }
  return true;
}

function outcomesIn({ around, model }: World): Finished['outcomes'] {
  const found: Finished['outcomes'] = new Map();
  for (const [key, item] of around.table.items) {
    if (!key.startsWith('outcome#') || item['outcome'] === undefined) continue;
    const outcome: Outcome = JSON.parse(String(item['outcome']));
    // One that failed before its input was read names no model.
    const of = outcome.model_name ?? around.worldOf(key.split(':').at(-1) ?? '')?.model;
    if (of !== model) continue;
    found.set(key.slice('outcome#'.length), {
      outcome,
      alert: String(item['alert']),
      recordedAt: around.putAt.get(key) ?? 0,
    });
  }
  return found;
}
