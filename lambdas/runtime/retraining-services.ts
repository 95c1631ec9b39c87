import type { Network } from '../adapters/network.ts';
import { InvalidConfiguration } from '../domain/errors.ts';
import { configuration, RetrainingEnvironment, StoreEnvironment } from './environment.ts';
import { type ExecutionServices, executionsIn } from './execution-services.ts';

/** What deciding about a retraining, and starting it, needs. */
export interface RetrainingServices {
  /** Models that are retrained; empty for all. */
  allowed: readonly string[];
  intervalDays: number;
  minHours: number;
  /** Executions that retrain; null if the caller trains. */
  retrainings: ExecutionServices['executions'];
}

/** Throws `InvalidConfiguration`, also for a state machine without a table, which would be started again and again. */
export function retrainingServices(env: NodeJS.ProcessEnv, network: Network = {}): RetrainingServices {
  const config = configuration(RetrainingEnvironment, env);
  const arn = config.RETRAINING_STATE_MACHINE_ARN;
  if (arn !== undefined && configuration(StoreEnvironment, env).PROMOTION_TABLE === undefined)
    throw new InvalidConfiguration(
      'Invalid environment: RETRAINING_STATE_MACHINE_ARN needs PROMOTION_TABLE, which keeps what was started',
    );
  return {
    allowed: config.ALLOWED_MODELS,
    intervalDays: config.RETRAINING_INTERVAL_DAYS,
    minHours: config.MIN_HOURS_BETWEEN_RETRAINING,
    retrainings: executionsIn(arn, 'RETRAINING_STATE_MACHINE_ARN', env, network),
  };
}
