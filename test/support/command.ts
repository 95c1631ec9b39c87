import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { vi } from 'vitest';
import { main } from '../../cli/main.ts';

/** What the command printed, and its exit status. */
export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface StartContext {
  /** On standard input. */
  input?: string;
  /** Besides `PATH` and `NO_COLOR`; nothing else is in the environment. */
  env?: Record<string, string>;
}

/** Without the layout: every run of blanks and line breaks is one blank. */
export const inOneLine = (text: string) => text.replace(/\s+/g, ' ');

/** Fills `ran` with what is printed in this process while `run` runs. */
export async function captured<T>(ran: Ran, run: () => Promise<T>): Promise<T> {
  const out = (text: unknown) => {
    ran.stdout += text;
    return true;
  };
  const err = (text: unknown) => {
    ran.stderr += text;
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(out),
    vi.spyOn(process.stderr, 'write').mockImplementation(err),
    vi.spyOn(console, 'log').mockImplementation((text) => void out(`${text}\n`)),
    vi.spyOn(console, 'error').mockImplementation((text) => void err(`${text}\n`)),
  ];
  try {
    return await run();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** `promotion` in this process, one at a time. Exit codes by signals and closed pipes need `promotionProcess`. */
export async function promotion(args: string[], { input = '', env = {} }: StartContext = {}): Promise<Ran> {
  const ran: Ran = { code: null, stdout: '', stderr: '' };
  const before = { ...process.env };
  const stdin = vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([input]) as never);
  setEnvironment({ ...bare(), ...env });
  try {
    ran.code = await captured(ran, () => main(['node', 'promotion', ...args]));
  } finally {
    setEnvironment(before);
    stdin.mockRestore();
  }
  return ran;
}

const CLI = new URL('../../cli/promotion.mjs', import.meta.url).pathname;

/** `promotion` in a process of its own. */
export function promotionProcess(
  args: string[],
  env: Record<string, string> = {},
  { cli = CLI, cwd }: { cli?: string; cwd?: string } = {},
): ChildProcess {
  return execFile(process.execPath, [cli, ...args], { env: { ...bare(), ...env }, cwd });
}

/** What the process has printed when it is at its end. */
export async function finished(child: ChildProcess, input = ''): Promise<Ran> {
  const ran: Ran = { code: null, stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => (ran.stdout += chunk));
  child.stderr?.on('data', (chunk) => (ran.stderr += chunk));
  child.stdin?.end(input);
  [ran.code] = await once(child, 'close');
  return ran;
}

const bare = () => ({ PATH: process.env['PATH'] ?? '', NO_COLOR: '1' });

/** In place: modules hold on to the object. */
function setEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
}
