import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Request units of DynamoDB (on demand), and how many requests they come from. */
export interface TableUse {
  tableRequests: number;
  readUnits: number;
  /** Units of the table, without its indexes. */
  writeUnits: number;
  /** Units of the indexes of pending alerts and of models. */
  indexWriteUnits: number;
}

export interface CountingTable {
  endpoint: string;
  /** Updated in place; copy it to compare. */
  use: TableUse;
  close(): Promise<void>;
}

export const noTableUse = (): TableUse => ({
  tableRequests: 0,
  readUnits: 0,
  writeUnits: 0,
  indexWriteUnits: 0,
});

const READS = new Set(['GetItem', 'Query']);

/**
 * A proxy of the local table that counts the capacity of each request (`ReturnConsumedCapacity`), which dynalite computes
 * from the size of the item as DynamoDB does. It omits the indexes: an item with `alert_pending` is written to one of them
 * as well, at the same size; a model that changes its place in the other one, which holds keys only, takes two units there, as
 * it is deleted and put (at most: a place may be the first one, or stay the same). A write whose condition failed reports no
 * capacity and counts as one unit.
 */
export async function countingTable(target: string): Promise<CountingTable> {
  const use = noTableUse();
  const server = createServer(async (incoming, outgoing) => {
    const body = (await buffer(incoming)).toString();
    const answer = await fetch(target, {
      method: 'POST',
      headers: forwarded(incoming),
      body: JSON.stringify({ ...JSON.parse(body), ReturnConsumedCapacity: 'TOTAL' }),
    });
    const text = await answer.text();
    count(use, String(incoming.headers['x-amz-target']).split('.')[1] ?? '', body, text);
    outgoing.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    use,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function forwarded({ headers }: IncomingMessage): Record<string, string> {
  const names = ['x-amz-target', 'x-amz-date', 'authorization', 'content-type', 'x-amz-security-token'];
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  );
}

function count(use: TableUse, action: string, body: string, answer: string): void {
  const { ConsumedCapacity } = JSON.parse(answer) as { ConsumedCapacity?: { CapacityUnits: number } };
  const units = ConsumedCapacity?.CapacityUnits ?? 1;
  use.tableRequests += 1;
  if (READS.has(action)) {
    use.readUnits += units;
    return;
  }
  use.writeUnits += units;
  // An outcome that is changed while it waits is changed in the index, too, which holds all of it.
  if (/alert_pending|ledger = :ledger/.test(body)) use.indexWriteUnits += units;
  if (body.includes('change_state = :') && ConsumedCapacity !== undefined) use.indexWriteUnits += 2;
}
