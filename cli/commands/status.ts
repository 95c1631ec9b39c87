import * as z from 'zod';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import type { ModelPage, PromotionStore } from '../../lambdas/domain/release/store.ts';
import { visible } from '../../lambdas/domain/visible-text.ts';
import {
  configuration,
  MlflowEnvironment,
  StoreEnvironment,
  WorkloadEnvironment,
  withOneLogin,
  withOneToken,
} from '../../lambdas/runtime/environment.ts';
import { silenceLog } from '../../lambdas/runtime/log.ts';
import { type ReadingServices, readingServices } from '../../lambdas/runtime/reading-services.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import { readBothSides } from '../../lambdas/use-cases/parts/read-ending.ts';
import { printLine } from '../screen/layout.ts';
import { progressOn } from '../screen/progress.ts';
import { statusLines, statusTable } from '../screen/status-lines.ts';
import { UsageError } from '../usage-error.ts';
import { isUnknownModel, type ModelStatus, modelStatus, type ReadBeside } from './model-status.ts';
import { documentOf } from './watch-document.ts';

/** The options of `promotion status`. */
export interface StatusOptions {
  json?: true;
}

/** Columns of the titles before what is shown. */
const HANG = 10;
/** Models whose sides are read at the same time, and models of one page of the index. */
const AT_ONCE = 5;
const PAGE = 100;

/**
 * `promotion status`: shows what is live, the open change and both sides of one model, or of every model in the table;
 * returns the exit status. Throws `UsageError`, and `LeaseStoreUnavailable` if the models cannot be listed.
 */
export async function status(model: string | undefined, { json }: StatusOptions): Promise<number> {
  const { env } = process;
  checkEnvironment(env);
  // What could not be read is part of the answer.
  silenceLog();
  const services = { ...storeServices(env), ...readingServices(env, systemClock) };
  const progress = progressOn(process.stderr);
  try {
    progress.doing(model === undefined ? 'Listing the models' : 'Reading both sides');
    const all =
      model === undefined
        ? await everyModel(services, (read, of) =>
            progress.doing(`Reading both sides of ${of} models, ${read} read`),
          )
        : [await oneModel(model, services)];
    progress.stop();
    print(all, model !== undefined, json === true);
    return all.every((each) => each.status === 'in_step') ? 0 : 1;
  } finally {
    progress.stop();
  }
}

function print(all: readonly ModelStatus[], isOne: boolean, json: boolean): void {
  if (json) console.log(JSON.stringify(isOne ? all[0] : { models: all }, null, 2));
  else if (all.length === 0) console.log('The table records no model yet.');
  else for (const line of isOne ? all.flatMap(statusLines) : statusTable(all)) printLine(line, HANG);
}

async function oneModel(model: string, services: ReadingServices): Promise<ModelStatus> {
  const read = await readBothSides(model, services);
  if (isUnknownModel(read))
    throw new Error(
      `Registered model "${visible(model, 256)}" does not exist at MLFLOW_TRACKING_URI, and the table records nothing of it`,
    );
  return modelStatus(model, read, await readBeside(model, services.store), systemClock.now());
}

async function readBeside(model: string, store: PromotionStore): Promise<ReadBeside> {
  try {
    const [watch, kept] = await Promise.all([store.readWatch(model), store.readNeed(model)]);
    const need = kept?.need ?? null;
    return { watch: watch === null ? null : documentOf(model, watch), need, error: null };
  } catch (error) {
    return { watch: null, need: null, error };
  }
}

async function everyModel(
  services: ReadingServices,
  report: (read: number, of: number) => void,
): Promise<ModelStatus[]> {
  const models = await recordedModels(services.store);
  const found: ModelStatus[] = [];
  for (let first = 0; first < models.length; first += AT_ONCE) {
    report(found.length, models.length);
    const some = models.slice(first, first + AT_ONCE);
    found.push(
      ...(await Promise.all(
        some.map(async (model) => {
          const read = await readBothSides(model, services);
          return modelStatus(model, read, await readBeside(model, services.store), systemClock.now());
        }),
      )),
    );
  }
  return found.filter((each) => each.status !== 'unrecorded');
}

/** Models that the table knows, those with an open change first; of some only that somebody had the lease. Throws `LeaseStoreUnavailable`. */
export async function recordedModels(store: PromotionStore): Promise<string[]> {
  const open = await listed((from) => store.openChanges(from, PAGE));
  const closed = await listed((from) => store.closedModels(from, PAGE));
  // A change that closes meanwhile is in both lists.
  return [...new Set([...open, ...closed])];
}

async function listed(
  page: (from: string | null) => ReturnType<PromotionStore['openChanges']>,
): Promise<string[]> {
  const models: string[] = [];
  let from: string | null = null;
  do {
    const { models: some, next }: ModelPage = await page(from);
    models.push(...some);
    from = next;
  } while (from !== null);
  return models;
}

/** Throws `UsageError` with every problem, before anything is read. */
export function checkEnvironment(env: NodeJS.ProcessEnv, needsTable = true): void {
  const names = Object.keys(WorkloadEnvironment.shape);
  const platform = names.some((name) => (env[name] ?? '') !== '');
  const needed = z.object({
    ...(needsTable ? StoreEnvironment.required() : StoreEnvironment).shape,
    ...MlflowEnvironment.shape,
    ...(platform ? WorkloadEnvironment.shape : {}),
  });
  try {
    const loggedIn = withOneLogin(needed);
    configuration(platform ? withOneToken(loggedIn) : loggedIn, env);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
