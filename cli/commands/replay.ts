import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import { InvalidPolicy, UnknownPolicy } from '../../lambdas/domain/errors.ts';
import {
  CompareEnvironment,
  configuration,
  MlflowEnvironment,
  StoreEnvironment,
  withOneLogin,
} from '../../lambdas/runtime/environment.ts';
import { silenceLog } from '../../lambdas/runtime/log.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { policyServices } from '../../lambdas/runtime/policy-services.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import type { CompareServices } from '../../lambdas/use-cases/compare-models.ts';
import { printLine } from '../screen/layout.ts';
import { progressOn } from '../screen/progress.ts';
import { replayLines } from '../screen/replay-lines.ts';
import { UsageError } from '../usage-error.ts';
import { everyEntry } from './ledger.ts';
import { checkConnections } from './real-systems.ts';
import { decisionsIn, judgeOf, type Replayed } from './replay-decisions.ts';
import { recordedModels } from './status.ts';

/** The options of `promotion replay`. */
export interface ReplayOptions {
  /** A policy file. */
  policy: string;
  model?: string;
  since?: Date;
  json?: true;
}

/**
 * `promotion replay`: prints what the decisions in the ledgers would have been under another policy, on the evidence that MLflow
 * holds now; writes nothing. Returns the exit status. Throws `UsageError`, `LeaseStoreUnavailable` and the errors of MLflow.
 */
export async function replay({ policy, model, since, json }: ReplayOptions): Promise<number> {
  checkEnvironment(process.env);
  const name = policyName(policy);
  silenceLog();
  await checkConnections({ mlflow: true, workload: false }, process.env);
  const { store } = storeServices(process.env);
  const services: Omit<CompareServices, 'clock'> = {
    ...policyServices(process.env, new URL('./', pathToFileURL(policy))),
    ...registryServices(process.env, systemClock),
    mode: 'stages',
  };
  const replayed: Replayed[] = [];
  const progress = progressOn(process.stderr);
  try {
    // A policy with mistakes is refused before anything is read.
    await services.policies.load(name).catch(asUsage);
    progress.doing('Listing the models');
    for (const each of model === undefined ? await recordedModels(store) : [model]) {
      const decisions = decisionsIn(await everyEntry(each, store), since);
      const judge = judgeOf(each, name, services);
      for (const [index, decision] of decisions.entries()) {
        progress.doing(`Comparing again for ${each}: ${index} of ${decisions.length} decisions`);
        replayed.push(await judge(decision));
      }
    }
  } finally {
    progress.stop();
  }
  if (json) console.log(JSON.stringify({ policy: name, decisions: replayed }, null, 2));
  else for (const line of replayLines(replayed, name)) printLine(line, 4);
  return 0;
}

/** The name of the policy in a file. Throws `UsageError` for a path that is none. */
function policyName(file: string): string {
  if (!file.endsWith('.json') || !existsSync(file))
    throw new UsageError(`--policy must be a policy file that exists, such as policies/refresh.json`);
  return basename(file, '.json');
}

function asUsage(error: unknown): never {
  if (error instanceof InvalidPolicy || error instanceof UnknownPolicy) throw new UsageError(error.message);
  throw error;
}

/** Throws `UsageError` with every problem, before anything is read. */
function checkEnvironment(env: NodeJS.ProcessEnv): void {
  const needed = z.object({
    ...StoreEnvironment.required().shape,
    ...MlflowEnvironment.shape,
    ...CompareEnvironment.shape,
  });
  try {
    configuration(withOneLogin(needed), env);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
