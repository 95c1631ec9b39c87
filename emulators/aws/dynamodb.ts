import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';

/** The promotion table on loopback. */
export interface LocalTable {
  endpoint: string;
  name: string;
  /** The same table without a socket, as the SDK's document client is called; not on dynalite. */
  documents?: { send(command: { input: object }): Promise<object> };
  /** Deletes all items. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export const TABLE_NAME = 'promotion';

/**
 * Starts dynalite, an in-memory emulator of DynamoDB, on a free port and creates the empty table. The stack declares the same
 * keys.
 */
export async function startLocalTable(): Promise<LocalTable> {
  const server = dynalite({ createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo = server.address();
  const endpoint = `http://127.0.0.1:${address.port}`;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  await client.send(
    new CreateTableCommand({
      TableName: TABLE_NAME,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'alert_pending', AttributeType: 'S' },
        { AttributeName: 'recorded_at', AttributeType: 'S' },
        { AttributeName: 'change_state', AttributeType: 'S' },
      ],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'pending-alerts',
          KeySchema: [
            { AttributeName: 'alert_pending', KeyType: 'HASH' },
            { AttributeName: 'recorded_at', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
        {
          IndexName: 'models',
          KeySchema: [
            { AttributeName: 'change_state', KeyType: 'HASH' },
            { AttributeName: 'pk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  );
  return {
    endpoint,
    name: TABLE_NAME,
    reset: async () => {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: TABLE_NAME }));
      await Promise.all(Items.map((item) => client.send(new DeleteItemCommand(keyOf(item)))));
    },
    close: async () => {
      client.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const keyOf = ({ pk }: Record<string, AttributeValue>) => ({
  TableName: TABLE_NAME,
  Key: pk === undefined ? {} : { pk },
});
