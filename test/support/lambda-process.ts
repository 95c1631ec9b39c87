import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { DeployedFunction } from './cloud-assembly.ts';

/** A deployed function as Lambda runs it: fresh Node processes with its bundle and its environment, one event each at a time. */
export interface LambdaFunction {
  /** Answers as the function does, or throws an error with its name and message. `aheadMs`: of the system's clock. */
  invoke(event: unknown, aheadMs: number): Promise<unknown>;
  /** Everything that the processes have printed. */
  printed(): string;
  close(): Promise<void>;
}

const Reply = z.object({
  id: z.string(),
  answer: z.unknown().optional(),
  error: z.object({ errorType: z.string(), errorMessage: z.string(), trace: z.array(z.string()) }).optional(),
});

const runner = new URL('lambda-runner.mjs', import.meta.url);

/** `taskRoot` is where the bundle lies, away from the repository, so that nothing is found in its `node_modules`. */
export function lambdaFunction(
  { name, handler, timeoutSeconds }: DeployedFunction,
  taskRoot: string,
  variables: Record<string, string>,
): LambdaFunction {
  const started: ChildProcess[] = [];
  const idle: ChildProcess[] = [];
  const streams: string[] = [];

  function start(): ChildProcess {
    const child = fork(runner, [], {
      cwd: taskRoot,
      // It can read its bundle and nothing else: not the repository, not its packages.
      execArgv: ['--permission', `--allow-fs-read=${taskRoot}`, `--allow-fs-read=${fileURLToPath(runner)}`],
      env: { ...variables, ...ofLambda(name, handler, taskRoot) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      const index = streams.push('') - 1;
      stream?.on('data', (chunk: Buffer) => {
        streams[index] += chunk.toString();
      });
    }
    started.push(child);
    return child;
  }

  return {
    async invoke(event, aheadMs) {
      // Lambda starts another environment when all are at work.
      const child = idle.pop() ?? start();
      const id = randomUUID();
      const settled = new AbortController();
      const ended = AbortSignal.timeout(timeoutSeconds * 1000);
      const signal = AbortSignal.any([ended, settled.signal]);
      child.send({ id, event, ahead: aheadMs, timeoutMs: timeoutSeconds * 1000 });
      const reply = await Promise.race([
        once(child, 'message', { signal }).then(([message]) => Reply.parse(message)),
        once(child, 'exit', { signal }).then(() => 'exited' as const),
      ])
        .catch(() => 'late' as const)
        .finally(() => settled.abort());
      if (reply === 'exited') throw named('Runtime.ExitError', 'Runtime exited without providing a reason');
      if (reply === 'late') {
        child.kill('SIGKILL');
        throw named('Sandbox.Timedout', `Task timed out after ${timeoutSeconds} seconds`);
      }
      idle.push(child);
      if (reply.error === undefined) return reply.answer;
      const { errorType, errorMessage, trace } = reply.error;
      throw named(errorType, errorMessage, trace.join('\n'));
    },
    printed: () => streams.join('\n'),
    async close() {
      const alive = started.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      const gone = alive.map((child) => once(child, 'exit'));
      for (const child of alive) child.kill('SIGKILL');
      await Promise.all(gone);
    },
  };
}

const named = (name: string, message: string, stack = '') =>
  Object.assign(new Error(message), { name, stack });

/** What Lambda itself puts into the environment (Lambda developer guide, "Defined runtime environment variables"). */
const ofLambda = (name: string, handler: string, taskRoot: string) => ({
  _HANDLER: handler,
  LAMBDA_TASK_ROOT: taskRoot,
  LAMBDA_RUNTIME_DIR: '/var/runtime',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_LAMBDA_FUNCTION_NAME: name,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/21/[$LATEST]0',
  AWS_ACCESS_KEY_ID: 'ASIALOCAL',
  AWS_SECRET_ACCESS_KEY: 'local-secret-access-key',
  AWS_SESSION_TOKEN: 'local-session-token',
  TZ: ':UTC',
  LANG: 'en_US.UTF-8',
});
