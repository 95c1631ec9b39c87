import {
  ExecutionAlreadyExists,
  SFNClient,
  type SFNClientConfig,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { StateMachineUnavailable } from '../domain/errors.ts';

/** Starts executions of one state machine. */
export interface Executions {
  /** Starts one by its name; a second start with the same name does nothing. Throws `StateMachineUnavailable`. */
  start(name: string, input: object): Promise<void>;
}

export function stepFunctions(stateMachineArn: string, config: SFNClientConfig = {}): Executions {
  const client = new SFNClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
    ...config,
  });
  return {
    async start(name, input) {
      try {
        await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
      } catch (error) {
        // With another input than the first time it says so by this name; with the same one it answers success.
        if (error instanceof ExecutionAlreadyExists) return;
        const why = error instanceof Error ? error.name : 'unknown error';
        throw new StateMachineUnavailable(`StartExecution: ${why}. Is STATE_MACHINE_ARN right?`, {
          cause: error,
        });
      }
    },
  };
}
