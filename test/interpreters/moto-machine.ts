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

interface Run {
  options: LocalRunOptions;
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
        const reply = await called(functions, told.function, told.event);
        return void send({ kind: 'reply', ask: told.ask, ...reply });
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
      runs.set(name, { options, enteredAt: 0, end: resolve, fail: reject });
      send({ kind: 'run', execution: name, startTime, input });
      return { result: promise, abort: () => void send({ kind: 'abort', execution: name }) };
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
  run.options.onEvent?.({ kind: 'exited', state: out.name, type: state, at, ms, output });
}
