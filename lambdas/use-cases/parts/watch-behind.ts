import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { PromotionStore } from '../../domain/release/store.ts';
import type { PartialStateDocument } from '../../domain/state-document.ts';
import { evidenceOf } from '../../domain/watch/advance.ts';
import { rollbackName } from '../../domain/watch/item.ts';
import { log, logError } from '../../runtime/log.ts';

/**
 * What the watch has found that started this execution; undefined for any other execution. Never throws: an outcome is
 * recorded without it.
 */
export async function watchBehind(
  { model_name, operation, champion_version }: PartialStateDocument,
  execution: string,
  { store }: { store: PromotionStore },
): Promise<Outcome['watch']> {
  if (operation !== 'rollback' || champion_version === null || model_name === null) return undefined;
  try {
    const item = await store.readWatch(model_name);
    if (item === null || item.state === null || !execution.endsWith(`:${rollbackName(item)}`))
      return undefined;
    return evidenceOf(item.state);
  } catch (error) {
    log().warn('the watch behind a rollback could not be read', { error: logError(error) });
    return undefined;
  }
}
