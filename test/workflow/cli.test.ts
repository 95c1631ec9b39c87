import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import { startHost } from '../../local/host.ts';
import { seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { type CannedServer, cannedServer } from '../support/canned-server.ts';
import { finished, promotion, promotionProcess, type Ran } from '../support/command.ts';

/** The command as people type it, with every kind of unusable input. */

const run = (input: unknown, env: Record<string, string> = {}) =>
  promotion(['run', '--json', '--input', '-'], {
    input: typeof input === 'string' ? input : JSON.stringify(input),
    env,
  });
const documentOf = (ran: Ran) => JSON.parse(ran.stdout);
const outputOf = (ran: Ran) => readStateDocument(documentOf(ran).output);
/** Expects one alert that says that the execution failed. */
const expectFailureAlert = (ran: Ran) =>
  expect(documentOf(ran).alerts).toMatchObject([{ attributes: { kind: 'failed' } }]);

const noTrace = (ran: Ran) => expect(ran.stdout + ran.stderr).not.toMatch(/\\n\s+at |\n\s+at /);

describe('a run on the emulators', () => {
  it('prints one JSON document with what happened, and nothing else', async () => {
    const ran = await promotion(['run', '--json']);
    const document = documentOf(ran);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(document).toMatchObject({
      status: 'promoted',
      output: {
        promotion: { promoted: true, new_version: '3', archived_version: '2' },
        serving: { action: 'replace', status: 'completed' },
      },
      workload: { before: { model_version: '2' }, after: { model_version: '3', status: 'running' } },
      endpoint: { failed: 0, answered_by: [{ version: '2' }, { version: '3' }] },
    });
    expect(document.rollout.map(({ candidate }: { candidate: string | null }) => candidate)).toContain(
      'warming',
    );
    expect(document.registry).toMatchObject({
      before: { stages: { 2: 'Production' } },
      after: { stages: { 3: 'Production', 2: 'Archived' } },
    });
    expect(document.alerts).toMatchObject([{ attributes: { kind: 'promoted', model: 'PascalStrategy' } }]);
    expect(document.states.map(({ name }: { name: string }) => name)).toContain('PromoteModel');
    for (const state of document.states)
      expect(state).toEqual({
        name: expect.any(String),
        entered: expect.any(String),
        ms: expect.any(Number),
      });
  });

  it('shows a timeline with the decision, the alert, and where the champion is before and after', async () => {
    const { code, stdout } = await promotion(['run']);
    expect(code).toBe(0);
    for (const part of [
      'before   1 Archived · 2 Production · 3 Staging',
      'CompareModels',
      '  PROMOTE  ',
      '  │ Subject: ',
      'after    1 Archived · 2 Archived · 3 Production',
      'initializing, candidate launching',
      'initializing, candidate warming',
      'none failed: answered by v2',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).toMatch(/endpoint answers v2[\s\S]*endpoint answers v3/);
  });

  it('gives a list of documents for a scenario with several executions', async () => {
    const ran = await promotion(['run', '--json', '--scenario', 'rollback']);
    expect(documentOf(ran).executions.map(({ status }: { status: string }) => status)).toEqual([
      'promoted',
      'rolled_back',
    ]);
    expect(ran.code).toBe(0);
  });
});

describe('the timeline', () => {
  it.each([
    ['lost-answer', 'MLflow: model-versions/transition-stage executed, response lost'],
    ['sns-down', 'SNS: Publish answered 500'],
    ['sns-down', 'sweep: 1 alert sent'],
  ])('of %s says "%s"', async (scenario, line) => {
    const { stdout } = await promotion(['run', '--scenario', scenario]);
    expect(stdout).toContain(`  ${line}\n`);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const child = promotionProcess(['run']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await finished(child)).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('a mistake in the environment', () => {
  const mistakes = {
    MIN_CONFIDENCE_THRESHOLD: 'abc',
    ROLLBACK_COOLDOWN_HOURS: 'x',
    ALERTS_ENABLED: 'maybe',
    MLFLOW_REGISTRY_MODE: 'bad',
  };

  it.each([[['run']], [['run', '--json', '--input', '-']]])(
    'exits 2 before %j starts, and every one is named',
    async (args) => {
      const ran = await promotion(args, { input: '{"model_name":"m"}', env: mistakes });
      expect(ran).toMatchObject({ code: 2, stdout: '' });
      for (const name of Object.keys(mistakes)) expect(ran.stderr).toContain(name);
      noTrace(ran);
    },
  );
});

describe('arguments that cannot be used', () => {
  it.each([
    [['run', '--scenario', 'nope'], /no scenario "nope".*challenger-wins/],
    [['run', '--scenario', '\u001b[2Jnope'], /no scenario "\\u\{001b\}\[2Jnope"/],
    [['run', '--\u001b[2J'], /'--\\u\{001b\}\[2J'/],
    [['run', '--scenario', 'rollback', '--input', '-'], /--scenario excludes --input/],
    [['run', '--input', '/does/not/exist.json'], /Cannot read/],
    [['run', '--colour'], /unknown option/],
    [['emulators', '--mlflow-port', 'abc'], /port number/],
    [['emulators', '--mlflow-port', '70000'], /port number/],
    [['emulators', '--workload-port', '-1'], /port number/],
    [['history'], /missing required argument/],
    [['history', 'm'], /MLFLOW_TRACKING_URI is not set/],
    [['history', 'm', '--at', 'yesterday'], /a time such as/],
    [['history', 'm', '--at', '2026-13-45'], /a time such as/],
    [['history', 'm', '--at', '2999-01-01'], /in the future/],
    [['fly'], /unknown command/],
  ])('%j exits 2 and says why', async (args, message) => {
    const ran = await promotion(args);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
    noTrace(ran);
  });

  it.each([
    [['--help']],
    [['run', '--help']],
    [['emulators', '--help']],
    [['history', '--help']],
    [['status', '--help']],
    [['adopt', '--help']],
    [['policy', 'check', '--help']],
    [['invoke', '--help']],
    [['replay', '--help']],
  ])('%j explains itself and exits 0', async (args) => {
    const ran = await promotion(args);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('Usage:');
  });

  it('--version prints that of the package; a command may have an option of that name', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await promotion(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    const ran = await promotion(['start', '--model', 'm', '--version', 'x']);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('an execution input that cannot be used', () => {
  it.each([
    ['no model_name', {}, ['model_name: is required']],
    [
      'versions that are none',
      { model_name: 'm', challenger_version: 'abc', champion_version: '0' },
      ['challenger_version', 'champion_version'],
    ],
    ['a version beyond all', { model_name: 'm', challenger_version: '999999999999' }, ['larger than any']],
    ['an unknown field', { model_name: 'm', version: '3' }, ['version']],
    ['a list', [], ['object']],
    [
      'an absurd warm-up and a negative time to keep the old version',
      { model_name: 'm', rollout: { warmupDurationMinutes: 100_000, keepOldVersionMinutes: -1 } },
      ['rollout.warmupDurationMinutes', 'rollout.keepOldVersionMinutes'],
    ],
  ])('%s is answered with every problem, an alert and exit 2', async (_, input, problems) => {
    const ran = await run(input);
    expect(ran.code).toBe(2);
    expect(documentOf(ran).status).toBe('invalid_input');
    const found = outputOf(ran).problems?.join('\n');
    for (const problem of problems) expect(found).toContain(problem);
    expectFailureAlert(ran);
    noTrace(ran);
  });

  it('that is no JSON exits 2 before anything starts', async () => {
    const ran = await run('{"model_name": ');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/standard input is not JSON/);
  });
});

describe('an execution that cannot do its job', () => {
  it.each([
    [
      'a model that does not exist',
      { model_name: '../../x?y#z' },
      { error: { name: 'ModelNotFound', message: expect.stringContaining('does not exist') } },
    ],
    [
      'a version that does not exist',
      { model_name: 'PascalStrategy', challenger_version: '99' },
      { error: { name: 'ModelNotFound' } },
    ],
    [
      'an unknown policy',
      { model_name: 'PascalStrategy', policy: 'nope' },
      { error: { name: 'UnknownPolicy', message: expect.stringMatching(/default.*trading/) } },
    ],
    [
      'a Workload that does not exist',
      { model_name: 'PascalStrategy', workload_id: 'w1' },
      { error: { name: 'WorkloadNotFound', message: expect.stringContaining('"w1" does not exist') } },
    ],
    [
      'an artifact that does not exist',
      { model_name: 'PascalStrategy', artifact_id: '../a?b' },
      {
        error: {
          name: 'ArtifactNotResolved',
          message: expect.stringContaining('Artifact "../a?b" does not exist'),
        },
      },
    ],
    [
      'nothing to go back to',
      { model_name: 'PascalStrategy', operation: 'rollback' },
      { rollback: { finding: { code: 'refused', why: 'no-known-good' } } },
    ],
  ])('%s ends with exit 1, the reason and an alert', async (_, input, reason) => {
    const ran = await run(input);
    expect(ran.code).toBe(1);
    expect(documentOf(ran).status).toBe('failed');
    expect(outputOf(ran)).toMatchObject(reason);
    expectFailureAlert(ran);
    noTrace(ran);
  });
});

it('a rollout that cannot begin ends with exit 1, the reason and the alert that nothing has changed', async () => {
  const runtime = { containerGroups: [{ name: 'gpu', containers: [] }] };
  const ran = await run({ model_name: 'PascalStrategy', rollout: { runtime } });
  expect(ran.code).toBe(1);
  expect(documentOf(ran).status).toBe('rolled_back');
  expect(outputOf(ran)).toMatchObject({
    serving: { failure_details: { code: 'unknown-container', group: 'gpu', container: null } },
  });
  expect(documentOf(ran).alerts).toMatchObject([{ attributes: { kind: 'rolled_back' } }]);
  noTrace(ran);
});

describe('a policy file with mistakes', () => {
  const top = new URL('../../', import.meta.url).pathname;
  const links = ['--preserve-symlinks', '--preserve-symlinks-main'].join(' ');
  let project: string;
  /** The project with policies of its own. */
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'promotion-'));
    for (const part of [
      'cli',
      'emulators',
      'lambdas',
      'local',
      'node_modules',
      'package.json',
      'statemachines',
    ])
      await symlink(join(top, part), join(project, part));
    await mkdir(join(project, 'policies'));
    const mistakes = { rules: [{ name: 'a', metrc: 'accuracy', direction: 'up', weight: -1 }] };
    await writeFile(join(project, 'policies/with-mistakes.json'), JSON.stringify(mistakes));
  });
  afterAll(() => rm(project, { recursive: true }));

  it('is answered with all of them at once', async () => {
    const input = JSON.stringify({ model_name: 'PascalStrategy', policy: 'with-mistakes' });
    const cli = join(project, 'cli/promotion.mjs');
    const ran = await finished(
      promotionProcess(['run', '--json', '--input', '-'], { NODE_OPTIONS: links }, { cli }),
      input,
    );
    expect(ran.code).toBe(1);
    const { reason } = documentOf(ran);
    for (const mistake of ['InvalidPolicy', 'metrc', 'metric', 'direction', 'weight'])
      expect(reason).toContain(mistake);
  });
});

describe('MLFLOW_TRACKING_URI', () => {
  it.each([
    ['mlflow.example.com', /with its scheme/],
    ['localhost:5000', /http: or https:/],
    ['file:///tmp/mlruns', /http: or https:/],
    ['http://user:hunter2@127.0.0.1:5000', /must not hold credentials/],
  ])('%s exits 2, says what to do and repeats no secret', async (uri, message) => {
    const ran = await run({ model_name: 'm' }, { MLFLOW_TRACKING_URI: uri });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toContain('hunter2');
    noTrace(ran);
  });
});

describe('DATAROBOT_ENDPOINT', () => {
  const token = { DATAROBOT_API_TOKEN: 'hunter2' };
  it.each([
    ['app.datarobot.com/api/v2', token, /with its scheme/],
    ['https://app.datarobot.com/api/v2', {}, /DATAROBOT_API_TOKEN is not set/],
    ['https://u:hunter2@app.datarobot.com/api/v2', token, /must not hold credentials/],
  ])('%s exits 2, says what to do and repeats no secret', async (endpoint, env, message) => {
    const ran = await run({ model_name: 'm' }, { DATAROBOT_ENDPOINT: endpoint, ...env });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toContain('hunter2');
    noTrace(ran);
  });
});

describe('a server that is not as it should be', () => {
  let server: CannedServer | null = null;
  afterEach(() => server?.close());
  const answer = async (status: number, body: string, type = 'application/json') => {
    server = await cannedServer((_, response) =>
      response.writeHead(status, { 'content-type': type }).end(body),
    );
    return {
      MLFLOW_TRACKING_URI: server.url,
      MLFLOW_TRACKING_USERNAME: 'promoter',
      MLFLOW_TRACKING_PASSWORD: 'hunter2',
    };
  };
  const bigTag = { registered_model: { name: 'm', tags: [{ key: 'k', value: 'x'.repeat(13_000_000) }] } };

  /** The same run in this process, where the pauses of a machine that retries take no time. */
  async function withoutPauses(env: Record<string, string>): Promise<ExecutionDocument> {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const host = await startHost({ mlflow: true, workload: false });
    try {
      return await execute(host, { model_name: 'm' }, { pauseMs: 0 });
    } finally {
      await host.close();
      vi.unstubAllEnvs();
    }
  }

  it.each([
    ['answers 200 with HTML', '<!doctype html><title>Sign in</title>', 'text/html', /login page/],
    ['answers a tag of 13 MB', JSON.stringify(bigTag), 'application/json', /larger than/],
  ])('%s: failed after some retries, with the reason and no secret', async (_, body, type, message) => {
    const document = await withoutPauses(await answer(200, body, type));
    expect(document.status).toBe('failed');
    expect(readStateDocument(document.output).error).toEqual({
      name: 'MlflowInvalidResponse',
      message: expect.stringMatching(message),
    });
    expect(document.alerts).toMatchObject([{ attributes: { kind: 'failed' } }]);
    expect(JSON.stringify(document)).not.toContain('hunter2');
  });
});

describe('a version that is still being registered', () => {
  let mlflow: MlflowEmulator;
  beforeEach(async () => {
    mlflow = await startMlflowEmulator({});
    seedPascalStrategy(mlflow);
    mlflow.registry.setStatus('PascalStrategy', '3', 'PENDING_REGISTRATION');
  });
  afterEach(() => mlflow.close());

  it('needs investigation until it is registered, and nothing is written before', async () => {
    const before = mlflow.snapshot();
    const ran = await run({ model_name: 'PascalStrategy' }, { MLFLOW_TRACKING_URI: mlflow.url });
    expect(ran.code).toBe(1);
    expect(documentOf(ran).status).toBe('needs_investigation');
    expect(outputOf(ran).comparison).toMatchObject({ decision: 'INVESTIGATE', basis: 'none' });
    expect(mlflow.snapshot()).toEqual(before);
    mlflow.registry.setStatus('PascalStrategy', '3', 'READY');
    const registered = await run({ model_name: 'PascalStrategy' }, { MLFLOW_TRACKING_URI: mlflow.url });
    expect(documentOf(registered).status).toBe('promoted');
  });
});

describe('a served model on a real MLflow server, without DATAROBOT_ENDPOINT,', () => {
  const advice =
    'This run uses an emulator of the Workload API, which has no such Workload: set DATAROBOT_ENDPOINT and DATAROBOT_API_TOKEN to the platform that has it.';
  const input = { model_name: 'PascalStrategy' };
  let mlflow: MlflowEmulator;
  beforeEach(async () => {
    mlflow = await startMlflowEmulator({});
    seedPascalStrategy(mlflow);
    mlflow.registry.setModelTag('PascalStrategy', 'workload.id', '6650f1a2b3c4d5e6f7a8b9c0');
  });
  afterEach(() => mlflow.close());

  it('fails, and what to set is said on standard error beside the JSON document', async () => {
    const ran = await run(input, { MLFLOW_TRACKING_URI: mlflow.url });
    expect(ran).toMatchObject({ code: 1, stderr: `${advice}\n` });
    expect(documentOf(ran).status).toBe('failed');
    expect(outputOf(ran).error?.name).toBe('WorkloadNotFound');
    expect(mlflow.snapshot()['PascalStrategy']?.versions['2']?.stage).toBe('Production');
  });

  it('fails, and what to set stands at the end of the timeline', async () => {
    const ran = await promotion(['run', '--input', '-'], {
      input: JSON.stringify(input),
      env: { MLFLOW_TRACKING_URI: mlflow.url },
    });
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    expect(ran.stdout.split('\n').slice(-3).join(' ').replace(/\s+/g, ' ')).toBe(`${advice} `);
  });

  it('is told nothing of it where it fails for another reason', async () => {
    const ran = await run({ ...input, policy: 'nope' }, { MLFLOW_TRACKING_URI: mlflow.url });
    expect(ran).toMatchObject({ code: 1, stderr: '' });
  });

  it('is told nothing of it where the whole run is on emulators', async () => {
    const ran = await run({ ...input, workload_id: '6650f1a2b3c4d5e6f7a8b9c0' });
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    expect(outputOf(ran).error?.name).toBe('WorkloadNotFound');
  });
});

describe('promotion emulators', () => {
  const ports = ['--mlflow-port', '0', '--workload-port', '0'];

  it('serves MLflow and the Workload API until it is interrupted, and says where in lines for a shell', async () => {
    const child = promotionProcess(['emulators', ...ports, '--seed']);
    let said = '';
    for await (const chunk of child.stdout ?? []) {
      said += chunk;
      if (said.includes('Ctrl-C')) break;
    }
    const exported = Object.fromEntries(
      [...said.matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
    );
    const model = 'api/2.0/mlflow/registered-models/get?name=PascalStrategy';
    const answer = await fetch(`${exported['MLFLOW_TRACKING_URI']}/${model}`);
    const { registered_model } = (await answer.json()) as {
      registered_model: { tags: { key: string; value: string }[] };
    };
    const id = registered_model.tags.find(({ key }) => key === 'workload.id')?.value;
    const workload = await fetch(`${exported['DATAROBOT_ENDPOINT']}/workloads/${id}`, {
      headers: { authorization: `Bearer ${exported['DATAROBOT_API_TOKEN']}` },
    });
    expect(await workload.json()).toMatchObject({ name: 'pascal-prod', status: 'running' });
    expect(said).toContain(`${id}, endpoint ${exported['DATAROBOT_ENDPOINT']}/endpoints/workloads/${id}/`);
    const isForShells = (line: string) => /^(export \w+=\S+|#.*|)$/.test(line);
    expect(said.split('\n').filter((line) => !isForShells(line))).toEqual([]);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('exits 2 when a port is taken, and keeps none itself', async () => {
    const other = await cannedServer((_, response) => response.end());
    const taken = new URL(other.url).port;
    const ran = await promotion(['emulators', '--mlflow-port', '0', '--workload-port', taken]);
    other.close();
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/Cannot listen on 127.0.0.1:\d+.*Choose another --workload-port/);
  });
});

it('runs from any folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'promotion-'));
  expect(await finished(promotionProcess(['run', '--list'], {}, { cwd: folder }))).toMatchObject({ code: 0 });
  await rm(folder, { recursive: true });
});

it('loads no command for --help, and no package but the one that reads arguments', async () => {
  const told = 'load(url, context, next) { console.error(url); return next(url, context); }';
  const hooks = `import { registerHooks } from 'node:module'; registerHooks({ ${told} });`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hooks)}` };
  const { code, stderr } = await finished(promotionProcess(['--help'], env));
  expect(code).toBe(0);
  const packages = [...stderr.matchAll(/node_modules\/([^/\n]+)/g)].map(([, name]) => name);
  expect([...new Set(packages)]).toEqual(['commander']);
  expect(stderr).not.toContain('/cli/commands/');
});
