import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MlflowUnavailable } from '../../lambdas/domain/errors.ts';
import { recordId } from '../../lambdas/domain/promotion/record.ts';
import { champions } from '../../lambdas/domain/registry.ts';
import { isInStep } from '../../lambdas/domain/release/found.ts';
import type { RollbackAnswer } from '../../lambdas/domain/release/payloads.ts';
import { touchedBy } from '../../lambdas/domain/release/release.ts';
import { WorkloadApiUnavailable } from '../../lambdas/domain/serving/errors.ts';
import { Progress } from '../../lambdas/domain/serving/payloads.ts';
import { type Converged, converge, convergeQuickly } from '../../lambdas/use-cases/parts/converge.ts';
import type { Convergence } from '../../lambdas/use-cases/parts/convergence.ts';
import { readBoth } from '../../lambdas/use-cases/parts/look.ts';
import { rollback } from '../../lambdas/use-cases/roll-back.ts';
import {
  type ChangeWorld,
  changeWorld,
  firstChampion,
  goingBack,
  RUN,
  type Setting,
  three,
  two,
} from '../support/change-world.ts';
import { intent, recorded, rollbackInput } from '../support/registry.ts';
import { arn, change, MODEL, release, scaledTo } from '../support/releases.ts';
import { artifact, at, type Candidate, progress, proton, refused, type Trouble } from '../support/serving.ts';

/** The table "Converging" of the design: one step from what both sides show towards the aim of the open change. */

const oneCall = (world: ChangeWorld, more: Partial<Convergence> = {}): Convergence => ({
  change: world.change(),
  writer: world.writer(),
  progress: Progress.parse({}),
  deadline: at(3600),
  requested_by: null,
  mayStart: true,
  ...more,
});
const step = (world: ChangeWorld, more: Partial<Convergence> = {}) =>
  converge(oneCall(world, more), world.services);

/** In short: what the step found, and what it sent to either side. */
function short(world: ChangeWorld, result: Converged): string {
  const found =
    result.kind === 'waiting' || result.kind === 'failed'
      ? `${result.kind}: ${result.finding.code}`
      : result.kind === 'contested'
        ? `contested: ${result.why}`
        : 'closed';
  const sent = [...world.platform.calls, ...world.registry.writes];
  return [found, ...sent].join(', ');
}

const flying =
  (candidate: string, more: object = {}) =>
  (world: ChangeWorld) => {
    world.platform.record = { ...world.platform.begin(candidate), ...more };
  };
const leaving = { status: 'deleting' };
const switchedAt = { status: 'finalizing', switchedAt: at(0).toISOString() };
/** What is served, and what is to be served, are drafts. */
const drafts = ({ platform }: ChangeWorld) => {
  for (const id of ['old', 'new']) platform.artifacts.set(id, artifact(id, 'draft'));
};
const both =
  (...arrange: ((world: ChangeWorld) => void)[]) =>
  (world: ChangeWorld) => {
    for (const each of arrange) each(world);
  };

interface Row {
  setting?: Setting;
  arrange?: (world: ChangeWorld) => void;
  call?: Partial<Convergence>;
  comes: string;
}

const there: Setting = { production: ['3'], served: 'new' };
const moved = 'moveToProduction 3';
const ended = 'setVersionTag promotion.run-1.result';

const table: Record<string, Row> = {
  'not known: a person has moved the registry': {
    setting: { production: ['4'] },
    comes: 'contested: moved-on',
  },
  'not known: a second version in Production': {
    setting: { production: ['2', '4'] },
    comes: 'contested: moved-on',
  },
  'not known: no champion any more': { setting: { production: [] }, comes: 'contested: moved-on' },
  'not known: a person has replaced the artifact': {
    setting: { served: 'third' },
    comes: 'contested: moved-on',
  },
  "not known: a person's replacement in flight": {
    arrange: flying('third'),
    comes: 'contested: moved-on',
  },
  'not known on the way back to no champion: a champion': {
    setting: { ...there, change: { ...firstChampion(), aim: firstChampion().safe } },
    comes: 'contested: moved-on',
  },
  'somebody changes settings: waits': { arrange: flying('old'), comes: 'waiting: settings-change' },
  'somebody changes settings of the aim, once it is served: not waited for': {
    setting: { ...there, production: ['2'] },
    arrange: flying('new'),
    comes: `waiting: looking-again, ${moved}`,
  },
  'another rollout of the change before its switch: cancelled': {
    setting: { change: goingBack() },
    arrange: flying('new'),
    comes: 'waiting: rollout-cancelled, cancelReplacement',
  },
  'a cancelled rollout that is leaving: waits': {
    setting: { change: goingBack() },
    arrange: flying('new', leaving),
    comes: 'waiting: rollout-leaving',
  },
  'another rollout of the change that has switched: waits': {
    setting: { change: goingBack(), served: 'new' },
    arrange: flying('new', switchedAt),
    comes: 'waiting: rollout-switched',
  },
  'its own rollout in flight: waits': { arrange: flying('new'), comes: 'waiting: replacing' },
  'waiting past the deadline: a failure': {
    setting: { change: goingBack(), served: 'new' },
    arrange: flying('new', switchedAt),
    call: { deadline: at(0) },
    comes: 'failed: deadline',
  },
  'serves another, and the deadline is over: a failure': {
    call: { deadline: at(0) },
    comes: 'failed: deadline',
  },
  'serves another, and its own request has failed: a failure': {
    arrange: flying('new', { id: 'r7', status: 'errored', message: 'no image' }),
    call: { progress: progress({ replacement_id: 'r7', started_at: at(-60).toISOString() }) },
    comes: 'failed: candidate-failed',
  },
  'serves another: a replacement is started': { comes: 'waiting: starting, startReplacement' },
  'serves another, where the serving half was brought there before: a failure': {
    call: { mayStart: false },
    comes: 'failed: superseded',
  },
  'serves another, turned a moment ago: waits until its last request would be visible': {
    setting: { served: 'new', change: goingBack({ turned_at: at(-29).toISOString() }) },
    comes: 'waiting: settling',
  },
  'serves another, turned longer ago: a replacement is started': {
    setting: { served: 'new', change: goingBack({ turned_at: at(-30).toISOString() }) },
    comes: 'waiting: starting, startReplacement',
  },
  'serves the aim, the registry does not: moved': {
    setting: { served: 'new' },
    comes: `waiting: looking-again, ${moved}`,
  },
  'serves the aim, an active proton does not: waits': {
    setting: there,
    arrange: ({ platform }) => {
      platform.protonList = [proton('p1', 'new'), proton('p2', 'old')];
    },
    comes: 'waiting: activating',
  },
  'both at the aim, a draft, the tail of its rollout in flight: waits': {
    setting: there,
    arrange: both(drafts, flying('new', switchedAt)),
    comes: 'waiting: promotion-blocked',
  },
  'both at the aim, a draft, its settings changed: waits': {
    setting: there,
    arrange: both(drafts, flying('new')),
    comes: 'waiting: promotion-blocked',
  },
  'both at the aim, a draft, nothing in flight: locked, and not closed yet': {
    setting: there,
    arrange: drafts,
    comes: 'waiting: promoting, promote',
  },
  'both at the aim, a draft whose lock was asked for: waits': {
    setting: there,
    arrange: drafts,
    call: { progress: progress({ promoted_at: at(-29).toISOString() }) },
    comes: 'waiting: promotion-requested',
  },
  'both at an aim that was in service as a draft: closed, and not locked': {
    setting: { change: { ...goingBack(), safe: { ...two, draft: true }, aim: { ...two, draft: true } } },
    arrange: drafts,
    comes: 'closed',
  },
  'a draft that is served before the registry has moved: the registry first, then the lock': {
    setting: { served: 'new' },
    arrange: drafts,
    comes: `waiting: looking-again, ${moved}`,
  },
  'both at the aim: closed': { setting: there, comes: 'closed' },
  'both at the aim, locked, the old version still kept: closed': {
    setting: there,
    arrange: flying('new', switchedAt),
    comes: 'closed',
  },
  'both at the aim, turned a moment ago: not closed, as a rollout may become visible': {
    setting: { change: goingBack({ turned_at: at(-29).toISOString() }) },
    comes: 'waiting: settling',
  },
  'a registry-only change turned a moment ago: closed': {
    setting: {
      live: release('2'),
      change: {
        ...change(release('2'), release('3'), { turned_at: at(-1).toISOString() }),
        aim: release('2'),
      },
    },
    comes: 'closed',
  },
};

describe.each(Object.entries(table))('%s', (_, { setting, arrange, call, comes }) => {
  it(comes, async () => {
    const world = changeWorld(setting);
    arrange?.(world);
    const before = world.item();
    const result = await step(world, call);
    expect(short(world, result)).toBe(comes);
    // Only W4 writes to the item.
    if (result.kind !== 'closed') expect(world.item()).toEqual(before);
    else expect(world.item()).toMatchObject({ change: null, live: { change: RUN } });
  });
});

describe('a replacement of the change', () => {
  it('has the runtime that the aim had when it was in service', async () => {
    const world = changeWorld({ served: 'new', change: goingBack() });
    await step(world);
    expect(world.platform.requests).toMatchObject([{ artifactId: 'old', runtime: scaledTo(2) }]);
  });

  it('has none where the aim was never seen running: the platform keeps what it has', async () => {
    const world = changeWorld();
    await step(world);
    expect(world.platform.requests).toEqual([expect.not.objectContaining({ runtime: expect.anything() })]);
  });

  it('keeps no old version: the way back is not to wait for itself', async () => {
    const world = changeWorld({ served: 'new', change: goingBack() });
    await step(world);
    expect(world.platform.requests).toMatchObject([{ config: { keepOldVersionMinutes: 0 } }]);
  });

  it('is not asked for once the look is too old: somebody may have acted since', async () => {
    const world = changeWorld();
    world.registry.before = (call) => {
      if (call === 'getModel') world.pass(21);
    };
    expect(short(world, await step(world))).toBe('waiting: looking-again');
  });

  it.each(['lost-before', 'lost-after'] as const)(
    'is asked for once where its answer is %s',
    async (lost) => {
      const world = changeWorld();
      let left = 1;
      world.platform.trouble = (call) => (call === 'startReplacement' && left-- > 0 ? lost : null);
      let result = await step(world);
      for (let n = 0; n < 40 && result.kind !== 'closed'; n += 1) {
        world.pass(10);
        result = await step(world, { progress: result.progress });
      }
      expect(result.kind).toBe('closed');
      expect(world.platform.calls).toEqual(['startReplacement']);
    },
  );
});

describe('the importance', () => {
  it('is as before once a rollout has gone back', async () => {
    const world = changeWorld({ served: 'old', production: ['2'], change: goingBack() });
    if (world.platform.workload) world.platform.workload = { ...world.platform.workload, importance: 'high' };
    const result = await step(world, { progress: progress({ action: 'replace' }) });
    expect(short(world, result)).toBe('waiting: setting-importance, setImportance');
  });
});

describe('the registry', () => {
  it.each([
    ['stages', {}, [moved]],
    ['aliases', { champion: '2' }, ['setAlias previous_champion 2', 'setAlias champion 3']],
    ['both', { champion: '2' }, [moved, 'setAlias previous_champion 2', 'setAlias champion 3']],
  ] as const)('moves forward in mode %s', async (mode, aliases, writes) => {
    const world = changeWorld({ mode, aliases, served: 'new' });
    expect(await step(world)).toMatchObject({ kind: 'waiting', step: 'move' });
    expect(world.registry.writes).toEqual(writes);
  });

  it('names no previous champion on the way back: that would be the version that is taken out', async () => {
    const world = changeWorld({
      mode: 'both',
      production: ['3'],
      aliases: { champion: '3', previous_champion: '2' },
      change: goingBack(),
    });
    await step(world);
    expect(world.registry.writes).toEqual([
      'setVersionTag promotion.run-1-rollback',
      'moveToProduction 2',
      'setAlias champion 2',
    ]);
    expect(world.registry.view.model.aliases).toMatchObject({ previous_champion: '2' });
    await step(world);
    expect(world.registry.view.model.aliases).toEqual({ champion: '2' });
  });

  it.each(['lost-before', 'lost-after'] as const)(
    'closes a change although unsetting previous_champion is %s',
    async (lost) => {
      const world = changeWorld({
        mode: 'both',
        production: ['2'],
        aliases: { champion: '2', previous_champion: '2' },
        change: goingBack(),
      });
      world.registry.trouble = (call) => (call.startsWith('deleteAlias') ? lost : null);
      await expect(step(world)).resolves.toMatchObject({ kind: expect.stringMatching(/closed|waiting/) });
    },
  );

  it.each(['lost-before', 'lost-after'] as const)('is read where the answer is %s', async (lost) => {
    const world = changeWorld({ served: 'new' });
    let left = 1;
    world.registry.trouble = (call) => (call === moved && left-- > 0 ? lost : null);
    expect(await step(world)).toMatchObject({ kind: 'waiting', step: 'move' });
    expect(world.registry.production).toEqual(['3']);
    // Written again only where nothing had come of it.
    expect(world.registry.writes).toEqual([moved]);
  });

  it('that somebody else moves at the same time is contested, and left as they want it', async () => {
    const world = changeWorld({ served: 'new' });
    let reads = 0;
    world.registry.before = (call) => {
      if (call === 'listVersions' && ++reads === 2) {
        world.registry.move('3', 'Archived');
        world.registry.move('4', 'Production');
      }
    };
    expect(short(world, await step(world))).toBe(`contested: lost-race, ${moved}`);
    expect(world.registry.production).toEqual(['4']);
  });

  it('names the versions that the move has archived and that somebody had just promoted', async () => {
    const world = changeWorld({ served: 'new' });
    world.registry.move('4', 'Staging');
    world.registry.before = (call) => {
      if (call === moved) world.registry.move('4', 'Production');
    };
    // Version 2 was archived, too, and is the change's own.
    expect(await step(world)).toMatchObject({ kind: 'waiting', step: 'move', overwritten: ['4'] });
    expect(world.registry.production).toEqual(['3']);
  });

  it('names them also where somebody else is faster', async () => {
    const world = changeWorld({ served: 'new' });
    let reads = 0;
    world.registry.move('4', 'Staging');
    world.registry.before = (call) => {
      if (call.startsWith('moveToProduction')) world.registry.move('4', 'Production');
      if (call === 'listVersions' && ++reads === 2) world.registry.move('5', 'Production');
    };
    const lost = await convergeQuickly(oneCall(world), world.services);
    expect(lost).toMatchObject({ kind: 'contested', why: 'lost-race', overwritten: ['4'] });
  });

  it('names them also where the call goes on to the close', async () => {
    const world = changeWorld({ served: 'new' });
    world.registry.move('4', 'Staging');
    world.registry.before = (call) => {
      if (call === moved) world.registry.move('4', 'Production');
    };
    const done = await convergeQuickly(oneCall(world), world.services);
    expect(done).toMatchObject({ kind: 'closed', overwritten: ['4'] });
  });

  it('is not moved once the look is too old', async () => {
    const world = changeWorld({ served: 'new' });
    world.registry.before = (call) => {
      if (call === 'getModel') world.pass(21);
    };
    expect(short(world, await step(world))).toBe('waiting: looking-again');
  });
});

describe('the lock', () => {
  it('comes last: after the registry, and when nothing is in flight', async () => {
    const world = changeWorld();
    drafts(world);
    const seen: string[] = [];
    world.registry.before = (call) => void (call === moved && seen.push(call));
    world.platform.trouble = (call) => {
      if (call === 'promote')
        seen.push(`${call} while ${world.platform.record?.status ?? 'nothing'} goes on`);
      return null;
    };
    let result = await step(world);
    for (let n = 0; n < 60 && result.kind !== 'closed'; n += 1) {
      world.pass(10);
      result = await step(world, { progress: result.progress });
    }
    expect(result.kind).toBe('closed');
    expect(seen).toEqual([moved, 'promote while nothing goes on']);
    expect(world.platform.artifacts.get('new')?.status).toBe('locked');
  });

  it('that is refused is a failure, and the change stays open', async () => {
    const world = changeWorld({ production: ['3'], served: 'new' });
    drafts(world);
    world.platform.promote = async () => {
      throw refused(422, 'complete a build first');
    };
    expect(short(world, await step(world))).toBe('failed: promote-refused');
    expect(world.item().change).not.toBeNull();
  });

  it('is not asked for once the look is too old: it would lock whatever is served by then', async () => {
    const world = changeWorld({ production: ['3'], served: 'new' });
    drafts(world);
    world.registry.before = (call) => {
      if (call === 'getModel') world.pass(21);
    };
    expect(short(world, await step(world))).toBe('waiting: looking-again');
  });
});

describe('the close', () => {
  const close = (setting: Setting = {}) => changeWorld({ ...there, ...setting });

  it('comes after the result for people, and after one more look at both sides', async () => {
    const world = close();
    world.registry.view = {
      ...world.registry.view,
      versions: world.registry.view.versions.map((v) =>
        v.version === '3' ? { ...v, tags: { ...v.tags, ...intentOfRun } } : v,
      ),
    };
    const order: string[] = [];
    world.registry.before = (call) => void order.push(call);
    world.platform.trouble = (call) => {
      if (call === 'getReplacement') order.push(call);
      return null;
    };
    const write = world.store.closeChange;
    world.store.closeChange = (...args) => {
      order.push('W4');
      return write(...args);
    };
    expect((await step(world)).kind).toBe('closed');
    expect(order).toEqual([
      ...['getReplacement', 'getModel', 'listVersions'],
      ended,
      ...['getReplacement', 'getModel', 'listVersions', 'W4'],
    ]);
  });

  it.each([
    ['the registry', (world: ChangeWorld) => world.registry.move('4', 'Production'), 'contested: moved-on'],
    ['the Workload', (world: ChangeWorld) => void world.platform.begin('third'), 'contested: moved-on'],
    [
      'the registry, to what the change knows',
      (world: ChangeWorld) => world.registry.move('2', 'Production'),
      'waiting: looking-again',
    ],
    [
      'the Workload, to what the change knows',
      (world: ChangeWorld) => void world.platform.begin('old'),
      'waiting: looking-again',
    ],
  ])('does not come where the last look shows something else in %s', async (_, act, comes) => {
    const world = close();
    let looks = 0;
    world.registry.before = (call) => {
      if (call !== 'getModel') return;
      looks += 1;
    };
    const observed = world.platform.getReplacement;
    world.platform.getReplacement = async () => {
      if (looks === 1) act(world);
      return observed();
    };
    expect(short(world, await step(world))).toBe(comes);
    expect(world.item().change).not.toBeNull();
  });

  it('records what was left, as good, and the time', async () => {
    const world = close();
    world.pass(60);
    expect(await step(world)).toMatchObject({
      live: { version: '3', change: RUN, at: at(60).toISOString() },
    });
    expect(world.item().history).toMatchObject([
      { version: '2', key: two.key, left_by: recordId(RUN), left_at: at(60).toISOString(), good: true },
    ]);
  });

  it('records what a rollback left, as bad', async () => {
    const back = { ...change(two, two), kind: 'rollback' as const, left: '3', to: '2' };
    const world = changeWorld({ live: { ...three, change: arn('run-0') }, change: back });
    expect((await step(world)).kind).toBe('closed');
    expect(world.item()).toMatchObject({ live: { version: '2' }, history: [{ version: '3', good: false }] });
  });

  it('records as good what a rollback has left that was to leave another version', async () => {
    const repaired = release('2', 'new');
    const back = { ...change(repaired, repaired), kind: 'rollback' as const, left: '4', to: '2' };
    const world = changeWorld({ served: 'new', change: back });
    expect((await step(world)).kind).toBe('closed');
    expect(world.item().history).toMatchObject([{ version: '2', artifact_id: 'old', good: true }]);
  });

  it('records nothing as left, where a promotion has gone back', async () => {
    const world = changeWorld({ change: goingBack() });
    expect((await step(world)).kind).toBe('closed');
    expect(world.item()).toMatchObject({ live: { version: '2', change: RUN }, history: [] });
  });

  it('is refused by the table once another has the lease, or the change: nobody is told that it is closed', async () => {
    const lost = close({ item: { owner: arn('run-2'), fence: 2 } });
    expect(short(lost, await step(lost))).toBe('contested: superseded');
    const turned = close();
    const call = oneCall(turned);
    await turned.store.turnBack({ model: MODEL, owner: RUN, fence: 1, now: at(0) }, RUN);
    const result = await converge(call, turned.services);
    expect(short(turned, result)).toBe('contested: superseded');
  });

  it('whose answer was lost is found by the next look', async () => {
    const world = close();
    const call = oneCall(world);
    await converge(call, world.services);
    // A second copy of the same call.
    expect((await converge(call, world.services)).kind).toBe('closed');
    expect(world.item().history).toHaveLength(1);
  });
});

const intentOfRun = recorded(intent({ id: 'run-1', to: '3', from: '2', execution: RUN }), null);

describe('a change whose aim has no serving half', () => {
  it('asks the Workload API nothing', async () => {
    const half = change(release('2'), release('3'));
    const world = changeWorld({ live: release('2'), change: half, served: 'third' });
    const workloads = () => {
      throw new Error('asked for');
    };
    const services = { ...world.services, workloads };
    expect(await convergeQuickly(oneCall(world), services)).toMatchObject({ kind: 'closed' });
    expect(world.registry.production).toEqual(['3']);
  });
});

describe('whatever is lost on the way', () => {
  const lost = fc.constantFrom<Trouble>(null, null, null, 'lost-before', 'lost-after', 'away');
  const scenario = fc.record({
    mode: fc.constantFrom('stages' as const, 'both' as const),
    kind: fc.constantFrom('promote' as const, 'rollback' as const, 'first' as const),
    production: fc.constantFrom('2', '3'),
    served: fc.constantFrom('old', 'new'),
    running: fc.constantFrom(null, 'old', 'new'),
    draft: fc.boolean(),
    forward: fc.integer({ min: 0, max: 8 }),
    candidate: fc.constantFrom<Candidate>('healthy', 'never-ready', 'fails', 'dropped'),
    workload: fc.array(lost, { maxLength: 40 }),
    mlflow: fc.array(fc.constantFrom(null, null, 'lost-before' as const, 'lost-after' as const), {
      maxLength: 30,
    }),
    forgets: fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }),
  });
  type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

  /** A change with both sides anywhere between its releases, and answers that get lost for a while. */
  function worldOf(s: Scenario): ChangeWorld {
    const id = arn('run-0');
    const safe = { ...two, draft: s.draft };
    const none = { ...release(null, 'old'), draft: s.draft };
    const first = s.kind === 'first';
    const production = first && s.production === '2' ? [] : [s.production];
    const open =
      s.kind === 'rollback'
        ? change(safe, safe, { id, kind: 'rollback', left: '3', to: '2', touched: touchedBy(two, three) })
        : change(first ? none : safe, three, { id });
    const world = changeWorld({
      mode: s.mode,
      production,
      aliases: production[0] === undefined ? {} : { champion: production[0] },
      served: s.served,
      live: s.kind === 'rollback' ? { ...three, change: arn('run-9') } : first ? none : safe,
      change: open,
    });
    if (s.draft) drafts(world);
    if (s.running !== null) world.platform.begin(s.running);
    world.platform.candidate = s.candidate;
    const troubles = [...s.workload];
    world.platform.trouble = (call) => {
      const next = troubles.shift() ?? null;
      return next !== null && call.startsWith('get') ? 'away' : next;
    };
    const lostAnswers = [...s.mlflow];
    world.registry.trouble = () => lostAnswers.shift() ?? null;
    return world;
  }

  const isOutage = (error: unknown) =>
    error instanceof MlflowUnavailable || error instanceof WorkloadApiUnavailable;

  it('a change ends closed with one of its releases, which both sides show', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (s) => {
        const world = worldOf(s);
        const { kind } = s;
        let calls = 0;
        // As the promotion itself would go on, until it stops somewhere.
        let carried = Progress.parse({});
        for (let n = 0; n < s.forward && kind !== 'rollback' && world.item().change !== null; n += 1) {
          try {
            carried = (await step(world, { progress: carried, deadline: at(1800) })).progress;
          } catch (error) {
            if (!isOutage(error)) throw error;
          }
          world.pass(15);
        }
        // Then as the attempts of the sweep do, each of which begins anew.
        const attempt = rollbackInput({
          ...{ fence: 1, execution: RUN, change_id: arn('run-0'), reason: 'ROLLOUT_FAILED' },
        });
        for (let attempts = 0; world.item().change !== null; attempts += 1) {
          expect(attempts).toBeLessThan(12);
          if (attempts > 2) world.platform.candidate = 'healthy';
          await world.store.takeLease(MODEL, RUN, world.platform.now, 3600);
          world.pass(60);
          let previous: RollbackAnswer | null = null;
          for (let n = 0; n < 60; n += 1) {
            try {
              const answer: RollbackAnswer = await rollback({ ...attempt, previous }, world.services, {
                requestId: 'r',
              });
              calls += 1;
              expect(answer.status).not.toBe('contested');
              previous = s.forgets.includes(calls) ? previous : JSON.parse(JSON.stringify(answer));
              if (answer.status !== 'in_progress') break;
              world.pass(answer.retry_after_seconds ?? 0);
            } catch (error) {
              if (!isOutage(error)) throw error;
              world.pass(30);
            }
          }
        }
        world.platform.trouble = () => null;
        world.registry.trouble = () => null;
        const look = await readBoth(world.services, world.services.workloads, MODEL, () => 'w1');
        const { live, change: left } = world.item();
        if (look === null || live === null) throw new Error('nothing is left');
        expect(left).toBeNull();
        expect(isInStep(look, world.item())).toBe(true);
        expect(world.platform.violations).toEqual([]);
        const ends = { promote: ['2', '3'], rollback: ['2'], first: [null, '3'] }[kind];
        expect(ends).toContain(live.version);
        // A model with a champion is never without.
        if (kind !== 'first') expect(champions(look.registry, s.mode)).toHaveLength(1);
        if (live.version === '3') expect(look.serving?.artifact_status).toBe('locked');

        const before = [world.platform.calls.length, world.registry.writes.length];
        const again = await rollback(attempt, world.services, { requestId: 'r' });
        expect(again).toMatchObject({
          status: 'completed',
          rolled_back: live.result === 'rolled_back',
          to_version: live.version,
        });
        expect([world.platform.calls.length, world.registry.writes.length]).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });
});
