import { type ExecFileException, execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MlflowRest, unique } from '../support/mlflow-rest.ts';
import { type RealServer, realServers } from './servers.ts';

const root = join(import.meta.dirname, '../..');
const TIMEOUT_MS = 180_000;

/** A program's output and exit status; its standard error is shown when the test fails. */
function run(command: string, args: string[], input: string, env: NodeJS.ProcessEnv) {
  const { promise, resolve } = Promise.withResolvers<{ status: number; stdout: string; stderr: string }>();
  const own = Object.entries(process.env).filter(([name]) => !/^(MLFLOW_|AWS_)/.test(name));
  const child = execFile(
    command,
    args,
    {
      cwd: root,
      env: { ...Object.fromEntries(own), MLFLOW_DISABLE_TELEMETRY: 'true', ...env },
      timeout: TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    },
    (error: ExecFileException | null, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
  );
  child.stdin?.end(input);
  return promise;
}

/** Trains with MLflow's own client, as `examples/retrain` does; the execution input that it would start. */
async function retrain({ url, python }: RealServer, model: string): Promise<object> {
  if (python === null) throw new Error('MLFLOW_TEST_PYTHONS names no Python for this server');
  const script = join(root, 'examples/retrain/train.py');
  const args = [script, '--tracking-uri', url, '--model-name', model, '--json'];
  const { status, stdout, stderr } = await run(python, args, '', {});
  expect(status, stderr).toBe(0);
  return (JSON.parse(stdout) as { input: object }).input;
}

interface Document {
  status: string;
  alerts: object[];
  registry: { before: unknown; after: unknown };
}

async function promotion(url: string, input: object): Promise<Document> {
  const args = [join(root, 'cli/promotion.mjs'), 'run', '--input', '-', '--json'];
  const result = await run(process.execPath, args, JSON.stringify(input), { MLFLOW_TRACKING_URI: url });
  expect(result.status, result.stderr).toBe(0);
  return JSON.parse(result.stdout) as Document;
}

/** Everything the registry holds about a model. */
async function contents(url: string, model: string): Promise<unknown> {
  const api = new MlflowRest({ url });
  const order = { order_by: 'version_number ASC' };
  const versions = await api.get('model-versions/search', { filter: `name='${model}'`, ...order });
  return [(await api.get('registered-models/get', { name: model })).body, versions.body];
}

/** The script of the README, for a model of this name. */
function scriptOfReadme(model: string): string {
  const script = /```python\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1];
  if (script === undefined) throw new Error('README.md has no Python script');
  return script.replaceAll('my-model', model);
}

/** What MLflow's own evaluator logs, and nothing else. */
const evaluatorAlone = (model: string) => `
import mlflow, pandas
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
x, y = load_breast_cancer(return_X_y=True, as_frame=True)
model = LogisticRegression(max_iter=10_000).fit(x[::2], y[::2])
with mlflow.start_run():
    info = mlflow.sklearn.log_model(model, "model", registered_model_name="${model}")
    rows = x[1::2].assign(target=y[1::2])
    mlflow.models.evaluate(info.model_uri, rows, targets="target", model_type="classifier", evaluator_config={"log_model_explainability": False})
mlflow.MlflowClient().transition_model_version_stage("${model}", "1", "Staging")
`;

async function trained({ url, python }: RealServer, script: string): Promise<void> {
  if (python === null) throw new Error('MLFLOW_TEST_PYTHONS names no Python for this server');
  const { status, stderr } = await run(python, ['-'], script, { MLFLOW_TRACKING_URI: url });
  expect(status, stderr).toBe(0);
}

describe.each(realServers())('the main job on $name', (server) => {
  it('promotes what the script of the README trains, and its next version only if it is better', {
    timeout: 3 * TIMEOUT_MS,
  }, async () => {
    const model = unique('readme');
    await trained(server, scriptOfReadme(model));
    const first = await promotion(server.url, { model_name: model });
    expect(first).toMatchObject({ status: 'promoted', registry: { after: { stages: { 1: 'Production' } } } });
    await trained(server, scriptOfReadme(model));
    // The same script trains an equal model: no gain beyond chance.
    expect(await promotion(server.url, { model_name: model })).toMatchObject({ status: 'kept' });
  });

  it('promotes a first model of which MLflow has logged everything by itself', {
    timeout: 2 * TIMEOUT_MS,
  }, async () => {
    const model = unique('evaluated');
    await trained(server, evaluatorAlone(model));
    expect(await promotion(server.url, { model_name: model })).toMatchObject({ status: 'promoted' });
  });

  it('promotes what the example trained, once, and takes it back', { timeout: 2 * TIMEOUT_MS }, async () => {
    const model = unique('breast-cancer');
    const input = await retrain(server, model);

    const first = await promotion(server.url, input);
    expect(first).toMatchObject({
      status: 'promoted',
      registry: {
        before: { stages: { 1: 'Production', 2: 'Staging' } },
        after: { stages: { 1: 'Archived', 2: 'Production' } },
      },
    });
    expect(first.alerts).toHaveLength(1);
    const after = await contents(server.url, model);
    expect(JSON.stringify(after)).toMatch(/"key":"promotion\.[^"]+\.result","value":"\{[^}]*promoted/);

    expect(await promotion(server.url, input)).toMatchObject({ status: 'already_promoted' });
    expect(await contents(server.url, model)).toEqual(after);

    // Each run has a table of its own, in memory, in which nothing is recorded: a rollback names its target.
    const back = {
      ...{ operation: 'rollback', model_name: model, target_version: '1' },
      reason: 'PERFORMANCE_DEGRADATION',
    };
    expect(await promotion(server.url, { ...back, requested_by: 'a test' })).toMatchObject({
      status: 'rolled_back',
      registry: { after: { stages: { 1: 'Production', 2: 'Archived' } } },
    });
  });
});
