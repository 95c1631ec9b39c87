import { randomUUID } from 'node:crypto';
import type { RunOptions, StateMachine, StateMachineDefinition } from 'aws-local-stepfunctions';
import { numberAt } from './pauses.ts';

/** Tasks that wait for a token, which the interpreter does not know. */

type RawEvent = ReturnType<StateMachine['run']>['eventLogs'] extends AsyncGenerator<infer E> ? E : never;
type StateEvent = Extract<RawEvent, { state: unknown }>;
export type Context = NonNullable<RunOptions['context']>;

/** As long as a timer of JavaScript can last, in seconds. */
const LONGEST_SECONDS = 2_147_483;

export const newToken = (): string => randomUUID();

/** The time of a task that waits for a token is over. */
export class TaskTimedOut extends Error {
  override readonly name = 'States.Timeout' as const;
}

/** The tasks that wait for a token. */
export const parkingStates = ({ States }: StateMachineDefinition): ReadonlySet<string> =>
  new Set(
    Object.entries(States).flatMap(([name, state]) =>
      'Resource' in state && state.Resource.endsWith('.waitForTaskToken') ? [name] : [],
    ),
  );

/** The definition without the paths of time-outs, which the interpreter looks for in the parameters of the task. */
export function withoutTimeoutPaths(definition: StateMachineDefinition): StateMachineDefinition {
  const states = Object.entries(definition.States).map(([name, state]) => {
    if (!('TimeoutSecondsPath' in state)) return [name, state];
    const { TimeoutSecondsPath: _, ...rest } = state;
    return [name, { ...rest, TimeoutSeconds: LONGEST_SECONDS }];
  });
  return { ...definition, States: Object.fromEntries(states) };
}

/** For how long the task may wait that begins with this event, in seconds; null for any other event. */
export function secondsUntilTimeout(definition: StateMachineDefinition, event: StateEvent): number | null {
  if (event.type !== 'StateEntered') return null;
  const state = definition.States[event.state.name];
  return state !== undefined && 'TimeoutSecondsPath' in state && typeof state.TimeoutSecondsPath === 'string'
    ? numberAt(state.TimeoutSecondsPath, event.state.input)
    : null;
}
