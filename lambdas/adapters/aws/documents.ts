import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, type GetCommandOutput } from '@aws-sdk/lib-dynamodb';
import type { Sender } from '../network.ts';

/** Reading and conditional writing, as every part of the promotion table uses them. */

export type Documents = Sender<DynamoDBDocumentClient>;

/** The item of a key, as last written; undefined where there is none. Throws for an answer that is another item. */
export async function itemAt(
  db: Documents,
  TableName: string,
  Key: { pk: string },
): Promise<GetCommandOutput['Item']> {
  const { Item } = await db.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
  if (Item !== undefined && Item['pk'] !== Key.pk) throw new Error('the answer is another item');
  return Item;
}

/** False where the condition of the write does not hold. */
export async function unlessConditionFails(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Whole seconds since 1970. */
export const epochSeconds = (date: Date) => Math.floor(date.getTime() / 1000);
