import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { z } from 'zod';
import { Faults } from '../faults.ts';
import {
  type ExecutionEvent,
  type FinalStatus,
  type WireHistory,
  wireHistory,
} from './step-functions-history.ts';

/** An execution that a client has started. */
export interface StartedExecution {
  name: string;
  input: unknown;
}

/** Runs an execution and emits its events; settles at its end. */
export type Runner = (
  execution: StartedExecution,
  onEvent: (event: ExecutionEvent) => void,
) => Promise<unknown>;

/**
 * The part of Step Functions that starts and follows executions (AWS JSON 1.0: `StartExecution`, `DescribeExecution`,
 * `ListExecutions`, `GetExecutionHistory`), and wakes those that wait (`SendTaskSuccess`). It has no interpreter: executions are queued for `take`, or run by the runner
 * of `runWith`.
 */
export interface LocalStepFunctions {
  endpoint: string;
  stateMachineArn: string;
  /** Removes and returns the queued executions, in the order in which they were started. */
  take(): StartedExecution[];
  /** From now on executions are run by this when they are started, instead of being queued. */
  runWith(runner: Runner): void;
  /** Resolves when all running executions have ended. */
  settled(): Promise<void>;
  /** Ends an execution, as `StopExecution` or a time-out does. */
  end(name: string, status: FinalStatus): void;
  /** From now on an execution that nobody has started here is described as running, until `forget`. */
  runs(name: string): { forget(): void };
  /** From now on `SendTaskSuccess` with this token calls `wake`, once; `forget` ends that. */
  expect(token: string, wake: () => void): { forget(): void };
  /** Names of all executions, in the order in which they were started. */
  names(): string[];
  /** Matched by the name of the action, such as `StartExecution`. */
  faults: Faults;
  /** Maximum number of events in one page of a history, even if more are requested. */
  largestPage: number;
  close(): Promise<void>;
}

const STATE_MACHINE_ARN = 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion';
const EXECUTIONS = `${STATE_MACHINE_ARN.replace(':stateMachine:', ':execution:')}:`;
/** The ARN of an execution of the local state machine. */
export const executionArn = (name: string) => `${EXECUTIONS}${name}`;

interface Execution {
  input: string;
  startDate: number;
  history: WireHistory;
}

const StartRequest = z.object({
  stateMachineArn: z.string(),
  name: z.string().regex(/^[\w-]{1,80}$/),
  input: z.string(),
});
const DescribeRequest = z.object({ executionArn: z.string() });
const HistoryRequest = z.object({
  executionArn: z.string(),
  maxResults: z.int().min(0).max(1000).default(100),
  reverseOrder: z.boolean().default(false),
  nextToken: z.string().optional(),
});

const TaskRequest = z.object({ taskToken: z.string().min(1).max(2048), output: z.string() });

const ListRequest = z.object({
  stateMachineArn: z.literal(STATE_MACHINE_ARN),
  statusFilter: z.string().optional(),
  maxResults: z.int().min(1).max(1000).default(100),
});

/** An error response, by its name on AWS. */
class ApiError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Starts the emulator on a free port of 127.0.0.1. */
export async function startLocalStepFunctions(): Promise<LocalStepFunctions> {
  const executions = new Map<string, Execution>();
  const running = new Set<Promise<unknown>>();
  const tokens = new Map<string, () => void>();
  const elsewhere = new Set<string>();
  let waiting: StartedExecution[] = [];
  let runner: Runner | null = null;

  const executionByArn = (arn: string): Execution => {
    const found = arn.startsWith(EXECUTIONS) ? executions.get(arn.slice(EXECUTIONS.length)) : undefined;
    if (found === undefined)
      throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return found;
  };

  const run = async (name: string, { input, history }: Execution, by: Runner) => {
    try {
      await by({ name, input: JSON.parse(input) }, history.add);
      // An uncaught failure ends the execution without a further state.
      history.end('FAILED', Date.now());
    } catch (error) {
      history.end('FAILED', Date.now(), { error: 'States.Runtime', cause: String(error) });
    }
  };

  const actions: Record<string, (body: unknown) => object> = {
    StartExecution(body) {
      const { stateMachineArn, name, input } = parsed(StartRequest, body);
      if (stateMachineArn !== STATE_MACHINE_ARN)
        throw new ApiError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${stateMachineArn}'`);
      const value = json(input, 'InvalidExecutionInput');
      const earlier = executions.get(name);
      // Idempotent: the same name with the same input returns the same answer until the execution has ended.
      if (earlier !== undefined && (earlier.input !== input || earlier.history.status !== null))
        throw new ApiError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn(name)}'`);
      const now = Date.now();
      const execution = earlier ?? { input, startDate: now / 1000, history: wireHistory(input, now) };
      if (earlier === undefined) {
        executions.set(name, execution);
        if (runner === null) waiting.push({ name, input: value });
        else {
          const going = run(name, execution, runner).finally(() => running.delete(going));
          running.add(going);
        }
      }
      return { executionArn: executionArn(name), startDate: execution.startDate };
    },
    DescribeExecution(body) {
      const { executionArn: arn } = parsed(DescribeRequest, body);
      const name = arn.slice(EXECUTIONS.length);
      if (!executions.has(name) && elsewhere.has(name))
        return {
          executionArn: arn,
          stateMachineArn: STATE_MACHINE_ARN,
          name,
          status: 'RUNNING',
          startDate: 0,
        };
      const { input, startDate, history } = executionByArn(arn);
      return {
        executionArn: arn,
        stateMachineArn: STATE_MACHINE_ARN,
        name,
        status: history.status ?? 'RUNNING',
        startDate,
        input,
        ...(history.stopDate === null ? {} : { stopDate: history.stopDate }),
        ...(history.output === null ? {} : { output: history.output }),
      };
    },
    ListExecutions(body) {
      const { statusFilter, maxResults } = parsed(ListRequest, body);
      const all = [...executions].map(([name, { startDate, history }]) => ({
        executionArn: executionArn(name),
        stateMachineArn: STATE_MACHINE_ARN,
        name,
        status: history.status ?? 'RUNNING',
        startDate,
        ...(history.stopDate === null ? {} : { stopDate: history.stopDate }),
      }));
      const matching = all.filter(({ status }) => statusFilter === undefined || status === statusFilter);
      // Newest first.
      return { executions: matching.reverse().slice(0, maxResults) };
    },
    SendTaskSuccess(body) {
      const { taskToken, output } = parsed(TaskRequest, body);
      json(output, 'InvalidOutput');
      const wake = tokens.get(taskToken);
      if (wake === undefined)
        throw new ApiError('TaskTimedOut', `Task Timed Out: 'Provided task does not exist anymore'`);
      tokens.delete(taskToken);
      wake();
      return {};
    },
    GetExecutionHistory(body) {
      const { executionArn: arn, maxResults, reverseOrder, nextToken } = parsed(HistoryRequest, body);
      const all = executionByArn(arn).history.events;
      const size = Math.min(maxResults === 0 ? 100 : maxResults, local.largestPage);
      const last = nextToken === undefined ? 0 : Number(Buffer.from(nextToken, 'base64').toString());
      // In the order asked for; a token stands for the event after which the next page begins.
      const left = reverseOrder
        ? all.filter(({ id }) => last === 0 || id < last).reverse()
        : all.filter(({ id }) => id > last);
      const events = left.slice(0, size);
      const token = Buffer.from(String(events.at(-1)?.id ?? 0)).toString('base64');
      return { events, ...(left.length > size ? { nextToken: token } : {}) };
    },
  };

  const server = fastify({ forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.post('/', async (request, reply) => {
    reply.type('application/x-amz-json-1.0');
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const effect = local.faults.take('POST', action);
    if (effect?.kind === 'answer') return reply.code(effect.status).send(effect.body);
    if (effect?.kind === 'drop' && effect.when === 'before') return reply.hijack().raw.destroy();
    if (effect?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, effect.ms));
    if (effect?.kind === 'hold') await effect.until;
    const answer = executeAction(
      Object.hasOwn(actions, action) ? actions[action] : undefined,
      action,
      request.body,
    );
    if (effect?.kind === 'then') effect.run();
    if (effect?.kind === 'drop') return reply.hijack().raw.destroy();
    return reply.code(answer.status).send(JSON.stringify(answer.body));
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const local: LocalStepFunctions = {
    endpoint: `http://127.0.0.1:${port}`,
    stateMachineArn: STATE_MACHINE_ARN,
    take() {
      const taken = waiting;
      waiting = [];
      return taken;
    },
    runWith(given) {
      runner = given;
    },
    settled: async () => void (await Promise.allSettled([...running])),
    end: (name, status) => executionByArn(executionArn(name)).history.end(status, Date.now()),
    runs(name) {
      elsewhere.add(name);
      return { forget: () => void elsewhere.delete(name) };
    },
    expect(token, wake) {
      tokens.set(token, wake);
      return { forget: () => void tokens.delete(token) };
    },
    names: () => [...executions.keys()],
    faults: new Faults(),
    largestPage: 1000,
    close: () => server.close(),
  };
  return local;
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(json(String(body), 'SerializationException'));
  if (result.success) return result.data;
  throw new ApiError('ValidationException', result.error.message);
}

/** Throws the error of this name for a text that is not JSON. */
function json(text: string, type: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(type, 'The text is not JSON');
  }
}

function executeAction(
  action: ((body: unknown) => object) | undefined,
  name: string,
  body: unknown,
): { status: number; body: object } {
  try {
    if (action === undefined) throw new ApiError('UnknownOperationException', `There is no ${name} here`);
    return { status: 200, body: action(body) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: 400, body: { __type: error.type, message: error.message } };
  }
}
