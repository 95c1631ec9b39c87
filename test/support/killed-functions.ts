import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { functionsDirectory, handlerOf } from '../../infra/bundles.ts';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import type { Handler } from '../../lambdas/runtime/handler.ts';
import { afterWaits, type EmulatedHost } from '../../local/host.ts';
import type { LocalFunction } from '../../local/machine/state-machine.ts';
import { killingProxy, type WriteCount } from './killing-proxy.ts';

/** Functions in processes of their own, each of which is killed just after one of its remote writes took effect. */
export interface KilledFunctions {
  /**
   * The bundle of a function, whose process is killed after write number `killAt` of all its calls, counted from 1. That
   * call throws what Lambda reports then; a later one runs in a new process.
   */
  killed(name: FunctionName, killAt: number): KilledFunction;
  /**
   * The same, from its sources and in this process: from that write on nothing that it sends arrives, as if it had died.
   * A later call throws at once.
   */
  cutOff(name: FunctionName, killAt: number): Promise<KilledFunction>;
  close(): Promise<void>;
}

export interface KilledFunction {
  readonly call: LocalFunction;
  /** All writes so far, those of a process that was killed included. */
  readonly writes: readonly string[];
  readonly died: () => boolean;
}

const Reply = z.object({
  answer: z.unknown().optional(),
  error: z.object({ errorType: z.string(), errorMessage: z.string() }).optional(),
});

/** Starts the proxies between the functions and the emulators of a host. */
export async function killedFunctions(host: EmulatedHost): Promise<KilledFunctions> {
  const bundles = mkdtempSync(join(tmpdir(), 'bundles-'));
  // Away from the repository, so that nothing is found in its `node_modules`.
  cpSync(functionsDirectory(), bundles, { recursive: true });
  const count: WriteCount = { seen: [], killAt: null, kill: () => {}, isCutOff: false };
  const { mlflow, sns, table, workload, stepFunctions } = host;
  const targets = [mlflow.url, sns.url, table.endpoint, new URL(workload.url).origin, stepFunctions.endpoint];
  const proxies = await Promise.all(targets.map((url) => killingProxy(() => url, count)));
  const env: NodeJS.ProcessEnv = {
    ...host.env,
    MLFLOW_TRACKING_URI: proxies[0]?.url,
    AWS_ENDPOINT_URL_SNS: proxies[1]?.url,
    AWS_ENDPOINT_URL_DYNAMODB: proxies[2]?.url,
    DATAROBOT_ENDPOINT: `${proxies[3]?.url}/api/v2`,
    AWS_ENDPOINT_URL_SFN: proxies[4]?.url,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    NODE_COMPILE_CACHE: join(bundles, 'compile-cache'),
  };
  /** The processes that wait for the next event of their functions. */
  const processes = new Map<FunctionName, ChildProcess>();

  function start(name: FunctionName): ChildProcess {
    const bundle = { _HANDLER: handlerOf(name), LAMBDA_TASK_ROOT: bundles };
    return fork(new URL('lambda-runner.mjs', import.meta.url), [], {
      execArgv: [],
      env: { ...env, ...bundle },
    });
  }

  /** Lambda's request id, the same when it repeats a call. */
  let request = randomUUID();

  /** One event in the process of a function, which is another one after a kill. */
  async function invoke(name: FunctionName, event: unknown): Promise<unknown> {
    const child = processes.get(name) ?? start(name);
    processes.set(name, child);
    count.kill = () => child.kill('SIGKILL');
    const over = new AbortController();
    const { signal } = over;
    const ahead = host.clock.now().getTime() - Date.now();
    child.send({ id: request, event, ahead, timeoutMs: 60_000 });
    const reply = await Promise.race([
      once(child, 'message', { signal }).then(([message]) => Reply.parse(message)),
      once(child, 'exit', { signal }).then(() => null),
    ]).finally(() => over.abort());
    if (reply === null) {
      processes.delete(name);
      throw exited();
    }
    if (reply.error !== undefined) throw named(reply.error.errorType, reply.error.errorMessage);
    return reply.answer;
  }

  return {
    killed(name, killAt) {
      Object.assign(count, { seen: [], killAt, isCutOff: false });
      request = randomUUID();
      let died = false;
      const call = afterWaits(host.clock, async (event) => {
        try {
          return await invoke(name, event);
        } catch (error) {
          died ||= error instanceof Error && error.name === EXIT;
          throw error;
        }
      });
      return { call, writes: count.seen, died: () => died };
    },
    async cutOff(name, killAt) {
      const module: { handler: Handler } = await import(`../../lambdas/${name}.ts`);
      const handler = module.handler.withClock(host.clock, env);
      const kill = () => {
        count.isCutOff = true;
      };
      Object.assign(count, { seen: [], killAt, kill, isCutOff: false });
      const context = { awsRequestId: randomUUID() };
      const call = afterWaits(host.clock, async (event) => {
        if (count.isCutOff) throw exited();
        const answer = handler(event, context);
        // Whatever it makes of the silence, nobody hears of it.
        return answer.finally(() => {
          if (count.isCutOff) throw exited();
        });
      });
      return { call, writes: count.seen, died: () => count.isCutOff };
    },
    async close() {
      for (const child of processes.values()) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      for (const proxy of proxies) proxy.close();
      rmSync(bundles, { recursive: true });
    },
  };
}

const named = (name: string, message: string) => Object.assign(new Error(message), { name });
const EXIT = 'Runtime.ExitError';
const exited = () => named(EXIT, 'Error: Runtime exited with error: signal: killed');
