import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as z from 'zod';

/** What one fresh process took. */
export interface Sample {
  /** From its start to its answer, in milliseconds. */
  readonly ms: number;
  readonly loadMs: number;
  readonly callMs: number;
  /** Most memory that it held (resident set), in MB. */
  readonly peakMb: number;
}

const Told = z.object({ loadMs: z.number(), callMs: z.number(), peakKb: z.number() });
const TIMEOUT_MS = 60_000;

/** Starts a process and waits for the line with which it answers. Throws what it wrote on standard error if it has none. */
export async function timed(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Sample> {
  const from = performance.now();
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  let answered = Number.NaN;
  let out = '';
  let problem = '';
  child.stdout.on('data', (chunk) => {
    answered = performance.now();
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    problem += chunk;
  });
  await once(child, 'close');
  const line = out.trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{'))
    throw new Error(`${command} ${args.join(' ')}: ${problem.slice(-2000)}${out.slice(-500)}`);
  const { loadMs, callMs, peakKb } = Told.parse(JSON.parse(line));
  return { ms: answered - from, loadMs, callMs, peakMb: peakKb / 1024 };
}
