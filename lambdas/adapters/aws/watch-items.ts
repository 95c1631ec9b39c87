import { randomUUID } from 'node:crypto';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { WatchStore } from '../../domain/release/store.ts';
import { WatchItem } from '../../domain/watch/item.ts';
import { type Documents, itemAt, unlessConditionFails } from './documents.ts';
import { WATCH_KEYS } from './table-indexes.ts';

/** The items of watches, and where a round over the models goes on. */

const [WATCH, CURSOR] = WATCH_KEYS;
const watchKey = (model: string) => ({ pk: `${WATCH}${model}` });
const CURSOR_KEY = { pk: CURSOR };

/** The part of the store that is about watches. */
export function watchItems(db: Documents, table: string): WatchStore {
  return {
    async readWatch(model) {
      const item = await itemAt(db, table, watchKey(model));
      // As text: its logarithms may be numbers outside DynamoDB's range.
      return item === undefined ? null : WatchItem.parse(JSON.parse(String(item['watch'])));
    },

    async putWatch(model, watch, seen) {
      const { promotion, rev } = watch;
      const written_by = randomUUID();
      const Item = { ...watchKey(model), promotion, rev, written_by, watch: JSON.stringify(watch) };
      const put = new PutCommand({
        TableName: table,
        Item,
        ...(seen === null
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
              ConditionExpression: 'promotion = :promotion AND rev = :rev',
              ExpressionAttributeValues: { ':promotion': seen.promotion, ':rev': seen.rev },
            }),
      });
      if (await unlessConditionFails(db.send(put))) return true;
      // The SDK repeats a write after a lost response, and finds what the first attempt wrote.
      return (await itemAt(db, table, watchKey(model)))?.['written_by'] === written_by;
    },

    async readWatchCursor() {
      const from: unknown = (await itemAt(db, table, CURSOR_KEY))?.['from'];
      return typeof from === 'string' ? from : null;
    },

    async writeWatchCursor(from) {
      await db.send(new PutCommand({ TableName: table, Item: { ...CURSOR_KEY, from } }));
    },
  };
}
