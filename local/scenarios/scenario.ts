import * as z from 'zod';
import { type ExecutionDocument, type ExecutionRun, execute } from '../execution.ts';
import type { EmulatedHost } from '../host.ts';
import { MODEL } from './seed.ts';

/** A named situation for `npm start -- --scenario NAME`. */
export interface Scenario {
  name: string;
  /** One line for `--list`. */
  about: string;
  /** Runs on a new host; returns one document for each execution, in the order in which they were started. */
  play(host: EmulatedHost, run: ExecutionRun): Promise<ExecutionDocument[]>;
}

/** Execution inputs that the scenarios share. */
export const promote = { model_name: MODEL, requested_by: 'npm start' };
export const rollback = { ...promote, operation: 'rollback', reason: 'PERFORMANCE_DEGRADATION' };

/** Prepares the host, then runs one execution. */
export const once =
  (input: object, prepare: (host: EmulatedHost) => void = () => {}): Scenario['play'] =>
  async (host, run) => {
    prepare(host);
    return [await execute(host, input, run)];
  };

/** Prepares the host, then runs one execution for each input, one after the other. */
export const inSequence =
  (prepare: (host: EmulatedHost) => void, ...inputs: object[]): Scenario['play'] =>
  async (host, run) => {
    prepare(host);
    const documents: ExecutionDocument[] = [];
    for (const input of inputs) documents.push(await execute(host, input, run));
    return documents;
  };

/** After this a sweep takes up a change that was left open. */
export const ATTEMPT_MS = 6 * 60_000;

/** What a sweep did, for people; null if nothing. */
const Swept = z.object({ sent: z.number(), attempted: z.number(), told: z.number() }).transform((did) => {
  const counted = (count: number, what: string) => (count === 1 ? `1 ${what}` : `${count} ${what}s`);
  const lines = [
    ...(did.sent === 0 ? [] : [`${counted(did.sent, 'alert')} sent`]),
    ...(did.attempted === 0 ? [] : [`${counted(did.attempted, 'attempt')} started`]),
    ...(did.told === 0 ? [] : [`${counted(did.told, 'model')} out of step, alert sent`]),
  ];
  return lines.length === 0 ? null : `sweep: ${lines.join(', ')}`;
});

/** Runs a sweep, and notes in the timeline of an execution what it did. */
export async function sweep(host: EmulatedHost, run: ExecutionRun, execution: string): Promise<void> {
  const note = Swept.parse(await host.functions['sweep-promotions']({ sweep: true }));
  if (note !== null) noteIn(host, run, execution, note);
}

/** Notes something that happens outside of the state machine. */
export function noteIn({ clock }: EmulatedHost, run: ExecutionRun, execution: string, note: string): void {
  run.onEvent?.({ kind: 'noted', at: clock.now().getTime(), note }, execution);
}

/** Some minutes later a sweep starts attempts at changes that were left open; runs each to its end. */
export async function sweepAndTakeUp(
  host: EmulatedHost,
  run: ExecutionRun,
  execution = '',
): Promise<ExecutionDocument[]> {
  host.clock.skip(ATTEMPT_MS);
  await sweep(host, run, execution);
  const documents: ExecutionDocument[] = [];
  for (const { name, input } of host.stepFunctions.take())
    documents.push(await execute(host, input, { ...run, name }));
  return documents;
}
