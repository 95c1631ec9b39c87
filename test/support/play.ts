import {
  type LocalEvent,
  type LocalResult,
  type LocalRunOptions,
  localStateMachine,
} from '../../local/machine/state-machine.ts';
import type { StubFunctions } from './stub-functions.ts';

export const execution: LocalRunOptions['execution'] = {
  id: 'arn:aws:states:us-east-1:123456789012:execution:promotion:run-1',
  name: 'run-1',
  startTime: '2026-01-01T00:00:00.000Z',
};

export interface Played extends LocalResult {
  /** The states in the order in which they were entered. */
  path: string[];
  events: LocalEvent[];
}

/** Runs one execution on stub functions, without its pauses. */
export async function play(
  stubs: StubFunctions,
  input: unknown = { model_name: 'PascalStrategy' },
): Promise<Played> {
  const events: LocalEvent[] = [];
  const onEvent = (event: LocalEvent) => void events.push(event);
  const run = localStateMachine(stubs.handlers).run(input, { execution, waitSeconds: 0, onEvent });
  const result = await run.result;
  return {
    ...result,
    events,
    path: events.flatMap((event) => (event.kind === 'entered' ? [event.state] : [])),
  };
}
