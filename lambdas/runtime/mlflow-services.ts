import * as z from 'zod';
import { type Authorization, anonymous, basic, bearer } from '../adapters/authorization.ts';
import { signed } from '../adapters/aws/sagemaker.ts';
import { managedServer } from '../adapters/aws/sagemaker-arn.ts';
import { fromSecret } from '../adapters/aws/secrets-manager.ts';
import type { Clock } from '../adapters/clock.ts';
import { httpClient } from '../adapters/http.ts';
import { type Mlflow, mlflow } from '../adapters/mlflow/client.ts';
import { MlflowUnavailable } from '../domain/errors.ts';
import type { RegistryMode } from '../domain/registry.ts';
import { configuration, HeaderText, jsonOrNull, MlflowEnvironment, withOneLogin } from './environment.ts';

/** Everything a function needs to talk to MLflow. */
export interface RegistryServices {
  registry: Mlflow;
  mode: RegistryMode;
}

/** The longest chain of calls, a promotion in mode `both` with a repair, is eleven: they stay below the function's 60 s. */
const LIMITS = {
  connectMs: 1_500,
  headersMs: 4_000,
  bodyMs: 3_000,
  totalMs: 5_000,
  maxBytes: 4 * 1024 * 1024,
  retries: 3,
  backoffMs: 100,
};

/** Throws `InvalidConfiguration`, which names the variables and repeats no value. */
export function registryServices(env: NodeJS.ProcessEnv, clock: Clock): RegistryServices {
  const config = configuration(withOneLogin(MlflowEnvironment), env);
  const http = httpClient(LIMITS);
  const managed = managedServer(config.MLFLOW_TRACKING_URI, config.SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT);
  const registry =
    managed === null
      ? mlflow({ trackingUri: config.MLFLOW_TRACKING_URI, authorization: authorizationOf(config, env), http })
      : mlflow({ trackingUri: managed.url, authorization: signed(managed, env, () => clock.now()), http });
  return { registry, mode: config.MLFLOW_REGISTRY_MODE };
}

/** A secret where one is named; else in MLflow's own order: username and password, else the token. */
function authorizationOf(config: z.infer<typeof MlflowEnvironment>, env: NodeJS.ProcessEnv): Authorization {
  const {
    MLFLOW_CREDENTIALS_SECRET_ARN: arn,
    MLFLOW_TRACKING_USERNAME: username,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_TOKEN: token,
  } = config;
  if (arn !== undefined)
    return fromSecret({
      env,
      variable: 'MLFLOW_CREDENTIALS_SECRET_ARN',
      arn,
      read: credentialsIn,
      expected: '{"username": …, "password": …} or {"token": …}',
      unavailable: (message, cause) => new MlflowUnavailable(message, { cause }),
    });
  if (username !== undefined && password !== undefined) return basic(username, password);
  return token === undefined ? anonymous : bearer(token);
}

const Credentials = z.union([
  z.object({ username: z.string().min(1), password: z.string().min(1) }),
  z.object({ token: HeaderText }),
]);

function credentialsIn(text: string): Authorization | null {
  const found = Credentials.safeParse(jsonOrNull(text)).data;
  if (found === undefined) return null;
  return 'token' in found ? bearer(found.token) : basic(found.username, found.password);
}
