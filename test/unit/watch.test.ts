import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  betsOnNotWorse,
  betsOnWorse,
  growthOf,
  logMean,
  logOfPlain,
} from '../../lambdas/domain/watch/bets.ts';
import type { SeriesName } from '../../lambdas/domain/watch/block.ts';
import { WatchFields } from '../../lambdas/domain/watch/policy-watch.ts';
import { rateBound } from '../../lambdas/domain/watch/series.ts';
import { WatchState } from '../../lambdas/domain/watch/state.ts';
import { continueWatch, deadlineOf, openWatch, type WatchStep } from '../../lambdas/domain/watch/watch.ts';

/** Hours since 1970 at which the new version began to serve. */
const SWITCH = 500_000;
const HOUR = 3_600_000;
const at = (hours: number) => new Date((SWITCH + hours) * HOUR);

/** A block of the hour that begins so many hours after the switch. */
function block<T extends object>(hour: number, values: T, series: SeriesName = 'rows') {
  return {
    series,
    index: SWITCH + hour,
    from: at(hour).toISOString(),
    to: at(hour + 1).toISOString(),
    new: '8',
    old: '7',
    ...values,
  };
}

const rows = (hour: number, a: number, b: number, z = 1000 - a - b) => block(hour, { a, b, z });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const mixed = (hour: number) => (hour * 7919 + 168 * 7919) % 13;
/** A week before the release in which the versions are equally good. */
const before = range(-168, 0).map((hour) => rows(hour, 44 + mixed(hour), 50));
const errorsBefore = range(-168, 0).map((hour) => block(hour, { n: 1000, x: mixed(hour) % 5 }, 'errors'));

function opened(series: SeriesName[] = ['rows'], policy: object = {}): WatchState {
  return openWatch({
    policy: WatchFields.parse(policy),
    pair: { new: '8', old: '7' },
    switchedAt: at(0),
    series,
  });
}

/** Looks when all these blocks are complete. */
const look = (state: WatchState, blocks: readonly unknown[], hours = 160): WatchStep =>
  continueWatch(state, blocks, at(hours));

describe('a release with outcomes of both versions for the same requests', () => {
  const bad = range(0, 40).map((hour) => rows(hour, 90, 40));
  const good = range(0, 160).map((hour) => rows(hour, 45, 50));

  it('is rolled back as soon as it is shown to be worse', () => {
    const { state, verdict, tells, standings } = look(opened(), [...before, ...bad]);
    expect(verdict).toBe('rollback');
    expect(tells).toEqual([{ code: 'worse', series: 'rows' }]);
    expect(standings[0]?.worse?.ln).toBeGreaterThanOrEqual(Math.log(100));
    expect(standings[0]).toMatchObject({ decides: true, before: 168 });
    expect(standings[0]?.worse?.needed).toBeCloseTo(Math.log(100), 12);
    expect(standings[0]?.interval?.[0]).toBeGreaterThan(0);
    // The blocks after the verdict are not looked at.
    expect(state.series.rows?.blocks).toBeLessThan(40);
  });

  it('is tested with a stake for each block, of the rows that its margin leaves', () => {
    const alike = range(-168, 0).map((hour) => rows(hour, 50, 50));
    const blocks = [rows(0, 50, 50), rows(1, 70, 30), rows(2, 70, 30)];
    const { verdict, standings } = look(opened(['rows'], { margin: 0.005, alpha: 0.005 }), [
      ...alike,
      ...blocks,
    ]);
    expect(verdict).toBe('go_on');
    expect(standings[0]).toMatchObject({ phi: 1, blocks: 3 });
    expect(standings[0]?.worse?.ln).toBeCloseTo(5.114676, 6);
  });

  it('stays rolled back whatever comes', () => {
    const { state } = look(opened(), [...before, ...bad]);
    const again = look(state, [...before, ...bad, ...good.slice(60)]);
    expect(again).toMatchObject({ verdict: 'rollback', state, tells: [] });
  });

  it('is confirmed as soon as it is shown not to be worse by the margin', () => {
    const { state, verdict, standings } = look(opened(), [...before, ...good]);
    expect(verdict).toBe('keep');
    expect(state.ended).toBe('keep');
    expect(standings[0]?.not_worse?.ln).toBeGreaterThanOrEqual(Math.log(20));
    expect(standings[0]?.interval?.[1]).toBeLessThanOrEqual(0.01);
    expect(look(state, good).verdict).toBe('go_on');
  });

  it('is not decided on without a week before it, but told of', () => {
    const short = [...before.slice(1), ...bad];
    const { state, verdict, tells, standings } = look(opened(), short);
    expect(verdict).toBe('go_on');
    expect(tells).toEqual([{ code: 'worse', series: 'rows' }]);
    expect(standings[0]).toMatchObject({ decides: false, phi: null, blocks: 40 });
    expect(look(state, short).tells).toEqual([]);
    // What comes late from before the release does not change that.
    expect(look(state, before).standings[0]?.phi).toBeNull();
  });

  it('is told of only, where the policy says so; what is called worse is not confirmed later', () => {
    const state = opened(['rows'], { on_worse: { rows: 'alert' } });
    const later = range(40, 160).map((hour) => rows(hour, 10, 60));
    const step = look(state, [...before, ...bad, ...later]);
    expect(step).toMatchObject({ verdict: 'go_on', state: { ended: null } });
    expect(step.tells.map(({ code }) => code)).toEqual(['worse', 'not_worse']);
  });

  it('is unproven after its hours, with an interval', () => {
    const little = range(0, 168).map((hour) => rows(hour, 1, 1, 18));
    const { verdict, standings, state } = look(opened(), [...before, ...little], 200);
    expect(verdict).toBe('unproven');
    const [lower = 0, upper = 0] = standings[0]?.interval ?? [];
    expect(lower).toBeLessThan(0);
    expect(upper).toBeGreaterThan(0.01);
    expect(standings[0]).toMatchObject({ estimate: 0, level: 0.9 });
    expect(look(state, little, 201).verdict).toBe('go_on');
  });

  it('is unproven when its last block must have come', () => {
    const state = opened(['rows'], { maturity_hours: 48 });
    expect(deadlineOf(state)).toBe(at(168 + 48 + 24).getTime());
    const blocks = [...before, rows(3, 1, 1, 8)];
    expect(look(state, blocks, 239).verdict).toBe('go_on');
    expect(look(state, blocks, 240).verdict).toBe('unproven');
  });

  it('is unverified without a row', () => {
    expect(look(opened(), [], 192).verdict).toBe('unverified');
    expect(look(opened(), before, 192).verdict).toBe('unverified');
    const empty = range(0, 168).map((hour) => rows(hour, 0, 0, 0));
    expect(look(opened(), [...before, ...empty], 168)).toMatchObject({
      verdict: 'unverified',
      standings: [{ estimate: null, interval: null, worse: null }],
    });
  });

  it('is guarded after the verdict: one alarm, then from the start again', () => {
    const { state } = look(opened(), [...before, ...good]);
    const late = range(200, 240).map((hour) => rows(hour, 120, 40));
    const { verdict, tells, state: after } = look(state, late.slice(0, 12), 300);
    expect(verdict).toBe('guard_alarm');
    expect(tells[0]).toEqual({ code: 'guard_alarm', series: 'rows' });
    expect(after.ended).toBe('keep');
    expect(look(after, late.slice(0, 12), 300)).toMatchObject({ verdict: 'go_on', tells: [] });
  });
});

describe('hours that differ from each other before the release', () => {
  const varied = range(-168, 0).map((hour) => rows(hour, mixed(hour) < 6 ? 20 : 80, 50));
  const after = look(opened(), [...varied, rows(0, 52, 50), rows(1, 45, 50)]);
  const phi = after.standings[0]?.phi ?? 0;

  it('make rows count as fewer, for either verdict', () => {
    expect(phi).toBeGreaterThan(5);
    expect(after.verdict).toBe('go_on');
    const expected = logOfPlain(betsOnNotWorse(0.01), [97, 100, 1803], phi);
    expect(after.standings[0]?.not_worse?.ln).toBeCloseTo(expected, 12);
  });

  it('make rows count as fewer in the guard', () => {
    const state: WatchState = { ...after.state, ended: 'unproven' };
    const { standings } = look(state, [rows(2, 80, 40)]);
    const growth = growthOf(betsOnWorse(0), [80, 40, 880], phi);
    expect(standings[0]?.guard?.ln).toBeCloseTo(logMean(growth), 12);
    expect(standings[0]?.guard?.needed).toBe(Math.log(43_800));
  });

  it('make the rate before less certain, which takes a quarter of the risk', () => {
    const bursts = range(-168, 0).map((hour) =>
      block(hour, { n: 1000, x: mixed(hour) < 6 ? 0 : 9 }, 'errors'),
    );
    const { state } = look(opened(['errors']), [...bursts, block(0, { n: 1000, x: 5 }, 'errors')]);
    const { phi, bound, counts } = state.series.errors?.prior ?? { phi: null, bound: null, counts: [] };
    expect(phi).toBeGreaterThan(3);
    expect(bound).toBeCloseTo(rateBound(counts, phi ?? 0, 1 - 0.01 / 4), 12);
    expect(counts).toEqual([
      bursts.reduce((sum, each) => sum + each.x, 0),
      168_000 - bursts.reduce((sum, each) => sum + each.x, 0),
    ]);
  });
});

describe('rates before and after', () => {
  const worse = range(0, 100).map((hour) => block(hour, { n: 1000, x: 30 }, 'errors'));

  it('are told of by default', () => {
    const { verdict, tells, standings } = look(opened(['errors']), [...errorsBefore, ...worse]);
    expect(verdict).toBe('go_on');
    expect(tells).toEqual([{ code: 'worse', series: 'errors' }]);
    // A quarter of the risk is spent on the bound of the rate before.
    expect(standings[0]?.worse?.needed).toBeCloseTo(Math.log(4 / 0.03), 12);
    expect(standings[0]?.not_worse).toBeNull();
    expect(standings[0]?.interval?.[0]).toBeGreaterThan(0);
  });

  it('roll back where the policy says so, and share the risk', () => {
    const state = opened(['rows', 'errors', 'slow'], { on_worse: { rates: 'rollback' } });
    expect(Object.values(state.series).map(({ alpha }) => alpha)).toEqual(new Array(3).fill(0.01 / 3));
    expect(look(state, [...errorsBefore, ...worse]).verdict).toBe('rollback');
  });

  it('are unverified without any from before', () => {
    expect(look(opened(['errors']), worse, 192)).toMatchObject({
      verdict: 'unverified',
      standings: [{ worse: null, estimate: null }],
    });
  });

  it('are unproven where nothing has changed', () => {
    const same = range(0, 168).map((hour) => block(hour, { n: 1000, x: mixed(hour) % 5 }, 'errors'));
    expect(look(opened(['errors']), [...errorsBefore, ...same], 168)).toMatchObject({
      verdict: 'unproven',
      tells: [],
    });
  });
});

describe('one difference for each block', () => {
  const noise = (hour: number) => ((mixed(hour) - 6) / 6) * 0.01;
  const metric = (hour: number, worseBy: number) =>
    block(hour, { d_new: 0.3 + noise(hour) + worseBy, d_old: 0.3, n: 500 }, 'differences');
  const prior = range(-24, 0).map((hour) => metric(hour, 0));

  it('only tells, from the twelfth block on', () => {
    const later = range(0, 40).map((hour) => metric(hour, 0.03));
    const early = look(opened(['differences']), [...prior, ...later.slice(0, 11)]);
    expect(early.standings[0]).toMatchObject({ worse: null, decides: false });
    const step = look(early.state, later);
    expect(step).toMatchObject({ verdict: 'go_on', tells: [{ code: 'worse', series: 'differences' }] });
    const [lower = 0, upper = 0] = step.standings[0]?.interval ?? [];
    expect(lower).toBeGreaterThan(0.02);
    expect(upper).toBeLessThan(0.04);
  });

  it('goes the other way where higher is better', () => {
    const later = range(0, 40).map((hour) => metric(hour, 0.03));
    const { tells } = look(opened(['differences'], { better: 'higher' }), [...prior, ...later]);
    expect(tells).toEqual([]);
  });

  it('says nothing without twelve blocks from before', () => {
    const later = range(0, 40).map((hour) => metric(hour, 0.03));
    const { tells, standings } = look(opened(['differences']), [...prior.slice(13), ...later]);
    expect(tells).toEqual([]);
    expect(standings[0]).toMatchObject({ worse: null, interval: null });
  });
});

describe('a block counts', () => {
  const first = look(opened(), [...before, rows(2, 60, 40)]).state;

  it('once', () => {
    expect(look(first, [rows(2, 60, 40)])).toMatchObject({ state: first, ignored: [] });
  });

  it('as it came first; a change is reported once', () => {
    const changed = look(first, [rows(2, 50, 50)]);
    expect(changed.ignored).toEqual([{ why: 'changed', series: 'rows', index: SWITCH + 2 }]);
    expect(changed.standings).toEqual(look(first, []).standings);
    expect(look(changed.state, [rows(2, 50, 50)]).ignored).toEqual([]);
  });

  it('when it comes, however late', () => {
    expect(look(first, [rows(1, 50, 50)]).state.series.rows?.blocks).toBe(2);
  });

  it.each([
    ['other_pair', { ...rows(3, 1, 1), old: '6' }],
    ['not_watched', block(3, { n: 10, x: 1 }, 'slow')],
    ['not_complete', rows(160, 1, 1)],
    ['invalid', { ...rows(3, 1, 1), a: 0.5 }],
    ['invalid', { ...rows(3, 1, 1), a: -1 }],
    ['invalid', { ...rows(3, 1, 1), a: 1e300 }],
    ['invalid', { ...rows(3, 1, 1), a: Number.NaN }],
    ['invalid', { ...rows(3, 1, 1), a: null }],
    ['invalid', { ...rows(3, 1, 1), index: SWITCH + 4 }],
    ['invalid', { ...rows(3, 1, 1), to: at(5).toISOString() }],
    ['invalid', { ...rows(3, 1, 1), to: at(3).toISOString() }],
    ['invalid', block(3, { n: 10, x: 11 }, 'errors')],
    ['invalid', block(3, { d_new: 1e300, d_old: 0, n: 1 }, 'differences')],
    ['invalid', null],
    ['invalid', 'block'],
  ])('not if it is %s', (why, offered) => {
    const step = look(first, [offered]);
    expect(step.ignored.map((each) => each.why)).toEqual([why]);
    expect(step.state).toEqual(first);
  });

  it('not if the release came within it', () => {
    const state = { ...opened(), switched_at: at(0.5).toISOString() };
    const part = { ...rows(0, 1, 1), from: at(0.5).toISOString() };
    expect(look(state, [rows(0, 1, 1)]).ignored.map(({ why }) => why)).toEqual(['straddles_switch']);
    expect(look(state, [part]).state.series.rows?.blocks).toBe(1);
  });

  it('not if it is older than what is remembered; the state does not grow', () => {
    const hours = range(0, 1200).map((hour) => rows(hour, 50, 50));
    const { state } = look(opened(), [...before, ...hours.slice(1)], 1200);
    expect(look(state, hours, 1200).ignored).toContainEqual({
      why: 'too_old',
      series: 'rows',
      index: SWITCH,
    });
    expect(Object.keys(state.series.rows?.counted ?? {})).toHaveLength(1024);
    expect(JSON.stringify(state).length).toBeLessThan(40_000);
  });
});

const Count = fc.oneof(fc.nat(100), fc.nat(1e9));
const AnyBlock = fc
  .record({
    hour: fc.integer({ min: -40, max: 60 }),
    rows: fc.record({ a: Count, b: Count, z: Count }),
    rate: fc
      .tuple(Count, Count)
      .map(([x, rest]) => ({ x: Math.min(x, 5e8), n: Math.min(x, 5e8) + Math.min(rest, 5e8) })),
    means: fc.record({
      d_new: fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      d_old: fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      n: Count,
    }),
    series: fc.constantFrom<SeriesName>('rows', 'differences', 'errors'),
  })
  .map(({ hour, series, ...of }) =>
    block(hour, series === 'rows' ? of.rows : series === 'errors' ? of.rate : of.means, series),
  );
/** At most one block for each hour and series, with or without a week before the release. */
const Blocks = fc
  .tuple(
    fc.boolean(),
    fc.uniqueArray(AnyBlock, { maxLength: 40, selector: ({ series, index }) => `${series}${index}` }),
  )
  .map(([week, blocks]) => {
    const later = week ? blocks.filter(({ index }) => index >= SWITCH) : blocks;
    return week ? [...before, ...errorsBefore, ...later] : later;
  });
const watched: SeriesName[] = ['rows', 'differences', 'errors'];
const policies = fc.constantFrom<object>(
  {},
  { on_worse: { rows: 'alert', rates: 'rollback' }, hours: 48 },
  { keep_margin: 0.5, margin: 0.2 },
);

describe('any blocks', () => {
  it('give the same in any order', () => {
    fc.assert(
      fc.property(
        policies,
        Blocks.chain((blocks) =>
          fc.tuple(fc.constant(blocks), fc.shuffledSubarray(blocks, { minLength: blocks.length })),
        ),
        (policy, [blocks, shuffled]) => {
          expect(look(opened(watched, policy), shuffled)).toEqual(look(opened(watched, policy), blocks));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('give the same one by one or together', () => {
    fc.assert(
      fc.property(policies, Blocks, (policy, blocks) => {
        const together = look(opened(watched, policy), blocks, 61);
        const sorted = [...blocks].sort(
          (a, b) => a.index - b.index || watched.indexOf(a.series) - watched.indexOf(b.series),
        );
        let state = opened(watched, policy);
        const tells: unknown[] = [];
        for (const each of sorted) {
          const step = look(state, [each], 61);
          state = step.state;
          tells.push(...step.tells);
        }
        expect(state).toEqual(together.state);
        expect(tells).toEqual(together.tells);
      }),
      { numRuns: 30 },
    );
  });

  it('change nothing a second time', () => {
    fc.assert(
      fc.property(policies, Blocks, (policy, blocks) => {
        const { state, standings } = look(opened(watched, policy), blocks);
        expect(look(state, blocks)).toMatchObject({ state, standings, tells: [] });
      }),
      { numRuns: 30 },
    );
  });

  it('leave a state that JSON keeps whole', () => {
    fc.assert(
      fc.property(policies, Blocks, (policy, blocks) => {
        const { state, standings } = look(opened(watched, policy), blocks, 400);
        expect(WatchState.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
        expect(JSON.parse(JSON.stringify(standings))).toEqual(standings);
      }),
      { numRuns: 60 },
    );
  });

  it('may be anything at all', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.anything(), fc.record({ ...fcBlock() }))), (offered) => {
        const { ignored } = look(opened(watched), offered);
        expect(ignored.length).toBe(offered.length);
      }),
      { numRuns: 200 },
    );
  });
});

/** Blocks of which the numbers are anything but counts. */
function fcBlock() {
  const hostile = fc.oneof(
    fc.double({ max: -1 }),
    fc.constantFrom(1e300, 0.5, '1', null, [], {}, Number.NaN),
  );
  return {
    ...Object.fromEntries(Object.entries(rows(1, 1, 1)).map(([key, value]) => [key, fc.constant(value)])),
    a: hostile,
    b: hostile,
  };
}
