import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { type SnsEmulator, startSnsEmulator } from '../../emulators/aws/sns.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { startWorkloadEmulator, type WorkloadEmulator } from '../../emulators/workload/server.ts';
import { ENTRY, functionsDirectory } from '../../infra/bundles.ts';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import type { Handler } from '../../lambdas/runtime/handler.ts';
import type { AlertKind } from '../../lambdas/words/alert/wording.ts';
import { seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { type KillingProxy, killingProxy, type WriteCount } from '../support/killing-proxy.ts';
import { recordedOutcome } from '../support/recorded-outcomes.ts';

/**
 * For each remote write of a function: the process is killed just after the write took effect and before its answer
 * arrives, then the step runs again in a new process, as Lambda and the state machine would have it. A process that was
 * not killed is given the next event of its function, as Lambda does, too.
 */

const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:promotion:crash';
const MODEL = 'PascalStrategy';
/** The bundles, with a policy of their own beside the others that allows to derive an artifact. */
const bundles = mkdtempSync(join(tmpdir(), 'bundles-'));
cpSync(functionsDirectory(), bundles, { recursive: true });
for (const name of ['compare-models', 'prepare-promotion']) {
  const policies = join(bundles, name, 'policies');
  const trading = JSON.parse(readFileSync(join(policies, 'trading.json'), 'utf8'));
  const deriving = { ...trading, serving: { derive_artifact: true } };
  writeFileSync(join(policies, 'deriving.json'), JSON.stringify(deriving));
}

/** What every step is given of its execution. */
const frame = {
  operation: 'promote',
  model_name: MODEL,
  wait_for_lease_minutes: 0,
  dry_run: false,
  execution: EXECUTION,
  started_at: '2026-11-21T10:00:00Z',
};

let mlflow: MlflowEmulator;
let sns: SnsEmulator;
let workload: WorkloadEmulator;
let table: LocalTable;
let proxies: KillingProxy[];
let env: NodeJS.ProcessEnv;
const count: WriteCount = { seen: [], killAt: null, kill: () => {} };

async function start() {
  table = await startLocalTable();
  const systems = [() => mlflow.url, () => sns.url, () => table.endpoint, () => new URL(workload.url).origin];
  proxies = await Promise.all(systems.map((url) => killingProxy(url, count)));
  env = {
    PATH: process.env['PATH'],
    MLFLOW_TRACKING_URI: proxies[0]?.url,
    AWS_ENDPOINT_URL_SNS: proxies[1]?.url,
    AWS_ENDPOINT_URL_DYNAMODB: proxies[2]?.url,
    DATAROBOT_ENDPOINT: `${proxies[3]?.url}/api/v2`,
    DATAROBOT_API_TOKEN: workload.token,
    ALERT_SNS_TOPIC_ARN: sns.topicArn,
    PROMOTION_TABLE: table.name,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    NODE_COMPILE_CACHE: join(bundles, 'compile-cache'),
  };
}

/** A fresh world: the seeded registry, no lease, no outcome, no alert. */
async function renew() {
  await table.close();
  table = await startLocalTable();
  mlflow.reset();
  sns.reset();
  workload.reset();
  seedPascalStrategy(mlflow);
}

/** Calls a function in this process, from its sources: what stands before and after the step that is killed. */
async function call(name: FunctionName, event: object): Promise<Record<string, unknown>> {
  const module: { handler: Handler } = await import(`../../lambdas/${name}.ts`);
  return (await module.handler.withClock(systemClock, env)(event)) as Record<string, unknown>;
}

/** The processes that wait for the next event of their functions. */
const processes = new Map<FunctionName, ChildProcess>();

/** A process with the bundle of a function, which answers one event after the other. */
function startProcess(name: FunctionName): ChildProcess {
  const bundle = { _HANDLER: 'index.handler', LAMBDA_TASK_ROOT: dirname(join(bundles, name, ENTRY)) };
  return fork(new URL('../support/lambda-runner.mjs', import.meta.url), [], {
    execArgv: [],
    env: { ...env, ...bundle },
  });
}

const Reply = z.object({
  answer: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ trace: z.array(z.string()) }).optional(),
});

/** Runs a function in a process of its own; killed right after its write number `killAt`. */
async function invoke(name: FunctionName, event: object, killAt: number | null = null) {
  Object.assign(count, { seen: [], killAt });
  const child = processes.get(name) ?? startProcess(name);
  processes.set(name, child);
  count.kill = () => child.kill('SIGKILL');
  const over = new AbortController();
  const { signal } = over;
  child.send({ id: 'request-1', event, ahead: 0, timeoutMs: 60_000 });
  const reply = await Promise.race([
    once(child, 'message', { signal }).then(([message]) => Reply.parse(message)),
    once(child, 'exit', { signal }).then(([, by]) => (by === 'SIGKILL' ? 'killed' : 'exited')),
  ]).finally(() => {
    over.abort();
    // What this process writes from here on kills nobody.
    count.killAt = null;
  });
  if (reply === 'killed') {
    processes.delete(name);
    return 'killed' as const;
  }
  if (typeof reply === 'string') throw new Error('the process has come to its end');
  if (reply.answer === undefined) throw new Error(reply.error?.trace.join('\n'));
  return reply.answer;
}

const inProduction = () =>
  Object.entries(mlflow.snapshot()[MODEL]?.versions ?? {})
    .filter(([, v]) => v.stage === 'Production')
    .map(([version]) => version);

/** Kills after the first write, then after the second, and so on, until a run gets through; answers its writes. */
async function killAfterEachWrite(
  before: () => Promise<void>,
  name: FunctionName,
  event: object,
  check: (answer: Record<string, unknown>) => Promise<void>,
) {
  for (let killAt = 1; killAt < 20; killAt += 1) {
    await renew();
    await before();
    const first = await invoke(name, event, killAt);
    if (first !== 'killed') {
      await check(first);
      return count.seen;
    }
    const again = await invoke(name, event);
    if (again === 'killed') throw new Error(`killed when it ran again after write ${killAt}`);
    await check(again);
  }
  throw new Error('the function never came to an end');
}

beforeAll(async () => {
  mlflow = await startMlflowEmulator({});
  sns = await startSnsEmulator({});
  workload = await startWorkloadEmulator({});
  await start();
});
afterAll(async () => {
  for (const child of processes.values()) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(bundles, { recursive: true });
  for (const proxy of proxies) proxy.close();
  await table.close();
  await Promise.all([mlflow.close(), sns.close(), workload.close()]);
});

const startedReplacements = () =>
  workload.requests.filter(
    ({ method, path, status }) => method === 'POST' && path.endsWith('/replacement') && status === 202,
  );
const nothing = async () => {};
const alerts = (kind: AlertKind) => sns.published.filter(({ attributes }) => attributes['kind'] === kind);

describe('a function killed after each of its remote writes, and run again', () => {
  it('promotes once and announces it: promote-model invoked directly', async () => {
    const writes = await killAfterEachWrite(
      nothing,
      'promote-model',
      { model_name: MODEL, confidence: 0.85 },
      async (answer) => {
        expect(answer).toMatchObject({ promoted: true, new_version: '3', new_stage: 'Production' });
        expect(inProduction()).toEqual(['3']);
        expect(alerts('promoted').length).toBeGreaterThanOrEqual(1);
        expect(await recordedOutcome(table, alerts('promoted')[0]?.attributes['execution'])).toMatchObject({
          champion_before: '2',
        });
      },
    );
    expect(writes).toEqual([
      'dynamodb UpdateItem',
      'mlflow model-versions/set-tag',
      'mlflow model-versions/transition-stage',
      'dynamodb PutItem',
      'sns Publish',
      'dynamodb UpdateItem',
      'mlflow model-versions/set-tag',
      'dynamodb UpdateItem',
    ]);
  }, 120_000);

  it('goes back once: model-rollback invoked directly', async () => {
    const promoted = async () => {
      await call('promote-model', { model_name: MODEL });
    };
    await killAfterEachWrite(
      promoted,
      'model-rollback',
      { model_name: MODEL, reason: 'TEST_FAILURE' },
      async (answer) => {
        expect(answer).toMatchObject({
          rolled_back: true,
          from_version: '3',
          to_version: '2',
          status: 'completed',
        });
        expect(inProduction()).toEqual(['2']);
        expect(mlflow.snapshot()[MODEL]?.versions['3']?.tags['rolled_back']).toContain('TEST_FAILURE');
        expect(alerts('rolled_back').length).toBeGreaterThanOrEqual(1);
      },
    );
  }, 120_000);
});

describe('the steps of an execution, each killed after each of its remote writes, and run again', () => {
  let comparison: Record<string, unknown>;
  let prepared: Record<string, unknown>;
  const prepareInput = () => ({ ...frame, comparison, challenger_version: '3' });
  const prepare = async () => {
    comparison = await call('compare-models', { model_name: MODEL });
    prepared = await call('prepare-promotion', prepareInput());
  };

  it('takes one lease and writes one intent: prepare-promotion', async () => {
    await renew();
    comparison = await call('compare-models', { model_name: MODEL });
    const writes = await killAfterEachWrite(nothing, 'prepare-promotion', prepareInput(), async (answer) => {
      expect(answer).toMatchObject({
        status: 'ready',
        fence: 1,
        promotion_id: 'crash',
        before_state: { champion_version: '2', challenger_version: '3' },
      });
      expect(inProduction()).toEqual(['2']);
      const { tags } = mlflow.snapshot()[MODEL]?.versions['3'] ?? { tags: {} };
      expect(Object.keys(tags).filter((key) => key.startsWith('promotion.'))).toEqual(['promotion.crash']);
    });
    expect(writes).toEqual([
      'dynamodb UpdateItem',
      'mlflow registered-models/set-tag',
      'mlflow model-versions/set-tag',
    ]);
  }, 120_000);

  it('moves the registry once and leaves the alert to the end: promote-model', async () => {
    const event = () => ({
      model_name: MODEL,
      new_version: '3',
      confidence: 0.85,
      expected_champion: '2',
      fence: 1,
      execution: EXECUTION,
    });
    await killAfterEachWrite(prepare, 'promote-model', event(), async (answer) => {
      expect(answer).toMatchObject({ promoted: true, new_version: '3' });
      expect(inProduction()).toEqual(['3']);
      expect(sns.published).toHaveLength(0);
      expect(mlflow.snapshot()[MODEL]?.versions['3']?.tags['promotion.crash.result']).toContain('promoted');
    });
  }, 120_000);

  it('records one outcome and sends at least one alert: end-promotion', async () => {
    const promote = async () => {
      await prepare();
      promotion = await call('promote-model', {
        model_name: MODEL,
        new_version: '3',
        expected_champion: '2',
        fence: 1,
        execution: EXECUTION,
      });
    };
    let promotion: unknown;
    const event = { execution: EXECUTION, state: { ...frame, valid: true, challenger_version: '3' } };
    Object.defineProperties(event.state, {
      comparison: { get: () => comparison, enumerable: true },
      prepared: { get: () => prepared, enumerable: true },
      promotion: { get: () => promotion, enumerable: true },
    });
    const writes = await killAfterEachWrite(promote, 'end-promotion', event, async (answer) => {
      expect(answer).toMatchObject({ status: 'promoted', succeeded: true, alert: 'sent' });
      expect(alerts('promoted').length).toBeGreaterThanOrEqual(1);
      expect(await call('sweep-promotions', { sweep: true })).toEqual({
        sent: 0,
        pending: 0,
        cleaned_up: 0,
      });
      // The lease is free again: the next execution gets it at once, with the next fence.
      const next = await call('prepare-promotion', { ...prepareInput(), execution: `${EXECUTION}-2` });
      expect(next).toMatchObject({ status: 'ready', fence: 2 });
    });
    expect(writes.length).toBeGreaterThan(0);
  }, 120_000);
});

describe('the serving steps, each killed after each of its remote writes, and run again', () => {
  let served: { workloadId: string; artifactId: string };

  /** The model is served by a Workload, and its policy allows to derive an artifact. */
  const serve = async () => {
    const old = workload.direct.createArtifact({ locked: true, env: { MODEL_VERSION: '2' } });
    const { id } = workload.direct.createWorkload({ artifactId: old.id });
    mlflow.registry.setModelTag(MODEL, 'workload.id', id);
    served = { workloadId: id, artifactId: old.id };
  };
  const tagsOf = (version: string) => mlflow.snapshot()[MODEL]?.versions[version]?.tags ?? {};
  const artifacts = () =>
    workload.direct.perform('GET', 'artifacts?limit=100') as { data: { id: string; status: string }[] };

  it('derives one artifact and announces it once: prepare-promotion', async () => {
    await renew();
    const compared = (await invoke('compare-models', {
      model_name: MODEL,
      policy: 'deriving',
    })) as object;
    const event = { ...frame, policy: 'deriving', comparison: compared, challenger_version: '3' };
    const writes = await killAfterEachWrite(serve, 'prepare-promotion', event, async (answer) => {
      const derived = tagsOf('3')['workload.artifact_id'];
      expect(answer).toMatchObject({ status: 'ready', workload_id: served.workloadId, artifact_id: derived });
      expect(artifacts().data).toHaveLength(2);
      expect(workload.direct.artifact(String(derived)).status).toBe('locked');
      expect(answer['before_state']).toMatchObject({
        serving: { artifact_id: derived, previous_artifact_id: served.artifactId },
      });
    });
    expect(writes).toEqual([
      'dynamodb UpdateItem',
      'mlflow registered-models/set-tag',
      'workload POST artifacts/:id/clone',
      'workload PATCH artifacts/:id',
      'workload PATCH artifacts/:id',
      'mlflow model-versions/set-tag',
      'mlflow model-versions/set-tag',
    ]);
  }, 120_000);

  it('starts one replacement: replace-workload', async () => {
    let fresh = '';
    const before = async () => {
      await serve();
      fresh = workload.direct.createArtifact({ locked: true }).id;
    };
    const event = { deadline: '2030-01-01T00:00:00Z' };
    Object.defineProperties(event, {
      workload_id: { get: () => served.workloadId, enumerable: true },
      artifact_id: { get: () => fresh, enumerable: true },
    });
    await killAfterEachWrite(before, 'replace-workload', event, async (answer) => {
      expect(answer, String(answer['reason'])).toMatchObject({
        status: 'in_progress',
        artifact_id: fresh,
      });
      expect(startedReplacements()).toHaveLength(1);
    });
  }, 120_000);

  it('starts one replacement back: model-rollback', async () => {
    let before_state: object = {};
    const before = async () => {
      await serve();
      // Version 3 is champion and served; version 2's artifact is what it replaced.
      const old = workload.direct.createArtifact({ locked: true });
      const serving = {
        workload_id: served.workloadId,
        artifact_id: served.artifactId,
        previous_artifact_id: old.id,
        previous_status: 'locked',
        previous_runtime: null,
        previous_importance: null,
      };
      mlflow.registry.transition(MODEL, '3', 'Production', { archive: true });
      before_state = { champion_version: '2', challenger_version: '3', serving };
    };
    const event = { model_name: MODEL, reason: 'ROLLOUT_FAILED' };
    Object.defineProperties(event, { before_state: { get: () => before_state, enumerable: true } });
    const writes = await killAfterEachWrite(before, 'model-rollback', event, async (answer) => {
      expect(answer).toMatchObject({
        status: 'in_progress',
        rolled_back: false,
        from_version: '3',
        to_version: '2',
      });
      expect(startedReplacements()).toHaveLength(1);
      // Serving first: the registry waits until the old artifact is served again.
      expect(inProduction()).toEqual(['3']);
    });
    expect(writes).toContain('workload POST workloads/:id/replacement');
  }, 120_000);
});
