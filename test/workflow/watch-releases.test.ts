import { describe, expect, it } from 'vitest';
import { LeaseStoreUnavailable, StateMachineUnavailable } from '../../lambdas/domain/errors.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import { type WatchServices, watchReleases } from '../../lambdas/use-cases/watch-releases.ts';
import { recordedOutcomes } from '../support/recorded-outcomes.ts';
import { sampleOutcome } from '../support/sample-outcome.ts';
import { arn, promotion, release, type Served, sweptModels } from '../support/swept-models.ts';
import {
  hourAt,
  PROMOTED_BY,
  promoted,
  rowsOf,
  watchServices,
  weekBefore,
  writeBlocks,
} from '../support/watched-models.ts';

/** What the function does about live releases: what it counts, tells and rolls back. */

const MODEL = 'PascalStrategy';
const models = sweptModels();

const watched = (watch: object = {}, more: Partial<WatchServices> = {}) =>
  watchReleases(watchServices(models, watch, more));
const itemOf = (name = MODEL) => models.store.readWatch(name);
/** Ten minutes past the next full hour, so many times. */
const nextHour = (hours = 1) => {
  const minutes = models.now.getUTCMinutes();
  models.pass({ minutes: 60 * hours + 10 - minutes });
};
const told = async () =>
  (await recordedOutcomes(models.table)).filter(({ execution }) => execution.startsWith('watch:'));

/** Version 3 has been live for some minutes in place of version 2, with a week of outcomes before. */
async function released({ policy = 'trading' as string | null, name = MODEL } = {}) {
  models.model(name, ['Archived', 'Archived', 'Production']);
  await promoted(models, name, { policy });
  return writeBlocks(models, name, weekBefore(hourAt(models.now)));
}
/** Outcomes of the hours that have passed since the release, `worse` or not. */
function outcomesFor(run: string, hours: readonly number[], values: [number, number, number]) {
  writeBlocks(
    models,
    MODEL,
    hours.map((index) => [index, rowsOf(index, values)] as const),
    run,
  );
}
const WORSE: [number, number, number] = [200, 40, 760];
const SAME: [number, number, number] = [45, 50, 905];
/** The hours between two. */
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const switchHour = () => hourAt(new Date('2026-11-21T10:00:00Z'));

describe('a release with outcomes of both versions', () => {
  it('is rolled back when it is shown to be worse, only while it is the champion', async () => {
    const run = await released();
    expect(await watched()).toEqual({ looked: 1, told: 0, started: 0, failed: 0 });
    expect(await itemOf()).toMatchObject({ status: 'watching', promotion: PROMOTED_BY, attempt: 0 });
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    expect(await watched()).toMatchObject({ started: 1, told: 0 });
    expect(models.started).toEqual([
      {
        name: expect.stringMatching(/^watch-p1-[0-9a-f]{12}-1$/),
        input: {
          ...{ operation: 'rollback', model_name: MODEL, champion_version: '3' },
          ...{ reason: 'PERFORMANCE_DEGRADATION', requested_by: 'watch-releases' },
        },
      },
    ]);
    expect(await itemOf()).toMatchObject({ status: 'rollback_started', attempt: 1 });
    // Its execution tells that, with the evidence.
    expect(models.sent).toEqual([]);
  });

  it('is confirmed when it is shown not to be worse by the margin, once', async () => {
    const run = await released();
    await watched();
    for (const hour of range(1, 20)) {
      nextHour();
      outcomesFor(run, [switchHour() + hour - 1 + 1], SAME);
      await watched();
    }
    const found = await told();
    expect(found).toMatchObject([
      {
        status: 'confirmed',
        cause: { code: 'watch', found: 'keep', series: null },
        watch: { new: '3', old: '2' },
      },
    ]);
    expect(models.sent).toHaveLength(1);
    expect(await itemOf()).toMatchObject({ status: 'kept' });
    expect(models.started).toEqual([]);
  });

  it('is watched on after it was confirmed, and told when it becomes worse later', async () => {
    const run = await released();
    nextHour(20);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 20), SAME);
    await watched();
    expect(await itemOf()).toMatchObject({ status: 'kept' });
    nextHour(8);
    outcomesFor(run, range(switchHour() + 20, switchHour() + 27), WORSE);
    expect(await watched()).toMatchObject({ told: 1, started: 0 });
    expect((await told()).map(({ status, cause }) => [status, cause])).toContainEqual([
      'degraded',
      { code: 'watch', found: 'guard_alarm', series: 'rows' },
    ]);
    expect(await itemOf()).toMatchObject({ status: 'kept' });
  });

  it('is unproven in the end where too little was seen, with what is still possible', async () => {
    const run = await released();
    const few: [number, number, number] = [1, 1, 18];
    nextHour(60);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 25), few);
    await watched({ hours: 24 });
    const numbers = [expect.any(Number), expect.any(Number)];
    expect(await told()).toMatchObject([
      { status: 'unproven', watch: { series: [{ estimate: 0, interval: numbers }, {}] } },
    ]);
  });

  it('is told to be worse, and not rolled back, where the policy says so', async () => {
    const run = await released();
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    expect(await watched({ on_worse: { rows: 'alert' } })).toMatchObject({ started: 0, told: 1 });
    await watched({ on_worse: { rows: 'alert' } });
    expect(await told()).toMatchObject([
      { status: 'degraded', cause: { code: 'watch', found: 'worse', series: 'rows' } },
    ]);
    expect(models.sent).toHaveLength(1);
  });

  it('counts each block once, and a changed one never again', async () => {
    const run = await released();
    nextHour(3);
    outcomesFor(run, [switchHour() + 1], SAME);
    await watched();
    const first = await itemOf();
    await watched();
    outcomesFor(run, [switchHour() + 1], WORSE);
    await watched();
    const last = await itemOf();
    expect(last?.state?.series.rows).toMatchObject({ blocks: 1, sums: SAME });
    expect(last?.state?.series.rows?.sums).toEqual(first?.state?.series.rows?.sums);
  });

  it('is not written where nothing is new', async () => {
    const run = await released();
    nextHour(3);
    outcomesFor(run, [switchHour() + 1], SAME);
    await watched();
    const putWatch = () => Promise.reject(new Error('written'));
    expect(await watched({}, { store: { ...models.store, putWatch } })).toMatchObject({
      looked: 1,
      failed: 0,
    });
  });

  it('counts outcomes that come late when they come', async () => {
    const run = await released();
    nextHour(30);
    await watched({ maturity_hours: 72 });
    expect((await itemOf())?.state?.series.rows?.blocks).toBe(0);
    outcomesFor(run, [switchHour() + 5, switchHour() + 2], SAME);
    await watched({ maturity_hours: 72 });
    expect((await itemOf())?.state?.series.rows).toMatchObject({ blocks: 2 });
  });

  it('takes nothing from blocks of another pair, of an hour that has not ended, or that are no blocks', async () => {
    const run = await released();
    nextHour(3);
    const hour = switchHour() + 1;
    writeBlocks(
      models,
      MODEL,
      [
        [hour, rowsOf(hour, WORSE, ['3', '1'])],
        [hour + 1, '{"a":'],
        [hour + 30, rowsOf(hour + 30, WORSE)],
        [hour + 2, rowsOf(hour, WORSE)],
        [hour + 3, { ...rowsOf(hour + 3, WORSE), a: -4 }],
        [hour + 4, '[]'],
        [hour + 5, 'x'.repeat(5000)],
      ],
      run,
    );
    expect(await watched()).toMatchObject({ failed: 0, started: 0 });
    expect((await itemOf())?.state?.series.rows).toMatchObject({ blocks: 0 });
  });

  it('cannot be moved by the counts of the platform where those are written by somebody else', async () => {
    const run = await released();
    nextHour(3);
    const hour = switchHour() + 1;
    const forged = { ...rowsOf(hour, SAME), series: 'errors', n: 1000, x: 999 };
    writeBlocks(models, MODEL, [[hour, forged]], run);
    await watched();
    expect((await itemOf())?.state?.series).toMatchObject({ rows: { blocks: 1 } });
    expect((await itemOf())?.state?.series.errors).toBeUndefined();
  });
});

describe('a release that is not watched', () => {
  it.each([
    ['without a policy that watches', 'plain'],
    ['whose outcome is not recorded yet', null],
  ])('%s leads to nothing', async (_, policy) => {
    const run = await released({ policy });
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    expect(await watched()).toMatchObject({ started: 0, told: 0, failed: 0 });
    expect((await itemOf())?.state ?? null).toBeNull();
  });

  it('is watched from when its outcome is recorded', async () => {
    const run = await released({ policy: null });
    await watched();
    expect(await itemOf()).toBeNull();
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    await models.store.recordOutcome({ ...sampleOutcome, execution: PROMOTED_BY }, 'none', null);
    expect(await watched()).toMatchObject({ started: 1 });
  });

  it('is watched from when there is a source, and counts what came before that', async () => {
    models.model(MODEL, ['Archived', 'Archived', 'Production']);
    await promoted(models, MODEL);
    const week = weekBefore(hourAt(models.now));
    nextHour(4);
    expect(await watched()).toMatchObject({ looked: 1, failed: 0 });
    expect(await itemOf()).toBeNull();
    const run = writeBlocks(models, MODEL, week);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    expect(await watched()).toMatchObject({ started: 1 });
  });

  it('is one that never had a source: nobody is told of it', async () => {
    models.model(MODEL, ['Archived', 'Archived', 'Production']);
    await promoted(models, MODEL);
    nextHour(400);
    await watched();
    expect(await itemOf()).toMatchObject({ status: 'closed', state: null });
    expect(await told()).toEqual([]);
  });

  it('is one that a rollback has restored, or that was found in service', async () => {
    models.model(MODEL, ['Archived', 'Production']);
    await models.live(MODEL, release('2'));
    await watched();
    expect(await itemOf()).toMatchObject({ status: 'closed', state: null });
  });

  it('is left alone while a change of it is open', async () => {
    const run = await released();
    await watched();
    await models.open(MODEL, promotion('p2', release('3'), release('2')));
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    expect(await watched()).toEqual({ looked: 0, told: 0, started: 0, failed: 0 });
  });
});

describe('the next release', () => {
  it('closes the watch of the one before it', async () => {
    const run = await released();
    nextHour(2);
    await watched();
    const next = { ...release('4', null, arn('p2')), at: models.now.toISOString() };
    await models.live(MODEL, next);
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    expect(await watched()).toMatchObject({ started: 0 });
    expect(await itemOf()).toMatchObject({ promotion: arn('p2'), status: 'closed', state: null });
  });

  it('does not keep from being told what was found of the one before', async () => {
    const run = await released();
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    const recordOutcome = () => Promise.reject(new LeaseStoreUnavailable('DynamoDB: away'));
    const policy = { on_worse: { rows: 'alert' } };
    const away = watched(policy, { store: { ...models.store, recordOutcome }, alerts: null });
    await expect(away).rejects.toThrow(LeaseStoreUnavailable);
    expect(await told()).toEqual([]);
    await models.live(MODEL, { ...release('4', null, arn('p2')), at: models.now.toISOString() });
    expect(await watched(policy)).toMatchObject({ told: 1 });
    expect(await told()).toMatchObject([{ status: 'degraded', champion_after: '3' }]);
    expect(await itemOf()).toMatchObject({ promotion: arn('p2'), tells: [] });
  });
});

describe('a run that dies', () => {
  /** The writes of one run, in order: to the table, to Step Functions and to SNS. */
  const WRITES = ['putWatch', 'start', 'putWatch', 'writeWatchCursor'] as const;
  class Killed extends Error {}

  /** Services whose process dies at the write of this number: before it, or after it took effect. */
  async function dying(at: number, when: 'before' | 'after') {
    const seen: string[] = [];
    const write = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      if (seen.length >= at) throw new Killed();
      seen.push(name);
      if (seen.length === at && when === 'before') throw new Killed();
      const answer = await work();
      if (seen.length === at) throw new Killed();
      return answer;
    };
    const { store } = models;
    const executions = await models.services.executions();
    if (executions === null) throw new Error('no state machine');
    const own: Partial<PromotionStore> = {
      putWatch: (...args) => write('putWatch', () => store.putWatch(...args)),
      recordOutcome: (...args) => write('recordOutcome', () => store.recordOutcome(...args)),
      writeWatchCursor: (...args) => write('writeWatchCursor', () => store.writeWatchCursor(...args)),
    };
    const { alerts } = models.services;
    const more: Partial<WatchServices> = {
      store: { ...store, ...own },
      alerts: { publish: (alert) => write('publish', async () => alerts?.publish(alert)) },
      executions: async () => ({
        ...executions,
        start: (...args) => write('start', () => executions.start(...args)),
      }),
    };
    return { more, seen };
  }

  it.each(WRITES.flatMap((_, index) => [[index + 1, 'before'] as const, [index + 1, 'after'] as const]))(
    'at its write number %i (%s it) rolls back once, and loses nothing',
    async (number, when) => {
      const run = await released();
      await watched();
      nextHour(4);
      outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
      const { more, seen } = await dying(number, when);
      await watched({}, more).catch(() => {});
      expect(seen).toEqual(WRITES.slice(0, number));
      nextHour();
      await watched();
      expect(new Set(models.started.map(({ name }) => name)).size).toBe(1);
      expect(models.started.every(({ name }) => name.endsWith('-1'))).toBe(true);
      expect(await itemOf()).toMatchObject({ status: 'rollback_started', attempt: 1 });
      expect((await itemOf())?.state?.series.rows?.blocks).toBeGreaterThan(0);
    },
  );

  const TELLING = ['putWatch', 'recordOutcome', 'publish', 'putWatch', 'writeWatchCursor'];
  it.each(TELLING.flatMap((_, index) => [[index + 1, 'before'] as const, [index + 1, 'after'] as const]))(
    'at its write number %i (%s it) tells what it has found, and records it once',
    async (number, when) => {
      const policy = { on_worse: { rows: 'alert' } };
      const run = await released();
      await watched(policy);
      nextHour(4);
      outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
      const { more, seen } = await dying(number, when);
      await watched(policy, more).catch(() => {});
      expect(seen).toEqual(TELLING.slice(0, number));
      nextHour();
      await watched(policy);
      expect(await told()).toMatchObject([{ status: 'degraded' }]);
      // What was sent, and not recorded to be, is sent again.
      expect(models.sent).toHaveLength(TELLING[number - 1] === 'publish' && when === 'after' ? 2 : 1);
      expect(await itemOf()).toMatchObject({ status: 'watching', tells: [] });
    },
  );

  it('at the same time as another one counts nothing twice', async () => {
    const run = await released();
    await watched();
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 3), SAME);
    await Promise.all([watched(), watched(), watched()]);
    expect((await itemOf())?.state?.series.rows).toMatchObject({ blocks: 2, sums: [90, 100, 1810] });
  });
});

describe('a rollback that has closed, and not yet recorded its end', () => {
  /** Version 2 is live again by the rollback that was started. */
  async function goneBack() {
    const run = await released();
    await watched();
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    await watched();
    const [{ name } = { name: '' }] = models.started;
    models.mlflow.registry.transition(MODEL, '2', 'Production', { archive: true });
    const back = { ...release('2', null, arn(name)), at: models.now.toISOString() };
    await models.live(MODEL, { ...back, result: 'rolled_back' });
    return arn(name);
  }

  it('still finds what it is to be told with', async () => {
    const execution = await goneBack();
    const decided = await itemOf();
    nextHour();
    await watched();
    expect(await itemOf()).toEqual(decided);
    await models.store.recordOutcome({ ...sampleOutcome, execution, comparison: null }, 'none', null);
    await watched();
    expect(await itemOf()).toMatchObject({ status: 'closed', promotion: execution, state: null });
  });

  it('is not waited for longer than a day', async () => {
    const execution = await goneBack();
    nextHour(25);
    await watched();
    expect(await itemOf()).toMatchObject({ status: 'closed', promotion: execution, state: null });
  });
});

describe('a rollback that changed nothing', () => {
  async function rolledBack(finding: object | null) {
    const run = await released();
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    await watched();
    const [{ name } = { name: '' }] = models.started;
    const outcome = {
      ...sampleOutcome,
      ...{ execution: arn(name), status: 'failed', operation: 'rollback', comparison: null },
      rollback: finding === null ? null : { ...rollbackAnswer, finding },
    };
    await models.store.recordOutcome(outcome as typeof sampleOutcome, 'none', null);
  }
  const rollbackAnswer = {
    ...{ rolled_back: false, model_name: MODEL, from_version: '3', to_version: '2', champion_before: '3' },
    ...{ reason: 'PERFORMANCE_DEGRADATION', alarm_name: null, timestamp: '2026-11-21T15:00:00Z' },
    ...{ serving: null, status: 'completed', retry_after_seconds: null, detail: '', dry_run: false },
  };
  const until = '2026-11-22T20:00:00.000Z';
  const cooling = { code: 'refused', why: 'cooling', from: '3', to: '2', held: null, until, hours: 24 };

  it('is made again later, under the next number, until the release has changed', async () => {
    await rolledBack(null);
    const counts: number[] = [];
    for (const _ of range(0, 4)) {
      nextHour();
      await watched();
      counts.push(models.started.length);
    }
    // Due an hour after it was seen to have ended; its successor goes on.
    expect(counts).toEqual([1, 2, 2, 2]);
    expect(models.started.map(({ name }) => name.slice(-2))).toEqual(['-1', '-2']);
    expect(await itemOf()).toMatchObject({ status: 'rollback_started', attempt: 2 });
  });

  it('because of the cool-down is made again when that is over, and not before', async () => {
    await rolledBack(cooling);
    nextHour();
    await watched();
    expect(await itemOf()).toMatchObject({ status: 'rollback_due', attempt: 2, due_at: until });
    while (models.now < new Date(until)) {
      expect(models.started).toHaveLength(1);
      nextHour();
      await watched();
    }
    expect(models.started).toHaveLength(2);
  });

  it('is not made while the state machine is away, and is not lost', async () => {
    const run = await released();
    nextHour(4);
    outcomesFor(run, range(switchHour() + 1, switchHour() + 4), WORSE);
    const away = async () => ({
      start: () => Promise.reject(new StateMachineUnavailable('StartExecution: away')),
      listUnsuccessful: async () => [],
      describeUnsuccessful: async () => null,
    });
    // Thrown, so that Lambda calls again soon.
    await expect(watched({}, { executions: away })).rejects.toThrow(StateMachineUnavailable);
    expect(await itemOf()).toMatchObject({ status: 'rollback_due', attempt: 1 });
    nextHour();
    expect(await watched()).toMatchObject({ started: 1 });
    expect(models.started.map(({ name }) => name.slice(-2))).toEqual(['-1']);
  });
});

describe('a release on its Workload', () => {
  let served: Served;
  /** Requests in the middle of the hour that begins in so many hours from now. */
  const traffic = (count: number, errors: number, slow = 0) => {
    const add = (n: number, status: number, milliseconds: number) => {
      if (n > 0) models.workload.direct.addTraffic(served.workload_id, { count: n, status, milliseconds });
    };
    add(count - errors - slow, 200, 20);
    add(errors, 500, 20);
    add(slow, 200, 5000);
  };
  const HOURS = 175;
  /** Serves version 2 for a week with some errors, then version 3; the runs of that time, where they are on. */
  async function servedFor(hours = HOURS, { isRunning = true, requests = 1000 } = {}) {
    models.model(MODEL, ['Archived', 'Production', 'Staging']);
    served = await models.serve(MODEL, ['2', '3'], '2');
    await models.live(MODEL, { ...release('2', served), at: models.now.toISOString() });
    for (const hour of range(0, hours)) {
      if (requests > 0) traffic(requests, (hour * 7) % 5, hour % 3);
      nextHour();
      if (isRunning) await watched();
    }
  }
  /** Rolls version 3 out, as the platform does it, and records the promotion. */
  async function switched() {
    const { workload_id, artifacts } = served;
    const body = { artifactId: artifacts['3'], strategy: 'rolling' };
    models.workload.direct.perform('POST', `workloads/${workload_id}/replacement`, body);
    models.pass({ minutes: 30 });
    expect(models.workload.direct.serving(workload_id)).toMatchObject({ artifactId: artifacts['3'] });
    models.mlflow.registry.transition(MODEL, '3', 'Production', { archive: true });
    await promoted(models, MODEL, { served });
  }

  it('is told to have more errors than the one before it had', async () => {
    await servedFor();
    await switched();
    nextHour();
    await watched();
    for (const _ of range(0, 3)) {
      traffic(1000, 150);
      nextHour();
      await watched();
    }
    expect((await itemOf())?.state?.series.errors?.prior).toMatchObject({ phi: expect.any(Number) });
    expect(await told()).toMatchObject([
      { status: 'degraded', cause: { code: 'watch', found: 'worse', series: 'errors' } },
    ]);
    expect(models.started).toEqual([]);
  });

  it('is rolled back for it where the policy says so', async () => {
    const policy = { on_worse: { rates: 'rollback' } };
    await servedFor();
    await switched();
    for (const _ of range(0, 4)) {
      nextHour();
      await watched(policy);
      traffic(1000, 150);
    }
    expect(models.started).toHaveLength(1);
  });

  it('keeps the last week of its hours, whether it is watched or not', async () => {
    await servedFor(180);
    const hours = (await itemOf())?.hours;
    expect(hours?.hours).toHaveLength(168);
    expect(hours?.hours.at(-1)?.slice(1)).toEqual([1000, (179 * 7) % 5, 179 % 3]);
  }, 20_000);

  it('that the function first sees when it is live is compared with what the platform still has', async () => {
    await servedFor(HOURS, { isRunning: false });
    await switched();
    for (const _ of range(0, 6)) {
      nextHour();
      traffic(1000, 150);
      await watched();
    }
    expect(await told()).toMatchObject([{ cause: { found: 'worse', series: 'errors' } }]);
  });

  it('that gets no requests is unverified in the end, and never passed', async () => {
    await servedFor(3, { requests: 0 });
    await switched();
    const policy = { hours: 24 };
    for (const _ of range(0, 50)) {
      nextHour();
      await watched(policy);
    }
    expect(await told()).toMatchObject([{ status: 'unverified' }]);
    expect(await itemOf()).toMatchObject({ status: 'unverified' });
  });

  it('of several protons is counted over those that serve its artifact', async () => {
    await servedFor(0);
    models.workload.direct.addActiveProton(served.workload_id);
    const protons = await models.services.workloads().protons(served.workload_id);
    expect(protons).toHaveLength(2);
    nextHour();
    for (const { id } of protons)
      models.workload.direct.addTraffic(served.workload_id, { protonId: id, count: 7, status: 500 });
    nextHour();
    await watched();
    expect((await itemOf())?.hours?.hours.at(-1)?.slice(1)).toEqual([14, 14, 0]);
  });

  it('is asked for no longer than there is time, and from there on the next time', async () => {
    await servedFor(30, { isRunning: false });
    const api = models.services.workloads();
    const stats: typeof api.stats = (...args) => {
      models.pass({ seconds: 8 });
      return api.stats(...args);
    };
    const slow = { workloads: () => ({ ...api, stats }) };
    await watched({}, slow);
    const first = (await itemOf())?.hours?.hours.length;
    await watched({}, slow);
    expect([first, (await itemOf())?.hours?.hours.length]).toEqual([8, 16]);
  });

  it('without anything from before the release is unverified', async () => {
    models.model(MODEL, ['Archived', 'Archived', 'Production']);
    served = await models.serve(MODEL, ['2', '3'], '3');
    await promoted(models, MODEL, { served });
    const policy = { hours: 24 };
    for (const _ of range(0, 50)) {
      traffic(1000, 10);
      nextHour();
      await watched(policy);
    }
    expect(await told()).toMatchObject([{ status: 'unverified' }]);
  });

  it('is not ended for time while a source is away', async () => {
    await servedFor(3, { requests: 0 });
    await switched();
    const policy = { hours: 24 };
    await watched(policy);
    nextHour(60);
    models.mlflow.faults.add({ path: '*', effect: { kind: 'answer', status: 503, body: 'away' } });
    await watched(policy);
    expect(await itemOf()).toMatchObject({ status: 'watching' });
    models.mlflow.faults.clear();
    await watched(policy);
    expect(await itemOf()).toMatchObject({ status: 'unverified' });
  });

  it('is asked for by whole hours, each once, when the platform has counted them', async () => {
    await servedFor(0);
    const api = models.services.workloads();
    const asked: [from: string, to: string][] = [];
    const stats: typeof api.stats = (id, proton, period) => {
      asked.push([period?.start.toISOString() ?? '', period?.end.toISOString() ?? '']);
      return api.stats(id, proton, period);
    };
    const more = { workloads: () => ({ ...api, stats }) };
    for (const minutes of [50, 14, 1, 50, 9, 1]) {
      models.pass({ minutes });
      await watched({}, more);
    }
    expect(asked).toEqual([['2026-11-21T11:00:00.000Z', '2026-11-21T11:59:59.999Z']]);
  });
});

describe('among many models', () => {
  it('a failure of one does not stop the others', async () => {
    for (const name of ['first', 'second', 'third']) {
      models.model(name, ['Production']);
      await models.live(name, release('1'));
    }
    const readItem: PromotionStore['readItem'] = (name) =>
      name === 'second'
        ? Promise.reject(new LeaseStoreUnavailable('DynamoDB: an item that is not ours'))
        : models.store.readItem(name);
    const failing = watched({}, { store: { ...models.store, readItem } });
    await expect(failing).rejects.toThrow('not ours');
    const seen = await Promise.all(['first', 'second', 'third'].map(itemOf));
    expect(seen.map((item) => item === null)).toEqual([false, true, false]);
  });

  it('one that MLflow does not answer for is left to the next run', async () => {
    models.model(MODEL, ['Archived', 'Archived', 'Production']);
    await promoted(models, MODEL);
    models.mlflow.faults.add({ path: '*', effect: { kind: 'answer', status: 503, body: 'away' } });
    expect(await watched()).toMatchObject({ looked: 1, failed: 1 });
    models.mlflow.faults.clear();
    expect(await watched()).toMatchObject({ looked: 1, failed: 0 });
  });

  it('a run ends in time, and the next one goes on', async () => {
    const all = Array.from({ length: 30 }, (_, at) => `model-${String(at).padStart(2, '0')}`);
    for (const name of all) {
      models.model(name, ['Production']);
      await models.live(name, release('1'));
    }
    const seen: string[] = [];
    const readItem: PromotionStore['readItem'] = (name) => {
      seen.push(name);
      models.pass({ seconds: 7 });
      return models.store.readItem(name);
    };
    const slow = { store: { ...models.store, readItem } };
    const runs = [await watched({}, slow), await watched({}, slow), await watched({}, slow)];
    expect(runs.map(({ looked }) => looked)).toEqual([9, 9, 9]);
    expect(await watched({}, slow)).toMatchObject({ looked: 3 });
    expect(seen).toEqual(all);
  });
});
