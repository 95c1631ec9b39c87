import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { dynamodbStore, noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { PromoteInput } from '../../lambdas/domain/payloads.ts';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import { RollbackInput } from '../../lambdas/domain/release/payloads.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import type { Workloads } from '../../lambdas/domain/serving/workloads.ts';
import { promote } from '../../lambdas/use-cases/promote-model.ts';
import { rollback } from '../../lambdas/use-cases/roll-back.ts';
import { promotionRefused } from '../../lambdas/words/reasons.ts';
import { dynamodbClient, mlflowClient } from '../support/clients.ts';
import { FakePlatform, proton, workload } from '../support/serving.ts';

/** promote-model and model-rollback invoked directly, against the emulator, in each of the three modes. */

const MODEL = 'PascalStrategy';
let emulator: MlflowEmulator;
let table: LocalTable;
let store: PromotionStore;
let platform: Workloads | null;
let requests = 0;

beforeAll(async () => {
  [emulator, table] = await Promise.all([startMlflowEmulator({}), startLocalTable()]);
  store = dynamodbStore(dynamodbClient(table), table.name);
});
afterAll(async () => {
  await Promise.all([emulator.close(), table.close()]);
});
beforeEach(async () => {
  emulator.reset();
  await table.reset();
  platform = null;
  emulator.registry.createVersion(MODEL, { stage: 'Archived' });
  emulator.registry.createVersion(MODEL, { stage: 'Production', aliases: ['champion'] });
  emulator.registry.createVersion(MODEL, { stage: 'Staging', aliases: ['challenger'] });
});

function services(mode: RegistryMode, kept = store) {
  return {
    registry: mlflowClient(emulator),
    mode,
    store: kept,
    alerts: null,
    alertContext: { prefix: 'TradAI', environment: 'test', registryName: 'models' },
    clock: { now: () => new Date('2026-11-21T10:00:00Z') },
    cooldownHours: 24,
    workloads: () => {
      if (platform === null) throw new Error('no Workload serves this model');
      return platform;
    },
  };
}
const invocation = () => {
  requests += 1;
  return { requestId: `request-${requests}` };
};
const doPromote = (mode: RegistryMode, input: object = {}, by = invocation(), kept = store) =>
  promote(PromoteInput.parse({ model_name: MODEL, ...input }), services(mode, kept), by);
const doRollback = (mode: RegistryMode, input: object = {}, kept = store) =>
  rollback(RollbackInput.parse({ model_name: MODEL, ...input }), services(mode, kept), invocation());

const model = () => emulator.snapshot()[MODEL];
const stages = () =>
  Object.fromEntries(Object.entries(model()?.versions ?? {}).map(([version, { stage }]) => [version, stage]));
const aliases = () => model()?.aliases;
const calls = () => emulator.requests.length;

describe.each<[RegistryMode, object, object, number]>([
  ['stages', { 1: 'Archived', 2: 'Archived', 3: 'Production' }, { champion: '2', challenger: '3' }, 6],
  [
    'aliases',
    { 1: 'Archived', 2: 'Production', 3: 'Staging' },
    { champion: '3', challenger: '3', previous_champion: '2' },
    7,
  ],
  [
    'both',
    { 1: 'Archived', 2: 'Archived', 3: 'Production' },
    { champion: '3', challenger: '3', previous_champion: '2' },
    9,
  ],
])('in mode %s', (mode, stagesAfter, aliasesAfter, mostCalls) => {
  it(`promotes the waiting challenger with at most ${mostCalls} calls`, async () => {
    expect(await doPromote(mode)).toEqual({
      promoted: true,
      new_version: '3',
      new_stage: 'Production',
      archived_version: '2',
    });
    expect(stages()).toEqual(stagesAfter);
    expect(aliases()).toEqual(aliasesAfter);
    expect(calls()).toBeLessThanOrEqual(mostCalls);
  });

  it('answers already_promoted the second time and writes nothing', async () => {
    await doPromote(mode, { new_version: '3' });
    const before = emulator.snapshot();
    expect(await doPromote(mode, { new_version: '3' })).toMatchObject({
      promoted: true,
      archived_version: null,
      already_promoted: true,
    });
    expect(emulator.snapshot()).toEqual(before);
  });

  it('goes back in place, once', async () => {
    await doPromote(mode);
    expect(await doRollback(mode)).toMatchObject({ rolled_back: true, from_version: '3', to_version: '2' });
    if (mode !== 'aliases') expect(stages()).toEqual({ 1: 'Archived', 2: 'Production', 3: 'Archived' });
    // The version before version 2 is not known, and version 3 is none to go back to.
    if (mode !== 'stages') expect(aliases()).toEqual({ champion: '2', challenger: '3' });
    if (mode !== 'stages') expect(aliases()).toMatchObject({ champion: '2' });
    expect(model()?.versions['3']?.tags['rolled_back']).toContain('MANUAL_REQUEST');
    const before = emulator.snapshot();
    expect(await doRollback(mode)).toMatchObject({ rolled_back: true, already_rolled_back: true });
    expect(emulator.snapshot()).toEqual(before);
  });

  it('passes over a version that was rolled back, until a person names it', async () => {
    await doPromote(mode);
    await doRollback(mode);
    emulator.registry.setStage(MODEL, '3', 'Staging');
    expect(await doPromote(mode)).toEqual({
      promoted: false,
      reason: promotionRefused({ code: 'no-challenger', mode }, MODEL),
    });
    expect(await doPromote(mode, { new_version: '3' })).toMatchObject({ promoted: true, new_version: '3' });
  });

  it('without a table goes back only to a version that is named', async () => {
    await doPromote(mode, {}, invocation(), noStore);
    expect(await doRollback(mode, {}, noStore)).toMatchObject({
      rolled_back: false,
      finding: { code: 'refused', why: 'no-known-good' },
    });
    expect(await doRollback(mode, { target_version: '2' }, noStore)).toMatchObject({
      rolled_back: true,
      to_version: '2',
    });
    if (mode !== 'aliases') expect(stages()).toEqual({ 1: 'Archived', 2: 'Production', 3: 'Archived' });
    if (mode !== 'stages') expect(aliases()).toMatchObject({ champion: '2' });
  });

  it('promotes nothing over a champion that a person has moved, until that is settled', async () => {
    await doPromote(mode, { new_version: '3' });
    if (mode !== 'aliases') emulator.registry.transition(MODEL, '1', 'Production', { archive: true });
    if (mode !== 'stages') emulator.registry.setAlias(MODEL, 'champion', '1');
    const before = emulator.snapshot();
    expect(await doPromote(mode, { new_version: '2' })).toEqual({
      promoted: false,
      reason: promotionRefused({ code: 'moved', champions: ['1'], live: '3' }, MODEL),
    });
    expect(await doRollback(mode)).toMatchObject({
      status: 'contested',
      finding: { code: 'contested', why: 'moved-on', champions: ['1'] },
    });
    expect(emulator.snapshot()).toEqual(before);
    expect(await doRollback(mode, { target_version: '2' })).toMatchObject({ rolled_back: true });
    expect(await doPromote(mode, { new_version: '1' })).toMatchObject({ archived_version: '2' });
  });
});

describe('promote-model that is repeated after it was cut off', () => {
  /** The transition never arrives, and the change stays open. */
  const cutOff = async () => {
    emulator.faults.add({
      path: 'model-versions/transition-stage',
      effect: { kind: 'drop', when: 'before' },
    });
    const by = invocation();
    await expect(doPromote('stages', {}, by)).rejects.toThrow();
    emulator.faults.clear();
    return by;
  };

  it('goes on, and names the version that it has archived', async () => {
    expect(await doPromote('stages', {}, await cutOff())).toMatchObject({
      promoted: true,
      new_version: '3',
      archived_version: '2',
    });
  });

  it('touches nothing once somebody else has moved the model', async () => {
    const by = await cutOff();
    emulator.registry.transition(MODEL, '1', 'Production', { archive: true });
    const before = emulator.snapshot();
    expect(await doPromote('stages', {}, by)).toEqual({
      promoted: false,
      contested: true,
      reason: promotionRefused({ code: 'moved', champions: ['1'], live: '2' }, MODEL),
    });
    expect(emulator.snapshot()).toEqual(before);
  });
});

describe('in mode both', () => {
  /** The answer to the second alias is lost with the call: one pointer names version 3, the other version 2. */
  const stopBetweenPointers = async () => {
    emulator.faults.add({ path: 'registered-models/alias', effect: { kind: 'drop', when: 'before' } });
    const by = invocation();
    await expect(doPromote('both', { new_version: '3' }, by)).rejects.toThrow();
    emulator.faults.clear();
    expect([stages()?.['3'], aliases()?.['champion']]).toEqual(['Production', '2']);
    return by;
  };

  it('finishes what stopped between the two pointers when it is repeated', async () => {
    const by = await stopBetweenPointers();
    expect(await doPromote('both', { new_version: '3' }, by)).toMatchObject({
      promoted: true,
      new_version: '3',
    });
    expect(aliases()).toMatchObject({ champion: '3', previous_champion: '2' });
    expect((await store.readItem(MODEL)).live?.version).toBe('3');
  });

  it('keeps others from what stopped between the two pointers, but for a rollback', async () => {
    const { requestId } = await stopBetweenPointers();
    expect(await doPromote('both', { new_version: '3' })).toEqual({
      promoted: false,
      reason: promotionRefused({ code: 'change-open', holder: `direct:${requestId}` }, MODEL),
    });
    expect(await doRollback('both')).toMatchObject({ rolled_back: true, to_version: '2' });
    expect([stages()?.['2'], aliases()?.['champion']]).toEqual(['Production', '2']);
  });
});

describe('a registry with two versions in Production', () => {
  it('is settled by a person, who names the one to stay', async () => {
    emulator.registry.setStage(MODEL, '3', 'Production');
    expect(await doPromote('stages', { new_version: '3' })).toEqual({
      promoted: false,
      reason: promotionRefused({ code: 'moved', champions: ['3', '2'], live: null }, MODEL),
    });
    expect(stages()).toEqual({ 1: 'Archived', 2: 'Production', 3: 'Production' });
    expect(await doRollback('stages', { target_version: '2' })).toMatchObject({ rolled_back: true });
    expect(stages()).toEqual({ 1: 'Archived', 2: 'Production', 3: 'Archived' });
  });

  it('is repaired once when the old champion appears again during the promotion', async () => {
    const interfere = () => emulator.registry.setStage(MODEL, '2', 'Production');
    emulator.faults.add({
      path: 'model-versions/transition-stage',
      times: 1,
      effect: { kind: 'then', run: interfere },
    });
    expect(await doPromote('stages')).toMatchObject({ promoted: true });
    expect(stages()).toEqual({ 1: 'Archived', 2: 'Archived', 3: 'Production' });
  });

  it.each([
    ['the old champion appears again and again', '2'],
    ['another version appears', '1'],
  ])('is contested when %s', async (_, other) => {
    const interfere = () => emulator.registry.setStage(MODEL, other, 'Production');
    emulator.faults.add({
      path: 'model-versions/transition-stage',
      effect: { kind: 'then', run: interfere },
    });
    expect(await doPromote('stages')).toMatchObject({ promoted: false, contested: true });
    expect(stages()).toMatchObject({ [other]: 'Production', 3: 'Production' });
  });
});

it('promotes a first model with nothing archived', async () => {
  emulator.reset();
  emulator.registry.createVersion(MODEL, { stage: 'Staging' });
  expect(await doPromote('stages')).toEqual({
    promoted: true,
    new_version: '1',
    new_stage: 'Production',
    archived_version: null,
  });
});

it('says in a dry run what would become of both sides, and changes nothing', async () => {
  emulator.registry.setModelTag(MODEL, 'workload.id', 'w1');
  emulator.registry.setVersionTag(MODEL, '2', 'workload.artifact_id', 'old');
  emulator.registry.setVersionTag(MODEL, '3', 'workload.artifact_id', 'new');
  emulator.registry.transition(MODEL, '3', 'Production', { archive: true });
  const served = new FakePlatform();
  served.workload = workload({ artifactId: 'new' });
  served.protonList = [proton('p1', 'new')];
  platform = served;
  const before = [emulator.snapshot(), await store.readItem(MODEL)];
  expect(await doRollback('stages', { dry_run: true, target_version: '2' })).toMatchObject({
    rolled_back: false,
    dry_run: true,
    finding: { code: 'would-move', from: '3', to: '2', workload: 'w1', artifact: 'old' },
  });
  expect([emulator.snapshot(), await store.readItem(MODEL)]).toEqual(before);
  expect(served.calls).toEqual([]);
});

it('refuses, without a table, to move a model that a Workload serves', async () => {
  emulator.registry.setModelTag(MODEL, 'workload.id', 'w1');
  platform = new FakePlatform();
  const before = emulator.snapshot();
  expect(await doRollback('stages', { target_version: '1' }, noStore)).toMatchObject({
    rolled_back: false,
    finding: { code: 'refused', why: 'no-table', held: 'w1' },
  });
  expect(emulator.snapshot()).toEqual(before);
});
