import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anonymous } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { parseEntry } from '../../lambdas/domain/ledger/entry.ts';
import { mlflowCall } from '../../lambdas/domain/limits.ts';
import { reportPath } from '../../lambdas/domain/promotion/report-place.ts';
import { finish } from '../../lambdas/use-cases/parts/record-and-notify.ts';
import { memoryStore } from '../support/memory-store.ts';
import { MlflowRest, unique } from '../support/mlflow-rest.ts';
import { sampleComparison, sampleOutcome } from '../support/sample-outcome.ts';
import { realServers } from './servers.ts';

/** The report of a decision on a real server: attached, read back, and the same when it is attached again. */

describe.each(realServers())('the report on $name', ({ url }) => {
  const client = mlflow({ trackingUri: url, authorization: anonymous, http: httpClient(mlflowCall) });

  /** A registered version whose run has ended, in an experiment of its own. */
  async function registered(location: string | null) {
    const api = new MlflowRest({ url });
    const model = unique('report');
    const place = location === null ? {} : { artifact_location: location };
    const made = await api.post('experiments/create', { name: model, ...place });
    const experiment = String(made.body['experiment_id']);
    const { body } = await api.post('runs/create', { experiment_id: experiment });
    const { info } = body['run'] as { info: { run_id: string } };
    await api.post('runs/update', { run_id: info.run_id, status: 'FINISHED' });
    await api.post('registered-models/create', { name: model });
    const source = `s3://elsewhere/${model}`;
    await api.post('model-versions/create', { name: model, source, run_id: info.run_id });
    return { api, model, experiment, runId: info.run_id };
  }

  /** Ends an execution that promoted version 1, twice: the pages that its alerts name, and its entry in the ledger. */
  async function ended(model: string) {
    const execution = `arn:aws:states:eu-west-1:123456789012:execution:m:${unique('e')}`;
    const store = memoryStore([]);
    const outcome = {
      ...sampleOutcome,
      model_name: model,
      execution,
      challenger_version: '1',
      comparison: { ...sampleComparison, champion_version: null, challenger_version: '1' },
    };
    const pages: unknown[] = [];
    const services = {
      store,
      alerts: { publish: async ({ run }: { run: unknown }) => void pages.push(run) },
      alertContext: { prefix: 'T', environment: 'test', registryName: 'r' },
      reports: () => ({ ...client, server: url }),
    };
    const { first: _, ...recorded } = await store.recordOutcome(outcome, 'pending', 1);
    await finish(recorded, services);
    await finish(recorded, services);
    const [entry] = await store.entries(model, 1, 1);
    return { execution, pages, entry: parseEntry(entry?.text ?? '') };
  }

  it('is attached to the run of the challenger and read back, and leaves the run as it was', async () => {
    const { api, model, experiment, runId } = await registered(null);
    const before = await client.getRun(runId);
    const { execution, pages, entry } = await ended(model);
    const page = await client.artifact(runId, reportPath(execution));
    expect(createHash('sha256').update(page).digest('hex')).toBe(entry?.report);
    const shown = {
      url: `${url}/#/experiments/${experiment}/runs/${runId}/artifacts`,
      report: reportPath(execution),
    };
    expect(pages).toEqual([shown, shown]);
    expect(await client.getRun(runId)).toEqual(before);
    const { body } = await api.get('artifacts/list', { run_id: runId, path: 'promotion' });
    expect(body['files']).toMatchObject([{ path: reportPath(execution), file_size: page.length }]);
  });

  it('is not attached where the artifacts are in a store that clients write to themselves', async () => {
    const { model, runId } = await registered('s3://elsewhere/experiment');
    const { pages, entry } = await ended(model);
    expect(pages).toMatchObject([{ report: null }, { report: null }]);
    expect(entry?.report).toMatch(/^[0-9a-f]{64}$/);
    expect((await client.getRun(runId))?.status).toBe('FINISHED');
  });
});
