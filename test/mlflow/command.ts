import { join } from 'node:path';
import ora from 'ora';
import { findPython, type Installation, install, installed, SetupError } from './install.ts';
import type { Release } from './releases.ts';

/** What the commands on real servers share: steps that are shown, installations, and servers that are stopped at the end. */

export const root = join(import.meta.dirname, '../..');
const home = join(root, '.mlflow');

/** A server that a command has started. */
export interface Startable {
  /** Settles when it answers; rejected with `SetupError` when it does not start. */
  ready: Promise<void>;
  /** Stops it with all its processes; more than once does no harm. */
  stop(): Promise<void>;
}

/** What a command runs with. */
export interface Command {
  /** Aborted by the first Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** Shows what is being done and how long it took. */
  step<T>(title: string, action: (show: (text: string) => void) => Promise<T>): Promise<T>;
  /** The packages in a virtual environment below `.mlflow/`, which is made when it is not there. */
  installation(release: Release): Promise<Installation>;
  /** Starts a server and waits until it answers. It is stopped at the end of the command at the latest. */
  start<T extends Startable>(title: string, begin: () => Promise<T>): Promise<T>;
}

/** Runs a command to its exit status, and then stops everything that it has started. Errors for the user lose their stack. */
export async function runCommand(main: (command: Command) => Promise<number>): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupted.abort(signal));
  const started: Startable[] = [];
  try {
    process.exitCode = await main(commandOf(interrupted.signal, started));
  } catch (error) {
    if (!interrupted.signal.aborted) console.error(isForTheUser(error) ? error.message : error);
    process.exitCode = interrupted.signal.aborted ? 130 : 1;
  } finally {
    // The last one first: a server of MLflow before its database.
    for (const server of started.reverse()) await server.stop();
  }
}

function commandOf(interrupted: AbortSignal, started: Startable[]): Command {
  const step: Command['step'] = async (title, action) => {
    interrupted.throwIfAborted();
    const began = Date.now();
    const spinner = ora({ text: title, discardStdin: false }).start();
    try {
      const result = await action((text) => {
        spinner.text = text;
      });
      spinner.succeed(`${title}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
      return result;
    } catch (error) {
      spinner.fail();
      throw error;
    }
  };
  return {
    interrupted,
    step,
    async installation(release) {
      const there = installed(home, release);
      if (there !== null) return there;
      const python = findPython(process.env);
      const title = `Install ${release.packages[0]} into .mlflow/${release.version} (a minute or two)`;
      return step(title, () => install(home, release, python, interrupted));
    },
    start: (title, begin) =>
      step(title, async () => {
        const server = await begin();
        started.push(server);
        await orInterrupted(server.ready, interrupted);
        return server;
      }),
  };
}

/** The same, but rejected at once when the user has had enough. */
export function orInterrupted<T>(wait: Promise<T>, interrupted: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  interrupted.addEventListener('abort', () => reject(interrupted.reason), { once: true });
  return Promise.race([wait, promise]);
}

/** Wrong arguments and what is missing on the machine; the rest is a mistake of ours, with its stack. */
function isForTheUser(error: unknown): error is Error {
  return error instanceof SetupError || (error instanceof TypeError && 'code' in error);
}
