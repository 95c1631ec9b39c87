import { readFileSync } from 'node:fs';
import {
  ExecutionAbortedError,
  ExecutionTimeoutError,
  StateMachine,
  type StateMachineDefinition,
} from 'aws-local-stepfunctions';
import { causeMessage } from '../../lambdas/domain/lambda-cause.ts';
import { type Overrides, pausesOf, secondsOnAws } from './pauses.ts';
import {
  newToken,
  parkingStates,
  secondsUntilTimeout,
  TaskTimedOut,
  withoutTimeoutPaths,
} from './waiting.ts';

type Task = NonNullable<Overrides['taskResourceLocalHandlers']>[string];
type Json = Parameters<Task>[0];
type RawEvent = ReturnType<StateMachine['run']>['eventLogs'] extends AsyncGenerator<infer E> ? E : never;

/** A function as Lambda calls it: a JSON value in, a JSON value out, or an error. */
export type LocalFunction = (event: unknown) => Promise<unknown>;

/** What happens inside an execution, as it happens; `at` in milliseconds since 1970, `ms` a duration. */
export type LocalEvent =
  | { kind: 'entered'; state: string; type: string; at: number }
  /** `output` is the whole state document as the state leaves it. */
  | { kind: 'exited'; state: string; type: string; at: number; ms: number; output: unknown }
  | { kind: 'failed'; state: string; at: number; error: string; message: string }
  /** Emitted after the pause, before the state runs again; `attempt` 1 is the first retry for this error. */
  | { kind: 'retried'; state: string; at: number; error: string; attempt: number; pausedMs: number }
  | { kind: 'caught'; state: string; at: number; error: string; next: string };

export interface LocalResult {
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** The state document at the end; null unless SUCCEEDED. */
  output: unknown;
  /** As `DescribeExecution` returns it; null unless FAILED. */
  error: { Error: string; Cause: string } | null;
}

export interface LocalExecution {
  /** Never rejects because of the execution: the result is data. Resolves after the last event was emitted. */
  result: Promise<LocalResult>;
  /** Stops after the current state: a running handler completes, no other is called. */
  abort(): void;
}

export interface LocalRunOptions {
  /** The execution as the context object shows it. `startTime` is ISO 8601. */
  execution: { id: string; name: string; startTime: string };
  /** Replaces the length of every wait and of every pause before a retry. Default: the same length as on AWS. */
  waitSeconds?: number;
  onEvent?: (event: LocalEvent) => void;
  /**
   * Called when a wait begins and after a pause before a retry, with its length on AWS in seconds (a jittered pause
   * at its longest). It is called before the next function, so that the clocks of emulators can be advanced.
   */
  onWait?: (state: string, seconds: number) => void;
  /**
   * Calls the function of a task with a token, which may be given back at once, and waits for that, for so many seconds:
   * resolves true when it is, false when the time is over. Default: the time is over when the function has answered.
   */
  onParked?: (parked: { token: string; seconds: number; call: () => Promise<unknown> }) => Promise<boolean>;
}

export interface LocalStateMachine {
  run(input: unknown, options: LocalRunOptions): LocalExecution;
}

const DEFINITION_FILE = new URL('../../statemachines/promotion.asl.json', import.meta.url);

/** Largest input or answer of a task, in bytes of UTF-8 (Step Functions quotas: 256 KiB). */
const MAX_PAYLOAD_BYTES = 262_144;

/** Read and validated on first use only: that takes longer than a whole execution. */
let loaded: { machine: StateMachine; definition: StateMachineDefinition } | undefined;

function load(asl: string): NonNullable<typeof loaded> {
  // The interpreter overwrites `StartTime` with its own clock, but not `Began`.
  const text = asl.replaceAll('$$.Execution.StartTime', '$$$$.Execution.Began');
  const definition: StateMachineDefinition = JSON.parse(text);
  return { machine: new StateMachine(withoutTimeoutPaths(definition)), definition };
}

/**
 * The rendered state machine, or that of `asl`, with these handlers in place of its functions, or of what else a task calls,
 * by the end of its resource; any number of executions may run on it in parallel. Throws when a task has no handler.
 */
export function localStateMachine(
  handlers: Readonly<Partial<Record<string, LocalFunction>>>,
  asl?: string,
): LocalStateMachine {
  if (asl === undefined) loaded ??= load(readFileSync(DEFINITION_FILE, 'utf8'));
  const { machine, definition } = asl === undefined && loaded !== undefined ? loaded : load(asl ?? '');
  const functions = tasksOf(definition, handlers);
  const parking = parkingStates(definition);

  return {
    run(input, { execution, waitSeconds, onEvent, onWait, onParked }) {
      const { promise: untilAborted, reject: stop } = Promise.withResolvers<never>();
      untilAborted.catch(() => {});
      let aborted = false;
      /** For how long each task may wait that is woken by a token. */
      const timeouts = new Map<string, number>();
      const park = async (state: string, payload: Json, task: Task): Promise<Json> => {
        const token = (payload as { task_token: string }).task_token;
        const call = async () => task(payload);
        const woken = await (onParked === undefined
          ? call().then(() => false)
          : onParked({ token, seconds: timeouts.get(state) ?? 0, call }));
        if (woken) return {};
        throw new TaskTimedOut();
      };
      const tasks = Object.entries(functions).map(([state, call]): [string, Task] => [
        state,
        // After an abort the interpreter still calls a state that is waiting for its retry.
        async (event) => {
          // Events are emitted slightly after they happen, but before the next timer.
          if (onWait !== undefined || parking.has(state)) await new Promise(setImmediate);
          if (aborted) throw new Error('The execution was aborted');
          if (!parking.has(state)) return call(event);
          return Promise.race([park(state, (event as { Payload: Json }).Payload, call), untilAborted]);
        },
      ]);
      const running = machine.run(asJson(input), {
        overrides: {
          taskResourceLocalHandlers: Object.fromEntries(tasks),
          ...(waitSeconds === undefined ? {} : pausesOf(definition, waitSeconds * 1000)),
        },
        context: {
          Execution: { Id: execution.id, Name: execution.name, Began: execution.startTime },
          // Another one each time that it is read.
          Task: {
            get Token() {
              return newToken();
            },
          },
        },
      });
      const forwarded = forwardEvents(running.eventLogs, onEvent ?? (() => {}), (event) => {
        const seconds = secondsOnAws(definition, event);
        if (seconds !== null) onWait?.(event.state.name, seconds);
        const timeout = secondsUntilTimeout(definition, event);
        if (timeout !== null) timeouts.set(event.state.name, timeout);
      });
      return {
        result: Promise.all([settle(running.result), forwarded]).then(([result]) => result),
        abort() {
          aborted = true;
          running.abort();
          stop(new Error('The execution was aborted'));
        },
      };
    },
  };
}

function tasksOf(
  definition: StateMachineDefinition,
  handlers: Readonly<Partial<Record<string, LocalFunction>>>,
): Record<string, Task> {
  const tasks = Object.entries(definition.States).flatMap(
    ([state, { Type, ...fields }]): [string, Task][] => {
      if (Type !== 'Task' || !('Resource' in fields)) return [];
      const name = calledBy(fields);
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      if (handler === undefined)
        throw new Error(`State ${state} calls ${name}, for which there is no handler`);
      return [[state, asLambda(handler)]];
    },
  );
  return Object.fromEntries(tasks);
}

/** Of a function its name, also of one that is given a token; of another integration the action: `startExecution.sync:2`. */
function calledBy({ Resource, Parameters }: { Resource: string; Parameters?: unknown }): string {
  const given = (Parameters as { FunctionName?: string } | undefined)?.FunctionName;
  const called = Resource.endsWith(':lambda:invoke.waitForTaskToken') && given ? given : Resource;
  return called
    .split(':')
    .slice(called.includes(':::') ? 6 : -1)
    .join(':');
}

/** Calls a handler as Lambda does: JSON on the way in and out, errors by name with the cause that Lambda reports. */
function asLambda(handler: LocalFunction): Task {
  return async (event) => {
    const payload = withinLimit(asJson(event));
    try {
      return withinLimit(asJson(await handler(payload)));
    } catch (error) {
      throw error instanceof PayloadTooLarge ? error : invocationError(error);
    }
  };
}

class PayloadTooLarge extends Error {
  override readonly name = 'States.DataLimitExceeded' as const;
}

function withinLimit(value: Json): Json {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= MAX_PAYLOAD_BYTES) return value;
  throw new PayloadTooLarge(
    `The payload of ${bytes} bytes is larger than the limit of ${MAX_PAYLOAD_BYTES} bytes`,
  );
}

function invocationError(thrown: unknown): Error {
  const [errorType, errorMessage] =
    thrown instanceof Error ? [thrown.name, thrown.message] : [typeof thrown, String(thrown)];
  const trace = thrown instanceof Error ? (thrown.stack ?? '').split('\n') : [];
  const error = new Error(JSON.stringify({ errorType, errorMessage, trace }));
  error.name = errorType;
  return error;
}

/** A copy as JSON, without values that JSON cannot represent. */
function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value) ?? 'null');
}

async function settle(result: Promise<unknown>): Promise<LocalResult> {
  try {
    return { status: 'SUCCEEDED', output: await result, error: null };
  } catch (error) {
    if (error instanceof ExecutionAbortedError) return { status: 'ABORTED', output: null, error: null };
    if (error instanceof ExecutionTimeoutError) return { status: 'TIMED_OUT', output: null, error: null };
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause : new Error(String(error));
    return { status: 'FAILED', output: null, error: { Error: cause.name, Cause: cause.message } };
  }
}

async function forwardEvents(
  events: AsyncIterable<RawEvent>,
  onEvent: (event: LocalEvent) => void,
  onRawEvent: (event: Extract<RawEvent, { state: unknown }>) => void,
): Promise<void> {
  let enteredAt = 0;
  let failure = { at: 0, error: '' };
  for await (const event of events) {
    if (!('state' in event)) continue;
    onRawEvent(event);
    const { name: state, type } = event.state;
    const at = event.timestamp;
    if (event.type === 'StateEntered') {
      enteredAt = at;
      onEvent({ kind: 'entered', state, type, at });
    } else if (event.type === 'StateExited') {
      onEvent({ kind: 'exited', state, type, at, ms: at - enteredAt, output: event.state.output });
    } else if (event.type === 'StateFailed') {
      failure = { at, error: event.Error };
      onEvent({ kind: 'failed', state, at, error: event.Error, message: causeMessage(event.Cause) });
    } else if (event.type === 'StateRetried') {
      const { attempt } = event.retry;
      onEvent({ kind: 'retried', state, at, error: failure.error, attempt, pausedMs: at - failure.at });
    } else {
      onEvent({ kind: 'caught', state, at, error: failure.error, next: event.catch.catcher.Next });
    }
  }
}
