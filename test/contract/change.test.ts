import { describe, expect, it } from 'vitest';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import { isInStep } from '../../lambdas/domain/release/found.ts';
import { CloseInput, type RollbackAnswer } from '../../lambdas/domain/release/payloads.ts';
import type { Change, StoredRelease } from '../../lambdas/domain/release/release.ts';
import { type ReplaceAnswer, ReplaceInput } from '../../lambdas/domain/serving/payloads.ts';
import { closePromotion } from '../../lambdas/use-cases/close-promotion.ts';
import { readBoth } from '../../lambdas/use-cases/parts/look.ts';
import { promote } from '../../lambdas/use-cases/promote-model.ts';
import { replace } from '../../lambdas/use-cases/replace-workload.ts';
import { rollback } from '../../lambdas/use-cases/roll-back.ts';
import { deadlineIn, emulatedSystems, openFor } from '../support/emulated-change.ts';
import { promoteInput, rollbackInput } from '../support/registry.ts';
import { arn, change, MODEL, release } from '../support/releases.ts';

/** The steps of a change, as the state machine calls them, on both emulators and the table over HTTP. */

const systems = emulatedSystems();
const RUN = arn('run-1');
const request = { requestId: 'r' };

interface Case {
  locked?: boolean;
  mode?: RegistryMode;
}

/** Version 2 with its artifact is live, version 3 with another waits; the change to it is open, and `RUN` has the lease. */
async function begun({ locked = true, mode = 'stages' }: Case = {}) {
  const { direct } = systems.emulator;
  const artifact = () => direct.createArtifact({ locked }).id;
  const [old, fresh] = [artifact(), artifact()];
  const { id } = direct.createWorkload({ artifactId: old });
  const { registry } = systems.mlflow;
  registry.createModel(MODEL, { tags: { 'workload.id': id } });
  registry.createVersion(MODEL, { stage: 'Archived' });
  registry.createVersion(MODEL, {
    ...{ stage: 'Production', tags: { 'workload.artifact_id': old } },
    ...(mode === 'stages' ? {} : { aliases: ['champion'] }),
  });
  registry.createVersion(MODEL, { stage: 'Staging', tags: { 'workload.artifact_id': fresh } });
  const half = { workload_id: id, draft: !locked };
  const { runtime } = direct.workload(id);
  const two = release('2', old, { ...half, runtime: runtime as StoredRelease['runtime'] });
  const three = release('3', fresh, { ...half, draft: false, change: RUN });
  await openFor(systems, RUN, two, change(two, three), [two, three]);
  return { id, old, fresh, services: systems.services(mode) };
}
type Begun = Awaited<ReturnType<typeof begun>>;

async function rollOut({ id, fresh, services }: Begun, most = 200): Promise<ReplaceAnswer | null> {
  let previous: ReplaceAnswer | null = null;
  const fixed = {
    ...{ workload_id: id, artifact_id: fresh, model_name: MODEL, execution: RUN, fence: 1 },
    ...{ deadline: deadlineIn(1800, systems), since: systems.now.toISOString() },
  };
  const of = { ...services, workloads: systems.workloads() };
  for (let n = 0; n < most; n += 1) {
    previous = await replace(ReplaceInput.parse({ ...fixed, previous }), of, request);
    if (previous.status !== 'in_progress') return previous;
    systems.pass(previous.retry_after_seconds ?? 0);
  }
  return previous;
}

const promoteStep = ({ services }: Begun) =>
  promote(
    promoteInput({ new_version: '3', expected_champion: '2', fence: 1, execution: RUN }),
    services,
    request,
  );

async function close({ services }: Begun) {
  const fixed = { model_name: MODEL, change_id: RUN, execution: RUN, fence: 1 };
  const deadline = deadlineIn(1800, systems);
  let previous = null;
  for (let n = 0; n < 100; n += 1) {
    const answer = await closePromotion(
      CloseInput.parse({ ...fixed, deadline, previous }),
      services,
      request,
    );
    if (answer.status !== 'in_progress') return answer;
    previous = answer;
    systems.pass(answer.retry_after_seconds ?? 0);
  }
  throw new Error('never settled');
}

async function goBack({ services }: Begun): Promise<RollbackAnswer> {
  let previous: RollbackAnswer | null = null;
  for (let n = 0; n < 200; n += 1) {
    const input = rollbackInput({
      fence: 1,
      execution: RUN,
      change_id: RUN,
      reason: 'ROLLOUT_FAILED',
      previous,
    });
    previous = await rollback(input, services, request);
    if (previous.status !== 'in_progress') return previous;
    systems.pass(previous.retry_after_seconds ?? 0);
  }
  throw new Error('never settled');
}

async function expectInStep({ id, services }: Begun, version: string, artifact: string): Promise<void> {
  const item = await systems.store.readItem(MODEL);
  expect(item).toMatchObject({ change: null, live: { version, artifact_id: artifact, change: RUN } });
  const look = await readBoth(services, services.workloads, MODEL, () => id);
  expect(look !== null && isInStep(look, item)).toBe(true);
  expect(systems.emulator.direct.workload(id).artifactId).toBe(artifact);
}

const inFlight = (id: string) => systems.emulator.direct.workload(id).replacement;

describe('a promotion', () => {
  it.each<Case>([{}, { locked: false }, { mode: 'both' }])(
    'goes forward and closes with both sides on the new release: %j',
    async (of) => {
      const begins = await begun(of);
      expect(await rollOut(begins)).toMatchObject({ status: 'completed' });
      expect(systems.emulator.direct.artifact(begins.fresh).status).toBe(
        of.locked === false ? 'draft' : 'locked',
      );
      expect(await promoteStep(begins)).toMatchObject({ promoted: true, archived_version: '2' });
      expect(await close(begins)).toMatchObject({ status: 'completed' });
      await expectInStep(begins, '3', begins.fresh);
      expect(systems.emulator.direct.artifact(begins.fresh).status).toBe('locked');
      expect(systems.production()).toEqual(['3']);
    },
  );

  it('turned back while its rollout is in flight cancels it', async () => {
    const begins = await begun();
    await rollOut(begins, 2);
    expect(inFlight(begins.id)).not.toBeNull();
    expect(await goBack(begins)).toMatchObject({
      ...{ status: 'completed', rolled_back: true },
      serving: { undone: true, action: 'cancelled' },
    });
    await expectInStep(begins, '2', begins.old);
    expect(inFlight(begins.id)).toBeNull();
  });

  it.each<Case>([{}, { locked: false }, { mode: 'both' }])(
    'turned back when both sides have moved brings both back, with the runtime as it was: %j',
    async (of) => {
      const begins = await begun(of);
      await rollOut(begins);
      await promoteStep(begins);
      // The change is not complete: a pointer, or the lock, is missing.
      systems.mlflow.registry.setStage(MODEL, '2', 'Production');
      expect(await goBack(begins)).toMatchObject({
        rolled_back: true,
        to_version: '2',
        serving: { undone: true },
      });
      await expectInStep(begins, '2', begins.old);
      expect(systems.production()).toEqual(['2']);
      // A draft that was served before is served as a draft again.
      expect(systems.emulator.direct.artifact(begins.old).status).toBe(
        of.locked === false ? 'draft' : 'locked',
      );
    },
  );

  it('turned back before anything was sent writes nothing to the Workload', async () => {
    const begins = await begun();
    expect(await goBack(begins)).toMatchObject({ rolled_back: true, serving: { action: 'none' } });
    expect(systems.emulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    await expectInStep(begins, '2', begins.old);
  });

  it("leaves somebody else's rollout, and what somebody else has put in service, alone", async () => {
    const begins = await begun();
    const other = systems.emulator.direct.createArtifact({ locked: true }).id;
    await systems.workloads().startReplacement(begins.id, {
      ...{ artifactId: other, strategy: 'rolling' },
      config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 },
    });
    systems.pass(5);
    expect(await goBack(begins)).toMatchObject({
      status: 'contested',
      serving: { action: 'left', contested: true },
    });
    expect(inFlight(begins.id)).not.toBeNull();
    systems.pass(3600);
    expect(await goBack(begins)).toMatchObject({ status: 'contested' });
    expect(systems.emulator.direct.workload(begins.id).artifactId).toBe(other);
    expect((await systems.store.readItem(MODEL)).change).toMatchObject({ id: RUN });
  });

  it('stays open on a Workload that is gone: the error is thrown, and the next attempt finds the same', async () => {
    const begins = await begun();
    systems.emulator.direct.perform('DELETE', `workloads/${begins.id}`);
    systems.pass(600);
    await expect(goBack(begins)).rejects.toMatchObject({ name: 'WorkloadNotFound' });
    expect((await systems.store.readItem(MODEL)).change).toMatchObject({ id: RUN });
  });

  it.each([
    ['the transition', 'mlflow', { method: 'POST', path: 'model-versions/transition-stage' }],
    ['the result for people', 'mlflow', { method: 'POST', path: 'model-versions/set-tag' }],
    ['the lock', 'workload', { method: 'POST', path: 'workloads/*/promote' }],
  ] as const)('closes when the answer to %s is lost', async (_, system, where) => {
    const begins = await begun({ locked: false });
    await rollOut(begins);
    const faults = system === 'mlflow' ? systems.mlflow.faults : systems.emulator.faults;
    faults.add({ ...where, times: 1, effect: { kind: 'drop', when: 'after' } });
    expect(await promoteStep(begins)).toMatchObject({ promoted: true });
    const answer = await close(begins).catch(() => close(begins));
    expect(answer).toMatchObject({ status: 'completed' });
    await expectInStep(begins, '3', begins.fresh);
  });
});

describe('promote-model by itself', () => {
  it.each<RegistryMode>(['stages', 'both'])(
    'opens, moves, reads back and closes in mode %s',
    async (mode) => {
      const { registry } = systems.mlflow;
      registry.createModel(MODEL);
      registry.createVersion(MODEL, {
        stage: 'Production',
        ...(mode === 'both' ? { aliases: ['champion'] } : {}),
      });
      registry.createVersion(MODEL, { stage: 'Staging' });
      const answer = await promote(promoteInput(), systems.services(mode), request);
      expect(answer).toEqual({
        ...{ promoted: true, new_version: '2', new_stage: 'Production', archived_version: '1' },
      });
      expect(await systems.store.readItem(MODEL)).toMatchObject({
        ...{ owner: null, change: null, live: { version: '2', artifact_id: null, change: 'direct:r' } },
      });
      if (mode === 'stages') expect(systems.mlflow.requests.length).toBeLessThanOrEqual(6);
      expect(systems.production()).toEqual(['2']);
    },
  );
});

describe('a rollback by itself', () => {
  it('goes back over several calls, and a second one does nothing new', async () => {
    const begins = await begun();
    await rollOut(begins);
    await promoteStep(begins);
    await close(begins);
    await systems.store.releaseLease(MODEL, RUN, systems.now);
    const ask = async () => {
      let previous: RollbackAnswer | null = null;
      for (let n = 0; n < 200; n += 1) {
        previous = await rollback(rollbackInput({ previous }), begins.services, request);
        if (previous.status !== 'in_progress') return previous;
        systems.pass(previous.retry_after_seconds ?? 0);
      }
      return previous;
    };
    expect(await ask()).toMatchObject({ rolled_back: true, from_version: '3', to_version: '2' });
    const item = await systems.store.readItem(MODEL);
    expect(item).toMatchObject({
      live: { version: '2', artifact_id: begins.old, change: 'direct:r' },
      history: [
        { version: '3', good: false },
        { version: '2', good: true },
      ],
    });
    const sent = () =>
      [...systems.emulator.requests, ...systems.mlflow.requests].filter(({ method }) => method !== 'GET');
    const before = sent().length;
    const again = await rollback(rollbackInput({ emergency: true }), begins.services, { requestId: 'r2' });
    expect(again).toMatchObject({ already_rolled_back: true, nothing_to_do: true });
    expect(sent()).toHaveLength(before);
  });
});

/** Of this change the item names whole releases by key only. */
it('keeps what a change needs to go back to in the table, whatever the item says', async () => {
  const begins = await begun();
  const { change: open } = await systems.store.readItem(MODEL);
  const { safe, aim }: Pick<Change, 'safe' | 'aim'> = open ?? (undefined as never);
  expect(await systems.store.getRelease(MODEL, safe.key)).toMatchObject({ artifact_id: begins.old });
  expect(await systems.store.getRelease(MODEL, aim.key)).toMatchObject({
    artifact_id: begins.fresh,
    runtime: null,
  });
});
