import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Authorization, anonymous } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { type Mlflow, mlflow } from '../../lambdas/adapters/mlflow/client.ts';

export interface AdapterTarget {
  url: string;
  authorization?: Authorization;
}

const limits = {
  connectMs: 2_000,
  headersMs: 10_000,
  bodyMs: 5_000,
  totalMs: 20_000,
  maxBytes: 4 * 1024 * 1024,
  retries: 1,
  backoffMs: 50,
};

/** What our client relies on, asked of a server through the client itself: the emulator and real servers alike. */
export function adapterContract(server: string, target: () => AdapterTarget): void {
  let client: Mlflow;
  let post: (path: string, body: object) => Promise<Record<string, unknown>>;

  beforeAll(() => {
    const { url, authorization = anonymous } = target();
    client = mlflow({ trackingUri: url, authorization, http: httpClient(limits) });
    post = async (path, body) => {
      const address = new URL(`${url}/api/2.0/mlflow/${path}`);
      const request = { method: 'POST', url: address, headers: {}, repeatable: false } as const;
      const credentials = await authorization.headers(request);
      const answer = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...credentials },
        body: JSON.stringify(body),
      });
      expect(answer.status, path).toBe(200);
      return (await answer.json()) as Record<string, unknown>;
    };
  });

  async function model(versions: number, name = `adapter-${randomUUID()}`) {
    await post('registered-models/create', { name });
    for (let index = 1; index <= versions; index += 1) {
      await post('model-versions/create', { name, source: `s3://bucket/${index}` });
    }
    return name;
  }
  const stages = async (name: string) =>
    Object.fromEntries((await client.listVersions(name)).map(({ version, stage }) => [version, stage]));

  describe(`the MLflow client against ${server}`, () => {
    it('reads a model with its tags and aliases, and null where there is none', async () => {
      const name = await model(2);
      await client.setModelTag(name, 'promotion.fence', '7');
      await client.setAlias(name, 'champion', '2');
      expect(await client.getModel(name)).toEqual({
        name,
        tags: { 'promotion.fence': '7' },
        aliases: { champion: '2' },
      });
      expect(await client.getModel(`missing-${randomUUID()}`)).toBeNull();
      expect(await client.listVersions(`missing-${randomUUID()}`)).toEqual([]);
    });

    it('deletes an alias, also one that is not there', async () => {
      const name = await model(2);
      await client.setAlias(name, 'champion', '2');
      await client.deleteAlias(name, 'champion');
      await client.deleteAlias(name, 'champion');
      expect((await client.getModel(name))?.aliases).toEqual({});
    });

    it('moves a version to Production and archives the others in one call', async () => {
      const name = await model(3);
      await client.moveToProduction(name, '1');
      await client.moveToProduction(name, '2');
      await client.moveToProduction(name, '2');
      expect(await stages(name)).toEqual({ 1: 'Archived', 2: 'Production', 3: 'None' });
      const latest = await client.latestVersions(name, ['Production']);
      expect(latest.map(({ version }) => version)).toEqual(['2']);
    });

    it('gives one time to the version that it moves and to those that it archives', async () => {
      const name = await model(2);
      await client.moveToProduction(name, '1');
      await client.moveToProduction(name, '2');
      const [moved, archived] = await client.listVersions(name);
      expect(moved?.updatedAt).toBeGreaterThan(0);
      expect(archived).toMatchObject({ stage: 'Archived', updatedAt: moved?.updatedAt });
    });

    it('says that a version does not exist, with the code and without archiving anything', async () => {
      const name = await model(1);
      await client.moveToProduction(name, '1');
      await expect(client.moveToProduction(name, '99')).rejects.toMatchObject({
        name: 'MlflowRefused',
        errorCode: 'RESOURCE_DOES_NOT_EXIST',
      });
      expect(await stages(name)).toEqual({ 1: 'Production' });
    });

    it('reads the tags of every version, overwritten or with odd characters', async () => {
      const name = await model(1);
      const value = JSON.stringify({ reason: 'line\nbreak "quoted" ünïcode' });
      await client.setVersionTag(name, '1', 'promotion.e-1', 'first');
      await client.setVersionTag(name, '1', 'promotion.e-1', value);
      const [version] = await client.listVersions(name);
      expect(version).toMatchObject({ version: '1', status: 'READY', tags: { 'promotion.e-1': value } });
    });

    it('follows the pages of a model with many versions, newest number first', async () => {
      const name = await model(205);
      const versions = (await client.listVersions(name)).map(({ version }) => Number(version));
      expect(versions).toEqual(Array.from({ length: 205 }, (_, index) => 205 - index));
    }, 60_000);

    it('reads versions whose tags are too many for one answer, with the token of a larger page', async () => {
      const name = await model(30);
      const value = 'x'.repeat(5_000);
      for (const version of [1, 2, 3, 11, 12, 13, 14, 15, 16])
        await client.setVersionTag(name, String(version), 'note', value);
      const { url, authorization = anonymous } = target();
      const http = httpClient({ ...limits, maxBytes: 12_000 });
      const versions = await mlflow({ trackingUri: url, authorization, http }).listVersions(name);
      expect(versions.map(({ version }) => Number(version))).toEqual(
        Array.from({ length: 30 }, (_, index) => 30 - index),
      );
      expect(versions.filter(({ tags }) => tags['note'] === value)).toHaveLength(9);
    }, 60_000);

    it.each(['with space', '50%', 'a+b', 'a&b=c', 'é', 'q?x=1#y', "it's", 'say "hi"', `both ' and "`])(
      'finds the model %j by its name',
      async (stem) => {
        const name = await model(1, `${stem} ${randomUUID()}`);
        expect(await client.getModel(name)).toMatchObject({ name });
        expect((await client.listVersions(name)).map(({ version }) => version)).toEqual(['1']);
        await client.moveToProduction(name, '1');
        expect(await stages(name)).toEqual({ 1: 'Production' });
      },
    );

    it('refuses an alias that MLflow reserves', async () => {
      const name = await model(1);
      await expect(client.setAlias(name, 'latest', '1')).rejects.toMatchObject({
        name: 'MlflowRefused',
        errorCode: 'INVALID_PARAMETER_VALUE',
      });
    });

    it('reads a run: metrics with NaN, parameters, dataset inputs; its history; and null where there is none', async () => {
      const created = await post('runs/create', { experiment_id: '0', start_time: 1 });
      const runId = (created as { run: { info: { run_id: string } } }).run.info.run_id;
      const metric = (key: string, value: number | string, step: number) => ({
        key,
        value,
        timestamp: 1,
        step,
      });
      await post('runs/log-batch', {
        run_id: runId,
        metrics: [metric('accuracy', 0.5, 0), metric('accuracy', 0.9, 1), metric('broken', 'NaN', 0)],
        params: [{ key: 'depth', value: '3' }],
      });
      await post('runs/log-inputs', {
        run_id: runId,
        datasets: [
          {
            tags: [{ key: 'mlflow.data.context', value: 'evaluation' }],
            dataset: { name: 'rows', digest: 'd1', source_type: 'local', source: '{}' },
          },
        ],
      });
      await post('runs/update', { run_id: runId, status: 'FINISHED', end_time: 2 });
      const run = await client.getRun(runId);
      expect(run).toMatchObject({
        status: 'FINISHED',
        params: { depth: '3' },
        datasets: [{ name: 'rows', digest: 'd1', context: 'evaluation' }],
      });
      const values = Object.fromEntries((run?.metrics ?? []).map(({ key, value }) => [key, value]));
      expect(values).toEqual({ accuracy: 0.9, broken: Number.NaN });
      expect((await client.metricHistory(runId, 'accuracy')).map(({ value }) => value)).toEqual([0.5, 0.9]);
      expect(await client.metricHistory(runId, 'nothing')).toEqual([]);
      expect(await client.getRun('0'.repeat(32))).toBeNull();
    });

    it('reads the last metrics of the finished runs of an experiment in a time', async () => {
      const { experiment_id } = await post('experiments/create', { name: `adapter-${randomUUID()}` });
      const from = 1_700_000_000_000;
      const logged = async (start_time: number, values: (number | string)[], status = 'FINISHED') => {
        const { run } = (await post('runs/create', { experiment_id, start_time })) as {
          run: { info: { run_id: string } };
        };
        const { run_id } = run.info;
        for (const [step, value] of values.entries())
          await post('runs/log-metric', { run_id, key: 'profit/total of it', value, timestamp: 1, step });
        await post('runs/update', { run_id, status, end_time: start_time + 1 });
      };
      await logged(from - 1, [9]);
      await logged(from, [0.5, -1.25]);
      await logged(from + 500, [3e20]);
      await logged(from + 600, ['NaN']);
      await logged(from + 700, []);
      await logged(from + 800, [8], 'FAILED');
      await logged(from + 999, [7]);
      await logged(from + 1000, [9]);
      const period = { experimentId: String(experiment_id), from, to: from + 1000 };
      const values = async (most: number) =>
        (await client.runValues(period, most))?.map((run) => run.get('profit/total of it'));
      expect(await values(100)).toEqual([7, undefined, Number.NaN, 3e20, -1.25]);
      expect(await values(2)).toEqual([7, undefined]);
      expect(await client.runValues({ ...period, experimentId: '987654' }, 100)).toEqual([]);
    });

    it('counts the runs of an experiment on the same data, with a metric, in a time', async () => {
      const { experiment_id } = await post('experiments/create', { name: `adapter-${randomUUID()}` });
      const from = 1_700_000_000_000;
      const logged = async (
        start_time: number,
        digests: string[],
        metrics: Record<string, number | string>,
      ) => {
        const { run } = (await post('runs/create', { experiment_id, start_time })) as {
          run: { info: { run_id: string } };
        };
        const { run_id } = run.info;
        await post('runs/log-inputs', {
          run_id,
          datasets: digests.map((digest) => ({
            tags: [{ key: 'mlflow.data.context', value: 'evaluation' }],
            dataset: { name: 'rows', digest, source_type: 'local', source: '{}' },
          })),
        });
        for (const [key, value] of Object.entries(metrics))
          await post('runs/log-metric', { run_id, key, value, timestamp: 1, step: 0 });
        return run_id;
      };
      const ids = [
        await logged(from, ['d1'], { 'test/accuracy score': 0.5 }),
        await logged(from + 500, ['d1', 'd2'], { 'test/accuracy score': -3e20, other: 1 }),
        await logged(from + 999, ['d1'], { 'test/accuracy score': 0 }),
      ];
      await logged(from - 1, ['d1'], { 'test/accuracy score': 0.5 });
      await logged(from + 1000, ['d1'], { 'test/accuracy score': 0.5 });
      await logged(from, ['d3'], { 'test/accuracy score': 0.5 });
      await logged(from, ['d1'], { accuracy: 0.5 });
      const search = {
        experimentId: String(experiment_id),
        digests: ['d1'],
        metric: 'test/accuracy score',
        ...{ from, to: from + 1000 },
      };
      const found = await client.findRuns(search, 101);
      expect({ ...found, runIds: found?.runIds.toSorted() }).toEqual({ count: 3, runIds: ids.toSorted() });
      expect(await client.findRuns(search, 2)).toMatchObject({ count: 2 });
      expect(await client.findRuns({ ...search, digests: ['d1', 'd2'] }, 101)).toMatchObject({ count: 1 });
      expect(await client.findRuns({ ...search, digests: ['d1', 'd3'] }, 101)).toMatchObject({ count: 0 });
      expect(await client.findRuns({ ...search, digests: ['d4'] }, 101)).toMatchObject({ count: 0 });
      expect(await client.findRuns({ ...search, experimentId: '987654' }, 101)).toMatchObject({ count: 0 });
      for (const hostile of ["d1' OR '1' = '1", 'd1" x', "d\\'", 'é', 'x'.repeat(500)])
        expect(await client.findRuns({ ...search, digests: [hostile] }, 101)).toBeNull();
      expect(await client.findRuns({ ...search, metric: "a` > 0 AND metrics.`b' " }, 101)).toMatchObject({
        count: 0,
      });
      const name = await model(0);
      await post('model-versions/create', { name, source: 's3://bucket/1', run_id: ids[0] });
      const [version] = await client.listVersions(name);
      expect(version?.createdAt).toBeGreaterThan(from);
      expect((await client.getRun(ids[0] ?? ''))?.experimentId).toBe(search.experimentId);
    });

    it('reads the metrics of a logged model with the data behind them, where MLflow has logged models', async () => {
      expect(await client.loggedModelMetrics(`m-${'0'.repeat(32)}`).catch(({ name }) => name)).toSatisfy(
        (answer) => answer === null || answer === 'MlflowRefused',
      );
      const { url } = target();
      const version = await (await fetch(`${url}/version`)).text();
      if (!version.startsWith('3.')) return;
      const { run } = (await post('runs/create', { experiment_id: '0', start_time: 1 })) as {
        run: { info: { run_id: string } };
      };
      const run_id = run.info.run_id;
      const created = await post('logged-models', { experiment_id: '0', source_run_id: run_id });
      const { model_id } = (created as { model: { info: { model_id: string } } }).model.info;
      const point = { run_id, model_id, timestamp: 5, step: 0 };
      await post('runs/log-metric', {
        ...point,
        key: 'accuracy',
        value: 0.9,
        dataset_name: 'held-out',
        dataset_digest: 'd1',
      });
      await post('runs/log-metric', { ...point, key: 'loss', value: 0.5, step: 3 });
      expect(await client.loggedModelMetrics(model_id)).toEqual([
        { key: 'accuracy', value: 0.9, step: 0, datasetDigest: 'd1', runId: run_id, timestamp: 5 },
        { key: 'loss', value: 0.5, step: 3, datasetDigest: null, runId: run_id, timestamp: 5 },
      ]);
      const name = `adapter-${randomUUID()}`;
      await post('registered-models/create', { name });
      await post('model-versions/create', { name, source: `models:/${model_id}`, model_id, run_id });
      expect(await client.listVersions(name)).toMatchObject([{ runId: run_id, loggedModelId: model_id }]);
    });
  });
}
