import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { type KeptNeed, Need, type NeedStore } from '../../domain/retraining/need.ts';
import { type Documents, itemAt, unlessConditionFails } from './documents.ts';
import { NEED_KEY } from './table-indexes.ts';

/** The items of needs of retraining: one for each model. */

const needKey = (model: string) => ({ pk: `${NEED_KEY}${model}` });

/** The part of the store that is about needs. */
export function needItems(db: Documents, table: string): NeedStore {
  const readNeed = async (model: string): Promise<KeptNeed | null> => {
    const item = await itemAt(db, table, needKey(model));
    return item === undefined
      ? null
      : { need: Need.parse(JSON.parse(String(item['need']))), rev: Number(item['rev']) };
  };
  return {
    readNeed,

    async writeNeed(model, seen, need) {
      const rev = (seen?.rev ?? 0) + 1;
      const written = await unlessConditionFails(
        db.send(
          new PutCommand({
            TableName: table,
            Item: { ...needKey(model), rev, need: JSON.stringify(need) },
            ...(seen === null
              ? { ConditionExpression: 'attribute_not_exists(pk)' }
              : { ConditionExpression: 'rev = :seen', ExpressionAttributeValues: { ':seen': seen.rev } }),
          }),
        ),
      );
      if (written) return true;
      const kept = await readNeed(model);
      return kept !== null && kept.rev === rev && canonicalJson(kept.need) === canonicalJson(need);
    },
  };
}
