import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rolling, runtime, spec, startWorkloadRest, type WorkloadRest } from '../support/workload-rest.ts';

let api: WorkloadRest;
beforeEach(async () => {
  api = await startWorkloadRest();
});
afterEach(() => api.emulator.close());

const draft = () => api.direct.createArtifact();
const locked = () => api.direct.createArtifact({ locked: true });
const running = (artifactId: string) => {
  const { id } = api.direct.createWorkload({ artifactId });
  return `workloads/${id}`;
};
const status = async (path: string) => (await api.get(path)).body.status;

describe('workloads', () => {
  it('come up through submitted, provisioning and launching, with their endpoint there from the start', async () => {
    const created = await api.post('workloads/', { name: 'w', artifactId: locked().id });
    expect(created.status).toBe(201);
    const { id, endpoint, protonId } = created.body;
    expect(created.body).toMatchObject({
      status: 'submitted',
      importance: 'low',
      type: 'service',
      replacement: null,
      statusDetails: null,
      requestStats: null,
      endpoint: `${api.emulator.url}/endpoints/workloads/${id}/`,
    });
    const seen: string[] = [];
    for (let second = 0; second <= 26; second += 1) {
      seen.push(await status(`workloads/${id}`));
      api.advance({ seconds: 1 });
    }
    expect([...new Set(seen)]).toEqual(['submitted', 'provisioning', 'launching', 'running']);
    expect((await api.get(`workloads/${id}`)).body).toMatchObject({ endpoint, protonId });
  });

  it('take an artifact inline, as a draft, or by id, and exactly one of the two', async () => {
    const inline = { name: 'inline', status: 'locked', spec: spec() };
    const created = await api.post('workloads', { name: 'w', artifact: inline, importance: 'high' });
    expect(created.body).toMatchObject({ importance: 'high', artifact: { status: 'draft', name: 'inline' } });
    for (const choice of [{}, { artifact: inline, artifactId: locked().id }]) {
      expect((await api.post('workloads', { name: 'x', ...choice })).status).toBe(422);
    }
    const unknown = await api.post('workloads', { name: 'x', artifactId: '0123456789abcdef01234567' });
    expect([unknown.status, unknown.body]).toEqual([
      422,
      { detail: [{ path: 'artifactId', message: 'Artifact not found', code: 'invalid' }] },
    ]);
  });

  it('have names of their own, also against those that have stopped', async () => {
    const { id } = api.direct.createWorkload({ artifactId: locked().id, name: 'taken' });
    await api.post(`workloads/${id}/stop`);
    expect((await api.post('workloads', { name: 'taken', artifactId: locked().id })).status).toBe(409);
    const other = running(locked().id);
    expect((await api.patch(other, { name: 'taken' })).status).toBe(409);
    expect((await api.patch(`workloads/${id}`, { name: 'taken' })).status).toBe(200);
  });

  it('change by name, description and importance only, without a restart', async () => {
    const path = running(locked().id);
    const before = (await api.get(path)).body;
    const after = await api.patch(`${path}/`, { importance: 'critical', description: 'd' });
    expect(after.body).toMatchObject({
      importance: 'critical',
      description: 'd',
      status: 'running',
      protonId: before.protonId,
    });
    for (const change of [{ importance: 'urgent' }, { artifactId: 'x' }, { runtime: runtime() }]) {
      expect((await api.patch(path, change)).status).toBe(422);
    }
  });

  it('stop and start, with no work for what is done already, and a conflict while stopping', async () => {
    const path = running(locked().id);
    const id = path.slice('workloads/'.length);
    expect((await api.post(`${path}/start`)).status).toBe(200);
    const stopped = await api.post(`${path}/stop`, {});
    expect(stopped.status).toBe(202);
    expect(stopped.body).toMatchObject({ workloadId: id, trackVia: `${api.emulator.url}/workloads/${id}` });
    expect(await status(path)).toBe('stopping');
    expect((await api.post(`${path}/start`)).status).toBe(409);
    api.advance({ seconds: 20 });
    expect((await api.get(path)).body).toMatchObject({ status: 'stopped', protonId: null });
    expect((await api.post(`${path}/stop`)).status).toBe(200);
    expect((await api.post(`${path}/start`)).status).toBe(202);
    expect(await status(path)).toBe('submitted');
    api.advance({ seconds: 25 });
    expect(await status(path)).toBe('running');
  });

  it('are deleted while they run, and leave their artifact', async () => {
    const artifact = draft();
    const path = running(artifact.id);
    expect((await api.delete(`${path}/`)).status).toBe(204);
    expect((await api.get(path)).status).toBe(404);
    expect((await api.get(`artifacts/${artifact.id}`)).status).toBe(200);
    expect((await api.delete(path)).status).toBe(404);
  });

  it.each([502, 200] as const)('may need a second delete, the first answering %d', async (stuckDelete) => {
    api.emulator.variants.stuckDelete = stuckDelete;
    const path = running(locked().id);
    expect(await api.delete(path)).toMatchObject({
      status: stuckDelete,
      body: { detail: expect.stringContaining('retry') },
    });
    expect((await api.delete(path)).status).toBe(204);
  });

  it('are the only active one on a draft artifact, and one of many on a locked one', async () => {
    const shared = locked();
    running(shared.id);
    running(shared.id);
    const own = draft();
    const first = running(own.id);
    const refused = await api.post('workloads', { name: 'second', artifactId: own.id });
    expect([refused.status, typeof refused.body.detail]).toEqual([422, 'string']);
    api.emulator.variants.draftInUse = 409;
    expect((await api.post('workloads', { name: 'second', artifactId: own.id })).status).toBe(409);
    await api.post(`${first}/stop`);
    api.advance({ seconds: 20 });
    expect((await api.post('workloads', { name: 'second', artifactId: own.id })).status).toBe(201);
    expect((await api.post(`${first}/start`)).status).toBe(409);
  });

  it('are found by status, artifact, its status and importance, with statistics when asked', async () => {
    const artifact = locked();
    const path = running(artifact.id);
    running(draft().id);
    await api.patch(path, { importance: 'high' });
    const found = async (query: string) => (await api.get(`workloads?${query}`)).body.data;
    for (const query of [
      'importance=high&importance=critical',
      `artifactId=${artifact.id}`,
      'artifactStatus=locked',
      `repositoryId=${artifact.artifactRepositoryId}`,
      'orderBy=importance&limit=1',
    ]) {
      expect(await found(query), query).toMatchObject([{ id: path.slice('workloads/'.length) }]);
    }
    expect(await found('status=running&status=stopped')).toHaveLength(2);
    expect(await found('status=stopped')).toEqual([]);
    const [listed] = await found('importance=high&serviceStats=true');
    expect(listed.requestStats).toMatchObject({ totalRequests: 0, errorRates: [0, 0, 0, 0, 0, 0, 0] });
    expect((await api.get('workloads?importance=urgent')).status).toBe(422);
  });

  it('name what they are related to, and share roles', async () => {
    const path = running(locked().id);
    const related = (await api.get(`${path}/related`)).body;
    expect(related.data.map(({ type }) => type)).toEqual(['artifact', 'artifact_repository', 'proton']);
    expect((await api.patch(`${path}/sharedRoles`, { operation: 'updateRoles', roles: [] })).status).toBe(
      204,
    );
    expect((await api.get(`${path}/sharedRoles`)).body.totalCount).toBe(0);
  });

  it('keep memory in bytes and bounds of autoscaling once, whatever dialect wrote them', async () => {
    const policy = { scalingMetric: 'cpuAverageUtilization', target: 70 };
    const old = { enabled: true, policies: [{ ...policy, minCount: 2, maxCount: 10 }] };
    const containers = [{ name: 'model', resourceAllocation: { cpu: 2, memory: '4GB' } }];
    const created = await api.post('workloads', {
      name: 'w',
      artifactId: locked().id,
      runtime: runtime({ autoscaling: old, containers }),
    });
    const [group] = created.body.runtime.containerGroups;
    expect(group.containers[0].resourceAllocation.memory).toBe(4_000_000_000);
    expect(group).toMatchObject({
      replicaCount: null,
      autoscaling: { minReplicaCount: 2, maxReplicaCount: 10, policies: [policy] },
    });
    api.emulator.variants.autoscaling = 'per-policy';
    const { runtime: read } = (await api.get(`workloads/${created.body.id}/settings/`)).body;
    expect(read.containerGroups[0].autoscaling.policies).toEqual([
      { ...policy, priority: null, minCount: 2, maxCount: 10 },
    ]);
    api.emulator.variants.memoryUnits = 'binary';
    const binary = await api.post('workloads', {
      name: 'b',
      artifactId: locked().id,
      runtime: runtime({ containers }),
    });
    expect(binary.body.runtime.containerGroups[0].containers[0].resourceAllocation.memory).toBe(
      4 * 1024 ** 3,
    );
  });

  it('say a bundle as well as the allocations, and take both back', async () => {
    const path = running(locked().id);
    const { runtime: read } = (await api.get(`${path}/settings`)).body;
    expect(read.containerGroups[0]).toMatchObject({
      resourceBundles: ['cpu.small'],
      bundleSelectionPolicy: 'availability',
      resolvedBundle: { id: 'cpu.small', gpuCount: 0, gpuMaker: null, gpuTypeLabel: null },
      containers: [{ name: 'model', resourceAllocation: { cpu: 1 } }],
    });
    expect((await api.patch(`${path}/settings`, { runtime: read })).status).toBe(202);
    const both = {
      name: 'w',
      artifactId: locked().id,
      runtime: runtime({ resourceBundles: ['cpu.xlarge'] }),
    };
    const created = await api.post('workloads', both);
    expect(created.body.runtime.containerGroups[0]).toMatchObject({
      resourceBundles: ['cpu.xlarge'],
      resolvedBundle: { id: 'cpu.xlarge', cpuCount: 2, memoryBytes: 2_147_483_648 },
      containers: [{ resourceAllocation: { cpu: 2 } }],
    });
  });

  // The first three as the platform answered them, in the recordings of its public command line client.
  it.each([
    [{ cpu: 0.25, memory: 256_000_000 }, ['cpu.micro']],
    [{ cpu: 0.5, memory: 512_000_000 }, ['cpu.small']],
    [{ cpu: 1, memory: 2_147_483_648 }, ['cpu.xlarge']],
    [{ cpu: 2, memory: 1 }, ['cpu.large']],
    [{ cpu: 3, memory: 1 }, []],
    [{ cpu: 1, gpu: 1, memory: 1 }, []],
  ])('are given the smallest bundle that has room for %j', async (resourceAllocation, resourceBundles) => {
    const containers = [{ name: 'model', resourceAllocation }];
    const body = { name: 'w', artifactId: locked().id, runtime: runtime({ containers }) };
    const [group] = (await api.post('workloads', body)).body.runtime.containerGroups;
    expect(group).toMatchObject({ resourceBundles });
    expect('resolvedBundle' in group).toBe(resourceBundles.length > 0);
  });

  it('leave out of their runtime what is not set, where the variant says so, and take it back', async () => {
    const path = running(locked().id);
    const read = async () => (await api.get(path)).body.runtime;
    const given = { name: 'default', replicaCount: 1, containers: [{ name: 'model' }] };
    expect((await read()).containerGroups[0]).toMatchObject({ ...given, autoscaling: null });
    api.emulator.variants.unsetRuntime = 'absent';
    const without = await read();
    expect(without.containerGroups[0]).toMatchObject(given);
    expect(JSON.stringify(without)).not.toContain('null');
    expect((await api.patch(`${path}/settings`, { runtime: without })).status).toBe(202);
  });

  it('have either a bundle or allocations where the variant says so', async () => {
    api.emulator.variants.bundles = 'exclusive';
    const create = (group: Record<string, unknown>) =>
      api.post('workloads', { name: 'w', artifactId: locked().id, runtime: runtime(group) });
    expect((await create({ resourceBundles: ['a'] })).status).toBe(422);
    expect((await create({ resolvedBundle: { id: 'a' } })).status).toBe(422);
    const [group] = (await create({})).body.runtime.containerGroups;
    expect(group).toMatchObject({ resourceBundles: [] });
    expect(group).not.toHaveProperty('resolvedBundle');
  });

  it.each([
    ['replicas and autoscaling at once', { replicaCount: 2, autoscaling: { policies: [] } }],
    ['a container that the artifact lacks', { containers: [{ name: 'other' }] }],
    ['a group that the artifact lacks', { name: 'other' }],
    ['no replica', { replicaCount: 0 }],
    ['two bundles', { containers: [], resourceBundles: ['a', 'b'] }],
    ['memory that is none', { containers: [{ name: 'model', resourceAllocation: { memory: 'much' } }] }],
    ['bounds the wrong way round', { autoscaling: { minReplicaCount: 3, maxReplicaCount: 2, policies: [] } }],
  ])('refuse a runtime with %s', async (_, group) => {
    const body = { name: 'w', artifactId: locked().id, runtime: runtime(group) };
    expect((await api.post('workloads', body)).status).toBe(422);
  });
});

describe('drafts live for eight hours', () => {
  it('and are stopped at the next sweep', async () => {
    const path = running(draft().id);
    api.advance({ hours: 7, minutes: 59 });
    expect(await status(path)).toBe('running');
    api.advance({ minutes: 2 });
    expect(await status(path)).toBe('stopped');
  });

  it('or terminated, as the variant says, and then cannot be started', async () => {
    api.emulator.variants.ttlEnd = 'terminated';
    const path = running(draft().id);
    api.advance({ hours: 9 });
    expect(await status(path)).toBe('terminated');
    expect((await api.post(`${path}/start`)).status).toBe(409);
  });

  it('again after each start', async () => {
    const path = running(draft().id);
    api.advance({ hours: 7 });
    await api.post(`${path}/stop`);
    api.advance({ minutes: 1 });
    await api.post(`${path}/start`);
    api.advance({ hours: 7 });
    expect(await status(path)).toBe('running');
    api.advance({ hours: 2 });
    expect(await status(path)).toBe('stopped');
  });

  it('but for ever once their artifact is locked, by promotion or by itself', async () => {
    const byItself = draft();
    const paths = [running(draft().id), running(byItself.id), running(locked().id)];
    await api.post(`${paths[0]}/promote`);
    await api.patch(`artifacts/${byItself.id}`, { status: 'locked' });
    api.advance({ hours: 24 * 30 });
    for (const path of paths) expect(await status(path)).toBe('running');
  });

  it('which ends a replacement in progress with them', async () => {
    const path = running(draft().id);
    api.advance({ hours: 7, minutes: 59 });
    const next = draft();
    await api.post(`${path}/replacement`, rolling(next.id));
    api.advance({ minutes: 5 });
    expect(await status(path)).toBe('stopped');
    expect((await api.get(`${path}/replacement`)).status).toBe(404);
    const { data } = (await api.get(`${path}/protons`)).body;
    expect(data.map((proton) => proton.status)).toEqual(['stopped', 'stopped']);
  });
});

describe('promotion in place', () => {
  it('locks, versions, wipes the statistics and enters the history, and restarts nothing', async () => {
    const path = running(draft().id);
    const before = (await api.get(path)).body;
    await api.patch(path, { importance: 'high' });
    await api.get(before.endpoint);
    api.advance({ minutes: 1 });
    expect((await api.get(`${path}/stats`)).body.metrics.totalRequests).toBe(1);
    const promoted = await api.post(`${path}/promote`);
    expect(promoted.status).toBe(202);
    expect(promoted.body).toMatchObject({
      id: before.id,
      status: 'running',
      endpoint: before.endpoint,
      protonId: before.protonId,
      importance: 'high',
      artifact: { id: before.artifactId, status: 'locked', version: 1 },
    });
    expect((await api.get(`${path}/stats`)).body.metrics.totalRequests).toBe(0);
    expect((await api.get(`${path}/history`)).body.data).toMatchObject([
      { status: 'completed', candidateArtifactId: before.artifactId, candidateProtonIds: [] },
    ]);
    expect((await api.get(`artifacts/${before.artifactId}`)).body).toMatchObject({
      status: 'locked',
      version: 1,
    });
  });

  it('answers 200 where the variant says so, and takes an empty object, but nothing else', async () => {
    api.emulator.variants.promoteStatus = 200;
    const path = running(draft().id);
    expect((await api.post(`${path}/promote`, { importance: 'high' })).status).toBe(422);
    expect((await api.post(`${path}/promote/`, {})).status).toBe(200);
  });

  it('is refused without a draft, without an active proton and during a replacement', async () => {
    const isRefused = async (path: string) => expect((await api.post(`${path}/promote`)).status).toBe(422);
    await isRefused(running(locked().id));
    const stopped = running(draft().id);
    await api.post(`${stopped}/stop`);
    await isRefused(stopped);
    const replaced = running(draft().id);
    await api.post(`${replaced}/replacement`, rolling(draft().id));
    await isRefused(replaced);
    expect((await api.post('workloads/0123456789abcdef01234567/promote')).status).toBe(404);
  });
});

describe('the endpoint and its statistics', () => {
  it('answer from the active artifact, for any method and path below', async () => {
    const artifact = api.direct.createArtifact({ env: { MODEL_VERSION: '3', SECRET: 'x' }, locked: true });
    const { endpoint, protonId } = api.direct.createWorkload({ artifactId: artifact.id });
    const answer = await api.post(`${endpoint}predict?x=1`, { rows: [1] });
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        artifactId: artifact.id,
        artifactVersion: 1,
        protonId,
        path: '/predict',
        modelVersion: '3',
        env: { MODEL_VERSION: '3' },
      },
    ]);
  });

  it('start cold with the first request to a proton that has scaled to zero, and again when it was idle', async () => {
    const policies = [{ scalingMetric: 'httpRequestsConcurrency', target: 10 }];
    const scaled = (minReplicaCount: number) =>
      runtime({ autoscaling: { minReplicaCount, maxReplicaCount: 2, cooldownPeriodMinutes: 2, policies } });
    const create = async (name: string, least: number) => {
      const body = { name, artifactId: locked().id, runtime: scaled(least) };
      return (await api.post('workloads', body)).body;
    };
    const [zero, one] = [await create('zero', 0), await create('one', 1)];
    api.advance({ minutes: 1 });
    const isCold = async ({ endpoint }: { endpoint: string }) =>
      'coldStart' in (await api.get(endpoint)).body;
    expect([await isCold(zero), await isCold(zero), await isCold(one)]).toEqual([true, false, false]);
    api.advance({ minutes: 2 });
    expect(await isCold(zero)).toBe(false);
    api.advance({ minutes: 3 });
    expect([await isCold(zero), await isCold(one)]).toEqual([true, false]);
    api.advance({ minutes: 1 });
    const slow = async ({ id }: { id: string }) => (await api.get(`workloads/${id}/stats`)).body.metrics;
    expect(await slow(zero)).toMatchObject({ totalRequests: 4, slowRequests: 2 });
    expect(await slow(one)).toMatchObject({ totalRequests: 2, slowRequests: 0 });
  });

  it('answer 503 while nothing runs, and 404 for an unknown Workload or proton', async () => {
    const { body } = await api.post('workloads', { name: 'w', artifactId: locked().id });
    expect((await api.get(body.endpoint)).status).toBe(503);
    expect((await api.get(`${body.endpoint}?protonId=0123456789abcdef01234567`)).status).toBe(404);
    expect((await api.get('endpoints/workloads/0123456789abcdef01234567/')).status).toBe(404);
    api.advance({ seconds: 25 });
    expect((await api.get(body.endpoint)).status).toBe(200);
  });

  it('count requests after a short delay, by proton, time and outcome', async () => {
    const { id } = api.direct.createWorkload({ artifactId: locked().id });
    const path = `workloads/${id}/stats`;
    api.direct.addTraffic(id, { count: 90, milliseconds: 10 });
    api.direct.addTraffic(id, { count: 6, status: 500, milliseconds: 3000 });
    api.direct.addTraffic(id, { count: 4, status: 404, milliseconds: 10 });
    expect((await api.get(path)).body.metrics.totalRequests).toBe(0);
    api.advance({ seconds: 5 });
    expect((await api.get(path)).body.metrics).toMatchObject({
      totalRequests: 100,
      slowRequests: 6,
      userErrors: 4,
      serverErrors: 6,
      serverErrorRate: 0.06,
      totalErrorRate: 0.1,
      responseTime: 10,
    });
    expect((await api.get(`${path}?responseTimeQuantile=0.99`)).body.metrics.responseTime).toBe(3000);
    expect((await api.get(`${path}?protonId=0123456789abcdef01234567`)).body.metrics.totalRequests).toBe(0);
    const series = (await api.get(`${path}/totalRequests?resolution=P1D`)).body;
    expect(series.buckets).toHaveLength(7);
    expect(series.buckets.at(-1)?.value).toBe(100);
    api.emulator.variants.rates = 'percent';
    expect((await api.get('workloads/stats')).body).toMatchObject({
      workloads: { active: 1, total: 1 },
      requests: { total: 100, succeeded: 90, failed: 10 },
      errorRate: { rate: 10 },
    });
    expect((await api.delete(path)).status).toBe(204);
    expect((await api.get(path)).body.metrics.totalRequests).toBe(0);
  });

  it.each([
    ['stats?startTime=2026-10-02T00:00:00Z&endTime=2026-10-01T00:00:00Z', 400],
    ['stats?startTime=yesterday', 422],
    ['stats?responseTimeQuantile=1.5', 422],
    ['stats/latency', 422],
    ['stats/totalRequests?resolution=P2D', 422],
    ['stats/totalRequests?startTime=2026-09-29T00:00:00%2B00:00', 200],
  ])('answer %s with %d', async (query, expected) => {
    expect((await api.get(`${running(locked().id)}/${query}`)).status).toBe(expected);
  });
});

describe('telemetry', () => {
  it('has logs newest first, late by the collector’s lag, by level and proton', async () => {
    const { id, protonId } = (await api.post('workloads', { name: 'w', artifactId: locked().id })).body;
    const path = `otel/workload/${id}/logs/`;
    api.advance({ seconds: 25 });
    expect((await api.get(path)).body.data).toHaveLength(1);
    api.advance({ seconds: 15 });
    const { data } = (await api.get(`${path}?limit=1000`)).body;
    expect(data.map(({ message }) => message)).toEqual(['Model loaded, serving', 'Starting model server']);
    expect(data[0].timestamp).toBe('2026-09-30 18:00:25.000000+00:00');
    const found = async (query: string) => (await api.get(`${path}?${query}`)).body.totalCount;
    expect(await found('level=error')).toBe(0);
    expect(await found('includes=loaded')).toBe(1);
    expect(await found('excludes[]=loaded')).toBe(1);
    expect(await found(`searchKeys=proton_id&searchValues=${protonId}`)).toBe(2);
    expect(await found('searchKeys=proton_id&searchValues=other')).toBe(0);
    expect((await api.delete(path)).status).toBe(204);
    expect(await found('')).toBe(0);
  });

  it('has a trace for each request, the collected metrics and totals', async () => {
    const { id, endpoint } = api.direct.createWorkload({ artifactId: locked().id });
    await api.post(`${endpoint}predict`, {});
    api.advance({ minutes: 1 });
    const [trace] = (await api.get(`otel/workload/${id}/traces/`)).body.data;
    expect(trace).toMatchObject({ rootSpanName: 'POST /predict', spansCount: 1, errorSpansCount: 0 });
    expect((await api.get(`otel/workload/${id}/traces/${trace.traceId}/`)).body.spans).toHaveLength(1);
    expect((await api.get(`otel/workload/${id}/metrics/autocollectedValues/`)).body.data).toHaveLength(3);
    expect((await api.get('otel/stats/')).body).toMatchObject({ spanCount: 1 });
  });
});
