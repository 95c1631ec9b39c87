import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import ora from 'ora';
import { startSnsEmulator } from '../../../emulators/aws/sns.ts';
import { systemClock } from '../../../lambdas/adapters/clock.ts';
import type { Handler } from '../../../lambdas/runtime/handler.ts';
import { type Recorder, recorder } from '../exchanges.ts';

interface Options {
  json?: true;
  runs: number;
  trackingUri: string;
  python?: string;
}

/** One call in a warm process. */
interface Call {
  readonly ms: number;
  /** While a request was under way: the part of the server and of the way to it. */
  readonly serverMs: number;
  readonly requests: number;
}

/** Calls a function: `version` is the one to promote. */
type Caller = (what: What, version: string) => Promise<number>;
type What = 'compare-models' | 'promote-model';

/** `npm run bench -- warm`: promotions and comparisons in a warm process against a real MLflow server. */
export function warmCommand(): Command {
  return new Command('warm')
    .description(
      'promotions and comparisons of a warm process against an MLflow server, beside its Python client',
    )
    .option('--json', 'no table: one JSON document on standard output')
    .option('--runs <count>', 'calls of each function', positive, 100)
    .requiredOption(
      '--tracking-uri <url>',
      'an MLflow server for tests: a registered model is made there, and stays',
    )
    .option('--python <path>', 'a Python with mlflow or mlflow-skinny, for the peer')
    .action(run);
}

async function run({ json, runs, trackingUri, python }: Options): Promise<void> {
  if (python !== undefined && !existsSync(python)) throw new Error(`--python: there is no ${python}`);
  const progress = ora('making a model').start();
  const sns = await startSnsEmulator({});
  const gateway = await recorder({ MLFLOW_TRACKING_URI: trackingUri, AWS_ENDPOINT_URL_SNS: sns.url });
  try {
    const model = await makeModel(trackingUri.replace(/\/$/, ''));
    const callers: [string, Caller & { close?: () => void }][] = [['ours', await ours(gateway, model)]];
    if (python !== undefined) callers.push(['Python', pythonPeer(python, gateway, model)]);
    const found: Record<string, ReturnType<typeof rowOf>> = {};
    for (const what of ['compare-models', 'promote-model'] as const) {
      const calls = new Map<string, Call[]>(callers.map(([who]) => [who, []]));
      for (let at = 0; at < runs; at += 1) {
        progress.text = `${what}: ${at} of ${runs}`;
        // They take turns, and each moves the other version to Production.
        for (const [index, [who, call]] of callers.entries()) {
          const recorded = gateway.record();
          const ms = await call(what, String(((at * callers.length + index) % 2) + 1));
          const mlflow = recorded.filter(({ system }) => system === 'mlflow');
          const waves = Map.groupBy(mlflow, ({ wave }) => wave);
          const serverMs = [...waves.values()].reduce(
            (sum, wave) => sum + Math.max(...wave.map((each) => each.ms)),
            0,
          );
          calls.get(who)?.push({ ms, serverMs, requests: mlflow.length });
        }
      }
      for (const [who, of] of calls) found[`${what}, ${who}`] = rowOf(of);
    }
    for (const [, { close }] of callers) close?.();
    progress.stop();
    if (json) console.log(JSON.stringify({ node: process.versions.node, runs, found }, null, 2));
    else {
      console.table(found);
      console.log(
        `${runs} calls each, in turn, of one process each that is warm; each promotion moves another version. "server" is the\nmedian of the time while requests to MLflow were under way. Node ${process.versions.node}.`,
      );
    }
  } finally {
    progress.stop();
    await gateway.close();
    await sns.close();
  }
}

/** Two versions with a metric each; the second is better. */
async function makeModel(url: string): Promise<string> {
  const name = `bench-${randomUUID()}`;
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
    return (await answer.json()) as { run?: { info: { run_id: string } } };
  };
  await post('registered-models/create', { name });
  for (const accuracy of [0.85, 0.9]) {
    const { run } = await post('runs/create', { experiment_id: '0', start_time: Date.now() });
    const run_id = run?.info.run_id ?? '';
    await post('runs/log-metric', { run_id, key: 'accuracy', value: accuracy, timestamp: Date.now() });
    await post('runs/log-parameter', { run_id, key: 'eval_rows', value: '20000' });
    await post('runs/log-inputs', {
      run_id,
      datasets: [
        {
          tags: [{ key: 'mlflow.data.context', value: 'evaluation' }],
          dataset: { name: 'holdout', digest: 'a41c09d7', source_type: 'local', source: '{}' },
        },
      ],
    });
    await post('runs/update', { run_id, status: 'FINISHED', end_time: Date.now() });
    await post('model-versions/create', { name, source: `runs:/${run_id}/model`, run_id });
  }
  await post('model-versions/transition-stage', {
    ...{ name, version: '1', stage: 'Production', archive_existing_versions: false },
  });
  return name;
}

async function ours(gateway: Recorder, model: string): Promise<Caller> {
  const aws = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
  const alerts = {
    ALERT_SNS_TOPIC_ARN: 'arn:aws:sns:us-east-1:123456789012:promotion-alerts',
    ENVIRONMENT: 'bench',
  };
  process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
  const load = async (name: What): Promise<Handler> =>
    ((await import(`../../../lambdas/${name}.ts`)) as { handler: Handler }).handler.withClock(systemClock, {
      ...process.env,
      ...aws,
      ...alerts,
      ...gateway.env,
    });
  const [compare, promote] = [await load('compare-models'), await load('promote-model')];
  const call: Caller = async (what, version) => {
    const from = performance.now();
    const context = { awsRequestId: randomUUID() };
    if (what === 'compare-models')
      await compare(
        { model_name: model, champion_version: '1', challenger_version: '2', policy: 'default' },
        context,
      );
    else {
      const answer = (await promote({ model_name: model, new_version: version }, context)) as {
        reason?: string;
      };
      if (!('promoted' in answer) || answer.promoted !== true)
        throw new Error(`Not promoted: ${answer.reason}`);
    }
    return performance.now() - from;
  };
  await call('compare-models', '2');
  await call('promote-model', '2');
  return call;
}

function pythonPeer(python: string, gateway: Recorder, model: string): Caller & { close: () => void } {
  const child = spawn(python, [fileURLToPath(new URL('peer.py', import.meta.url))], {
    env: { PATH: process.env['PATH'], ...gateway.env, EVENT: JSON.stringify({ model_name: model }) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const call: Caller = async (what, version) => {
    child.stdin.write(`${what} ${version}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('The Python peer ended');
    return Number(value);
  };
  return Object.assign(call, { close: () => void child.stdin.end() });
}

function rowOf(calls: readonly Call[]) {
  const at = (share: number, of: (call: Call) => number) => {
    const sorted = calls.map(of).sort((a, b) => a - b);
    return Number(
      (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN).toFixed(1),
    );
  };
  return {
    'p50 ms': at(0.5, ({ ms }) => ms),
    'p99 ms': at(0.99, ({ ms }) => ms),
    'server ms': at(0.5, ({ serverMs }) => serverMs),
    'besides ms': at(0.5, ({ ms, serverMs }) => ms - serverMs),
    requests: at(0.5, ({ requests }) => requests),
  };
}

function positive(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0 && count <= 10_000) return count;
  throw new InvalidArgumentError('must be a whole number from 1 to 10000.');
}
