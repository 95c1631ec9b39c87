import { replacedBy } from '../../lambdas/domain/watch/advance.ts';
import { rollbackName, type WatchItem } from '../../lambdas/domain/watch/item.ts';
import type { SeriesState } from '../../lambdas/domain/watch/state.ts';
import { standingsOf } from '../../lambdas/domain/watch/watch.ts';
import type { Execution } from '../engine/executions.ts';
import { executionArn } from '../engine/executions.ts';
import type { WatchWrite } from '../story/chronicle.ts';
import type { Finished } from '../story/play-story.ts';
import type { Invariant } from './invariant.ts';

/** What must be so of the watch of a release. */

/** When everything has come to rest. */
export const watchAtRest: readonly Invariant[] = [
  {
    name: 'watch of the live release',
    about:
      'The watch is that of the live release, with the pair that it is about, and has told what it found.',
    violations(finished, _, item) {
      const { story, world, outcomes } = finished;
      const { live, change } = item;
      if (story.watch === undefined || live === null || change !== null) return [];
      const watch = world.chronicle.watch();
      const policy = outcomes.get(live.change)?.outcome.comparison?.policy ?? null;
      const isPromoted = live.result === 'promoted';
      // Nobody knows yet by which policy it was promoted.
      if (watch === null && isPromoted && !outcomes.has(live.change)) return [];
      // Without a source there is no watch yet: what is kept of the release before it stays.
      const tags = world.mlflow.registry.snapshot()[world.model]?.tags ?? {};
      const hasSource = live.artifact_id !== null || tags['promotion.monitor'] !== undefined;
      if (isPromoted && !hasSource && watch?.promotion !== live.change) return [];
      if (watch === null) return [`nothing is kept of ${live.change}`];
      if (watch.promotion !== live.change && world.restoredAt !== null) return [];
      if (watch.promotion !== live.change)
        return [`it is that of ${watch.promotion}, while ${live.change} is live`];
      const untold = watch.tells.map(({ found }) => `${found} is not told`);
      const left = replacedBy(item);
      const isDue = isPromoted && policy === 'trading' && left !== null && left.version !== null;
      if (!isDue && watch.state !== null) return [...untold, `version ${live.version} is not to be watched`];
      const { pair } = watch.state ?? {};
      const isPair = pair === undefined || (pair.new === live.version && pair.old === left?.version);
      return isPair ? untold : [...untold, `it compares ${pair.new} with ${pair.old}`];
    },
  },
  {
    name: 'decision carried out',
    about: 'A rollback that a watch has decided is made, or people were told why not.',
    violations({ story, world, outcomes }, _, { live, change }) {
      const watch = world.chronicle.watch();
      if (story.watch === undefined || watch === null || world.restoredAt !== null) return [];
      if (watch.state?.ended !== 'rollback' || watch.promotion !== live?.change || change !== null) return [];
      const told = new Set(world.published.map(({ execution }) => execution));
      // The number of the rollback that was started last.
      const last = watch.status === 'rollback_started' ? watch.attempt : watch.attempt - 1;
      const arn = executionArn(rollbackName({ ...watch, attempt: last }));
      if (last < 1) return [`${watch.promotion} was never rolled back`];
      if (!outcomes.has(arn)) return [`${arn} has no outcome`];
      return told.has(arn) ? [] : [`nobody was told of ${arn}`];
    },
  },
];

/** At each write, and in what was said. */
export const watchWrites: readonly Invariant[] = [
  {
    name: 'pin',
    about: 'A watch turns no version but the one of its promotion, and only while it is live.',
    violations: ({ world }) =>
      world.chronicle.itemWrites.flatMap(({ kind, before, after: { change } }) => {
        if (kind !== 'opened' || change?.kind !== 'rollback') return [];
        const execution = rollbacksOf(world).find(({ arn }) => arn === change.id);
        if (execution === undefined) return [];
        const pinned: unknown = JSON.parse(execution.input).champion_version;
        const turned = before.change?.to ?? before.live?.version ?? null;
        return before.change === null && turned === pinned
          ? []
          : [`${execution.name} turned ${turned}, not ${pinned}`];
      }),
  },
  {
    name: 'one rollback',
    about: 'A promotion is rolled back by its watch once at most, and again only after that has ended.',
    violations({ world, outcomes }) {
      const opened = new Map<string, number>();
      for (const { kind, after } of world.chronicle.itemWrites) {
        const execution = rollbacksOf(world).find(({ arn }) => arn === after.change?.id);
        if (kind !== 'opened' || execution === undefined) continue;
        opened.set(promotionIn(execution), (opened.get(promotionIn(execution)) ?? 0) + 1);
      }
      const twice = [...opened].flatMap(([name, times]) => (times > 1 ? [`${name}: ${times} times`] : []));
      const early = rollbacksOf(world).flatMap(({ name, startedAt }) => {
        const attempt = Number(name.split('-').at(-1));
        const before = executionArn(`${name.slice(0, name.lastIndexOf('-'))}-${attempt - 1}`);
        if (attempt === 1) return [];
        const { recordedAt } = outcomes.get(before) ?? {};
        return recordedAt !== undefined && recordedAt <= startedAt
          ? []
          : [`${name} began before ${before} had ended`];
      });
      return [...twice, ...early];
    },
  },
  {
    name: 'decided first',
    about: 'A rollback is started only after the decision for it is kept.',
    violations: ({ world }) =>
      rollbacksOf(world).flatMap(({ name, startedAt }) => {
        const decided = world.chronicle.watchWrites.some(
          ({ at, after }) =>
            at <= startedAt && after.status === 'rollback_due' && rollbackName(after) === name,
        );
        return decided ? [] : [`${name} was started without it`];
      }),
  },
  {
    name: 'decision kept',
    about: 'What is counted and what is decided by it are kept together.',
    violations: ({ world }) =>
      world.chronicle.watchWrites.flatMap(({ by, after: { state } }) => {
        if (state === null || state.ended !== null) return [];
        const shown = standingsOf(state).find(
          ({ series, decides, worse }) =>
            decides &&
            worse !== null &&
            worse.ln >= worse.needed &&
            state.series[series]?.told.includes('worse'),
        );
        return shown === undefined
          ? []
          : [`${by.id} kept that ${shown.series} is worse, and decided nothing`];
      }),
  },
  {
    name: 'counted once',
    about: 'Each block is counted once, as it was when it was counted.',
    violations: ({ world }) =>
      world.chronicle.watchWrites.flatMap((write) => {
        const wrong = wrongSums(write, world.blocks);
        return wrong === null ? [] : [`${write.by.id}: ${wrong}`];
      }),
  },
  {
    name: 'closed pair',
    about: 'Nothing is decided about a release that was not live any more when its run began.',
    violations: ({ world }) =>
      world.chronicle.watchWrites.flatMap(({ at, by, before, after }) => {
        const isDecided =
          after.state?.ended !== before?.state?.ended && after.promotion === before?.promotion;
        if (!isDecided) return [];
        return world.chronicle.liveBetween(by.startedAt, at).includes(after.promotion)
          ? []
          : [`${by.id} decided ${after.state?.ended} of ${after.promotion}`];
      }),
  },
  {
    name: 'evidence',
    about: 'A rollback by a watch is told with what the watch has found, unless the table is away.',
    violations({ story, world, outcomes, play }) {
      const tableFailed =
        play.faults.some(({ system }) => system === 'dynamodb') ||
        story.outages.some(({ system }) => system === 'dynamodb');
      if (tableFailed) return [];
      return rollbacksOf(world).flatMap(({ name, arn }) => {
        const { outcome } = outcomes.get(arn) ?? {};
        const isMade = outcome?.status === 'rolled_back' && outcome.rollback?.already_rolled_back !== true;
        return isMade && outcome.watch === undefined ? [`${name} was told without it`] : [];
      });
    },
  },
  {
    name: 'found once',
    about: 'One finding of a watch is told once, whatever is repeated.',
    violations({ story, world, outcomes, play }) {
      const found = new Map<string, number>();
      for (const { outcome } of outcomes.values()) {
        if (outcome.cause?.code !== 'watch' || outcome.cause.found === 'guard_alarm') continue;
        const [, slug = ''] = outcome.execution.split(':');
        const finding = `${slug} ${outcome.cause.found} ${outcome.cause.series ?? ''}`;
        found.set(finding, (found.get(finding) ?? 0) + 1);
      }
      const twice = [...found].flatMap(([finding, times]) =>
        times > 1 ? [`${finding}: ${times} times`] : [],
      );
      const isQuiet = play.faults.length === 0 && story.outages.length === 0 && !hasOverlaps(play);
      const sent = world.published.filter(({ execution }) => execution.startsWith('watch:'));
      const again = sent.filter(
        (each, index) => sent.findIndex(({ execution }) => execution === each.execution) < index,
      );
      return [...twice, ...(isQuiet ? again.map(({ execution }) => `${execution} was sent again`) : [])];
    },
  },
];

/** Whether two runs of the watch, or one and a sweep, went on at the same time: both may send what is not known to be sent. */
function hasOverlaps({ sent }: Finished['play']): boolean {
  const runs = new Map<string, { from: number; to: number }>();
  for (const { by, at } of sent)
    if (/watch|sweep/.test(by) && !by.includes('/')) {
      const from = runs.get(by)?.from ?? at;
      runs.set(by, { from, to: at });
    }
  const inOrder = [...runs.values()].sort((one, other) => one.from - other.from);
  return inOrder.some(({ from }, index) => inOrder.slice(0, index).some(({ to }) => from <= to));
}

/** The rollbacks that watches have started. */
const rollbacksOf = ({ executions }: Finished['world']): Execution[] =>
  [...executions.all.values()].filter(({ name }) => name.startsWith('watch-'));

/** The part of its name that stands for the promotion. */
const promotionIn = ({ name }: Execution) => name.slice(0, name.lastIndexOf('-'));

/** What does not agree between the sums of a series and the blocks that it has counted; null where all does. */
function wrongSums(
  { before, after }: WatchWrite,
  blocks: ReadonlyMap<string, readonly number[]>,
): string | null {
  const rows = rowsIn(after);
  const was = before?.promotion === after.promotion ? rowsIn(before) : null;
  if (rows === null) return null;
  // What comes after the verdict goes to the guard.
  if (was !== null && before?.state?.ended != null)
    return String(rows.sums) === String(was.sums)
      ? null
      : `the sums ${was.sums} became ${rows.sums} after the verdict`;
  if (after.state?.ended !== null) return null;
  const sums = [0, 0, 0];
  for (const digest of Object.values(rows.counted))
    for (const [at, value] of (blocks.get(digest) ?? []).entries()) sums[at] = (sums[at] ?? 0) + value;
  const isSame = rows.blocks === 0 || String(rows.sums) === String(sums);
  return isSame && rows.blocks === Object.keys(rows.counted).length
    ? null
    : `${Object.keys(rows.counted).length} blocks of ${sums} are counted as ${rows.blocks} of ${rows.sums}`;
}

const rowsIn = ({ state }: WatchItem): SeriesState | null => state?.series.rows ?? null;
