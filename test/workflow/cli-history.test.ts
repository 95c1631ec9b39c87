import { expect, it } from 'vitest';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { historyNote } from '../../lambdas/words/history.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { inOneLine, promotion } from '../support/command.ts';
import { emulatedHost, thereAndBack } from '../support/emulated-host.ts';

/** What `promotion history` prints. */

let host: EmulatedHost;

emulatedHost((started) => {
  host = started;
});

function history(...args: string[]) {
  const { url, token } = host.workload;
  return historyWith({ DATAROBOT_ENDPOINT: url, DATAROBOT_API_TOKEN: token }, ...args);
}

const historyWith = (platform: Record<string, string>, ...args: string[]) =>
  promotion(['history', ...args], { env: { MLFLOW_TRACKING_URI: host.mlflow.url, ...platform } });

it('is printed as a table, and as one JSON document', async () => {
  const [promoted] = await thereAndBack(host);
  const table = await history(MODEL, '--at', '2026-01-01');
  const json = await history(MODEL, '--at', '2026-01-01T12:00+02:00', '--json');
  expect(table).toMatchObject({ code: 0, stderr: '' });
  for (const part of [
    'PascalStrategy at 2026-01-01T00:00:00.000Z',
    'Champion       version 2, since before the first record',
    'Served by Workload pascal-prod',
    `promoted; ${readStateDocument(promoted?.output).comparison?.recommendation}`,
    'restored by a rollback; DRIFT_SEVERE',
  ])
    expect(inOneLine(table.stdout)).toContain(inOneLine(part));
  expect(JSON.parse(json.stdout)).toMatchObject({
    model: MODEL,
    moment: {
      at: '2026-01-01T10:00:00.000Z',
      production: { version: '2' },
      served: { version: '2' },
      agree: true,
    },
    workload: { name: 'pascal-prod' },
  });
});

it('tells of the registry alone where no Workload serves the model', async () => {
  seedPascalStrategy(host.mlflow);
  const ran = await history(MODEL);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toContain('version 2');
  expect(inOneLine(ran.stdout)).toContain(historyNote({ code: 'no-workload' }));
});

it('still tells of the registry when the platform cannot be asked, and exits 1', async () => {
  seedPascalStrategy(host.mlflow);
  const { workloadId } = seedServing(host);
  const body = JSON.stringify({ detail: 'No access' });
  host.workload.faults.add({ path: '*', effect: { kind: 'answer', status: 403, body } });
  const ran = await history(MODEL);
  expect(ran.code).toBe(1);
  expect(ran.stdout).toContain('version 2');
  const why = await host.workloads.getWorkload(workloadId).catch(String);
  expect(why).toMatch(/^WorkloadApiRefused: .*HTTP 403/);
  expect(ran.stderr).toBe(
    `${historyNote({ code: 'workload-unread', workload: workloadId, why: String(why) })}\n`,
  );
});

it.each([[{}], [{ DATAROBOT_ENDPOINT: '', DATAROBOT_API_TOKEN: '' }]])(
  'still tells of the registry when no platform is named (%j), says what to set, and exits 1',
  async (platform) => {
    seedPascalStrategy(host.mlflow);
    const { workloadId } = seedServing(host);
    const table = await historyWith(platform, MODEL);
    const json = await historyWith(platform, MODEL, '--json');
    const missing = historyNote({ code: 'workload-unread', workload: workloadId, why: null });
    expect(table).toMatchObject({ code: 1, stderr: `${missing}\n` });
    expect(table.stdout).toContain('version 2');
    expect(inOneLine(table.stdout)).toContain(missing);
    expect(json).toMatchObject({ code: 1, stderr: `${missing}\n` });
    expect(JSON.parse(json.stdout)).toMatchObject({
      production: [{ version: '2' }],
      served: [],
      workload: null,
      notes: [missing],
    });
  },
);

it.each([
  [{ DATAROBOT_ENDPOINT: 'https://app.datarobot.com/api/v2' }, /DATAROBOT_API_TOKEN is not set/],
  [{ DATAROBOT_API_TOKEN: 'hunter2' }, /DATAROBOT_ENDPOINT is not set/],
])('exits 2 when the platform is named by half: %j', async (platform, message) => {
  seedPascalStrategy(host.mlflow);
  seedServing(host);
  const ran = await historyWith(platform, MODEL);
  expect(ran).toMatchObject({ code: 2, stdout: '' });
  expect(ran.stderr).toMatch(message);
});

it.each([[['nobody'], /"nobody" does not exist at MLFLOW_TRACKING_URI/]])(
  'exits 1 for %j and says why',
  async (args, message) => {
    const ran = await history(...args);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(message);
  },
);
