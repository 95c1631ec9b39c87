import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasUnfinishedPromotion,
  intentTag,
  markOn,
  markTag,
  recordId,
  recordsOn,
  resultTag,
  versionOf,
} from '../../lambdas/domain/promotion/record.ts';
import { intent, pascal, recorded, version } from '../support/registry.ts';

const promotion = intent({ id: 'p', to: '3', from: '2' });
const on = (tags: Record<string, string>) => [version(3, 'Production', { tags })];

describe('the record of a promotion', () => {
  it('is read back as it was written, with its result', () => {
    expect(recordsOn(on(recorded(promotion)))).toEqual([
      {
        ...promotion,
        holder: '3',
        result: { id: 'p', result: 'promoted', alert: 'sent', by: null, at: promotion.at },
      },
    ]);
    expect(recordsOn(on(recorded(promotion, null)))).toMatchObject([{ id: 'p', result: null }]);
  });

  it('comes newest first', () => {
    const older = intent({ id: 'o', to: '3', from: '1', at: '2026-11-01T00:00:00.000Z' });
    expect(recordsOn(on({ ...recorded(older), ...recorded(promotion) })).map(({ id }) => id)).toEqual([
      'p',
      'o',
    ]);
  });

  it('names who asked in the characters of a tag key, and is not longer than MLflow takes', () => {
    expect(recordId('arn:aws:states:us-east-1:123456789012:execution:promotion:nightly-7')).toBe('nightly-7');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (execution) => {
        expect(recordId(execution)).toMatch(/^[A-Za-z0-9_-]{1,100}$/);
      }),
    );
  });

  it('has a reason of bounded length', () => {
    const { value } = intentTag({ ...promotion, reason: 'x'.repeat(5000) });
    expect(JSON.parse(value)).toMatchObject({ schema: 2, reason: 'x'.repeat(1000) });
  });

  it.each([
    ['not JSON', { 'promotion.x': '{' }],
    ['of another id than its key', { 'promotion.x': intentTag(promotion).value }],
    ['without the version', { 'promotion.p': '{"kind":"promote","id":"p","at":"2026"}' }],
    [
      'a result alone',
      {
        'promotion.p.result': resultTag({ id: 'p', result: 'promoted', alert: 'sent', by: null, at: 'x' })
          .value,
      },
    ],
    ['another tag', { 'promoted.p': intentTag(promotion).value }],
  ])('is none where a tag is %s', (_, tags) => {
    expect(recordsOn(on(tags))).toEqual([]);
  });

  it('is without a result where that cannot be read', () => {
    const tags = { ...recorded(promotion, null), 'promotion.p.result': '{"id":"p","result":"won"}' };
    expect(recordsOn(on(tags))).toMatchObject([{ id: 'p', result: null }]);
  });
});

describe('the mark on a version that was taken out', () => {
  const mark = { id: 'b', to: '2', reason: 'DRIFT_SEVERE', by: 'Ada', at: '2026-11-21T09:00:00.000Z' };

  it('is read back as it was written', () => {
    const { key, value } = markTag(mark);
    expect(markOn(version(3, 'Archived', { tags: { [key]: value } }))).toEqual(mark);
  });

  it.each([{}, { rolled_back: '' }, { rolled_back: 'by hand' }, { rolled_back: '{}' }])(
    'is none where the tags are %j',
    (tags) => {
      expect(markOn(version(3, 'Archived', { tags }))).toBeNull();
    },
  );
});

describe('a promotion that the first version of this system left without a result', () => {
  /** As the first version wrote it: without `schema`. */
  const first = (more: Parameters<typeof intent>[0], result: object | null = null) => {
    const tags = recorded(intent(more), result);
    const key = `promotion.${more.id}`;
    const { schema: _, ...written } = JSON.parse(tags[key] ?? '');
    return { ...tags, [key]: JSON.stringify(written) };
  };

  it('is found on the version that it was to promote', () => {
    expect(hasUnfinishedPromotion(on(first({ id: 'p', to: '3', from: '2' })))).toBe(true);
  });

  it.each([
    ['it has a result', first({ id: 'p', to: '3', from: '2' }, {})],
    ['it was written by this version, which has an item', recorded(promotion, null)],
    ['it was a rollback', first({ kind: 'rollback', id: 'p', to: '2', from: '3' })],
    ['it stands on another version', first({ id: 'p', to: '4', from: '2' })],
    [
      'a newer one has ended',
      {
        ...first({ id: 'p', to: '3', from: '2', at: '2026-11-01T00:00:00.000Z' }),
        ...first({ id: 'q', to: '3', from: '2', at: '2026-11-02T00:00:00.000Z' }, {}),
      },
    ],
    ['there is none', {}],
  ])('is not found where %s', (_, tags) => {
    expect(hasUnfinishedPromotion(on(tags))).toBe(false);
  });
});

describe('the version that an artifact serves', () => {
  const serving = { workload_id: 'w1', artifact_id: 'a9', previous_artifact_id: null };

  it('is the one whose tag names it, else the one whose record does, else none', () => {
    const tagged = version(2, 'Production', { tags: { 'workload.artifact_id': 'a2' } });
    const of = pascal(tagged, version(3, 'Archived', { tags: recorded({ ...promotion, serving }) }));
    expect([versionOf(of, 'a2'), versionOf(of, 'a9'), versionOf(of, 'a1')]).toEqual(['2', '3', null]);
  });
});
