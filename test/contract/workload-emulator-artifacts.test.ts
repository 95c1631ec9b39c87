import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rolling, spec, startWorkloadRest, type WorkloadRest } from '../support/workload-rest.ts';

let api: WorkloadRest;
beforeEach(async () => {
  api = await startWorkloadRest();
});
afterEach(() => api.emulator.close());

const create = async (input: Record<string, unknown> = {}) =>
  (await api.post('artifacts/', { name: 'model', spec: spec(), ...input })).body;
const lock = (id: string) => api.patch(`artifacts/${id}/`, { status: 'locked' });

describe('artifacts', () => {
  it('are created as drafts, in a repository of their own', async () => {
    const answer = await api.post('artifacts', { name: 'model', spec: spec() });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      name: 'model',
      description: '',
      type: 'service',
      status: 'draft',
      version: null,
      tags: [],
      spec: spec(),
    });
    const repository = (await api.get(`artifactRepositories/${answer.body.artifactRepositoryId}`)).body;
    expect(repository).toMatchObject({ type: 'service', numArtifacts: 1, lastVersionNumber: 0 });
    expect((await api.get(`artifacts/${answer.body.id}`)).body).toEqual(answer.body);
  });

  it('are locked by the request that creates them, or stay drafts as the variant says', async () => {
    const asked = { name: 'model', status: 'locked', spec: spec() };
    expect((await api.post('artifacts', asked)).body).toMatchObject({ status: 'locked', version: 1 });
    api.emulator.variants.lockOnCreation = 'ignored';
    expect((await api.post('artifacts', asked)).body).toMatchObject({ status: 'draft', version: null });
  });

  it('are not locked by the request that creates them where they need a build, and nothing is left', async () => {
    const asked = {
      name: 'model',
      status: 'locked',
      spec: spec({ imageUri: null, imageBuildConfig: {} }),
    };
    expect((await api.post('artifacts', asked)).status).toBe(422);
    expect((await api.get('artifacts')).body.totalCount).toBe(0);
    expect((await api.get('artifactRepositories')).body.totalCount).toBe(0);
  });

  it('read back an unset source of a variable as "string" and unset fields of a probe as their defaults', async () => {
    const { spec: read } = await create({
      spec: spec({
        environmentVars: [{ name: 'MODEL_VERSION', value: '3' }],
        readinessProbe: { path: '/ready' },
      }),
    });
    const [container] = read.containerGroups[0].containers;
    expect(container.environmentVars).toEqual([{ source: 'string', name: 'MODEL_VERSION', value: '3' }]);
    expect(container.readinessProbe).toMatchObject({ port: 8080, scheme: 'HTTP', failureThreshold: 3 });
  });

  it.each([
    ['no port on the primary container', { port: null }],
    ['a port below 1024', { port: 80 }],
    ['neither image nor build', { imageUri: null }],
    ['no primary container', { primary: false, port: null }],
  ])('are refused with %s', async (_, container) => {
    expect((await api.post('artifacts', { name: 'x', spec: spec(container) })).status).toBe(422);
  });

  it('are refused with an image that the cluster does not allow, as a text', async () => {
    await api.emulator.close();
    api = await startWorkloadRest({ allowedImages: ['registry.invalid/'] });
    const answer = await api.post('artifacts', { name: 'x', spec: spec({ imageUri: 'elsewhere/y:1' }) });
    expect(answer.body).toEqual({ detail: "Image URI 'elsewhere/y:1' is not permitted on this cluster." });
    expect(answer.status).toBe(422);
  });

  it('change while they are drafts; a PATCH of the spec replaces the groups whole', async () => {
    const { id } = await create({ spec: spec({ description: 'first' }) });
    const changed = await api.patch(`artifacts/${id}`, {
      name: 'new',
      spec: spec({ entrypoint: ['serve'] }),
    });
    expect(changed.status).toBe(200);
    const [container] = changed.body.spec.containerGroups[0].containers;
    expect([changed.body.name, container.entrypoint, container.description]).toEqual(['new', ['serve'], '']);
  });

  it('take back what they say, with the type inside and the build, which the server sets', async () => {
    const { id } = await create({ spec: spec({ imageUri: null, imageBuildConfig: {} }) });
    await api.post(`artifacts/${id}/builds`);
    api.advance({ minutes: 2 });
    const read = (await api.get(`artifacts/${id}`)).body;
    expect(read.spec).not.toHaveProperty('type');
    expect(read.spec.containerGroups[0].containers[0]).toMatchObject({ build: { status: 'COMPLETED' } });
    const changed = await api.patch(`artifacts/${id}`, { spec: { ...read.spec, type: 'nim' } });
    expect([changed.status, changed.body.type]).toEqual([200, 'service']);
    expect(changed.body.spec).toEqual(read.spec);
  });

  it('show the type inside, and refuse it in a PATCH, where the variant says so', async () => {
    api.emulator.variants.specType = 'refused';
    const { id, spec: read } = await create({ type: 'agent' });
    expect(read.type).toBe('agent');
    const refused = await api.patch(`artifacts/${id}`, { spec: read });
    expect([refused.status, refused.body.detail]).toEqual([
      422,
      [{ path: 'spec.type', message: expect.any(String), code: 'extra_forbidden' }],
    ]);
  });

  it('are replaced whole by a PUT, with the fields of a POST', async () => {
    const { id } = await create({ description: 'first', spec: spec({ description: 'first' }) });
    const { artifactRepositoryId } = await create({ type: 'agent' });
    const whole = { name: 'whole', type: 'agent', artifactRepositoryId, spec: { type: 'agent', ...spec() } };
    const put = await api.request('PUT', `artifacts/${id}`, whole);
    expect([put.status, put.body]).toMatchObject([
      200,
      { name: 'whole', description: '', type: 'agent', artifactRepositoryId },
    ]);
    expect(put.body.spec.containerGroups[0].containers[0].description).toBe('');
    const lost = { ...whole, artifactRepositoryId: '0123456789abcdef01234567' };
    expect((await api.request('PUT', `artifacts/${id}`, lost)).status).toBe(422);
  });

  it('take a code reference and a Dockerfile without what has a default', async () => {
    const datarobot = { catalogId: 'c', catalogVersionId: 'v' };
    const { spec: read } = await create({
      spec: spec({ imageUri: null, imageBuildConfig: { codeRef: { datarobot }, dockerfile: {} } }),
    });
    expect(read.containerGroups[0].containers[0]).toMatchObject({
      imageBuildConfig: {
        codeRef: { type: 'datarobot', provider: 'datarobot', datarobot },
        dockerfile: { source: 'provided', path: './Dockerfile' },
      },
    });
  });

  it('keep the image of a built container, but not its code, in a PATCH without them', async () => {
    const codeRef = { datarobot: { catalogId: 'c', catalogVersionId: 'v' } };
    const { id } = await create({ spec: spec({ imageUri: null, imageBuildConfig: { codeRef } }) });
    const change = (container: Record<string, unknown>) =>
      api.patch(`artifacts/${id}`, { spec: spec({ imageUri: null, ...container }) });
    expect((await change({})).status).toBe(422);
    const { buildIds } = (await api.post(`artifacts/${id}/builds`)).body;
    api.advance({ minutes: 2 });
    const changed = await change({ entrypoint: ['serve'] });
    expect(changed.body.spec.containerGroups[0].containers[0]).toMatchObject({
      imageUri: expect.stringContaining(buildIds[0] ?? 'no build'),
      imageBuildConfig: null,
      entrypoint: ['serve'],
    });
  });

  it('get the next version of their repository when they are locked, the first being 1', async () => {
    const first = await create();
    expect((await lock(first.id)).body).toMatchObject({ status: 'locked', version: 1 });
    const clone = await api.post(`artifacts/${first.id}/clone`, { name: 'copy' });
    expect(clone.status).toBe(200);
    expect(clone.body).toMatchObject({
      name: 'copy',
      status: 'draft',
      version: null,
      artifactRepositoryId: first.artifactRepositoryId,
    });
    expect(clone.body.spec).toEqual(first.spec);
    expect((await lock(clone.body.id)).body.version).toBe(2);
    const other = await create();
    expect((await lock(other.id)).body.version).toBe(1);
  });

  it('need a name for their clone, and answer 404 where there is nothing to clone', async () => {
    const { id } = await create();
    expect((await api.post(`artifacts/${id}/clone`, {})).status).toBe(422);
    expect((await api.post(`artifacts/${id}/clone`, { name: '' })).status).toBe(422);
    expect((await api.post('artifacts/0123456789abcdef01234567/clone', { name: 'x' })).status).toBe(404);
    api.emulator.variants.cloneStatus = 201;
    expect((await api.post(`artifacts/${id}/clone`, { name: 'x' })).status).toBe(201);
  });

  it('refuse every change once they are locked, a lock included', async () => {
    const { id } = await create();
    await lock(id);
    const refused = { status: 403, body: { detail: 'Cannot update artifact: artifact is locked' } };
    for (const change of [{ name: 'x' }, { status: 'draft' }, { status: 'locked' }, { spec: spec() }, {}]) {
      expect(await api.patch(`artifacts/${id}`, change)).toMatchObject(refused);
    }
    api.emulator.variants.relock = 409;
    expect((await lock(id)).status).toBe(409);
    expect((await api.patch(`artifacts/${id}`, { name: 'x' })).status).toBe(403);
  });

  it('are deleted as unused drafts only', async () => {
    const draft = await create();
    const locked = await create();
    await lock(locked.id);
    const used = await create();
    const { id } = api.direct.createWorkload({ artifactId: used.id });
    expect((await api.delete(`artifacts/${draft.id}`)).status).toBe(204);
    expect((await api.get(`artifacts/${draft.id}`)).status).toBe(404);
    expect(await api.delete(`artifacts/${locked.id}`)).toMatchObject({
      status: 409,
      body: { detail: 'Cannot delete locked artifact' },
    });
    expect(await api.delete(`artifacts/${used.id}`)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining(id) },
    });
  });

  it('are deleted with their repository, locked ones as the variant says, but none in use', async () => {
    const remove = async ({ artifactRepositoryId: id }: { artifactRepositoryId: string }) =>
      (await api.delete(`artifactRepositories/${id}`)).status;
    const isGone = async ({ id }: { id: string }) => (await api.get(`artifacts/${id}`)).status === 404;
    const draft = await create();
    const locked = await create();
    const used = await create();
    await lock(locked.id);
    await lock(used.id);
    api.direct.createWorkload({ artifactId: used.id });
    expect([await remove(draft), await isGone(draft)]).toEqual([204, true]);
    expect([await remove(used), await isGone(used)]).toEqual([409, false]);
    api.emulator.variants.lockedRepository = 409;
    expect([await remove(locked), await isGone(locked)]).toEqual([409, false]);
    api.emulator.variants.lockedRepository = 204;
    expect([await remove(locked), await isGone(locked)]).toEqual([204, true]);
    expect(await remove(locked)).toBe(404);
  });

  it('are found by id, text, status, type and repository, in order', async () => {
    const a = await create({ name: 'Alpha', description: 'prices' });
    const b = await create({ name: 'beta', type: 'agent' });
    await lock(a.id);
    const found = async (query: string) =>
      (await api.get(`artifacts?${query}`)).body.data.map(({ name }) => name);
    expect(await found('search=ALPHA')).toEqual(['Alpha']);
    expect(await found('search=price')).toEqual(['Alpha']);
    expect(await found(`search=${b.id.slice(8)}`)).toEqual(['beta']);
    expect(await found('status=locked')).toEqual(['Alpha']);
    expect(await found('type=agent')).toEqual(['beta']);
    expect(await found(`repositoryId=${b.artifactRepositoryId}`)).toEqual(['beta']);
    expect(await found(`ids=${a.id}&ids=${b.id}&orderBy=-name`)).toEqual(['beta', 'Alpha']);
    expect((await api.get('artifacts?status=open')).status).toBe(422);
    const repositories = (await api.get('artifactRepositories?type=agent&type=mcp')).body.data;
    expect(repositories.map(({ id }) => id)).toEqual([b.artifactRepositoryId]);
  });

  it('share roles as a whole list, in capitals', async () => {
    const { id, artifactRepositoryId } = await create();
    for (const path of [
      `artifacts/${id}/sharedRoles`,
      `artifactRepositories/${artifactRepositoryId}/sharedRoles`,
    ]) {
      expect((await api.get(path)).body.data).toMatchObject([{ role: 'OWNER', shareRecipientType: 'user' }]);
      const role = { username: 'someone', role: 'EDITOR', shareRecipientType: 'user' };
      const change = (roles: unknown) => api.patch(path, { operation: 'updateRoles', roles });
      expect((await change([role])).status).toBe(204);
      expect((await api.get(path)).body.data).toMatchObject([{ name: 'someone', role: 'EDITOR' }]);
      expect((await change([{ ...role, role: 'editor' }])).status).toBe(422);
    }
  });

  it('are built once for each code reference, and lock only when that is done', async () => {
    const imageBuildConfig = {
      codeRef: {
        type: 'datarobot',
        provider: 'datarobot',
        datarobot: { catalogId: 'c', catalogVersionId: 'v' },
      },
    };
    const { id } = await create({ spec: spec({ imageUri: null, imageBuildConfig }) });
    expect((await lock(id)).status).toBe(422);
    const started = await api.post(`artifacts/${id}/builds`, {});
    expect(started.status).toBe(202);
    const [build] = started.body.buildIds;
    const seen: string[] = [];
    for (let step = 0; step < 13; step += 1) {
      seen.push((await api.get(`artifacts/${id}/builds/${build}`)).body.status);
      api.advance({ seconds: 10 });
    }
    expect([...new Set(seen)]).toEqual(['PENDING', 'IN_PROGRESS', 'BUILT', 'COMPLETED']);
    expect((await api.get(`artifacts/${id}/builds/`)).body.totalCount).toBe(1);
    expect((await api.get(`artifacts/${id}/builds/${build}/logs`)).body).toMatchObject({ build_id: build });
    expect((await api.get(`artifacts/${id}`)).body.spec.containerGroups[0].containers[0].imageUri).toContain(
      build,
    );
    expect((await api.get(`artifacts/${id}/builds/nonsense`)).status).toBe(422);
    expect((await lock(id)).status).toBe(200);
    expect((await api.post(`artifacts/${id}/builds`, {})).status).toBe(403);
  });

  it('do not run, and do not replace, before they have an image', async () => {
    const { path } = api.pair();
    const { id } = await create({ spec: spec({ imageUri: null, imageBuildConfig: {} }) });
    expect((await api.post('workloads', { name: 'x', artifactId: id })).status).toBe(422);
    expect((await api.post(`${path}/replacement`, rolling(id))).status).toBe(400);
    const { buildIds } = (await api.post(`artifacts/${id}/builds`)).body;
    expect((await api.delete(`artifacts/${id}/builds/${buildIds[0]}`)).status).toBe(204);
    expect((await api.get(`artifacts/${id}/builds/${buildIds[0]}`)).body.status).toBe('CANCELLED');
  });
});
