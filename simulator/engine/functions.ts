import type { Network, Sender } from '../../lambdas/adapters/network.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import type { Handler } from '../../lambdas/runtime/handler.ts';
import { type AwsClient, awsSender } from './aws.ts';
import { STATE_MACHINE_ARN } from './executions.ts';
import { type HttpSystem, httpTransport } from './http.ts';
import { clock, running } from './invocation.ts';
import type { DeployedFunction } from './lambda.ts';

/** What the functions' requests reach in one play. */
export interface Systems {
  http(host: string): HttpSystem | undefined;
  dynamodb: AwsClient;
  sns: AwsClient;
  stepFunctions: AwsClient;
}

export const MLFLOW_HOST = 'mlflow.invalid';
export const WORKLOAD_HOST = 'datarobot.invalid';
export const WORKLOAD_BASE = `https://${WORKLOAD_HOST}/api/v2`;
export const TOPIC_ARN = 'arn:aws:sns:us-east-1:123456789012:promotion-alerts';
export const WORKLOAD_TOKEN = 'simulator-token';
export const TABLE = 'promotion';

const systems = () => running().play.systems;

/** All requests go to the play of the process that sends them. */
const network: Network = {
  http: httpTransport((host) => systems().http(host)),
  dynamodb: awsSender(() => systems().dynamodb) as Sender<never>,
  sns: awsSender(() => systems().sns) as Sender<never>,
  stepFunctions: awsSender(() => systems().stepFunctions) as Sender<never>,
};

export type RegistryMode = 'stages' | 'aliases' | 'both';

/** What differs between two deployments. */
export interface Deployment {
  mode: RegistryMode;
  /** False: without the promotion table. */
  table: boolean;
}

export type DeployedFunctions = Record<FunctionName, DeployedFunction>;

const deployments = new Map<string, Promise<DeployedFunctions>>();

/** The exported handlers in one deployment, loaded once: a play uses processes that are warm. */
export function deployed(deployment: Deployment): Promise<DeployedFunctions> {
  const key = JSON.stringify(deployment);
  const known = deployments.get(key) ?? load(environmentOf(deployment));
  deployments.set(key, known);
  return known;
}

async function load(env: NodeJS.ProcessEnv): Promise<DeployedFunctions> {
  // Log lines would take most of the time.
  process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
  // What the functions load on first use would else be loaded in the middle of the first play.
  await Promise.all([
    import('../../lambdas/adapters/aws/sns.ts'),
    import('../../lambdas/adapters/aws/step-functions.ts'),
  ]);
  const entries = functionNames.map(async (name) => {
    const module: { handler: Handler } = await import(`../../lambdas/${name}.ts`);
    return [name, module.handler.withClock(clock, env, network)] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<FunctionName, Handler>;
}

const environmentOf = ({ mode, table }: Deployment): NodeJS.ProcessEnv => ({
  ENVIRONMENT: 'simulated',
  MLFLOW_TRACKING_URI: `https://${MLFLOW_HOST}`,
  MLFLOW_REGISTRY_MODE: mode,
  DATAROBOT_ENDPOINT: WORKLOAD_BASE,
  DATAROBOT_API_TOKEN: WORKLOAD_TOKEN,
  ALERT_SNS_TOPIC_ARN: TOPIC_ARN,
  STATE_MACHINE_ARN,
  AWS_REGION: 'us-east-1',
  ...(table ? { PROMOTION_TABLE: TABLE } : {}),
});
