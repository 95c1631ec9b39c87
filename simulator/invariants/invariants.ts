import { errorNames } from '../../lambdas/domain/errors.ts';
import { executionArn } from '../engine/executions.ts';
import type { Finished } from '../story/play-story.ts';
import { MODEL } from '../story/world.ts';
import { type Sides, shownSides, sidesOf } from './sides.ts';

/** Something that must be true after every story, whatever went wrong. */
export interface Invariant {
  name: string;
  /** One sentence. */
  about: string;
  /** What is not so; empty where it holds. */
  violations(finished: Finished, sides: Sides): string[];
}

/** A finding of one invariant. */
export interface Violation {
  invariant: string;
  what: string;
}

/** Everything that is not as it must be. */
export function check(finished: Finished): Violation[] {
  const sides = sidesOf(finished.world);
  return invariants.flatMap(({ name, violations }) =>
    violations(finished, sides).map((what) => ({ invariant: name, what })),
  );
}

/** Clocks of functions and of the table differ by so much at most. */
const SKEW_MS = 5_000;

export const invariants: readonly Invariant[] = [
  {
    name: 'rest',
    about: 'Every execution ends, and sweeps come to an end.',
    violations: ({ unrest, world }) => [
      ...(unrest === null ? [] : [unrest]),
      ...world.executions.running.map(({ name, state }) => `${name} is still in ${state}`),
    ],
  },
  {
    name: 'errors',
    about: 'A function throws only errors of the closed set.',
    violations: ({ play }) =>
      [...play.counts.keys()].flatMap((name) => {
        const error = /^error \S+ (.*)$/.exec(name)?.[1];
        const isKnown = error === undefined || KNOWN_ERRORS.test(error) || ERROR_NAMES.includes(error);
        return isKnown ? [] : [`thrown: ${name.slice('error '.length)}`];
      }),
  },
  {
    name: 'one champion',
    about: 'A model that has had a champion has exactly one, and all pointers agree.',
    violations(finished, sides) {
      const { world, story } = finished;
      const hadOne = story.beginning.versions > 1 || world.writes.length > 0;
      if (!hadOne || sides.champion !== null || toldSince(finished, lastMove(finished))) return [];
      const nothing = sides.stage?.length === 0 && sides.alias === null;
      return nothing && story.beginning.versions === 1 ? [] : [shownSides(sides, world)];
    },
  },
  {
    name: 'in step',
    about: 'The Workload serves the artifact of the champion, or people were told after the last change.',
    violations(finished, { champion, served, ...more }) {
      const { world } = finished;
      if (served === null || champion === null || finished.persons.length > 0) return [];
      const wanted = world.artifacts.get(champion);
      if (wanted === undefined || wanted === served) return [];
      if (toldSince(finished, lastMove(finished))) return [];
      return [shownSides({ ...more, champion, served }, world)];
    },
  },
  {
    name: 'outcome',
    about: 'Every execution has one recorded outcome, and its alert was sent if one is due.',
    violations({ story, world, outcomes }) {
      if (!story.table) return [];
      const told = new Set(world.published.map(({ execution }) => execution));
      return [...world.executions.all.values()].flatMap(({ arn, name, status }) => {
        if (status === 'RUNNING') return [];
        const recorded = outcomes.get(arn);
        if (recorded === undefined) return [`${name} (${status}) has no outcome`];
        if (recorded.alert === 'none' || told.has(arn)) return [];
        return [`nobody was told of ${name} (${recorded.outcome.status}, alert ${recorded.alert})`];
      });
    },
  },
  {
    name: 'last word',
    about: 'What was said last is what both sides show, unless a person has changed it since.',
    violations(finished, sides) {
      const { world, outcomes, persons } = finished;
      const said = world.published.at(-1);
      const recorded = said === undefined ? undefined : outcomes.get(said.execution);
      if (said === undefined || recorded === undefined || persons.length > 0) return [];
      const { status, challenger_version, rollback } = recorded.outcome;
      const version =
        status === 'promoted' ? challenger_version : status === 'rolled_back' ? rollback?.to_version : null;
      if (version === null || version === undefined) return [];
      const wanted = world.artifacts.get(version);
      const isServed = sides.served === null || wanted === undefined || wanted === sides.served;
      if (sides.champion === version && isServed) return [];
      return [`"${said.subject}" (${status} ${version}), but ${shownSides(sides, world)}`];
    },
  },
  {
    name: 'lease',
    about: 'Pointers and Workload are written only under the lease.',
    violations({ story, world }) {
      if (!story.table) return [];
      return world.writes.flatMap(({ by, name, owner, leftMs }) => {
        const [who = ''] = by.split('/');
        const isOwner = owner === executionArn(who) || owner === `direct:${by}`;
        return isOwner && leftMs > -SKEW_MS
          ? []
          : [`${by} sent ${name} while ${owner ?? 'nobody'} had the lease`];
      });
    },
  },
  {
    name: 'lease ends',
    about: 'No lease is held when every execution has ended.',
    violations({ world, play }) {
      const { owner, expires_at: until } = world.table.items.get(`lease#${MODEL}`) ?? {};
      if (owner === undefined || Number(until) * 1000 <= play.time.now) return [];
      const minutes = Math.round((Number(until) * 1000 - play.time.now) / 60_000);
      return [`${String(owner)} holds it for ${minutes} more minutes`];
    },
  },
  {
    name: 'direct answers',
    about:
      'A direct promotion that answers success on a model nobody else touches has made its version the champion.',
    violations({ world, direct, persons, story }, sides) {
      const last = direct.at(-1);
      const isAlone = story.steps.filter(({ action }) => action.kind !== 'sweep').length === 1;
      if (last?.functionName !== 'promote-model' || persons.length > 0 || !isAlone) return [];
      const { answer } = last;
      if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return [];
      if (answer['promoted'] !== true || answer['new_version'] === sides.champion) return [];
      return [`${JSON.stringify(answer)}, but ${shownSides(sides, world)}`];
    },
  },
];

const ERROR_NAMES: readonly string[] = errorNames;
/** Errors of the platform. */
const KNOWN_ERRORS = /^(States|Lambda|Sandbox|Runtime)\./;

/** When the functions last moved a pointer or changed the Workload. */
const lastMove = ({ world }: Finished) => world.writes.at(-1)?.at ?? 0;

/** Whether an alert that asks people to act was sent after a moment. */
function toldSince({ world }: Finished, moment: number): boolean {
  return world.published.some(({ at, kind }) => at >= moment && ASKS_TO_ACT.includes(kind));
}

const ASKS_TO_ACT = ['failed', 'contested'];
