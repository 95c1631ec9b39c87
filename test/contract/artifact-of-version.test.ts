import { beforeEach, describe, expect, it } from 'vitest';
import type { ModelVersion } from '../../lambdas/domain/registry.ts';
import type { ModelItem } from '../../lambdas/domain/release/release.ts';
import { deriveArtifact } from '../../lambdas/use-cases/parts/derive-artifact.ts';
import { readServing } from '../../lambdas/use-cases/parts/look.ts';
import { resolveArtifact } from '../../lambdas/use-cases/parts/resolve-artifact.ts';
import { emulatedPlatform } from '../support/clients.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { version, view } from '../support/registry.ts';
import { change, itemWith, past, release } from '../support/releases.ts';

/** The way from a version to the artifact that serves it, on the emulator over HTTP. */

const platform = emulatedPlatform();
const api = () => platform.workloads();
const artifact = (locked = true, env: Record<string, string> = {}) =>
  platform.emulator.direct.createArtifact({ locked, env }).id;
const MISSING = '0123456789abcdef01234567';

describe('an artifact derived from the one in service', () => {
  const MODEL = 'Pascal/Strategy "ü"';
  const variables = (id: string) => JSON.stringify(platform.emulator.direct.artifact(id).spec);

  async function derive(current: string, tags: ModelVersion['tags'] = {}) {
    const found = await api().getArtifact(current);
    if (found === null) throw new Error('no artifact');
    return deriveArtifact(api(), { model: MODEL, version: version(3, 'Staging', { tags }), current: found });
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
  let registry: FakeRegistry;
  beforeEach(() => {
    registry = new FakeRegistry(view([version(3, 'Staging')]));
  });
  const written = () => registry.tagsOf('3')['workload.artifact_id'] ?? null;

  interface Asked {
    given?: string | null;
    tagged?: string;
    item?: ModelItem;
    mayDerive?: boolean;
  }
  async function resolve({ given = null, tagged, item = itemWith(), mayDerive = false }: Asked) {
    const { id } = platform.emulator.direct.createWorkload({ artifactId: artifact() });
    const tags = tagged === undefined ? {} : { 'workload.artifact_id': tagged };
    registry.view = view([version(3, 'Staging', { tags })]);
    return resolveArtifact(
      {
        ...{ model: 'm', version: version(3, 'Staging', { tags }), item, artifactId: given },
        serving: await readServing(api(), id),
        mayDerive: async () => mayDerive,
      },
      { workloads: api(), registry },
    );
  }

  it('is the one that is given, before every other, and is noted on the version', async () => {
    const [given, live, tagged] = [artifact(), artifact(), artifact()];
    const item = itemWith({ live: release('3', live) });
    expect(await resolve({ given, tagged, item })).toMatchObject({ id: given });
    expect(written()).toBe(given);
  });

  it('is the one with which the version was live last: anybody can write the tag', async () => {
    const [live, older, tagged] = [artifact(), artifact(), artifact()];
    for (const item of [
      itemWith({ live: release('3', live) }),
      itemWith({ history: [past('3', live), past('2', older), past('3', older)] }),
      itemWith({ change: change(release('3', live), release('4', tagged)) }),
    ]) {
      expect(await resolve({ tagged, item })).toMatchObject({ id: live });
      expect(written()).toBe(live);
    }
  });

  it('is none that an earlier release had with another version: promote-model alone leaves what is served', async () => {
    const [carried, tagged] = [artifact(), artifact()];
    const item = itemWith({ live: release('3', carried), history: [past('2', carried)] });
    expect(await resolve({ tagged, item })).toMatchObject({ id: tagged });
  });

  it('is the one that the tag names, else a derived one where the policy allows it', async () => {
    const tagged = artifact();
    expect(await resolve({ tagged })).toMatchObject({ id: tagged });
    expect(registry.writes).toEqual([]);
    const derived = await resolve({ mayDerive: true });
    expect(derived).toMatchObject({ status: 'locked' });
    expect(written()).toBe(derived.id);
    await expect(resolve({})).rejects.toMatchObject({
      name: 'ArtifactNotResolved',
      message: expect.stringContaining('derive_artifact'),
    });
  });

  it('is never replaced on the version by one that does not exist', async () => {
    await expect(resolve({ given: MISSING, tagged: 'good' })).rejects.toMatchObject({
      name: 'ArtifactNotResolved',
    });
    expect(registry.writes).toEqual([]);
  });

  it('needs a Workload that exists', async () => {
    await expect(readServing(api(), MISSING)).rejects.toMatchObject({ name: 'WorkloadNotFound' });
  });
});

describe('what a look reads of a Workload', () => {
  it('is what is served, with its settings, and what is in flight', async () => {
    const [old, fresh] = [artifact(), artifact()];
    const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
    expect(await readServing(api(), id)).toMatchObject({
      ...{ workload_id: id, artifact_id: old, artifact_status: 'locked', active: [old], in_flight: null },
      ...{ type: 'service', runtime: expect.any(Object), importance: expect.any(String) },
    });
    await api().startReplacement(id, {
      ...{ artifactId: fresh, strategy: 'rolling' },
      config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 30 },
    });
    platform.pass(3);
    const flight = async () => (await readServing(api(), id)).in_flight;
    expect(await flight()).toMatchObject({ artifact_id: fresh, switched: false, leaving: false });
    platform.pass(300);
    expect(await readServing(api(), id)).toMatchObject({
      ...{ artifact_id: fresh, active: [fresh] },
      in_flight: { artifact_id: fresh, switched: true },
    });
    platform.pass(3600);
    expect(await flight()).toBeNull();
  });

  it('has a runtime that the platform takes back as it is', async () => {
    const [old, fresh] = [artifact(), artifact()];
    const { id } = platform.emulator.direct.createWorkload({ artifactId: old });
    const { runtime } = await readServing(api(), id);
    if (runtime === null) throw new Error('no runtime');
    await api().startReplacement(id, {
      ...{ artifactId: fresh, strategy: 'rolling', runtime },
      config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 },
    });
    platform.pass(600);
    expect((await readServing(api(), id)).runtime).toEqual(runtime);
  });
});
