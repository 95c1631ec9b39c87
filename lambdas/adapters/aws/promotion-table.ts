import { randomUUID } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  type GetCommandOutput,
  PutCommand,
  QueryCommand,
  type QueryCommandOutput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { LeaseStoreUnavailable } from '../../domain/errors.ts';
import { Outcome } from '../../domain/outcome/outcome-schema.ts';

/**
 * The promotion table: `lease#<model>` (never deleted: a deleted counter would start again) and
 * `outcome#<execution>`. The sparse index `pending-alerts` holds the outcomes whose alert is not known to be sent.
 */

export type Lease =
  | { taken: true /** Null where there is no table to count in. */; fence: number | null }
  | { taken: false; holder: string; expiresAt: string };

export type AlertState = 'sent' | 'pending' | 'none' | 'off';
export interface RecordedOutcome {
  outcome: Outcome;
  alert: AlertState;
}
export interface OutcomeRecord extends RecordedOutcome {
  /** True when this call was the one that recorded it. */
  first: boolean;
}

/** Who may write for a model, and how executions ended. Every method throws `LeaseStoreUnavailable`. */
export interface PromotionStore {
  /** Takes the lease, or says who has it. Taking it again as the same owner keeps its fence and extends it. */
  takeLease(model: string, owner: string, now: Date, seconds: number): Promise<Lease>;
  holdsLease(model: string, owner: string, fence: number, now: Date): Promise<boolean>;
  /** Counts the owner's fence up to `to`, where the registry remembers a higher one than the table. False if it has no lease. */
  raiseFence(model: string, owner: string, to: number): Promise<boolean>;
  /** Lets the owner's lease end at this time at the latest, if it has it. */
  endLeaseAt(model: string, owner: string, at: Date): Promise<void>;
  /** Ends the lease if `owner` has it; does nothing otherwise. */
  releaseLease(model: string, owner: string): Promise<void>;
  /** Records how an execution ended, once: answers what is recorded, which may be an earlier outcome. */
  recordOutcome(outcome: Outcome, alert: AlertState): Promise<OutcomeRecord>;
  hasOutcome(execution: string): Promise<boolean>;
  /** When the outcome of an execution was recorded; null while there is none. */
  outcomeRecordedAt(execution: string): Promise<Date | null>;
  markAlertSent(execution: string): Promise<void>;
  /** Outcomes whose alert is still pending, oldest first, at most `limit`. */
  pendingAlerts(limit: number): Promise<Outcome[]>;
  /** The executions whose alert is still pending, at most `limit`; those sent just now may still be among them. */
  pendingExecutions(limit: number): Promise<string[]>;
}

export const PENDING_ALERTS_INDEX = 'pending-alerts';
const PENDING = 'pending';

const leaseKey = (model: string) => ({ pk: `lease#${model}` });
const outcomeKey = (execution: string) => ({ pk: `outcome#${execution}` });
const epoch = (date: Date) => Math.floor(date.getTime() / 1000);

export function dynamodbClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
    ...config,
  });
}

export function dynamodbStore(client: DynamoDBClient, table: string): PromotionStore {
  const db = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });

  const pendingQuery = {
    TableName: table,
    IndexName: PENDING_ALERTS_INDEX,
    KeyConditionExpression: 'alert_pending = :pending',
    ExpressionAttributeValues: { ':pending': PENDING },
  };

  async function itemAt(Key: { pk: string }): Promise<GetCommandOutput['Item']> {
    const { Item } = await db.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item;
  }

  async function leaseOf(model: string): Promise<{ owner?: string; fence?: number; expires_at?: number }> {
    return (await itemAt(leaseKey(model))) ?? {};
  }

  /** One write on a lease that `owner` has, where the condition holds; false otherwise. */
  function updateOwn(
    model: string,
    owner: string,
    UpdateExpression: string,
    values: Record<string, number> = {},
    condition = '#owner = :me',
  ): Promise<boolean> {
    return unlessConditionFails(
      db.send(
        new UpdateCommand({
          TableName: table,
          Key: leaseKey(model),
          UpdateExpression,
          ConditionExpression: condition,
          ExpressionAttributeNames: { '#owner': 'owner' },
          ExpressionAttributeValues: { ':me': owner, ...values },
        }),
      ),
    );
  }

  return typed({
    async takeLease(model, owner, now, seconds) {
      try {
        const { Attributes } = await db.send(
          new UpdateCommand({
            TableName: table,
            Key: leaseKey(model),
            UpdateExpression: 'SET #owner = :me, expires_at = :end, model_name = :model ADD fence :one',
            ConditionExpression: 'attribute_not_exists(#owner) OR expires_at < :now',
            ExpressionAttributeNames: { '#owner': 'owner' },
            ExpressionAttributeValues: {
              ':me': owner,
              ':end': epoch(now) + seconds,
              ':now': epoch(now),
              ':model': model,
              ':one': 1,
            },
            ReturnValues: 'ALL_NEW',
          }),
        );
        return { taken: true, fence: Number(Attributes?.['fence']) };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
      const lease = await leaseOf(model);
      if (lease.owner === owner && lease.fence !== undefined) {
        // The owner's step runs again and may take its full time again.
        const end = { ':end': epoch(now) + seconds };
        await updateOwn(model, owner, 'SET expires_at = :end', end, '#owner = :me AND expires_at < :end');
        return { taken: true, fence: lease.fence };
      }
      const expiresAt = new Date((lease.expires_at ?? epoch(now)) * 1000).toISOString();
      return { taken: false, holder: lease.owner ?? 'an owner that has just released it', expiresAt };
    },

    async holdsLease(model, owner, fence, now) {
      const lease = await leaseOf(model);
      return lease.owner === owner && lease.fence === fence && (lease.expires_at ?? 0) >= epoch(now);
    },

    async raiseFence(model, owner, to) {
      return updateOwn(model, owner, 'SET fence = :to', { ':to': to }, '#owner = :me AND fence < :to');
    },

    async endLeaseAt(model, owner, at) {
      const end = { ':end': epoch(at) };
      await updateOwn(model, owner, 'SET expires_at = :end', end, '#owner = :me AND expires_at > :end');
    },

    async releaseLease(model, owner) {
      await updateOwn(model, owner, 'REMOVE #owner, expires_at');
    },

    async recordOutcome(outcome, alert) {
      const Key = outcomeKey(outcome.execution);
      const pending = alert === 'pending' ? { alert_pending: PENDING } : {};
      const written_by = randomUUID();
      // As text: a metric can be a number that DynamoDB has no room for.
      const Item = {
        ...Key,
        written_by,
        outcome: JSON.stringify(outcome),
        alert,
        recorded_at: outcome.recorded_at,
        ...pending,
      };
      const written = await unlessConditionFails(
        db.send(new PutCommand({ TableName: table, Item, ConditionExpression: 'attribute_not_exists(pk)' })),
      );
      if (written) return { outcome, alert, first: true };
      const earlier = (await itemAt(Key)) ?? {};
      // The SDK repeats a write whose answer was lost; the repeat finds what the first try wrote.
      const first = earlier['written_by'] === written_by;
      return { outcome: outcomeIn(earlier), alert: earlier['alert'], first };
    },

    async hasOutcome(execution) {
      return (await itemAt(outcomeKey(execution))) !== undefined;
    },

    async outcomeRecordedAt(execution) {
      const item = await itemAt(outcomeKey(execution));
      return item === undefined ? null : new Date(String(item['recorded_at']));
    },

    async markAlertSent(execution) {
      await db.send(
        new UpdateCommand({
          TableName: table,
          Key: outcomeKey(execution),
          UpdateExpression: 'SET alert = :sent REMOVE alert_pending',
          ExpressionAttributeValues: { ':sent': 'sent' },
        }),
      );
    },

    async pendingAlerts(limit) {
      const { Items } = await db.send(new QueryCommand({ ...pendingQuery, Limit: limit }));
      return (Items ?? []).map(outcomeIn);
    },

    async pendingExecutions(limit) {
      const found: string[] = [];
      let ExclusiveStartKey: QueryCommandOutput['LastEvaluatedKey'];
      // One page may hold few: DynamoDB measures it by whole outcomes.
      do {
        const { Items, LastEvaluatedKey }: QueryCommandOutput = await db.send(
          new QueryCommand({ ...pendingQuery, ProjectionExpression: 'pk', Limit: limit, ExclusiveStartKey }),
        );
        found.push(...(Items ?? []).map(({ pk }) => String(pk).slice(outcomeKey('').pk.length)));
        ExclusiveStartKey = LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined && found.length < limit);
      return found.slice(0, limit);
    },
  });
}

/** Without a table nothing is held back and nothing is remembered; MLflow's own fence tag still counts. */
export const noStore: PromotionStore = {
  takeLease: async () => ({ taken: true, fence: null }),
  holdsLease: async () => true,
  raiseFence: async () => true,
  endLeaseAt: async () => {},
  releaseLease: async () => {},
  recordOutcome: async (outcome, alert) => ({ outcome, alert, first: true }),
  hasOutcome: async () => true,
  outcomeRecordedAt: async () => null,
  markAlertSent: async () => {},
  pendingAlerts: async () => [],
  pendingExecutions: async () => [],
};

/** Never throws for an outcome of another version: one unreadable outcome must not hold back the alerts of all others. */
function outcomeIn(item: Record<string, unknown>): Outcome {
  const stored: Outcome = JSON.parse(String(item['outcome']));
  const plain = { ...stored, cause: null, comparison: null, rollback: null, serving: null };
  return Outcome.safeParse(stored).data ?? plain;
}

async function unlessConditionFails(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** The same store with every failure of DynamoDB as `LeaseStoreUnavailable`, named by operation. */
function typed(store: PromotionStore): PromotionStore {
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
  return {
    takeLease: wrap('takeLease', store.takeLease),
    holdsLease: wrap('holdsLease', store.holdsLease),
    raiseFence: wrap('raiseFence', store.raiseFence),
    endLeaseAt: wrap('endLeaseAt', store.endLeaseAt),
    releaseLease: wrap('releaseLease', store.releaseLease),
    recordOutcome: wrap('recordOutcome', store.recordOutcome),
    hasOutcome: wrap('hasOutcome', store.hasOutcome),
    outcomeRecordedAt: wrap('outcomeRecordedAt', store.outcomeRecordedAt),
    markAlertSent: wrap('markAlertSent', store.markAlertSent),
    pendingAlerts: wrap('pendingAlerts', store.pendingAlerts),
    pendingExecutions: wrap('pendingExecutions', store.pendingExecutions),
  };
}
