import { errorNames } from '../../lambdas/domain/errors.ts';
import { LAST_WRITE_SECONDS } from '../../lambdas/domain/limits.ts';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Change, Release } from '../../lambdas/domain/release/release.ts';
import { executionArn } from '../engine/executions.ts';
import type { Finished } from '../story/play-story.ts';
import { MODEL, type World } from '../story/world.ts';
import { type Sides, shownSides, sidesOf } from './sides.ts';

/** Something that must be true after every story, whatever went wrong. */
export interface Invariant {
  name: string;
  /** One sentence. */
  about: string;
  /** What is not so; empty where it holds. */
  violations(finished: Finished, sides: Sides, item: Item): string[];
}

/** A finding of one invariant. */
export interface Violation {
  invariant: string;
  what: string;
}

/** The model's item as it stands in the table. */
interface Item {
  live: Release | null;
  change: Change | null;
  told: string | null;
  owner: string | null;
  /** Milliseconds since 1970; 0 without a lease. */
  leaseEndsAt: number;
}

/** Everything that is not as it must be. */
export function check(finished: Finished): Violation[] {
  const sides = sidesOf(finished.world);
  const item = itemOf(finished);
  return invariants.flatMap(({ name, violations }) =>
    violations(finished, sides, item).map((what) => ({ invariant: name, what })),
  );
}

function itemOf({ world }: Finished): Item {
  const { live, change, told, owner, expires_at } = world.table.items.get(`lease#${MODEL}`) ?? {};
  return {
    live: (live ?? null) as Release | null,
    change: (change ?? null) as Change | null,
    told: typeof told === 'string' ? told : null,
    owner: typeof owner === 'string' ? owner : null,
    leaseEndsAt: Number(expires_at ?? 0) * 1000,
  };
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
        const isKnown = error === undefined || PLATFORM_ERRORS.test(error) || ERROR_NAMES.includes(error);
        return isKnown ? [] : [`thrown: ${name.slice('error '.length)}`];
      }),
  },
  {
    name: 'one champion',
    about:
      'A model that has a champion keeps exactly one, and all pointers agree, unless a person has moved it. Without the table nobody goes on: it is told.',
    violations({ world, story, persons }, sides) {
      if (persons.length > 0 || sides.champion !== null) return [];
      if (!story.table && world.published.some(({ kind }) => kind === 'contested' || kind === 'failed'))
        return [];
      const neverHadOne =
        story.beginning.versions === 1 && (sides.stage ?? []).length === 0 && sides.alias === null;
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
      return [`live is ${shownRelease(live)}, but ${shownSides(sides, world)}`];
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
    name: 'last word',
    about: 'What was said last is what both sides show, unless a person has changed it since.',
    violations(finished, sides) {
      const { world } = finished;
      const last = lastSaid(finished);
      if (last === null || finished.persons.length > 0 || lastCallFailed(finished)) return [];
      const wrong = contradicts(last, sides);
      return wrong === null ? [] : [`said last: ${last.status} (${wrong}), but ${shownSides(sides, world)}`];
    },
  },
  {
    name: 'lease',
    about: 'Pointers and Workload are written only under the lease.',
    violations({ story, world }) {
      if (!story.table) return [];
      return world.writes.flatMap(({ at, by, name, owner, leftMs }) => {
        if (isWithinRestore(world, at)) return [];
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
    violations({ play }, _, { owner, leaseEndsAt }) {
      const left = leaseEndsAt - play.time.now;
      if (owner === null || left <= 0) return [];
      return [`${owner} holds it for ${Math.round(left / 60_000)} more minutes`];
    },
  },
  {
    name: 'left',
    about: 'A rollback never ends on what it left.',
    violations: ({ outcomes }) =>
      [...outcomes.values()].flatMap(({ outcome: { execution, status, operation, rollback } }) => {
        if (status !== 'rolled_back' || operation !== 'rollback' || rollback === null) return [];
        const { from_version: from, to_version: to, already_rolled_back: already } = rollback;
        return from === null || from !== to || already
          ? []
          : [`${execution} rolled back from ${from} to ${to}`];
      }),
  },
];

/** Somebody was told of the model after a person wrote to it last. */
const isToldSince = ({ world, persons }: Finished) => {
  const last = Math.max(...persons.map(({ at }) => at));
  return world.published.some(({ at }) => at > last);
};

/** A function that read the table before it was restored may write until its end. */
const isWithinRestore = ({ restoredAt }: World, at: number) =>
  restoredAt !== null && at >= restoredAt && at < restoredAt + LAST_WRITE_SECONDS * 1000;

const ERROR_NAMES: readonly string[] = errorNames;
const PLATFORM_ERRORS = /^(States|Lambda|Sandbox|Runtime)\./;

/**
 * Both sides show this release, and nothing is in flight but the end of its own rollout; a serving half that is null is not
 * compared.
 */
function isAll({ version, artifact_id }: Release, sides: Sides): boolean {
  const isServed =
    artifact_id === null ||
    (sides.served === artifact_id &&
      sides.otherProtons.length === 0 &&
      (sides.candidate === null || sides.candidate === artifact_id));
  const isNamed =
    version === null ? (sides.stage ?? []).length === 0 && sides.alias === null : sides.champion === version;
  return isServed && isNamed;
}

const shownRelease = ({ version, artifact_id }: Release) =>
  `version ${version ?? 'none'}${artifact_id === null ? '' : ` with artifact ${artifact_id}`}`;

/** The newest outcome that people were told of. */
function lastSaid({ world, outcomes }: Finished): Outcome | null {
  const said = world.published.flatMap(({ execution }) => outcomes.get(execution) ?? []);
  const newest = said.toSorted((a, b) => a.recordedAt - b.recordedAt).at(-1);
  return newest?.outcome ?? null;
}

/** A direct call that ended with an error: its caller knows, and calls again. */
const lastCallFailed = ({ direct, story }: Finished) =>
  direct.some(({ error }) => error !== null) ||
  direct.length < story.steps.filter(({ action }) => action.kind.startsWith('direct')).length;

/** What an outcome says that the sides do not show; null where they agree. */
function contradicts(
  { status, ending, challenger_version, champion_after, rollback, dry_run }: Outcome,
  sides: Sides,
): string | null {
  if (dry_run) return null;
  if (ending !== null && ending.champions !== null) {
    const shown = ending.champions.join(' and ');
    const named = [...new Set([...(sides.stage ?? []), ...(sides.alias === null ? [] : [sides.alias])])];
    if (named.toSorted().join(' and ') !== ending.champions.toSorted().join(' and '))
      return `champion ${shown}`;
  }
  if (ending?.workload && ending.workload.artifact_id !== sides.served)
    return `the Workload serves ${ending.workload.artifact_id}`;
  if (status === 'promoted' && sides.champion !== challenger_version) return `promoted ${challenger_version}`;
  const back = rollback === null ? champion_after : rollback.to_version;
  if (status === 'rolled_back' && sides.champion !== back) return `rolled back to ${back}`;
  return null;
}
