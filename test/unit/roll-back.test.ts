import { describe, expect, it } from 'vitest';
import { recordId } from '../../lambdas/domain/promotion/record.ts';
import { ARTIFACT_TAG, isInStep } from '../../lambdas/domain/release/found.ts';
import type { RollbackAnswer, RollbackInput } from '../../lambdas/domain/release/payloads.ts';
import { readBoth, workloadOf } from '../../lambdas/use-cases/parts/look.ts';
import { rollback } from '../../lambdas/use-cases/roll-back.ts';
import {
  type ChangeWorld,
  changeWorld,
  firstChampion,
  goingBack,
  RUN,
  three,
  two,
} from '../support/change-world.ts';
import { rollbackInput } from '../support/registry.ts';
import { arn, change, MODEL, past, release } from '../support/releases.ts';
import { artifact, at, proton } from '../support/serving.ts';

/** `model-rollback`: opens a rollback, or brings a change that has failed to its end. */

/** As a step of the execution that holds the lease. */
const asStep = (more: Partial<RollbackInput> = {}) =>
  rollbackInput({ fence: 1, execution: RUN, asked_at: at(0).toISOString(), ...more });
/** After a failed step of a promotion. */
const failed = (more: Partial<RollbackInput> = {}) =>
  asStep({ change_id: RUN, reason: 'ROLLOUT_FAILED', ...more });
const ask = (world: ChangeWorld, input: RollbackInput = asStep()) =>
  rollback(input, world.services, { requestId: 'r1' });

/** Asks until it is settled, as the state machine does, and lets the time pass that each answer names. */
async function toTheEnd(world: ChangeWorld, input: RollbackInput = asStep()): Promise<RollbackAnswer> {
  let { previous } = input;
  for (let n = 0; n < 60; n += 1) {
    const answer = await ask(world, { ...input, previous });
    if (answer.status !== 'in_progress') return answer;
    previous = JSON.parse(JSON.stringify(answer));
    world.pass(answer.retry_after_seconds ?? 0);
  }
  throw new Error('never settled');
}

const lookOf = async (world: ChangeWorld) => {
  const { services } = world;
  const look = await readBoth(services, services.workloads, MODEL, (view) =>
    workloadOf('w1', world.item(), view),
  );
  if (look === null) throw new Error('no model');
  return look;
};
const inStep = async (world: ChangeWorld) => isInStep(await lookOf(world), world.item());

describe('a change that failed', () => {
  /** What was in service before was a draft. */
  const draftsBefore = { ...change(two, three), safe: { ...two, draft: true } };

  it('half way is turned back to the safe release, and goes there', async () => {
    const world = changeWorld({ served: 'new' });
    const first = await ask(world, failed());
    expect(first).toMatchObject({
      status: 'in_progress',
      finding: { code: 'serving-in-progress', from: '3', to: '2' },
      serving: { finding: { code: 'settling' } },
    });
    expect(world.change()).toMatchObject({ aim: { version: '2' }, turned_at: at(0).toISOString() });
    const done = await toTheEnd(world, failed());
    expect(done).toMatchObject({ status: 'completed', rolled_back: true, to_version: '2' });
    expect(done.serving).toMatchObject({
      undone: true,
      finding: { code: 'serves-previous', artifact: 'old' },
    });
    expect(await inStep(world)).toBe(true);
    expect(world.item()).toMatchObject({ live: { version: '2', change: RUN }, history: [] });
  });

  it('after the registry had moved goes back there, too, and marks what it left', async () => {
    // The lock has failed: so the change is not complete.
    const open = changeWorld({ served: 'new', production: ['3'], change: draftsBefore });
    for (const id of ['old', 'new']) open.platform.artifacts.set(id, artifact(id, 'draft'));
    expect(await toTheEnd(open, failed())).toMatchObject({
      status: 'completed',
      rolled_back: true,
      finding: { code: 'moved', from: '3', to: '2' },
    });
    expect(open.registry.production).toEqual(['2']);
    expect(JSON.parse(open.registry.tagsOf('3')['rolled_back'] ?? '')).toMatchObject({ to: '2' });
    expect(await inStep(open)).toBe(true);
  });

  it('before anything had moved is closed as it was: no other version has been in Production', async () => {
    const world = changeWorld();
    expect(await toTheEnd(world, failed())).toMatchObject({
      rolled_back: true,
      finding: { code: 'unmoved', from: '3', to: '2' },
    });
    expect(world.platform.calls).toEqual([]);
    expect(world.registry.tagsOf('3')).not.toHaveProperty('rolled_back');
  });

  it('on its last step is complete: both sides show the aim, and it is not undone', async () => {
    const world = changeWorld({ production: ['3'], served: 'new' });
    expect(await ask(world, failed())).toMatchObject({
      status: 'completed',
      rolled_back: false,
      finding: { code: 'completed', to: '3' },
    });
    expect(world.item()).toMatchObject({ live: { version: '3' }, history: [{ version: '2', good: true }] });
  });

  it('of the first champion stays: there is nothing to go back to', async () => {
    const world = changeWorld({ live: release(null, 'old'), production: ['3'], change: firstChampion() });
    const before = world.item();
    expect(await ask(world, failed())).toMatchObject({
      status: 'open',
      rolled_back: false,
      finding: { code: 'open', to: '3', first_champion: true },
    });
    expect(world.item()).toEqual(before);
    expect([...world.platform.calls, ...world.registry.writes]).toEqual([]);
  });

  it('of the first champion goes back while the registry names none', async () => {
    const world = changeWorld({ live: release(null, 'old'), production: [], change: firstChampion() });
    expect(await toTheEnd(world, failed())).toMatchObject({ status: 'completed', rolled_back: true });
    expect(world.item().live).toMatchObject({ version: null, artifact_id: 'old' });
  });

  it('is left open where somebody else has acted: nothing is written to either side', async () => {
    const world = changeWorld({ production: ['4'], served: 'new' });
    expect(await ask(world, failed())).toMatchObject({
      status: 'contested',
      finding: { code: 'contested', why: 'moved-on', champions: ['4'] },
    });
    expect([...world.platform.calls, ...world.registry.writes]).toEqual([]);
    expect(world.item().change).toMatchObject({ id: RUN });
  });

  it('stays open where the way back takes too long', async () => {
    const world = changeWorld({ served: 'new', change: goingBack() });
    world.platform.begin('new');
    if (world.platform.record)
      world.platform.record = {
        ...world.platform.record,
        status: 'warming_up',
        switchedAt: '2099-01-01T00:00:00Z',
      };
    expect(await toTheEnd(world, failed())).toMatchObject({
      status: 'open',
      rolled_back: false,
      finding: { code: 'open', from: '3', to: '2', first_champion: false },
      serving: { undone: false },
    });
    expect(world.item().change).not.toBeNull();
    expect(world.platform.now.getTime()).toBeLessThan(at(3600).getTime());
  });

  it('that is another execution’s by now is not touched', async () => {
    const world = changeWorld({ served: 'new', change: change(two, three, { id: arn('run-2') }) });
    const before = world.item();
    expect(await ask(world, failed())).toMatchObject({
      status: 'contested',
      finding: { why: 'superseded', held: arn('run-2') },
    });
    expect(world.item()).toEqual(before);
  });

  it('that an earlier copy of this step has closed is told as such, and is to be told to people', async () => {
    const world = changeWorld({ change: null, live: { ...two, change: RUN } });
    const answer = await ask(world, failed());
    expect(answer).toMatchObject({ rolled_back: true, already_rolled_back: true, to_version: '2' });
    expect(answer).not.toHaveProperty('nothing_to_do');
  });

  it('is not turned without the lease', async () => {
    const world = changeWorld({ served: 'new' });
    const { turnBack } = world.store;
    world.store.turnBack = async (by, id) => {
      await world.store.releaseLease(MODEL, RUN, at(0));
      return turnBack(by, id);
    };
    expect(await ask(world, failed())).toMatchObject({ status: 'contested', finding: { why: 'superseded' } });
    expect(world.change().aim.version).toBe('3');
  });
});

describe('an attempt of the sweep', () => {
  const attempt = asStep({ change_id: arn('run-0'), reason: 'ROLLOUT_FAILED' });
  const left = { id: arn('run-0') };

  it('brings a change that nobody works on to its end', async () => {
    const world = changeWorld({ served: 'new', change: change(two, three, left) });
    expect(await toTheEnd(world, attempt)).toMatchObject({ rolled_back: true, to_version: '2' });
    expect(world.item()).toMatchObject({ change: null, live: { version: '2', change: arn('run-0') } });
  });

  it('goes on forward with the first champion', async () => {
    const world = changeWorld({
      live: release(null, 'old'),
      production: ['3'],
      served: 'old',
      change: firstChampion(left),
    });
    expect(await toTheEnd(world, attempt)).toMatchObject({ finding: { code: 'completed', to: '3' } });
    expect(world.platform.workload?.artifactId).toBe('new');
    expect(await inStep(world)).toBe(true);
  });

  it('that would wait long, for an old version that is kept, ends: the next one goes on', async () => {
    const world = changeWorld({
      ...{ live: { ...release(null, 'old'), draft: true }, production: ['3'], served: 'new' },
      change: firstChampion(left),
    });
    for (const id of ['old', 'new']) world.platform.artifacts.set(id, artifact(id, 'draft'));
    world.platform.begin('new');
    if (world.platform.record)
      world.platform.record = { ...world.platform.record, switchedAt: '2099-01-01T00:00:00.000Z' };
    world.platform.protonList = [proton('p1', 'new')];
    expect(await toTheEnd(world, attempt)).toMatchObject({ status: 'open', finding: { code: 'open' } });
    expect(world.platform.now.getTime()).toBeLessThan(at(3600).getTime());
    expect(world.item().change).toMatchObject(left);
    world.platform.record = null;
    expect(await toTheEnd(world, attempt)).toMatchObject({ finding: { code: 'completed' } });
    expect(world.platform.artifacts.get('new')?.status).toBe('locked');
  });

  it('that comes late has nothing to do, and nothing to tell', async () => {
    const world = changeWorld({
      change: null,
      live: { ...three, change: arn('run-9') },
      production: ['3'],
      served: 'new',
    });
    expect(await ask(world, attempt)).toMatchObject({
      status: 'contested',
      nothing_to_do: true,
      finding: { why: 'superseded' },
    });
    expect([...world.platform.calls, ...world.registry.writes]).toEqual([]);
  });
});

/** Version 3 is live, which came over 2. */
const promoted = (more: Parameters<typeof changeWorld>[0] = {}) =>
  changeWorld({
    production: ['3'],
    served: 'new',
    live: { ...three, change: arn('run-0') },
    change: null,
    ...more,
    item: { history: [{ ...past('2', 'old'), key: two.key }], ...more.item },
  });

describe('a rollback that is asked for while one version is the champion', () => {
  const pinned = (champion_version: string, more: Partial<RollbackInput> = {}) =>
    asStep({ champion_version, ...more });
  /** It is contested, and nothing was written on either side or in the table. */
  async function expectNothing(world: ChangeWorld, input: RollbackInput, finding: object = {}) {
    const before = world.item();
    expect(await ask(world, input)).toMatchObject({
      rolled_back: false,
      status: 'contested',
      finding: { code: 'contested', why: 'other-champion', ...finding },
    });
    expect(world.item()).toEqual(before);
    expect([...world.platform.calls, ...world.registry.writes]).toEqual([]);
  }

  it('is made while it is', async () => {
    const world = promoted();
    expect(await toTheEnd(world, pinned('3'))).toMatchObject({ rolled_back: true, to_version: '2' });
    expect(world.item()).toMatchObject({
      live: { version: '2' },
      history: [{ version: '3', good: false }, {}],
    });
  });

  it('changes nothing once another version is live, whatever it names', async () => {
    await expectNothing(promoted(), pinned('4'), { from: '4', champions: ['3'] });
    await expectNothing(promoted(), pinned('2'));
    await expectNothing(promoted(), pinned('4', { target_version: '2' }));
    await expectNothing(promoted(), pinned('4', { emergency: true }));
    await expectNothing(promoted(), pinned('4', { dry_run: true }));
  });

  it('changes nothing where somebody has moved the model by hand', async () => {
    await expectNothing(promoted({ production: ['2'] }), pinned('3'), { champions: ['2'] });
    await expectNothing(promoted({ production: ['2'] }), pinned('2'), { champions: ['2'] });
    await expectNothing(promoted({ production: ['3', '2'] }), pinned('3'));
  });

  it('changes nothing while a change is open, which it names', async () => {
    const open = { ...change(two, three), id: arn('run-9') };
    await expectNothing(changeWorld({ change: open }), pinned('2'), { held: arn('run-9') });
  });

  it('goes on when it is repeated after it has moved the champion', async () => {
    const world = promoted();
    await ask(world, pinned('3'));
    world.pass(3600);
    expect(await toTheEnd(world, pinned('3'))).toMatchObject({ rolled_back: true });
    expect(await ask(world, pinned('3'))).toMatchObject({ rolled_back: true, already_rolled_back: true });
  });
});

describe('a rollback that a person or an alarm asks for', () => {
  it('goes to the newest good release, and leaves a bad one', async () => {
    const world = promoted();
    const first = await ask(world);
    expect(first).toMatchObject({ status: 'in_progress', from_version: '3', to_version: '2' });
    expect(world.change()).toMatchObject({
      ...{ id: RUN, kind: 'rollback', to: '2', left: '3', attempts: 0 },
      ...{ safe: { version: '2', artifact_id: 'old' }, aim: { version: '2' } },
    });
    const done = await toTheEnd(world);
    expect(done).toMatchObject({
      status: 'completed',
      rolled_back: true,
      finding: { code: 'moved', from: '3', to: '2' },
    });
    expect(world.item()).toMatchObject({
      live: { version: '2', change: RUN },
      history: [{ version: '3', good: false, left_by: recordId(RUN) }, { version: '2' }],
    });
    expect(await inStep(world)).toBe(true);
    expect(world.platform.requests).toMatchObject([{ artifactId: 'old' }]);
  });

  it('has done nothing new the second time', async () => {
    const world = promoted();
    await toTheEnd(world);
    await world.store.releaseLease(MODEL, RUN, world.platform.now);
    const again = rollbackInput({ emergency: true });
    expect(await ask(world, again)).toMatchObject({
      rolled_back: true,
      already_rolled_back: true,
      nothing_to_do: true,
      finding: { code: 'settled', to: '2' },
    });
    expect(world.item().live?.version).toBe('2');
  });

  it('goes to a named version that has never been live, with the artifact of its tag', async () => {
    const world = promoted();
    world.platform.artifacts.set('a5', artifact('a5'));
    world.platform.ours = ['a5'];
    expect(await toTheEnd(world, asStep({ target_version: '5' }))).toMatchObject({
      rolled_back: true,
      to_version: '5',
    });
    expect(world.registry.tagsOf('5')[ARTIFACT_TAG]).toBe('a5');
    expect(world.platform.workload?.artifactId).toBe('a5');
    expect(await inStep(world)).toBe(true);
  });

  it('to a named version overrules what it sees', async () => {
    const world = promoted({ production: ['3', '4'] });
    world.platform.begin('third');
    world.platform.ours = ['third'];
    expect(await toTheEnd(world, asStep({ target_version: '2' }))).toMatchObject({
      rolled_back: true,
      to_version: '2',
    });
    expect(world.registry.production).toEqual(['2']);
    expect(await inStep(world)).toBe(true);
  });

  it('takes over a change that another has left open', async () => {
    const world = changeWorld({ served: 'new', change: change(two, three, { id: arn('run-0') }) });
    expect(await toTheEnd(world)).toMatchObject({ rolled_back: true, from_version: '3', to_version: '2' });
    expect(world.item()).toMatchObject({ change: null, live: { version: '2', change: RUN } });
  });

  const bad = (world: ChangeWorld) => {
    world.registry.view = {
      ...world.registry.view,
      versions: world.registry.view.versions.map((v) =>
        v.version === '2' ? { ...v, tags: { ...v.tags, rolled_back: '{"at":"2026-11-19T00:00:00Z"}' } } : v,
      ),
    };
  };
  const statusOf = (world: ChangeWorld, version: string, status: string) => {
    world.registry.view = {
      ...world.registry.view,
      versions: world.registry.view.versions.map((v) => (v.version === version ? { ...v, status } : v)),
    };
  };
  const cooling = [
    past('5', 'a5', { good: false, left_by: 'run-a', left_at: at(-3600).toISOString() }),
    { ...past('2', 'old'), key: two.key },
  ];

  it.each<[string, Partial<RollbackInput>, () => ChangeWorld, object]>([
    [
      'its version does not exist',
      { target_version: '9' },
      promoted,
      { why: 'target-missing', from: '3', to: '9' },
    ],
    [
      'its version is not READY',
      {},
      () => {
        const world = promoted();
        statusOf(world, '2', 'FAILED_REGISTRATION');
        return world;
      },
      { why: 'not-ready', held: 'FAILED_REGISTRATION' },
    ],
    [
      'its version was itself rolled back since',
      {},
      () => {
        const world = promoted();
        bad(world);
        return world;
      },
      { why: 'rolled-back', to: '2' },
    ],
    [
      'the last one was a short time ago',
      {},
      () => promoted({ item: { history: cooling } }),
      { why: 'cooling', hours: 24, until: at(23 * 3600).toISOString() },
    ],
    [
      'its artifact is gone',
      {},
      () => {
        const world = promoted();
        world.platform.artifacts.delete('old');
        return world;
      },
      { why: 'artifact-gone', held: 'old' },
    ],
    [
      'it is a draft, and a locked artifact is served',
      {},
      () => {
        const world = promoted();
        world.platform.artifacts.set('old', artifact('old', 'draft'));
        return world;
      },
      { why: 'locked-in-place', held: 'old' },
    ],
    [
      'it is locked, and a draft is served',
      {},
      () => {
        const world = promoted();
        world.platform.artifacts.set('new', artifact('new', 'draft'));
        if (world.platform.workload)
          world.platform.workload = { ...world.platform.workload, artifactStatus: 'draft' };
        return world;
      },
      { why: 'served-is-draft', held: 'old' },
    ],
    [
      'it is of another type than the Workload',
      {},
      () => {
        const world = promoted();
        world.platform.artifacts.set('old', artifact('old', 'locked', { type: 'agent' }));
        return world;
      },
      { why: 'other-type', held: 'agent' },
    ],
    [
      'another Workload served it',
      {},
      () => {
        const world = promoted({ live: { ...three, change: arn('run-0'), workload_id: 'w2' } });
        if (world.platform.workload) world.platform.workload = { ...world.platform.workload, id: 'w2' };
        return world;
      },
      { why: 'other-workload', to: '2', held: two.workload_id },
    ],
    [
      'no artifact is known for it',
      { target_version: '1' },
      () => {
        const world = promoted();
        world.registry.view = {
          ...world.registry.view,
          versions: world.registry.view.versions.map((v) => (v.version === '1' ? { ...v, tags: {} } : v)),
        };
        return world;
      },
      { why: 'no-artifact', to: '1' },
    ],
    [
      'nothing is recorded',
      {},
      () => promoted({ live: null, item: { history: [] } }),
      { why: 'no-known-good' },
    ],
    [
      'nothing is recorded, and no version is champion',
      {},
      () => promoted({ live: null, production: [], item: { history: [] } }),
      { why: 'no-champion' },
    ],
  ])('is refused before anything is opened where %s', async (_, more, arrange, finding) => {
    const world = arrange();
    const before = world.item();
    expect(await ask(world, asStep(more))).toMatchObject({
      rolled_back: false,
      status: 'completed',
      finding: { code: 'refused', ...finding },
    });
    expect(world.item()).toEqual(before);
    expect([...world.platform.calls, ...world.registry.writes]).toEqual([]);
  });

  it.each([
    ['a version that is not READY', (world: ChangeWorld) => statusOf(world, '2', 'FAILED_REGISTRATION')],
    ['a version that was itself rolled back', bad],
  ])('goes to %s in an emergency', async (_, arrange) => {
    const world = promoted();
    arrange(world);
    expect(await toTheEnd(world, asStep({ emergency: true }))).toMatchObject({ rolled_back: true });
  });

  it('does not rest in an emergency', async () => {
    const world = promoted({ item: { history: cooling } });
    expect(await toTheEnd(world, asStep({ emergency: true }))).toMatchObject({ rolled_back: true });
  });

  it('goes to a version that was marked, and has been live since', async () => {
    const since = { ...past('2', 'old'), key: two.key, since: '2026-11-19T12:00:00.000Z' };
    const world = promoted({ item: { history: [since] } });
    bad(world);
    expect(await toTheEnd(world)).toMatchObject({ rolled_back: true, to_version: '2' });
  });

  it.each<[string, () => ChangeWorld, Partial<RollbackInput>, object]>([
    [
      'somebody has moved the model',
      () => promoted({ production: ['4'] }),
      {},
      { why: 'moved-on', champions: ['4'] },
    ],
    [
      'a change is open that somebody has overruled',
      () => changeWorld({ production: ['4'], change: change(two, three, { id: arn('run-0') }) }),
      {},
      { why: 'moved-on' },
    ],
    [
      'another has opened a change since it was asked for',
      () =>
        changeWorld({
          change: change(two, three, { id: arn('run-0'), opened_at: at(-60).toISOString() }),
        }),
      { asked_at: at(-120).toISOString() },
      { why: 'superseded', held: arn('run-0') },
    ],
    [
      'the live version came after the alarm',
      () => promoted({ live: { ...three, change: arn('run-0'), at: at(-60).toISOString() } }),
      { alarm_name: 'drift', asked_at: at(-120).toISOString() },
      { why: 'after-alarm' },
    ],
  ])('is contested where %s', async (_, arrange, more, finding) => {
    const world = arrange();
    const before = world.item();
    expect(await ask(world, asStep(more))).toMatchObject({
      status: 'contested',
      rolled_back: false,
      finding: { code: 'contested', ...finding },
    });
    expect(world.item()).toEqual(before);
    expect([...world.platform.calls, ...world.registry.writes]).toEqual([]);
  });
});

describe('a dry run', () => {
  const dry = rollbackInput({ dry_run: true });

  it('says where it would go, takes no lease and writes nothing', async () => {
    const world = promoted({ item: { owner: arn('run-2') } });
    const before = world.item();
    expect(await ask(world, dry)).toMatchObject({
      dry_run: true,
      rolled_back: false,
      finding: { code: 'would-move', from: '3', to: '2', workload: 'w1', artifact: 'old' },
    });
    expect(world.item()).toEqual(before);
    expect([...world.platform.calls, ...world.registry.writes, ...world.alerts]).toEqual([]);
  });

  it('says that nothing would change', async () => {
    const world = promoted();
    expect(await ask(world, { ...dry, target_version: '3' })).toMatchObject({
      finding: { code: 'would-settle', to: '3' },
    });
  });

  it('refuses what would be refused', async () => {
    const world = promoted();
    world.platform.artifacts.delete('old');
    expect(await ask(world, dry)).toMatchObject({ finding: { code: 'refused', why: 'artifact-gone' } });
  });
});

describe('called directly', () => {
  const direct = rollbackInput({ requested_by: 'Ada' });
  const free = { owner: null, expires_at: null };

  it('takes the lease, converges over several calls, releases the lease and tells people', async () => {
    const world = promoted({ item: free });
    const done = await toTheEnd(world, direct);
    expect(done).toMatchObject({ rolled_back: true, to_version: '2' });
    expect(world.item()).toMatchObject({
      owner: null,
      change: null,
      live: { version: '2', change: 'direct:r1' },
    });
    expect(world.alerts.map(({ kind }) => kind)).toHaveLength(1);
  });

  it('names what it has overwritten, to its caller and in the outcome that is told', async () => {
    const world = promoted({ item: free });
    world.registry.move('4', 'Staging');
    world.registry.before = (call) => {
      if (call === 'moveToProduction 2') world.registry.move('4', 'Production');
    };
    expect(await toTheEnd(world, direct)).toMatchObject({ rolled_back: true, overwritten: ['4'] });
    expect(world.registry.production).toEqual(['2']);
    expect(world.alerts).toHaveLength(1);
    const recorded = world.store.table.items.get('outcome#direct:r1')?.['outcome'];
    expect(JSON.parse(String(recorded))).toMatchObject({ status: 'rolled_back', overwritten: ['4'] });
  });

  it('names what an earlier call has overwritten', async () => {
    const world = promoted({ item: free });
    const earlier = { champion_before: '3', serving: null, overwritten: ['4'] };
    expect(await toTheEnd(world, { ...direct, previous: earlier })).toMatchObject({ overwritten: ['4'] });
    expect(await ask(world, { ...direct, previous: earlier })).toMatchObject({
      already_rolled_back: true,
      overwritten: ['4'],
    });
  });

  it('is busy while another holds the lease, and tells nobody but its caller', async () => {
    const world = promoted();
    expect(await ask(world, direct)).toMatchObject({
      rolled_back: false,
      finding: { code: 'refused', why: 'lease-held', held: RUN, until: at(7200).toISOString() },
    });
    expect(world.alerts).toEqual([]);
  });

  it('waits while a request of the last owner may not be visible', async () => {
    const world = changeWorld({
      served: 'new',
      change: change(two, three, { id: arn('run-0') }),
      item: { ...free, released_at: at(-10) },
    });
    expect(await ask(world, direct)).toMatchObject({ status: 'in_progress', retry_after_seconds: 30 });
    expect(world.change().id).toBe(arn('run-0'));
    world.pass(30);
    await ask(world, direct);
    expect(world.change().id).toBe('direct:r1');
  });

  it('is stale as a step of an execution that no longer holds the lease', async () => {
    const world = promoted({ item: { fence: 2 } });
    await expect(ask(world)).rejects.toMatchObject({ name: 'StaleFence' });
    const ending = promoted({ item: { expires_at: at(120) } });
    await expect(ask(ending)).rejects.toMatchObject({ name: 'StaleFence' });
    expect([...world.platform.calls, ...world.registry.writes]).toEqual([]);
  });
});

it('reads of a model without a Workload only the registry', async () => {
  const world = changeWorld({
    production: ['3'],
    live: release('3', null, { change: arn('run-0') }),
    change: null,
    item: { history: [past('2')] },
  });
  world.platform.protonList = [proton('p1', 'third')];
  expect(await ask(world)).toMatchObject({ status: 'completed', rolled_back: true, serving: null });
  expect(world.registry.production).toEqual(['2']);
});
