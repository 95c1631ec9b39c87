import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_HISTORY } from '../../lambdas/domain/limits.ts';
import {
  Change,
  historyAfter,
  isSameRelease,
  newestGood,
  PastRelease,
  Release,
  releaseKey,
  StoredRelease,
  touchedBy,
  union,
} from '../../lambdas/domain/release/release.ts';
import { emptyItem } from '../../lambdas/domain/release/store.ts';
import { attemptName } from '../../lambdas/use-cases/sweep-promotions.ts';
import { arn, change, itemWith, past, release, scaledTo } from '../support/releases.ts';

const two = release('2', 'a2');
const three = release('3', 'a3');

describe('the key of a release', () => {
  const whole = { ...two, draft: false, importance: 'low', runtime: scaledTo(2) };

  it('is the same for the same version, service and settings, whoever closed with it and when', () => {
    expect(releaseKey(whole)).toBe(releaseKey({ ...whole }));
    expect(release('2', 'a2', { change: 'x', at: 'y', adopted_by: 'Ada' }).key).toBe(two.key);
  });

  it.each([
    { version: '3' },
    { version: null },
    { workload_id: 'w2' },
    { artifact_id: 'a3' },
    { draft: true },
    { importance: 'high' },
    { runtime: scaledTo(3) },
    { runtime: null },
  ])('is another for %j: going back to it needs another request', (more) => {
    expect(releaseKey({ ...whole, ...more })).not.toBe(releaseKey(whole));
  });

  it('begins with the version, and has no # in it, which separates it from the name of the model', () => {
    expect(two.key).toMatch(/^2-[0-9a-f]{16}$/);
    expect(release(null, 'a#1').key).toMatch(/^none-[0-9a-f]{16}$/);
  });
});

describe('what is the same release', () => {
  it('has the version, the Workload and the artifact; settings and times may differ', () => {
    expect(isSameRelease(two, release('2', 'a2', { at: 'later', importance: 'high' }))).toBe(true);
    for (const other of [release('3', 'a2'), release('2', 'a3'), release('2'), { ...two, workload_id: 'w2' }])
      expect(isSameRelease(two, other)).toBe(false);
  });
});

describe('what may show', () => {
  it('is each version and artifact once; no champion is null, no serving half is nothing', () => {
    expect(touchedBy(two, null, three, two, release(null), release('4'))).toEqual({
      versions: ['2', '3', null, '4'],
      artifacts: ['a2', 'a3'],
    });
    expect(union()).toEqual({ versions: [], artifacts: [] });
  });
});

describe('the history', () => {
  const left = { at: '2026-11-20T12:00:00.000Z', by: arn('run-1'), bad: false };
  const item = itemWith({ live: two, history: [past('1', 'a1')] });

  it('begins with the release that was live, since when and until when', () => {
    expect(historyAfter(item, three, left)).toEqual([
      {
        ...{ key: two.key, version: '2', workload_id: 'w1', artifact_id: 'a2', since: two.at },
        ...{ left_at: left.at, left_by: 'run-1', good: true },
      },
      past('1', 'a1'),
    ]);
  });

  it('remembers what a rollback left as bad', () => {
    expect(historyAfter(item, three, { ...left, bad: true })[0]).toMatchObject({ version: '2', good: false });
  });

  it('stays as it is when the live release stays, or there was none', () => {
    expect(historyAfter(item, release('2', 'a2', { importance: 'high' }), left)).toEqual(item.history);
    expect(historyAfter(itemWith({ history: item.history }), three, left)).toEqual(item.history);
  });

  it('is bounded: the oldest goes', () => {
    const full = Array.from({ length: MAX_HISTORY }, (_, n) => past(String(n), `a${n}`));
    const next = historyAfter(itemWith({ live: two, history: full }), three, left);
    expect(next).toHaveLength(MAX_HISTORY);
    expect(next[0]?.version).toBe('2');
    expect(next.at(-1)?.version).toBe(String(MAX_HISTORY - 2));
  });
});

describe('where a rollback without a target goes', () => {
  it('is the newest release that was not left as a bad one, and is not live', () => {
    const history = [past('3', 'a3', { good: false }), past('2', 'a2'), past('1', 'a1')];
    expect(newestGood({ live: two, history })?.version).toBe('1');
    expect(newestGood({ live: three, history })?.version).toBe('2');
    expect(newestGood({ live: null, history })?.version).toBe('2');
    expect(newestGood({ live: two, history: history.slice(0, 2) })).toBeNull();
  });

  it('is never a time without a champion', () => {
    expect(newestGood({ live: two, history: [past(null, 'a0'), past('1')] })?.version).toBe('1');
  });

  it('is never what is live, and never bad, whatever the history', () => {
    const pasts = fc
      .tuple(fc.constantFrom(null, '1', '2', '3'), fc.boolean())
      .map(([version, good]) => past(version, 'a', { good }));
    fc.assert(
      fc.property(fc.option(fc.constantFrom(two, three)), fc.array(pasts), (live, history) => {
        const found = newestGood({ live, history });
        const fit = history.filter((each) => each.good && each.version && each.version !== live?.version);
        expect(found).toEqual(fit[0] ?? null);
      }),
    );
  });
});

describe('what is stored', () => {
  it('reads back as it was', () => {
    const open = change(two, three);
    expect(StoredRelease.parse(JSON.parse(JSON.stringify(two)))).toEqual(two);
    expect(Change.parse(JSON.parse(JSON.stringify(open)))).toEqual(open);
    expect(PastRelease.parse(past('1', 'a1'))).toEqual(past('1', 'a1'));
  });

  it('may lack what a later version adds with a default, and nothing else', () => {
    const { draft: _, adopted_by: __, importance: ___, ...older } = release('2', 'a2');
    expect(Release.parse(older)).toMatchObject({ draft: false, adopted_by: null, importance: null });
    expect(Release.safeParse({ ...older, change: undefined }).success).toBe(false);
    expect(Change.safeParse({ ...change(two, three), attempts: -1 }).success).toBe(false);
  });

  it('of a model that nothing has touched is nothing', () => {
    expect(emptyItem('m')).toMatchObject({ fence: 0, live: null, change: null, told: null, history: [] });
  });
});

describe('the name of an attempt', () => {
  const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });

  it('is one that Step Functions takes, however long the change and however often it was attempted', () => {
    fc.assert(
      fc.property(names, fc.nat(100_000), (id, attempts) => {
        expect(attemptName({ id, attempts })).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
      }),
    );
  });

  it('is another for each change and each attempt', () => {
    const long = arn('x'.repeat(80));
    const attempts = [0, 1, 2].map((n) => attemptName({ id: long, attempts: n }));
    const others = [`${long}y`, 'direct:1', arn('run-1')].map((id) => attemptName({ id, attempts: 0 }));
    expect(new Set([...attempts, ...others]).size).toBe(6);
    expect(attempts[0]).toBe(attemptName({ id: long, attempts: 0 }));
  });
});
