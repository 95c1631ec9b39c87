import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import type { Startable } from '../mlflow/command.ts';
import { SetupError } from '../mlflow/install.ts';
import { stopGroup } from '../mlflow/server.ts';

/** A version that somebody makes the champion, so many milliseconds after the start. */
export interface Move {
  version: string;
  delayMs: number;
}

/** People with MLflow's own Python client, each on a thread of one process. */
export interface People extends Startable {
  /**
   * Lets them look who is champion, and then wait for the start, a time in milliseconds since 1970. What is answered starts
   * them, and answers for each of them null, or the client's error.
   */
  look(
    model: string,
    mode: RegistryMode,
    moves: readonly Move[],
  ): Promise<(start: number) => Promise<(string | null)[]>>;
}

const Answers = z.array(z.object({ error: z.string().nullable() }));

/** Starts the process, which knows the server of this address. */
export function startPeople(python: string, url: string, folder: string): People {
  const logFile = join(folder, 'people.log');
  const log = openSync(logFile, 'a');
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('MLFLOW_'));
  const child = spawn(python, [join(import.meta.dirname, 'people.py'), url], {
    detached: true,
    env: Object.fromEntries(own),
    stdio: ['pipe', 'pipe', log],
  });
  closeSync(log);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('a process without pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done !== true) return JSON.parse(value);
    const last = readFileSync(logFile, 'utf8').trim().split('\n').slice(-12).join('\n');
    throw new SetupError(`MLflow's Python client has ended. The end of ${logFile}:\n${last}`);
  };
  child.on('error', () => {});
  return {
    ready: nextLine().then(() => {}),
    stop: () => stopGroup(child),
    look: async (model, mode, moves) => {
      if (moves.length === 0) return async () => [];
      const calls = moves.map(({ version, delayMs }) => ({ version, delay: delayMs / 1000 }));
      stdin.write(`${JSON.stringify({ model, mode, calls })}\n`);
      await nextLine();
      return async (start) => {
        stdin.write(`${start / 1000}\n`);
        return Answers.parse(await nextLine()).map(({ error }) => error);
      };
    },
  };
}
