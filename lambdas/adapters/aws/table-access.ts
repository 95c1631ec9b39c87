import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, type GetCommandOutput } from '@aws-sdk/lib-dynamodb';
import type { Sender } from '../network.ts';

/** What the items of the promotion table share: a client whose items are plain values, and the name of the table. */
export interface TableAccess {
  readonly db: Sender<DynamoDBDocumentClient>;
  readonly table: string;
}

/** The item with this key, as it was last written; undefined if there is none. */
export async function itemAt(
  { db, table }: TableAccess,
  Key: { pk: string },
): Promise<GetCommandOutput['Item']> {
  const { Item } = await db.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item;
}

/** False if the condition of the write does not hold. */
export async function unlessConditionFails(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
