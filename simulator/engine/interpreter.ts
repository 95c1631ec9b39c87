import { type ChoiceRule, choose } from './choice.ts';
import { at, isRecord, type Json, resolvedParameters, withResult } from './json-path.ts';
import { StateError } from './state-error.ts';

/**
 * The part of the States Language that the rendered definition uses, on virtual time: every time-out, pause and retry as
 * Step Functions documents them, nothing that waits for the system. Anything else is refused when the definition is read.
 * https://states-language.net/spec.html
 */

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  MaxAttempts?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL' | 'NONE';
}
export interface Catcher {
  ErrorEquals: string[];
  ResultPath?: string | null;
  Next: string;
}
export type State =
  | {
      Type: 'Task';
      Resource: string;
      Parameters?: Record<string, Json>;
      /** Null: what it leaves is discarded. */
      ResultPath?: string | null;
      /** One of the two. */
      TimeoutSeconds?: number;
      TimeoutSecondsPath?: string;
      Retry?: Retrier[];
      Catch?: Catcher[];
      Next: string;
    }
  | { Type: 'Choice'; Choices: (ChoiceRule & { Next: string })[]; Default: string }
  | { Type: 'Wait'; Seconds?: number; SecondsPath?: string; Next: string }
  | { Type: 'Pass'; InputPath?: string; ResultPath?: string; Next: string }
  | { Type: 'Succeed' }
  | { Type: 'Fail'; Error?: string; Cause?: string; ErrorPath?: string; CausePath?: string };

export interface Definition {
  StartAt: string;
  TimeoutSeconds: number;
  States: Record<string, State>;
}

/** How a machine ends by itself. */
export type Ending =
  | { status: 'SUCCEEDED'; output: Json }
  | { status: 'FAILED'; output: Json; error: string; cause: string };

/** What the interpreter needs of its surroundings. */
export interface Surroundings {
  /** Calls a function; rejects with a `StateError`, also when the seconds are over. */
  invoke(task: { state: string; functionName: string; payload: Json; timeoutSeconds: number }): Promise<Json>;
  /** Calls a function with a token, and waits until it is given back; rejects likewise. */
  park(task: {
    state: string;
    functionName: string;
    payload: (token: string) => Json;
    timeoutSeconds: number;
  }): Promise<Json>;
  wait(seconds: number): Promise<void>;
  /** From 0 up to 1, for jitter. */
  random(): number;
  /** Told as it happens. */
  onEvent(event: MachineEvent): void;
}

export type MachineEvent =
  | { kind: 'entered'; state: string }
  | { kind: 'exited'; state: string; document: Json }
  | { kind: 'failed'; state: string; error: string; cause: string }
  | { kind: 'retried'; state: string; retrier: number; pauseSeconds: number }
  | { kind: 'caught'; state: string; catcher: number; next: string };

/** Runs a machine to its end. `context` is the context object, for `$$`. */
export async function interpret(
  definition: Definition,
  input: Json,
  context: Json,
  around: Surroundings,
): Promise<Ending> {
  let name = definition.StartAt;
  let document = input;
  for (;;) {
    const entered = name;
    const state = definition.States[name];
    if (state === undefined) throw new Error(`There is no state ${name}`);
    around.onEvent({ kind: 'entered', state: name });
    try {
      switch (state.Type) {
        case 'Succeed':
          return { status: 'SUCCEEDED', output: document };
        case 'Fail': {
          const text = (path: string | undefined, fixed: string | undefined) =>
            path === undefined ? (fixed ?? '') : String(at(path, document, context));
          const error = text(state.ErrorPath, state.Error);
          return { status: 'FAILED', output: document, error, cause: text(state.CausePath, state.Cause) };
        }
        case 'Choice':
          name = choose(state.Choices, document, context) ?? state.Default;
          continue;
        case 'Wait':
          await around.wait(secondsOf(state, document, context));
          name = state.Next;
          continue;
        case 'Pass':
          document = withResult(document, state.ResultPath, at(state.InputPath ?? '$', document, context));
          name = state.Next;
          continue;
        case 'Task': {
          const left = await runTask(name, state, document, context, around);
          ({ document, next: name } = left);
          continue;
        }
      }
    } catch (error) {
      // What no Catch takes, and a path that leads nowhere, end the execution.
      if (!(error instanceof StateError)) throw error;
      return { status: 'FAILED', output: document, error: error.name, cause: error.message };
    } finally {
      around.onEvent({ kind: 'exited', state: entered, document });
    }
  }
}

function secondsOf(state: { Seconds?: number; SecondsPath?: string }, document: Json, context: Json): number {
  const seconds = state.SecondsPath === undefined ? state.Seconds : at(state.SecondsPath, document, context);
  if (typeof seconds === 'number') return seconds;
  throw new StateError('States.Runtime', `${state.SecondsPath} is not a number`);
}

async function runTask(
  name: string,
  state: Extract<State, { Type: 'Task' }>,
  document: Json,
  context: Json,
  around: Surroundings,
): Promise<{ document: Json; next: string }> {
  const retries = state.Retry?.map(() => 0) ?? [];
  for (;;) {
    try {
      const answer = await called(name, state, document, context, around);
      return { document: withResult(document, state.ResultPath, answer), next: state.Next };
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      around.onEvent({ kind: 'failed', state: name, error: error.name, cause: error.message });
      const retrier = state.Retry?.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error.name)) ?? -1;
      const retry = state.Retry?.[retrier];
      const done = retries[retrier] ?? 0;
      if (retry !== undefined && done < (retry.MaxAttempts ?? 3)) {
        retries[retrier] = done + 1;
        const pauseSeconds = pauseOf(retry, done, around);
        around.onEvent({ kind: 'retried', state: name, retrier, pauseSeconds });
        await around.wait(pauseSeconds);
        continue;
      }
      const catcher = state.Catch?.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error.name)) ?? -1;
      const found = state.Catch?.[catcher];
      if (found === undefined) throw error;
      around.onEvent({ kind: 'caught', state: name, catcher, next: found.Next });
      const output = { Error: error.name, Cause: error.message };
      return { document: withResult(document, found.ResultPath, output), next: found.Next };
    }
  }
}

const TOKEN_TASK = ':lambda:invoke.waitForTaskToken';

/** Calls the function of a task; of one that waits for a token, until that is given back. */
function called(
  name: string,
  state: Extract<State, { Type: 'Task' }>,
  document: Json,
  context: Json,
  around: Surroundings,
): Promise<Json> {
  const { Resource, Parameters = {}, TimeoutSeconds, TimeoutSecondsPath } = state;
  const seconds =
    TimeoutSecondsPath === undefined ? TimeoutSeconds : at(TimeoutSecondsPath, document, context);
  if (typeof seconds !== 'number')
    throw new StateError('States.Runtime', `${TimeoutSecondsPath} is not a number`);
  if (!Resource.endsWith(TOKEN_TASK))
    return around.invoke({
      state: name,
      functionName: lastPart(Resource),
      payload: resolvedParameters(Parameters, document, context),
      timeoutSeconds: seconds,
    });
  const { FunctionName, Payload } = Parameters;
  if (!isRecord(Payload)) throw new Error(`The payload of ${name} is not interpreted here`);
  return around.park({
    state: name,
    functionName: lastPart(String(FunctionName)),
    payload: (token) =>
      resolvedParameters(
        Payload,
        document,
        isRecord(context) ? { ...context, Task: { Token: token } } : context,
      ),
    timeoutSeconds: seconds,
  });
}

const lastPart = (arn: string) => arn.slice(arn.lastIndexOf(':') + 1);

function pauseOf(retry: Retrier, done: number, { random }: Surroundings): number {
  const seconds = Math.min(
    (retry.IntervalSeconds ?? 1) * (retry.BackoffRate ?? 2) ** done,
    retry.MaxDelaySeconds ?? Number.POSITIVE_INFINITY,
  );
  return retry.JitterStrategy === 'FULL' ? random() * seconds : seconds;
}

/** `States.ALL` matches neither `States.DataLimitExceeded` nor `States.Runtime`. */
function matches(names: readonly string[], error: string): boolean {
  if (names.includes(error)) return true;
  const isSpecial = error === 'States.DataLimitExceeded' || error === 'States.Runtime';
  if (names.includes('States.ALL')) return !isSpecial;
  return names.includes('States.TaskFailed') && error !== 'States.Timeout' && !isSpecial;
}

const FIELDS: Record<State['Type'], readonly string[]> = {
  Task: [
    ...['Resource', 'Parameters', 'ResultPath', 'TimeoutSeconds', 'TimeoutSecondsPath'],
    ...['Retry', 'Catch', 'Next'],
  ],
  Choice: ['Choices', 'Default'],
  Wait: ['Seconds', 'SecondsPath', 'Next'],
  Pass: ['InputPath', 'ResultPath', 'Next'],
  Succeed: [],
  Fail: ['Error', 'Cause', 'ErrorPath', 'CausePath'],
};

/** Reads a definition; throws for a field of a state that the interpreter does not know. */
export function readDefinition(text: string): Definition {
  const definition: Definition = JSON.parse(text);
  for (const [name, state] of Object.entries(definition.States)) {
    if (!isRecord(state)) throw new Error(`State ${name} is not an object`);
    const known = ['Type', 'Comment', ...(FIELDS[state.Type] ?? [])];
    const unknown = Object.keys(state).filter((field) => !known.includes(field));
    if (!(state.Type in FIELDS) || unknown.length > 0)
      throw new Error(`State ${name} (${state.Type}) has ${unknown.join(', ')}: not interpreted here`);
  }
  return definition;
}
