import { dynamodbClient, dynamodbStore, noStore, type PromotionStore } from '../adapters/dynamodb.ts';
import type { PromotionRecord } from '../domain/promotion-record.ts';
import { configuration, StoreEnvironment } from './config.ts';
import { log, logError } from './log.ts';

/** Who remembers leases, and how executions ended. */
export function storeServices(env: NodeJS.ProcessEnv): { store: PromotionStore } {
  const { PROMOTION_TABLE: table } = configuration(StoreEnvironment, env);
  if (table !== undefined) return { store: dynamodbStore(dynamodbClient(), table) };
  log().warn('PROMOTION_TABLE is not set: no lease is taken and no outcome is remembered');
  return { store: noStore };
}

/**
 * True when an execution moved the registry and never came to record how it ended, so that nobody was told: it was
 * aborted, ran out of time, or could not reach the table. `counted` is the caller's fence as the table counts it: a
 * table that has not counted beyond the record's fence is another one, and cannot know how that execution ended.
 */
export async function isUnannounced(
  record: PromotionRecord,
  counted: number | null,
  store: PromotionStore,
): Promise<boolean> {
  const { execution, result } = record;
  if (execution === null || result?.alert !== 'execution') return false;
  if (counted === null || record.fence === null || record.fence >= counted) return false;
  const counts = result.result === 'promoted' || result.result === 'rolled_back';
  return counts && !(await store.hasOutcome(execution));
}

/** An execution releases its lease within seconds of its outcome; a clean-up leaves it for little more than a minute. */
const RELEASED_WITHIN_MS = 5 * 60_000;

/** True when the holder of a lease has ended some time ago. Never throws: it is asked for a metric only. */
export async function isLeaseStuck(holder: string, now: Date, store: PromotionStore): Promise<boolean> {
  try {
    const ended = await store.outcomeRecordedAt(holder);
    return ended !== null && now.getTime() - ended.getTime() > RELEASED_WITHIN_MS;
  } catch (error) {
    log().warn('not known whether the holder of the lease has ended', { error: logError(error) });
    return false;
  }
}
