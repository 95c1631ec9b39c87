import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyAfter, type ModelItem } from '../../lambdas/domain/release/release.ts';
import {
  advance,
  evidenceOf,
  openItem,
  platformBlocks,
  retried,
} from '../../lambdas/domain/watch/advance.ts';
import { HOUR_MS, readBlock } from '../../lambdas/domain/watch/block.ts';
import {
  blocksOfHours,
  countedUntil,
  type Hours,
  KEPT_HOURS,
  missingHours,
  noHours,
  withHour,
} from '../../lambdas/domain/watch/hours.ts';
import { rollbackName, tellId, WatchItem } from '../../lambdas/domain/watch/item.ts';
import { blocksInTags, monitorIn } from '../../lambdas/domain/watch/monitor.ts';
import { WatchFields } from '../../lambdas/domain/watch/policy-watch.ts';
import { arn, itemWith, release } from '../support/releases.ts';

/** What is kept of a live release: its hours, the blocks of other sources, and the item that holds both. */

const served = { workload_id: 'w1', artifact_id: 'a2' };
const counts = (totalRequests: number, serverErrors = 0, slowRequests = 0) => ({
  ...{ totalRequests, serverErrors, slowRequests },
});
const pair = { new: '3', old: '2' };
const filled = (from: number, to: number, n = 10): Hours => {
  let hours = noHours(served, from);
  for (let index = from; index < to; index += 1) hours = withHour(hours, index, counts(n, 1));
  return hours;
};

describe('the hours of an artifact', () => {
  it('are asked for when they are counted, each once, and a week of them at most', () => {
    const at = (minutes: number) => new Date(1000 * HOUR_MS + minutes * 60_000);
    expect([countedUntil(at(4)), countedUntil(at(5)), countedUntil(at(64))]).toEqual([999, 1000, 1000]);
    expect(missingHours(noHours(served, 997), 1000)).toEqual([997, 998, 999]);
    expect(missingHours(filled(997, 1000), 1000)).toEqual([]);
    expect(missingHours(noHours(served, 10), 1000)).toHaveLength(KEPT_HOURS);
    expect(missingHours(noHours(served, 10), 1000).at(-1)).toBe(999);
  });

  it('are the last week', () => {
    const { hours, next } = filled(0, 400);
    expect([hours.length, hours[0]?.[0], hours.at(-1)?.[0], next]).toEqual([168, 232, 399, 400]);
  });

  it('that were not answered, or not with counts, are left out and not asked for again', () => {
    const bad = [
      null,
      counts(-1),
      counts(1.5),
      counts(Number.NaN),
      counts(1, 2),
      counts(1, 0, 2),
      counts(1e12),
    ];
    for (const counted of bad)
      expect(withHour(noHours(served, 5), 5, counted)).toEqual({ ...noHours(served, 5), next: 6 });
  });

  it('are blocks of errors and of slow requests that the watch understands', () => {
    const blocks = blocksOfHours(withHour(noHours(served, 500_000), 500_000, counts(10, 2, 3)), pair);
    expect(blocks.map((block) => readBlock(block))).toMatchObject([
      { series: 'errors', index: 500_000, ...pair, values: [2, 8] },
      { series: 'slow', index: 500_000, ...pair, values: [3, 7] },
    ]);
  });

  it('begin with the first request where it is not known whether the artifact was there', () => {
    let hours = noHours(served, 1);
    for (const [index, n] of [0, 0, 5, 0].entries()) hours = withHour(hours, index + 1, counts(n));
    expect(blocksOfHours(hours, pair)).toHaveLength(8);
    expect(blocksOfHours(hours, pair, { fromFirstRequest: true })).toHaveLength(4);
    expect(blocksOfHours(filled(0, 9, 0), pair, { fromFirstRequest: true })).toEqual([]);
  });
});

describe('the tags of a run', () => {
  const range = { from: 0, to: 100_000_000 };

  it('are blocks of the series that their fields are of, and of the hour of their name', () => {
    expect(
      blocksInTags(
        {
          'promotion.block.7': '{"a":1,"index":9,"series":"errors"}',
          'promotion.block.8': '{"d_new":1}',
          'promotion.block': '{}',
          'promotion.block.x': '{}',
          'promotion.block.123456789': '{}',
          other: '{}',
        },
        range,
      ),
    ).toEqual([
      { d_new: 1, index: 8, series: 'differences' },
      { a: 1, index: 7, series: 'rows' },
    ]);
  });

  it('may hold anything, in any number: it is bounded, and no more than that', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.json(), fc.string(), fc.constant('['.repeat(900)))), (values) => {
        const tags = Object.fromEntries(values.map((value, at) => [`promotion.block.${at}`, value]));
        for (const block of blocksInTags(tags, range))
          if (block !== null) expect(readBlock(block)).toBeNull();
      }),
    );
    const many = Object.fromEntries(
      Array.from({ length: 9000 }, (_, at) => [`promotion.block.${at}`, '{"a":1}']),
    );
    expect(blocksInTags(many, range)).toHaveLength(1500);
    expect(blocksInTags(many, { from: 10, to: 12 })).toHaveLength(2);
    expect(blocksInTags({ 'promotion.block.1': `"${'x'.repeat(2000)}"` }, range)).toEqual([null]);
  });

  it('are read as `examples/log_block.py` writes them', () => {
    const value =
      '{"new": "8", "old": "7", "from": "2026-11-21T10:00:00+00:00", "to": "2026-11-21T11:00:00+00:00", "a": 1, "b": 0, "z": 2}';
    const [block] = blocksInTags({ 'promotion.block.498682': value }, range);
    expect(readBlock(block)).toMatchObject({ series: 'rows', new: '8', old: '7', values: [1, 0, 2] });
  });

  it('are of the run that the model names, if that can be a run', () => {
    expect(monitorIn('a'.repeat(32))).toBe('a'.repeat(32));
    for (const tag of [undefined, '', '../x', 'a b', 'x'.repeat(200)]) expect(monitorIn(tag)).toBeNull();
  });
});

const SWITCH = 500_000;
const now = (hours = 0, minutes = 10) => new Date((SWITCH + hours) * HOUR_MS + minutes * 60_000);
const two = { ...release('2', 'a2'), change: arn('p0') };
const three = {
  ...release('3', 'a3'),
  ...{ change: arn('p1'), at: now().toISOString(), result: 'promoted' as const },
};
/** Version 3 has replaced version 2. */
const model = (): ModelItem & { live: typeof three } => ({
  ...itemWith({ live: three }),
  live: three,
  history: historyAfter({ live: two, history: [] }, three, { at: three.at, by: arn('p1'), bad: false }),
});
const policy = WatchFields.parse({});

describe('the item of a release', () => {
  it('is watched with a policy, and takes over the hours of the one before it', () => {
    const kept = {
      ...openItem({ ...model(), live: two }, null, null, now()),
      hours: filled(SWITCH - 168, SWITCH),
    };
    const item = openItem(model(), policy, { ...kept, rev: 7 }, now());
    expect(item).toMatchObject({
      ...{ rev: 7, promotion: arn('p1'), status: 'watching', attempt: 0, tells: [] },
      state: { pair, switched_at: three.at },
      hours: { artifact_id: 'a3', hours: [], next: SWITCH + 1 },
      before: { artifact_id: 'a2', next: SWITCH },
    });
    expect(item.before?.hours).toHaveLength(168);
    // The hour of the switch belongs to none.
    expect(missingHours(item.before ?? noHours(served, 0), SWITCH)).toEqual([]);
  });

  it('has nothing to compare the platform with where the artifact is the same, or another Workload served', () => {
    const [past] = model().history;
    for (const other of [{ artifact_id: 'a3' }, { workload_id: 'w9' }, { artifact_id: null }]) {
      const history = [{ ...past, ...other }] as ModelItem['history'];
      expect(openItem({ ...model(), history }, policy, null, now()).before).toBeNull();
    }
  });

  it('is not watched without a policy, or without a release before it', () => {
    expect(openItem(model(), null, null, now())).toMatchObject({ status: 'closed', state: null });
    expect(openItem({ ...model(), history: [] }, policy, null, now())).toMatchObject({ state: null });
  });

  it('counts nothing of the platform before everything before the release was asked for', () => {
    const item = openItem(model(), policy, null, now());
    const later = { ...item, hours: filled(SWITCH + 1, SWITCH + 3) };
    expect(platformBlocks(later)).toEqual([]);
    expect(platformBlocks({ ...later, before: filled(SWITCH - 168, SWITCH) })).toHaveLength(340);
    expect(platformBlocks({ ...later, before: null })).toHaveLength(4);
  });

  it('stays one that can be read, whatever comes', () => {
    const errors = (from: number, to: number) =>
      blocksOfHours({ ...served, hours: filled(from, to, 500).hours, next: to }, pair);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 12 }), (hours) => {
        let item = openItem(model(), policy, null, now());
        for (const hour of hours) {
          const blocks = errors(SWITCH - 100, SWITCH + hour);
          const more = { now: now(hour + 1), isWhole: hour % 3 > 0, owner: null };
          item = { ...advance(item, blocks, more).item, tells: [] };
          expect(WatchItem.parse(JSON.parse(JSON.stringify(item)))).toEqual(item);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('does not end while a source is away, but for some days', () => {
    const item = openItem(model(), policy, null, now());
    const ended = (hours: number, isWhole: boolean) =>
      advance(item, [], { now: now(hours), isWhole, owner: null }).item.status;
    expect([ended(193, false), ended(193, true), ended(300, false)]).toEqual([
      'watching',
      'unverified',
      'unverified',
    ]);
  });

  it('says where each series stands', () => {
    const { state } = openItem(model(), policy, null, now());
    if (state === null) throw new Error('not watched');
    expect(evidenceOf(state)).toMatchObject({ ...pair, series: [{ series: 'rows' }, {}, {}, {}] });
  });
});

describe('a rollback of a watch', () => {
  it('has a name that Step Functions takes, of its own for each promotion and attempt', () => {
    const promotions = [
      arn('e1'),
      arn('a'.repeat(80)),
      arn(`${'a'.repeat(79)}b`),
      arn('Ünï'),
      'direct:x',
      '',
    ];
    const names = promotions.flatMap((promotion) =>
      [1, 2, 999_999].map((attempt) => rollbackName({ promotion, attempt })),
    );
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
    expect(new Set(names).size).toBe(names.length);
  });

  it('is made again after pauses that double up to a day, and not before a cool-down ends', () => {
    let item = { ...openItem(model(), policy, null, now()), attempt: 1 };
    const pauses: number[] = [];
    for (let times = 0; times < 7; times += 1) {
      item = retried(item, now(), null);
      pauses.push((Date.parse(item.due_at ?? '') - now().getTime()) / HOUR_MS);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 24, 24]);
    expect(retried(item, now(), now(100).toISOString()).due_at).toBe(now(100).toISOString());
    expect(retried(item, now(), 'no time')).toMatchObject({ status: 'rollback_due', attempt: 9 });
  });
});

describe('a finding', () => {
  it('has an id of its own for each write, series and release', () => {
    const { state } = openItem(model(), policy, null, now());
    if (state === null) throw new Error('not watched');
    const tell = {
      found: 'worse',
      series: 'errors',
      rev: 3,
      evidence: evidenceOf(state),
      owner: null,
    } as const;
    const ids = [
      tellId(arn('p1'), tell),
      tellId(arn('p2'), tell),
      tellId(arn('p1'), { ...tell, rev: 4 }),
      tellId(arn('p1'), { ...tell, series: 'slow' }),
      tellId(arn('p1'), { ...tell, found: 'unproven', series: null }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^watch:p[12]-[0-9a-f]{12}:\d+:[a-z_]+/);
  });
});
