import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelStatus } from '../../cli/commands/model-status.ts';
import { type ExecutionRun, execute } from '../../local/execution.ts';
import { type EmulatedHost, isEmulated } from '../../local/host.ts';
import { promote } from '../../local/scenarios/scenario.ts';
import {
  MODEL,
  registerBacktest,
  type Serving,
  seedPascalStrategy,
  seedServing,
} from '../../local/scenarios/seed.ts';
import { promotion } from '../support/command.ts';
import { startEmulatedHost } from '../support/emulated-host.ts';

/** What `promotion status` prints, read from the table, the registry and the platform of a local host. */

let host: EmulatedHost;
let serving: Serving;

beforeEach(async () => {
  const started = await startEmulatedHost();
  if (!isEmulated(started)) throw new Error('not on emulators');
  host = started;
  seedPascalStrategy(host.mlflow);
  serving = seedServing(host);
});
afterEach(() => host.close());

const VARIABLES = [
  ...['MLFLOW_TRACKING_URI', 'DATAROBOT_ENDPOINT', 'DATAROBOT_API_TOKEN', 'PROMOTION_TABLE'],
  ...['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
];

/** The environment of somebody who may read all three; an empty value counts as absent. */
const settings = (more: Record<string, string> = {}) => ({
  ...Object.fromEntries(VARIABLES.map((name) => [name, host.env[name] ?? ''])),
  ...more,
});
const status = (args: string[], more?: Record<string, string>) =>
  promotion(['status', ...args], { env: settings(more) });
const run = (input: object, more: Partial<ExecutionRun> = {}) =>
  execute(host, input, { pauseMs: 1, ...more });
const adopt = { operation: 'adopt', model_name: MODEL, requested_by: 'the duty officer' };

/** The document of one model, and the exit status. */
async function documentOf(model = MODEL, more?: Record<string, string>) {
  const ran = await status([model, '--json'], more);
  expect(ran.stderr).toBe('');
  return { code: ran.code, ...(JSON.parse(ran.stdout) as ModelStatus) };
}

/** A promotion that is stopped during its rollout: its change stays open. */
async function stoppedPromotion() {
  let polls = 0;
  const document = await run(promote, {
    abortAfter: (state) => state === 'ReplaceWorkload' && ++polls === 2,
  });
  return document.execution;
}

describe('a model', () => {
  it('of which nothing is recorded yet is not in step, and what to do is said', async () => {
    expect(await documentOf()).toMatchObject({
      code: 1,
      model: MODEL,
      status: 'unrecorded',
      live: null,
      change: null,
      lease: null,
      registry: { production: ['2'] },
      workload: { workload_id: serving.workloadId, artifact_id: serving.artifacts[2], in_flight: null },
      rollback_to: null,
      unread: [],
    });
    const { code, stdout } = await status([MODEL]);
    expect(code).toBe(1);
    expect(stdout).toContain(`promotion adopt ${MODEL}`);
  });

  it('that was promoted is in step: exit 0, with what is live, what both sides show, and the way back', async () => {
    const { execution } = await run(promote);
    expect(await documentOf()).toMatchObject({
      code: 0,
      status: 'in_step',
      live: { version: '3', artifact_id: serving.artifacts[3], change: execution, adopted_by: null },
      change: null,
      lease: null,
      registry: { production: ['3'] },
      workload: { artifact_id: serving.artifacts[3], artifact_status: 'locked', in_flight: null },
      rollback_to: '2',
    });
    const { code, stdout, stderr } = await status([MODEL]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const part of [MODEL, 'version 3', String(serving.artifacts[3]), execution, 'version 2'])
      expect(stdout).toContain(part);
  });

  it('that is watched and needs a retraining shows both, until a new version comes', async () => {
    await run(promote);
    expect(await documentOf()).toMatchObject({ watch: null, retraining: null });
    host.clock.skip(8 * 24 * 3_600_000);
    await host.functions['watch-releases']({ watch: true });
    await host.functions['check-retraining-needed']({ model_name: MODEL });
    const found = await documentOf();
    expect(found).toMatchObject({
      status: 'in_step',
      watch: { status: expect.any(String) },
      retraining: { trigger: 'scheduled', attempt: 1 },
      unread: [],
    });
    const { stdout } = await status([MODEL]);
    for (const part of [found.retraining?.opened_at, found.retraining?.next_at, 'scheduled'])
      expect(stdout).toContain(part);
    registerBacktest(host.mlflow, { version: 4, stage: 'None' });
    host.clock.skip(3_600_000);
    await host.functions['check-retraining-needed']({ model_name: MODEL });
    expect(await documentOf()).toMatchObject({ retraining: null });
  });

  it('that was rolled back names the live version as the one that a rollback goes to', async () => {
    await run(promote);
    await run({ operation: 'rollback', model_name: MODEL, emergency: true });
    expect(await documentOf()).toMatchObject({ code: 0, live: { version: '2' }, rollback_to: '2' });
  });

  it('whose registry was moved by hand is out of step until it is brought back', async () => {
    await run(promote);
    host.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
    expect(await documentOf()).toMatchObject({
      code: 1,
      status: 'out_of_step',
      live: { version: '3' },
      registry: { production: ['1'] },
    });
    host.mlflow.registry.transition(MODEL, '3', 'Production', { archive: true });
    expect(await documentOf()).toMatchObject({ code: 0, status: 'in_step' });
  });

  it('that was adopted is in step, and who adopted it is said', async () => {
    const { status: ended, alerts } = await run(adopt);
    expect(ended).toBe('adopted');
    expect(alerts).toMatchObject([{ attributes: { kind: 'adopted' } }]);
    expect(await documentOf()).toMatchObject({
      code: 0,
      live: { version: '2', artifact_id: serving.artifacts[2], adopted_by: adopt.requested_by },
    });
    expect((await status([MODEL])).stdout).toContain(adopt.requested_by);
  });

  it('is adopted also by an execution that was stopped before it could say so', async () => {
    const stopped = await run(adopt, { abortAfter: (state) => state === 'PreparePromotion' });
    expect(stopped.status).toBe('adopted');
    expect(await documentOf()).toMatchObject({ code: 0, live: { change: stopped.execution } });
  });

  it('whose registered model was deleted is out of step', async () => {
    await run(adopt);
    host.mlflow.reset();
    expect(await documentOf()).toMatchObject({ code: 1, status: 'out_of_step', registry: null, unread: [] });
  });
});

describe('an open change', () => {
  it('is shown with its aim, its attempts and the holder of the lease: exit 1', async () => {
    const execution = await stoppedPromotion();
    const found = await documentOf();
    expect(found).toMatchObject({
      code: 1,
      status: 'open',
      live: { version: '2' },
      change: {
        id: execution,
        kind: 'promote',
        to: '3',
        aim: { version: '3', artifact_id: serving.artifacts[3] },
        safe: { version: '2', artifact_id: serving.artifacts[2] },
        turned_at: null,
        attempts: 0,
        known: true,
        requested_by: promote.requested_by,
      },
      lease: { holder: execution, fence: 1 },
      workload: { artifact_id: serving.artifacts[2], in_flight: serving.artifacts[3] },
      rollback_to: '2',
    });
    const { stdout } = await status([MODEL]);
    for (const part of [found.change?.opened_at, found.change?.next_attempt_at, found.lease?.expires_at])
      expect(stdout).toContain(String(part));
  });

  it('that a sweep has taken up shows the attempt, and when the next one is due', async () => {
    await stoppedPromotion();
    host.clock.skip(10 * 60_000);
    await host.functions['sweep-promotions']({ sweep: true });
    const { change } = await documentOf();
    expect(change?.attempts).toBe(1);
    expect(Date.parse(change?.next_attempt_at ?? '') - host.clock.now().getTime()).toBeGreaterThan(
      5 * 60_000,
    );
    const [attempt] = host.stepFunctions.take();
    const { status: ended } = await run(attempt?.input ?? {});
    expect(ended).toBe('rolled_back');
    expect(await documentOf()).toMatchObject({ code: 0, status: 'in_step', live: { version: '2' } });
  });

  it('says that no attempt is started while a side shows what it did not put there', async () => {
    await stoppedPromotion();
    host.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
    expect(await documentOf()).toMatchObject({ code: 1, status: 'open', change: { known: false } });
  });
});

describe('without a model', () => {
  const register = (name: string) => {
    const { registry } = host.mlflow;
    registry.createModel(name, {});
    registry.createVersion(name, { stage: 'Production', runId: registry.createRun({ experiment: name }) });
  };

  it('every recorded model is listed, open ones first: exit 0 only if all are in step', async () => {
    const names = Array.from({ length: 7 }, (_, number) => `model-${number}`);
    for (const name of names) {
      register(name);
      await run({ operation: 'adopt', model_name: name });
    }
    // Nothing is recorded of a model by an operation that was refused.
    register('refused');
    await run({ operation: 'rollback', model_name: 'refused', reason: 'MANUAL_REQUEST' });
    const listed = await status(['--json']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    const models: ModelStatus[] = JSON.parse(listed.stdout).models;
    expect(models.map(({ model }) => model)).toEqual(names);
    expect(new Set(models.map((each) => each.status))).toEqual(new Set(['in_step']));
    await stoppedPromotion();
    const table = await status([]);
    expect(table).toMatchObject({ code: 1, stderr: '' });
    // What does not fit beside the name hangs below it.
    const lines = table.stdout.trimEnd().replaceAll(/\n +/g, ' ').split('\n');
    expect(lines).toHaveLength(names.length + 1);
    expect(lines[0]).toMatch(new RegExp(`^${MODEL} .*version 2.*promote to version 3`));
  });

  it('an empty table is told, which is no failure', async () => {
    expect(await status([])).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse((await status(['--json'])).stdout)).toEqual({ models: [] });
  });

  it('a table that cannot be read is an error', async () => {
    const ran = await status([], { PROMOTION_TABLE: 'no-such-table' });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('LeaseStoreUnavailable');
  });
});

describe('a part that cannot be read', () => {
  beforeEach(async () => {
    await run(adopt);
  });

  it('of MLflow is named, the table is still shown, and the exit status is 1', async () => {
    host.mlflow.faults.add({ path: '*', effect: { kind: 'answer', status: 403, body: '{}' } });
    const found = await documentOf();
    expect(found).toMatchObject({ code: 1, status: 'unknown', live: { version: '2' }, registry: null });
    expect(found.unread).toEqual([
      { part: 'registry', error: expect.stringMatching(/^MlflowRefused: .*403/) },
    ]);
    const { stdout } = await status([MODEL]);
    expect(stdout).toContain('version 2');
    expect(stdout).toContain('MlflowRefused');
  });

  it('of the platform is named, also where no variable of it is set', async () => {
    host.workload.faults.add({ path: '*', effect: { kind: 'answer', status: 403, body: '{}' } });
    expect(await documentOf()).toMatchObject({
      code: 1,
      status: 'unknown',
      registry: { production: ['2'] },
      workload: null,
      unread: [{ part: 'workload', error: expect.stringMatching(/^WorkloadApiRefused/) }],
    });
    expect(await documentOf(MODEL, { DATAROBOT_ENDPOINT: '', DATAROBOT_API_TOKEN: '' })).toMatchObject({
      unread: [{ part: 'workload', error: expect.stringContaining('DATAROBOT_ENDPOINT is not set') }],
    });
  });

  it('of the table is named, with what AWS answered', async () => {
    const found = await documentOf(MODEL, { PROMOTION_TABLE: 'no-such-table' });
    expect(found).toMatchObject({
      code: 1,
      status: 'unknown',
      live: null,
      registry: { production: ['2'] },
      unread: [{ part: 'table', error: expect.stringMatching(/LeaseStoreUnavailable.*ResourceNotFound/) }],
    });
  });
});

describe('a request that cannot be answered', () => {
  it('for a model that neither MLflow nor the table knows exits 1 and says so', async () => {
    const ran = await status(['nobody\u202e']);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('"nobody\\u{202e}" does not exist');
  });

  it.each([
    [
      { PROMOTION_TABLE: '', MLFLOW_TRACKING_URI: '' },
      ['PROMOTION_TABLE is not set', 'MLFLOW_TRACKING_URI is not set'],
    ],
    [{ DATAROBOT_ENDPOINT: '' }, ['DATAROBOT_ENDPOINT is not set']],
    [{ DATAROBOT_API_TOKEN: '' }, ['DATAROBOT_API_TOKEN is not set']],
  ])('with the settings %j exits 2 and names every problem', async (more, problems) => {
    const ran = await status([MODEL], more);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    for (const problem of problems) expect(ran.stderr).toContain(problem);
  });
});
