import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type {
  LocalExecution,
  LocalFunction,
  LocalResult,
  LocalRunOptions,
  LocalStateMachine,
} from '../../local/machine/state-machine.ts';

/** The state machine on an interpreter that is not ours: moto's, which is LocalStack's. */
export interface MotoMachine extends LocalStateMachine {
  /** Every state that was entered. */
  entered: ReadonlySet<string>;
  close(): Promise<void>;
}

const Status = z.enum(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']);
const Told = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('defined') }),
  z.object({ kind: z.literal('refused'), execution: z.string().nullable(), problem: z.string() }),
  z.object({ kind: z.literal('call'), ask: z.int(), function: z.string(), event: z.unknown() }),
  z.object({
    ...{ kind: z.literal('wait'), ask: z.int(), execution: z.string(), state: z.string() },
    seconds: z.number(),
  }),
  z.object({ kind: z.literal('park'), ask: z.int(), execution: z.string(), token: z.string() }),
  z.object({
    ...{ kind: z.literal('event'), ask: z.int(), execution: z.string(), type: z.string() },
    details: z
      .object({
        stateEnteredEventDetails: z.object({ name: z.string() }).optional(),
        stateExitedEventDetails: z.object({ name: z.string(), output: z.string() }).optional(),
      })
      .nullable(),
  }),
  z.object({
    ...{ kind: z.literal('ended'), execution: z.string(), status: Status, output: z.unknown() },
    ...{ error: z.string().nullable(), cause: z.string().nullable() },
  }),
]);
type Told = z.infer<typeof Told>;

/** The payload of a task that waits for its token to be given back. */
const WithToken = z.object({ execution: z.string(), task_token: z.string() });
/** The document of an execution that waits for people. */
const Waiting = z.object({ approval: z.object({ wait_seconds: z.number() }) });

interface Run {
  options: LocalRunOptions;
  /** For how long the next task may wait that gives a token away. */
  seconds: number;
  /** By their tokens: whether the token of a task was given back before its time was over. */
  parked: Map<string, Promise<boolean>>;
  /** Resolves when the execution is stopped. */
  stopped: PromiseWithResolvers<false>;
  enteredAt: number;
  end: (result: LocalResult) => void;
  fail: (error: Error) => void;
}

/** Starts `python`, which has moto. Throws when the interpreter does not accept the definition. */
export async function motoMachine(
  python: string,
  functions: Record<string, LocalFunction>,
  definition: string,
): Promise<MotoMachine> {
  const program = join(import.meta.dirname, 'moto_machine.py');
  const child = spawn(python, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const runs = new Map<string, Run>();
  const entered = new Set<string>();
  const accepted = Promise.withResolvers<void>();
  const send = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`);
  const runOf = (name: string): Run => {
    const run = runs.get(name);
    if (run === undefined) throw new Error(`No execution ${name} was started`);
    return run;
  };

  async function take(told: Told): Promise<void> {
    switch (told.kind) {
      case 'defined':
        return accepted.resolve();
      case 'refused': {
        const error = new Error(told.problem);
        return told.execution === null ? accepted.reject(error) : runOf(told.execution).fail(error);
      }
      case 'call': {
        const call = async () => {
          const reply = await called(functions, told.function, told.event);
          send({ kind: 'reply', ask: told.ask, ...reply });
          return reply.error === undefined;
        };
        const waiting = WithToken.safeParse(told.event);
        if (!waiting.success) return void (await call());
        const { execution, task_token: token } = waiting.data;
        const run = runOf(execution.slice(execution.lastIndexOf(':') + 1));
        const { onParked } = run.options;
        // The task of a function that has failed does not wait.
        const failing = async () => {
          if (!(await call())) throw new Error('the function failed');
        };
        const parked =
          onParked?.({ token, seconds: run.seconds, call: failing }) ?? failing().then(() => false);
        run.parked.set(
          token,
          parked.catch(() => false),
        );
        return;
      }
      case 'park': {
        const run = runOf(told.execution);
        const woken = await Promise.race([run.parked.get(told.token) ?? false, run.stopped.promise]);
        return void send({ kind: 'reply', ask: told.ask, woken });
      }
      case 'wait':
        runOf(told.execution).options.onWait?.(told.state, told.seconds);
        return void send({ kind: 'reply', ask: told.ask });
      case 'event':
        note(runOf(told.execution), told, entered);
        return void send({ kind: 'reply', ask: told.ask });
      case 'ended': {
        const { status, output, error, cause } = told;
        const failure = status === 'FAILED' ? { Error: error ?? '', Cause: cause ?? '' } : null;
        runOf(told.execution).end({ status, output: output ?? null, error: failure });
      }
    }
  }

  createInterface({ input: child.stdout }).on('line', (line) => void take(Told.parse(JSON.parse(line))));
  child.once('error', accepted.reject);
  child.once('exit', (code) => {
    const error = new Error(`The interpreter ended with status ${code}`);
    accepted.reject(error);
    for (const run of runs.values()) run.fail(error);
  });
  send({ kind: 'define', definition });
  await accepted.promise;

  return {
    entered,
    run(input, options): LocalExecution {
      const { name, startTime } = options.execution;
      const { promise, resolve, reject } = Promise.withResolvers<LocalResult>();
      runs.set(name, {
        ...{ options, enteredAt: 0, seconds: 0, parked: new Map() },
        ...{ stopped: Promise.withResolvers<false>(), end: resolve, fail: reject },
      });
      send({ kind: 'run', execution: name, startTime, input });
      const abort = () => {
        send({ kind: 'abort', execution: name });
        runOf(name).stopped.resolve(false);
      };
      return { result: promise, abort };
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** What Lambda answers: the value, or the error as its runtime reports it. */
async function called(functions: Record<string, LocalFunction>, arn: string, event: unknown) {
  const call = functions[arn.slice(arn.lastIndexOf(':') + 1)];
  if (call === undefined) throw new Error(`There is no function ${arn}`);
  try {
    return { answer: (await call(event)) ?? null };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const trace = (error.stack ?? '').split('\n');
    return { error: { errorType: error.name, errorMessage: error.message, trace } };
  }
}

/** Tells whoever follows the execution of states that are entered and left. */
function note(run: Run, { type, details }: Extract<Told, { kind: 'event' }>, entered: Set<string>): void {
  const at = Date.now();
  const state = type.replace(/State(Entered|Exited)$/, '');
  const { stateEnteredEventDetails: into, stateExitedEventDetails: out } = details ?? {};
  if (into !== undefined) {
    entered.add(into.name);
    run.enteredAt = at;
    run.options.onEvent?.({ kind: 'entered', state: into.name, type: state, at });
  }
  if (out === undefined) return;
  const ms = at - run.enteredAt;
  const output: unknown = JSON.parse(out.output);
  run.seconds = Waiting.safeParse(output).data?.approval.wait_seconds ?? run.seconds;
  run.options.onEvent?.({ kind: 'exited', state: out.name, type: state, at, ms, output });
}
