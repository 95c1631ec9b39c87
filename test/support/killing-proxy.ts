import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { request } from 'undici';

/**
 * Stands before one server and counts what changes something there. At the chosen write it lets the server carry
 * the request out, then kills instead of answering: the process dies just after its remote write took effect.
 */
export interface KillingProxy {
  url: string;
  close(): void;
}

/** Shared by the proxies of one run, so that writes are numbered across systems. */
export interface WriteCount {
  seen: string[];
  /** 1 is the first write; null never kills. */
  killAt: number | null;
  kill(): void;
  /** True from the kill on where the process goes on nevertheless: none of its requests arrives any more. */
  isCutOff: boolean;
}

/** `target` is asked for each request: the server behind may be replaced. */
export async function killingProxy(target: () => string, count: WriteCount): Promise<KillingProxy> {
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    if (count.isCutOff) {
      incoming.socket.destroy();
      return;
    }
    const headers = Object.entries(incoming.headers).filter(
      ([name]) => !['host', 'connection', 'content-length'].includes(name),
    );
    const answer = await request(new URL(incoming.url ?? '/', target()), {
      method: (incoming.method ?? 'GET') as 'GET',
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: body.length > 0 ? body : null,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const write = writeOf(incoming, body.toString());
    // What was refused has changed nothing.
    if (write !== null && answer.statusCode < 300) {
      count.seen.push(write);
      if (count.seen.length === count.killAt) {
        count.kill();
        incoming.socket.destroy();
        return;
      }
    }
    const { connection: _, 'transfer-encoding': __, 'content-length': ___, ...kept } = answer.headers;
    outgoing.writeHead(answer.statusCode, kept).end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The name of the write that a request is; null for a read. */
function writeOf({ method, url, headers }: IncomingMessage, body: string): string | null {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const operation = target.split('.')[1] ?? '';
    if (operation === 'StartExecution') return 'states StartExecution';
    return ['UpdateItem', 'PutItem'].includes(operation) ? `table ${tableWriteOf(body)}` : null;
  }
  if (body.includes('Action=Publish')) return 'sns Publish';
  if (url?.startsWith('/api/v2/')) {
    const path = url.slice('/api/v2/'.length).replace(/[0-9a-f]{24}/g, ':id');
    return method === 'GET' ? null : `workload ${method} ${path}`;
  }
  if (method === 'PUT') return 'mlflow report';
  return method === 'POST' ? `mlflow ${(url ?? '').replace('/api/2.0/mlflow/', '')}` : null;
}

/** The writes to the item of a model, as the design numbers them, by what their requests alone have. */
const ITEM_WRITES: readonly (readonly [name: string, part: string])[] = [
  ['W1 take', 'ADD fence :one'],
  ['W1 take again', 'expires_at < :end'],
  ['W2 open', 'SET #change = :change'],
  ['W3 turn back', '#change.aim = #change.safe'],
  ['W4 close', '#change.aim.#key = :aim'],
  ['W5 told', 'SET told = :told'],
  ['W6 release', 'REMOVE #owner'],
  ['W6 bar', 'SET ended = :me'],
  ['W6 shorten', 'expires_at > :end'],
  ['W7 attempt', '#change.attempts + :one'],
  ['W8 adopt', 'SET #live = :live'],
  ['alert sent', 'SET alert = :alert'],
  ['ledger end', 'SET seq = :seq'],
  ['in ledger', 'SET ledger = :ledger'],
];

function tableWriteOf(body: string): string {
  const { Item } = JSON.parse(body) as { Item?: { pk: { S: string } } };
  if (Item !== undefined) return Item.pk.S.split('#')[0] ?? '';
  return ITEM_WRITES.find(([, part]) => body.includes(part))?.[0] ?? body;
}
