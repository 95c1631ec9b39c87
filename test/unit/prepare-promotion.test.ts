import { describe, expect, it } from 'vitest';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { policyFiles } from '../../lambdas/adapters/policy-files.ts';
import { MAX_FENCE_JUMP } from '../../lambdas/domain/limits.ts';
import { Prepared, PrepareInput } from '../../lambdas/domain/payloads.ts';
import { FENCE_TAG } from '../../lambdas/domain/promotion/promotion-plan.ts';
import { recordId, recordsOn } from '../../lambdas/domain/promotion/record.ts';
import { compare } from '../../lambdas/use-cases/compare-models.ts';
import type { PrepareServices } from '../../lambdas/use-cases/parts/preparation.ts';
import { prepare } from '../../lambdas/use-cases/prepare-promotion.ts';
import { type ChangeWorld, changeWorld, RUN, type Setting, three, two } from '../support/change-world.ts';
import { run } from '../support/evidence.ts';
import { intent, recorded } from '../support/registry.ts';
import { arn, change, MODEL, scaledTo } from '../support/releases.ts';
import { artifact, at, NOON } from '../support/serving.ts';

/** `prepare-promotion`: takes the lease, looks at both sides, and opens the change of a promotion. */

const champion = { profit_total: 100, sharpe_ratio: 1.2, max_drawdown: 0.2, win_rate: 0.6 };
const better = { profit_total: 120, sharpe_ratio: 1.4, max_drawdown: 0.15, win_rate: 0.58 };

/** Version 2 is live and in step, version 3 better; nobody holds the lease. */
function worldWith(setting: Setting = {}): { world: ChangeWorld; services: PrepareServices } {
  const world = changeWorld({
    change: null,
    ...setting,
    item: { owner: null, expires_at: null, fence: 4, ...setting.item },
  });
  Object.assign(world.registry.runs, { 'run-2': run(champion), 'run-3': run(better) });
  const { registry } = world;
  // The Workload is what the item names, or else the tag of the model.
  registry.view = {
    ...registry.view,
    model: { ...registry.view.model, tags: { 'workload.id': 'w1' } },
    versions: registry.view.versions.map((v) => (v.version === '3' ? { ...v, stage: 'Staging' } : v)),
  };
  if (world.platform.workload)
    world.platform.workload = { ...world.platform.workload, runtime: scaledTo(4), importance: 'high' };
  const services = {
    ...world.services,
    policies: policyFiles(new URL('../../policies/', import.meta.url)),
    minConfidence: 0.7,
  };
  return { world, services };
}

const input = (more: object = {}) =>
  PrepareInput.parse({
    ...{ operation: 'promote', model_name: MODEL, challenger_version: '3', policy: 'trading' },
    ...{ wait_for_lease_minutes: 0, dry_run: false, comparison: null, change_id: null },
    ...{ execution: RUN, started_at: NOON.toISOString(), requested_by: 'Ada' },
    ...more,
  });

/** With the comparison that the step before has made. */
async function promotion(services: PrepareServices, more: object = {}): Promise<Prepared> {
  const of = {
    model_name: MODEL,
    champion_version: null,
    challenger_version: '3',
    policy: 'trading',
    execution: RUN,
  };
  const comparison = await compare(of, services);
  return prepare(input({ comparison, ...more }), services);
}

const writes = ({ platform, registry }: ChangeWorld) => [...platform.calls, ...registry.writes];

describe('a promotion', () => {
  it('opens its change from what is in service to the challenger, and records it before for people', async () => {
    const { world, services } = worldWith();
    const answer = await promotion(services);
    expect(Prepared.parse(answer)).toEqual(answer);
    expect(answer).toMatchObject({
      ...{ status: 'ready', change_id: RUN, fence: 5, workload_id: 'w1', artifact_id: 'new' },
      ...{ champion_before: '2', deadline: at(1800).toISOString(), rollback_reason: 'ROLLOUT_FAILED' },
    });
    const { change: open, live, owner } = world.item();
    expect(open).toMatchObject({
      ...{ id: RUN, kind: 'promote', to: '3', attempts: 0, opened_at: NOON.toISOString() },
      ...{ safe: { version: '2', artifact_id: 'old' }, aim: { version: '3', artifact_id: 'new' } },
      asked: { by: 'Ada', confidence: 1, alarm: null },
    });
    expect(owner).toBe(RUN);
    // The settings that the Workload has now are those to go back to.
    expect(live?.key).toBe(open?.safe.key);
    expect(await world.store.getRelease(MODEL, open?.safe.key ?? '')).toMatchObject({
      runtime: scaledTo(4),
      importance: 'high',
    });
    expect(await world.store.getRelease(MODEL, open?.aim.key ?? '')).toMatchObject({ runtime: null });
    expect(recordsOn(world.registry.view.versions)).toMatchObject([
      { id: 'run-1', kind: 'promote', to: '3', from: '2', fence: 5, result: null, requested_by: 'Ada' },
    ]);
    expect(world.platform.calls).toEqual([]);
    expect(world.registry.production).toEqual(['2']);
  });

  it('goes on with its own change when the step is repeated', async () => {
    const { world, services } = worldWith();
    const first = await promotion(services);
    const before = [world.item(), writes(world).length];
    world.pass(30);
    expect(await promotion(services)).toMatchObject({
      status: 'ready',
      change_id: first.change_id,
      fence: 5,
    });
    expect([{ ...world.item(), expires_at: null }, writes(world).length]).toEqual([
      { ...(before[0] as object), expires_at: null },
      before[1],
    ]);
  });

  it('that is live already opens nothing', async () => {
    const { world, services } = worldWith({
      production: ['3'],
      served: 'new',
      live: { ...three, change: arn('run-0') },
    });
    world.registry.move('3', 'Production');
    expect(await promotion(services)).toMatchObject({ status: 'already_promoted', change_id: null });
    expect(world.item().change).toBeNull();
  });

  it('takes over the change that another has left open', async () => {
    const { world, services } = worldWith({
      served: 'new',
      change: change(two, three, { id: arn('run-0') }),
    });
    expect(await promotion(services)).toMatchObject({ status: 'ready', change_id: RUN });
    expect(world.item().change).toMatchObject({ id: RUN, safe: { key: two.key } });
  });

  it('waits until the last request of another would be visible on the Workload', async () => {
    const { world, services } = worldWith({
      served: 'new',
      change: change(two, three, { id: arn('run-0') }),
      item: { released_at: at(-10) },
    });
    const waiting = await promotion(services);
    expect(waiting).toMatchObject({ status: 'busy', wait: true, retry_after_seconds: 20, holder: null });
    expect(world.item()).toMatchObject({ owner: RUN, change: { id: arn('run-0') } });
    world.pass(20);
    expect(await promotion(services, { previous: waiting })).toMatchObject({ status: 'ready' });
  });

  it.each<[string, Setting, (world: ChangeWorld) => void, object]>([
    ['somebody has moved the model', {}, ({ registry }) => registry.move('4', 'Production'), {}],
    [
      'another has closed a change since the execution began',
      { live: { ...two, at: at(60).toISOString() } },
      () => {},
      {},
    ],
    [
      'the evidence has changed since',
      {},
      ({ registry }) => Object.assign(registry.runs, { 'run-3': run({ ...better, profit_total: 121 }) }),
      {},
    ],
    [
      'nothing is recorded, and a promotion of the first version has no result',
      { live: null },
      ({ registry }) => {
        const tags = recorded(intent({ id: 'old', to: '4', from: '2' }), null);
        const { schema: _, ...written } = JSON.parse(tags['promotion.old'] ?? '');
        registry.view = {
          ...registry.view,
          versions: registry.view.versions.map((v) =>
            v.version === '4' ? { ...v, tags: { ...v.tags, 'promotion.old': JSON.stringify(written) } } : v,
          ),
        };
      },
      {},
    ],
  ])('is contested where %s', async (_, setting, arrange, more) => {
    const { world, services } = worldWith(setting);
    const of = {
      model_name: MODEL,
      champion_version: null,
      challenger_version: '3',
      policy: 'trading',
      execution: RUN,
    };
    const comparison = await compare(of, services);
    arrange(world);
    const { live } = world.item();
    const answer = await prepare(input({ comparison, ...more }), services);
    expect(answer).toMatchObject({ status: 'contested', change_id: null, reason: expect.any(String) });
    expect(world.item()).toMatchObject({ change: null, live });
    expect(writes(world)).toEqual([]);
  });

  it.each<[string, (world: ChangeWorld) => void, object]>([
    ['the version is not READY', ({ registry }) => statusOf(registry, 'PENDING_REGISTRATION'), {}],
    ['the version does not exist', () => {}, { challenger_version: '9' }],
    [
      'the platform would not put its draft over what is locked',
      ({ platform }) => void platform.artifacts.set('new', artifact('new', 'draft')),
      {},
    ],
    [
      'its artifact is of another type',
      ({ platform }) => void platform.artifacts.set('new', artifact('new', 'locked', { type: 'agent' })),
      {},
    ],
  ])('is refused before anything is opened where %s', async (_, arrange, more) => {
    const { world, services } = worldWith();
    const of = {
      model_name: MODEL,
      champion_version: null,
      challenger_version: '3',
      policy: 'trading',
      execution: RUN,
    };
    const comparison = await compare(of, services);
    arrange(world);
    expect(await prepare(input({ comparison, ...more }), services)).toMatchObject({
      status: 'refused',
      change_id: null,
    });
    expect(world.item().change).toBeNull();
    expect(writes(world)).toEqual([]);
  });

  it('of a draft over what is locked is opened where the input asks to lock it', async () => {
    const { world, services } = worldWith();
    world.platform.artifacts.set('new', artifact('new', 'draft'));
    expect(await promotion(services, { lock_artifact: true })).toMatchObject({ status: 'ready' });
  });

  it('with adopt takes what somebody has put in service as live first', async () => {
    const { world, services } = worldWith({ production: ['4'], served: 'a4' });
    world.platform.artifacts.set('a4', artifact('a4'));
    Object.assign(world.registry.runs, { 'run-4': run(champion) });
    expect(await promotion(services)).toMatchObject({ status: 'contested' });
    expect(await promotion(services, { adopt: true })).toMatchObject({ status: 'ready' });
    expect(world.item()).toMatchObject({
      live: { version: '4', artifact_id: 'a4', change: `seen:${RUN}` },
      change: { safe: { version: '4' }, aim: { version: '3' } },
    });
  });

  it('that loses the lease before it opens is contested, and nothing is open', async () => {
    const { world, services } = worldWith();
    const { openChange } = world.store;
    services.store = {
      ...world.store,
      openChange: async (...args) => {
        await world.store.releaseLease(MODEL, RUN, world.platform.now);
        return openChange(...args);
      },
    };
    expect(await promotion(services)).toMatchObject({ status: 'contested' });
    expect(world.item().change).toBeNull();
  });

  it('without a table is refused where a Workload serves the model, and only reads otherwise', async () => {
    const { world, services } = worldWith({ live: null });
    expect(await promotion({ ...services, store: noStore })).toMatchObject({ status: 'refused' });
    world.registry.view = { ...world.registry.view, model: { ...world.registry.view.model, tags: {} } };
    expect(await promotion({ ...services, store: noStore })).toMatchObject({ status: 'ready', fence: null });
    expect(world.platform.calls).toEqual([]);
  });
});

function statusOf(registry: ChangeWorld['registry'], status: string): void {
  registry.view = {
    ...registry.view,
    versions: registry.view.versions.map((v) => (v.version === '3' ? { ...v, status } : v)),
  };
}

describe('while another holds the lease', () => {
  const held = { item: { owner: arn('run-9'), expires_at: at(600), fence: 4 } };

  it.each(['promote', 'rollback', 'resume', 'adopt'] as const)(
    '%s is busy, and reads nothing',
    async (operation) => {
      const { world, services } = worldWith(held);
      const before = world.item();
      world.registry.before = () => {
        throw new Error('read');
      };
      const answer = await prepare(
        input({ operation, change_id: operation === 'resume' ? arn('run-0') : null }),
        services,
      );
      expect(answer).toMatchObject({
        ...{ status: 'busy', holder: arn('run-9'), lease_expires_at: at(600).toISOString() },
        ...{ wait: false, fence: null, change_id: null },
      });
      expect(world.item()).toEqual(before);
    },
  );

  it('it waits as long as was asked for', async () => {
    const { world, services } = worldWith(held);
    const patient = input({ wait_for_lease_minutes: 5 });
    expect(await prepare(patient, services)).toMatchObject({ wait: true, retry_after_seconds: 30 });
    world.pass(299);
    expect(await prepare(patient, services)).toMatchObject({ wait: true });
    world.pass(1);
    expect(await prepare(patient, services)).toMatchObject({ wait: false });
  });
});

describe('a rollback and an attempt', () => {
  it('take the lease, and open nothing here', async () => {
    for (const [operation, change_id] of [
      ['rollback', null],
      ['resume', arn('run-0')],
    ] as const) {
      const { world, services } = worldWith();
      const reason = 'DRIFT_SEVERE';
      expect(await prepare(input({ operation, change_id, reason }), services)).toMatchObject({
        ...{ status: 'ready', fence: 5, change_id, artifact_id: null },
        rollback_reason: operation === 'rollback' ? reason : 'ROLLOUT_FAILED',
      });
      expect(world.item()).toMatchObject({ owner: RUN, change: null });
    }
  });
});

describe('adopting', () => {
  const adopt = (more: object = {}) => input({ operation: 'adopt', challenger_version: null, ...more });

  it('takes what both sides show as live, by name, and closes what is open', async () => {
    const { world, services } = worldWith({
      production: ['4'],
      served: 'a4',
      change: change(two, three, { id: arn('run-0') }),
    });
    expect(await prepare(adopt(), services)).toMatchObject({ status: 'adopted' });
    expect(world.item()).toMatchObject({
      change: null,
      live: { version: '4', artifact_id: 'a4', change: RUN, adopted_by: 'Ada', importance: 'high' },
      history: [{ version: '2', left_by: recordId(RUN), good: true }],
    });
    expect(writes(world)).toEqual([]);
    const before = world.item();
    expect(await prepare(adopt(), services)).toMatchObject({ status: 'adopted' });
    expect(world.item()).toEqual(before);
  });

  it('what is live already changes nothing', async () => {
    const { world, services } = worldWith();
    const { live, history } = world.item();
    expect(await prepare(adopt(), services)).toMatchObject({ status: 'adopted' });
    expect(world.item()).toMatchObject({ live, history });
  });

  it('is contested where the sides do not agree', async () => {
    const { world, services } = worldWith({ production: ['4'] });
    expect(await prepare(adopt(), services)).toMatchObject({ status: 'contested' });
    expect(world.item().live).toMatchObject({ version: '2' });
  });

  it('takes the Workload that is asked for or tagged, as the recorded one may be gone', async () => {
    const gone = { ...two, workload_id: 'w0' };
    const { world, services } = worldWith({ live: gone });
    expect(await prepare(adopt(), services)).toMatchObject({ status: 'adopted', workload_id: 'w1' });
    expect(world.item().live).toMatchObject({ workload_id: 'w1' });
  });
});

describe('the fence', () => {
  const tagged = (fence: number) => {
    const { world, services } = worldWith();
    const tags = { 'workload.id': 'w1', [FENCE_TAG]: String(fence) };
    world.registry.view = { ...world.registry.view, model: { ...world.registry.view.model, tags } };
    return { world, services };
  };

  it('counts on from the registry where the table was restored, and is written there', async () => {
    const { world, services } = tagged(40);
    expect(await promotion(services)).toMatchObject({ status: 'ready', fence: 41 });
    expect(world.item()).toMatchObject({ fence: 41, change: { id: RUN } });
    // The next entry of the ledger says so.
    expect(await services.store.ledgerEnd(world.item().model)).toMatchObject({ tableBehind: true });
    expect(world.registry.view.model.tags[FENCE_TAG]).toBe('41');
  });

  it('is not poisoned by a tag that no lost table explains', async () => {
    const { world, services } = tagged(6 + MAX_FENCE_JUMP);
    expect(await promotion(services)).toMatchObject({ status: 'ready', fence: 5 });
    expect(world.item().fence).toBe(5);
  });
});

it('ends an execution of the first version before it writes anything', async () => {
  const { world, services } = worldWith();
  const before = world.item();
  const { change_id: _, ...first } = input();
  expect(await prepare(PrepareInput.parse(first), services)).toMatchObject({ status: 'contested' });
  expect(world.item()).toEqual(before);
});

it('names a model or a Workload that does not exist', async () => {
  const { world, services } = worldWith();
  await expect(prepare(input({ operation: 'adopt', model_name: 'other' }), services)).rejects.toMatchObject({
    name: 'ModelNotFound',
  });
  world.platform.workload = null;
  await expect(promotion(services)).rejects.toMatchObject({ name: 'WorkloadNotFound' });
});
