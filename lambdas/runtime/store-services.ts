import { clientSettings } from '../adapters/aws/client-settings.ts';
import {
  dynamodbClient,
  dynamodbStore,
  noStore,
  type PromotionStore,
} from '../adapters/aws/promotion-table.ts';
import { configuration, StoreEnvironment } from './environment.ts';
import { log } from './log.ts';

/** What a function needs for leases and recorded outcomes. */
export interface StoreServices {
  store: PromotionStore;
}

/** Throws `InvalidConfiguration`. */
export function storeServices(env: NodeJS.ProcessEnv): StoreServices {
  const { PROMOTION_TABLE: table } = configuration(StoreEnvironment, env);
  if (table !== undefined)
    return { store: dynamodbStore(dynamodbClient(clientSettings(env, 'DYNAMODB')), table) };
  log().warn('PROMOTION_TABLE is not set: no lease is taken and no outcome is recorded');
  return { store: noStore };
}
