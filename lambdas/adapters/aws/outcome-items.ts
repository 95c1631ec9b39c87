import { randomUUID } from 'node:crypto';
import { PutCommand, QueryCommand, type QueryCommandOutput, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { LedgerHead } from '../../domain/ledger/entry.ts';
import { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type {
  AlertState,
  OutcomeEntry,
  PromotionStore,
  RecordedOutcome,
} from '../../domain/release/store.ts';
import { type Documents, itemAt, unlessConditionFails } from './documents.ts';
import { OUTCOME_KEY, PENDING_ALERTS_INDEX } from './table-indexes.ts';

/** The items of outcomes, and the index of those whose alert is not known to be sent. */

const PENDING = 'pending';
const DONE = 'done';
/** Items read for each that is counted at most: those that wait for the ledger alone are in the same index. */
const MOST_READ = 4;
/** States in which nobody waits for an alert; an item that cannot be read counts as pending. */
const SETTLED: unknown[] = ['sent', 'none', 'off'];

const outcomeKey = (execution: string) => ({ pk: `${OUTCOME_KEY}${execution}` });

/** What the store keeps of executions. */
export type OutcomeItems = Pick<
  PromotionStore,
  | 'recordOutcome'
  | 'hasOutcome'
  | 'outcomeRecordedAt'
  | 'readOutcome'
  | 'markAlertSent'
  | 'markInLedger'
  | 'pendingOutcomes'
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

  /** Sets fields of an outcome that is there; `more` is a further condition. False where they do not hold. */
  const settle = (execution: string, fields: Record<string, unknown>, leavesIndex: boolean, more = '') =>
    unlessConditionFails(
      db.send(
        new UpdateCommand({
          TableName: table,
          Key: outcomeKey(execution),
          UpdateExpression: `SET ${Object.keys(fields)
            .map((name) => `${name} = :${name}`)
            .join(', ')}${leavesIndex ? ' REMOVE alert_pending' : ''}`,
          // Without an outcome there is nothing to mark, and no item is to be made.
          ConditionExpression: `attribute_exists(pk)${more}`,
          ExpressionAttributeValues: {
            ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [`:${name}`, value])),
            ...(more === '' ? {} : { ':pending': PENDING }),
          },
        }),
      ),
    );

  return {
    async recordOutcome(outcome, alert, ledgerFrom) {
      const Key = outcomeKey(outcome.execution);
      const ledger = ledgerFrom === null ? {} : { ledger: PENDING, ledger_from: ledgerFrom };
      const pending = alert === 'pending' || ledgerFrom !== null ? { alert_pending: PENDING } : {};
      const written_by = randomUUID();
      // As text: a metric can be a number outside DynamoDB's range.
      const Item = {
        ...Key,
        written_by,
        outcome: JSON.stringify(outcome),
        alert,
        recorded_at: outcome.recorded_at,
        ...ledger,
        ...pending,
      };
      const written = await unlessConditionFails(
        db.send(new PutCommand({ TableName: table, Item, ConditionExpression: 'attribute_not_exists(pk)' })),
      );
      if (written) return { outcome, alert, ledger: entryIn(Item), first: true };
      const earlier = (await itemAt(db, table, Key)) ?? {};
      // The SDK repeats a write after a lost response, and finds what the first attempt wrote.
      const first = earlier['written_by'] === written_by;
      return { ...recordedIn(earlier), first };
    },

    async hasOutcome(execution) {
      return (await itemAt(db, table, outcomeKey(execution))) !== undefined;
    },

    async outcomeRecordedAt(execution) {
      const item = await itemAt(db, table, outcomeKey(execution));
      return item === undefined ? null : new Date(String(item['recorded_at']));
    },

    async readOutcome(execution) {
      const item = await itemAt(db, table, outcomeKey(execution));
      return item === undefined ? null : outcomeIn(item);
    },

    async markAlertSent(execution) {
      const sent = { alert: 'sent' };
      const noneLeft = ' AND (attribute_not_exists(ledger) OR ledger <> :pending)';
      if (!(await settle(execution, sent, true, noneLeft))) await settle(execution, sent, false);
    },

    async markInLedger(execution, { seq, hash }, alert) {
      await settle(execution, { ledger: DONE, ledger_seq: seq, ledger_hash: hash }, alert !== PENDING);
    },

    async pendingOutcomes(limit) {
      const { Items } = await db.send(new QueryCommand({ ...pendingQuery, Limit: limit }));
      // What cannot be read must not block the alerts of others; it stays pending, and is counted as such.
      return (Items ?? []).flatMap((item) => {
        try {
          return [recordedIn(item)];
        } catch {
          return [];
        }
      });
    },

    async pendingExecutions(limit) {
      const found: string[] = [];
      let ExclusiveStartKey: QueryCommandOutput['LastEvaluatedKey'];
      let rows = 0;
      let read = 0;
      // A page may hold few rows, as DynamoDB limits it to 1 MB of whole items; one that holds none leads nowhere.
      do {
        const { Items, LastEvaluatedKey }: QueryCommandOutput = await db.send(
          new QueryCommand({
            ...pendingQuery,
            ProjectionExpression: 'pk, alert',
            Limit: limit,
            ExclusiveStartKey,
          }),
        );
        rows = Items?.length ?? 0;
        read += rows;
        const unsent = (Items ?? []).filter(({ alert }) => !SETTLED.includes(alert));
        found.push(...unsent.map(({ pk }) => String(pk).slice(outcomeKey('').pk.length)));
        ExclusiveStartKey = LastEvaluatedKey;
      } while (
        rows > 0 &&
        ExclusiveStartKey !== undefined &&
        found.length < limit &&
        read < MOST_READ * limit
      );
      return found.slice(0, limit);
    },
  };
}

function recordedIn(item: Record<string, unknown>): RecordedOutcome {
  return { outcome: outcomeIn(item), alert: item['alert'] as AlertState, ledger: entryIn(item) };
}

/** Outcomes of earlier versions have no entry, and get none. */
function entryIn({ ledger, ledger_from, ledger_seq, ledger_hash }: Record<string, unknown>): OutcomeEntry {
  const head: LedgerHead | null =
    ledger === DONE ? { seq: Number(ledger_seq), hash: String(ledger_hash) } : null;
  const state = ledger === DONE ? DONE : ledger === PENDING ? PENDING : 'none';
  return { state, from: ledger_from === undefined ? null : Number(ledger_from), head };
}

const Stored = z.looseObject({ execution: z.string() });

/** Throws for what is no outcome, but not for one of another version, which is read without its details. */
function outcomeIn(item: Record<string, unknown>): Outcome {
  const stored = Stored.parse(JSON.parse(String(item['outcome']))) as Outcome;
  const plain = { ...stored, owner: null, cause: null, comparison: null, rollback: null, serving: null };
  return Outcome.safeParse(stored).data ?? plain;
}
