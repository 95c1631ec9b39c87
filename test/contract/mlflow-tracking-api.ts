import { beforeAll, describe, expect, it } from 'vitest';
import {
  capabilitiesOf,
  type MlflowReply,
  MlflowRest,
  type MlflowTarget,
  unique,
} from '../support/mlflow-rest.ts';

/** What a promotion reads of runs: metrics, data sets, files; from every MLflow server, real or emulated. */
export function mlflowTrackingContract(name: string, getTarget: () => MlflowTarget): void {
  let api: MlflowRest;
  let can: ReturnType<typeof capabilitiesOf>;
  let experiment: string;

  const ok = async (reply: Promise<MlflowReply>) => {
    const { status, body, text } = await reply;
    expect(status, text).toBe(200);
    return body;
  };
  const refused = async (reply: Promise<MlflowReply>, status: number, code: string) => {
    const { body, ...rest } = await reply;
    expect({ status: rest.status, code: body['error_code'] }, rest.text).toEqual({ status, code });
  };

  beforeAll(async () => {
    api = new MlflowRest(getTarget());
    can = capabilitiesOf((await api.get('/version')).text.trim());
    const created = await ok(api.post('experiments/create', { name: unique('experiment') }));
    experiment = String(created['experiment_id']);
  });

  const createRun = async () => {
    const start = { experiment_id: experiment, start_time: 1_700_000_000_000, run_name: 'evaluation' };
    const { run } = await ok(api.post('runs/create', start));
    return String((run as { info: { run_id: string } }).info.run_id);
  };
  const runOf = async (id: string) =>
    (await ok(api.get('runs/get', { run_id: id })))['run'] as Record<string, Record<string, unknown>>;
  const log = (run: string, value: unknown, more: object = {}) =>
    ok(api.post('runs/log-metric', { run_id: run, key: 'score', value, timestamp: 10, step: 0, ...more }));

  describe(`${name}: experiments`, () => {
    it('are made once, and read by number and by name', async () => {
      const title = unique('experiment');
      const { experiment_id: id } = await ok(api.post('experiments/create', { name: title }));
      const expected = { experiment: { experiment_id: id, name: title, lifecycle_stage: 'active' } };
      expect(await ok(api.get('experiments/get', { experiment_id: String(id) }))).toMatchObject(expected);
      expect(await ok(api.get('experiments/get-by-name', { experiment_name: title }))).toMatchObject(
        expected,
      );
      await refused(api.post('experiments/create', { name: title }), 400, 'RESOURCE_ALREADY_EXISTS');
      await refused(
        api.get('experiments/get-by-name', { experiment_name: 'nope' }),
        404,
        'RESOURCE_DOES_NOT_EXIST',
      );
      const found = await ok(
        api.post('experiments/search', { max_results: 10, filter: `name = '${title}'` }),
      );
      expect(found).toMatchObject({ experiments: [{ name: title }] });
    });
  });

  describe(`${name}: runs`, () => {
    it('start empty, are running, and end', async () => {
      const id = await createRun();
      const run = await runOf(id);
      expect(run['info']).toMatchObject({
        run_id: id,
        run_uuid: id,
        experiment_id: experiment,
        run_name: 'evaluation',
        status: 'RUNNING',
        lifecycle_stage: 'active',
        artifact_uri: `mlflow-artifacts:/${experiment}/${id}/artifacts`,
      });
      expect(run['info']).not.toHaveProperty('end_time');
      expect(run['data']).not.toHaveProperty('metrics');
      expect(run['inputs']).toEqual({});
      await ok(api.post('runs/update', { run_id: id, status: 'FINISHED', end_time: 1_700_000_001_000 }));
      expect((await runOf(id))['info']).toMatchObject({ status: 'FINISHED', end_time: 1_700_000_001_000 });
    });

    it('that do not exist are not found', async () => {
      await refused(api.get('runs/get', { run_id: 'nope' }), 404, 'RESOURCE_DOES_NOT_EXIST');
    });

    it('keep the value of the highest step, with NaN as a word and infinity as the largest number', async () => {
      const id = await createRun();
      await log(id, 1.5, { step: 1 });
      await log(id, 'NaN', { step: 2, timestamp: 20 });
      await log(id, 3, { step: 0, timestamp: 30 });
      await log(id, 'Infinity', { key: 'large' });
      const { metrics } = (await runOf(id))['data'] as { metrics: object[] };
      expect(metrics).toContainEqual({ key: 'score', value: 'NaN', timestamp: 20, step: 2 });
      expect(metrics).toContainEqual({ key: 'large', value: Number.MAX_VALUE, timestamp: 10, step: 0 });
    });

    it('do not keep with a metric which data it was measured on', async () => {
      const id = await createRun();
      await log(id, 1, { dataset_name: 'holdout', dataset_digest: 'abc' });
      const { metrics } = (await runOf(id))['data'] as { metrics: object[] };
      expect(metrics).toEqual([{ key: 'score', value: 1, timestamp: 10, step: 0 }]);
    });

    it('keep the data sets they used', async () => {
      const id = await createRun();
      const dataset = {
        name: 'holdout',
        digest: '5f1c',
        source_type: 'local',
        source: '{"uri":"x"}',
        schema: '{"a":1}',
        profile: '{"rows":2}',
      };
      const tags = [{ key: 'mlflow.data.context', value: 'evaluation' }];
      const inputs = { run_id: id, datasets: [{ tags, dataset }] };
      await ok(api.post('runs/log-inputs', inputs));
      await ok(api.post('runs/log-inputs', inputs));
      expect((await runOf(id))['inputs']).toEqual({ dataset_inputs: [{ tags, dataset }] });
    });

    it('take a batch of metrics, parameters and tags', async () => {
      const id = await createRun();
      const batch = {
        run_id: id,
        metrics: [{ key: 'a', value: 1, timestamp: 5, step: 0 }],
        params: [{ key: 'depth', value: '3' }],
        tags: [{ key: 'kind', value: 'tree' }],
      };
      await ok(api.post('runs/log-batch', batch));
      const { data } = await runOf(id);
      expect(data).toMatchObject({ metrics: batch.metrics, params: batch.params });
      expect(data?.['tags']).toContainEqual({ key: 'kind', value: 'tree' });
    });

    it('keep a parameter as it was first logged, and check what they are given', async () => {
      const id = await createRun();
      const param = { run_id: id, key: 'depth', value: '3' };
      await ok(api.post('runs/log-parameter', param));
      await ok(api.post('runs/log-parameter', param));
      const code = 'INVALID_PARAMETER_VALUE';
      await refused(api.post('runs/log-parameter', { ...param, value: '4' }), 400, code);
      await refused(
        api.post('runs/log-metric', { run_id: id, key: 'x', value: 'y', timestamp: 1 }),
        400,
        code,
      );
      await refused(api.post('runs/log-metric', { run_id: id, key: 'x', timestamp: 1 }), 400, code);
      await refused(
        api.post('runs/log-metric', { run_id: id, key: 'a@b', value: 1, timestamp: 1 }),
        400,
        code,
      );
      await refused(
        api.post('runs/log-batch', { run_id: id, metrics: [{ key: 'x', timestamp: 1 }] }),
        400,
        code,
      );
    });

    it('lose a tag once', async () => {
      const id = await createRun();
      await ok(api.post('runs/set-tag', { run_id: id, key: 'a', value: 'b' }));
      await ok(api.post('runs/delete-tag', { run_id: id, key: 'a' }));
      await refused(api.post('runs/delete-tag', { run_id: id, key: 'a' }), 404, 'RESOURCE_DOES_NOT_EXIST');
    });

    it('are found by metric, parameter, tag and attribute', async () => {
      const id = await createRun();
      await ok(api.post('runs/log-parameter', { run_id: id, key: 'mark', value: id }));
      await log(id, 0.75);
      const search = async (filter: string) => {
        const body = await ok(api.post('runs/search', { experiment_ids: [experiment], filter }));
        return ((body['runs'] ?? []) as { info: { run_id: string } }[]).map(({ info }) => info.run_id);
      };
      expect(await search(`metrics.score > 0.7 and params.mark = '${id}'`)).toEqual([id]);
      expect(await search(`metrics.score > 0.8 and params.mark = '${id}'`)).toEqual([]);
      expect(await search(`attributes.run_id = '${id}'`)).toEqual([id]);
      expect(
        await search(`tags.\`mlflow.runName\` = 'evaluation' and params.mark LIKE '${id.slice(0, 20)}%'`),
      ).toEqual([id]);
      const code = 'INVALID_PARAMETER_VALUE';
      await refused(api.post('runs/search', { experiment_ids: [experiment], filter: 'a or b' }), 400, code);
      await refused(
        api.post('runs/search', { experiment_ids: [experiment], max_results: 50_001 }),
        400,
        code,
      );
    });
  });

  describe(`${name}: the history of a metric`, () => {
    const history = (run: string, more: Record<string, string> = {}) =>
      api.get('metrics/get-history', { run_id: run, metric_key: 'score', ...more });

    it('is complete, page by page where the server has pages', async () => {
      const id = await createRun();
      for (const step of [0, 1, 2]) await log(id, step / 2, { step, timestamp: 100 + step });
      const first = await ok(history(id, { max_results: '2' }));
      const points = [...(first['metrics'] as { value: number }[])];
      if (can.pagesHistory) {
        expect(points).toHaveLength(2);
        const rest = await ok(
          history(id, { max_results: '2', page_token: String(first['next_page_token']) }),
        );
        expect(rest).not.toHaveProperty('next_page_token');
        points.push(...(rest['metrics'] as { value: number }[]));
      }
      expect(points.map(({ value }) => value)).toEqual([0, 0.5, 1]);
    });

    it('without a page size is whole, or in some versions empty with a token that leads nowhere', async () => {
      const id = await createRun();
      await log(id, 1);
      const body = await ok(history(id));
      if (can.historyWithoutSizeIsWhole) expect(body).toMatchObject({ metrics: [{ value: 1 }] });
      else expect(body).toEqual({ next_page_token: expect.any(String) });
    });

    it('of what was never logged is empty', async () => {
      expect(await ok(history(await createRun(), { max_results: '5' }))).toEqual({});
      expect(await ok(history('nope', { max_results: '5' }))).toEqual({});
    });
  });

  describe(`${name}: files of a run`, () => {
    it('are uploaded, listed and downloaded', async () => {
      const id = await createRun();
      const root = `${experiment}/${id}/artifacts`;
      const csv = 'row,label\n1,é\n';
      const stored = `/api/2.0/mlflow-artifacts/artifacts/${root}/evaluation/predictions.csv`;
      expect((await api.send('PUT', stored, { body: csv, type: 'text/csv' })).status).toBe(200);
      const uri = `mlflow-artifacts:/${root}`;
      expect(await ok(api.get('artifacts/list', { run_id: id }))).toEqual({
        root_uri: uri,
        files: [{ path: 'evaluation', is_dir: true }],
      });
      const file = { path: 'evaluation/predictions.csv', is_dir: false, file_size: Buffer.byteLength(csv) };
      expect(await ok(api.get('artifacts/list', { run_id: id, path: 'evaluation' }))).toEqual({
        root_uri: uri,
        files: [file],
      });
      expect((await api.get('/get-artifact', { run_id: id, path: file.path })).text).toBe(csv);
      expect((await api.get(stored)).text).toBe(csv);
      expect(
        await ok(api.get('/api/2.0/mlflow-artifacts/artifacts', { path: `${root}/evaluation` })),
      ).toEqual({
        files: [{ path: 'predictions.csv', is_dir: false, file_size: file.file_size }],
      });
    });

    it('that are not there are an empty list, and an error to download', async () => {
      const id = await createRun();
      expect(await ok(api.get('artifacts/list', { run_id: id, path: 'nope' }))).not.toHaveProperty('files');
      expect([404, 500]).toContain((await api.get('/get-artifact', { run_id: id, path: 'nope' })).status);
      await refused(api.get('/get-artifact', { run_id: 'nope', path: 'x' }), 404, 'RESOURCE_DOES_NOT_EXIST');
    });

    it.each(['../x', '/etc/passwd', 'a/../../x'])('are not reached by %s', async (path) => {
      const id = await createRun();
      await refused(api.get('artifacts/list', { run_id: id, path }), 400, 'INVALID_PARAMETER_VALUE');
      await refused(api.get('/get-artifact', { run_id: id, path }), 400, 'INVALID_PARAMETER_VALUE');
    });
  });

  describe(`${name}: versions of models`, () => {
    it('answer the files that they were registered with', async () => {
      const [id, model] = [await createRun(), unique('m')];
      const root = `${experiment}/${id}/artifacts/model`;
      await api.send('PUT', `/api/2.0/mlflow-artifacts/artifacts/${root}/MLmodel`, {
        body: 'flavors: {}\n',
        type: 'text/plain',
      });
      await ok(api.post('registered-models/create', { name: model }));
      const source = `mlflow-artifacts:/${root}`;
      await ok(api.post('model-versions/create', { name: model, source, run_id: id }));
      const file = (version: string, path: string) =>
        api.get('/model-versions/get-artifact', { name: model, version, path });
      expect((await file('1', 'MLmodel')).text).toBe('flavors: {}\n');
      expect([404, 500]).toContain((await file('1', 'nope')).status);
      await refused(file('2', 'MLmodel'), 404, 'RESOURCE_DOES_NOT_EXIST');
      await refused(file('1', '../MLmodel'), 400, 'INVALID_PARAMETER_VALUE');
    });

    it('keep the run they came from, and take over that of a version they were made from since 3.17', async () => {
      const [id, model] = [await createRun(), unique('m')];
      await ok(api.post('registered-models/create', { name: model }));
      const source = `mlflow-artifacts:/${experiment}/${id}/artifacts/model`;
      const made = await ok(api.post('model-versions/create', { name: model, source, run_id: id }));
      expect(made).toMatchObject({ model_version: { source, run_id: id } });
      const copy = await ok(api.post('model-versions/create', { name: model, source: `models:/${model}/1` }));
      const run = can.inheritsRunOfSourceVersion ? id : '';
      expect(copy).toMatchObject({ model_version: { version: '2', run_id: run } });
    });
  });
}
