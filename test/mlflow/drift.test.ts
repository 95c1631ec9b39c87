import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import { driftBetween } from '../../lambdas/domain/drift/drift.ts';
import { type DriftRead, driftIn } from '../../lambdas/domain/drift/drift-file.ts';
import { DRIFT_TAG } from '../../lambdas/domain/registry.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { unique } from '../support/mlflow-rest.ts';
import { realServers } from './servers.ts';

/** Drift as the helper of the examples logs it with MLflow's own client, read from a real server. */

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;

describe.each(realServers())('drift that the client of $name logs', ({ url, python }) => {
  const model = unique('drift');
  const { registry, drift } = registryServices({ MLFLOW_TRACKING_URI: url }, systemClock);
  const read = async (tag: string): Promise<DriftRead> =>
    (await drift?.(tag, null)) ?? { problem: { code: 'no-run' } };
  let tag = '';

  beforeAll(async () => {
    if (python === null) throw new Error('MLFLOW_TEST_PYTHONS names no Python for this server');
    await run(python, [join(import.meta.dirname, 'drift.py'), url, model], { timeout: TIMEOUT_MS });
    tag = (await registry.getModel(model))?.tags[DRIFT_TAG] ?? '';
  }, TIMEOUT_MS);

  it('is found by the tag of the model, and told of each feature', async () => {
    const found = await read(tag);
    if (!('file' in found)) throw new Error(JSON.stringify(found));
    const { features, not_compared } = driftBetween(found.file.reference, found.file.current);
    expect(Object.fromEntries(features.map(({ feature, severity }) => [feature, severity]))).toEqual({
      ...{
        amount: 'significant',
        constant: 'none',
        country: 'significant',
        items: 'none',
        returning: 'none',
      },
    });
    // A feature of one period is not logged, and missing values are no rows.
    expect(not_compared).toEqual([]);
    expect(features.map(({ reference, current }) => [reference, current])).toEqual(
      features.map(() => [1000, 900]),
    );
    expect(driftIn(found, null)).toMatchObject({ severity: 'significant', n: 900 });
    expect(driftIn(found, { version: '1', at: new Date(Date.now() + 60_000) })).toMatchObject({
      problem: { code: 'before-version' },
    });
  });

  it('is unknown, and no error, where run or file is not there', async () => {
    expect(await read('ffffffffffffffffffffffffffffffff')).toEqual({ problem: { code: 'no-run' } });
    expect(await read(`${tag}/other.json`)).toEqual({ problem: { code: 'missing' } });
    expect(await read(`${tag}/deep/down/drift.json`)).toEqual({ problem: { code: 'missing' } });
  });
});
