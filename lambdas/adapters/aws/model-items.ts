import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, QueryCommand, type QueryCommandOutput, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ApprovalStore } from '../../domain/approval/request.ts';
import { type ModelItem, StoredRelease } from '../../domain/release/release.ts';
import type {
  Lease,
  LeaseHolder,
  LedgerStore,
  ModelPage,
  PromotionStore,
  SeenItem,
  WatchStore,
} from '../../domain/release/store.ts';
import type { NeedStore } from '../../domain/retraining/need.ts';
import { type Documents, epochSeconds, itemAt, unlessConditionFails } from './documents.ts';
import type { OutcomeItems } from './outcome-items.ts';
import { modelItem } from './stored-model.ts';
import { LEASE_KEY, MODELS_INDEX, RELEASE_KEY, SWEEP_KEY } from './table-indexes.ts';

/** The items of models: lease, live release, open change and history, with the releases and the cursor of the sweep. */

const OPEN = 'open';
const CLOSED = 'closed';

const releaseItemKey = (model: string, key: string) => ({ pk: `${RELEASE_KEY}${model}#${key}` });
const CURSOR_KEY = { pk: SWEEP_KEY };
const leaseKey = (model: string) => ({ pk: `${LEASE_KEY}${model}` });

type ModelItems = Omit<
  PromotionStore,
  | keyof ApprovalStore
  | keyof OutcomeItems
  | keyof LedgerStore
  | keyof NeedStore
  | keyof WatchStore
  | 'keepsItems'
>;

/** The part of the store that is about models. */
export function modelItems(db: Documents, table: string): ModelItems {
  const readItem = async (model: string) => modelItem(model, await itemAt(db, table, leaseKey(model)));

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
    // What a clean-up has told must stay so: what was begun stays open, for an attempt that tells how it ended.
    const mine = `#owner = :me AND fence = :fence AND expires_at > :now AND ${NOT_ENDED}`;
    const condition = `${mine} AND ${write.condition}`;
    const values = { ...write.values, ':me': owner, ':fence': fence, ':now': epochSeconds(now) };
    if (await updateItem(model, write.update, condition, values)) return true;
    return isWritten(await readItem(model));
  }

  /** Models whose change is `open`, or that have none: `closed`. */
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

  return {
    async takeLease(model, owner, now, seconds) {
      const values = {
        ...{ ':me': owner, ':end': epochSeconds(now) + seconds, ':model': model, ':one': 1 },
        ':closed': CLOSED,
      };
      const take = (more: string, condition: string, extra: Record<string, unknown>) =>
        db.send(
          new UpdateCommand({
            TableName: table,
            Key: leaseKey(model),
            // In the index from the first lease on: the comparison ends one that was left behind.
            UpdateExpression: `SET #owner = :me, expires_at = :end, model_name = :model, change_state = if_not_exists(change_state, :closed)${more} ADD fence :one`,
            ConditionExpression: `${condition} AND ${NOT_ENDED}`,
            ExpressionAttributeNames: { '#owner': 'owner' },
            ExpressionAttributeValues: { ...values, ...extra },
            ReturnValues: 'ALL_NEW',
          }),
        );
      const takeFree = async (): Promise<Lease | null> => {
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
        return null;
      };
      const first = await takeFree();
      if (first !== null) return first;
      const item = await readItem(model);
      // Released between the write and the read.
      const second = item.owner === null ? await takeFree() : null;
      if (second !== null) return second;
      if (item.owner === owner && item.fence !== null && item.fence > 0) {
        // A repeated step of the owner may take its full time again.
        const end = { ':me': owner, ':end': epochSeconds(now) + seconds };
        const open = `#owner = :me AND expires_at < :end AND ${NOT_ENDED}`;
        await updateItem(model, 'SET expires_at = :end', open, end);
        const after = await itemAt(db, table, leaseKey(model));
        // A copy of a step of an execution that has been ended must not begin anything more.
        if (after?.['owner'] === owner && after['ended'] !== owner)
          return { taken: true, item: modelItem(model, after) };
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
        (item) => item.change?.id === change && item.change.turned_at !== null,
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
      const item = await itemAt(db, table, releaseItemKey(model, key));
      return item === undefined ? null : StoredRelease.parse(JSON.parse(String(item['release'])));
    },

    openChanges: (from, limit) => modelPage(OPEN, from, limit),

    closedModels: (from, limit) => modelPage(CLOSED, from, limit),

    async readCursor() {
      const item = await itemAt(db, table, CURSOR_KEY);
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
      await updateItem(model, 'SET ended = :me', '#owner = :me', { ':me': owner });
      await updateItem(model, 'SET expires_at = :end', '#owner = :me AND expires_at > :end', values);
    },

    async releaseLease(model, owner, now) {
      const values = { ':me': owner, ':now': epochSeconds(now) };
      // An execution releases it at its end; a direct call may be repeated by Lambda.
      const ended = owner.startsWith('arn:') ? ', ended = :me' : '';
      await updateItem(
        model,
        `SET released_at = :now${ended} REMOVE #owner, expires_at`,
        '#owner = :me',
        values,
      );
    },
  };
}

/** A copy of a step of an execution that has ended, `:me`, must not begin anything more. */
const NOT_ENDED = '(attribute_not_exists(ended) OR ended <> :me)';

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
