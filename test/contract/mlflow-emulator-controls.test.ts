import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { MlflowRest } from '../support/mlflow-rest.ts';

let emulator: MlflowEmulator;
let api: MlflowRest;
let time = 1_700_000_000_000;

beforeAll(async () => {
  emulator = await startMlflowEmulator({ clock: () => time++ });
  api = new MlflowRest(emulator);
});
afterEach(() => emulator.reset());
afterAll(() => emulator.close());

const TRANSITION = 'model-versions/transition-stage';
const toProduction = (version: string) =>
  api.post(TRANSITION, { name: 'm', version, stage: 'Production', archive_existing_versions: true });
const stages = () =>
  Object.entries(emulator.snapshot()['m']?.versions ?? {}).map(
    ([version, { stage }]) => `${version} ${stage}`,
  );

describe('the seeded registry', () => {
  it('holds what a real one cannot get over HTTP: a pending version, and two in Production', async () => {
    const { registry } = emulator;
    registry.createModel('m', { description: 'a model', tags: { team: 'x' } });
    registry.createVersion('m', { stage: 'Production', aliases: ['champion'] });
    registry.createVersion('m', { stage: 'Production', tags: { a: 'b' } });
    registry.createVersion('m', { status: 'PENDING_REGISTRATION' });
    const body = { name: 'm', version: '3' };
    expect((await api.get('model-versions/get', body)).body).toMatchObject({
      model_version: { status: 'PENDING_REGISTRATION' },
    });
    expect((await toProduction('3')).status).toBe(200);
    expect(emulator.snapshot()).toEqual({
      m: {
        tags: { team: 'x' },
        aliases: { champion: '1' },
        versions: {
          1: { stage: 'Archived', status: 'READY', runId: null, description: '', tags: {} },
          2: { stage: 'Archived', status: 'READY', runId: null, description: '', tags: { a: 'b' } },
          3: { stage: 'Production', status: 'PENDING_REGISTRATION', runId: null, description: '', tags: {} },
        },
      },
    });
    registry.setStage('m', '1', 'Production');
    expect(stages()).toEqual(['1 Production', '2 Archived', '3 Production']);
  });

  it('lets two transitions overlap that have both read before either has written', async () => {
    const { registry } = emulator;
    for (const stage of ['Production', 'Staging', 'Staging']) registry.createVersion('m', { stage });
    const write = registry.beginReading();
    expect((await toProduction('2')).status).toBe(200);
    write(() => registry.transition('m', '3', 'Production', { archive: true }));
    expect(stages()).toEqual(['1 Archived', '2 Production', '3 Production']);
    expect((await toProduction('1')).status).toBe(200);
    expect(stages()).toEqual(['1 Production', '2 Archived', '3 Archived']);
  });

  it('has runs with histories, data sets and files', async () => {
    const runId = emulator.registry.createRun({
      experiment: 'backtests',
      metrics: { profit: [1, 3, 2], broken: Number.NaN },
      params: { depth: '3' },
      datasets: [{ name: 'bars', digest: 'abc', context: 'evaluation' }],
      artifacts: { 'evaluation/predictions.csv': 'row\n1\n' },
    });
    const version = emulator.registry.createVersion('m', { runId, stage: 'Staging' });
    const { body } = await api.get('runs/get', { run_id: runId });
    expect(body).toMatchObject({
      run: {
        info: { status: 'FINISHED', end_time: expect.any(Number) },
        data: {
          metrics: [
            { key: 'profit', value: 2, step: 2 },
            { key: 'broken', value: 'NaN' },
          ],
        },
        inputs: {
          dataset_inputs: [
            { dataset: { digest: 'abc' }, tags: [{ key: 'mlflow.data.context', value: 'evaluation' }] },
          ],
        },
      },
    });
    const file = await api.get('/get-artifact', { run_id: runId, path: 'evaluation/predictions.csv' });
    expect(file.text).toBe('row\n1\n');
    const { body: found } = await api.get('model-versions/get', { name: 'm', version });
    expect(found).toMatchObject({ model_version: { run_id: runId, current_stage: 'Staging' } });
  });
});

describe('faults', () => {
  const seed = () => {
    for (const stage of ['Production', 'Staging']) emulator.registry.createVersion('m', { stage });
  };

  it('answer instead of MLflow, as often as wanted, and for every path by a star', async () => {
    seed();
    const body = '<html>login</html>';
    const answer = {
      kind: 'answer',
      status: 502,
      body,
      contentType: 'text/html',
      headers: { 'retry-after': '1' },
    } as const;
    emulator.faults.add({ path: TRANSITION, times: 1, effect: answer });
    const reply = await toProduction('2');
    expect(reply).toMatchObject({ status: 502, text: body, contentType: 'text/html' });
    expect(stages()).toEqual(['1 Production', '2 Staging']);
    expect((await toProduction('2')).status).toBe(200);
    emulator.faults.add({ path: '*', effect: answer });
    expect((await api.get('/version')).status).toBe(502);
    expect((await api.get('/no/such/path')).status).toBe(502);
  });

  it('close the connection before or after the change', async () => {
    seed();
    emulator.faults.add({
      method: 'POST',
      path: TRANSITION,
      times: 1,
      effect: { kind: 'drop', when: 'before' },
    });
    await expect(toProduction('2')).rejects.toThrow();
    expect(stages()).toEqual(['1 Production', '2 Staging']);
    emulator.faults.add({ path: 'model-versions/*', times: 1, effect: { kind: 'drop', when: 'after' } });
    await expect(toProduction('2')).rejects.toThrow();
    expect(stages()).toEqual(['1 Archived', '2 Production']);
    expect(emulator.requests.map(({ status }) => status)).toEqual([null, null]);
  });

  it('replace the response to a request that was executed', async () => {
    seed();
    const answer = {
      kind: 'answer',
      when: 'after',
      status: 200,
      body: '<html>',
      contentType: 'text/html',
    } as const;
    emulator.faults.add({ path: TRANSITION, times: 1, effect: answer });
    expect(await toProduction('2')).toMatchObject({ status: 200, text: '<html>', contentType: 'text/html' });
    expect(stages()).toEqual(['1 Archived', '2 Production']);
  });

  it('let somebody else act before the answer, and hold a request back', async () => {
    seed();
    const { registry } = emulator;
    const run = () => registry.transition('m', '1', 'Production', { archive: true });
    emulator.faults.add({ path: TRANSITION, times: 1, effect: { kind: 'then', run } });
    expect((await toProduction('2')).body).toMatchObject({ model_version: { current_stage: 'Production' } });
    expect(stages()).toEqual(['1 Production', '2 Archived']);
    const { promise, resolve } = Promise.withResolvers<void>();
    emulator.faults.add({ path: TRANSITION, times: 1, effect: { kind: 'hold', until: promise } });
    const held = toProduction('2');
    await api.get('/health');
    expect(stages()).toEqual(['1 Production', '2 Archived']);
    resolve();
    expect((await held).status).toBe(200);
    expect(stages()).toEqual(['1 Archived', '2 Production']);
  });
});

describe('requests', () => {
  it('are written down without the prefix, with their body or query', async () => {
    await api.get('registered-models/get', { name: 'é' });
    await api.post('registered-models/create', { name: 'm' });
    await api.get('/ajax-api/2.0/mlflow/runs/get', { run_id: 'x' });
    await api.get('/health');
    expect(emulator.requests).toEqual([
      { method: 'GET', path: 'registered-models/get', body: { name: 'é' }, status: 404 },
      { method: 'POST', path: 'registered-models/create', body: { name: 'm' }, status: 200 },
      { method: 'GET', path: 'runs/get', body: { run_id: 'x' }, status: 404 },
      { method: 'GET', path: 'health', body: {}, status: 200 },
    ]);
  });

  it.each([
    ['POST', 'experiments/delete', 'experiments/delete'],
    ['POST', 'webhooks', 'webhooks'],
    ['GET', '/api/3.0/mlflow/traces/get', '3.0/traces/get'],
    ['POST', '/ajax-api/3.0/mlflow/datasets/search', '3.0/datasets/search'],
  ])(
    'for what MLflow has and the emulator has not, %s %s, are answered 501 with the name',
    async (method, path, shown) => {
      const { status, body } = await api.send(method, path, method === 'POST' ? { body: '{}' } : {});
      expect(status).toBe(501);
      expect(body).toMatchObject({
        error_code: 'NOT_IMPLEMENTED',
        message: `The MLflow emulator does not implement ${method} ${shown}`,
      });
    },
  );

  it('with odd paths are not found', async () => {
    for (const path of ['/', '//', '/api/2.0/mlflow/', '/registered-models/get', '/%E0%A4%A']) {
      expect([400, 404], path).toContain((await api.get(path)).status);
    }
  });
});

describe('credentials', () => {
  it.each([
    [
      'name and password',
      { username: 'ann', password: 'sécret:1' },
      `Basic ${Buffer.from('ann:sécret:1').toString('base64')}`,
    ],
    ['token', { token: 'abc' }, 'Bearer abc'],
  ])('may be asked for: %s', async (_, auth, authorization) => {
    const guarded = await startMlflowEmulator({ auth });
    try {
      const refused = await new MlflowRest(guarded).get('registered-models/search');
      expect(refused).toMatchObject({ status: 401, contentType: 'text/html; charset=utf-8' });
      expect((await new MlflowRest(guarded).get('/health')).status).toBe(200);
      const target = { url: guarded.url, authorization };
      expect((await new MlflowRest(target).get('registered-models/search')).status).toBe(200);
    } finally {
      await guarded.close();
    }
  });
});
