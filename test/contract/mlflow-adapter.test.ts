import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { basic } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { adapterContract } from './mlflow-adapter.ts';

const authorization = basic('promoter', 'correct');
let emulator: MlflowEmulator;

beforeAll(async () => {
  emulator = await startMlflowEmulator({ auth: { username: 'promoter', password: 'correct' } });
});
afterAll(() => emulator.close());

adapterContract('the emulator', () => ({ url: emulator.url, authorization }));

describe('artifacts', () => {
  it('are downloaded byte by byte', async () => {
    const runId = emulator.registry.createRun({
      artifacts: { 'evaluation/predictions.csv': 'row_id,profit\n0,1\n' },
    });
    const limits = {
      connectMs: 500,
      headersMs: 500,
      bodyMs: 500,
      totalMs: 2_000,
      maxBytes: 10_000,
      retries: 0,
      backoffMs: 1,
    };
    const client = mlflow({ trackingUri: emulator.url, authorization, http: httpClient(limits) });
    expect((await client.artifact(runId, 'evaluation/predictions.csv')).toString()).toBe(
      'row_id,profit\n0,1\n',
    );
    await expect(client.artifact(runId, 'missing.csv')).rejects.toThrow(/get-artifact/);
  });
});
