import { describe, expect, it } from 'vitest';
import { recordsOn } from '../../lambdas/domain/promotion/record.ts';
import { findInterruptedChange, rollbackPlan } from '../../lambdas/domain/promotion/rollback-plan.ts';
import type { RegistryView } from '../../lambdas/domain/registry.ts';
import { intent, pascal, recorded, rollbackInput, version, view } from '../support/registry.ts';

const now = new Date('2026-11-21T10:00:00Z');
const plan = (of: RegistryView, input = rollbackInput()) =>
  rollbackPlan(of, 'stages', input, { now, cooldownHours: 24 });

const promotion = intent({ id: 'p', to: '3', from: '2', at: '2026-11-20T10:00:00.000Z' });
const earlier = intent({ id: 'q', to: '2', from: '1', at: '2026-11-10T10:00:00.000Z' });
const back = intent({ kind: 'rollback', id: 'b', from: '3', to: '2', at: '2026-11-21T09:00:00.000Z' });

/** Version 3 was promoted over 2, which had been promoted over 1. */
const promoted = pascal(
  version(1, 'Archived'),
  version(2, 'Archived', { tags: recorded(earlier) }),
  version(3, 'Production', { tags: recorded(promotion) }),
);
const rolledBack = pascal(
  version(1, 'Archived'),
  version(2, 'Production', { tags: recorded(earlier) }),
  version(3, 'Archived', { tags: { ...recorded(promotion), ...recorded(back), rolled_back: '{}' } }),
);

describe('a rollback that was asked for', () => {
  it("goes to the version that the champion's own record names", () => {
    expect(plan(promoted)).toEqual({ kind: 'move', from: '3', to: '2', record: null });
  });

  it('goes to the version that is named', () => {
    expect(plan(promoted, rollbackInput({ target_version: '1' }))).toMatchObject({
      kind: 'move',
      from: '3',
      to: '1',
    });
  });

  it('never guesses: without a record it asks for a target', () => {
    expect(plan(pascal())).toEqual({
      kind: 'refuse',
      from: '2',
      to: null,
      finding: {
        ...{ code: 'refused', why: 'no-known-good', from: '2', to: null },
        ...{ held: null, until: null, hours: null },
      },
    });
  });

  it.each([false, true])('never steps back a second time (emergency: %s)', (emergency) => {
    expect(plan(rolledBack, rollbackInput({ emergency }))).toMatchObject({
      kind: 'settled',
      from: '3',
      to: '2',
      record: { id: 'b' },
    });
  });

  it('answers settled when the named target is champion already', () => {
    expect(plan(promoted, rollbackInput({ target_version: '3' }))).toMatchObject({
      kind: 'settled',
      to: '3',
    });
  });

  it.each([
    ['nothing is in Production', pascal(version(1, 'Archived')), {}, { why: 'no-champion' }],
    ['the target does not exist', promoted, { target_version: '9' }, { why: 'target-missing', to: '9' }],
    [
      'the target was itself rolled back',
      rolledBack,
      { target_version: '3' },
      { why: 'rolled-back', to: '3' },
    ],
  ])('is refused when %s', (_, of, input, finding) => {
    expect(plan(of, rollbackInput(input))).toMatchObject({ kind: 'refuse', finding });
  });

  it('rests for the cool-down after the last one, and an emergency passes it', () => {
    const input = { target_version: '1' };
    expect(plan(rolledBack, rollbackInput(input))).toMatchObject({
      kind: 'refuse',
      finding: { why: 'cooling', hours: 24, until: '2026-11-22T09:00:00.000Z' },
    });
    expect(plan(rolledBack, rollbackInput({ ...input, emergency: true }))).toMatchObject({
      kind: 'move',
      from: '2',
      to: '1',
    });
  });

  it('goes on with its own record after a crash before the move', () => {
    const begun = pascal(
      version(2, 'Archived'),
      version(3, 'Production', { tags: { ...recorded(promotion), ...recorded(back, null) } }),
    );
    expect(plan(begun)).toMatchObject({ kind: 'move', from: '3', to: '2', record: { id: 'b' } });
  });

  it('can undo a promotion that came after an earlier rollback', () => {
    const again = intent({ id: 'p2', to: '4', from: '2', at: '2026-11-21T09:30:00.000Z' });
    const of = pascal(
      ...rolledBack.versions.map((v) => ({ ...v, stage: 'Archived' })),
      version(4, 'Production', { tags: recorded(again) }),
    );
    expect(plan(of, rollbackInput({ emergency: true }))).toMatchObject({ kind: 'move', from: '4', to: '2' });
  });
});

describe('a rollback that an alarm asked for', () => {
  // The promotion of version 3 was recorded as done at this time.
  const at = recordsOn(promoted.versions)[0]?.result?.at ?? '';
  const seconds = (more: number) => new Date(Date.parse(at) + more * 1000).toISOString();
  const alarmed = { alarm_name: 'model-rollback-errors', reason: 'PERFORMANCE_DEGRADATION' } as const;

  it('undoes the version that was in Production when it rang', () => {
    const input = rollbackInput({ ...alarmed, asked_at: seconds(1) });
    expect(plan(promoted, input)).toMatchObject({ kind: 'move', from: '3', to: '2' });
  });

  it('leaves a version alone that came later, as the alarm cannot be about it', () => {
    expect(plan(promoted, rollbackInput({ ...alarmed, asked_at: seconds(-1) }))).toEqual({
      kind: 'contested',
      from: '3',
      to: '2',
      finding: { code: 'contested', why: 'after-alarm', from: '3', to: '2', champions: ['3'] },
    });
  });

  it('undoes it when a person asks, or names the target', () => {
    const asked_at = seconds(-1);
    expect(plan(promoted, rollbackInput({ asked_at }))).toMatchObject({ kind: 'move' });
    const named = rollbackInput({ ...alarmed, asked_at, target_version: '2' });
    expect(plan(promoted, named)).toMatchObject({ kind: 'move' });
  });

  it('answers settled where it has been done already, whenever the alarm rang', () => {
    const input = rollbackInput({ ...alarmed, asked_at: '2026-11-01T00:00:00Z' });
    expect(plan(rolledBack, input)).toMatchObject({ kind: 'settled', to: '2' });
  });
});

describe('what a rollback does not trust', () => {
  it('is a promotion that is known not to have come about', () => {
    const never = intent({ id: 'n', to: '3', from: '1', at: '2026-11-20T12:00:00.000Z' });
    const tags = {
      ...recorded(promotion),
      ...recorded(never, { result: 'not_promoted', alert: 'execution' }),
    };
    const of = pascal(version(1, 'Archived'), version(2, 'Archived'), version(3, 'Production', { tags }));
    expect(plan(of)).toMatchObject({ kind: 'move', from: '3', to: '2' });
  });

  it('is an old mark on a version that a person has promoted again since', () => {
    const again = intent({ id: 'again', to: '3', from: '2', at: '2026-11-21T09:10:00.000Z' });
    const mark = JSON.stringify({ at: '2026-11-21T09:00:00.000Z' });
    const next = intent({ id: 'next', to: '4', from: '3', at: '2026-11-21T09:20:00.000Z' });
    const of = pascal(
      version(3, 'Archived', { tags: { ...recorded(again), rolled_back: mark } }),
      version(4, 'Production', { tags: recorded(next) }),
    );
    expect(plan(of)).toMatchObject({ kind: 'move', from: '4', to: '3' });
  });

  it('is a rollback that stopped between its pointers: it goes on instead of being called settled', () => {
    const up = intent({ id: 'up', to: '2', from: '3', at: '2026-11-20T10:00:00.000Z' });
    const down = intent({ kind: 'rollback', id: 'd', from: '2', to: '3', at: '2026-11-21T09:00:00.000Z' });
    const half = view(
      [
        version(2, 'Archived', { tags: { ...recorded(up), ...recorded(down, null) } }),
        version(3, 'Production'),
      ],
      { aliases: { champion: '2' } },
    );
    const decided = rollbackPlan(half, 'both', rollbackInput(), { now, cooldownHours: 24 });
    expect(decided).toMatchObject({ kind: 'move', from: '2', to: '3', record: { id: 'd' } });
  });
});

describe('a rollout that was cut off', () => {
  const cut = intent({ id: 'e1', to: '3', from: '2', execution: 'arn:e1', at: '2026-11-21T09:00:00.000Z' });
  const with3 = (result: Parameters<typeof recorded>[1]) =>
    pascal(
      version(2, 'Production', { tags: recorded(earlier) }),
      version(3, 'Staging', { tags: recorded(cut, result) }),
    );
  const before = { champion_version: '2', challenger_version: '3', serving: null };

  it('is known by its intent without a result', () => {
    expect(findInterruptedChange(with3(null), 'arn:undo')).toMatchObject({ record: { id: 'e1' }, before });
    expect(findInterruptedChange(with3({}), 'arn:undo')).toBeNull();
  });

  it('is still known to the execution that has just concluded it, and to no other', () => {
    const concluded = { result: 'not_promoted', alert: 'execution', by: 'arn:undo' } as const;
    expect(findInterruptedChange(with3(concluded), 'arn:undo')).toMatchObject({ before });
    expect(findInterruptedChange(with3(concluded), 'arn:other')).toBeNull();
  });

  it('is never taken for a reason to roll the healthy champion back', () => {
    const asked = rollbackInput({ reason: 'ROLLOUT_FAILED', execution: 'arn:other' });
    expect(plan(with3({}), asked)).toMatchObject({
      kind: 'refuse',
      finding: { why: 'nothing-interrupted' },
    });
  });
});

describe('a compensation', () => {
  const input = rollbackInput({
    before_state: { champion_version: '2', challenger_version: '3', serving: null },
    execution: 'arn:e',
    fence: 1,
  });

  it('restores the before-state when the registry had moved', () => {
    expect(plan(promoted, input)).toMatchObject({ kind: 'move', from: '3', to: '2' });
    expect(plan(pascal(version(2, 'Production'), version(3, 'Production')), input)).toMatchObject({
      kind: 'move',
      from: '3',
      to: '2',
    });
  });

  it('has nothing to undo when the registry had not moved', () => {
    expect(plan(pascal(), input)).toMatchObject({
      kind: 'refuse',
      finding: { why: 'nothing-to-undo', from: '3', to: '2' },
    });
  });

  it('is not held back by the cool-down', () => {
    const of = pascal(version(2, 'Archived', { tags: recorded(back) }), version(3, 'Production'));
    expect(plan(of, input)).toMatchObject({ kind: 'move' });
  });

  it('leaves alone what somebody else has moved since', () => {
    expect(
      plan(pascal(version(2, 'Archived'), version(3, 'Archived'), version(4, 'Production')), input),
    ).toMatchObject({
      kind: 'contested',
      finding: { why: 'moved-on', champions: ['4'] },
    });
  });

  it('leaves a first champion in place: a model is never left without one', () => {
    const first = {
      ...input,
      before_state: { champion_version: null, challenger_version: '3', serving: null },
    };
    expect(plan(pascal(version(3, 'Production')), first)).toMatchObject({
      kind: 'refuse',
      finding: { why: 'first-champion', from: '3' },
    });
  });

  it('undoes nothing when the challenger was the champion before', () => {
    const same = {
      ...input,
      before_state: { champion_version: '3', challenger_version: '3', serving: null },
    };
    expect(plan(promoted, same)).toMatchObject({
      kind: 'refuse',
      finding: { why: 'nothing-to-undo', from: '3', to: '3' },
    });
  });

  it('answers settled when it has been done', () => {
    const own = intent({ kind: 'rollback', id: 'e-rollback', from: '3', to: '2', execution: 'arn:e' });
    const of = pascal(version(2, 'Production'), version(3, 'Archived', { tags: recorded(own) }));
    expect(plan(of, input)).toMatchObject({
      kind: 'settled',
      from: '3',
      to: '2',
      record: { id: 'e-rollback' },
    });
  });
});
