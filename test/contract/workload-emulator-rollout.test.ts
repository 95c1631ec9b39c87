import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rolling, runtime, startWorkloadRest, type WorkloadRest } from '../support/workload-rest.ts';

let api: WorkloadRest;
beforeEach(async () => {
  api = await startWorkloadRest();
});
afterEach(() => api.emulator.close());

const draft = () => api.direct.createArtifact();
const locked = () => api.direct.createArtifact({ locked: true });
const start = (path: string, artifactId: string, config?: Record<string, number>) =>
  api.post(`${path}/replacement`, rolling(artifactId, config));
const protons = async (path: string) => (await api.get(`${path}/protons/`)).body.data;
const findCandidate = async (path: string) => (await protons(path)).find(({ role }) => role === 'candidate');
const candidateOf = async (path: string) => {
  const candidate = await findCandidate(path);
  if (candidate === undefined) throw new Error(`${path} has no candidate`);
  return candidate;
};
const details = async (path: string, id: string) =>
  (await api.get(`${path}/protons/${id}/statusDetails`)).body;

/** What one can see of a rollout, second by second, each change once. */
async function watch(path: string, seconds: number, step = 1): Promise<string[]> {
  const seen: string[] = [];
  for (let second = 0; second <= seconds; second += step) {
    const { status, body } = await api.get(`${path}/replacement`);
    const word = status === 200 ? body.status : String(status);
    if (seen.at(-1) !== word) seen.push(word);
    api.advance({ seconds: step });
  }
  return seen;
}

describe('a replacement is refused', () => {
  it.each([
    ['for a Workload that is unknown', 'workloads/0123456789abcdef01234567'],
    ['onto an artifact that is unknown', null],
  ])('%s: 404', async (_, elsewhere) => {
    const { path } = api.pair();
    const answer = await start(elsewhere ?? path, '0123456789abcdef01234567');
    expect([answer.status, typeof answer.body.detail]).toEqual([404, 'string']);
  });

  it.each([
    ['draft', 'locked'],
    ['locked', 'draft'],
  ])('from %s to %s: 400, or 422 as the variant says', async (from, to) => {
    const of = (status: string) => (status === 'draft' ? draft() : locked());
    const { id } = api.direct.createWorkload({ artifactId: of(from).id });
    const refused = await start(`workloads/${id}`, of(to).id);
    expect([refused.status, refused.body.detail]).toEqual([
      400,
      expect.stringMatching(/^Artifact status mismatch: /),
    ]);
    api.emulator.variants.statusMismatch = 422;
    expect((await start(`workloads/${id}`, of(to).id)).status).toBe(422);
  });

  it('onto the same locked artifact: 422 with a list of texts; a draft may', async () => {
    const { path, from } = api.pair();
    const refused = await start(path, from);
    expect([refused.status, refused.body]).toEqual([
      422,
      { detail: [expect.stringMatching(/^Cannot replace with the same artifact — /)] },
    ]);
    const same = draft();
    const { id } = api.direct.createWorkload({ artifactId: same.id });
    expect((await start(`workloads/${id}`, same.id)).status).toBe(202);
  });

  it('without an active proton: 422; an errored one is enough', async () => {
    const { path, to, workloadId } = api.pair();
    const { protonId } = api.direct.workload(workloadId);
    await api.post(`${path}/stop`);
    expect((await start(path, to)).status).toBe(422);
    api.advance({ minutes: 1 });
    expect((await start(path, to)).status).toBe(422);
    await api.post(`${path}/start`);
    const active = api.direct.workload(workloadId).protonId;
    expect(active).not.toBe(protonId);
    api.direct.setProtonStatus(active ?? '', 'errored');
    expect(api.direct.workload(workloadId).status).toBe('errored');
    expect((await start(path, to)).status).toBe(202);
  });

  it('onto an artifact of another type, with other groups or containers: 422', async () => {
    const { path } = api.pair();
    const agent = api.direct.createArtifact({ type: 'agent', locked: true });
    expect((await start(path, agent.id)).status).toBe(422);
    for (const change of [{ name: 'other' }, { containers: [{ name: 'server' }] }]) {
      const [group] = runtime().containerGroups;
      const containers = (change.containers ?? group?.containers ?? []).map(({ name }) => ({
        name,
        imageUri: 'x:1',
        primary: true,
        port: 8080,
      }));
      const spec = { containerGroups: [{ name: change.name ?? 'default', containers }] };
      const { id } = (await api.post('artifacts', { name: 'x', spec })).body;
      await api.patch(`artifacts/${id}`, { status: 'locked' });
      expect((await start(path, id)).body).toEqual({ detail: [expect.stringContaining('incompatible')] });
    }
  });

  it('with a runtime that names what the artifact lacks: 422', async () => {
    const { path, to } = api.pair();
    const containers = [{ name: 'sidecar', resourceAllocation: { cpu: 1 } }];
    const body = { ...rolling(to), runtime: runtime({ containers }) };
    expect((await api.post(`${path}/replacement`, body)).body.detail).toEqual([
      expect.stringContaining("'sidecar'"),
    ]);
  });

  it.each([
    ['another strategy', { strategy: 'canary' }, 'strategy'],
    ['negative minutes', { config: { warmupDurationMinutes: -1 } }, 'config.warmupDurationMinutes'],
    ['half a minute', { config: { keepOldVersionMinutes: 0.5 } }, 'config.keepOldVersionMinutes'],
    ['an unknown field', { trafficPercent: 10 }, 'trafficPercent'],
  ])('with %s: 422 by path', async (_, change, where) => {
    const { path, to } = api.pair();
    const answer = await api.post(`${path}/replacement`, { ...rolling(to), ...change });
    expect(answer).toMatchObject({ status: 422, body: { detail: [{ path: where }] } });
  });

  it('while one is in progress: 422, or 409 as the variant says; promote and settings are as well', async () => {
    const { path, to } = api.pair();
    await start(path, to);
    expect((await start(path, locked().id)).status).toBe(422);
    api.emulator.variants.secondReplacement = 409;
    expect((await start(path, locked().id)).status).toBe(409);
    expect((await api.patch(`${path}/settings`, { runtime: runtime() })).status).toBe(409);
    expect((await api.post(`${path}/promote`)).status).toBe(422);
  });

  it('and is queued where the variant says so, to begin when the first has settled', async () => {
    api.emulator.variants.secondReplacement = 'queue';
    const { path, to, workloadId } = api.pair();
    const third = locked().id;
    await start(path, to);
    expect((await start(path, third)).status).toBe(202);
    api.advance({ seconds: 10 });
    expect((await api.get(`${path}/replacement`)).body.candidateArtifactId).toBe(to);
    api.advance({ minutes: 4 });
    expect((await api.get(`${path}/replacement`)).body.candidateArtifactId).toBe(third);
    api.advance({ minutes: 10 });
    expect(api.direct.workload(workloadId).artifactId).toBe(third);
  });

  it('on a draft artifact that another active Workload runs: 422', async () => {
    const taken = draft();
    api.direct.createWorkload({ artifactId: taken.id });
    const { id } = api.direct.createWorkload({ artifactId: draft().id });
    expect((await start(`workloads/${id}`, taken.id)).status).toBe(422);
  });
});

describe('a replacement of a healthy candidate', () => {
  it('answers 202 with its record, which a GET finds at once, or after a moment as the dial says', async () => {
    const { path, to, workloadId } = api.pair();
    const answer = await start(path, to, { warmupDurationMinutes: 10, keepOldVersionMinutes: 60 });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      name: `Replacement for workload ${workloadId} - rolling strategy artifact ${to}`,
      candidateArtifactId: to,
      candidateProtonIds: [],
      previousProtonIds: null,
      status: 'submitted',
      strategy: 'rolling',
      config: { warmupDurationMinutes: 10, keepOldVersionMinutes: 60 },
      switchedAt: null,
      isDeleted: false,
      deletedAt: null,
    });
    expect(answer.body.tenantId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    const { id } = answer.body;
    expect((await api.get(`${path}/replacement`)).body.id).toBe(id);
    api.emulator.timings.recordHiddenMs = 1000;
    expect(await api.get(`${path}/replacement`)).toMatchObject({
      status: 404,
      body: { detail: 'There is no active replacement for this workload.' },
    });
    expect((await api.get(path)).body.replacement).toBeNull();
    api.advance({ seconds: 1 });
    expect((await api.get(`${path}/replacement/`)).body.id).toBe(id);
    expect((await api.get(`${path}/settings`)).body.replacement.id).toBe(id);
  });

  it.each([
    ['tutorial', ['submitted', 'initializing', 'promoting', 'finalizing', 'completed']],
    ['terraform', ['submitted', 'initializing', 'staged', 'promoting', 'finalizing', 'completed']],
    ['openapi', ['submitted', 'initializing', 'awaiting_promotion', 'switching', 'cleaning_up', 'completed']],
  ] as const)('passes the states of the %s dialect and vanishes', async (dialect, states) => {
    api.emulator.variants.replacementStatuses = dialect;
    const { path, to } = api.pair();
    await start(path, to);
    expect(await watch(path, 240)).toEqual([...states, '404']);
  });

  it('changes candidate, old proton and document together, as section by section of a rollout', async () => {
    const { path, from, to, workloadId } = api.pair();
    const old = api.direct.workload(workloadId).protonId;
    await start(path, to, { warmupDurationMinutes: 1 });
    const seen: string[] = [];
    for (let second = 0; second < 700; second += 1) {
      const all = await protons(path);
      const word = all
        .map((each) => {
          const name = each.id === old ? 'old' : 'new';
          return `${name} ${each.role ?? '-'} ${each.status}`;
        })
        .join(', ');
      const { artifactId, status } = (await api.get(path)).body;
      const line = `${artifactId === from ? 'v1' : 'v2'} ${status} | ${word}`;
      if (seen.at(-1) !== line) seen.push(line);
      api.advance({ seconds: 1 });
    }
    expect(seen).toEqual([
      'v1 running | old active running',
      'v1 running | new candidate submitted, old active running',
      'v1 running | new candidate provisioning, old active running',
      'v1 running | new candidate launching, old active running',
      'v1 running | new candidate warming, old active running',
      'v1 running | new candidate running, old active running',
      'v2 running | new active running, old - draining',
      'v2 running | new active running, old - stopping',
      'v2 running | new active running, old - stopped',
    ]);
  });

  it('keeps to the recorded times: candidate at 27 s, document at 110 s, endpoint at 171 s, drained at 530 s', async () => {
    const { path, to, workloadId } = api.pair();
    const { endpoint, protonId } = api.direct.workload(workloadId);
    await start(path, to);
    const at: Record<string, number> = {};
    for (let second = 0; second < 560; second += 1) {
      const all = await protons(path);
      const first = (name: string, is: boolean) => {
        if (is) at[name] ??= second;
      };
      const is = (id: unknown, status: string) =>
        all.some((each) => each.id === id && each.status === status);
      first('candidate', (await findCandidate(path))?.status === 'running');
      first('document', (await api.get(path)).body.artifactId === to);
      first('endpoint', (await api.get(endpoint)).body.artifactId === to);
      first('drained', is(protonId, 'stopping'));
      api.advance({ seconds: 1 });
    }
    expect(at).toEqual({ candidate: 27, document: 110, endpoint: 171, drained: 530 });
  });

  it('shows itself in the document until it is completed, and then as null with the new artifact', async () => {
    const { path, to, workloadId } = api.pair();
    await start(path, to);
    api.advance({ seconds: 5 });
    expect(api.direct.workload(workloadId).replacement).toMatchObject({
      status: 'initializing',
      strategy: 'rolling',
      candidateProtonIds: [expect.any(String)],
    });
    api.advance({ minutes: 5 });
    expect(api.direct.workload(workloadId)).toMatchObject({ replacement: null, artifactId: to });
  });

  it('brings its own runtime, or keeps the one there is', async () => {
    const { path, to, workloadId } = api.pair();
    const before = api.direct.workload(workloadId).runtime;
    await start(path, to);
    api.advance({ minutes: 20 });
    expect(api.direct.workload(workloadId).runtime).toEqual(before);
    const next = runtime({ replicaCount: 3 });
    await api.post(`${path}/replacement`, { ...rolling(locked().id), runtime: next });
    api.advance({ minutes: 20 });
    expect(api.direct.workload(workloadId).runtime.containerGroups[0]).toMatchObject({ replicaCount: 3 });
  });

  it('has a candidate for each active proton of a highly available Workload', async () => {
    const { path, to, from, workloadId } = api.pair();
    api.direct.addActiveProton(workloadId);
    const roles = async (role: string) =>
      (await protons(path)).filter((each) => each.role === role).map(({ artifactId }) => artifactId);
    expect(await roles('active')).toEqual([from, from]);
    await start(path, to);
    api.advance({ seconds: 60 });
    expect(await roles('candidate')).toEqual([to, to]);
    api.advance({ seconds: 60 });
    expect(await roles('active')).toEqual([to, to]);
    expect((await api.get(`${path}/replacement`)).body.previousProtonIds).toHaveLength(2);
  });

  it('writes one event, under an id of its own, and a history, newest first', async () => {
    const { path, to, from } = api.pair();
    const { body } = await start(path, to);
    api.advance({ minutes: 30 });
    await start(path, from);
    api.advance({ minutes: 30 });
    const { data: events } = (await api.get(`${path}/events`)).body;
    expect(events).toMatchObject([
      { eventType: 'Replacement Completed', details: { artifactId: from } },
      { eventType: 'Replacement Completed', details: { artifactId: to } },
    ]);
    const [, first] = events;
    expect(first?.id).toBe(first?.details.replacementId);
    expect(first?.id).not.toBe(body.id);
    const { data: history } = (await api.get(`${path}/history`)).body;
    expect(history).toMatchObject([
      { candidateArtifactId: from, status: 'completed' },
      {
        id: body.id,
        candidateArtifactId: to,
        switchedAt: '2026-09-30T18:01:50.000000+00:00',
        previousProtonIds: [expect.any(String)],
      },
    ]);
  });

  it('tells the finer story where the variant says so', async () => {
    api.emulator.variants.events = 'story';
    const { path, to } = api.pair();
    await start(path, to);
    api.advance({ minutes: 15 });
    const { data } = (await api.get(`${path}/events`)).body;
    expect(data.map(({ eventType }) => eventType)).toEqual([
      'Old Proton Drained',
      'Replacement Completed',
      'Traffic Switched',
      'Candidate Running',
      'Replacement Created',
    ]);
  });

  it('stays finalizing, and refuses the next one, as long as the old version is kept', async () => {
    const { path, to, from, workloadId } = api.pair();
    const old = api.direct.workload(workloadId).protonId;
    await start(path, to, { keepOldVersionMinutes: 60 });
    api.advance({ minutes: 60 });
    expect((await api.get(`${path}/replacement`)).body.status).toBe('finalizing');
    expect((await start(path, from)).status).toBe(422);
    const kept = await api.get(`${api.direct.workload(workloadId).endpoint}?protonId=${old}`);
    expect([kept.status, kept.body.artifactId]).toEqual([200, from]);
    api.advance({ minutes: 3 });
    expect((await api.get(`${path}/replacement`)).status).toBe(404);
    expect((await start(path, from)).status).toBe(202);
  });

  it('never fails a request, and comes to the same end however often one looks', async () => {
    const jump = fc.integer({ min: 1, max: 400 });
    await fc.assert(
      fc.asyncProperty(fc.array(jump, { maxLength: 12 }), fc.nat({ max: 3 }), async (jumps, warmup) => {
        api.emulator.reset();
        const { path, to, workloadId } = api.pair();
        const { endpoint } = api.direct.workload(workloadId);
        const began = api.now();
        await start(path, to, { warmupDurationMinutes: warmup });
        for (const seconds of jumps) {
          api.advance({ seconds });
          expect((await api.get(endpoint)).status).toBe(200);
        }
        api.advance({ seconds: Math.max(1, 7200 - (api.now() - began) / 1000) });
        const { artifactId, status, replacement } = (await api.get(path)).body;
        const [entry] = (await api.get(`${path}/history`)).body.data;
        expect({ artifactId, status, replacement }).toEqual({
          artifactId: to,
          status: 'running',
          replacement: null,
        });
        expect(Date.parse(entry.switchedAt) - began).toBe((110 + warmup * 60) * 1000);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a replacement is cancelled', () => {
  it.each([1.5, 10, 60])('%d s after its start, and the old artifact goes on', async (seconds) => {
    const { path, from, to, workloadId } = api.pair();
    const before = api.direct.workload(workloadId);
    await start(path, to);
    api.advance({ seconds });
    const answer = await api.delete(`${path}/replacement`);
    expect([answer.status, answer.body.status]).toEqual([202, 'deleting']);
    expect((await api.delete(`${path}/replacement`)).status).toBe(202);
    expect(await watch(path, 30)).toEqual(['deleting', 'finalizing', '404']);
    api.advance({ minutes: 15 });
    expect(api.direct.workload(workloadId)).toMatchObject({
      artifactId: from,
      protonId: before.protonId,
      status: 'running',
      replacement: null,
    });
    expect(await findCandidate(path)).toBeUndefined();
    expect((await api.get(`${path}/history`)).body.data).toMatchObject([
      { isDeleted: true, switchedAt: null },
    ]);
    expect((await start(path, to)).status).toBe(202);
  });

  it('in the words of each dialect, with the status that the variant says', async () => {
    api.emulator.variants.replacementStatuses = 'terraform';
    api.emulator.variants.cancelStatus = 204;
    const { path, to } = api.pair();
    await start(path, to);
    api.advance({ seconds: 5 });
    const answer = await api.delete(`${path}/replacement/`);
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect(await watch(path, 30)).toEqual(['canceling', 'finalizing', '404']);
  });

  it('only before the switch: afterwards refused, or accepted without effect', async () => {
    const { path, to, workloadId } = api.pair();
    await start(path, to, { keepOldVersionMinutes: 60 });
    api.advance({ minutes: 5 });
    expect((await api.delete(`${path}/replacement`)).status).toBe(404);
    api.emulator.variants.cancelAfterSwitch = 'ignored';
    expect((await api.delete(`${path}/replacement`)).status).toBe(202);
    api.advance({ hours: 2 });
    expect(api.direct.workload(workloadId).artifactId).toBe(to);
  });

  it('where there is one, else 404', async () => {
    const { path } = api.pair();
    expect(await api.delete(`${path}/replacement`)).toMatchObject({
      status: 404,
      body: { detail: 'There is no active replacement for this workload.' },
    });
  });
});

describe('a candidate', () => {
  it('that crashes shows why, restarts more and more, and ends the replacement as errored for a while', async () => {
    const { path, from, to, workloadId } = api.pair('crash-loop');
    await start(path, to);
    const counts: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      api.advance({ seconds: 25 });
      const { id } = await candidateOf(path);
      const [replica] = (await details(path, id)).replicas;
      counts.push(replica.containers[0].restartCount);
    }
    expect(counts).toEqual([0, 2, 3, 4]);
    const candidate = await candidateOf(path);
    const report = await details(path, candidate.id);
    expect(report.overallStatus.state).toBe('launching');
    expect(report.replicas[0].containers[0]).toMatchObject({
      name: `lrs-${candidate.id}-model`,
      ready: false,
      status: 'waiting',
      reason: 'CrashLoopBackOff',
      lastState: { reason: 'Error', exitCode: 1 },
    });
    expect(report.replicas[0].conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      value: false,
      reason: 'ContainersNotReady',
      message: `containers with unready status: [lrs-${candidate.id}-model]`,
    });
    expect(report.logTail.at(-1)).toContain('cannot load model');
    api.advance({ minutes: 1 });
    expect((await candidateOf(path)).status).toBe('errored');
    expect((await api.get(`${path}/replacement`)).body).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('CrashLoopBackOff'),
    });
    expect(api.direct.workload(workloadId)).toMatchObject({
      status: 'running',
      artifactId: from,
      replacement: { status: 'errored' },
    });
    const [event] = (await api.get(`${path}/events`)).body.data;
    expect(event).toMatchObject({ eventType: 'Replacement Errored', details: { artifactId: to } });
    const rfc3339 = expect.stringMatching(/^2026-09-30T18:\d\d:\d\dZ$/);
    expect(event.details.protonStatuses[candidate.id]?.replicas[0].containers[0]).toMatchObject({
      reason: 'CrashLoopBackOff',
      lastState: { reason: 'Error', startedAt: rfc3339, finishedAt: rfc3339 },
    });
    expect((await api.delete(`${path}/replacement`)).status).toBe(404);
    api.advance({ minutes: 5 });
    expect((await api.get(`${path}/replacement`)).status).toBe(404);
    expect(await protons(path)).toHaveLength(1);
  });

  it('whose image is missing waits with ImagePullBackOff and no log', async () => {
    const { path, to } = api.pair('image-pull-failure');
    await start(path, to);
    api.advance({ seconds: 30 });
    const report = await details(path, (await candidateOf(path)).id);
    expect(report.replicas[0].containers[0]).toMatchObject({ reason: 'ImagePullBackOff', restartCount: 0 });
    expect(report.logTail).toEqual([]);
    api.emulator.variants.replacementFailure = 'failed';
    api.advance({ minutes: 3 });
    expect((await api.get(`${path}/replacement`)).body.status).toBe('failed');
  });

  it('that is never ready stays launching until the rolling window is over', async () => {
    const { path, from, to, workloadId } = api.pair('never-ready');
    await start(path, to);
    api.advance({ minutes: 29 });
    const report = await details(path, (await candidateOf(path)).id);
    expect(report.overallStatus.state).toBe('launching');
    expect(report.replicas[0].containers[0]).toMatchObject({ status: 'running', ready: false });
    expect((await api.get(`${path}/replacement`)).body.status).toBe('initializing');
    api.advance({ minutes: 2 });
    expect((await api.get(`${path}/replacement`)).body.status).toBe('errored');
    expect(api.direct.workload(workloadId).artifactId).toBe(from);
  });

  it('that is slow succeeds late', async () => {
    const { path, to, workloadId } = api.pair('slow');
    await start(path, to);
    api.advance({ minutes: 6 });
    expect((await candidateOf(path)).status).toBe('launching');
    api.advance({ minutes: 3 });
    expect(api.direct.workload(workloadId).artifactId).toBe(to);
  });

  it('that is dropped silently leaves nothing: no record, no event, no proton', async () => {
    const { path, from, to, workloadId } = api.pair('silently-dropped');
    await start(path, to);
    api.advance({ seconds: 30 });
    expect((await api.get(`${path}/replacement`)).status).toBe(200);
    api.advance({ seconds: 60 });
    expect((await api.get(`${path}/replacement`)).status).toBe(404);
    expect(api.direct.workload(workloadId)).toMatchObject({ artifactId: from, replacement: null });
    expect(await protons(path)).toHaveLength(1);
    expect((await api.get(`${path}/events`)).body.data).toEqual([]);
  });

  it('that is bad after the switch answers well before it, and with errors that are counted after it', async () => {
    const { path, to, workloadId } = api.pair('bad-after-switch');
    const { endpoint } = api.direct.workload(workloadId);
    await start(path, to);
    api.advance({ seconds: 60 });
    const candidate = (await candidateOf(path)).id;
    expect((await api.get(`${endpoint}?protonId=${candidate}`)).body).toMatchObject({ modelVersion: '2' });
    api.advance({ minutes: 3 });
    expect((await api.get(endpoint)).status).toBe(500);
    api.advance({ seconds: 5 });
    expect(api.direct.workload(workloadId)).toMatchObject({ status: 'running', artifactId: to });
    expect((await api.get(`${path}/stats`)).body.metrics).toMatchObject({
      totalRequests: 2,
      serverErrors: 1,
    });
  });

  it('follows the script for its artifact, its name or its image, which a script by id overrides', async () => {
    const { path, to, workloadId } = api.pair('crash-loop');
    api.direct.script(to, 'healthy');
    await start(path, to);
    api.advance({ minutes: 20 });
    expect(api.direct.workload(workloadId).artifactId).toBe(to);
    const named = api.direct.createArtifact({ name: 'breaks', locked: true });
    const imaged = api.direct.createArtifact({ image: 'x/y:1', locked: true });
    api.direct.script('breaks', 'silently-dropped');
    api.direct.script('x/y:1', 'silently-dropped');
    for (const { id } of [named, imaged]) {
      await start(path, id);
      api.advance({ minutes: 20 });
      expect(api.direct.workload(workloadId).artifactId).toBe(to);
    }
  });

  it('has status details only from the monitor’s first report on, in either dialect of conditions', async () => {
    const { path, to } = api.pair();
    await start(path, to);
    api.advance({ seconds: 5 });
    const { id } = await candidateOf(path);
    const early = await api.get(`${path}/protons/${id}/statusDetails`);
    expect([early.status, early.body]).toEqual([204, '']);
    api.advance({ seconds: 40 });
    const ready = async () =>
      (await details(path, id)).replicas[0].conditions.find(({ type }) => type === 'Ready');
    const met = { type: 'Ready', value: true, lastTransitionTime: '2026-09-30T18:00:27Z' };
    expect(await ready()).toEqual({ ...met, reason: '', message: '' });
    const [container] = (await details(path, id)).replicas[0].containers;
    expect(container).toMatchObject({ reason: '', message: '', lastState: null });
    api.emulator.variants.absentTexts = 'null';
    expect(await ready()).toEqual({ ...met, reason: null, message: null });
    expect((await details(path, id)).replicas[0].containers[0]).toMatchObject({
      reason: null,
      message: null,
    });
    api.emulator.variants.conditions = 'openapi';
    expect(await ready()).toEqual({ type: 'Ready', met: true, since: '2026-09-30T18:00:27Z' });
  });

  it('or a Workload that was there from the start meets all conditions while it runs', async () => {
    const { path, workloadId } = api.pair();
    const { protonId } = api.direct.workload(workloadId);
    const { conditions } = (await details(path, protonId ?? '')).replicas[0];
    expect(conditions.map(({ value }) => value)).toEqual([true, true, true, true, true]);
  });

  it('keeps one replica that has succeeded when it has stopped', async () => {
    const { path, workloadId } = api.pair();
    const protonId = api.direct.workload(workloadId).protonId ?? '';
    await api.post(`${path}/stop`);
    api.advance({ seconds: 20 });
    const { overallStatus, replicas } = await details(path, protonId);
    expect(overallStatus.state).toBe('stopped');
    expect(replicas).toMatchObject([
      { status: 'succeeded', containers: [{ status: 'terminated', ready: false }] },
    ]);
    const unmet = replicas[0].conditions.filter(({ value }) => !value);
    expect(unmet.map(({ type, reason }) => [type, reason])).toEqual([
      ['PodReadyToStartContainers', ''],
      ['ContainersReady', 'PodCompleted'],
      ['Ready', 'PodCompleted'],
    ]);
    const initialized = replicas[0].conditions.find(({ type }) => type === 'Initialized');
    expect(initialized).toMatchObject({ value: true, reason: 'PodCompleted', message: '' });
  });

  it('has an endpoint of its own, with or without the slash as the variant says', async () => {
    const { path, workloadId } = api.pair();
    const { endpoint, protonId } = api.direct.workload(workloadId);
    const own = async () => (await api.get(`${path}/protons/${protonId}`)).body.endpoint;
    for (const [variant, before] of [
      ['bare', endpoint.replace(/\/$/, '')],
      ['slash', endpoint],
    ] as const) {
      api.emulator.variants.protonEndpoint = variant;
      expect(await own()).toBe(`${before}?protonId=${protonId}`);
      expect((await api.get(await own())).body).toMatchObject({ protonId });
    }
  });

  it('is written with its images, and with its log or without links as the variants say', async () => {
    const { path, workloadId } = api.pair();
    api.advance({ minutes: 1 });
    const { protonId } = api.direct.workload(workloadId);
    const plain = (await api.get(`${path}/protons/${protonId}/`)).body;
    expect(plain).toMatchObject({
      name: api.direct.workload(workloadId).artifact?.name,
      role: 'active',
      runningSince: '2026-09-30T18:00:00.000000+00:00',
      deployedImages: { model: 'registry.invalid/model:healthy' },
    });
    expect(plain).not.toHaveProperty('statusDetails');
    api.emulator.variants.protonDetails = 'embedded';
    api.emulator.variants.protonPageLinks = 'absent';
    const page = (await api.get(`${path}/protons`)).body;
    expect(page.data[0].statusDetails.logTail).toEqual(['Model loaded, serving']);
    expect(Object.keys(page).sort()).toEqual(['count', 'data', 'totalCount']);
    expect((await api.get(`${path}/protons/0123456789abcdef01234567`)).status).toBe(404);
  });
});

describe('settings', () => {
  it('roll the same artifact onto another runtime, even an unchanged one', async () => {
    const { path, from, workloadId } = api.pair();
    const before = api.direct.workload(workloadId);
    const { body } = await api.get(`${path}/settings/`);
    expect(body.replacement).toBeNull();
    const answer = await api.patch(`${path}/settings/`, { runtime: body.runtime });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      candidateArtifactId: from,
      config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 },
    });
    api.emulator.variants.settingsCandidate = 'absent';
    expect((await api.get(`${path}/replacement`)).body.candidateArtifactId).toBeNull();
    api.advance({ minutes: 20 });
    const after = api.direct.workload(workloadId);
    expect(after.artifactId).toBe(from);
    expect(after.protonId).not.toBe(before.protonId);
    expect((await api.patch(`${path}/settings`, { runtime: body.runtime, config: {} })).status).toBe(422);
  });

  it('start a stopped Workload', async () => {
    const { path } = api.pair();
    await api.post(`${path}/stop`);
    api.advance({ minutes: 1 });
    expect((await api.patch(`${path}/settings`, { runtime: runtime() })).status).toBe(202);
    api.advance({ seconds: 10 });
    expect((await api.get(path)).body.status).toBe('launching');
    api.advance({ minutes: 5 });
    const { body } = await api.get(path);
    expect(body.status).toBe('running');
    expect((await api.get(body.endpoint)).status).toBe(200);
  });

  it('without any resources are accepted and then fail', async () => {
    const { path } = api.pair();
    const bare = { containerGroups: [{ name: 'default', replicaCount: 1 }] };
    expect((await api.patch(`${path}/settings`, { runtime: bare })).status).toBe(202);
    api.advance({ seconds: 10 });
    expect((await api.get(`${path}/replacement`)).body).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('At least one resource signal is required'),
    });
    expect((await api.get(`${path}/events`)).body.data).toMatchObject([
      { eventType: 'Replacement Errored', details: { protonStatuses: null } },
    ]);
  });

  it('without resources for one container end without a candidate', async () => {
    const { path, to } = api.pair();
    const containers = [{ name: 'model' }, { name: 'model', resourceAllocation: { cpu: 1 } }];
    await api.post(`${path}/replacement`, { ...rolling(to), runtime: runtime({ containers }) });
    api.advance({ seconds: 10 });
    expect((await api.get(`${path}/replacement`)).status).toBe(404);
    expect(await protons(path)).toHaveLength(1);
  });
});

describe('a draft changed by PATCH', () => {
  it('changes what is served only after a restart or a replacement with itself', async () => {
    const artifact = api.direct.createArtifact({ env: { MODEL_VERSION: '1' } });
    const { id, endpoint } = api.direct.createWorkload({ artifactId: artifact.id });
    const path = `workloads/${id}`;
    const served = async () => (await api.get(endpoint)).body.modelVersion;
    const [container] = artifact.spec.containerGroups[0]?.containers ?? [];
    const environmentVars = [{ name: 'MODEL_VERSION', value: '2' }];
    const change = {
      spec: { containerGroups: [{ name: 'default', containers: [{ ...container, environmentVars }] }] },
    };
    expect((await api.patch(`artifacts/${artifact.id}`, change)).status).toBe(200);
    expect(await served()).toBe('1');
    await start(path, artifact.id);
    api.advance({ minutes: 4 });
    expect(await served()).toBe('2');
  });
});

describe('deleting or stopping a Workload in the middle of a replacement', () => {
  it('ends it, after the switch as completed', async () => {
    const { path, to } = api.pair();
    await start(path, to, { keepOldVersionMinutes: 60 });
    api.advance({ minutes: 5 });
    expect((await api.post(`${path}/stop`)).status).toBe(202);
    expect((await api.get(`${path}/replacement`)).status).toBe(404);
    expect((await api.get(`${path}/history`)).body.data).toMatchObject([{ status: 'completed' }]);
    api.advance({ hours: 2 });
    expect((await api.get(path)).body).toMatchObject({ status: 'stopped', artifactId: to });
    expect((await api.delete(path)).status).toBe(204);
    api.advance({ hours: 24 });
    expect(api.direct.snapshot().workloads).toEqual([]);
  });
});
