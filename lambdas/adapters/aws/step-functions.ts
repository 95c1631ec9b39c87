import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ListExecutionsCommand,
  SFNClient,
  type SFNClientConfig,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { StateMachineUnavailable } from '../../domain/errors.ts';
import type { Sender } from '../network.ts';

/** An execution that did not succeed, in the form of EventBridge's event. */
export interface UnsuccessfulExecution {
  executionArn: string;
  status: 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** JSON text. */
  input: string | null;
  /** Milliseconds since 1970. */
  startDate: number | null;
}
const UNSUCCESSFUL_STATUSES = [
  'FAILED',
  'TIMED_OUT',
  'ABORTED',
] as const satisfies UnsuccessfulExecution['status'][];

/** Executions of one state machine. Each method throws `StateMachineUnavailable`. */
export interface Executions {
  /** Starts an execution by name; a second start with the same name does nothing. */
  start(name: string, input: object): Promise<void>;
  /** ARNs of executions that failed, timed out or were aborted between `from` and `until`, of the newest 1,000 of each status. */
  listUnsuccessful(from: Date, until: Date): Promise<string[]>;
  /** An execution that did not succeed; null while it runs, or if it succeeded. */
  describeUnsuccessful(executionArn: string): Promise<UnsuccessfulExecution | null>;
}

/** The executions of one state machine: 3 attempts, 2 s to connect, 4 s for a response. */
export function stepFunctions(
  stateMachineArn: string,
  config: SFNClientConfig = {},
  variable?: string,
): Executions {
  const client = new SFNClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
    ...config,
  });
  return executionsOf(stateMachineArn, client, variable);
}

/** The executions of one state machine behind this client; `variable` of the environment names it. */
export function executionsOf(
  stateMachineArn: string,
  client: Sender<SFNClient>,
  variable = 'STATE_MACHINE_ARN',
): Executions {
  const unavailable = (call: string, error: unknown) => {
    const why = error instanceof Error ? error.name : 'unknown error';
    return new StateMachineUnavailable(`${call}: ${why}. Check ${variable}.`, { cause: error });
  };
  return {
    async start(name, input) {
      try {
        await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
      } catch (error) {
        // Only for a different input; with the same input a repeated start succeeds.
        if (error instanceof ExecutionAlreadyExists) return;
        throw unavailable('StartExecution', error);
      }
    },

    async listUnsuccessful(from, until) {
      const lists = UNSUCCESSFUL_STATUSES.map((statusFilter) =>
        client.send(new ListExecutionsCommand({ stateMachineArn, statusFilter, maxResults: 1000 })),
      );
      const answers = await Promise.all(lists).catch((error) => {
        throw unavailable('ListExecutions', error);
      });
      return answers.flatMap(({ executions = [] }) =>
        executions.flatMap(({ executionArn, stopDate }) =>
          executionArn !== undefined && stopDate !== undefined && stopDate >= from && stopDate < until
            ? [executionArn]
            : [],
        ),
      );
    },

    async describeUnsuccessful(executionArn) {
      const answer = await client.send(new DescribeExecutionCommand({ executionArn })).catch((error) => {
        throw unavailable('DescribeExecution', error);
      });
      const status = UNSUCCESSFUL_STATUSES.find((each) => each === answer.status);
      if (status === undefined) return null;
      return {
        executionArn,
        status,
        input: answer.input ?? null,
        startDate: answer.startDate?.getTime() ?? null,
      };
    },
  };
}
