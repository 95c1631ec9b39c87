import { clientSettings } from '../adapters/aws/client-settings.ts';
import { documentStore, dynamodbClient, dynamodbStore, noStore } from '../adapters/aws/promotion-table.ts';
import type { Network } from '../adapters/network.ts';
import type { PromotionStore } from '../domain/release/store.ts';
import { configuration, StoreEnvironment } from './environment.ts';
import { log } from './log.ts';

/** What a function needs for leases and recorded outcomes. */
export interface StoreServices {
  store: PromotionStore;
}

/** Throws `InvalidConfiguration`. */
export function storeServices(env: NodeJS.ProcessEnv, network: Network = {}): StoreServices {
  const { PROMOTION_TABLE: table } = configuration(StoreEnvironment, env);
  if (table !== undefined) {
    const { dynamodb } = network;
    if (dynamodb !== undefined) return { store: documentStore(dynamodb, table) };
    return { store: dynamodbStore(dynamodbClient(clientSettings(env, 'DYNAMODB')), table) };
  }
  log().warn('PROMOTION_TABLE is not set: no lease is taken and no outcome is recorded');
  return { store: noStore };
}
