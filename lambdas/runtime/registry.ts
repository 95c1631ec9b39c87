import * as z from 'zod';
import { type Authorization, anonymous, basic, bearer } from '../adapters/authorization.ts';
import { systemClock } from '../adapters/clock.ts';
import { httpClient } from '../adapters/http.ts';
import { type Mlflow, mlflow } from '../adapters/mlflow.ts';
import { signed } from '../adapters/sagemaker.ts';
import { managedServer } from '../adapters/sagemaker-arn.ts';
import { fromSecret } from '../adapters/secrets.ts';
import { MlflowNonsense, MlflowUnavailable } from '../domain/errors.ts';
import { afterMove, movesTo } from '../domain/promotion-plan.ts';
import type { Registry, RegistryMode, RegistryView } from '../domain/registry.ts';
import { configuration, HeaderText, jsonOrNull, MlflowEnvironment, withOneLogin } from './config.ts';

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

export function registryServices(env: NodeJS.ProcessEnv): RegistryServices {
  const config = configuration(withOneLogin(MlflowEnvironment), env);
  const http = httpClient(LIMITS);
  const managed = managedServer(config.MLFLOW_TRACKING_URI, config.SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT);
  const registry =
    managed === null
      ? mlflow({ trackingUri: config.MLFLOW_TRACKING_URI, authorization: authorizationOf(config), http })
      : mlflow({ trackingUri: managed.url, authorization: signed(managed, env, systemClock.now), http });
  return { registry, mode: config.MLFLOW_REGISTRY_MODE };
}

/** A secret where one is named; else in MLflow's own order: username and password, else the token. */
function authorizationOf(config: z.infer<typeof MlflowEnvironment>): Authorization {
  const {
    MLFLOW_CREDENTIALS_SECRET_ARN: arn,
    MLFLOW_TRACKING_USERNAME: username,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_TOKEN: token,
  } = config;
  if (arn !== undefined)
    return fromSecret({
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

/** The registry as it is now, or null when the model does not exist. Two calls. */
export async function readRegistry(registry: Registry, name: string): Promise<RegistryView | null> {
  const model = await registry.getModel(name);
  return model === null ? null : { model, versions: await registry.listVersions(name) };
}

/**
 * Makes `version` the champion and reads back whether it is. A lost answer is settled by looking; where the reading
 * shows the old champion, or two, the writes are asserted once more. Throws only when the outcome is unknown.
 */
export async function moveAndVerify(
  { registry, mode }: { registry: Registry; mode: RegistryMode },
  view: RegistryView,
  move: { version: string; from: string | null; keepPrevious: boolean },
): Promise<'done' | 'contested'> {
  const name = view.model.name;
  const writes = movesTo(move.version, move.keepPrevious ? move.from : null, mode);
  const write = async () => {
    for (const step of writes) {
      if (step.kind === 'stage') await registry.moveToProduction(name, step.version);
      else await registry.setAlias(name, step.alias, step.version);
    }
  };
  const look = async () => afterMove(await readAgain(registry, mode, view), mode, move.version, move.from);

  await write().catch((error: unknown) => {
    if (!(error instanceof MlflowUnavailable || error instanceof MlflowNonsense)) throw error;
  });
  const seen = await look();
  if (seen !== 'again') return seen;
  await write();
  return (await look()) === 'done' ? 'done' : 'contested';
}

/** Reads only what the mode's pointers are made of: one call, or two in mode `both`. */
async function readAgain(registry: Registry, mode: RegistryMode, view: RegistryView): Promise<RegistryView> {
  const name = view.model.name;
  const versions = mode === 'aliases' ? view.versions : await registry.listVersions(name);
  const model = mode === 'stages' ? view.model : ((await registry.getModel(name)) ?? view.model);
  return { model, versions };
}
