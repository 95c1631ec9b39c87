import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { MlflowRest } from '../support/mlflow-rest.ts';
import { realServers } from './servers.ts';

const run = promisify(execFile);
/** Importing MLflow takes some seconds on a slow machine. */
const TIMEOUT_MS = 120_000;

/** What MLflow's own client, in its own version, prints about a server. */
async function seenBy(python: string, url: string): Promise<unknown> {
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('MLFLOW_'));
  const { stdout } = await run(python, [join(import.meta.dirname, 'python_client.py'), url], {
    env: { ...Object.fromEntries(env), PYTHONIOENCODING: 'utf-8' },
    timeout: TIMEOUT_MS,
  });
  return JSON.parse(stdout);
}

describe.each(realServers())("MLflow's Python client of $name", ({ url, python }) => {
  let emulator: MlflowEmulator;
  beforeAll(async () => {
    const version = (await new MlflowRest({ url }).get('/version')).text.trim();
    emulator = await startMlflowEmulator({ version });
  });
  afterAll(() => emulator.close());

  it('sees the same of the emulator as of the real server', { timeout: 2 * TIMEOUT_MS }, async () => {
    if (python === null) throw new Error('MLFLOW_TEST_PYTHONS names no Python for this server');
    const real = await seenBy(python, url);
    expect(await seenBy(python, emulator.url)).toEqual(real);
    expect(real).toMatchObject({
      runs: [{ metrics: { score: '0.6', nan: 'nan' } }, {}, { status: 'FINISHED', found: 3 }],
      registry: {
        aliases: { champion: '2' },
        latest: [
          ['Archived', '1', []],
          ['Production', '2', ['champion']],
        ],
      },
    });
  });
});
