import type { RunOptions, StateMachine, StateMachineDefinition } from 'aws-local-stepfunctions';

export type Overrides = NonNullable<RunOptions['overrides']>;
type RawEvent = ReturnType<StateMachine['run']>['eventLogs'] extends AsyncGenerator<infer E> ? E : never;
type StateEvent = Extract<RawEvent, { state: unknown }>;

/** The interpreter's overrides that set the length of every wait, and of every pause before a retry. */
export function pausesOf(definition: StateMachineDefinition, ms: number): Overrides {
  const states = Object.entries(definition.States);
  const named = (wanted: (state: (typeof states)[number][1]) => boolean) =>
    Object.fromEntries(states.filter(([, state]) => wanted(state)).map(([name]) => [name, ms]));
  return {
    waitTimeOverrides: named((state) => state.Type === 'Wait'),
    retryIntervalOverrides: named((state) => 'Retry' in state),
  };
}

/**
 * Length on AWS, in seconds, of the wait that begins or of the pause before a retry that has ended with this event (a
 * jittered pause at its longest); null for every other event.
 */
export function secondsOnAws(definition: StateMachineDefinition, event: StateEvent): number | null {
  if (event.type === 'StateRetried') {
    const { retrier, attempt } = event.retry;
    const pause = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** (attempt - 1);
    return Math.min(pause, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  }
  if (event.type !== 'StateEntered') return null;
  const state = definition.States[event.state.name];
  if (state?.Type !== 'Wait') return null;
  if ('Seconds' in state) return state.Seconds;
  return 'SecondsPath' in state ? numberAt(state.SecondsPath, event.state.input) : null;
}

/** The number at a path of plain names, such as `$.prepared.retry_after_seconds`. */
export function numberAt(path: string, document: unknown): number | null {
  const names = path.split('.').slice(1);
  const found = names.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    document,
  );
  return typeof found === 'number' ? found : null;
}
