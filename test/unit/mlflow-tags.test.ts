import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedTags, tagLimits, versionTags } from '../../lambdas/adapters/mlflow/tags.ts';
import { DECISION_TAGS, type ModelVersion } from '../../lambdas/domain/registry.ts';

const NOW = new Date('2026-11-21T10:00:00Z');
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000).toISOString();
const record = (id: string, seconds: number) => ({
  [`promotion.${id}`]: JSON.stringify({ kind: 'promote', id, at: at(seconds) }),
});
const many = (count: number, tag: (index: number) => Record<string, string>): Record<string, string> =>
  Object.assign({}, ...Array.from({ length: count }, (_, index) => tag(index)));
const decisive = Object.fromEntries(DECISION_TAGS.map((key) => [key, `value of ${key}`]));
const version = (number: number, tags: Record<string, string>): ModelVersion => ({
  version: String(number),
  stage: 'None',
  status: 'READY',
  runId: null,
  tags,
});

describe('the tags of one model or version', () => {
  it('are all kept where they are few', () => {
    const tags = {
      ...decisive,
      ...record('e1', -60),
      'promotion.e1.result': '{}',
      team: 'x',
      '__proto__.y': '',
    };
    expect(boundedTags(tags, NOW)).toEqual(tags);
  });

  it('that decisions read are kept, whatever others there are', () => {
    const tag = fc.tuple(
      fc.oneof(fc.string(), fc.constantFrom('promotion.', 'promotion.x.result', ...DECISION_TAGS)),
      fc.string({ maxLength: 30 }),
    );
    fc.assert(
      fc.property(
        fc.array(tag, { maxLength: 400 }),
        fc.constantFrom('a', 'zz', 'promotion.'),
        (tags, stem) => {
          const others = many(300, (index) => ({ [`${stem}${index}`]: 'x' }));
          const all = { ...others, ...Object.fromEntries(tags), ...decisive };
          const kept = boundedTags(all, NOW);
          expect(kept).toMatchObject(decisive);
          expect(Object.keys(kept).length).toBeLessThanOrEqual(
            DECISION_TAGS.length + 2 * tagLimits.records + tagLimits.others,
          );
        },
      ),
    );
  });

  it('that are records are kept from the newest on, each with its result', () => {
    const records = many(200, (index) => ({
      ...record(`e${index}`, -index * 60),
      [`promotion.e${index}.result`]: JSON.stringify({ id: `e${index}`, at: at(-index * 60 + 30) }),
    }));
    const kept = Object.keys(boundedTags(records, NOW));
    expect(kept).toHaveLength(2 * tagLimits.records);
    for (const index of [0, 1, tagLimits.records - 1]) {
      expect(kept).toContain(`promotion.e${index}`);
      expect(kept).toContain(`promotion.e${index}.result`);
    }
  });

  it('that are forged records, of a time to come or none, push out no true one', () => {
    const truth = record('true', -3_600);
    for (const forged of [
      many(1_000, (index) => ({ [`promotion.zz${index}`]: '{"at":"2999-01-01T00:00:00Z"}' })),
      many(1_000, (index) => ({ [`promotion.zz${index}`]: 'x' })),
      many(1_000, (index) => ({ [`promotion.zz${index}`]: '{"at":"yesterday, or so"}' })),
    ])
      expect(boundedTags({ ...forged, ...truth }, NOW)).toMatchObject(truth);
  });

  it('are cut to a length, so that a mark remains a mark', () => {
    const kept = boundedTags({ rolled_back: 'x'.repeat(5_000_000), note: 'y'.repeat(5_000_000) }, NOW);
    expect(kept['rolled_back']).toBe('x'.repeat(tagLimits.value));
    expect(kept['note']).toHaveLength(tagLimits.value);
  });
});

describe('the tags of all versions of a model', () => {
  it('are bounded together, from the highest version on, but for those that decisions read', () => {
    const bounded = versionTags(NOW);
    const large = many(50, (index) => ({ [`note${index}`]: 'x'.repeat(20_000) }));
    const kept = Array.from({ length: 40 }, (_, index) =>
      bounded(version(40 - index, { ...large, ...decisive })),
    );
    for (const { tags } of kept) expect(tags).toMatchObject(decisive);
    const full = kept.filter(({ tags }) => 'note0' in tags).map((each) => Number(each.version));
    expect(full).toEqual(Array.from({ length: full.length }, (_, index) => 40 - index));
    expect(full.length).toBeGreaterThan(10);
    expect(JSON.stringify(kept).length).toBeLessThan(tagLimits.allVersions + 100_000);
  });
});

it('every tag that the code names is among those that decisions read', () => {
  const root = new URL('../../', import.meta.url);
  const texts = globSync('lambdas/**/*.ts', { cwd: root }).map((path) =>
    readFileSync(new URL(path, root), 'utf8'),
  );
  // Tags of runs are MLflow's own, and not bounded.
  const named = texts.flatMap((text) =>
    [...text.matchAll(/_TAG = '(?!mlflow\.)([^']+)'/g)].map(([, key]) => key),
  );
  expect(named.length).toBeGreaterThan(3);
  expect(DECISION_TAGS).toEqual(expect.arrayContaining(named));
});
