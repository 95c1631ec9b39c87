import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import type { Registry } from '../../lambdas/domain/registry.ts';
import { registryServices } from '../../lambdas/runtime/registry.ts';
import { type MlflowEmulator, startMlflowEmulator } from './emulators/mlflow.ts';
import { type SnsEmulator, startSnsEmulator } from './emulators/sns.ts';
import { type LocalFunction, type LocalStateMachine, localStateMachine } from './state-machine.ts';
import { type LocalTable, startLocalTable } from './table.ts';

/**
 * The functions and the state machine on this machine: the deployed handlers, found by the environment variables
 * that the stack sets, here pointing at loopback.
 */
export interface Host {
  machine: LocalStateMachine;
  functions: Record<FunctionName, LocalFunction>;
  /** Null when a real MLflow server is used. */
  mlflow: MlflowEmulator | null;
  /** The same client that the functions use, for looking at what they did. */
  registry: Registry;
  sns: SnsEmulator;
  table: LocalTable;
  close(): Promise<void>;
}

const LOCAL_TOPIC = 'arn:aws:sns:us-east-1:123456789012:promotion-alerts';

/** Starts what is needed and sets `process.env`. One host per process: handlers read their environment once. */
export async function startHost({ realMlflow }: { realMlflow: boolean }): Promise<Host> {
  const [mlflow, sns, table] = await Promise.all([
    realMlflow ? null : startMlflowEmulator({}),
    startSnsEmulator({}),
    startLocalTable(),
  ]);
  const env = localEnvironment(mlflow?.url ?? null, sns.url, table);
  Object.assign(process.env, env);
  if (mlflow !== null) {
    for (const name of [
      'MLFLOW_TRACKING_USERNAME',
      'MLFLOW_TRACKING_PASSWORD',
      'MLFLOW_TRACKING_TOKEN',
      'MLFLOW_REGISTRY_MODE',
    ]) {
      delete process.env[name];
    }
  }
  const functions = await loadFunctions();
  return {
    machine: localStateMachine(functions),
    functions,
    registry: registryServices(process.env).registry,
    mlflow,
    sns,
    table,
    close: async () => {
      await Promise.all([mlflow?.close(), sns.close(), table.close()]);
    },
  };
}

function localEnvironment(
  mlflowUrl: string | null,
  snsUrl: string,
  table: LocalTable,
): Record<string, string> {
  return {
    ...(mlflowUrl === null ? {} : { MLFLOW_TRACKING_URI: mlflowUrl }),
    ALERT_SNS_TOPIC_ARN: LOCAL_TOPIC,
    PROMOTION_TABLE: table.name,
    ENVIRONMENT: process.env['ENVIRONMENT'] ?? 'local',
    AWS_ENDPOINT_URL_SNS: snsUrl,
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    POWERTOOLS_LOG_LEVEL: process.env['POWERTOOLS_LOG_LEVEL'] ?? 'SILENT',
  };
}

/** The exported handlers, loaded only now that the environment is set. */
async function loadFunctions(): Promise<Record<FunctionName, LocalFunction>> {
  const loaded = await Promise.all(
    functionNames.map(async (name) => {
      const module: { handler: LocalFunction } = await import(`../../lambdas/${name}.ts`);
      return [name, module.handler] as const;
    }),
  );
  return Object.fromEntries(loaded) as Record<FunctionName, LocalFunction>;
}
