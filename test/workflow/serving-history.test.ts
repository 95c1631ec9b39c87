import { expect, it, onTestFinished } from 'vitest';
import { type ModelHistory, modelHistory, momentAt } from '../../lambdas/domain/promotion/history.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost, thereAndBack } from '../support/emulated-host.ts';

/** What is known of both systems' past, after scenarios of which the truth is known. */

let host: EmulatedHost;

emulatedHost((started) => {
  host = started;
});

async function read(): Promise<ModelHistory> {
  const view = await readRegistry(host.registry, MODEL);
  if (view === null) throw new Error('the model is gone');
  const id = view.model.tags['workload.id'] ?? '';
  const workload = await host.workloads.getWorkload(id);
  if (workload === null) throw new Error('the Workload is gone');
  return modelHistory(view, 'stages', { workload, replacements: await host.workloads.history(id, 100) });
}

it('tells what was Production and what was served, from the first record to now', async () => {
  const [promotion] = await thereAndBack(host);
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
  await thereAndBack(host);
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

it('says what does not fit: a version moved by hand, and an artifact put in service by hand', async () => {
  await thereAndBack(host);
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

it('shows no change of settings, which may have no candidate', async () => {
  seedPascalStrategy(host.mlflow);
  const { workloadId } = seedServing(host);
  host.workload.variants.settingsCandidate = 'absent';
  onTestFinished(() => {
    host.workload.variants.settingsCandidate = 'named';
  });
  const { runtime } = host.workload.direct.workload(workloadId);
  host.workload.direct.perform('PATCH', `workloads/${workloadId}/settings`, { runtime });
  host.clock.skip(20 * 60_000);
  expect(await host.workloads.history(workloadId, 10)).toMatchObject([{ status: 'completed' }]);
  const { served } = await read();
  expect(served).toMatchObject([{ version: '2', from: null, until: null }]);
});
