import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { hashOf, type LedgerHead } from '../../domain/ledger/entry.ts';
import type { KeptEntry } from '../../domain/ledger/verify.ts';
import type { LedgerStore } from '../../domain/release/store.ts';
import { type Documents, itemAt, unlessConditionFails } from './documents.ts';
import { LEDGER_KEYS } from './table-indexes.ts';

/**
 * The ledgers of models: an item for each entry, which is put once, and one that remembers where the ledger ends. What is
 * remembered is a hint: the put of the next number, on condition that it is not there, is what appends.
 */

/** Entries that are read at the same time. */
const AT_ONCE = 25;

/** The largest number that fits into a key. */
const LAST_SEQ = 999_999_999_999;

const [ENTRY, END] = LEDGER_KEYS;
const entryKey = (model: string, seq: number) => ({
  pk: `${ENTRY}${model}#${String(seq).padStart(12, '0')}`,
});
const endKey = (model: string) => ({ pk: `${END}${model}` });

/** The part of the store that is about ledgers. */
export function ledgerItems(db: Documents, table: string): LedgerStore {
  const entryAt = async (model: string, seq: number) => {
    const item = await itemAt(db, table, entryKey(model, seq));
    if (item === undefined) return null;
    const { entry: text, hash } = item;
    if (typeof text !== 'string' || typeof hash !== 'string') throw new Error(`entry ${seq} is not ours`);
    return { text, hash };
  };

  /** The last entry from `known` on: in steps that double, and then by halves. */
  const lastFrom = async (model: string, known: LedgerHead | null): Promise<LedgerHead | null> => {
    let last = known;
    const exists = async (seq: number) => {
      // A table that has every number is not ours, and has no end.
      if (seq > LAST_SEQ) return false;
      const entry = await entryAt(model, seq);
      if (entry !== null) last = { seq, hash: hashOf(entry.text) };
      return entry !== null;
    };
    let low = known?.seq ?? 0;
    let step = 1;
    while (await exists(low + step)) {
      low += step;
      step *= 2;
    }
    for (let high = low + step; high - low > 1; ) {
      const middle = Math.floor((low + high) / 2);
      if (await exists(middle)) low = middle;
      else high = middle;
    }
    return last;
  };

  return {
    async ledgerEnd(model) {
      const item = await itemAt(db, table, endKey(model));
      const { seq, hash, table_behind } = item ?? {};
      const isNumber = typeof seq === 'number' && Number.isInteger(seq) && seq > 0 && seq <= LAST_SEQ;
      const remembered = isNumber && typeof hash === 'string' ? { seq, hash } : null;
      return { head: await lastFrom(model, remembered), tableBehind: table_behind === true };
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
      const found: KeptEntry[] = [];
      for (let start = from; start < from + limit; start += AT_ONCE) {
        const numbers = Array.from({ length: Math.min(AT_ONCE, from + limit - start) }, (_, i) => start + i);
        const read = await Promise.all(numbers.map((seq) => entryAt(model, seq)));
        const missing = read.indexOf(null);
        found.push(...read.slice(0, missing < 0 ? read.length : missing).flatMap((entry) => entry ?? []));
        if (missing >= 0) break;
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
