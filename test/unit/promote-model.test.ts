import { describe, expect, it } from 'vitest';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import type { PromoteInput } from '../../lambdas/domain/payloads.ts';
import { recordsOn } from '../../lambdas/domain/promotion/record.ts';
import { promote } from '../../lambdas/use-cases/promote-model.ts';
import {
  type ChangeWorld,
  changeWorld,
  goingBack,
  RUN,
  type Setting,
  three,
  two,
} from '../support/change-world.ts';
import { promoteInput, version } from '../support/registry.ts';
import { arn, change, MODEL, release } from '../support/releases.ts';
import { at } from '../support/serving.ts';

/** `promote-model`: the registry half of an open change, or a change of its own. */

const ask = (world: ChangeWorld, more: Partial<PromoteInput> = {}, requestId = 'r1') =>
  promote(promoteInput(more), world.services, { requestId });
const writes = ({ platform, registry }: ChangeWorld) => [...platform.calls, ...registry.writes];

describe('as a step of an execution', () => {
  const step = { fence: 1, execution: RUN, new_version: '3', expected_champion: '2' };
  const half: Setting = { served: 'new' };

  it('moves the registry to the aim of the open change, and closes nothing', async () => {
    const world = changeWorld(half);
    const before = world.item();
    expect(await ask(world, step)).toEqual({
      ...{ promoted: true, new_version: '3', new_stage: 'Production', archived_version: '2' },
    });
    expect(writes(world)).toEqual(['moveToProduction 3']);
    expect(world.item()).toEqual(before);
    expect(world.alerts).toEqual([]);
  });

  it('has nothing left to do when it is repeated, also after the close', async () => {
    for (const setting of [
      { ...half, production: ['3'] },
      { ...half, production: ['3'], change: null, live: three },
    ]) {
      const world = changeWorld(setting);
      expect(await ask(world, step)).toMatchObject({
        promoted: true,
        new_version: '3',
        already_promoted: true,
      });
      expect(writes(world)).toEqual([]);
    }
  });

  it('names the versions that it has archived and that somebody had just promoted', async () => {
    const world = changeWorld(half);
    world.registry.move('4', 'Staging');
    world.registry.before = (call) => {
      if (call.startsWith('moveToProduction')) world.registry.move('4', 'Production');
    };
    expect(await ask(world, step)).toMatchObject({ promoted: true, overwritten: ['4'] });
  });

  it('names one that was archived before somebody promoted it', async () => {
    const world = changeWorld(half);
    world.registry.move('4', 'Archived');
    world.registry.move('5', 'Archived');
    world.registry.before = (call) => {
      if (call.startsWith('moveToProduction')) world.registry.move('4', 'Production');
    };
    expect(await ask(world, step)).toMatchObject({ promoted: true, overwritten: ['4'] });
  });

  it('names it also where somebody has moved the champion once more since', async () => {
    const world = changeWorld(half);
    let reads = 0;
    world.registry.move('4', 'Archived');
    world.registry.move('5', 'Archived');
    world.registry.before = (call) => {
      if (call.startsWith('moveToProduction')) world.registry.move('4', 'Production');
      if (call === 'listVersions' && ++reads === 2) world.registry.move('3', 'Production');
    };
    expect(await ask(world, step)).toMatchObject({ promoted: true, overwritten: ['4'] });
  });

  it('names them also where somebody else is faster', async () => {
    const world = changeWorld(half);
    let reads = 0;
    world.registry.move('4', 'Staging');
    world.registry.before = (call) => {
      if (call.startsWith('moveToProduction')) world.registry.move('4', 'Production');
      if (call === 'listVersions' && ++reads === 2) world.registry.move('5', 'Production');
    };
    expect(await ask(world, step)).toMatchObject({ promoted: false, contested: true, overwritten: ['4'] });
  });

  it.each<[string, Setting, Partial<PromoteInput>]>([
    ['the change was turned back', { ...half, change: goingBack() }, {}],
    ['another has taken it over', { ...half, change: change(two, three, { id: arn('run-2') }) }, {}],
    ['another has closed it', { ...half, change: null }, {}],
    ['its aim is another version', half, { new_version: '4' }],
    ['somebody has moved the registry', { ...half, production: ['4'] }, {}],
    [
      'somebody has moved the registry, and no champion was expected',
      { ...half, production: ['4'] },
      { expected_champion: null },
    ],
    ['a second version is in Production', { ...half, production: ['2', '4'] }, {}],
  ])('is contested, and writes nothing, where %s', async (_, setting, more) => {
    const world = changeWorld(setting);
    expect(await ask(world, { ...step, ...more })).toMatchObject({ promoted: false, contested: true });
    expect(writes(world)).toEqual([]);
  });

  it('is contested where somebody moves the registry at the same time', async () => {
    const world = changeWorld(half);
    let reads = 0;
    world.registry.before = (call) => {
      if (call === 'listVersions' && ++reads === 2) world.registry.move('4', 'Production');
    };
    expect(await ask(world, step)).toMatchObject({ promoted: false, contested: true });
  });

  it('is refused where its version cannot be promoted', async () => {
    const world = changeWorld(half);
    world.registry.view = {
      ...world.registry.view,
      versions: world.registry.view.versions.map((v) =>
        v.version === '3' ? version(3, 'Staging', { status: 'FAILED_REGISTRATION' }) : v,
      ),
    };
    const answer = await ask(world, step);
    expect(answer).toMatchObject({ promoted: false });
    expect(answer).not.toHaveProperty('contested');
  });

  it('is stale without the lease, or with too little of it left', async () => {
    for (const item of [{ fence: 2 }, { owner: arn('run-2') }, { owner: null }, { expires_at: at(60) }]) {
      const world = changeWorld({ ...half, item });
      await expect(ask(world, step)).rejects.toMatchObject({ name: 'StaleFence' });
      expect(writes(world)).toEqual([]);
    }
  });
});

/** Nobody holds the lease, no change is open, version 3 waits in Staging. */
function free(setting: Setting = {}): ChangeWorld {
  const world = changeWorld({
    change: null,
    ...setting,
    item: { owner: null, expires_at: null, ...setting.item },
  });
  world.registry.move('3', 'Staging');
  return world;
}

describe('called directly', () => {
  it('opens a change of its own, which leaves the Workload as it is, and closes it', async () => {
    const world = free();
    expect(await ask(world, { confidence: 0.9, requested_by: 'Ada' })).toEqual({
      ...{ promoted: true, new_version: '3', new_stage: 'Production', archived_version: '2' },
    });
    expect(world.item()).toMatchObject({
      ...{ owner: null, change: null },
      live: { version: '3', artifact_id: 'old', workload_id: 'w1', change: 'direct:r1' },
      history: [{ version: '2', artifact_id: 'old', left_by: 'r1', good: true }],
    });
    expect(world.platform.calls).toEqual([]);
    expect(world.alerts).toHaveLength(1);
    expect(recordsOn(world.registry.view.versions)).toMatchObject([
      { id: 'r1', to: '3', from: '2', confidence: 0.9, result: { result: 'promoted', alert: 'pending' } },
    ]);
  });

  it('promotes on a model of which nothing is recorded, from the registry alone', async () => {
    const world = free({ live: null });
    expect(await ask(world)).toMatchObject({ promoted: true, archived_version: '2' });
    expect(world.item()).toMatchObject({
      live: { version: '3', artifact_id: null },
      history: [{ version: '2', artifact_id: null }],
    });
  });

  it('promotes the first champion', async () => {
    const world = free({ live: null, production: [] });
    expect(await ask(world)).toMatchObject({ promoted: true, archived_version: null });
    expect(world.item()).toMatchObject({ live: { version: '3' }, history: [] });
  });

  it('makes at most six calls of MLflow in mode stages', async () => {
    const world = free();
    const calls: string[] = [];
    world.registry.before = (call) => void calls.push(call.split(' ')[0] ?? '');
    await ask(world);
    expect(calls).toEqual([
      ...['getModel', 'listVersions'],
      ...['setVersionTag', 'moveToProduction', 'setVersionTag', 'listVersions'],
    ]);
  });

  it('has nothing to do, and tells nobody, where the version is live', async () => {
    const world = free({ production: ['3'], live: { ...three, change: arn('run-0') } });
    world.registry.move('3', 'Production');
    expect(await ask(world, { new_version: '3' })).toMatchObject({ promoted: true, already_promoted: true });
    expect([...writes(world), ...world.alerts]).toEqual([]);
  });

  it.each<[string, Setting, Partial<PromoteInput>]>([
    ['no version waits', { production: ['2', '3'] }, {}],
    ['a change is open', { change: change(two, three, { id: arn('run-0') }) }, { new_version: '3' }],
    ['another holds the lease', { item: { owner: arn('run-0'), expires_at: at(60) } }, { new_version: '3' }],
    ['the registry does not show what is live', { production: ['4'] }, { new_version: '3' }],
    [
      'two are in Production, and nothing is recorded',
      { production: ['2', '4'], live: null },
      { new_version: '3' },
    ],
    ['another champion is expected', {}, { new_version: '3', expected_champion: '1' }],
    ['the version does not exist', {}, { new_version: '9' }],
    ['the model does not exist', {}, { model_name: 'other' }],
  ])('answers why not, and writes nothing, where %s', async (_, setting, more) => {
    const world = free(setting);
    if (setting.production?.includes('3') === true) world.registry.move('3', 'Production');
    const { change: open, live } = world.item();
    const answer = await ask(world, more);
    expect(answer).toMatchObject({ promoted: false, reason: expect.any(String) });
    expect(answer).not.toHaveProperty('contested');
    expect(writes(world)).toEqual([]);
    expect(world.item()).toMatchObject({ change: open, live });
  });

  it('is contested where somebody moves the registry at the same time: the change stays open, and people are told', async () => {
    const world = free();
    let reads = 0;
    world.registry.before = (call) => {
      if (call === 'listVersions' && ++reads === 2) {
        world.registry.move('3', 'Archived');
        world.registry.move('4', 'Production');
      }
    };
    expect(await ask(world)).toMatchObject({ promoted: false, contested: true });
    expect(world.registry.production).toEqual(['4']);
    expect(world.item().change).toMatchObject({ id: 'direct:r1' });
    expect(world.alerts).toHaveLength(1);
  });

  it('goes on when its request is repeated after it had died, and is then told once', async () => {
    for (const dies of [
      'setVersionTag promotion.r1',
      'moveToProduction 3',
      'setVersionTag promotion.r1.result',
    ]) {
      const world = free();
      world.registry.before = (call) => {
        if (call !== dies) return;
        world.registry.before = () => {};
        throw new Error('killed');
      };
      await expect(ask(world)).rejects.toThrow('killed');
      expect(world.alerts).toEqual([]);
      expect(await ask(world)).toMatchObject({ promoted: true, new_version: '3' });
      expect(world.item()).toMatchObject({ change: null, live: { version: '3', change: 'direct:r1' } });
      expect(world.alerts).toHaveLength(1);
      expect(await ask(world)).toMatchObject({ promoted: true, already_promoted: true });
      expect(world.alerts).toHaveLength(1);
    }
  });

  it('tells people later, where it had died before it could', async () => {
    const world = free();
    world.services.alerts = null;
    world.services.store.recordOutcome = async () => {
      throw new Error('killed');
    };
    await expect(ask(world)).rejects.toThrow('killed');
    const again = { ...free({ live: null }), store: world.store };
    again.services.store = world.store;
    again.registry.view = world.registry.view;
    const recorded: string[] = [];
    world.store.recordOutcome = async (outcome, alert) => {
      recorded.push(outcome.execution);
      return { outcome, alert, ledger: { state: 'none', from: null, head: null }, first: true };
    };
    expect(await ask(again, { new_version: '3' }, 'r2')).toMatchObject({
      promoted: true,
      already_promoted: true,
    });
    expect(recorded).toEqual(['direct:r1']);
  });

  it('says of a change that was turned back meanwhile that it is not promoted', async () => {
    const open = change(two, release('3', 'old'), { id: 'direct:r1' });
    const world = free({ change: { ...open, aim: open.safe, turned_at: at(0).toISOString() } });
    expect(await ask(world)).toMatchObject({ promoted: false, contested: true });
    expect(world.registry.production).toEqual(['2']);
    const closed = free({ live: { ...two, change: 'direct:r1' } });
    expect(await ask(closed, { new_version: '3' })).toMatchObject({ promoted: false, contested: true });
    expect(writes(closed)).toEqual([]);
  });

  it('without a table promotes, and nothing protects it', async () => {
    const world = free();
    world.services.store = noStore;
    expect(await ask(world)).toMatchObject({ promoted: true, new_version: '3', archived_version: '2' });
    expect(world.registry.production).toEqual(['3']);
    expect(world.store.item(MODEL).live).toMatchObject({ version: '2' });
  });
});
