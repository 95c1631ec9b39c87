import { randomUUID } from 'node:crypto';
import { PutCommand, QueryCommand, type QueryCommandOutput, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { PromotionStore } from '../../domain/release/store.ts';
import { type Documents, itemAt, unlessConditionFails } from './documents.ts';
import { PENDING_ALERTS_INDEX } from './table-indexes.ts';

/** The items of outcomes, and the index of those whose alert is not known to be sent. */

const PENDING = 'pending';

const outcomeKey = (execution: string) => ({ pk: `outcome#${execution}` });

/** What the store keeps of executions. */
export type OutcomeItems = Pick<
  PromotionStore,
  | 'recordOutcome'
  | 'hasOutcome'
  | 'outcomeRecordedAt'
  | 'markAlertSent'
  | 'pendingAlerts'
  | 'pendingExecutions'
>;

/** The part of the store that is about executions. */
export function outcomeItems(db: Documents, table: string): OutcomeItems {
  const pendingQuery = {
    TableName: table,
    IndexName: PENDING_ALERTS_INDEX,
    KeyConditionExpression: 'alert_pending = :pending',
    ExpressionAttributeValues: { ':pending': PENDING },
  };

  return {
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
      const earlier = (await itemAt(db, table, Key)) ?? {};
      // The SDK repeats a write after a lost response, and finds what the first attempt wrote.
      const first = earlier['written_by'] === written_by;
      return { outcome: outcomeIn(earlier), alert: earlier['alert'], first };
    },

    async hasOutcome(execution) {
      return (await itemAt(db, table, outcomeKey(execution))) !== undefined;
    },

    async outcomeRecordedAt(execution) {
      const item = await itemAt(db, table, outcomeKey(execution));
      return item === undefined ? null : new Date(String(item['recorded_at']));
    },

    async markAlertSent(execution) {
      // Without an outcome there is nothing to mark, and no item is to be made.
      await unlessConditionFails(
        db.send(
          new UpdateCommand({
            TableName: table,
            Key: outcomeKey(execution),
            UpdateExpression: 'SET alert = :sent REMOVE alert_pending',
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeValues: { ':sent': 'sent' },
          }),
        ),
      );
    },

    async pendingAlerts(limit) {
      const { Items } = await db.send(new QueryCommand({ ...pendingQuery, Limit: limit }));
      // What cannot be read must not block the alerts of others; it stays pending, and is counted as such.
      return (Items ?? []).flatMap((item) => {
        try {
          return [outcomeIn(item)];
        } catch {
          return [];
        }
      });
    },

    async pendingExecutions(limit) {
      const found: string[] = [];
      let ExclusiveStartKey: QueryCommandOutput['LastEvaluatedKey'];
      let rows = 0;
      // A page may hold few rows, as DynamoDB limits it to 1 MB of whole items; one that holds none leads nowhere.
      do {
        const { Items, LastEvaluatedKey }: QueryCommandOutput = await db.send(
          new QueryCommand({ ...pendingQuery, ProjectionExpression: 'pk', Limit: limit, ExclusiveStartKey }),
        );
        rows = Items?.length ?? 0;
        found.push(...(Items ?? []).map(({ pk }) => String(pk).slice(outcomeKey('').pk.length)));
        ExclusiveStartKey = LastEvaluatedKey;
      } while (rows > 0 && ExclusiveStartKey !== undefined && found.length < limit);
      return found.slice(0, limit);
    },
  };
}

const Stored = z.looseObject({ execution: z.string() });

/** Throws for what is no outcome, but not for one of another version, which is read without its details. */
function outcomeIn(item: Record<string, unknown>): Outcome {
  const stored = Stored.parse(JSON.parse(String(item['outcome']))) as Outcome;
  const plain = { ...stored, cause: null, comparison: null, rollback: null, serving: null };
  return Outcome.safeParse(stored).data ?? plain;
}
