import { errorNames } from '../../lambdas/domain/errors.ts';
import { VISIBILITY_GRACE_SECONDS } from '../../lambdas/domain/limits.ts';
import type { Finished } from '../story/play-story.ts';
import type { Action } from '../story/story.ts';
import { type Invariant, SKEW_MS } from './invariant.ts';
import { ledger } from './ledger.ts';
import { isAll, namedIn, shownRelease, shownSides } from './sides.ts';

const ERROR_NAMES: readonly string[] = errorNames;
const PLATFORM_ERRORS = /^(States|Lambda|Sandbox|Runtime)\./;

/** What must be so when everything has come to rest. */
export const atRest: readonly Invariant[] = [
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
        const isKnown = error === undefined || PLATFORM_ERRORS.test(error) || ERROR_NAMES.includes(error);
        return isKnown ? [] : [`thrown: ${name.slice('error '.length)}`];
      }),
  },
  {
    name: 'one champion',
    about:
      'A model that has a champion keeps exactly one, and all pointers agree, unless a person has moved it. Without the table nobody goes on: it is told.',
    violations({ world, story, persons, direct }, sides) {
      if (persons.length > 0 || sides.champion !== null) return [];
      const isTold =
        world.published.some(({ kind }) => kind === 'contested' || kind === 'failed') ||
        direct.some(({ error }) => error !== null);
      if (!story.table && isTold) return [];
      const neverHadOne = story.beginning.versions === 1 && namedIn(sides).length === 0;
      return neverHadOne ? [] : [shownSides(sides, world)];
    },
  },
  {
    name: 'closed',
    about:
      'Without further faults every change is closed, unless a person has interfered and was told since, or the artifact of its aim cannot start, of which every attempt tells.',
    violations(finished, sides, { change, told }) {
      if (change === null) return [];
      if (finished.persons.length > 0 && (told !== null || isToldSince(finished))) return [];
      if (finished.world.failing.has(change.aim.artifact_id ?? '')) return [];
      const { kind, aim, safe, attempts } = change;
      return [
        `a ${kind} (aim ${aim.version}, safe ${safe.version}, ${attempts} attempts) is open: ${shownSides(sides, finished.world)}`,
      ];
    },
  },
  {
    name: 'in step',
    about: 'Closed, both sides show what is live, unless a person has moved them and was told.',
    violations({ world, persons }, sides, { live, change, told }) {
      if (live === null || change !== null || isAll(live, sides)) return [];
      if (persons.length > 0 && told !== null) return [];
      return [`live is ${shownRelease(live, world)}, but ${shownSides(sides, world)}`];
    },
  },
  {
    name: 'wanted pair',
    about: 'Closed, a version and an artifact are in service that somebody wanted together.',
    violations({ story, world, persons }, sides, { live, change }) {
      const [first] = world.chronicle.moments;
      if (!story.table || persons.length > 0 || live === null || change !== null) return [];
      if (sides.served === null || first === undefined) return [];
      const wanted = world.chronicle.itemWrites.flatMap(({ kind, after, sides: seen }) =>
        kind !== 'opened' || after.change === null
          ? []
          : [after.change.aim, after.change.safe].map(({ version, artifact_id }) => ({
              version,
              artifact: artifact_id ?? seen.served,
            })),
      );
      const pairs = [{ version: first.sides.champion, artifact: first.sides.served }, ...wanted];
      const isWanted = pairs.some(
        (pair) => pair.version === sides.champion && pair.artifact === sides.served,
      );
      return isWanted ? [] : [shownSides(sides, world)];
    },
  },
  {
    name: 'named target',
    about: 'A rollback to a named version is not stopped by what it saw when it was opened.',
    violations({ world, story, persons }, sides, { change }) {
      if (change === null || change.kind !== 'rollback') return [];
      const opened = world.chronicle.itemWrites.findLast(({ kind }) => kind === 'opened');
      const opener = [...world.executions.all.values()].find(({ arn }) => arn === change.id);
      if (opened === undefined || opener === undefined) return [];
      // The artifact of its aim does not start.
      if (world.failing.has(change.aim.artifact_id ?? '')) return [];
      // A person who races with a move acts later than the step says.
      if (story.steps.some(({ action }) => action.kind === 'race')) return [];
      const isNamed = typeof JSON.parse(opener.input).target_version === 'string';
      // What a person did just before may come in between the look and the write, or not be visible yet.
      const since = opened.by.startedAt - VISIBILITY_GRACE_SECONDS * 1000;
      if (!isNamed || persons.some(({ at }) => at >= since)) return [];
      return [`the rollback to ${change.aim.version} is open: ${shownSides(sides, world)}`];
    },
  },
  {
    name: 'outcome',
    about: 'Every execution has one recorded outcome, and its alert was sent if one is due.',
    violations({ story, world, outcomes }) {
      if (!story.table) return [];
      const told = new Set(world.published.map(({ execution }) => execution));
      return [...world.executions.all.values()].flatMap(({ arn, name, status, startedAt }) => {
        // What was recorded before a restored backup, and after it was made, is lost.
        if (status === 'RUNNING' || startedAt < (world.restoredAt ?? 0)) return [];
        const recorded = outcomes.get(arn);
        if (recorded === undefined) return [`${name} (${status}) has no outcome`];
        if (recorded.alert === 'none' || told.has(arn)) return [];
        return [`nobody was told of ${name} (${recorded.outcome.status}, alert ${recorded.alert})`];
      });
    },
  },
  {
    name: 'apart',
    about: 'A model for which nobody asks for anything is neither moved, nor recorded, nor told of.',
    violations({ story, world, outcomes }, sides) {
      if (story.steps.some(({ action }) => !ASKS_NOTHING.includes(action.kind))) return [];
      const first = world.chronicle.moments[0]?.sides ?? sides;
      const isMoved = first.champion !== sides.champion || first.served !== sides.served;
      return [
        ...(isMoved ? [`moved: ${shownSides(sides, world)}`] : []),
        ...world.published.map(({ subject }) => `told: ${subject}`),
        ...[...outcomes.keys()].map((execution) => `recorded: ${execution}`),
        ...[...world.table.items.keys()].filter((key) => key.includes(`#${world.model}#`)),
        ...(world.table.items.has(`lease#${world.model}`) ? ['it has an item'] : []),
      ];
    },
  },
  ledger,
  {
    name: 'lease ends',
    about: 'No lease is held when every execution has ended.',
    violations({ play }, _, { owner, leaseEndsAt }) {
      const left = leaseEndsAt - play.time.now;
      if (owner === null || left <= SKEW_MS) return [];
      return [`${owner} holds it for ${Math.round(left / 60_000)} more minutes`];
    },
  },
];

/** What people do beside the functions, which nobody has to be told. */
const ASKS_NOTHING: readonly Action['kind'][] = ['register', 'evidence', 'settings', 'sweep'];

/** Somebody was told of the model after a person wrote to it last. */
function isToldSince({ world, persons }: Finished): boolean {
  const last = Math.max(...persons.map(({ at }) => at));
  return world.published.some(({ at }) => at > last);
}
