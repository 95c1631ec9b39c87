import { type OutageKind, outageKinds, type System } from './engine/faults.ts';
import { type FinishedPlay, playStory } from './story/play-story.ts';
import type { Step, Story } from './story/story.ts';

/** How long it takes until people are told that a system is away, whatever step finds it away first. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** A system that is away for longer than this is away for ever. */
const FOR_EVER_MS = 6 * HOUR;
/** SNS comes back after so long: nobody can be told before. */
const SNS_AWAY_MS = 2 * HOUR;
/** When the operation that is looked at starts. */
const OPERATION_AT_MS = 2 * HOUR;

/** Most seconds until somebody is told, counted from the moment at which a system is away. */
export const bounds = {
  /** Refused or 503, found before anything is rolled out or moved. */
  before: 180,
  within: 300,
  /** So much more where the system takes requests and never answers. */
  hangs: 180,
  /** SNS: from its return to the next sweep, and what that takes. */
  sns: 330,
} as const;

/** The operations that are looked at. */
export const outageOperations = ['promote', 'rollback'] as const;
export type OutageOperation = (typeof outageOperations)[number];
/** The systems that an execution needs. */
export const outageSystems = ['mlflow', 'workload', 'dynamodb', 'sns'] as const satisfies readonly System[];

/** One system that goes away for ever at one request of an execution. */
export interface OutagePoint {
  operation: OutageOperation;
  system: (typeof outageSystems)[number];
  kind: OutageKind;
  /** State of the execution. */
  state: string;
  /** The request that is the first to find it away. */
  call: string;
  /** Number of that request among those of the execution to the system, from 0. */
  number: number;
  /** Virtual seconds until the first alert, for SNS from its return on; null: never. */
  seconds: number | null;
  bound: number;
}

/** The states before anything is rolled out or moved. */
const BEFORE = ['BeginPromotion', 'CompareModels', 'PreparePromotion'];

/**
 * Plays every operation with every system away from every one of its requests on; `every` leaves out all but each so many
 * requests.
 */
export async function playOutages(every = 1, onPlayed = () => {}): Promise<OutagePoint[]> {
  const points: OutagePoint[] = [];
  for (const operation of outageOperations) {
    const calls = callsIn(await playStory(storyOf(operation), OPTIONS), operation);
    for (const system of outageSystems) {
      const own = calls.filter((call) => call.system === system);
      for (const [number, call] of own.entries()) {
        if (number % every !== 0) continue;
        for (const kind of outageKinds) {
          points.push(await pointOf({ ...call, operation, system, kind, number }));
          onPlayed();
        }
      }
    }
  }
  return points;
}

interface SentCall {
  system: System;
  state: string;
  call: string;
  /** Milliseconds after the beginning of the story. */
  at: number;
}

const OPTIONS = { traced: false, onlyFaults: null, longestPauses: true };

/** A promotion, and for a rollback one before it; nothing else goes wrong. The platform is as slow as recorded. */
function storyOf(operation: OutageOperation, outages: Story['outages'] = []): Story {
  const promote = {
    kind: 'promote',
    version: null,
    waitMinutes: 0,
    lock: null,
    adopt: false,
    rollout: null,
  } as const;
  const rollback = { kind: 'rollback', target: null, emergency: true, waitMinutes: 0 } as const;
  const steps: Step[] =
    operation === 'promote'
      ? [{ id: 'operation', at: OPERATION_AT_MS, upon: null, action: promote }]
      : [
          { id: 'first', at: 0, upon: null, action: promote },
          { id: 'operation', at: OPERATION_AT_MS, upon: null, action: rollback },
        ];
  return {
    seed: `outages-${operation}`,
    family: 'outages',
    beginning: { mode: 'both', workload: 'locked', versions: 2, pace: 1, twoProtons: false },
    neighbours: [],
    table: true,
    steps,
    outages,
    faultRate: 0,
    faultBudget: 0,
    aims: [],
  };
}

function callsIn({ play }: FinishedPlay, operation: OutageOperation): SentCall[] {
  return play.sent.flatMap(({ by, system, name, at }) => {
    const [execution, state = ''] = by.split(/[/.]/);
    if (execution !== `operation-${operation}`) return [];
    return [{ system, state, call: name, at: at - play.time.start }];
  });
}

async function pointOf({
  at,
  ...point
}: Omit<OutagePoint, 'seconds' | 'bound'> & { at: number }): Promise<OutagePoint> {
  const { operation, system, kind } = point;
  const until = at + (system === 'sns' ? SNS_AWAY_MS : FOR_EVER_MS);
  const story = storyOf(operation, [{ id: 'o0', system, kind, from: at, until }]);
  const { play, around } = await playStory(story, {
    ...OPTIONS,
    isOver: ({ published, play }) => published.some(({ at: told }) => told >= play.time.start + at),
  });
  const told = around.published.find((each) => each.at >= play.time.start + at);
  const from = play.time.start + (system === 'sns' ? until : at);
  return { ...point, seconds: told === undefined ? null : (told.at - from) / 1000, bound: boundOf(point) };
}

function boundOf({ system, kind, state }: Pick<OutagePoint, 'system' | 'kind' | 'state'>): number {
  if (system === 'sns') return bounds.sns;
  const seconds = BEFORE.includes(state) ? bounds.before : bounds.within;
  return seconds + (kind === 'hangs' ? bounds.hangs : 0);
}

/** True where somebody is told in time. */
export const isInTime = ({ seconds, bound }: OutagePoint): boolean => seconds !== null && seconds <= bound;

/** The slowest of the points that have an operation, a system, a state and a kind in common; in the order of the points. */
export function worstPoints(points: readonly OutagePoint[]): OutagePoint[] {
  const worst = new Map<string, OutagePoint>();
  const slowness = ({ seconds }: OutagePoint) => seconds ?? Number.POSITIVE_INFINITY;
  for (const point of points) {
    const key = [point.operation, point.system, point.state, point.kind].join(' ');
    const known = worst.get(key);
    if (known === undefined || slowness(point) > slowness(known)) worst.set(key, point);
  }
  return [...worst.values()];
}
