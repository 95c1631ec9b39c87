import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spec, startWorkloadRest, type WorkloadRest } from '../support/workload-rest.ts';

let api: WorkloadRest;
beforeEach(async () => {
  api = await startWorkloadRest();
});
afterEach(() => api.emulator.close());

const UNKNOWN = '0123456789abcdef01234567';

describe('transport of the Workload API emulator', () => {
  it('answers each route with and without its trailing slash, and never redirects', async () => {
    const { path, workloadId } = api.pair();
    const plain = ['workloads', path, `${path}/settings`, `${path}/events`, `${path}/protons`, 'artifacts'];
    for (const route of [...plain, 'account/info', 'artifactRepositories', `${path}/stats`]) {
      expect((await api.get(route)).status, route).toBe(200);
      expect((await api.get(`${route}/`)).status, `${route}/`).toBe(200);
    }
    expect((await api.get(`otel/workload/${workloadId}/logs/`)).status).toBe(200);
  });

  it('sends telemetry without its trailing slash there by 308, unless the variant says otherwise', async () => {
    const { workloadId } = api.pair();
    const path = `otel/workload/${workloadId}/logs`;
    const moved = await api.get(`${path}?limit=5`);
    expect([moved.status, moved.headers.get('location')]).toEqual([
      308,
      `${api.emulator.url}/${path}/?limit=5`,
    ]);
    api.emulator.variants.otelSlash = 'optional';
    expect((await api.get(path)).status).toBe(200);
  });

  it.each(['', 'wrong', 'emulator-token '])(
    'answers 401 in the edge’s words to the token %j',
    async (token) => {
      const answer = await api.request('GET', 'workloads', undefined, { token: `${token}x` });
      expect([answer.status, answer.body]).toEqual([401, { message: 'Invalid API key' }]);
    },
  );

  it.each(['Bearer', 'bearer', 'Token', 'token'])('takes its token after %s', async (scheme) => {
    const authorization = `${scheme} ${api.emulator.token}`;
    const answer = await fetch(`${api.emulator.url}/workloads`, { headers: { authorization } });
    expect(answer.status).toBe(200);
  });

  it('says its version, which clients read first', async () => {
    const { versionString, ...numbers } = (await api.get('version/')).body as unknown as Record<
      string,
      unknown
    >;
    expect(versionString).toMatch(/^\d+\.\d+\.\d+$/);
    expect(numbers).toEqual({ major: expect.any(Number), minor: expect.any(Number) });
  });

  it('answers 401 without a token, on endpoints of Workloads as well', async () => {
    const { workloadId } = api.pair();
    const bare = await fetch(`${api.emulator.url}/endpoints/workloads/${workloadId}/`);
    expect([bare.status, await bare.json()]).toEqual([401, { message: 'Invalid API key' }]);
  });

  it.each([
    ['workloads/{}', 'Workload not found'],
    ['workloads/{}/replacement', 'Workload not found'],
    ['workloads/..%2F..%2Fx%3Fy%23z/stats', 'Workload not found'],
    ['artifacts/{}', 'Artifact not found'],
    ['artifactRepositories/{}', 'Artifact repository not found'],
  ])('answers 404 with a text to %s', async (path, text) => {
    const answer = await api.get(path.replace('{}', UNKNOWN));
    expect([answer.status, answer.body]).toEqual([404, { detail: text }]);
  });

  it('answers 501 by name to what it does not do, and 405 to a method that a path lacks', async () => {
    expect(await api.get('openapi.yaml')).toMatchObject({
      status: 501,
      body: { detail: expect.stringContaining('openapi.yaml') },
    });
    expect(await api.post(`workloads/${UNKNOWN}/restart`)).toMatchObject({
      status: 501,
      body: { detail: expect.stringContaining('restart') },
    });
    expect((await api.get(`otel/workload/${UNKNOWN}/metrics/`)).status).toBe(501);
    for (const path of ['files/', 'executionEnvironments/', 'credentials/'])
      expect((await api.get(path)).status, path).toBe(501);
    expect((await api.post('entitlements/evaluate/', {})).status).toBe(501);
    expect((await api.request('PUT', 'workloads')).status).toBe(405);
  });

  it('refuses unknown query parameters, bad pages and long searches, all at once', async () => {
    const { path } = api.pair();
    const answer = await api.get(`${path}/events?limit=101&since=1`);
    expect(answer.status).toBe(422);
    expect(answer.body.detail).toEqual([
      expect.objectContaining({ path: 'limit', code: 'less_than_equal' }),
      { path: 'since', message: 'Extra inputs are not permitted', code: 'extra_forbidden' },
    ]);
    for (const query of ['limit=0', 'offset=-1', 'limit=x', `search=${'x'.repeat(101)}`, 'orderBy=size']) {
      expect((await api.get(`artifacts?${query}`)).status, query).toBe(422);
    }
  });

  it('refuses unknown fields, missing ones and bodies that are no JSON by path, message and code', async () => {
    const answer = await api.post('artifacts', { title: 'x', spec: spec({ runAsUser: 1 }) });
    expect(answer.status).toBe(422);
    expect(answer.body.detail).toEqual(
      expect.arrayContaining([
        { path: 'name', message: 'Field required', code: 'missing' },
        { path: 'title', message: 'Extra inputs are not permitted', code: 'extra_forbidden' },
        expect.objectContaining({
          path: 'spec.containerGroups.0.containers.0.runAsUser',
          code: 'extra_forbidden',
        }),
      ]),
    );
    const broken = await api.request('POST', 'artifacts', undefined, { raw: '{"name":' });
    expect(broken.body.detail).toEqual([expect.objectContaining({ path: 'body', code: 'json_invalid' })]);
    const empty = await api.post('artifacts');
    expect(empty.body.detail).toEqual([{ path: 'body', message: 'Field required', code: 'missing' }]);
    const form = await api.request('POST', 'artifacts', undefined, {
      raw: 'name=x',
      contentType: 'application/x-www-form-urlencoded',
    });
    expect(form.status).toBe(422);
  });

  it('takes an empty body that calls itself JSON where a body may be absent', async () => {
    const { path } = api.pair();
    const stopped = await api.request('POST', `${path}/stop`, undefined, { raw: '' });
    expect(stopped.status).toBe(202);
    expect((await api.request('DELETE', path, undefined, { raw: '' })).status).toBe(204);
  });

  it('writes validation errors as pydantic does when the variant says so', async () => {
    api.emulator.variants.validationErrors = 'pydantic';
    const answer = await api.post('artifacts', { spec: spec() });
    expect(answer.body).toEqual({
      detail: [{ loc: ['body', 'name'], msg: 'Field required', type: 'missing' }],
    });
  });

  it('pages with absolute links to the same host', async () => {
    for (let count = 0; count < 5; count += 1) api.direct.createArtifact({ name: `a${count}` });
    const first = (await api.get('artifacts?limit=2&orderBy=name')).body;
    expect(first).toMatchObject({ totalCount: 5, count: 2, previous: null });
    expect(first.next).toBe(`${api.emulator.url}/artifacts?limit=2&orderBy=name&offset=2`);
    const second = (await api.get(first.next)).body;
    expect(second.data.map(({ name }) => name)).toEqual(['a2', 'a3']);
    const last = (await api.get(second.next)).body;
    expect(last).toMatchObject({ count: 1, next: null });
    expect((await api.get(last.previous)).body.data).toEqual(second.data);
  });

  it('mints ObjectIds that begin with the clock’s seconds, and times with microseconds and an offset', async () => {
    api.advance({ hours: 3, seconds: 1.5 });
    const { body } = await api.post('artifacts', { name: 'x', spec: spec() });
    expect(body.id).toMatch(/^[0-9a-f]{24}$/);
    expect(Number.parseInt(body.id.slice(0, 8), 16)).toBe(Math.floor(api.now() / 1000));
    expect(body.createdAt).toBe('2026-09-30T21:00:01.500000+00:00');
  });

  it('carries out faults by path, inner segments free, and records what it saw', async () => {
    const { path, to, workloadId } = api.pair();
    const fault = { status: 429, body: '{"message":"Too many requests"}', headers: { 'retry-after': '7' } };
    api.emulator.faults.add({
      method: 'POST',
      path: 'workloads/*/replacement',
      times: 1,
      effect: { kind: 'answer', ...fault },
    });
    const body = { artifactId: to, strategy: 'rolling' };
    const limited = await api.post(`${path}/replacement/`, body);
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    api.emulator.faults.add({
      method: 'POST',
      path: 'workloads/*',
      times: 1,
      effect: { kind: 'drop', when: 'after' },
    });
    await expect(api.post(`${path}/replacement`, body)).rejects.toThrow();
    expect((await api.post(`${path}/replacement`, body)).status).toBe(422);
    expect(api.emulator.requests.map(({ path: at, status }) => [at, status])).toEqual([
      [`workloads/${workloadId}/replacement`, 429],
      [`workloads/${workloadId}/replacement`, null],
      [`workloads/${workloadId}/replacement`, 422],
    ]);
    expect(api.emulator.requests.at(-1)?.body).toEqual(body);
  });

  it('lets another client interfere between a request and its answer', async () => {
    const { path, workloadId, to } = api.pair();
    api.emulator.faults.add({
      path: `workloads/${workloadId}`,
      times: 1,
      effect: {
        kind: 'then',
        run: () => {
          api.direct.perform('POST', `${path}/replacement`, { artifactId: to, strategy: 'rolling' });
        },
      },
    });
    expect((await api.get(path)).body.replacement).toBeNull();
    api.advance({ seconds: 2 });
    expect((await api.get(path)).body.replacement).toMatchObject({ candidateArtifactId: to });
  });

  it('is empty after a reset, with its variants kept', async () => {
    api.emulator.variants.promoteStatus = 200;
    api.pair();
    api.emulator.reset();
    expect((await api.get('workloads')).body.totalCount).toBe(0);
    expect(api.emulator.requests).toHaveLength(1);
    expect(api.emulator.variants.promoteStatus).toBe(200);
  });

  it('says what an account may have, and refuses more', async () => {
    await api.emulator.close();
    api = await startWorkloadRest({ limits: { maxConcurrentWorkloads: 1, maxWorkloadReplicas: 3 } });
    expect((await api.get('account/info/')).body.limits).toEqual({
      maxConcurrentWorkloads: 1,
      maxWorkloadReplicas: 3,
    });
    expect((await api.get('account/info/')).body).toMatchObject({
      email: expect.any(String),
      orgId: expect.stringMatching(/^[0-9a-f]{24}$/),
    });
    const { path, to } = api.pair();
    const replicas = { containerGroups: [{ name: 'default', replicaCount: 4 }] };
    const refused = await api.post(`${path}/replacement`, {
      artifactId: to,
      strategy: 'rolling',
      runtime: replicas,
    });
    expect([refused.status, refused.body]).toEqual([
      403,
      { detail: 'Requested replicas (4) exceeds the maximum allowed (3).' },
    ]);
    expect((await api.post('workloads', { name: 'second', artifactId: to })).status).toBe(403);
  });

  it('lists the bundles with the fields that a client of the vendor reads, and gives one by its id', async () => {
    const all = await api.get('mlops/compute/bundles/?useCases=customModel&limit=3');
    expect(all.body).toMatchObject({ count: 3, next: expect.stringContaining('offset=3') });
    expect((await api.get(all.body.next)).body.data[0]).toMatchObject({ id: 'cpu.medium' });
    expect((await api.get('mlops/compute/bundles/cpu.xlarge')).body).toMatchObject({
      id: 'cpu.xlarge',
      name: 'XL',
      description: expect.any(String),
      cpuCount: 2,
      memoryBytes: 2_147_483_648,
      gpuMemoryBytes: 0,
      hasGpu: false,
      useCases: expect.any(Array),
    });
    expect((await api.get('mlops/compute/bundles/cpu.none')).status).toBe(404);
  });
});
