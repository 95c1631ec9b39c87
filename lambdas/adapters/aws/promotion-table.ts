import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { LeaseStoreUnavailable } from '../../domain/errors.ts';
import { emptyItem, type ModelPage, type PromotionStore } from '../../domain/release/store.ts';
import { approvalItems } from './approval-items.ts';
import type { Documents } from './documents.ts';
import { answeredByDynamodb } from './dynamodb-answers.ts';
import { ledgerItems } from './ledger-items.ts';
import { modelItems } from './model-items.ts';
import { needItems } from './need-items.ts';
import { outcomeItems } from './outcome-items.ts';
import { watchItems } from './watch-items.ts';

/**
 * The promotion table: `lease#<model>`, the item of a model with its lease, live release, open change and history (never
 * deleted: a deleted counter would start again), `release#<model>#<key>`, its releases as they were seen in service,
 * `outcome#<execution>`, the ledger, `ledger#<model>#<number>` with `ledger-end#<model>`, and `watch#<model>`, what is kept of the
 * live release while it serves. Two sparse indexes:
 * `pending-alerts` holds the outcomes whose alert is not known to be sent, or whose entry is not known to be in the ledger;
 * `models` the models with an open change and, apart from them, those with a live release and none. They are one index, as
 * DynamoDB creates one at a time on a table that exists.
 */

/** A DynamoDB client with 3 attempts, 2 s to connect and 4 s for a response. */
export function dynamodbClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
    ...config,
  });
}

/** The promotion table in DynamoDB. */
export const dynamodbStore = (client: DynamoDBClient, table: string): PromotionStore =>
  documentStore(
    DynamoDBDocumentClient.from(answeredByDynamodb(client), {
      marshallOptions: { removeUndefinedValues: true },
    }),
    table,
  );

/** The promotion table behind a client whose items are plain values; values that are `undefined` must not be written. */
export const documentStore = (db: Documents, table: string): PromotionStore =>
  withTypedErrors({
    keepsItems: true,
    ...modelItems(db, table),
    ...outcomeItems(db, table),
    ...ledgerItems(db, table),
    ...needItems(db, table),
    ...watchItems(db, table),
    ...approvalItems(db, table),
  });

const NO_ENTRY = { state: 'none', from: null, head: null } as const;
const NO_MODELS: ModelPage = { models: [], next: null };

/** Without a table there are no leases, no items and no recorded outcomes. */
export const noStore: PromotionStore = {
  keepsItems: false,
  takeLease: async (model) => ({ taken: true, item: emptyItem(model, null) }),
  readItem: async (model) => emptyItem(model, null),
  openChange: async () => true,
  turnBack: async () => true,
  closeChange: async () => true,
  markTold: async () => true,
  countAttempt: async () => true,
  adopt: async () => true,
  putRelease: async () => {},
  getRelease: async () => null,
  openChanges: async () => NO_MODELS,
  closedModels: async () => NO_MODELS,
  readCursor: async () => ({ from: null, next_round_at: null, out_of_step: 0 }),
  writeCursor: async () => {},
  raiseFence: async () => true,
  endLeaseAt: async () => {},
  releaseLease: async () => {},
  recordOutcome: async (outcome, alert) => ({ outcome, alert, ledger: NO_ENTRY, first: true }),
  hasOutcome: async () => true,
  outcomeRecordedAt: async () => null,
  readOutcome: async () => null,
  markAlertSent: async () => {},
  markInLedger: async () => {},
  pendingOutcomes: async () => [],
  pendingExecutions: async () => [],
  ledgerEnd: async () => ({ head: null, tableBehind: false }),
  putEntry: async (_model, _seq, text) => text,
  rememberEnd: async () => {},
  entries: async () => [],
  markTableBehind: async () => {},
  readNeed: async () => null,
  writeNeed: async () => true,
  readApproval: async () => null,
  writeApproval: async () => true,
  waitingApprovals: async () => ({ executions: [], next: null }),
  decisionsOn: async () => [],
  putDecision: async (_request, _place, decision) => decision,
  readWatch: async () => null,
  putWatch: async () => true,
  readWatchCursor: async () => null,
  writeWatchCursor: async () => {},
};

/** The same store with every failure of DynamoDB as `LeaseStoreUnavailable`, named by operation. */
function withTypedErrors(store: PromotionStore): PromotionStore {
  const wrap =
    <A extends unknown[], R>(name: string, operation: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        return await operation(...args);
      } catch (error) {
        const why = error instanceof Error ? error.name : 'unknown error';
        throw new LeaseStoreUnavailable(`DynamoDB ${name}: ${why}. Check PROMOTION_TABLE.`, {
          cause: error,
        });
      }
    };
  const entries = Object.entries(store).map(([name, value]) => [
    name,
    typeof value === 'function' ? wrap(name, value) : value,
  ]);
  return Object.fromEntries(entries) as PromotionStore;
}
