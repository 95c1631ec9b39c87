import { clientSettings } from '../adapters/aws/client-settings.ts';
import type { Executions } from '../adapters/aws/step-functions.ts';
import type { Network } from '../adapters/network.ts';
import { configuration, SweepEnvironment } from './environment.ts';

/** What a function needs to start, list and describe executions of the state machine. */
export interface ExecutionServices {
  /** Null if no state machine is configured. The client is loaded on first use. */
  executions: () => Promise<Executions | null>;
}

/** Throws `InvalidConfiguration`. */
export function executionServices(
  env: NodeJS.ProcessEnv,
  network: Network = {},
): ExecutionServices & { executionArn: (name: string) => string } {
  const { STATE_MACHINE_ARN: arn } = configuration(SweepEnvironment, env);
  return {
    executions: executionsIn(arn, 'STATE_MACHINE_ARN', env, network),
    executionArn: (name) => `${(arn ?? '').replace(':stateMachine:', ':execution:')}:${name}`,
  };
}

/** Executions of the state machine that a variable names; null without one. The client is loaded on first use. */
export function executionsIn(
  arn: string | undefined,
  variable: string,
  env: NodeJS.ProcessEnv,
  network: Network,
): ExecutionServices['executions'] {
  let made: Executions | null = null;
  return async () => {
    if (arn === undefined || made !== null) return made;
    const { executionsOf, stepFunctions } = await import('../adapters/aws/step-functions.ts');
    const client = network.stepFunctions;
    made =
      client === undefined
        ? stepFunctions(arn, clientSettings(env, 'SFN'), variable)
        : executionsOf(arn, client, variable);
    return made;
  };
}
