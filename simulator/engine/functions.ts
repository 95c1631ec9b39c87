import type { Network, Sender } from '../../lambdas/adapters/network.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import type { Handler } from '../../lambdas/runtime/handler.ts';
import { awsSender } from './aws.ts';
import { STATE_MACHINE_ARN } from './executions.ts';
import { httpTransport } from './http.ts';
import { clock, running } from './invocation.ts';
import type { DeployedFunction } from './lambda.ts';

export const MLFLOW_HOST = 'mlflow.invalid';
export const WORKLOAD_HOST = 'datarobot.invalid';
export const WORKLOAD_BASE = `https://${WORKLOAD_HOST}/api/v2`;
export const TOPIC_ARN = 'arn:aws:sns:us-east-1:123456789012:promotion-alerts';
export const WORKLOAD_TOKEN = 'simulator-token';
const TABLE = 'promotion';

const systems = () => running().play.systems;

/** All requests go to the play of the process that sends them. */
const network: Network = {
  http: httpTransport((host) => systems().http(host)),
  dynamodb: awsSender(() => systems().dynamodb) as Sender<never>,
  sns: awsSender(() => systems().sns) as Sender<never>,
  stepFunctions: awsSender(() => systems().stepFunctions) as Sender<never>,
  cloudTrail: { send: async () => systems().lookUpEvents() as never },
};

export type RegistryMode = 'stages' | 'aliases' | 'both';

/** What differs between two deployments. */
export interface Deployment {
  mode: RegistryMode;
  /** False: without the promotion table. */
  table: boolean;
}

export type DeployedFunctions = Record<FunctionName, DeployedFunction>;

let loaded: Promise<[FunctionName, Handler][]> | undefined;

/** The exported handlers in one deployment, in processes of their own: they remember nothing of other plays. */
export async function deployed(deployment: Deployment): Promise<DeployedFunctions> {
  const env = environmentOf(deployment);
  loaded ??= load();
  const entries = (await loaded).map(
    ([name, handler]) => [name, handler.withClock(clock, env, network)] as const,
  );
  return Object.fromEntries(entries) as Record<FunctionName, Handler>;
}

async function load(): Promise<[FunctionName, Handler][]> {
  // Log lines would take most of the time.
  process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
  // What the functions load on first use would be loaded in the middle of the first play.
  await Promise.all([
    import('../../lambdas/adapters/aws/cloudtrail.ts'),
    import('../../lambdas/adapters/aws/sns.ts'),
    import('../../lambdas/adapters/aws/step-functions.ts'),
    import('../../lambdas/adapters/mlflow/model-file.ts'),
    import('../../lambdas/adapters/rows/read-rows.ts'),
    import('../../lambdas/adapters/rows/training-overlap.ts'),
    import('../../lambdas/runtime/store-services.ts'),
    import('../../lambdas/words/report/decision-page.ts'),
  ]);
  return Promise.all(
    functionNames.map(async (name): Promise<[FunctionName, Handler]> => {
      const module: { handler: Handler } = await import(`../../lambdas/${name}.ts`);
      return [name, module.handler];
    }),
  );
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
