import { describe, expect, it } from 'vitest';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { CloseAnswer, CloseInput } from '../../lambdas/domain/release/payloads.ts';
import { closePromotion } from '../../lambdas/use-cases/close-promotion.ts';
import {
  type ChangeWorld,
  changeWorld,
  goingBack,
  RUN,
  type Setting,
  three,
  two,
} from '../support/change-world.ts';
import { arn, change, MODEL } from '../support/releases.ts';
import { artifact, at, refused } from '../support/serving.ts';

/** `close-promotion`: the last step of a promotion. */

const input = (more: object = {}) =>
  CloseInput.parse({
    ...{ model_name: MODEL, change_id: RUN, execution: RUN, fence: 1 },
    ...{ deadline: at(1800).toISOString(), previous: null },
    ...more,
  });
const ask = (world: ChangeWorld, more: object = {}) =>
  closePromotion(input(more), world.services, { requestId: 'r1' });
const there: Setting = { production: ['3'], served: 'new' };
const writes = ({ platform, registry }: ChangeWorld) => [...platform.calls, ...registry.writes];

/** Asks until it is settled, as the state machine does. */
async function toTheEnd(world: ChangeWorld, more: object = {}): Promise<CloseAnswer[]> {
  const answers: CloseAnswer[] = [];
  while (answers.at(-1)?.status !== 'completed' && answers.length < 60) {
    answers.push(await ask(world, { ...more, previous: JSON.parse(JSON.stringify(answers.at(-1) ?? null)) }));
    if (answers.at(-1)?.status !== 'in_progress') break;
    world.pass(answers.at(-1)?.retry_after_seconds ?? 0);
  }
  return answers;
}

/** The candidate is served as a draft, and its old version is kept. */
function draftInItsTail(): ChangeWorld {
  const world = changeWorld(there);
  for (const id of ['old', 'new']) world.platform.artifacts.set(id, artifact(id, 'draft'));
  world.platform.record = {
    ...world.platform.begin('new'),
    ...{ status: 'finalizing', switchedAt: at(0).toISOString() },
  };
  world.platform.protonList = world.platform.protonList.filter(({ role }) => role === 'active');
  return world;
}

it('closes the change once both sides show its aim', async () => {
  const world = changeWorld(there);
  const answer = await ask(world);
  expect(CloseAnswer.parse(answer)).toEqual(answer);
  expect(answer).toMatchObject({ status: 'completed', retry_after_seconds: null, overwritten: [] });
  expect(world.item()).toMatchObject({ change: null, live: { version: '3', change: RUN } });
  expect(writes(world)).toEqual([]);
});

it('closes as promoted what a rollback was to go back to, where the promotion has taken its change over', async () => {
  const world = changeWorld({ ...there, change: change(three, three, { id: RUN }) });
  expect(await ask(world)).toMatchObject({ status: 'completed' });
  expect(world.item()).toMatchObject({ change: null, live: { version: '3', result: 'promoted' } });
});

it('has nothing left to do when it is repeated', async () => {
  const world = changeWorld(there);
  await ask(world);
  const before = world.item();
  expect(await ask(world)).toMatchObject({ status: 'completed' });
  expect(world.item()).toEqual(before);
});

it('locks the draft once its rollout is over, and asks seldom while the old version is kept', async () => {
  const world = draftInItsTail();
  const answers = await toTheEnd(world);
  const told = answers.map(({ status, finding }) => [status, finding?.code ?? null]);
  expect(told[0]).toEqual(['in_progress', 'promotion-blocked']);
  expect(answers[0]?.retry_after_seconds).toBeGreaterThanOrEqual(60);
  expect(told.slice(-2)).toEqual([
    ['in_progress', 'promoting'],
    ['completed', null],
  ]);
  expect(world.platform.calls).toEqual(['promote']);
  expect(world.platform.artifacts.get('new')?.status).toBe('locked');
  expect(world.item().live).toMatchObject({ version: '3' });
});

it('fails, with the change open, where the draft cannot be locked by the deadline, or at all', async () => {
  const late = draftInItsTail();
  expect(await ask(late, { deadline: at(0).toISOString() })).toMatchObject({
    status: 'failed',
    finding: { code: 'deadline', at: { code: 'draft' } },
  });
  const never = changeWorld(there);
  for (const id of ['old', 'new']) never.platform.artifacts.set(id, artifact(id, 'draft'));
  never.platform.promote = async () => {
    throw refused(422, 'complete a build first');
  };
  expect(await ask(never)).toMatchObject({ status: 'failed', finding: { code: 'promote-refused' } });
  for (const world of [late, never]) expect(world.item().change).toMatchObject({ id: RUN });
});

it('moves the registry again where a pointer does not follow, and names what it has overwritten', async () => {
  const world = changeWorld({ served: 'new' });
  world.registry.move('4', 'Staging');
  world.registry.before = (call) => {
    if (call === 'moveToProduction 3') world.registry.move('4', 'Production');
  };
  expect(await ask(world)).toMatchObject({ status: 'completed', overwritten: ['4'] });
  expect(world.registry.production).toEqual(['3']);
});

it('names what an earlier call has overwritten', async () => {
  const { progress } = await ask(changeWorld(there));
  const previous = { progress, overwritten: ['4'] };
  expect(await ask(changeWorld(there), { previous })).toMatchObject({
    status: 'completed',
    overwritten: ['4'],
  });
});

it('starts no rollout: where the Workload serves something else of the change, it fails', async () => {
  const world = changeWorld({ production: ['3'] });
  expect(await ask(world)).toMatchObject({
    status: 'failed',
    finding: { code: 'superseded', served: 'old' },
  });
  expect(writes(world)).toEqual([]);
});

describe('is contested', () => {
  it.each<[string, Setting]>([
    ['somebody has moved the registry', { ...there, production: ['4'] }],
    ['a second version is in Production', { ...there, production: ['3', '4'] }],
    ['somebody has replaced the artifact', { ...there, served: 'third' }],
    ['another has taken the change over', { ...there, change: change(two, three, { id: arn('run-2') }) }],
    ['another has closed a change', { ...there, change: null, live: { ...three, change: arn('run-2') } }],
  ])('where %s: nothing is written', async (_, setting) => {
    const world = changeWorld(setting);
    const before = world.item();
    expect(await ask(world)).toMatchObject({ status: 'contested' });
    expect(world.item()).toEqual(before);
    expect(writes(world)).toEqual([]);
  });

  it('is not, but goes on, where the change was turned back: both sides show its aim by then', async () => {
    const world = changeWorld({ change: goingBack() });
    expect(await ask(world)).toMatchObject({ status: 'completed' });
    expect(world.item().live).toMatchObject({ version: '2' });
  });
});

it('is stale without the lease, or with too little of it left', async () => {
  for (const item of [{ fence: 2 }, { owner: arn('run-2') }, { expires_at: at(60) }]) {
    const world = changeWorld({ ...there, item });
    await expect(ask(world)).rejects.toMatchObject({ name: 'StaleFence' });
  }
});

it('has nothing to close without a table', async () => {
  const world = changeWorld(there);
  world.services.store = noStore;
  expect(await ask(world, { fence: null, change_id: null })).toMatchObject({ status: 'completed' });
  expect(writes(world)).toEqual([]);
});
