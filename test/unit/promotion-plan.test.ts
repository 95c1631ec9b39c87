import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_FENCE_JUMP } from '../../lambdas/domain/limits.ts';
import {
  afterMove,
  championBefore,
  FENCE_TAG,
  movesTo,
  recordedFence,
  refusalOf,
  requestedVersion,
} from '../../lambdas/domain/promotion/promotion-plan.ts';
import {
  champions,
  isSoleChampion,
  type ModelVersion,
  type RegistryMode,
  type RegistryView,
} from '../../lambdas/domain/registry.ts';
import { intent, pascal, recorded, version, view } from '../support/registry.ts';

describe('which version is promoted', () => {
  const requested = (
    of: RegistryView,
    new_version: string | null = null,
    mode: RegistryMode = 'stages',
    ownId = 'own',
  ) => requestedVersion(of, mode, { new_version }, ownId);

  it('is the version that is named', () => {
    expect(requested(pascal(), '1')).toBe('1');
  });

  it('is the newest Staging version when none is named', () => {
    const two = pascal(version(2, 'Production'), version(9, 'Staging'), version(10, 'Staging'));
    expect(requested(two)).toBe('10');
  });

  it('is no Staging version that was rolled back', () => {
    const bad = pascal(version(2, 'Production'), version(3, 'Staging', { tags: { rolled_back: '{}' } }));
    expect(requested(bad)).toBeNull();
  });

  it('is @challenger in mode aliases', () => {
    const aliased = view([version(1), version(2)], { aliases: { champion: '1', challenger: '2' } });
    expect(requested(aliased, null, 'aliases')).toBe('2');
  });

  it('is the same one when the same request comes again, however it had ended', () => {
    for (const result of [null, {}]) {
      const tags = recorded(intent({ id: 'r1', to: '3', from: '2' }), result);
      const done = pascal(version(2, 'Archived'), version(3, 'Production', { tags }), version(4, 'Staging'));
      expect(requested(done, null, 'stages', 'r1')).toBe('3');
      expect(requested(done, null, 'stages', 'r2')).toBe('4');
    }
  });

  it('is not one that the record of a rollback names', () => {
    const tags = recorded(intent({ kind: 'rollback', id: 'r1', to: '2', from: '3' }));
    expect(
      requested(pascal(version(2, 'Production'), version(3, 'Archived', { tags })), null, 'stages', 'r1'),
    ).toBeNull();
  });
});

describe('what is refused', () => {
  const pending = pascal(version(2, 'Production'), version(3, 'Staging', { status: 'PENDING_REGISTRATION' }));

  it.each<[string, RegistryView, string, string | null | undefined, object | null]>([
    ['an unknown version', pascal(), '7', undefined, { code: 'version-missing', version: '7' }],
    [
      'a version that is not READY',
      pending,
      '3',
      undefined,
      { code: 'not-ready', version: '3', status: 'PENDING_REGISTRATION' },
    ],
    [
      'another champion than expected',
      pascal(),
      '3',
      '1',
      { code: 'other-champion', champions: ['2'], expected: '1' },
    ],
    [
      'a champion where none is expected',
      pascal(),
      '3',
      null,
      { code: 'other-champion', champions: ['2'], expected: null },
    ],
    [
      'a second champion beside the expected one',
      pascal(version(2, 'Production'), version(3, 'Staging'), version(4, 'Production')),
      '3',
      '2',
      { code: 'other-champion', champions: ['4', '2'], expected: '2' },
    ],
    [
      'no champion where one is expected',
      pascal(version(3, 'Staging')),
      '3',
      '2',
      { code: 'no-champion', expected: '2' },
    ],
    ['nothing where the champion is the expected one', pascal(), '3', '2', null],
    ['nothing where none is expected, and there is none', pascal(version(3, 'Staging')), '3', null, null],
    ['nothing where nothing is expected', pascal(), '3', undefined, null],
    ['nothing of the champion itself, whatever is expected', pascal(), '2', '1', null],
  ])('is %s', (_, of, promoted, expected, refusal) => {
    expect(refusalOf(of, 'stages', promoted, expected)).toEqual(refusal);
  });
});

describe('the champion before', () => {
  it('is the one that is archived', () => {
    expect(championBefore(pascal(), 'stages', '3')).toBe('2');
    expect(championBefore(pascal(), 'stages', '2')).toBeNull();
    expect(championBefore(pascal(), 'stages', null)).toBe('2');
  });

  it('is none when its version was deleted and only the alias is left', () => {
    const dangling = view([version(3)], { aliases: { champion: '2', challenger: '3' } });
    expect(championBefore(dangling, 'aliases', '3')).toBeNull();
  });
});

describe('the fence in the registry', () => {
  const withTag = (value: string) => view([version(1)], { tags: { [FENCE_TAG]: value } });

  it('counts on where the table was lost', () => {
    expect(recordedFence(withTag('41'), 3)).toBe(41);
    expect(recordedFence(withTag('2'), 3)).toBe(2);
    expect(recordedFence(pascal(), 3)).toBe(0);
  });

  it('is believed up to a jump that a lost table could explain', () => {
    expect(recordedFence(withTag(String(3 + MAX_FENCE_JUMP)), 3)).toBe(3 + MAX_FENCE_JUMP);
    expect(recordedFence(withTag(String(4 + MAX_FENCE_JUMP)), 3)).toBe(0);
  });

  it.each(['9007199254740991', '1e300', 'NaN', '-1', '0.5', '', '7 8', '0x10000000', '９'])(
    'is not believed as %j',
    (value) => {
      expect(recordedFence(withTag(value), 1)).toBe(0);
    },
  );
});

describe('the reading after the write', () => {
  it.each([
    ['ours alone', pascal(version(2, 'Archived'), version(3, 'Production')), 'done'],
    ['still the old one', pascal(), 'again'],
    ['both', pascal(version(2, 'Production'), version(3, 'Production')), 'again'],
    ['ours and a stranger', pascal(version(3, 'Production'), version(4, 'Production')), 'contested'],
    ['a stranger alone', pascal(version(3, 'Archived'), version(4, 'Production')), 'contested'],
    ['none', pascal(version(3, 'Archived')), 'again'],
  ] as const)('with %s in Production says %3$s', (_, of, expected) => {
    expect(afterMove(of, 'stages', '3', ['2', '3'])).toBe(expected);
  });

  it('says again in mode both while only one pointer follows', () => {
    const half = view([version(2, 'Archived'), version(3, 'Production')], { aliases: { champion: '2' } });
    expect(afterMove(half, 'both', '3', ['2', '3'])).toBe('again');
    expect(afterMove(half, 'both', '3', ['3'])).toBe('contested');
  });
});

describe('the writes of a promotion', () => {
  const numbers = fc.integer({ min: 1, max: 6 });
  const registries = fc.record({
    stages: fc.array(fc.constantFrom('None', 'Staging', 'Production', 'Archived'), {
      minLength: 6,
      maxLength: 6,
    }),
    champion: fc.option(numbers, { nil: undefined }),
    target: numbers,
    mode: fc.constantFrom<RegistryMode>('stages', 'aliases', 'both'),
  });

  /** What MLflow documents: the transition archives every other version of the stage. */
  const applyOne = (now: RegistryView, move: ReturnType<typeof movesTo>[number]): RegistryView => {
    if (move.kind === 'alias') {
      return {
        ...now,
        model: { ...now.model, aliases: { ...now.model.aliases, [move.alias]: move.version } },
      };
    }
    const stage = (v: ModelVersion) =>
      v.version === move.version ? 'Production' : v.stage === 'Production' ? 'Archived' : v.stage;
    return { ...now, versions: now.versions.map((v) => ({ ...v, stage: stage(v) })) };
  };
  const apply = (of: RegistryView, moves: ReturnType<typeof movesTo>) => moves.reduce(applyOne, of);

  it('make the version the only champion from any state, in every mode, and once or twice is the same', () => {
    fc.assert(
      fc.property(registries, ({ stages, champion, target, mode }) => {
        const versions = stages.map((stage, index) => version(index + 1, stage));
        const before = view(versions, {
          aliases: champion === undefined ? {} : { champion: String(champion) },
        });
        const from = champions(before, mode).find((v) => v !== String(target)) ?? null;
        const moves = movesTo(String(target), from, mode);
        const once = apply(before, moves);
        expect(isSoleChampion(once, mode, String(target))).toBe(true);
        expect(apply(once, moves)).toEqual(once);
      }),
    );
  });

  it('never leave a model without a champion in between', () => {
    fc.assert(
      fc.property(registries, ({ stages, champion, target, mode }) => {
        const versions = stages.map((stage, index) => version(index + 1, stage));
        const before = view(versions, {
          aliases: champion === undefined ? {} : { champion: String(champion) },
        });
        if (champions(before, mode).length === 0) return;
        const moves = movesTo(String(target), null, mode);
        for (let done = 1; done <= moves.length; done += 1) {
          expect(champions(apply(before, moves.slice(0, done)), mode).length).toBeGreaterThan(0);
        }
      }),
    );
  });
});
