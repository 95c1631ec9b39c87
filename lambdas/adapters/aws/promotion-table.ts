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
import * as z from 'zod';
import { LeaseStoreUnavailable } from '../../domain/errors.ts';
import { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { Change, type ModelItem, PastRelease, Release, StoredRelease } from '../../domain/release/release.ts';
import type { Sender } from '../network.ts';
import { answeredByDynamodb } from './dynamodb-answers.ts';

/**
 * The promotion table: `lease#<model>`, the item of a model with its lease, live release, open change and history (never
 * deleted: a deleted counter would start again), `release#<model>#<key>`, its releases as they were seen in service, and
 * `outcome#<execution>`. Two sparse indexes: `pending-alerts` holds the outcomes whose alert is not known to be sent,
 * `models` the models with an open change and, apart from them, those with a live release and none. They are one index, as
 * DynamoDB creates one at a time on a table that exists.
 */

/** The result of taking a lease; `expiresAt` is ISO 8601, `holder` an ARN or `direct:<request id>`. */
export type Lease = { taken: true; item: ModelItem } | { taken: false; holder: string; expiresAt: string };

/** The holder of a lease, on whose condition every write of a change depends. */
export interface LeaseHolder {
  readonly model: string;
  readonly owner: string;
  /** Null without a table. */
  readonly fence: number | null;
  readonly now: Date;
}

/** The ids that a look found in the item: a write is refused if they have changed since. */
export interface SeenItem {
  /** Id of the open change; null if none. */
  readonly change: string | null;
  /** Id of the change that the live release closed; null if none is recorded. */
  readonly live: string | null;
}

/** A page of models from an index. */
export interface ModelPage {
  readonly models: readonly string[];
  /** Where the next page starts; null after the last one. */
  readonly next: string | null;
}

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

/**
 * The items of models and the outcomes of executions. Every method throws `LeaseStoreUnavailable`. A conditional write
 * answers false if its condition does not hold, and true if it had been written already: a lost answer is settled by reading.
 */
export interface PromotionStore {
  /** False without a table: nothing is kept from one call to the next, and nothing protects against other writers. */
  readonly keepsItems: boolean;
  /** W1: takes the lease for some seconds, or answers its holder. The same owner keeps its fence and extends the lease. */
  takeLease(model: string, owner: string, now: Date, seconds: number): Promise<Lease>;
  /** The item of a model; empty where there is none. */
  readItem(model: string): Promise<ModelItem>;
  /** W2: opens or retargets the change; `live` replaces the live release. */
  openChange(by: LeaseHolder, seen: SeenItem, change: Change, live: Release | null): Promise<boolean>;
  /** W3: the aim of the change becomes its safe release. */
  turnBack(by: LeaseHolder, change: string): Promise<boolean>;
  /** W4: closes the change with its aim, whose key is `live.key`. */
  closeChange(
    by: LeaseHolder,
    change: string,
    live: Release,
    history: readonly PastRelease[],
  ): Promise<boolean>;
  /** W5: remembers the picture that people were alerted to. Needs no lease. */
  markTold(model: string, picture: string, change: string | null): Promise<boolean>;
  /** W7: counts an attempt before it is started. Needs no lease. */
  countAttempt(model: string, change: string, attempts: number, nextAt: Date): Promise<boolean>;
  /** W8: what both sides show becomes live, and no change is open. */
  adopt(by: LeaseHolder, seen: SeenItem, live: Release, history: readonly PastRelease[]): Promise<boolean>;
  /** Stores a release once, before a change names it. */
  putRelease(model: string, release: StoredRelease): Promise<void>;
  getRelease(model: string, key: string): Promise<StoredRelease | null>;
  /** Models with an open change. */
  openChanges(from: string | null, limit: number): Promise<ModelPage>;
  /** Models with a live release and no open change. */
  releasedModels(from: string | null, limit: number): Promise<ModelPage>;
  /** The cursor of the hourly comparison: where it goes on, and when a new round may begin. */
  readCursor(): Promise<SweepCursor>;
  writeCursor(cursor: SweepCursor): Promise<void>;
  /** Raises the owner's fence to `to`, if the registry records a higher one than the table. False without a lease. */
  raiseFence(model: string, owner: string, to: number): Promise<boolean>;
  /** Shortens the owner's lease to end at this time; does nothing for another owner's lease. */
  endLeaseAt(model: string, owner: string, at: Date): Promise<void>;
  /** W6: ends the lease if `owner` holds it; does nothing otherwise. */
  releaseLease(model: string, owner: string, now: Date): Promise<void>;
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

/** Where the comparison of closed models goes on. */
export interface SweepCursor {
  /** Start of the next page; null to begin a round. */
  readonly from: string | null;
  /** ISO 8601; no new round begins before. */
  readonly next_round_at: string | null;
  /** Number of models that this round has found out of step so far. */
  readonly out_of_step: number;
}

export const PENDING_ALERTS_INDEX = 'pending-alerts';
export const MODELS_INDEX = 'models';
const PENDING = 'pending';
const OPEN = 'open';
const CLOSED = 'closed';

const releaseItemKey = (model: string, key: string) => ({ pk: `release#${model}#${key}` });
const CURSOR_KEY = { pk: 'sweep#cursor' };
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

  const readItem = async (model: string) => modelItem(model, await itemAt(leaseKey(model)));

  /** One conditional write on the item of a model; false where the condition does not hold. */
  function updateItem(
    model: string,
    UpdateExpression: string,
    ConditionExpression: string,
    values: Record<string, unknown>,
  ): Promise<boolean> {
    const used = `${UpdateExpression} ${ConditionExpression}`;
    const names = Object.entries(NAMES).filter(([name]) => used.includes(name));
    return unlessConditionFails(
      db.send(
        new UpdateCommand({
          TableName: table,
          Key: leaseKey(model),
          UpdateExpression,
          ConditionExpression,
          ...(names.length === 0 ? {} : { ExpressionAttributeNames: Object.fromEntries(names) }),
          ExpressionAttributeValues: values,
        }),
      ),
    );
  }

  /** A write under the lease. If its condition fails, the item shows whether an earlier copy of it took effect. */
  async function underLease(
    { model, owner, fence, now }: LeaseHolder,
    write: { update: string; condition: string; values: Record<string, unknown> },
    isWritten: (item: ModelItem) => boolean,
  ): Promise<boolean> {
    const condition = `#owner = :me AND fence = :fence AND expires_at > :now AND ${write.condition}`;
    const values = { ...write.values, ':me': owner, ':fence': fence, ':now': epochSeconds(now) };
    if (await updateItem(model, write.update, condition, values)) return true;
    return isWritten(await readItem(model));
  }

  /** Models whose change is `open`, or `closed` with a live release. */
  async function modelPage(state: string, from: string | null, limit: number): Promise<ModelPage> {
    const { Items, LastEvaluatedKey }: QueryCommandOutput = await db.send(
      new QueryCommand({
        TableName: table,
        IndexName: MODELS_INDEX,
        KeyConditionExpression: 'change_state = :state',
        ExpressionAttributeValues: { ':state': state },
        Limit: limit,
        ...(from === null ? {} : { ExclusiveStartKey: { ...leaseKey(from), change_state: state } }),
      }),
    );
    const name = ({ pk }: Record<string, unknown>) => String(pk).slice(leaseKey('').pk.length);
    return {
      models: (Items ?? []).map(name),
      next: LastEvaluatedKey === undefined ? null : name(LastEvaluatedKey),
    };
  }

  return withTypedErrors({
    keepsItems: true,

    async takeLease(model, owner, now, seconds) {
      const values = { ':me': owner, ':end': epochSeconds(now) + seconds, ':model': model, ':one': 1 };
      const take = (more: string, condition: string, extra: Record<string, unknown>) =>
        db.send(
          new UpdateCommand({
            TableName: table,
            Key: leaseKey(model),
            UpdateExpression: `SET #owner = :me, expires_at = :end, model_name = :model${more} ADD fence :one`,
            ConditionExpression: condition,
            ExpressionAttributeNames: { '#owner': 'owner' },
            ExpressionAttributeValues: { ...values, ...extra },
            ReturnValues: 'ALL_NEW',
          }),
        );
      for (const attempt of [
        () => take('', 'attribute_not_exists(#owner)', {}),
        // Nobody released it: its owner may have written until its end.
        () => take(', released_at = expires_at', 'expires_at < :now', { ':now': epochSeconds(now) }),
      ]) {
        try {
          const { Attributes } = await attempt();
          return { taken: true, item: modelItem(model, Attributes) };
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
        }
      }
      const item = await readItem(model);
      if (item.owner === owner && item.fence !== null && item.fence > 0) {
        // A repeated step of the owner may take its full time again.
        const end = { ':me': owner, ':end': epochSeconds(now) + seconds };
        await updateItem(model, 'SET expires_at = :end', '#owner = :me AND expires_at < :end', end);
        return { taken: true, item: await readItem(model) };
      }
      const expiresAt = (item.expires_at ?? now).toISOString();
      return { taken: false, holder: item.owner ?? 'an owner that has just released it', expiresAt };
    },

    readItem,

    openChange: (by, seen, change, live) =>
      underLease(
        by,
        {
          update: `SET #change = :change, change_state = :state${live === null ? '' : ', #live = :live'} REMOVE told`,
          condition: asSeen(seen),
          values: {
            ':change': change,
            ':state': OPEN,
            ...(live === null ? {} : { ':live': live }),
            ...seenValues(seen),
          },
        },
        (item) => item.change?.id === change.id && item.change.aim.key === change.aim.key,
      ),

    turnBack: (by, change) =>
      underLease(
        by,
        {
          update: 'SET #change.aim = #change.safe, #change.turned_at = :at',
          condition: '#change.id = :change',
          values: { ':change': change, ':at': by.now.toISOString() },
        },
        (item) => item.change?.id === change && item.change.aim.key === item.change.safe.key,
      ),

    closeChange: (by, change, live, history) =>
      underLease(
        by,
        {
          update: 'SET #live = :live, change_state = :state, history = :history REMOVE #change, told',
          condition: '#change.id = :change AND #change.aim.#key = :aim',
          values: {
            ':live': live,
            ':state': CLOSED,
            ':history': history,
            ':change': change,
            ':aim': live.key,
          },
        },
        (item) => item.change === null && item.live?.change === change,
      ),

    async markTold(model, picture, change) {
      const values = { ':told': picture, ...(change === null ? {} : { ':change': change }) };
      const condition = change === null ? 'attribute_not_exists(#change)' : '#change.id = :change';
      return updateItem(model, 'SET told = :told', condition, values);
    },

    async countAttempt(model, change, attempts, nextAt) {
      return updateItem(
        model,
        'SET #change.attempts = #change.attempts + :one, #change.next_at = :next',
        '#change.id = :change AND #change.attempts = :attempts',
        { ':one': 1, ':next': nextAt.toISOString(), ':change': change, ':attempts': attempts },
      );
    },

    adopt: (by, seen, live, history) =>
      underLease(
        by,
        {
          update: 'SET #live = :live, change_state = :state, history = :history REMOVE #change, told',
          condition: asSeen(seen),
          values: { ':live': live, ':state': CLOSED, ':history': history, ...seenValues(seen) },
        },
        (item) => item.change === null && item.live?.change === live.change,
      ),

    async putRelease(model, release) {
      const Item = { ...releaseItemKey(model, release.key), release: JSON.stringify(release) };
      await unlessConditionFails(
        db.send(new PutCommand({ TableName: table, Item, ConditionExpression: 'attribute_not_exists(pk)' })),
      );
    },

    async getRelease(model, key) {
      const item = await itemAt(releaseItemKey(model, key));
      return item === undefined ? null : StoredRelease.parse(JSON.parse(String(item['release'])));
    },

    openChanges: (from, limit) => modelPage(OPEN, from, limit),

    releasedModels: (from, limit) => modelPage(CLOSED, from, limit),

    async readCursor() {
      const item = await itemAt(CURSOR_KEY);
      return {
        from: item?.['from'] ?? null,
        next_round_at: item?.['next_round_at'] ?? null,
        out_of_step: item?.['out_of_step'] ?? 0,
      };
    },

    async writeCursor(cursor) {
      await db.send(new PutCommand({ TableName: table, Item: { ...CURSOR_KEY, ...cursor } }));
    },

    async raiseFence(model, owner, to) {
      const values = { ':me': owner, ':to': to };
      return updateItem(model, 'SET fence = :to', '#owner = :me AND fence < :to', values);
    },

    async endLeaseAt(model, owner, at) {
      const values = { ':me': owner, ':end': epochSeconds(at) };
      await updateItem(model, 'SET expires_at = :end', '#owner = :me AND expires_at > :end', values);
    },

    async releaseLease(model, owner, now) {
      const values = { ':me': owner, ':now': epochSeconds(now) };
      await updateItem(model, 'SET released_at = :now REMOVE #owner, expires_at', '#owner = :me', values);
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

/** Attribute names that DynamoDB reserves. */
const NAMES = {
  '#owner': 'owner',
  '#change': 'change',
  '#live': 'live',
  '#key': 'key',
} as const;

const asSeen = ({ change, live }: SeenItem): string =>
  [
    change === null ? 'attribute_not_exists(#change)' : '#change.id = :seen_change',
    live === null ? 'attribute_not_exists(#live)' : '#live.#change = :seen_live',
  ].join(' AND ');

const seenValues = ({ change, live }: SeenItem): Record<string, string> => ({
  ...(change === null ? {} : { ':seen_change': change }),
  ...(live === null ? {} : { ':seen_live': live }),
});

/** The ids of an item, for the condition of the next write. */
export const seenIn = ({ change, live }: ModelItem): SeenItem => ({
  change: change?.id ?? null,
  live: live?.change ?? null,
});

const instant = (seconds: unknown): Date | null =>
  typeof seconds === 'number' ? new Date(seconds * 1000) : null;

const History = z.array(PastRelease).catch([]);

/** The item as DynamoDB holds it. Throws `LeaseStoreUnavailable` for an item that is not ours: it must not look like an empty one. */
function modelItem(model: string, stored: Record<string, unknown> | undefined): ModelItem {
  const { owner, fence, expires_at, released_at, live, change, told, history } = stored ?? {};
  return {
    model,
    owner: typeof owner === 'string' ? owner : null,
    fence: typeof fence === 'number' ? fence : 0,
    expires_at: instant(expires_at),
    released_at: instant(released_at),
    live: live === undefined ? null : Release.parse(live),
    change: change === undefined ? null : Change.parse(change),
    told: typeof told === 'string' ? told : null,
    history: History.parse(history ?? []),
  };
}

/** The item of a model that nothing is recorded for; without a table, of every model. */
export const emptyItem = (model: string, fence: number | null = 0): ModelItem => ({
  model,
  owner: null,
  fence,
  expires_at: null,
  released_at: null,
  live: null,
  change: null,
  told: null,
  history: [],
});

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
  releasedModels: async () => NO_MODELS,
  readCursor: async () => ({ from: null, next_round_at: null, out_of_step: 0 }),
  writeCursor: async () => {},
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
  const entries = Object.entries(store).map(([name, value]) => [
    name,
    typeof value === 'function' ? wrap(name, value) : value,
  ]);
  return Object.fromEntries(entries) as PromotionStore;
}
