import * as z from 'zod';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import type { HttpLimits } from '../../lambdas/adapters/http.ts';
import { mlflowCall, workloadCall } from '../../lambdas/domain/limits.ts';
import { RegistryMode } from '../../lambdas/domain/registry.ts';
import {
  AlertEnvironment,
  CompareEnvironment,
  configuration,
  MlflowEnvironment,
  RollbackEnvironment,
  WorkloadEnvironment,
  withOneLogin,
  withOneToken,
} from '../../lambdas/runtime/environment.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { servingServices } from '../../lambdas/runtime/workload-services.ts';
import type { RealSystems } from '../../local/host.ts';
import { UsageError } from '../usage-error.ts';
import { nothingStarted } from './input-options.ts';
import { AUTO, withoutAuto } from './registry-mode.ts';

/** The real systems that the environment names, for a run on this machine. */
export const namedSystems = (env: NodeJS.ProcessEnv): RealSystems => ({
  mlflow: isSet(env, 'MLFLOW_TRACKING_URI'),
  workload: isSet(env, 'DATAROBOT_ENDPOINT'),
});

const isSet = (env: NodeJS.ProcessEnv, name: string) => (env[name] ?? '') !== '';

/** What every run reads from the environment; the host sets the rest. */
const EveryRun = z.object({
  ...CompareEnvironment.shape,
  ...RollbackEnvironment.shape,
  ...AlertEnvironment.omit({ ALERT_SNS_TOPIC_ARN: true }).shape,
});

/** Only here `auto` is a mode, too. */
const LocalMode = z.object({ MLFLOW_REGISTRY_MODE: z.enum([...RegistryMode.options, AUTO]).default(AUTO) });

/** Throws `UsageError` with every problem of the environment, before anything starts. */
export function checkEnvironment({ mlflow, workload }: RealSystems, env: NodeJS.ProcessEnv): void {
  try {
    const needed = z.object({
      ...EveryRun.shape,
      ...(mlflow ? MlflowEnvironment.shape : {}),
      ...(workload ? WorkloadEnvironment.shape : {}),
      ...LocalMode.shape,
    });
    const loggedIn = mlflow ? withOneLogin(needed) : needed;
    configuration(workload ? withOneToken(loggedIn) : loggedIn, env);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Milliseconds in which a real system has to answer before a run on it starts. */
const ANSWER_MS = 1_800;

/** A name that no model and no artifact has: it is only asked for. */
const NOBODY = 'promotion-connection-check';

/**
 * Asks each real system for one thing, to see that it answers and takes the credentials; an execution would repeat that for
 * minutes. Throws `UsageError` with what is wrong, where, and what to do.
 */
export async function checkConnections(
  { mlflow, workload }: RealSystems,
  env: NodeJS.ProcessEnv,
  answerMs = ANSWER_MS,
): Promise<void> {
  const within = (limits: HttpLimits): HttpLimits => ({ ...limits, totalMs: answerMs, retries: 1 });
  const checks = [
    ...(mlflow ? [problemOf('MLFLOW_TRACKING_URI', env, () => askMlflow(env, within(mlflowCall)))] : []),
    ...(workload
      ? [problemOf('DATAROBOT_ENDPOINT', env, () => askWorkloads(env, within(workloadCall)))]
      : []),
  ];
  const problems = (await Promise.all(checks)).filter((problem) => problem !== null);
  if (problems.length > 0) throw nothingStarted(problems);
}

const askMlflow = (env: NodeJS.ProcessEnv, limits: HttpLimits) =>
  registryServices(withoutAuto(env), systemClock, {}, limits).registry.getModel(NOBODY);

const askWorkloads = (env: NodeJS.ProcessEnv, limits: HttpLimits) =>
  servingServices(env, systemClock, {}, limits).workloads.findArtifacts(NOBODY);

/** The problem of one request, with the address; the message of its error says what to do. Null without one. */
async function problemOf(
  variable: string,
  env: NodeJS.ProcessEnv,
  ask: () => Promise<unknown>,
): Promise<string | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    return `${variable}=${env[variable]}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
