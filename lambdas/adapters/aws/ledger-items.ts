import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { hashOf } from '../../domain/ledger/entry.ts';
import type { LedgerStore } from '../../domain/release/store.ts';
import { type Documents, itemAt, unlessConditionFails } from './documents.ts';

/**
 * The ledgers of models: an item for each entry, which is put once, and one that remembers where the ledger ends. What is
 * remembered is a hint: the put of the next number, on condition that it is not there, is what appends.
 */

const entryKey = (model: string, seq: number) => ({ pk: `ledger#${model}#${String(seq).padStart(12, '0')}` });
const endKey = (model: string) => ({ pk: `ledger-end#${model}` });

/** The part of the store that is about ledgers. */
export function ledgerItems(db: Documents, table: string): LedgerStore {
  const entryAt = async (model: string, seq: number) => {
    const item = await itemAt(db, table, entryKey(model, seq));
    return item === undefined ? null : { text: String(item['entry']), hash: String(item['hash']) };
  };

  return {
    async ledgerEnd(model) {
      const item = await itemAt(db, table, endKey(model));
      const { seq, hash, table_behind } = item ?? {};
      return {
        head: typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : null,
        tableBehind: table_behind === true,
      };
    },

    async putEntry(model, seq, text) {
      const Item = { ...entryKey(model, seq), entry: text, hash: hashOf(text) };
      const put = new PutCommand({
        TableName: table,
        Item,
        ConditionExpression: 'attribute_not_exists(pk)',
      });
      if (await unlessConditionFails(db.send(put))) return text;
      const there = await entryAt(model, seq);
      // It is there, as the condition failed: nothing may follow it before it was read.
      if (there === null) throw new Error(`entry ${seq} was not read`);
      return there.text;
    },

    async rememberEnd(model, { seq, hash }) {
      await unlessConditionFails(
        db.send(
          new UpdateCommand({
            TableName: table,
            Key: endKey(model),
            UpdateExpression: 'SET seq = :seq, #hash = :hash REMOVE table_behind',
            ConditionExpression: 'attribute_not_exists(seq) OR seq < :seq',
            ExpressionAttributeNames: { '#hash': 'hash' },
            ExpressionAttributeValues: { ':seq': seq, ':hash': hash },
          }),
        ),
      );
    },

    async entries(model, from, limit) {
      const found = [];
      for (let seq = from; seq < from + limit; seq += 1) {
        const entry = await entryAt(model, seq);
        if (entry === null) break;
        found.push(entry);
      }
      return found;
    },

    async markTableBehind(model) {
      await db.send(
        new UpdateCommand({
          TableName: table,
          Key: endKey(model),
          UpdateExpression: 'SET table_behind = :yes',
          ExpressionAttributeValues: { ':yes': true },
        }),
      );
    },
  };
}
