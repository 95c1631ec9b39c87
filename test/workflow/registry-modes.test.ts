import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { PromoteInput, RollbackInput } from '../../lambdas/domain/payloads.ts';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import { promote } from '../../lambdas/use-cases/promote-model.ts';
import { rollback } from '../../lambdas/use-cases/roll-back.ts';
import { mlflowClient } from '../support/clients.ts';

/** promote-model and model-rollback invoked directly, against the emulator, in each of the three modes. */

const MODEL = 'PascalStrategy';
let emulator: MlflowEmulator;
let requests = 0;

beforeAll(async () => {
  emulator = await startMlflowEmulator({});
});
afterAll(() => emulator.close());
beforeEach(() => {
  emulator.reset();
  emulator.registry.createVersion(MODEL, { stage: 'Archived' });
  emulator.registry.createVersion(MODEL, { stage: 'Production', aliases: ['champion'] });
  emulator.registry.createVersion(MODEL, { stage: 'Staging', aliases: ['challenger'] });
});

function services(mode: RegistryMode) {
  return {
    registry: mlflowClient(emulator),
    mode,
    store: noStore,
    alerts: null,
    alertContext: { prefix: 'TradAI', environment: 'test', registryName: 'models' },
    clock: { now: () => new Date('2026-11-21T10:00:00Z') },
    cooldownHours: 24,
    workloads: (): never => {
      throw new Error('no Workload serves this model');
    },
  };
}
const invocation = () => {
  requests += 1;
  return { requestId: `request-${requests}` };
};
const doPromote = (mode: RegistryMode, input: object = {}) =>
  promote(PromoteInput.parse({ model_name: MODEL, ...input }), services(mode), invocation());
const doRollback = (mode: RegistryMode, input: object = {}) =>
  rollback(RollbackInput.parse({ model_name: MODEL, ...input }), services(mode), invocation());

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
    expect(await doPromote(mode)).toEqual({ promoted: false, reason: 'No Staging version found' });
    expect(await doPromote(mode, { new_version: '3' })).toMatchObject({ promoted: true, new_version: '3' });
  });
});

describe('in mode both', () => {
  it('finishes what stopped between the two pointers', async () => {
    emulator.registry.transition(MODEL, '3', 'Production', { archive: true });
    expect(await doPromote('both', { new_version: '3' })).toMatchObject({ promoted: true, new_version: '3' });
    expect(aliases()).toMatchObject({ champion: '3', previous_champion: '2' });
  });
});

describe('a registry with two versions in Production', () => {
  it('has one after the promotion of either', async () => {
    emulator.registry.setStage(MODEL, '3', 'Production');
    expect(await doPromote('stages', { new_version: '3' })).toMatchObject({
      promoted: true,
      archived_version: '2',
    });
    expect(stages()).toEqual({ 1: 'Archived', 2: 'Archived', 3: 'Production' });
  });

  it('is repaired once when it appears during the promotion', async () => {
    const interfere = () => emulator.registry.setStage(MODEL, '1', 'Production');
    emulator.faults.add({
      path: 'model-versions/transition-stage',
      times: 1,
      effect: { kind: 'then', run: interfere },
    });
    expect(await doPromote('stages')).toMatchObject({ promoted: true });
    expect(stages()).toEqual({ 1: 'Archived', 2: 'Archived', 3: 'Production' });
  });

  it('is contested when it appears again', async () => {
    const interfere = () => emulator.registry.setStage(MODEL, '1', 'Production');
    emulator.faults.add({
      path: 'model-versions/transition-stage',
      effect: { kind: 'then', run: interfere },
    });
    expect(await doPromote('stages')).toMatchObject({ promoted: false, contested: true });
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
  for (const [number, artifact] of [
    ['2', 'a2'],
    ['3', 'a3'],
  ] as const) {
    emulator.registry.setVersionTag(MODEL, number, 'workload.artifact_id', artifact);
  }
  await doPromote('stages');
  const before = emulator.snapshot();
  expect(await doRollback('stages', { dry_run: true })).toMatchObject({
    rolled_back: false,
    dry_run: true,
    detail: expect.stringMatching(
      /version 2 would be moved to Production.*Workload "w1" would serve artifact "a2" again/,
    ),
  });
  expect(emulator.snapshot()).toEqual(before);
});
