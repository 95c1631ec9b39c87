import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Startable } from './command.ts';
import { type Installation, SetupError } from './install.ts';

/** An `mlflow server` of our own. */
export interface RunningServer extends Startable {
  url: string;
}

export interface ServerOptions {
  /** Those of its administrator; null: everybody may do everything. */
  credentials?: Credentials | null;
  /** Address of the database, as SQLAlchemy writes it; by default SQLite in the folder. */
  store?: string;
  /** Processes that answer requests. */
  workers?: number;
}

export interface Credentials {
  username: string;
  password: string;
}

const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 8_000;

/** Starts a server on 127.0.0.1 with everything it writes below `folder`. It has to be stopped, ready or not. */
export async function startServer(
  installation: Installation,
  folder: string,
  options: ServerOptions = {},
): Promise<RunningServer> {
  const { credentials = null } = options;
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(folder, 'server.log');
  const log = openSync(logFile, 'a');
  // Its own process group, as MLflow starts workers: they are stopped together, and by nobody's Ctrl-C but ours.
  const child = spawn(join(installation.bin, 'mlflow'), serverArguments(folder, port, options), {
    cwd: folder,
    detached: true,
    env: serverEnvironment(installation, folder, credentials),
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return { url, ready: untilReady(child, url, logFile), stop: () => stopGroup(child) };
}

function serverArguments(
  folder: string,
  port: number,
  { credentials = null, store = `sqlite:///${join(folder, 'mlflow.db')}`, workers = 1 }: ServerOptions,
): string[] {
  return [
    'server',
    ...['--backend-store-uri', store],
    ...['--artifacts-destination', join(folder, 'artifacts'), '--serve-artifacts'],
    ...['--host', '127.0.0.1', '--port', String(port), '--workers', String(workers)],
    ...(credentials !== null ? ['--app-name', 'basic-auth'] : []),
  ];
}

function serverEnvironment(
  { bin }: Installation,
  folder: string,
  credentials: Credentials | null,
): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('MLFLOW_'));
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(own),
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    PYTHONWARNINGS: 'ignore',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    DO_NOT_TRACK: 'true',
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  };
  if (credentials === null) return env;
  const config = join(folder, 'auth.ini');
  const lines = [
    '[mlflow]',
    'default_permission = READ',
    `database_uri = sqlite:///${join(folder, 'auth.db')}`,
    `admin_username = ${credentials.username}`,
    `admin_password = ${credentials.password}`,
    // Otherwise every request costs a fifth of a second for hashing the password.
    'auth_cache_ttl_seconds = 3600',
    'authorization_function = mlflow.server.auth:authenticate_request_basic_auth',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 });
  return { ...env, MLFLOW_AUTH_CONFIG_PATH: config, MLFLOW_FLASK_SERVER_SECRET_KEY: credentials.password };
}

async function untilReady(child: ChildProcess, url: string, logFile: string): Promise<void> {
  let failure: Error | null = null;
  child.on('error', (error) => {
    failure = error;
  });
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (failure !== null || child.exitCode !== null || child.signalCode !== null) break;
    const reply = await fetch(`${url}/health`).catch(() => null);
    if (reply?.ok) return;
    await pause(250);
  }
  const last = readFileSync(logFile, 'utf8').trim().split('\n').slice(-15).join('\n');
  throw new SetupError(`mlflow server did not start. The end of ${logFile}:\n${last}`);
}

/** Stops a process that leads its own group, with the whole group; asked at first, and after a while without asking. */
export async function stopGroup(
  { pid }: ChildProcess,
  signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGKILL'],
): Promise<void> {
  if (pid === undefined) return;
  for (const signal of signals) {
    if (!kill(pid, signal)) return;
    const deadline = Date.now() + STOP_WITHIN_MS;
    while (Date.now() < deadline) {
      await pause(50);
      if (!kill(pid, 0)) return;
    }
  }
}

/** False when nothing is left of the group. */
function kill(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
