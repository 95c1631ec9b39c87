import type { Network } from '../adapters/network.ts';
import type { LedgerReader, PromotionStore } from '../domain/release/store.ts';

/** Reading the ledgers of models. The client of the table is loaded on first use: most comparisons make no claim. */
export function ledgerServices(env: NodeJS.ProcessEnv, network: Network = {}): { store: LedgerReader } {
  let made: Promise<PromotionStore> | undefined;
  const store = () => {
    made ??= import('./store-services.ts').then(({ storeServices }) => storeServices(env, network).store);
    return made;
  };
  return {
    store: {
      ledgerEnd: async (model) => (await store()).ledgerEnd(model),
      entries: async (model, from, limit) => (await store()).entries(model, from, limit),
    },
  };
}
