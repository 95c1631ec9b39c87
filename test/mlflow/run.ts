import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Command, root, runCommand } from './command.ts';
import { type Installation, SetupError } from './install.ts';
import { newest2, newest3 } from './releases.ts';
import { type Credentials, startServer } from './server.ts';

/** `npm run test:mlflow`: the contract suite and the main job against real MLflow servers, which it installs and starts. */

const HELP = `npm run test:mlflow [-- options] [-- arguments for vitest]

Runs the tests of test/mlflow against MLflow ${newest3.version}, with and without passwords, and ${newest2.version}.
The first time it installs both into .mlflow/ (about 2 GB, a minute or two; from PyPI, or where that cannot be
reached from the index that pip is configured for). Servers run on 127.0.0.1, on SQLite, in a temporary folder, and are stopped at the end.

  --install   only install
  --help      this text

  PYTHON      the Python to install with (default: the first of 3.10 to 3.13 that is found)
`;

await runCommand(async (command) => {
  const { values, positionals } = parseArgs({
    options: { install: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (process.platform === 'win32') throw new SetupError('These tests need Linux or macOS.');
  const [three, two] = [await command.installation(newest3), await command.installation(newest2)];
  if (values.install) return 0;
  const folder = mkdtempSync(join(tmpdir(), 'mlflow-tests-'));
  const credentials = { username: 'admin', password: randomBytes(18).toString('base64url') };
  // At the very end, when the servers have stopped writing. After a failure their logs are worth reading.
  process.once('exit', (status) => {
    if (status === 1) process.stderr.write(`The servers' logs are in ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  });
  return withServers(command, folder, three, two, credentials, positionals);
});

async function withServers(
  command: Command,
  folder: string,
  three: Installation,
  two: Installation,
  credentials: Credentials,
  rest: readonly string[],
): Promise<number> {
  const start = (title: string, from: Installation, name: string, secret: Credentials | null = null) =>
    command.start(title, () => startServer(from, join(folder, name), { credentials: secret }));
  const first = await start(`Start MLflow ${newest3.version}`, three, 'mlflow-3');
  const second = await start(`Start MLflow ${newest2.version}`, two, 'mlflow-2');
  const guarded = await start(
    `Start MLflow ${newest3.version} with passwords`,
    three,
    'mlflow-3-auth',
    credentials,
  );
  const env = {
    MLFLOW_TEST_URIS: `MLflow ${newest3.version}=${first.url},MLflow ${newest2.version}=${second.url}`,
    MLFLOW_TEST_PYTHONS: `MLflow ${newest3.version}=${three.python},MLflow ${newest2.version}=${two.python}`,
    MLFLOW_TEST_AUTH_URI: guarded.url,
    MLFLOW_TEST_AUTH_USER: credentials.username,
    MLFLOW_TEST_AUTH_PASSWORD: credentials.password,
  };
  return vitest(rest, env, command.interrupted);
}

async function vitest(rest: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [program, 'run', '--project', 'mlflow', ...rest], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: 'inherit',
    signal,
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on('error', reject);
  child.on('close', (code) => resolve(code ?? 1));
  return promise;
}
