import { configuration, StoreEnvironment } from '../../lambdas/runtime/environment.ts';
import { silenceLog } from '../../lambdas/runtime/log.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import { printLine } from '../screen/layout.ts';
import { watchLines } from '../screen/watch-lines.ts';
import { UsageError } from '../usage-error.ts';
import { documentOf } from './watch-document.ts';

/** The options of `promotion watch`. */
export interface WatchOptions {
  json?: true;
}

/** Columns of the titles before what is shown. */
const HANG = 12;

/**
 * `promotion watch`: shows where the watch of the live release stands; returns the exit status. Throws `UsageError` and
 * `LeaseStoreUnavailable`.
 */
export async function showWatch(model: string, { json }: WatchOptions): Promise<number> {
  const { env } = process;
  try {
    configuration(StoreEnvironment.required(), env);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  silenceLog();
  const item = await storeServices(env).store.readWatch(model);
  const document = item === null ? null : documentOf(model, item);
  if (json) console.log(JSON.stringify(document, null, 2));
  else for (const line of watchLines(model, document)) printLine(line, HANG);
  return 0;
}
