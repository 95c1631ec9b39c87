import { expect, it } from 'vitest';
import { type ModelHistory, modelHistory, momentAt } from '../../lambdas/domain/promotion/history.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/move-champion.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { promotion } from '../support/command.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/** What `promotion history` tells of both systems, after scenarios of which the truth is known. */

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

async function read(): Promise<ModelHistory> {
  const view = await readRegistry(host.registry, MODEL);
  if (view === null) throw new Error('the model is gone');
  const id = view.model.tags['workload.id'] ?? '';
  const workload = await host.workloads.getWorkload(id);
  if (workload === null) throw new Error('the Workload is gone');
  return modelHistory(view, 'stages', { workload, replacements: await host.workloads.history(id, 100) });
}

/** A promotion, and after a week the way back; the clock then goes on until nothing is in progress. */
async function thereAndBack() {
  const scenario = scenarios.find(({ name }) => name === 'regretted-a-week-later');
  if (scenario === undefined) throw new Error('no such scenario');
  const documents = await scenario.play(host, { pauseMs: 1 });
  host.clock.skip(3_600_000);
  return documents;
}

it('tells what was Production and what was served, from the first record to now', async () => {
  const [promotion] = await thereAndBack();
  const { production, served, notes } = await read();
  expect(production.map(({ version, how }) => [version, how])).toEqual([
    ['2', 'before_records'],
    ['3', 'promoted'],
    ['2', 'rolled_back'],
  ]);
  expect(served.map(({ version }) => version)).toEqual(['2', '3', '2']);
  expect(production[1]).toMatchObject({ execution: promotion?.execution, requested_by: 'npm start' });
  for (const periods of [production, served]) {
    expect(periods[0]?.from).toBeNull();
    expect(periods.at(-1)?.until).toBeNull();
    for (const [index, { until }] of periods.slice(0, -1).entries())
      expect(periods[index + 1]?.from).toBe(until);
  }
  expect(notes).toEqual([]);
});

it('answers for any time: before, while the two systems moved, between and after', async () => {
  await thereAndBack();
  const found = await read();
  const [, promoted, back] = found.production;
  const [, switched] = found.served;
  const at = (time: string | null | undefined, seconds = 0) => {
    const { production, served, agree } = momentAt(found, new Date(Date.parse(time ?? '') + seconds * 1000));
    return [production?.version, served?.version, agree];
  };
  expect(at('2020-01-01T00:00:00Z')).toEqual(['2', '2', true]);
  expect(at(switched?.from)).toEqual(['2', '3', false]);
  expect(at(promoted?.from)).toEqual(['3', '3', true]);
  expect(at(promoted?.from, 86_400)).toEqual(['3', '3', true]);
  expect(at(back?.from)).toEqual(['2', '2', true]);
  expect(at(back?.from, 86_400)).toEqual(['2', '2', true]);
});

it('is printed as a table, and as one JSON document', async () => {
  await thereAndBack();
  const table = await history(MODEL, '--at', '2026-01-01');
  const json = await history(MODEL, '--at', '2026-01-01T12:00+02:00', '--json');
  expect(table).toMatchObject({ code: 0, stderr: '' });
  for (const part of [
    'PascalStrategy at 2026-01-01T00:00:00.000Z',
    'In Production  version 2, since before the first record',
    'Served by Workload pascal-prod',
    'promoted; Promote version 3 over version 2',
    'rolled back to; DRIFT_SEVERE',
  ])
    expect(table.stdout).toContain(part);
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

it('says what does not fit: a version moved by hand, and an artifact put in service by hand', async () => {
  await thereAndBack();
  host.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
  const { notes } = await read();
  expect(notes).toEqual([{ code: 'production-differs', recorded: '2', current: '1' }]);
});

it('knows no time before the first record of a model that was never promoted here', async () => {
  seedPascalStrategy(host.mlflow);
  seedServing(host);
  const { production, served } = await read();
  expect(production).toMatchObject([{ version: '2', from: null, until: null, how: 'before_records' }]);
  expect(served).toMatchObject([{ version: '2', from: null, until: null, replacement: null }]);
});

it('tells of the registry alone where no Workload serves the model', async () => {
  seedPascalStrategy(host.mlflow);
  const ran = await history(MODEL);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toMatch(/version 2[\s\S]*No Workload is known to serve the model/);
});

it('still tells of the registry when the platform cannot be asked, and exits 1', async () => {
  seedPascalStrategy(host.mlflow);
  seedServing(host);
  const body = JSON.stringify({ detail: 'No access' });
  host.workload.faults.add({ path: '*', effect: { kind: 'answer', status: 403, body } });
  const ran = await history(MODEL);
  expect(ran.code).toBe(1);
  expect(ran.stdout).toContain('version 2');
  expect(ran.stderr).toMatch(/could not be read: WorkloadApiRefused.*No access/);
});

it.each([[{}], [{ DATAROBOT_ENDPOINT: '', DATAROBOT_API_TOKEN: '' }]])(
  'still tells of the registry when no platform is named (%j), says what to set, and exits 1',
  async (platform) => {
    seedPascalStrategy(host.mlflow);
    const { workloadId } = seedServing(host);
    const table = await historyWith(platform, MODEL);
    const json = await historyWith(platform, MODEL, '--json');
    const missing = `The history of Workload "${workloadId}" could not be read: DATAROBOT_ENDPOINT and DATAROBOT_API_TOKEN are not set; set both to ask the platform`;
    expect(table).toMatchObject({ code: 1, stderr: `${missing}\n` });
    expect(table.stdout).toContain('version 2');
    expect(table.stdout).toContain(missing);
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
