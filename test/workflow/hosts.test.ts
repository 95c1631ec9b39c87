import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { failedForMissingWorkload } from '../../cli/commands/run.ts';
import { type ExecutionDocument, type ExecutionRun, execute } from '../../local/execution.ts';
import { type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';
import { promote, rollback, sweepAndTakeUp } from '../../local/scenarios/scenario.ts';
import { seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';

/** Hosts side by side in one process: each has its own environment, clock and emulators. */

const DAY_MS = 24 * 3_600_000;
const TRANSITION = 'model-versions/transition-stage';
const quick: ExecutionRun = { pauseMs: 1 };
/** Without the variable that Powertools sets when it is loaded. */
const environment = () => ({ ...process.env, AWS_SDK_UA_APP_ID: '' });
const before = environment();
let one: EmulatedHost;
let other: EmulatedHost;

async function emulated(): Promise<EmulatedHost> {
  const host = await startHost();
  if (isEmulated(host)) return host;
  throw new Error('not on emulators');
}

beforeEach(async () => {
  one = await emulated();
  other = await emulated();
  for (const host of [one, other]) {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
  }
});
afterEach(() => Promise.all([one, other].map((host) => host.close())));

/** Runs an execution that stops before its transition until `until` settles; `prepared` settles when it has the lease. */
function heldBeforeTransition(host: EmulatedHost, until: Promise<unknown>) {
  host.mlflow.faults.add({ path: TRANSITION, times: 1, effect: { kind: 'hold', until } });
  const prepared = Promise.withResolvers<void>();
  const ended = execute(host, promote, {
    ...quick,
    onEvent: (event) => {
      if (event.kind === 'exited' && event.state === 'PreparePromotion') prepared.resolve();
    },
  });
  return { prepared: prepared.promise, ended };
}

const alertsOf = ({ sns }: EmulatedHost) => sns.published.map(({ attributes }) => attributes['execution']);
const startOf = ({ states }: ExecutionDocument) => Date.parse(states[0]?.entered ?? '');

it('two executions for one model name, one inside the other, meet neither lease nor registry nor clock of the other', async () => {
  one.clock.skip(7 * DAY_MS);
  const otherPrepared = Promise.withResolvers<void>();
  const first = heldBeforeTransition(one, otherPrepared.promise);
  await first.prepared;
  const second = heldBeforeTransition(other, first.ended);
  await second.prepared;
  otherPrepared.resolve();
  const documents = [await first.ended, await second.ended] as const;
  for (const [index, host] of [one, other].entries()) {
    const document = documents[index];
    expect(document).toMatchObject({
      status: 'promoted',
      output: { prepared: { status: 'ready', fence: 1 } },
      registry: { after: { stages: { '2': 'Archived', '3': 'Production' } } },
      workload: { after: { model_version: '3' } },
      endpoint: { failed: 0 },
    });
    expect(alertsOf(host)).toEqual([document?.execution]);
  }
  expect(startOf(documents[0]) - startOf(documents[1])).toBeGreaterThan(6 * DAY_MS);
});

it('an execution that is stopped is cleaned up and its change taken up where it ran, while the other host goes on', async () => {
  const promoted = heldBeforeTransition(other, Promise.resolve());
  const stopped = await execute(one, promote, {
    ...quick,
    abortAfter: (state) => state === 'ReplaceWorkload',
  });
  expect(stopped.registry.after?.stages).toMatchObject({ '2': 'Production' });
  // The clean-up starts nothing: a sweep does, once the functions of the execution have ended.
  expect(one.stepFunctions.take()).toEqual([]);
  expect(await sweepAndTakeUp(other, quick)).toEqual([]);
  const attempts = await sweepAndTakeUp(one, quick);
  expect(attempts).toMatchObject([
    {
      execution: expect.stringContaining(':resume-'),
      status: 'rolled_back',
      output: { operation: 'resume', change_id: stopped.execution },
      registry: { after: { stages: { '2': 'Production', '3': 'Staging' } } },
      workload: { after: { model_version: '2' } },
    },
  ]);
  expect(alertsOf(one)).toEqual([stopped.execution, ...attempts.map(({ execution }) => execution)]);
  expect((await promoted.ended).status).toBe('promoted');
});

it('a host that was started earlier works on after another was closed, and the environment of the process is as it was', async () => {
  const third = await emulated();
  seedPascalStrategy(third.mlflow, { challengerEdge: 0.21 });
  expect((await execute(third, promote, quick)).status).toBe('kept');
  await third.close();
  expect((await execute(one, promote, quick)).status).toBe('promoted');
  expect(environment()).toEqual(before);
});

it('a rollback for which an empty platform stands in is told from one that had its Workload', async () => {
  await execute(one, promote, quick);
  vi.stubEnv('MLFLOW_TRACKING_URI', one.mlflow.url);
  const empty = await startHost({ mlflow: true, workload: false });
  vi.unstubAllEnvs();
  const left = await execute(empty, { ...rollback, emergency: true }, quick);
  await empty.close();
  expect(left).toMatchObject({
    status: 'failed',
    output: { rollback: null, rollback_error: { Error: 'WorkloadNotFound' } },
  });
  expect(failedForMissingWorkload(left)).toBe(true);
  expect(failedForMissingWorkload(await execute(other, promote, quick))).toBe(false);
});
