import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkConnections } from '../../cli/commands/real-systems.ts';
import { UsageError } from '../../cli/usage-error.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { type CannedServer, cannedServer } from '../support/canned-server.ts';
import { finished, promotion, promotionProcess, type Ran } from '../support/command.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/** A run of one's own: its input from options, and the systems that it is to use. */

const run = (args: string[], env: Record<string, string> = {}) =>
  promotion(['run', '--json', ...args], { env });
const documentOf = (ran: Ran) => JSON.parse(ran.stdout);
const outputOf = (ran: Ran) => readStateDocument(documentOf(ran).output);

describe('a run whose input is made of options', () => {
  it('promotes the version as the same input in a file does', async () => {
    const ran = await run([
      '--model',
      MODEL,
      '--version',
      '3',
      '--requested-by',
      'jane',
      '--reason',
      'better',
    ]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(documentOf(ran)).toMatchObject({
      status: 'promoted',
      output: { model_name: MODEL, challenger_version: '3', requested_by: 'jane', reason: 'better' },
      registry: { after: { stages: { 3: 'Production' } } },
    });
  });

  it('prints the document alone on standard output with --verbose, too', async () => {
    const args = ['run', '--json', '--verbose', '--model', MODEL, '--dry-run'];
    const ran = await finished(promotionProcess(args));
    expect(documentOf(ran).output).toMatchObject({ dry_run: true });
    expect(ran.stderr).toContain('answered');
  });

  it('changes nothing with --dry-run', async () => {
    const ran = await run(['--model', MODEL, '--version', '3', '--dry-run', '--policy', 'default']);
    const { registry, output } = documentOf(ran);
    expect(output).toMatchObject({ dry_run: true, comparison: { policy: 'default' } });
    expect(registry.after).toEqual(registry.before);
  });

  it('rolls back with --rollback', async () => {
    const ran = await run(['--model', MODEL, '--version', '1', '--rollback', '--emergency']);
    const { output } = documentOf(ran);
    expect(output).toMatchObject({
      operation: 'rollback',
      target_version: '1',
      emergency: true,
      reason: 'MANUAL_REQUEST',
    });
  });

  it('rolls back only while --champion is the champion', async () => {
    const ran = await run([
      '--model',
      MODEL,
      '--version',
      '1',
      '--rollback',
      '--emergency',
      '--champion',
      '3',
    ]);
    expect(ran.code).toBe(1);
    const { status, output, registry } = documentOf(ran);
    expect([status, registry.after]).toEqual(['contested', registry.before]);
    expect(output).toMatchObject({ champion_version: '3', rollback: { finding: { why: 'other-champion' } } });
  });

  it('rolls out what --workload and --artifact name', async () => {
    const ran = await run(['--model', MODEL, '--workload', 'w1', '--artifact', 'a1', '--adopt']);
    expect(ran.code).toBe(1);
    expect(documentOf(ran).output).toMatchObject({ workload_id: 'w1', artifact_id: 'a1', adopt: true });
    expect(outputOf(ran).error?.name).toBe('WorkloadNotFound');
  });

  it.each([
    [['--scenario', 'rollback', '--model', MODEL, '--dry-run'], /--scenario excludes --model, --dry-run/],
    [['--input', '-', '--model', MODEL], /--input .*excludes --model/],
    [['--version', '3'], /--model: is required/],
    [['--model', MODEL, '--version', 'three'], /challenger_version/],
    [['--model', MODEL, '--rollback', '--reason', 'boredom'], /reason/],
    [['--model', MODEL, '--emergency'], /emergency/],
  ])('%j exits 2 before anything starts, and says why', async (args, message) => {
    const ran = await run(args);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });
});

describe('before a run on a real system', () => {
  let server: CannedServer;
  afterEach(() => server.close());
  const answering = async (status: number, body: string, type = 'application/json') => {
    server = await cannedServer((_, response) =>
      response.writeHead(status, { 'content-type': type }).end(body),
    );
    return server.url;
  };
  const login = { MLFLOW_TRACKING_USERNAME: 'promoter', MLFLOW_TRACKING_PASSWORD: 'hunter2' };
  const platform = (url: string) => ({ DATAROBOT_ENDPOINT: `${url}/api/v2`, DATAROBOT_API_TOKEN: 'hunter2' });
  const promote = ['--model', MODEL];

  it.each([
    ['refuses the credentials', 401, 'hunter2 is wrong', 'text/html', /Check the MLflow credentials/],
    ['answers with a login page', 200, '<!doctype html><title>Sign in</title>', 'text/html', /login page/],
    ['is not MLflow', 404, 'Not Found', 'text/plain', /HTTP 404/],
  ])('MLflow that %s: exit 2, with the address and no secret', async (_, status, body, type, message) => {
    const url = await answering(status, body, type);
    const ran = await run(promote, { MLFLOW_TRACKING_URI: url, ...login });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).toContain(`MLFLOW_TRACKING_URI=${url}: `);
    expect(ran.stderr).not.toContain('hunter2');
  });

  it('the Workload API that refuses the token: exit 2, with the address and no secret', async () => {
    const url = await answering(401, '{"message": "hunter2 is wrong"}');
    const ran = await run(promote, platform(url));
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(`DATAROBOT_ENDPOINT=${url}/api/v2: `);
    expect(ran.stderr).toContain('DATAROBOT_API_TOKEN');
    expect(ran.stderr).not.toContain('hunter2');
    expect(server.requests).toHaveLength(1);
  });

  it('servers that refuse connections: exit 2, both are named', async () => {
    const url = await answering(200, '{}');
    server.close();
    const ran = await run(promote, { MLFLOW_TRACKING_URI: url, ...platform(url) });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    for (const name of ['MLFLOW_TRACKING_URI', 'DATAROBOT_ENDPOINT'])
      expect(ran.stderr).toMatch(new RegExp(`${name}=.*ECONNREFUSED`));
  });

  it('a server that never answers is not waited for', async () => {
    server = await cannedServer(() => {});
    const env = { MLFLOW_TRACKING_URI: server.url, ...platform(server.url) };
    await expect(checkConnections({ mlflow: true, workload: true }, env, 1)).rejects.toThrow(UsageError);
  });
});

describe('a run on systems that answer', () => {
  let host: EmulatedHost;
  emulatedHost((started) => {
    host = started;
  });

  it('starts, whether the model exists or not', async () => {
    const env = {
      MLFLOW_TRACKING_URI: host.mlflow.url,
      DATAROBOT_ENDPOINT: host.workload.url,
      DATAROBOT_API_TOKEN: host.workload.token,
    };
    const ran = await run(['--model', MODEL], env);
    expect(outputOf(ran).error?.name).toBe('ModelNotFound');
    seedPascalStrategy(host.mlflow);
    expect(documentOf(await run(['--model', MODEL, '--dry-run'], env)).output).toMatchObject({
      comparison: { decision: 'PROMOTE' },
    });
  });

  describe('of which the model has only aliases', () => {
    beforeEach(() => {
      seedPascalStrategy(host.mlflow);
      const { registry } = host.mlflow;
      for (const version of ['1', '2', '3']) registry.transition(MODEL, version, 'None');
      registry.setAlias(MODEL, 'champion', '2');
      registry.setAlias(MODEL, 'challenger', '3');
    });
    const promote = (mode?: string) =>
      run(['--model', MODEL], {
        MLFLOW_TRACKING_URI: host.mlflow.url,
        ...(mode === undefined ? {} : { MLFLOW_REGISTRY_MODE: mode }),
      });

    it.each([undefined, '', 'auto'])('moves the aliases with MLFLOW_REGISTRY_MODE %j', async (mode) => {
      const ran = await promote(mode);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(documentOf(ran).registry.after).toMatchObject({
        aliases: { champion: '3', previous_champion: '2' },
        stages: { 2: 'None', 3: 'None' },
      });
    });

    it('finds no challenger with MLFLOW_REGISTRY_MODE "stages"', async () => {
      const ran = await promote('stages');
      expect(ran.code).toBe(1);
      expect(outputOf(ran).comparison).toMatchObject({ decision: 'INVESTIGATE', challenger_version: null });
    });

    it('leaves the aliases as soon as a version is in a stage', async () => {
      host.mlflow.registry.transition(MODEL, '1', 'Staging');
      const { registry, output } = documentOf(await promote());
      expect(output).toMatchObject({ comparison: { champion_version: null, challenger_version: '1' } });
      expect(registry.after.aliases).toEqual(registry.before.aliases);
    });
  });
});
