import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterMove, movesTo, promotionPlan } from '../../lambdas/domain/promotion/promotion-plan.ts';
import {
  champions,
  isSoleChampion,
  type ModelVersion,
  type RegistryMode,
  type RegistryView,
} from '../../lambdas/domain/registry.ts';
import { intent, pascal, promoteInput, recorded, version, view } from '../support/registry.ts';

const plan = (of: RegistryView, input = promoteInput(), mode: RegistryMode = 'stages', ownId = 'own') =>
  promotionPlan(of, mode, input, ownId);

describe('which version is promoted', () => {
  it('takes the version that is named', () => {
    expect(plan(pascal(), promoteInput({ new_version: '1' }))).toMatchObject({
      kind: 'move',
      version: '1',
      from: '2',
    });
  });

  it('takes the newest Staging version when none is named', () => {
    const two = pascal(version(2, 'Production'), version(9, 'Staging'), version(10, 'Staging'));
    expect(plan(two)).toMatchObject({ kind: 'move', version: '10' });
  });

  it('passes over a Staging version that was rolled back', () => {
    const bad = pascal(version(2, 'Production'), version(3, 'Staging', { tags: { rolled_back: '{}' } }));
    expect(plan(bad)).toEqual({ kind: 'refuse', refusal: { code: 'no-challenger' } });
  });

  it('takes @challenger in mode aliases', () => {
    const aliased = view([version(1), version(2)], { aliases: { champion: '1', challenger: '2' } });
    expect(plan(aliased, promoteInput(), 'aliases')).toMatchObject({ kind: 'move', version: '2', from: '1' });
  });

  it('goes on with a direct promotion that died after the move, instead of finding no Staging version', () => {
    const tags = recorded(intent({ id: 'r1', to: '3', from: '2' }), null);
    const died = pascal(version(2, 'Archived'), version(3, 'Production', { tags }));
    expect(plan(died)).toMatchObject({ kind: 'settled', version: '3', unfinished: { id: 'r1' } });
  });
});

describe('what was begun long ago', () => {
  it('does not hide a new Staging version once a later promotion has overtaken it', () => {
    const dead = recorded(intent({ id: 'dead', to: '3', from: '2', at: '2026-11-01T10:00:00.000Z' }), null);
    const done = recorded(intent({ id: 'done', to: '3', from: '2', execution: 'arn:e' }));
    const of = pascal(version(3, 'Production', { tags: { ...dead, ...done } }), version(4, 'Staging'));
    expect(plan(of)).toMatchObject({ kind: 'move', version: '4', from: '3' });
  });

  it('is no champion to archive when its version was deleted and only the alias is left', () => {
    const dangling = view([version(3)], { aliases: { champion: '2', challenger: '3' } });
    expect(plan(dangling, promoteInput(), 'aliases')).toMatchObject({
      kind: 'move',
      version: '3',
      from: null,
    });
  });
});

describe('the same request again', () => {
  it('answers with the version that it had promoted, also when everything was finished', () => {
    const tags = recorded(intent({ id: 'r1', to: '3', from: '2' }));
    const done = pascal(version(2, 'Archived'), version(3, 'Production', { tags }));
    expect(plan(done, promoteInput(), 'stages', 'r1')).toEqual({
      kind: 'settled',
      version: '3',
      unfinished: null,
    });
    expect(plan(done, promoteInput(), 'stages', 'r2')).toMatchObject({
      refusal: { code: 'no-challenger' },
    });
  });
});

describe('what is refused', () => {
  it.each([
    ['no Staging version', pascal(version(2, 'Production')), {}, { code: 'no-challenger' }],
    ['an unknown version', pascal(), { new_version: '7' }, { code: 'version-missing', version: '7' }],
    [
      'a version that is not READY',
      pascal(version(3, 'Staging', { status: 'PENDING_REGISTRATION' })),
      {},
      { code: 'not-ready', version: '3', status: 'PENDING_REGISTRATION' },
    ],
    [
      'another champion than expected',
      pascal(),
      { expected_champion: '1' },
      { code: 'other-champion', champions: ['2'], expected: '1' },
    ],
    [
      'a champion where none is expected',
      pascal(),
      { expected_champion: null },
      { code: 'other-champion', champions: ['2'], expected: null },
    ],
    [
      'no champion where one is expected',
      pascal(version(3, 'Staging')),
      { expected_champion: '2' },
      { code: 'no-champion', expected: '2' },
    ],
  ])('%s', (_, of, input, refusal) => {
    expect(plan(of, promoteInput(input))).toEqual({ kind: 'refuse', refusal });
  });
});

describe('a version that is champion already', () => {
  it('leaves nothing to do', () => {
    expect(plan(pascal(), promoteInput({ new_version: '2' }))).toEqual({
      kind: 'settled',
      version: '2',
      unfinished: null,
    });
  });

  it('is settled even where another champion was expected', () => {
    expect(plan(pascal(), promoteInput({ new_version: '2', expected_champion: '1' }))).toMatchObject({
      kind: 'settled',
    });
  });

  it.each([
    ['a promotion without a result', null],
    ['an alert that is not known to be sent', { alert: 'pending' as const }],
  ])('names %s as unfinished', (_, result) => {
    const tags = recorded(intent({ id: 'x', to: '2', from: '1' }), result);
    const of = pascal(version(1, 'Archived'), version(2, 'Production', { tags }));
    expect(plan(of, promoteInput({ new_version: '2' }))).toMatchObject({
      kind: 'settled',
      unfinished: { id: 'x' },
    });
  });

  it('is moved again while a second version is in Production beside it', () => {
    const two = pascal(version(2, 'Production'), version(3, 'Production'));
    expect(plan(two, promoteInput({ new_version: '3', expected_champion: '2' }))).toMatchObject({
      kind: 'move',
      from: '2',
    });
  });

  it('is moved again in mode both while only one pointer names it', () => {
    const half = view([version(2, 'Archived'), version(3, 'Production')], { aliases: { champion: '2' } });
    expect(plan(half, promoteInput({ new_version: '3' }), 'both')).toMatchObject({
      kind: 'move',
      version: '3',
      from: '2',
    });
  });
});

describe('an intent that is there already', () => {
  it('is used again by the execution that wrote it', () => {
    const tags = recorded(intent({ id: 'e1', to: '3', from: '2', execution: 'arn:e1' }), null);
    const of = pascal(version(2, 'Production'), version(3, 'Staging', { tags }));
    expect(plan(of, promoteInput({ new_version: '3', execution: 'arn:e1' }))).toMatchObject({
      intent: { id: 'e1' },
    });
  });

  it('is not taken over from another execution, nor when the champion has changed since', () => {
    const tags = recorded(intent({ id: 'e1', to: '3', from: '1', execution: 'arn:e1' }), null);
    const of = pascal(version(2, 'Production'), version(3, 'Staging', { tags }));
    expect(plan(of, promoteInput({ new_version: '3', execution: 'arn:e2' }))).toMatchObject({ intent: null });
    expect(plan(of, promoteInput({ new_version: '3', execution: 'arn:e1' }))).toMatchObject({ intent: null });
  });
});

describe('the reading after the write', () => {
  it.each([
    ['ours alone', pascal(version(2, 'Archived'), version(3, 'Production')), 'done'],
    ['still the old one', pascal(), 'again'],
    ['both', pascal(version(2, 'Production'), version(3, 'Production')), 'again'],
    ['ours and a stranger', pascal(version(3, 'Production'), version(4, 'Production')), 'again'],
    ['a stranger alone', pascal(version(3, 'Archived'), version(4, 'Production')), 'contested'],
  ] as const)('with %s in Production says %s', (_, of, expected) => {
    expect(afterMove(of, 'stages', '3', '2')).toBe(expected);
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
