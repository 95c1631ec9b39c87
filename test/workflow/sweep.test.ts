import { describe, expect, it } from 'vitest';
import { LeaseStoreUnavailable, StateMachineUnavailable } from '../../lambdas/domain/errors.ts';
import { SWEEP_MAX_MODELS } from '../../lambdas/domain/limits.ts';
import { recordId } from '../../lambdas/domain/promotion/record.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import type { CleanUpServices } from '../../lambdas/use-cases/clean-up.ts';
import { end } from '../../lambdas/use-cases/end-promotion.ts';
import { attemptName, sweep } from '../../lambdas/use-cases/sweep-promotions.ts';
import { recordedOutcomes } from '../support/recorded-outcomes.ts';
import { prepared } from '../support/stub-functions.ts';
import { arn, promotion, release, type Served, sweptModels } from '../support/swept-models.ts';

/** What the sweep does about changes that were left open, and about models that were moved by hand. */

const MODEL = 'PascalStrategy';
const models = sweptModels();

/** Version 2 is live and in Production, and nothing else is under way. */
async function closed(name = MODEL) {
  models.model(name, ['Archived', 'Production', 'Staging']);
  await models.live(name, release('2'));
}

/** As `closed`, and the execution `e1` has opened the change to 3, and has ended. */
async function leftOpen(name = MODEL, leaseSeconds = 0) {
  await closed(name);
  await models.open(name, promotion('e1', release('2'), release('3')), leaseSeconds);
}

const swept = (more: Partial<CleanUpServices> = {}) => sweep({ ...models.services, ...more });
/** The end of a promotion that has found the model moved. */
const attempted = {
  ...{ valid: true, operation: 'promote', model_name: MODEL },
  prepared: { ...prepared(), status: 'contested', reason: 'moved' },
};
const names = () => models.started.map(({ name }) => name);
const itemOf = (name = MODEL) => models.store.readItem(name);
const moveByHand = (version: string, name = MODEL) =>
  models.mlflow.registry.transition(name, version, 'Production', { archive: true });
/** Sweeps at this interval for so long, and collects what `found` finds after each. */
async function sweepFor<T>(minutes: number, every: number, found: () => T | Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let passed = 0; passed < minutes; passed += every) {
    models.pass({ minutes: every });
    await swept();
    all.push(await found());
  }
  return all;
}

describe('an open change', () => {
  it('is attempted again by an execution of its own once it is due', async () => {
    await leftOpen();
    models.pass({ seconds: 239 });
    expect(await swept()).toMatchObject({ attempted: 0 });
    models.pass({ seconds: 1 });
    expect(await swept()).toMatchObject({ attempted: 1, told: 0 });
    expect(models.started).toEqual([
      {
        name: expect.stringMatching(/^resume-e1-[0-9a-f]{12}-1$/),
        input: {
          ...{ operation: 'resume', model_name: MODEL },
          ...{ change_id: arn('e1'), requested_by: 'sweep-promotions' },
        },
      },
    ]);
    expect(await itemOf()).toMatchObject({
      owner: null,
      change: { id: arn('e1'), attempts: 1, aim: { version: '3' } },
    });
    expect(models.sent).toEqual([]);
  });

  it('is attempted with growing pauses, at most hourly, under a name for each attempt', async () => {
    await leftOpen();
    const counts = await sweepFor(8 * 60, 5, () => models.started.length);
    const minutes = counts.flatMap((count, index) =>
      count > (counts[index - 1] ?? 0) ? [5 * (index + 1)] : [],
    );
    const pauses = minutes.map((minute, index) => minute - (minutes[index - 1] ?? 0));
    expect(pauses).toEqual([5, 10, 20, 40, 60, 60, 60, 60, 60, 60]);
    expect(names()).toEqual(pauses.map((_, index) => expect.stringMatching(new RegExp(`-${index + 1}$`))));
  });

  it('is counted before the attempt starts: one that could not be started leaves its name unused', async () => {
    await leftOpen();
    models.pass({ minutes: 5 });
    const executions = await models.services.executions();
    if (executions === null) throw new Error('no state machine');
    const failing = {
      ...executions,
      start: async (name: string, input: object) => {
        const { change } = await itemOf();
        expect(change).toMatchObject({ attempts: 1 });
        await executions.start(name, input);
        throw new StateMachineUnavailable('StartExecution: TimeoutError');
      },
    };
    expect(await swept({ executions: async () => failing })).toMatchObject({ attempted: 0 });
    await swept();
    expect(models.started).toHaveLength(1);
    models.pass({ minutes: 10 });
    expect(await swept()).toMatchObject({ attempted: 1 });
    expect(names()).toEqual([expect.stringMatching(/-1$/), expect.stringMatching(/-2$/)]);
  });

  it('is attempted once, by sweeps that overlap', async () => {
    await leftOpen();
    models.pass({ minutes: 5 });
    const answers = await Promise.all([swept(), swept(), swept()]);
    expect(answers.map(({ attempted }) => attempted).sort()).toEqual([0, 0, 1]);
    expect(models.started).toHaveLength(1);
  });

  it('is left alone while somebody has the lease, however long it has been due', async () => {
    await leftOpen(MODEL, 45 * 60);
    const counts = await sweepFor(50, 5, () => models.started.length);
    expect(counts).toEqual([...Array(9).fill(0), 1]);
  });

  it('is not held by an execution that has ended, and could not release its lease', async () => {
    await leftOpen(MODEL, 6 * 3600);
    const releaseLease = () => Promise.reject(new LeaseStoreUnavailable('DynamoDB: TimeoutError'));
    const state = { operation: 'promote', model_name: MODEL, error: { Error: 'X', Cause: 'first' } };
    const stuck = { ...models.services, store: { ...models.store, releaseLease } };
    await expect(end({ state, execution: arn('e1') }, stuck)).rejects.toThrow();
    const counts = await sweepFor(20, 5, () => models.started.length);
    // Five minutes after its outcome the lease is ended, and then the change is taken up.
    expect(counts).toEqual([0, 0, 1, 1]);
  });

  it('is not held by an execution that ended long ago and recorded no outcome', async () => {
    await leftOpen(MODEL, 9 * 3600);
    const executions = await models.services.executions();
    if (executions === null) throw new Error('no state machine');
    const input = JSON.stringify({ operation: 'promote', model_name: MODEL });
    const ended = async (executionArn: string) => ({
      ...{ executionArn, status: 'ABORTED' as const, input, startDate: models.now.getTime() },
    });
    const more = { executions: async () => ({ ...executions, describeUnsuccessful: ended }) };
    // Nobody could end it for longer than sweeps look back.
    models.pass({ minutes: 180 });
    expect(await swept(more)).toMatchObject({ attempted: 0 });
    expect(await recordedOutcomes(models.table)).toMatchObject([{ execution: arn('e1'), status: 'failed' }]);
    models.pass({ minutes: 5 });
    expect(await swept(more)).toMatchObject({ attempted: 1 });
    expect(models.sent).toHaveLength(1);
  });

  it('is attempted where its last holder is not known any more', async () => {
    await leftOpen(MODEL, 60);
    const executions = await models.services.executions();
    if (executions === null) throw new Error('no state machine');
    const describeUnsuccessful = () => Promise.reject(new StateMachineUnavailable('does not exist'));
    models.pass({ minutes: 5 });
    const more = { executions: async () => ({ ...executions, describeUnsuccessful }) };
    expect(await swept(more)).toMatchObject({ attempted: 1 });
  });

  it('is held by an execution that goes on, however long', async () => {
    await leftOpen(MODEL, 6 * 3600);
    const counts = await sweepFor(300, 30, () => models.started.length);
    expect(counts).toEqual(Array(10).fill(0));
  });

  it('is attempted while a side cannot be read: whoever can read it then goes on', async () => {
    await leftOpen();
    models.pass({ minutes: 5 });
    models.mlflow.faults.add({ path: '*', effect: { kind: 'answer', status: 503, body: 'away' } });
    expect(await swept()).toMatchObject({ attempted: 1, told: 0 });
    expect(models.sent).toEqual([]);
  });

  it('is not attempted where no state machine is known', async () => {
    await leftOpen();
    models.pass({ minutes: 5 });
    expect(await swept({ executions: async () => null })).toMatchObject({ attempted: 0 });
    expect(await itemOf()).toMatchObject({ change: { attempts: 0 } });
  });

  it('is found among any number of them', async () => {
    const many = Array.from({ length: 2 * SWEEP_MAX_MODELS + 3 }, (_, index) => `model-${index}`);
    for (const name of many) await leftOpen(name);
    models.pass({ minutes: 5 });
    expect(await swept()).toMatchObject({ attempted: many.length });
    const started = models.started.map(({ input }) => (input as { model_name: string }).model_name);
    expect(started.sort()).toEqual(many.sort());
  });

  it('that cannot be taken up does not keep the others from it', async () => {
    for (const name of ['first', 'second', 'third']) await leftOpen(name);
    models.pass({ minutes: 5 });
    const readItem = (name: string) =>
      name === 'second'
        ? Promise.reject(new LeaseStoreUnavailable('DynamoDB: an item that is not ours'))
        : models.store.readItem(name);
    expect(await swept({ store: { ...models.store, readItem } })).toMatchObject({ attempted: 2 });
  });
});

describe('the name of an attempt', () => {
  const long = 'a'.repeat(80);
  const ids = [
    ...[arn('e1'), arn(long), arn(`${long.slice(1)}b`), arn('Ünï côde')],
    ...['direct:9f1c6d3e-1111-4222-8333-444455556666', `direct:${'x'.repeat(300)}`, ''],
  ];

  it('is one that Step Functions takes, and belongs to one attempt at one change', () => {
    const all = ids.flatMap((id) => [0, 1, 9, 999_999].map((attempts) => attemptName({ id, attempts })));
    for (const name of all) expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
    expect(new Set(all).size).toBe(all.length);
  });

  it('tells whose change it is, and which attempt', () => {
    expect(attemptName({ id: arn('nightly-7'), attempts: 2 })).toMatch(/^resume-nightly-7-[0-9a-f]{12}-3$/);
  });
});

describe('an open change whose sides show what it did not put there', () => {
  it('is told once for each picture, and not attempted', async () => {
    await leftOpen();
    moveByHand('1');
    const counts = await sweepFor(30, 5, () => models.sent.length);
    expect(counts).toEqual(Array(6).fill(1));
    expect(models.started).toEqual([]);
    const [told] = await recordedOutcomes(models.table);
    expect(told).toMatchObject({
      status: 'contested',
      cause: { code: 'out-of-step', change_open: true },
      model_name: MODEL,
      ending: { champions: ['1'], known: false, change: { id: arn('e1') } },
    });
    expect(await itemOf()).toMatchObject({ told: told?.ending?.picture, change: { attempts: 0 } });
  });

  it('is told again when the picture changes', async () => {
    await leftOpen();
    const seen: (string | undefined)[] = [];
    for (const version of ['1', '1', '4', '1']) {
      if (version === '4') models.mlflow.registry.createVersion(MODEL, { stage: 'None' });
      moveByHand(version);
      await sweepFor(10, 5, () => null);
      seen.push(models.sent.length.toString());
    }
    expect(seen).toEqual(['1', '1', '2', '3']);
  });

  it('is attempted again once a person has brought them back to what is known', async () => {
    await leftOpen();
    moveByHand('1');
    await sweepFor(10, 5, () => null);
    moveByHand('2');
    models.pass({ minutes: 5 });
    expect(await swept()).toMatchObject({ attempted: 1, told: 0 });
    expect([models.sent.length, models.started.length]).toEqual([1, 1]);
  });

  it('is told once more when it is foreign again after it was known', async () => {
    await leftOpen();
    for (const version of ['1', '2', '1']) {
      moveByHand(version);
      await sweepFor(10, 5, () => null);
    }
    expect(models.sent).toHaveLength(2);
  });

  it('is left to the one who has the lease', async () => {
    await leftOpen(MODEL, 20 * 60);
    moveByHand('1');
    const counts = await sweepFor(25, 5, () => models.sent.length);
    expect(counts).toEqual([0, 0, 0, 0, 1]);
  });

  it('is not told again by the sweep after its own execution has told it', async () => {
    await leftOpen(MODEL, 600);
    moveByHand('1');
    const error = { Error: 'MlflowRefused', Cause: 'no' };
    const state = { valid: true, operation: 'promote', model_name: MODEL, prepared: prepared(), error };
    await end({ state, execution: arn('e1') }, models.services);
    expect(models.sent).toHaveLength(1);
    await sweepFor(15, 5, () => null);
    expect([models.sent.length, models.started]).toEqual([1, []]);
  });

  it.each(['in service', 'in flight'])('is known by the artifact that is %s, too', async (where) => {
    models.model(MODEL, ['Archived', 'Production', 'Staging']);
    const served = await models.serve(MODEL, ['1', '2', '3'], '2');
    await models.live(MODEL, release('2', served));
    await models.open(MODEL, promotion('e1', release('2', served), release('3', served)));
    replace(served, '1');
    models.pass(where === 'in service' ? { minutes: 60 } : { seconds: 20 });
    expect(await swept()).toMatchObject({ attempted: 0, told: 1 });
    const [told] = await recordedOutcomes(models.table);
    const shown = { in_flight: where === 'in service' ? null : served.artifacts['1'] };
    expect(told?.ending).toMatchObject({ known: false, champions: ['2'], workload: shown });
  });

  it('is told though SNS is away, by the sweep after its return', async () => {
    await leftOpen();
    moveByHand('1');
    models.snsRefuses = true;
    models.pass({ minutes: 5 });
    expect(await swept()).toMatchObject({ told: 1, sent: 0 });
    models.snsRefuses = false;
    models.pass({ minutes: 5 });
    expect(await swept()).toMatchObject({ told: 0, sent: 1, pending: 0 });
    expect(models.sent).toHaveLength(1);
  });
});

/** Puts the artifact of a version in service by hand. */
function replace({ workload_id, artifacts }: Served, version: string) {
  const body = { artifactId: artifacts[version], strategy: 'rolling' };
  models.workload.direct.perform('POST', `workloads/${workload_id}/replacement`, body);
}

describe('a model without an open change', () => {
  it('is compared with what is live once an hour, and nothing is told while it is in step', async () => {
    await closed();
    const requests = await sweepFor(120, 5, () => models.mlflow.requests.length);
    const compared = requests.flatMap((count, index) => (count > (requests[index - 1] ?? 0) ? [index] : []));
    expect(compared).toEqual([0, 12]);
    expect([models.sent, models.started]).toEqual([[], []]);
  });

  it('is told once when it was moved by hand, within the hour', async () => {
    await closed();
    await sweepFor(5, 5, () => null);
    moveByHand('3');
    const counts = await sweepFor(180, 5, () => models.sent.length);
    expect(counts.indexOf(1)).toBeLessThan(12);
    expect(counts.at(-1)).toBe(1);
    const [told] = await recordedOutcomes(models.table);
    expect(told).toMatchObject({
      status: 'contested',
      cause: { code: 'out-of-step', change_open: false },
      ...{ champion_before: '2', champion_after: '3' },
      ending: { in_step: false, live: { version: '2' } },
    });
    // Nothing is opened and nothing undone: it is a person's change.
    expect(await itemOf()).toMatchObject({ change: null, live: { version: '2' } });
    expect(models.started).toEqual([]);
  });

  it('is told again when it was moved elsewhere, and when it was moved after it had been in step again', async () => {
    await closed();
    const counts: number[] = [];
    for (const version of ['3', '1', '2', '1']) {
      moveByHand(version);
      await sweepFor(60, 5, () => null);
      counts.push(models.sent.length);
    }
    expect(counts).toEqual([1, 2, 3, 4]);
    expect(models.sent.map(({ kind }) => kind)).toEqual(['contested', 'contested', 'in_step', 'contested']);
  });

  it.each([
    ['by the sweep', () => sweepFor(60, 5, () => null)],
    ['by an execution', () => end({ state: attempted, execution: arn('e2') }, models.services)],
  ])('is told once to be in step again, after it was told to be out of step %s', async (_, tell) => {
    await closed();
    moveByHand('3');
    await tell();
    expect(models.sent).toMatchObject([{ kind: 'contested' }]);
    moveByHand('2');
    const counts = await sweepFor(180, 5, () => models.sent.length);
    expect([counts.indexOf(2) < 12, counts.at(-1)]).toEqual([true, 2]);
    const outcomes = await recordedOutcomes(models.table);
    expect(outcomes.find(({ status }) => status === 'in_step')).toMatchObject({
      cause: { code: 'in-step-again' },
      ...{ champion_before: '2', champion_after: '2' },
      ending: { in_step: true, live: { version: '2' } },
    });
    expect(await itemOf()).toMatchObject({ told: null, live: { version: '2' } });
  });

  it('is told nothing when it is in step again before anybody was told', async () => {
    await closed();
    await sweepFor(5, 5, () => null);
    moveByHand('3');
    moveByHand('2');
    await sweepFor(180, 5, () => null);
    expect(models.sent).toEqual([]);
  });

  /** MLflow answers once that the model has no version, also when it is asked again at once. */
  const answerNone = () =>
    models.mlflow.faults.add({
      path: 'model-versions/search',
      times: 2,
      effect: { kind: 'answer', status: 200, body: '{}' },
    });

  it('is not told for one wrong answer', async () => {
    await closed();
    answerNone();
    expect(await sweepFor(120, 5, () => models.sent.length)).toEqual(Array(24).fill(0));
  });

  it('is told though a wrong answer came between', async () => {
    await closed();
    moveByHand('3');
    answerNone();
    await sweepFor(120, 5, () => null);
    const outcomes = await recordedOutcomes(models.table);
    expect(outcomes).toMatchObject([{ cause: { code: 'out-of-step' }, champion_after: '3' }]);
  });

  it('is told when its Workload was given another artifact by hand', async () => {
    models.model(MODEL, ['Archived', 'Production']);
    const served = await models.serve(MODEL, ['1', '2'], '2');
    await models.live(MODEL, release('2', served));
    replace(served, '1');
    models.pass({ minutes: 60 });
    expect(await swept()).toMatchObject({ told: 1 });
    const [told] = await recordedOutcomes(models.table);
    expect(told?.ending).toMatchObject({
      in_step: false,
      champions: ['2'],
      workload: { artifact_id: served.artifacts['1'] },
    });
  });

  it('is not told while somebody has the lease, nor while a side cannot be read', async () => {
    await closed('held');
    await closed('unread');
    for (const name of ['held', 'unread']) moveByHand('3', name);
    await models.store.takeLease('held', arn('e2'), models.now, 3600);
    models.mlflow.faults.add({
      path: 'registered-models/get',
      effect: { kind: 'answer', status: 503, body: 'away' },
    });
    models.pass({ minutes: 5 });
    expect(await swept()).toMatchObject({ told: 0 });
    models.mlflow.faults.clear();
    models.pass({ minutes: 60 });
    expect(await swept()).toMatchObject({ told: 2 });
  });

  it('is not held within the hour by an execution that has ended and could not release its lease', async () => {
    models.model(MODEL, ['Archived', 'Production']);
    await models.store.takeLease(MODEL, arn('e1'), models.now, 6 * 3600);
    const releaseLease = () => Promise.reject(new LeaseStoreUnavailable('DynamoDB: TimeoutError'));
    const state = { operation: 'rollback', model_name: MODEL, error: { Error: 'X', Cause: 'first' } };
    const stuck = { ...models.services, store: { ...models.store, releaseLease } };
    await expect(end({ state, execution: arn('e1') }, stuck)).rejects.toThrow();
    await sweepFor(70, 5, () => null);
    expect(await models.store.takeLease(MODEL, arn('e2'), models.now, 60)).toMatchObject({ taken: true });
  });

  it('is not compared where nothing is recorded as live', async () => {
    models.model(MODEL, ['Archived', 'Production']);
    await models.store.takeLease(MODEL, arn('e1'), models.now, 60);
    models.pass({ minutes: 5 });
    await swept();
    expect(models.mlflow.requests).toEqual([]);
  });
});

describe('what does not exist any more', () => {
  const missing = (service: 'mlflow' | 'workload', path: string, body: object) =>
    models[service].faults.add({ path, effect: { kind: 'answer', status: 404, body: JSON.stringify(body) } });
  const deleteModel = () =>
    missing('mlflow', 'registered-models/get', { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'gone' });
  const deleteWorkload = ({ workload_id }: Served) =>
    missing('workload', `workloads/${workload_id}*`, { message: 'Not Found' });

  async function serving() {
    models.model(MODEL, ['Archived', 'Production', 'Staging']);
    const served = await models.serve(MODEL, ['1', '2', '3'], '2');
    await models.live(MODEL, release('2', served));
    return served;
  }
  const live = async () => ({ served: await serving(), open: false });
  const open = async () => {
    const served = await serving();
    await models.open(MODEL, promotion('e1', release('2', served), release('3', served)));
    return { served, open: true };
  };

  it.each([
    ['the Workload of a closed model', live, deleteWorkload],
    ['the Workload of an open change', open, deleteWorkload],
    ['a closed registered model', live, deleteModel],
    ['the registered model of an open change', open, deleteModel],
  ])('is told once, and never attempted: %s', async (_, begin, remove) => {
    const found = await begin();
    remove(found.served);
    const counts = await sweepFor(300, 5, () => models.sent.length);
    expect(counts.at(-1)).toBe(1);
    expect(models.started).toEqual([]);
    const outcomes = await recordedOutcomes(models.table);
    expect(outcomes).toMatchObject([
      {
        status: 'contested',
        cause: { code: 'out-of-step', change_open: found.open },
        ending: { unread: [] },
      },
    ]);
  });

  it('is told as over when it is there again', async () => {
    deleteWorkload(await serving());
    await sweepFor(60, 5, () => null);
    models.workload.faults.clear();
    await sweepFor(120, 5, () => null);
    expect(models.sent.map(({ kind }) => kind)).toEqual(['contested', 'in_step']);
  });

  it('is no Workload that the live release does not name: the registry is compared alone', async () => {
    models.model(MODEL, ['Archived', 'Production']);
    await models.live(MODEL, release('2'));
    models.mlflow.registry.setModelTag(MODEL, 'workload.id', 'never-there');
    await sweepFor(120, 5, () => null);
    expect(models.sent).toEqual([]);
  });
});

describe('a direct call that was cut off after it had closed its change', () => {
  const id = 'direct:r1';
  /** What the model's item is left with. */
  async function cutOff(
    version: string,
    result: 'promoted' | 'rolled_back',
    left: string | null,
    good = true,
  ) {
    models.model(MODEL, ['Archived', 'Archived', 'Archived']);
    moveByHand(version);
    const since = '2026-11-20T08:00:00.000Z';
    const { key } = release(left);
    const past = { key, version: left, workload_id: null, artifact_id: null, since, left_at: since, good };
    const live = { ...release(version, null, id), at: models.now.toISOString(), result };
    await models.live(MODEL, live, left === null ? [] : [{ ...past, left_by: recordId(id) }]);
  }

  it.each([
    [
      'promotion',
      '3',
      'promoted',
      '2',
      true,
      { status: 'promoted', operation: 'promote', champion_before: '2' },
    ],
    ['rollback', '2', 'rolled_back', '3', false, { status: 'rolled_back', operation: 'rollback' }],
    // Its change was left open, and an attempt has brought it back: that is no promotion.
    [
      'promotion that was brought back',
      '2',
      'rolled_back',
      null,
      true,
      { status: 'rolled_back', operation: 'promote' },
    ],
  ] as const)('is told once, as the %s that it was', async (_, version, result, left, good, expected) => {
    await cutOff(version, result, left, good);
    await sweepFor(180, 5, () => null);
    const outcomes = await recordedOutcomes(models.table);
    expect(outcomes).toMatchObject([{ execution: id, champion_after: version, ...expected }]);
    expect(models.sent).toHaveLength(1);
  });

  it('is told as contested where somebody has moved the model since, once', async () => {
    await cutOff('3', 'promoted', '2');
    moveByHand('1');
    await sweepFor(180, 5, () => null);
    const outcomes = await recordedOutcomes(models.table);
    expect(outcomes).toMatchObject([{ execution: id, status: 'contested', champion_after: '1' }]);
    expect(models.sent).toHaveLength(1);
  });

  it('is left to tell itself while it may still be at work', async () => {
    await cutOff('3', 'promoted', '2');
    models.pass({ seconds: 100 });
    await swept();
    expect(models.sent).toEqual([]);
  });
});

describe('the comparison of many models', () => {
  const many = Array.from({ length: 2 * SWEEP_MAX_MODELS + 5 }, (_, index) => `model-${100 + index}`);
  const comparedNow = () => {
    const asked = models.mlflow.requests.flatMap(({ path, body }) =>
      path.endsWith('registered-models/get') ? [(body as { name: string }).name] : [],
    );
    models.mlflow.requests.length = 0;
    return asked;
  };
  const few = many.slice(0, 5);
  const closeAll = async (all: string[]) => {
    for (const name of all) await closed(name);
  };

  it('goes page by page, a page each sweep, and begins again after an hour', async () => {
    await closeAll(many);
    const pages = await sweepFor(60, 5, comparedNow);
    expect(pages.map((page) => page.length)).toEqual([20, 20, 5, ...Array(9).fill(0)]);
    expect(pages.flat().sort()).toEqual(many);
    expect((await sweepFor(15, 5, comparedNow)).flat().sort()).toEqual(many);
  });

  it('goes on after the last model that it had time for', async () => {
    await closeAll(few);
    // Every item takes 9 s to read: two or three models in the time of a sweep.
    const readItem = (name: string) => {
      models.pass({ seconds: 9 });
      return models.store.readItem(name);
    };
    const seen: string[] = [];
    for (let sweeps = 0; sweeps < few.length && seen.length < few.length; sweeps += 1) {
      await swept({ store: { ...models.store, readItem } });
      const compared = comparedNow();
      expect(compared.length).toBeGreaterThan(0);
      seen.push(...compared);
    }
    expect(seen.sort()).toEqual(few);
  });

  it('loses no round to a sweep that has no time left for it', async () => {
    await closeAll(few);
    const pendingOutcomes = async () => {
      models.pass({ seconds: 30 });
      return [];
    };
    await swept({ store: { ...models.store, pendingOutcomes } });
    expect(comparedNow()).toEqual([]);
    models.pass({ minutes: 5 });
    await swept();
    expect(comparedNow().sort()).toEqual(few);
  });

  it('is not stopped by a model that cannot be read', async () => {
    await closeAll(few);
    models.mlflow.faults.add({
      path: 'registered-models/get',
      times: 3,
      effect: { kind: 'answer', status: 200, body: '<html>' },
    });
    moveByHand('3', few.at(-1));
    await swept();
    expect(models.sent).toMatchObject([{ model: few.at(-1) }]);
  });
});

describe('an execution that ended without an outcome', () => {
  it.each([
    ['minutes', 20, 20],
    // A table that was away, or a schedule that stood still: the comparison of each hour looks back further.
    ['hours', 10 * 60, 10 * 60 + 60],
  ])('is cleaned up %s later', async (_, ago, within) => {
    await closed();
    const endedAt = new Date(models.now.getTime() - ago * 60_000);
    const input = JSON.stringify({ operation: 'promote', model_name: MODEL });
    const executions = await models.services.executions();
    if (executions === null) throw new Error('no state machine');
    const more = {
      executions: async () => ({
        ...executions,
        listUnsuccessful: async (from: Date, until: Date) =>
          endedAt >= from && endedAt < until ? [arn('e9')] : [],
        describeUnsuccessful: async (executionArn: string) => ({
          ...{ executionArn, status: 'FAILED' as const, input, startDate: endedAt.getTime() },
        }),
      }),
    };
    for (let minutes = ago; minutes <= within; minutes += 5) {
      await swept(more);
      models.pass({ minutes: 5 });
    }
    expect(await recordedOutcomes(models.table)).toMatchObject([{ execution: arn('e9'), status: 'failed' }]);
    expect(models.sent).toHaveLength(1);
  });
});

describe('a part that fails', () => {
  const failing = (...operations: (keyof PromotionStore)[]): Partial<CleanUpServices> => {
    const away = () => Promise.reject(new LeaseStoreUnavailable('DynamoDB Query: TimeoutError'));
    return { store: { ...models.store, ...Object.fromEntries(operations.map((name) => [name, away])) } };
  };
  const silent = async () => {
    const executions = await models.services.executions();
    if (executions === null) throw new Error('no state machine');
    const listUnsuccessful = () =>
      Promise.reject(new StateMachineUnavailable('ListExecutions: TimeoutError'));
    return { ...executions, listUnsuccessful };
  };

  /** An alert is pending, a change is open, and another model was moved by hand. */
  async function work() {
    await closed('told');
    models.snsRefuses = true;
    await end({ state: { operation: 'promote', model_name: 'told' }, execution: arn('e0') }, models.services);
    models.snsRefuses = false;
    await leftOpen('open');
    await closed('moved');
    moveByHand('3', 'moved');
    models.pass({ minutes: 5 });
  }
  const done = () => ({
    sent: models.sent.some(({ execution }) => execution === arn('e0')),
    attempted: models.started.length === 1,
    told: models.sent.some(({ model }) => model === 'moved'),
  });

  it.each<[string, () => Partial<CleanUpServices>, object, string]>([
    ['none', () => ({}), {}, ''],
    ['alerts', () => failing('pendingOutcomes'), { sent: false }, 'LeaseStoreUnavailable'],
    ['alerts left', () => failing('pendingExecutions'), {}, 'LeaseStoreUnavailable'],
    ['clean-ups', () => ({ executions: silent }), {}, 'StateMachineUnavailable'],
    ['open changes', () => failing('openChanges'), { attempted: false }, 'LeaseStoreUnavailable'],
    ['models', () => failing('closedModels'), { told: false }, 'LeaseStoreUnavailable'],
    ['cursor', () => failing('readCursor'), { told: false }, 'LeaseStoreUnavailable'],
  ])(
    'does not keep the others from their work, and is thrown then (%s)',
    async (_, services, undone, error) => {
      await work();
      const result = await swept(services()).catch(({ name }: Error) => name);
      expect(done()).toEqual({ sent: true, attempted: true, told: true, ...undone });
      if (error === '') expect(result).toMatchObject({ sent: 1, pending: 0, attempted: 1, told: 1 });
      else expect(result).toBe(error);
    },
  );

  it('is done by the next sweep', async () => {
    await work();
    const all = failing('pendingOutcomes', 'openChanges', 'closedModels');
    await expect(swept(all)).rejects.toMatchObject({ name: 'LeaseStoreUnavailable' });
    expect(done()).toEqual({ sent: false, attempted: false, told: false });
    await swept();
    expect(done()).toEqual({ sent: true, attempted: true, told: true });
  });
});
