import { ExecutionAlreadyExists, ExecutionDoesNotExist, TaskTimedOut } from '@aws-sdk/client-sfn';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import { type Definition, interpret, type MachineEvent } from './interpreter.ts';
import type { Json } from './json-path.ts';
import { type DeployedFunction, invoke, invokeWithin } from './lambda.ts';
import type { Play } from './play.ts';
import { never, type Timer } from './time.ts';
import { parkWithin, Tokens } from './tokens.ts';

export const STATE_MACHINE_ARN = 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion';
const EXECUTION_ARN = 'arn:aws:states:us-east-1:123456789012:execution:promotion:';
export const executionArn = (name: string) => `${EXECUTION_ARN}${name}`;

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** One execution of the state machine. Times are milliseconds since 1970. */
export interface Execution {
  name: string;
  arn: string;
  /** JSON text. */
  input: string;
  status: ExecutionStatus;
  startedAt: number;
  endedAt: number | null;
  /** The state it is in, or was in when it ended. */
  state: string;
  /** The document as the last state left it. */
  output: Json;
  error: string | null;
}

/** Step Functions: starts, runs, lists and aborts executions. */
export class Executions {
  readonly all = new Map<string, Execution>();
  readonly #play: Play;
  readonly #definition: Definition;
  readonly #functions: Record<FunctionName, DeployedFunction>;
  readonly #onEnd: (execution: Execution) => void;
  /** The time-outs of running executions. */
  readonly #limits = new Map<Execution, Timer>();
  /** Of executions that wait for people. */
  readonly #tokens = new Tokens();

  constructor(
    play: Play,
    definition: Definition,
    functions: Record<FunctionName, DeployedFunction>,
    onEnd: (execution: Execution) => void,
  ) {
    this.#play = play;
    this.#definition = definition;
    this.#functions = functions;
    this.#onEnd = onEnd;
  }

  get running(): Execution[] {
    return [...this.all.values()].filter(({ status }) => status === 'RUNNING');
  }

  /** A command of the SDK's client by its class name. */
  execute(command: string, input: Record<string, unknown>): object {
    switch (command) {
      case 'StartExecutionCommand':
        return this.start(String(input['name']), String(input['input']));
      case 'ListExecutionsCommand': {
        const matching = [...this.all.values()].filter(({ status }) => status === input['statusFilter']);
        return { executions: matching.reverse().map(described) };
      }
      case 'DescribeExecutionCommand': {
        const found = [...this.all.values()].find(({ arn }) => arn === input['executionArn']);
        if (found !== undefined) return described(found);
        throw new ExecutionDoesNotExist({ message: 'Execution Does Not Exist', $metadata: {} });
      }
      case 'SendTaskSuccessCommand':
        if (this.#tokens.giveBack(String(input['taskToken']))) return {};
        throw new TaskTimedOut({ message: 'Task Timed Out', $metadata: {} });
      default:
        throw new Error(`Not implemented by this simulator: ${command}`);
    }
  }

  /** Starts an execution. The same name with the same input starts nothing while it runs. */
  start(name: string, input: string): object {
    const known = this.all.get(name);
    if (known !== undefined) {
      if (known.status === 'RUNNING' && known.input === input) return { executionArn: known.arn };
      throw new ExecutionAlreadyExists({ message: `Execution Already Exists: ${name}`, $metadata: {} });
    }
    if (!/^[\w-]{1,80}$/.test(name)) throw new Error(`InvalidName: ${name}`);
    const startedAt = this.#play.time.now;
    const execution: Execution = {
      name,
      arn: executionArn(name),
      input,
      status: 'RUNNING',
      startedAt,
      endedAt: null,
      state: this.#definition.StartAt,
      output: null,
      error: null,
    };
    this.all.set(name, execution);
    this.#play.note(name, () => `starts with ${input}`);
    void this.#run(execution);
    return { executionArn: execution.arn };
  }

  /** Aborts a running execution; the function that it called runs on. */
  abort(execution: Execution): void {
    if (execution.status === 'RUNNING') this.#end(execution, 'ABORTED', null);
  }

  async #run(execution: Execution): Promise<void> {
    const { name, arn, input, startedAt } = execution;
    const random = this.#play.random(`${name}/machine`);
    const limit = this.#play.time.after(this.#definition.TimeoutSeconds * 1000, () =>
      this.#end(execution, 'TIMED_OUT', 'States.Timeout'),
    );
    this.#limits.set(execution, limit);
    const parsed: Json = JSON.parse(input);
    const StartTime = new Date(startedAt).toISOString();
    const context: Json = { Execution: { Id: arn, Name: name, StartTime, Input: parsed } };
    const calls = new Map<string, number>();
    const going = async <T>(result: Promise<T>): Promise<T> => {
      const value = await result.catch(async (error: unknown) => {
        if (execution.status === 'RUNNING') throw error;
        return never<T>();
      });
      return execution.status === 'RUNNING' ? value : never<T>();
    };
    const ending = await interpret(this.#definition, parsed, context, {
      invoke: ({ state, functionName, payload, timeoutSeconds }) => {
        const count = (calls.get(state) ?? 0) + 1;
        calls.set(state, count);
        const call = { id: `${name}/${state}.${count}`, functionName: functionName as FunctionName, payload };
        return going(invokeWithin(this.#play, call, this.#functions[call.functionName], timeoutSeconds));
      },
      park: ({ state, functionName, payload, timeoutSeconds }) =>
        going(
          parkWithin(this.#play, this.#tokens, timeoutSeconds, (token) => {
            const count = (calls.get(state) ?? 0) + 1;
            calls.set(state, count);
            const id = `${name}/${state}.${count}`;
            const call = { id, functionName: functionName as FunctionName, payload: payload(token) };
            return invoke(this.#play, call, this.#functions[call.functionName]);
          }),
        ),
      wait: (seconds) => going(this.#play.time.pass(seconds * 1000)),
      random: () => (this.#play.longestPauses ? 1 : random.unit()),
      onEvent: (event) => this.#followed(execution, event),
    });
    execution.output = ending.output;
    this.#end(
      execution,
      ending.status,
      ending.status === 'FAILED' ? `${ending.error}: ${ending.cause}` : null,
    );
  }

  #followed(execution: Execution, event: MachineEvent): void {
    const { state } = event;
    switch (event.kind) {
      case 'entered':
        execution.state = state;
        this.#play.count(`state ${state}`);
        return;
      case 'exited':
        execution.output = event.document;
        return;
      case 'failed':
        this.#play.note(
          execution.name,
          () => `${state} failed: ${event.error}: ${event.cause.slice(0, 300)}`,
        );
        return;
      case 'retried':
        this.#play.count(`retry ${state}[${event.retrier}]`);
        this.#play.note(
          execution.name,
          () => `${state} is tried again in ${event.pauseSeconds.toFixed(1)} s`,
        );
        return;
      case 'caught':
        this.#play.count(`catch ${state}[${event.catcher}] → ${event.next}`);
        this.#play.note(execution.name, () => `${state} was caught → ${event.next}`);
    }
  }

  #end(execution: Execution, status: ExecutionStatus, error: string | null): void {
    if (execution.status !== 'RUNNING') return;
    execution.status = status;
    this.#limits.get(execution)?.cancel();
    execution.endedAt = this.#play.time.now;
    execution.error = error;
    this.#play.count(`ends ${status}`);
    this.#play.note(
      execution.name,
      () => `ends ${status}${error === null ? '' : ` ${error}`} after ${execution.state}`,
    );
    this.#onEnd(execution);
  }
}

const described = ({ name, arn, input, status, startedAt, endedAt }: Execution) => ({
  executionArn: arn,
  name,
  status,
  input,
  startDate: new Date(startedAt),
  ...(endedAt === null ? {} : { stopDate: new Date(endedAt) }),
});
