import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { variantValues } from '../../emulators/workload/world/settings.ts';
import { rolling, startWorkloadRest, type WorkloadRest } from '../support/workload-rest.ts';

let mlflow: MlflowEmulator;
let api: WorkloadRest;
beforeEach(async () => {
  mlflow = await startMlflowEmulator();
  api = await startWorkloadRest();
});
afterEach(() => Promise.all([mlflow.close(), api.emulator.close()]));

/** As any client sends it: without a token. */
const send = (url: string, method = 'GET', body?: unknown) =>
  fetch(url, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
const control = (name: string) => new URL(`/emulator/${name}`, api.emulator.url).href;

describe.each([
  ['MLflow', () => ({ url: mlflow.url, path: 'health', call: () => send(`${mlflow.url}/health`) })],
  [
    'the Workload API',
    () => ({
      url: new URL(api.emulator.url).origin,
      path: 'workloads',
      call: () =>
        fetch(`${api.emulator.url}/workloads`, {
          headers: { authorization: `Bearer ${api.emulator.token}` },
        }),
    }),
  ],
])('faults of the emulator of %s', (_, target) => {
  it('are added, read and removed from outside', async () => {
    const { url, path, call } = target();
    const faults = `${url}/emulator/faults`;
    const effect = { kind: 'answer', status: 503, body: 'busy', headers: { 'retry-after': '1' } };
    expect((await send(faults, 'POST', { method: 'GET', path, times: 2, effect })).status).toBe(204);
    const answer = await call();
    expect([answer.status, await answer.text(), answer.headers.get('retry-after')]).toEqual([
      503,
      'busy',
      '1',
    ]);
    expect(await (await send(faults)).json()).toEqual({
      faults: [{ method: 'GET', path, times: 2, left: 1, effect }],
    });
    expect((await send(faults, 'DELETE')).status).toBe(204);
    expect((await call()).status).toBe(200);
  });

  it('lose an answer', async () => {
    const { url, path, call } = target();
    const lost = { path, times: 1, effect: { kind: 'drop', when: 'after' } };
    expect((await send(`${url}/emulator/faults`, 'POST', lost)).status).toBe(204);
    await expect(call()).rejects.toThrow();
    expect((await call()).status).toBe(200);
  });

  it.each([
    ['no JSON', '{"path":'],
    ['no path', { effect: { kind: 'drop', when: 'after' } }],
    ['an effect that only the process itself can have', { path: 'x', effect: { kind: 'hold' } }],
    ['an unknown field', { path: 'x', count: 1, effect: { kind: 'delay', ms: 1 } }],
  ])('are refused with %s', async (_, body) => {
    const { url } = target();
    const refused = await send(`${url}/emulator/faults`, 'POST', body);
    expect(refused.status).toBe(422);
    expect(await refused.json()).toEqual({ message: expect.any(String) });
    expect(await (await send(`${url}/emulator/faults`)).json()).toEqual({ faults: [] });
  });
});

describe('the emulator of the Workload API', () => {
  it('has a candidate follow the script that was set from outside', async () => {
    const { path, to } = api.pair();
    const script = { artifact: to, script: 'crash-loop' };
    expect((await send(control('scripts'), 'PUT', script)).status).toBe(204);
    await api.post(`${path}/replacement`, rolling(to));
    api.advance({ minutes: 3 });
    expect((await api.get(`${path}/replacement`)).body.status).toBe('errored');
  });

  it('takes its variants and timings from outside', async () => {
    const changed = await send(control('variants'), 'PATCH', { cloneStatus: 201, relock: 409 });
    expect(await changed.json()).toEqual({ ...api.emulator.variants, cloneStatus: 201, relock: 409 });
    await send(control('timings'), 'PATCH', { recordHiddenMs: 1000 });
    expect(api.emulator.timings.recordHiddenMs).toBe(1000);
  });

  it.each([
    ['PUT', 'scripts', { artifact: 'a', script: 'explode' }],
    ['PATCH', 'variants', { relock: 418 }],
    ['PATCH', 'variants', { unknown: 1 }],
    ['PATCH', 'timings', { readyMs: -1 }],
  ])('refuses %s of %s %j', async (method, name, body) => {
    const before = structuredClone([api.emulator.variants, api.emulator.timings]);
    expect((await send(control(name), method, body)).status).toBe(422);
    expect([api.emulator.variants, api.emulator.timings]).toEqual(before);
  });

  it.each(Object.entries(variantValues).flatMap(([name, values]) => values.map((value) => [name, value])))(
    'takes the variant %s %s',
    async (name, value) => {
      const changed = await send(control('variants'), 'PATCH', { [String(name)]: value });
      expect(await changed.json()).toMatchObject({ [String(name)]: value });
    },
  );
});
