import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DecisionReport } from '../../lambdas/words/report/document.ts';
import { ModelsReport } from '../../lambdas/words/report/models-document.ts';
import { execute } from '../../local/execution.ts';
import { type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';
import { promote } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { promotion } from '../support/command.ts';

/** `promotion report`, `promotion compare` and `--report`, on a local host after a promotion and a rollback. */

let host: EmulatedHost;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
  const started = await startHost();
  if (!isEmulated(started)) throw new Error('not on emulators');
  host = started;
  seedPascalStrategy(host.mlflow);
  seedServing(host);
  for (const input of [
    promote,
    { operation: 'rollback', model_name: MODEL, requested_by: 'the duty officer' },
  ])
    await execute(host, input, { pauseMs: 1 });
});
afterAll(async () => {
  await host.close();
  await rm(folder, { recursive: true });
});

const NAMES = [
  ...[
    'PROMOTION_TABLE',
    'AWS_ENDPOINT_URL_DYNAMODB',
    'AWS_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
  ],
  ...['MLFLOW_TRACKING_URI', 'DATAROBOT_ENDPOINT', 'DATAROBOT_API_TOKEN'],
];
const env = () => Object.fromEntries(NAMES.map((name) => [name, host.env[name] ?? '']));
const file = (name: string) => join(folder, name);
const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(file(name), 'utf8'));

describe('promotion report', () => {
  it('writes what is live of every model, its decisions and its rollbacks', async () => {
    expect(await promotion(['report', '--out', file('models.json')], { env: env() })).toMatchObject({
      code: 0,
    });
    expect(ModelsReport.parse(await json('models.json')).models).toMatchObject([
      {
        model: MODEL,
        status: 'in_step',
        live: { version: '2', how: 'rolled_back' },
        decisions: [{ seq: 1, decision: 'PROMOTE' }],
        rolled_back: [{ seq: 2, requested_by: 'the duty officer' }],
        metric: { points: [{ version: '1' }, { version: '2' }, { version: '3' }] },
        differences: [
          { before: '2', after: '3' },
          { before: '1', after: '2' },
        ],
      },
    ]);
  });

  it('compares any two versions of one model', async () => {
    const args = [
      'report',
      '--model',
      MODEL,
      '--versions',
      '3,1',
      '--metric',
      'win_rate',
      '--out',
      file('one.json'),
    ];
    expect(await promotion(args, { env: env() })).toMatchObject({ code: 0 });
    const [model] = ModelsReport.parse(await json('one.json')).models;
    expect(model?.differences[0]).toMatchObject({ before: '3', after: '1', asked: true });
    expect(model?.metric?.name).toBe('win_rate');
  });

  it('writes a page that says that a part could not be read, with status 1', async () => {
    const away = { ...env(), DATAROBOT_ENDPOINT: 'http://127.0.0.1:9' };
    const { code } = await promotion(['report', '--out', file('away.json')], { env: away });
    expect(code).toBe(1);
    const [model] = ModelsReport.parse(await json('away.json')).models;
    expect(model?.waiting.map(({ what }) => what)).toContain('unread');
  });

  it.each([
    ['a version that does not exist', ['--model', MODEL, '--versions', '3,99']],
    ['versions of no model', ['--versions', '1,2']],
    ['one version', ['--model', MODEL, '--versions', '3,3']],
    ['an unknown model', ['--model', 'nobody']],
  ])('refuses %s', async (_, args) => {
    const { code, stderr } = await promotion(['report', ...args, '--out', file('refused.html')], {
      env: env(),
    });
    expect({ code, said: stderr !== '' }).toEqual({ code: 2, said: true });
  });
});

describe('promotion compare', () => {
  const args = ['compare', '--model', MODEL, '--champion', '2', '--challenger', '1', '--policy', 'trading'];

  it('decides as the functions do, and writes the report', async () => {
    const { code, stdout } = await promotion([...args, '--json', '--report', file('compared.json')], {
      env: env(),
    });
    expect(code).toBe(0);
    const report = DecisionReport.parse(await json('compared.json'));
    expect(report).toMatchObject({ decision: 'KEEP', execution: null });
    expect(report.evidence_digest).toBe(JSON.parse(stdout).evidence_digest);
  });

  it('is what the report of a decision says how to reproduce it', async () => {
    const { reproduce } = DecisionReport.parse(await json('compared.json'));
    expect(reproduce.split(' ').slice(2)).toEqual(args);
  });
});

describe('--report', () => {
  it('writes the page of what a run has decided', async () => {
    expect((await promotion(['run', '--report', file('run.html')])).code).toBe(0);
    expect(await readFile(file('run.html'), 'utf8')).toContain(MODEL);
  });

  it('writes in place of an earlier report, and of nothing else', async () => {
    const args = ['compare', '--model', MODEL, '--report'];
    await writeFile(file('thesis.html'), '<html>mine</html>');
    const { code } = await promotion([...args, file('thesis.html')]);
    expect(code).toBe(2);
    expect(await readFile(file('thesis.html'), 'utf8')).toBe('<html>mine</html>');
    expect((await promotion([...args, file('again.html')])).code).toBe(0);
    expect((await promotion([...args, file('again.html')])).code).toBe(0);
  });

  it.each([
    ['another extension', 'report.pdf'],
    ['a folder that does not exist', 'nowhere/report.html'],
  ])('refuses %s before anything runs', async (_, name) => {
    const { code, stdout } = await promotion(['run', '--report', file(name)]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
