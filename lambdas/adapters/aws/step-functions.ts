import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  ListExecutionsCommand,
  SendTaskSuccessCommand,
  SFNClient,
  type SFNClientConfig,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
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

/** Executions that wait for people. Each method throws `StateMachineUnavailable`. */
export interface WaitingExecutions {
  /** Wakes the execution that waits with this token; does nothing where it does not wait any more. */
  wake(token: string): Promise<void>;
  isRunning(executionArn: string): Promise<boolean>;
}

/** The executions of one state machine: 3 attempts, 2 s to connect, 4 s for a response. */
export function stepFunctions(
  stateMachineArn: string,
  config: SFNClientConfig = {},
  variable?: string,
): Executions {
  return executionsOf(stateMachineArn, clientFor(config), variable);
}

const clientFor = (config: SFNClientConfig): SFNClient =>
  new SFNClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
    ...config,
  });

const unavailableFor =
  (variable: string | null) =>
  (call: string, error: unknown): StateMachineUnavailable => {
    const why = error instanceof Error ? error.name : 'unknown error';
    const check = variable === null ? '' : `. Check ${variable}.`;
    return new StateMachineUnavailable(`${call}: ${why}${check}`, { cause: error });
  };

/** The executions that wait, by the same client settings. */
export const waitingExecutions = (config: SFNClientConfig = {}): WaitingExecutions =>
  waitingOn(clientFor(config));

/** The executions that wait, behind this client. */
export function waitingOn(client: Sender<SFNClient>): WaitingExecutions {
  const unavailable = unavailableFor(null);
  return {
    async wake(taskToken) {
      try {
        await client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
      } catch (error) {
        const isOver =
          error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken;
        if (!isOver) throw unavailable('SendTaskSuccess', error);
      }
    },

    async isRunning(executionArn) {
      try {
        const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
        return status === 'RUNNING';
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return false;
        throw unavailable('DescribeExecution', error);
      }
    },
  };
}

/** The executions of one state machine behind this client; `variable` of the environment names it. */
export function executionsOf(
  stateMachineArn: string,
  client: Sender<SFNClient>,
  variable = 'STATE_MACHINE_ARN',
): Executions {
  const unavailable = unavailableFor(variable);
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
