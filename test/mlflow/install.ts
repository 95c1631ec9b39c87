import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pythons, type Release } from './releases.ts';

/** Something that the user has to put right; the message says what. */
export class SetupError extends Error {
  override readonly name = 'SetupError' as const;
}

/** The command of a Python that the pinned packages have builds for. Throws `SetupError` when there is none. */
export function findPython(env: NodeJS.ProcessEnv): string {
  const { oldest, newest } = pythons;
  const minors = Array.from({ length: newest[1] - oldest[1] + 1 }, (_, index) => newest[1] - index);
  const wished = env['PYTHON'];
  const candidates =
    wished === undefined
      ? ['python3', 'python3.11', ...minors.map((minor) => `python3.${minor}`), 'python']
      : [wished];
  for (const command of candidates) {
    const script = 'import sys, venv, ensurepip; print(*sys.version_info[:2])';
    const { status, stdout } = spawnSync(command, ['-c', script], { encoding: 'utf8' });
    const [major = 0, minor = 0] = status === 0 ? stdout.trim().split(' ').map(Number) : [];
    if (major === 3 && minor >= oldest[1] && minor <= newest[1]) return command;
  }
  const range = `${oldest.join('.')} to ${newest.join('.')}`;
  throw new SetupError(
    `No Python ${range} with the modules venv and ensurepip was found (tried ${[...new Set(candidates)].join(', ')}). ` +
      'Install one (on Debian and Ubuntu also its package python3-venv), or name it: PYTHON=/path/to/python3',
  );
}

/** Where a release is installed below `home`. */
export interface Installation {
  python: string;
  /** Programs of the virtual environment. */
  bin: string;
}

/** The environment when it is there with exactly the packages wanted; null when it has to be made. */
export function installed(home: string, release: Release): Installation | null {
  const marker = join(home, release.version, MARKER);
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== wanted(release)) return null;
  return installationIn(join(home, release.version));
}

/** Makes the virtual environment anew; an interrupted one is never taken for a whole one. Takes a minute or two. */
export async function install(
  home: string,
  release: Release,
  python: string,
  signal: AbortSignal,
): Promise<Installation> {
  const folder = join(home, release.version);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  await run(python, ['-m', 'venv', folder], signal);
  const installation = installationIn(folder);
  await installPackages(installation, release.packages, signal);
  writeFileSync(join(folder, MARKER), wanted(release));
  return installation;
}

/** By uv, in a quarter of the time; by pip where uv reaches no index, as it does not read the settings of pip. */
async function installPackages({ python }: Installation, packages: readonly string[], signal: AbortSignal) {
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
  const pip = (names: readonly string[]) => run(python, ['-m', 'pip', 'install', ...quiet, ...names], signal);
  try {
    await pip([UV]);
    const uv = ['-m', 'uv', 'pip', 'install', '--quiet', '--compile-bytecode', '--python', python];
    await run(python, [...uv, ...packages], signal);
  } catch {
    signal.throwIfAborted();
    await pip(packages);
  }
}

const UV = 'uv==0.13.9';
const MARKER = 'installed.txt';
const wanted = ({ packages }: Release) => `${packages.join('\n')}\n`;

function installationIn(folder: string): Installation {
  const bin = join(folder, 'bin');
  return { bin, python: join(bin, 'python') };
}

/** Runs a program without showing what it prints, unless it fails. */
async function run(command: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject);
  child.on('close', resolve);
  const status = await promise;
  if (status === 0) return;
  const last = output.trim().split('\n').slice(-12).join('\n');
  throw new SetupError(
    `${command} ${args.join(' ')}\nfailed with status ${status}:\n${last}\n` +
      'pip takes packages from the index that it is configured for: is that reachable?',
  );
}
