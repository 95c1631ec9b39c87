import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import ora from 'ora';
import { findPython, type Installation, install, installed, SetupError } from './install.ts';
import { newest2, newest3, type Release } from './releases.ts';
import { type Credentials, type RunningServer, startServer } from './server.ts';

/** `npm run test:mlflow`: the contract suite and the main job against real MLflow servers, which it installs and starts. */

const HELP = `npm run test:mlflow [-- options] [-- arguments for vitest]

Runs the tests of test/mlflow against MLflow ${newest3.version}, with and without passwords, and ${newest2.version}.
The first time it installs both into .mlflow/ (about 2 GB, some minutes; pip takes packages from the index that it is
configured for). Servers run on 127.0.0.1, on SQLite, in a temporary folder, and are stopped at the end.

  --install   only install
  --help      this text

  PYTHON      the Python to install with (default: the first of 3.10 to 3.13 that is found)
`;

const root = join(import.meta.dirname, '../..');
const home = join(root, '.mlflow');
const started: RunningServer[] = [];
const interrupted = new AbortController();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { install: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (process.platform === 'win32') throw new SetupError('These tests need Linux or macOS.');
  const [three, two] = [await installation(newest3), await installation(newest2)];
  if (values.install) return 0;
  const folder = mkdtempSync(join(tmpdir(), 'mlflow-tests-'));
  const credentials = { username: 'admin', password: randomBytes(18).toString('base64url') };
  // At the very end, when the servers have stopped writing. After a failure their logs are worth reading.
  process.once('exit', (status) => {
    if (status === 1) process.stderr.write(`The servers' logs are in ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  });
  return withServers(folder, three, two, credentials, positionals);
}

async function withServers(
  folder: string,
  three: Installation,
  two: Installation,
  credentials: Credentials,
  rest: readonly string[],
): Promise<number> {
  const start = (title: string, from: Installation, name: string, secret: Credentials | null = null) =>
    step(title, async () => {
      const server = await startServer(from, join(folder, name), secret);
      started.push(server);
      await orInterrupted(server.ready);
      return server;
    });
  const first = await start(`Start MLflow ${newest3.version}`, three, 'mlflow-3');
  const second = await start(`Start MLflow ${newest2.version}`, two, 'mlflow-2');
  const guarded = await start(
    `Start MLflow ${newest3.version} with passwords`,
    three,
    'mlflow-3-auth',
    credentials,
  );
  return vitest(rest, {
    MLFLOW_TEST_URIS: `MLflow ${newest3.version}=${first.url},MLflow ${newest2.version}=${second.url}`,
    MLFLOW_TEST_PYTHONS: `MLflow ${newest3.version}=${three.python},MLflow ${newest2.version}=${two.python}`,
    MLFLOW_TEST_AUTH_URI: guarded.url,
    MLFLOW_TEST_AUTH_USER: credentials.username,
    MLFLOW_TEST_AUTH_PASSWORD: credentials.password,
  });
}

async function installation(release: Release): Promise<Installation> {
  const there = installed(home, release);
  if (there !== null) return there;
  const python = findPython(process.env);
  return step(`Install MLflow ${release.version} into .mlflow/${release.version} (a minute or two)`, () =>
    install(home, release, python, interrupted.signal),
  );
}

/** Shows what is being done and how long it took. */
async function step<T>(title: string, action: () => Promise<T>): Promise<T> {
  interrupted.signal.throwIfAborted();
  const began = Date.now();
  const spinner = ora({ text: title, discardStdin: false }).start();
  try {
    const result = await action();
    spinner.succeed(`${title}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    return result;
  } catch (error) {
    spinner.fail();
    throw error;
  }
}

async function vitest(rest: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [program, 'run', '--project', 'mlflow', ...rest], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: 'inherit',
    signal: interrupted.signal,
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on('error', reject);
  child.on('close', (code) => resolve(code ?? 1));
  return promise;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => interrupted.abort(signal));

try {
  process.exitCode = await main();
} catch (error) {
  if (!interrupted.signal.aborted) console.error(isForTheUser(error) ? error.message : error);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
} finally {
  await Promise.all(started.map((server) => server.stop()));
}

/** The same, but rejected at once when the user has had enough. */
function orInterrupted(wait: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  interrupted.signal.addEventListener('abort', () => reject(interrupted.signal.reason), { once: true });
  return Promise.race([wait, promise]);
}

/** Wrong arguments and what is missing on the machine; the rest is a mistake of ours, with its stack. */
function isForTheUser(error: unknown): error is Error {
  return error instanceof SetupError || (error instanceof TypeError && 'code' in error);
}
