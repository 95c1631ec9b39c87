import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';

/** The promotion table on dynalite, an in-memory emulator of DynamoDB, on loopback. The stack declares the same keys. */
export interface LocalTable {
  endpoint: string;
  name: string;
  close(): Promise<void>;
}

const NAME = 'promotion';

/** Starts dynalite on a free port and creates the empty table. */
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
      TableName: NAME,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'alert_pending', AttributeType: 'S' },
        { AttributeName: 'recorded_at', AttributeType: 'S' },
        { AttributeName: 'open', AttributeType: 'S' },
        { AttributeName: 'released', AttributeType: 'S' },
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
        ...(['open', 'released'] as const).map((attribute) => ({
          IndexName: { open: 'open-changes', released: 'released-models' }[attribute],
          KeySchema: [
            { AttributeName: attribute, KeyType: 'HASH' as const },
            { AttributeName: 'pk', KeyType: 'RANGE' as const },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' as const },
        })),
      ],
    }),
  );
  client.destroy();
  return {
    endpoint,
    name: NAME,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
