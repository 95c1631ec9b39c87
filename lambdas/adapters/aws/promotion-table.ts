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
import type { Sender } from '../network.ts';
import { answeredByDynamodb } from './dynamodb-answers.ts';

/**
 * The promotion table: `lease#<model>` (never deleted: a deleted counter would start again) and
 * `outcome#<execution>`. The sparse index `pending-alerts` holds the outcomes whose alert is not known to be sent.
 */

/** The result of taking a lease; `expiresAt` is ISO 8601, `holder` an ARN or `direct:<request id>`. */
export type Lease =
  | { taken: true /** Null without a table. */; fence: number | null }
  | { taken: false; holder: string; expiresAt: string };

/** State of an outcome's alert: `none` if none is due, `off` if alerts are disabled. */
export type AlertState = 'sent' | 'pending' | 'none' | 'off';
/** An outcome as recorded. */
export interface RecordedOutcome {
  outcome: Outcome;
  alert: AlertState;
}
/** The result of recording an outcome. */
export interface OutcomeRecord extends RecordedOutcome {
  /** True when this call recorded it. */
  first: boolean;
}

/** Leases of models and outcomes of executions. Every method throws `LeaseStoreUnavailable`. */
export interface PromotionStore {
  /** Takes the lease for some seconds, or answers its holder. The same owner keeps its fence and extends the lease. */
  takeLease(model: string, owner: string, now: Date, seconds: number): Promise<Lease>;
  /** True while the owner holds the lease with this fence. */
  holdsLease(model: string, owner: string, fence: number, now: Date): Promise<boolean>;
  /** Raises the owner's fence to `to`, if the registry records a higher one than the table. False without a lease. */
  raiseFence(model: string, owner: string, to: number): Promise<boolean>;
  /** Shortens the owner's lease to end at this time; does nothing for another owner's lease. */
  endLeaseAt(model: string, owner: string, at: Date): Promise<void>;
  /** Ends the lease if `owner` holds it; does nothing otherwise. */
  releaseLease(model: string, owner: string): Promise<void>;
  /** Records the outcome of an execution once, and answers the recorded one, which may be an earlier one. */
  recordOutcome(outcome: Outcome, alert: AlertState): Promise<OutcomeRecord>;
  hasOutcome(execution: string): Promise<boolean>;
  /** When the outcome of an execution was recorded; null while there is none. */
  outcomeRecordedAt(execution: string): Promise<Date | null>;
  markAlertSent(execution: string): Promise<void>;
  /** Outcomes whose alert is still pending, oldest first, at most `limit`. */
  pendingAlerts(limit: number): Promise<Outcome[]>;
  /** Executions whose alert is pending, at most `limit`; may still include alerts that were just sent. */
  pendingExecutions(limit: number): Promise<string[]>;
}

export const PENDING_ALERTS_INDEX = 'pending-alerts';
const PENDING = 'pending';

const leaseKey = (model: string) => ({ pk: `lease#${model}` });
const outcomeKey = (execution: string) => ({ pk: `outcome#${execution}` });
const epochSeconds = (date: Date) => Math.floor(date.getTime() / 1000);

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
export function documentStore(db: Sender<DynamoDBDocumentClient>, table: string): PromotionStore {
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

  return withTypedErrors({
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
              ':end': epochSeconds(now) + seconds,
              ':now': epochSeconds(now),
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
        // A repeated step of the owner may take its full time again.
        const end = { ':end': epochSeconds(now) + seconds };
        await updateOwn(model, owner, 'SET expires_at = :end', end, '#owner = :me AND expires_at < :end');
        return { taken: true, fence: lease.fence };
      }
      const expiresAt = new Date((lease.expires_at ?? epochSeconds(now)) * 1000).toISOString();
      return { taken: false, holder: lease.owner ?? 'an owner that has just released it', expiresAt };
    },

    async holdsLease(model, owner, fence, now) {
      const lease = await leaseOf(model);
      return lease.owner === owner && lease.fence === fence && (lease.expires_at ?? 0) >= epochSeconds(now);
    },

    async raiseFence(model, owner, to) {
      return updateOwn(model, owner, 'SET fence = :to', { ':to': to }, '#owner = :me AND fence < :to');
    },

    async endLeaseAt(model, owner, at) {
      const end = { ':end': epochSeconds(at) };
      await updateOwn(model, owner, 'SET expires_at = :end', end, '#owner = :me AND expires_at > :end');
    },

    async releaseLease(model, owner) {
      await updateOwn(model, owner, 'REMOVE #owner, expires_at');
    },

    async recordOutcome(outcome, alert) {
      const Key = outcomeKey(outcome.execution);
      const pending = alert === 'pending' ? { alert_pending: PENDING } : {};
      const written_by = randomUUID();
      // As text: a metric can be a number outside DynamoDB's range.
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
      // The SDK repeats a write after a lost response, and finds what the first attempt wrote.
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
      // A page may hold few rows: DynamoDB limits it to 1 MB of whole items.
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

/** Without a table there are no leases and no recorded outcomes; the fence tag in MLflow still applies. */
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

/** Never throws for an outcome of another version: one unreadable outcome must not block the alerts of others. */
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
