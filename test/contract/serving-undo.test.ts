import { describe, expect, it } from 'vitest';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import type { ModelVersion, Registry } from '../../lambdas/domain/registry.ts';
import type { ServingBefore, ServingUndo } from '../../lambdas/domain/rollout/serving-rollback.ts';
import { type ReplaceAnswer, ReplaceInput } from '../../lambdas/domain/serving/payloads.ts';
import { deriveArtifact } from '../../lambdas/use-cases/parts/derive-artifact.ts';
import { servingBefore } from '../../lambdas/use-cases/parts/serving-before.ts';
import { undoServing } from '../../lambdas/use-cases/parts/serving-undo.ts';
import { replace } from '../../lambdas/use-cases/replace-workload.ts';
import { emulatedPlatform } from '../support/clients.ts';
import { version } from '../support/registry.ts';
import { at, NOON } from '../support/serving.ts';

/** The way back on the serving side, and the way from a version to its artifact, on the emulator over HTTP. */

const platform = emulatedPlatform();

const api = () => platform.workloads();
const artifact = (locked = true, env: Record<string, string> = {}) =>
  platform.emulator.direct.createArtifact({ locked, env }).id;
const served = (id: string) => platform.emulator.direct.workload(id).artifactId;
const inFlight = (id: string) => platform.emulator.direct.workload(id).replacement;

function changed(
  workload_id: string,
  artifact_id: string,
  previous: string,
  more: Partial<ServingBefore> = {},
): ServingBefore {
  return {
    workload_id,
    artifact_id,
    previous_artifact_id: previous,
    previous_status: 'locked',
    previous_runtime: null,
    previous_importance: 'low',
    ...more,
  };
}

/** Rolls forward for a while, or to the end. */
async function rollForward(workload_id: string, artifact_id: string, steps = 200, more: object = {}) {
  let previous: ReplaceAnswer | null = null;
  for (let step = 0; step < steps; step += 1) {
    const input = ReplaceInput.parse({
      workload_id,
      artifact_id,
      deadline: at(3600, NOON).toISOString(),
      previous,
      ...more,
    });
    const services = { workloads: api(), store: noStore, clock: { now: () => platform.now } };
    previous = await replace(input, services, { requestId: 'r' });
    if (previous.status !== 'in_progress') break;
    platform.pass(previous.retry_after_seconds ?? 0);
  }
  return previous;
}

/** Undoes to the end; with `forgetful`, every step starts without knowing what the ones before it did. */
async function undo(of: ServingBefore, { forgetful = false } = {}): Promise<ServingUndo> {
  let serving: ServingUndo | null = null;
  for (let step = 0; step < 300; step += 1) {
    const done = await undoServing(api(), of, forgetful ? null : serving, platform.now);
    serving = done.serving;
    if (done.retryAfter === null) return serving;
    platform.pass(done.retryAfter);
  }
  throw new Error('never settled');
}

describe('undoing a rollout', () => {
  it.each([false, true])(
    'cancels it while it is in flight, and the old artifact stays (forgetful: %s)',
    async (forgetful) => {
      const [old, fresh] = [artifact(), artifact()];
      const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
      await rollForward(id, fresh, 2);
      expect(inFlight(id)).not.toBeNull();
      const done = await undo(changed(id, fresh, old), { forgetful });
      const finding = { code: 'serves-previous', artifact: old, state: null };
      expect(done).toMatchObject({ undone: true, contested: false, finding });
      if (!forgetful) expect(done.action).toBe('cancelled');
      expect(served(id)).toBe(old);
      expect(inFlight(id)).toBeNull();
    },
  );

  it.each([false, true])(
    'replaces back when it had switched, waiting out the time that the old one is kept (forgetful: %s)',
    async (forgetful) => {
      const [old, fresh] = [artifact(), artifact()];
      const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
      await rollForward(id, fresh, 200, { rollout: { keepOldVersionMinutes: 5 } });
      expect(served(id)).toBe(fresh);
      const done = await undo(changed(id, fresh, old), { forgetful });
      expect(done).toMatchObject({ undone: true });
      expect(served(id)).toBe(old);
      // Without a memory a rollout back that has switched cannot be told from one of before.
      if (!forgetful) expect(inFlight(id)).toBeNull();
    },
  );

  it('brings the recorded runtime back', async () => {
    const [old, fresh] = [artifact(), artifact()];
    const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
    const group = (replicaCount: number) => ({
      containerGroups: [
        {
          name: 'default',
          replicaCount,
          containers: [{ name: 'model', resourceAllocation: { cpu: 1, memory: 1_000_000_000 } }],
        },
      ],
    });
    await rollForward(id, fresh, 200, { rollout: { runtime: group(3) } });
    await undo(changed(id, fresh, old, { previous_runtime: group(2) }));
    expect(JSON.stringify(platform.emulator.direct.workload(id).runtime)).toContain('"replicaCount":2');
  });

  it('does nothing when nothing was started', async () => {
    const [old, fresh] = [artifact(), artifact()];
    const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
    const finding = { code: 'serves-previous', artifact: old };
    expect(await undo(changed(id, fresh, old))).toMatchObject({ undone: true, action: 'none', finding });
    expect(platform.emulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it("leaves somebody else's replacement alone", async () => {
    const [old, fresh, other] = [artifact(), artifact(), artifact()];
    const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
    await api().startReplacement(id, {
      artifactId: other,
      strategy: 'rolling',
      config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 },
    });
    platform.pass(10);
    expect(await undo(changed(id, fresh, old))).toMatchObject({
      undone: false,
      contested: true,
      action: 'left',
      finding: { code: 'foreign', artifact: other, in_progress: true },
    });
    expect(inFlight(id)).not.toBeNull();
  });

  it('leaves an artifact alone that somebody else has put in service since', async () => {
    const [old, fresh, other] = [artifact(), artifact(), artifact()];
    const { id } = platform.emulator.direct.createWorkload({ artifactId: other });
    expect(await undo(changed(id, fresh, old))).toMatchObject({
      undone: false,
      contested: true,
      action: 'left',
      finding: { code: 'foreign', artifact: other, in_progress: false },
    });
    expect(served(id)).toBe(other);
  });

  it('cannot undo a promotion in place, and says so', async () => {
    const draft = artifact(false);
    const { id } = platform.emulator.direct.createWorkload({ artifactId: draft });
    await rollForward(id, draft);
    const done = await undo(changed(id, draft, draft, { previous_status: 'draft' }));
    expect(done).toMatchObject({ undone: false, finding: { code: 'locked-in-place' }, action: 'left' });
    expect(platform.emulator.direct.workload(id).status).toBe('running');
  });

  it('has nothing to bring back where nothing was served, and no way to a Workload that is gone', async () => {
    const fresh = artifact();
    const { id } = platform.emulator.direct.createWorkload({ artifactId: fresh });
    const first = changed(id, fresh, '', { previous_artifact_id: null });
    expect(await undo(first)).toMatchObject({ undone: false, finding: { code: 'never-served' } });
    expect(await undo({ ...first, workload_id: '0123456789abcdef01234567' })).toMatchObject({
      undone: false,
      action: 'left',
      finding: { code: 'no-access', error: 'WorkloadNotFound' },
    });
  });

  it('gives up what takes longer than the platform could need', async () => {
    const [old, fresh] = [artifact(), artifact()];
    const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
    await rollForward(id, fresh, 2);
    const of = changed(id, fresh, old);
    const { serving } = await undoServing(api(), of, null, platform.now);
    expect(serving.finding).toMatchObject({ code: 'rollout-cancelled' });
    const began_at = at(-16 * 60, platform.now).toISOString();
    const late = await undoServing(api(), of, { ...serving, began_at }, platform.now);
    const waiting = { code: 'rollout-leaving', state: expect.any(String) };
    expect(late).toMatchObject({
      serving: { undone: false, finding: { code: 'overdue', minutes: 15, waiting } },
      retryAfter: null,
    });
  });

  it('never promotes a draft in place on its way back', async () => {
    const [old, fresh] = [artifact(false), artifact(false)];
    const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
    await api().startReplacement(id, {
      artifactId: fresh,
      strategy: 'rolling',
      config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 },
    });
    platform.pass(600);
    expect(served(id)).toBe(fresh);
    expect(await undo(changed(id, fresh, old, { previous_status: 'draft' }))).toMatchObject({ undone: true });
    expect(platform.emulator.direct.artifact(old).status).toBe('draft');
  });
});

describe('an artifact derived from the one in service', () => {
  const MODEL = 'Pascal/Strategy "ü"';
  const of = (tags: ModelVersion['tags'] = {}) => version(3, 'Staging', { tags });
  const variables = (id: string) => JSON.stringify(platform.emulator.direct.artifact(id).spec);

  async function derive(current: string, tags = {}) {
    const found = await api().getArtifact(current);
    if (found === null) throw new Error('no artifact');
    return deriveArtifact(api(), { model: MODEL, version: of(tags), current: found });
  }
  const artifacts = () =>
    platform.emulator.direct.perform('GET', 'artifacts?limit=100') as { totalCount: number };

  it('is a locked copy with the version in its environment, and its image where the version names one', async () => {
    const current = artifact(true, { MODEL_VERSION: '2', KEEP: 'me' });
    const { id } = await derive(current, { 'workload.image_uri': 'registry.invalid/model:v3' });
    expect(platform.emulator.direct.artifact(id)).toMatchObject({ status: 'locked' });
    for (const part of [
      '"MODEL_VERSION","value":"3"',
      `models:/${MODEL}/3`.replaceAll('"', '\\"'),
      '"KEEP","value":"me"',
      'registry.invalid/model:v3',
    ]) {
      expect(variables(id)).toContain(part);
    }
    expect(variables(current)).toContain('"MODEL_VERSION","value":"2"');
  });

  it('stays a draft while the one in service is a draft', async () => {
    const { id } = await derive(artifact(false));
    expect(platform.emulator.direct.artifact(id).status).toBe('draft');
  });

  it.each([
    ['the copy', { method: 'POST', path: 'artifacts/*/clone' }],
    ['its environment', { method: 'PATCH', path: 'artifacts/*' }],
  ])('is finished, not made again, when the answer to %s is lost', async (_, request) => {
    const current = artifact();
    platform.emulator.faults.add({ ...request, times: 1, effect: { kind: 'drop', when: 'after' } });
    await expect(derive(current)).rejects.toThrow();
    const first = await derive(current);
    const second = await derive(current);
    expect(second.id).toBe(first.id);
    expect(platform.emulator.direct.artifact(first.id).status).toBe('locked');
    expect(artifacts().totalCount).toBe(2);
  });
});

describe('the artifact of a version', () => {
  const tags: string[] = [];
  const registry = {
    setVersionTag: async (_model: string, _version: string, key: string, value: string) =>
      void tags.push(`${key}=${value}`),
  };
  const resolve = (
    artifactId: string | null,
    versionTags: Record<string, string> = {},
    mayDerive = false,
  ) => {
    tags.length = 0;
    const { id } = platform.emulator.direct.createWorkload({ artifactId: artifact() });
    const promotion = {
      model: 'm',
      version: version(3, 'Staging', { tags: versionTags }),
      workloadId: id,
      artifactId,
      mayDerive,
    };
    return servingBefore(promotion, { workloads: api(), registry: registry as unknown as Registry });
  };

  it('is the one that is given, and is noted on the version', async () => {
    const given = artifact();
    expect(await resolve(given, { 'workload.artifact_id': 'old' })).toMatchObject({ artifact_id: given });
    expect(tags).toEqual([`workload.artifact_id=${given}`]);
  });

  it('is the one that the version names, else a derived one where the policy allows it', async () => {
    const tagged = artifact();
    expect(await resolve(null, { 'workload.artifact_id': tagged })).toMatchObject({ artifact_id: tagged });
    expect(tags).toEqual([]);
    expect(await resolve(null, {}, true)).toMatchObject({ previous_status: 'locked' });
    expect(tags).toHaveLength(1);
    await expect(resolve(null)).rejects.toMatchObject({
      name: 'ArtifactNotResolved',
      message: expect.stringContaining('derive_artifact'),
    });
  });

  it('is never replaced on the version by one that does not exist', async () => {
    await expect(
      resolve('0123456789abcdef01234567', { 'workload.artifact_id': 'good' }),
    ).rejects.toMatchObject({ name: 'ArtifactNotResolved' });
    expect(tags).toEqual([]);
  });

  it('needs a Workload that exists', async () => {
    const promotion = {
      model: 'm',
      version: version(3),
      workloadId: '0123456789abcdef01234567',
      artifactId: null,
      mayDerive: true,
    };
    await expect(
      servingBefore(promotion, { workloads: api(), registry: registry as unknown as Registry }),
    ).rejects.toMatchObject({ name: 'WorkloadNotFound' });
  });
});
