import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bearer } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { workloadApi } from '../../lambdas/adapters/workload-api/client.ts';
import * as recorded from '../fixtures/workload-answers.ts';
import { cannedServer } from '../support/canned-server.ts';
import { IMPATIENT } from '../support/clients.ts';
import { rolling, startWorkloadRest, type WorkloadRest } from '../support/workload-rest.ts';

let api: WorkloadRest;
beforeEach(async () => {
  api = await startWorkloadRest();
});
afterEach(() => api.emulator.close());

/** Every value's place and kind, as `data[].details.message string`. */
function shapeOf(value: unknown, path = ''): string[] {
  if (value === null) return [`${path} null`];
  if (Array.isArray(value)) return value.flatMap((each) => shapeOf(each, `${path}[]`));
  if (typeof value === 'object')
    return Object.entries(value).flatMap(([name, each]) => shapeOf(each, `${path}.${name}`));
  return [`${path} ${typeof value}`];
}

/** What the platform answers and the emulator does not; null on either side stands for any kind. */
function missing(from: unknown, emulated: unknown): string[] {
  const shown = shapeOf(emulated);
  return shapeOf(from).filter((each) => {
    const [path = '', kind] = each.split(' ');
    const isPlace = (other: string) => other.startsWith(path) && /^[ .[]/.test(other.slice(path.length));
    return kind === 'null' ? !shown.some(isPlace) : !shown.includes(each) && !shown.includes(`${path} null`);
  });
}

const candidateOf = async (path: string) => {
  const { data } = (await api.get(`${path}/protons`)).body;
  const candidate = data.find(({ role }) => role === 'candidate');
  if (candidate === undefined) throw new Error('No candidate');
  return candidate.id;
};

describe('the emulator has every field of a recorded answer', () => {
  it('about a container that crashes', async () => {
    const { path, to } = api.pair('crash-loop');
    await api.post(`${path}/replacement`, rolling(to));
    api.advance({ seconds: 60 });
    const id = await candidateOf(path);
    const { body } = await api.get(`${path}/protons/${id}/statusDetails`);
    expect(missing(recorded.crashLoop, body)).toEqual([]);
  });

  it('about a proton that was stopped, and about protons', async () => {
    const { path, workloadId } = api.pair();
    const { protonId } = api.direct.workload(workloadId);
    const images = (document: unknown) =>
      JSON.parse(JSON.stringify(document).replaceAll('"primary"', '"model"'));
    expect(missing(images(recorded.protons), (await api.get(`${path}/protons`)).body)).toEqual([]);
    await api.post(`${path}/stop`);
    api.advance({ seconds: 30 });
    const { body } = await api.get(`${path}/protons/${protonId}/statusDetails`);
    expect(missing(recorded.stopped, body)).toEqual([]);
  });

  it('about events and settings', async () => {
    const { path, to } = api.pair();
    await api.post(`${path}/replacement`, rolling(to));
    api.advance({ minutes: 5 });
    expect(missing(recorded.events, (await api.get(`${path}/events`)).body)).toEqual([]);
    expect(missing(recorded.fixed, (await api.get(`${path}/settings`)).body)).toEqual([]);
  });

  it.each([
    ['autoscaled', recorded.autoscaled],
    ['fixed', recorded.fixed],
  ])('and takes a recorded runtime, %s, to answer the same', async (_, { runtime }) => {
    const { path } = api.pair();
    expect((await api.patch(`${path}/settings`, { runtime })).status).toBe(202);
    api.advance({ minutes: 5 });
    expect((await api.get(`${path}/settings`)).body).toMatchObject({ runtime });
  });
});

describe('a recorded answer', () => {
  const read = async (body: object) => {
    const server = await cannedServer((_, response) => response.end(JSON.stringify(body)));
    const http = httpClient(IMPATIENT, { pause: async () => {} });
    const endpoint = `${server.url}/api/v2`;
    return { server, workloads: workloadApi({ endpoint, authorization: bearer('recorded-token'), http }) };
  };

  it.each([
    [
      'that crashes',
      recorded.crashLoop,
      {
        state: 'errored',
        replicas: [
          {
            status: 'running',
            unmet: [{ reason: 'ContainersNotReady' }, { reason: 'ContainersNotReady' }],
            containers: [{ restarts: 3, reason: 'CrashLoopBackOff, Completed', exitCode: 0 }],
          },
        ],
      },
    ],
    [
      'that was stopped',
      recorded.stopped,
      {
        state: 'stopped',
        replicas: [
          {
            unmet: [
              { reason: 'PodCompleted', message: null },
              { reason: 'PodCompleted', message: null },
            ],
            containers: [{ status: 'terminated', reason: 'Completed', message: null }],
          },
        ],
      },
    ],
  ])('about a container %s says why', async (_, body, expected) => {
    const { server, workloads } = await read(body);
    expect(await workloads.statusDetails('w1', 'p1')).toMatchObject(expected);
    server.close();
  });

  it('about protons and events is read whole', async () => {
    const first = await read(recorded.protons);
    expect(await first.workloads.protons('w1')).toMatchObject([{ role: 'active', status: 'errored' }]);
    first.server.close();
    const second = await read(recorded.events);
    expect(await second.workloads.events('w1', 10)).toMatchObject([
      { eventType: 'Replacement Completed', protons: {} },
      { eventType: 'Replacement Errored', message: 'ResourceBundleInferenceError', protons: {} },
    ]);
    second.server.close();
  });
});
