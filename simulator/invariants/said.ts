import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Json } from '../engine/json-path.ts';
import type { DirectAnswer, Finished } from '../story/play-story.ts';
import { type Invariant, SKEW_MS } from './invariant.ts';
import { isAll, isAllBut, namedIn, type Sides, shownSides } from './sides.ts';
import { unexplained } from './undisturbed.ts';

/** What must be so of everything that was said: alerts, outcomes, answers. */
export const said: readonly Invariant[] = [
  {
    name: 'last word',
    about: 'What was said last is what both sides show, unless a person has changed it and brought it back.',
    violations(finished, sides, { live, change }) {
      const { world } = finished;
      const last = lastSaid(finished);
      if (last === null || lastCallFailed(finished)) return [];
      const inStep = change === null && (live === null || isAll(live, sides));
      if (finished.persons.length > 0 && inStep) return [];
      const wrong = contradicts(last, sides);
      return wrong === null ? [] : [`said last: ${last.status} (${wrong}), but ${shownSides(sides, world)}`];
    },
  },
  {
    name: 'true word',
    about:
      'An outcome says what both sides showed when it was recorded, unless they changed while it was read, or the registry could not be read, which it says.',
    violations: ({ world }) =>
      world.chronicle.outcomes.flatMap(({ at, by, outcome, sides }) => {
        const shown = world.chronicle.between(by.startedAt, at);
        const isRead = outcome.ending?.unread.includes('registry') !== true;
        const wrong = isRead && shown.length === 1 ? contradicts(outcome, sides) : null;
        return wrong === null
          ? []
          : [`${by.id} recorded ${outcome.status} (${wrong}), but ${shownSides(sides, world)}`];
      }),
  },
  {
    name: 'recorded first',
    about: 'People are told what is recorded, unless the table is away.',
    violations({ story, play, world }) {
      const tableFailed =
        play.faults.some(({ system }) => system === 'dynamodb') ||
        story.outages.some(({ system }) => system === 'dynamodb');
      if (!story.table || tableFailed) return [];
      return world.published.flatMap(({ execution, subject, recorded }) =>
        recorded ? [] : [`"${subject}" was sent before the outcome of ${execution} was recorded`],
      );
    },
  },
  {
    name: 'direct answer',
    about: 'A function that was called directly says that it is done only if it is.',
    violations: ({ story, direct, world, play }) =>
      story.table
        ? direct.flatMap((answer) => {
            const reads = play.sent.filter(({ by, system }) => by === answer.id && READ.includes(system));
            const wrong = wrongAnswer(answer, reads.at(-1)?.at ?? answer.startedAt);
            return wrong === null
              ? []
              : [`${answer.id} answered ${wrong}, but ${shownSides(answer.sides, world)}`];
          })
        : [],
  },
  {
    name: 'overwritten',
    about: 'Whom a move has archived beside its own versions is named.',
    violations({ story, world, play, outcomes }) {
      if (!story.table) return [];
      const { overwritten } = world.chronicle;
      return overwritten.flatMap(({ at, version, by }) => {
        // A process that has ended cannot tell.
        if (play.faults.some(({ id }) => id.startsWith(by))) return [];
        const isTold = [...outcomes.values()].some(
          ({ outcome, recordedAt }) =>
            recordedAt >= at && (outcome.overwritten.includes(version) || outcome.status === 'contested'),
        );
        return isTold ? [] : [`nobody was told that ${by} archived version ${version}`];
      });
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
  {
    name: 'undisturbed',
    about: 'With nobody beside it, and one bad answer at most, an operation succeeds.',
    violations: unexplained,
  },
];

/** The newest outcome that people were told of. */
function lastSaid({ world, outcomes }: Finished): Outcome | null {
  const told = world.published.flatMap(({ execution }) =>
    // A watch says how a release does, not which one it is.
    execution.startsWith('watch:') ? [] : (outcomes.get(execution) ?? []),
  );
  const newest = told.toSorted((a, b) => a.recordedAt - b.recordedAt).at(-1);
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
    const shown = ending.champions.toSorted().join(' and ');
    if (namedIn(sides).toSorted().join(' and ') !== shown) return `champion ${shown}`;
  }
  if (ending?.workload && ending.workload.artifact_id !== sides.served)
    return `the Workload serves ${ending.workload.artifact_id}`;
  if (status === 'promoted' && sides.champion !== challenger_version) return `promoted ${challenger_version}`;
  const back = rollback === null ? champion_after : rollback.to_version;
  if (status === 'rolled_back' && sides.champion !== back) return `rolled back to ${back}`;
  return null;
}

/** What an answer is about. */
const READ: readonly string[] = ['mlflow', 'workload'];

/** What a direct answer says that is not so; null where it is, or where something changed meanwhile. */
function wrongAnswer(
  { answer, sides, item, startedAt, changedAt, error }: DirectAnswer,
  lastReadAt: number,
): string | null {
  if (error !== null) return null;
  const field = (name: string): Json =>
    typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? (answer[name] ?? null) : null;
  const promoted = field('promoted') === true;
  const rolledBack = field('rolled_back') === true;
  if (!promoted && !rolledBack) return null;
  const word = promoted ? 'promoted' : 'rolled back';
  const { live, change } = item;
  // It had the lease when it last read a side: what others open or write since comes later.
  const own = changedAt < startedAt || (field('already_promoted') === true && changedAt < lastReadAt);
  if (change !== null && Date.parse(change.opened_at) < lastReadAt - SKEW_MS)
    return `${word} with a change open`;
  if (change !== null || !own) return null;
  // `promote-model` knows the registry only.
  const artifact_id = promoted ? null : (live?.artifact_id ?? null);
  const version = String(field(promoted ? 'new_version' : 'to_version'));
  if (!isAllBut({ version, artifact_id }, sides)) return `${word} ${version}`;
  return live === null || live.version === version
    ? null
    : `${word} ${version}, while live is ${live.version}`;
}
