import * as z from 'zod';
import { type Authorization, anonymous, basic, bearer } from '../adapters/authorization.ts';
import { signed } from '../adapters/aws/sagemaker.ts';
import { managedServer } from '../adapters/aws/sagemaker-arn.ts';
import type { Clock } from '../adapters/clock.ts';
import { type HttpLimits, httpClient } from '../adapters/http.ts';
import { type Mlflow, mlflow } from '../adapters/mlflow/client.ts';
import type { Network } from '../adapters/network.ts';
import type { RowsHasher, RowsReader } from '../adapters/rows/read-rows.ts';
import type { DriftRead } from '../domain/drift/drift-file.ts';
import { MlflowUnavailable } from '../domain/errors.ts';
import type { FilterRead } from '../domain/gates/checks.ts';
import type { ModelFileRead } from '../domain/gates/judge.ts';
import { mlflowCall } from '../domain/limits.ts';
import type { RegistryMode } from '../domain/registry.ts';
import { authorizationOf, Login, Token } from './credentials.ts';
import { configuration, MlflowEnvironment, withOneLogin } from './environment.ts';

const CheckedEnvironment = withOneLogin(MlflowEnvironment);
const Credentials = z.union([Login, Token]);

/** What a function needs to call MLflow. */
export interface RegistryServices {
  registry: Mlflow;
  mode: RegistryMode;
  /** Reads the rows of a run: one for each evaluated example. */
  rows?: RowsReader;
  /** Reads the file `MLmodel` of a version of a model. */
  modelFile?: (model: string, version: string) => Promise<ModelFileRead>;
  /** Compares the ids of evaluated rows with the training rows of a run; null where that run does not say. */
  trainingOverlap?: (runId: string, ids: readonly string[] | null) => Promise<FilterRead | null>;
  /** Hashes the file of a run's rows. */
  rowsHash?: RowsHasher;
  /** Reads what was logged of a model in two periods, where its tag says; `newest` is when its newest version was registered. */
  drift?: (tag: string, newest: Date | null) => Promise<DriftRead>;
}

/**
 * `server` is the address of the server and of its UI; null for one of SageMaker, whose UI has no lasting address. Throws
 * `InvalidConfiguration`, which names the variables without their values.
 */
export function registryServices(
  env: NodeJS.ProcessEnv,
  clock: Clock,
  network: Network = {},
  limits: HttpLimits = mlflowCall,
): RegistryServices & { server: string | null } {
  const config = configuration(CheckedEnvironment, env);
  const http = httpClient(limits, clock, network.http);
  const managed = managedServer(config.MLFLOW_TRACKING_URI, config.SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT);
  const now = () => clock.now();
  const server =
    managed === null
      ? { trackingUri: config.MLFLOW_TRACKING_URI, authorization: credentialsIn(config, env) }
      : { trackingUri: managed.url, authorization: signed(managed, env, now) };
  const registry = mlflow({ ...server, http, now });
  return {
    registry,
    server: managed === null ? config.MLFLOW_TRACKING_URI : null,
    mode: config.MLFLOW_REGISTRY_MODE,
    rows: async (run, spec, limits) => {
      const { readRows } = await import('../adapters/rows/read-rows.ts');
      return readRows(registry, run, spec, limits);
    },
    modelFile: async (model, version) => {
      const { readModelFile } = await import('../adapters/mlflow/model-file.ts');
      return readModelFile(registry, model, version);
    },
    trainingOverlap: async (runId, ids) => {
      const { readTrainingOverlap } = await import('../adapters/rows/training-overlap.ts');
      return readTrainingOverlap(registry, runId, ids);
    },
    rowsHash: async (run, spec, limits) => {
      const { hashRows } = await import('../adapters/rows/read-rows.ts');
      return hashRows(registry, run, spec, limits);
    },
    drift: async (tag, newest) => {
      const { readDrift } = await import('../adapters/mlflow/drift.ts');
      return readDrift(registry, tag, { now: now(), newest });
    },
  };
}

/** From the secret if one is set, else in MLflow's order: username and password, then the token. */
function credentialsIn(config: z.infer<typeof MlflowEnvironment>, env: NodeJS.ProcessEnv): Authorization {
  const {
    MLFLOW_CREDENTIALS_SECRET_ARN: arn,
    MLFLOW_TRACKING_USERNAME: username,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_TOKEN: token,
  } = config;
  const withToken = token === undefined ? anonymous : bearer(token);
  const secret = {
    env,
    variable: 'MLFLOW_CREDENTIALS_SECRET_ARN',
    arn,
    schema: Credentials,
    expected: '{"username": …, "password": …} or {"token": …}',
    unavailable: (message: string, cause: unknown) => new MlflowUnavailable(message, { cause }),
  };
  return authorizationOf(
    secret,
    username !== undefined && password !== undefined ? basic(username, password) : withToken,
  );
}
