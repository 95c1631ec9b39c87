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
