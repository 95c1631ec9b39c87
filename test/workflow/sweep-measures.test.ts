import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SWEEP_MAX_MODELS } from '../../lambdas/domain/limits.ts';
import { execute } from '../../local/execution.ts';
import { type EmulatedHost, isEmulated } from '../../local/host.ts';
import { promote } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { startEmulatedHost } from '../support/emulated-host.ts';
import { measured, printedLines } from '../support/printed-lines.ts';

/** What sweeps tell CloudWatch of open changes and of models out of step. */

let host: EmulatedHost;
let lines: string[];

beforeEach(async () => {
  const started = await startEmulatedHost();
  if (!isEmulated(started)) throw new Error('not on emulators');
  host = started;
  // Only time that passes on purpose counts.
  let at = host.clock.now().getTime();
  host.clock.now = () => new Date(at);
  host.clock.skip = (ms) => {
    at += Math.max(0, ms);
  };
  lines = printedLines();
  vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'sweep-promotions');
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await host.close();
});

const MINUTE = 60_000;

/** What the next sweep measures under this name. */
async function swept(name: 'OpenChangeAge' | 'OutOfStep') {
  lines.splice(0);
  await host.functions['sweep-promotions']({ sweep: true });
  return measured(lines).flatMap((line) =>
    line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : [],
  );
}

function register(name: string) {
  const { registry } = host.mlflow;
  registry.createModel(name, {});
  for (const stage of ['Archived', 'Production'])
    registry.createVersion(name, { stage, runId: registry.createRun({ experiment: name }) });
}

const adopt = (model_name: string) => execute(host, { operation: 'adopt', model_name }, { pauseMs: 0 });

it('the age of the oldest open change that nobody works on, whatever comes of the attempts at it', async () => {
  seedPascalStrategy(host.mlflow);
  seedServing(host);
  expect(await swept('OpenChangeAge')).toEqual(['0 Seconds']);
  let polls = 0;
  const abortAfter = (state: string) => state === 'ReplaceWorkload' && ++polls === 2;
  const { states } = await execute(host, promote, { pauseMs: 0, abortAfter });
  const opened = states.find(({ name }) => name === 'PreparePromotion')?.entered ?? '';
  const age = () => `${(host.clock.now().getTime() - Date.parse(opened)) / 1000} Seconds`;
  // Its functions may still write: the lease is held.
  expect(await swept('OpenChangeAge')).toEqual(['0 Seconds']);
  host.clock.skip(10 * MINUTE);
  expect(await swept('OpenChangeAge')).toEqual([age()]);
  host.mlflow.faults.add({ path: '*', effect: { kind: 'answer', status: 403, body: '{}' } });
  host.clock.skip(60 * MINUTE);
  expect(await swept('OpenChangeAge')).toEqual([age()]);
});

it('how many closed models are out of step, once all of them have been compared', async () => {
  const names = Array.from({ length: SWEEP_MAX_MODELS + 1 }, (_, n) => `model-${String(n).padStart(2, '0')}`);
  for (const name of names) {
    register(name);
    await adopt(name);
  }
  for (const name of [names[0] ?? '', names.at(-1) ?? ''])
    host.mlflow.registry.transition(name, '1', 'Production', { archive: true });
  expect(await swept('OutOfStep')).toEqual([]);
  expect(await swept('OutOfStep')).toEqual(['2 Count']);
  // The next round begins an hour after the last one began.
  expect(await swept('OutOfStep')).toEqual([]);
  await adopt(names[0] ?? '');
  host.clock.skip(60 * MINUTE);
  await swept('OutOfStep');
  expect(await swept('OutOfStep')).toEqual(['1 Count']);
});

it('neither for a registered model that was deleted', async () => {
  register('closed');
  await adopt('closed');
  seedPascalStrategy(host.mlflow);
  await execute(host, promote, { pauseMs: 0, abortAfter: (state) => state === 'PreparePromotion' });
  host.clock.skip(70 * MINUTE);
  expect(await swept('OpenChangeAge')).not.toEqual(['0 Seconds']);
  host.mlflow.reset();
  host.clock.skip(70 * MINUTE);
  expect(await swept('OpenChangeAge')).toEqual(['0 Seconds']);
  host.clock.skip(70 * MINUTE);
  expect(await swept('OutOfStep')).toEqual(['0 Count']);
});

it('is nothing where there is no model', async () => {
  expect(await swept('OutOfStep')).toEqual(['0 Count']);
});

it(`does not count ${MODEL} as out of step while its change is open`, async () => {
  seedPascalStrategy(host.mlflow);
  seedServing(host);
  await adopt(MODEL);
  let polls = 0;
  await execute(host, promote, {
    pauseMs: 0,
    abortAfter: (state) => state === 'ReplaceWorkload' && ++polls === 2,
  });
  host.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
  host.clock.skip(70 * MINUTE);
  expect(await swept('OutOfStep')).toEqual(['0 Count']);
});
