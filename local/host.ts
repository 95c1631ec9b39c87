import { randomUUID } from 'node:crypto';
import { type LocalCloudTrail, startLocalCloudTrail } from '../emulators/aws/cloudtrail.ts';
import { type LocalTable, startLocalTable } from '../emulators/aws/dynamodb.ts';
import { type SnsEmulator, startSnsEmulator } from '../emulators/aws/sns.ts';
import { type LocalStepFunctions, startLocalStepFunctions } from '../emulators/aws/step-functions.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../emulators/mlflow/server.ts';
import { startWorkloadEmulator, type WorkloadEmulator } from '../emulators/workload/server.ts';
import { LATE_RECORDS } from '../emulators/workload/world/settings.ts';
import type { Network, Sender } from '../lambdas/adapters/network.ts';
import { type FunctionName, functionNames } from '../lambdas/domain/limits.ts';
import type { Registry, RegistryMode } from '../lambdas/domain/registry.ts';
import type { Workloads } from '../lambdas/domain/serving/workloads.ts';
import type { Handler } from '../lambdas/runtime/handler.ts';
import { registryServices } from '../lambdas/runtime/mlflow-services.ts';
import { servingServices } from '../lambdas/runtime/workload-services.ts';
import { LocalClock } from './machine/clock.ts';
import { type LocalFunction, type LocalStateMachine, localStateMachine } from './machine/state-machine.ts';

/**
 * The deployed handlers and state machine on this machine, configured by the environment variables that the stack
 * sets, which here point at loopback.
 */
export interface Host {
  machine: LocalStateMachine;
  functions: Record<FunctionName, LocalFunction>;
  /** The clock of the functions and the emulators; it follows the system's time while a real system is used. */
  clock: LocalClock;
  /** The environment of the functions: the variables that the stack sets, and the addresses of the emulators. */
  env: NodeJS.ProcessEnv;
  /** Null when a real MLflow server is used. */
  mlflow: MlflowEmulator | null;
  /** Null when a real Workload API is used. */
  workload: WorkloadEmulator | null;
  /** The same clients that the functions use, to read the current state. */
  registry: Registry;
  workloads: Workloads;
  sns: SnsEmulator;
  table: LocalTable;
  stepFunctions: LocalStepFunctions;
  cloudTrail: LocalCloudTrail;
  close(): Promise<void>;
}

/** A host on emulators only: faults can be injected and waits skipped only there. */
export type EmulatedHost = Host & { mlflow: MlflowEmulator; workload: WorkloadEmulator };
export const isEmulated = (host: Host): host is EmulatedHost =>
  host.mlflow !== null && host.workload !== null;

/** Which real systems are used instead of emulators. */
export interface RealSystems {
  /** The server of `MLFLOW_TRACKING_URI` instead of the emulator. */
  mlflow: boolean;
  /** The platform of `DATAROBOT_ENDPOINT` instead of the emulator. */
  workload: boolean;
  /** Instead of `MLFLOW_REGISTRY_MODE`, on a real MLflow server. */
  registryMode?: RegistryMode | null;
}

const LOCAL_TOPIC = 'arn:aws:sns:us-east-1:123456789012:promotion-alerts';

type HostEmulators = Pick<
  Host,
  'clock' | 'env' | 'mlflow' | 'workload' | 'sns' | 'table' | 'stepFunctions' | 'cloudTrail'
>;

/** The functions and the definition that a host runs. */
export interface Deployment {
  functions: Record<FunctionName, LocalFunction>;
  /** Amazon States Language; left out: `statemachines/promotion.asl.json`. */
  definition?: string;
  close?(): Promise<void>;
}

/**
 * Starts a host; several may run in one process, each on its own emulators. It runs the sources, unless `deploy`
 * returns other functions, with the table that `startTable` starts. Close it to stop the emulators.
 */
export async function startHost(
  real: RealSystems = { mlflow: false, workload: false },
  deploy: (emulators: HostEmulators) => Promise<Deployment> = async ({ clock, env, table }) => ({
    functions: await loadFunctions(clock, env, table),
  }),
  startTable = startLocalTable,
): Promise<Host> {
  const clock = new LocalClock({ emulated: !real.mlflow && !real.workload });
  const [mlflow, workload, sns, table, stepFunctions, cloudTrail] = await Promise.all([
    real.mlflow ? null : startMlflowEmulator({ clock: () => clock.now().getTime() }),
    real.workload ? null : startWorkloadEmulator({ clock, timings: LATE_RECORDS }),
    startSnsEmulator({}),
    startTable(),
    startLocalStepFunctions(),
    startLocalCloudTrail(() => clock.now().getTime()),
  ]);
  const emulators = { mlflow, workload, sns, table, stepFunctions, cloudTrail };
  const env = environmentFor(emulators, real.registryMode ?? null);
  const { functions, definition, close } = await deploy({ clock, env, ...emulators });
  return {
    machine: localStateMachine(functions, definition),
    functions,
    clock,
    env,
    registry: registryServices(env, clock).registry,
    workloads: servingServices(env, clock).workloads,
    ...emulators,
    close: async () => {
      await close?.();
      await Promise.all(Object.values(emulators).map((each) => each?.close()));
    },
  };
}

/** Variables of a real MLflow server, which the emulator does not expect. */
const REAL_MLFLOW_VARIABLES = [
  'MLFLOW_TRACKING_USERNAME',
  'MLFLOW_TRACKING_PASSWORD',
  'MLFLOW_TRACKING_TOKEN',
  'MLFLOW_REGISTRY_MODE',
  'MLFLOW_CREDENTIALS_SECRET_ARN',
];

function environmentFor(
  { mlflow, workload, sns, table, stepFunctions, cloudTrail }: Omit<HostEmulators, 'clock' | 'env'>,
  registryMode: RegistryMode | null,
): NodeJS.ProcessEnv {
  const env = { ...process.env };
  if (registryMode !== null) env['MLFLOW_REGISTRY_MODE'] = registryMode;
  if (mlflow !== null) {
    for (const name of REAL_MLFLOW_VARIABLES) delete env[name];
    env['MLFLOW_TRACKING_URI'] = mlflow.url;
  }
  if (workload !== null) {
    delete env['DATAROBOT_TOKEN_SECRET_ARN'];
    env['DATAROBOT_ENDPOINT'] = workload.url;
    env['DATAROBOT_API_TOKEN'] = workload.token;
  }
  return {
    ENVIRONMENT: 'local',
    ...env,
    ALERT_SNS_TOPIC_ARN: LOCAL_TOPIC,
    PROMOTION_TABLE: table.name,
    AWS_ENDPOINT_URL_SNS: sns.url,
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
    AWS_ENDPOINT_URL_SFN: stepFunctions.endpoint,
    AWS_ENDPOINT_URL_CLOUDTRAIL: cloudTrail.endpoint,
    STATE_MACHINE_ARN: stepFunctions.stateMachineArn,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
}

/** The exported handlers. Their log lines would go to standard output: they are off by default. */
async function loadFunctions(
  clock: LocalClock,
  env: NodeJS.ProcessEnv,
  { documents }: LocalTable,
): Promise<Record<FunctionName, LocalFunction>> {
  const network: Network = documents === undefined ? {} : { dynamodb: documents as Sender<never> };
  process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
  const loaded = await Promise.all(
    functionNames.map(async (name) => {
      const module: { handler: Handler } = await import(`../lambdas/${name}.ts`);
      const handler = module.handler.withClock(clock, env, network);
      // As on AWS each call is a request of its own: by its id a repeated one is told from a new one.
      const call = (event: unknown) => handler(event, { awsRequestId: randomUUID() });
      return [name, afterWaits(clock, call)] as const;
    }),
  );
  return Object.fromEntries(loaded) as Record<FunctionName, LocalFunction>;
}

/** Calls the function only when the clock has finished advancing, however short the wait was in real time. */
export const afterWaits =
  (clock: LocalClock, call: LocalFunction): LocalFunction =>
  async (event) => {
    await clock.whenArrived();
    return call(event);
  };
