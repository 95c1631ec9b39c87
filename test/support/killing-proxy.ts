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
}

/** `target` is asked for each request: the server behind may be replaced. */
export async function killingProxy(target: () => string, count: WriteCount): Promise<KillingProxy> {
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
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
    if (write !== null) {
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
    return ['UpdateItem', 'PutItem'].includes(operation) ? `dynamodb ${operation}` : null;
  }
  if (body.includes('Action=Publish')) return 'sns Publish';
  if (url?.startsWith('/api/v2/')) {
    const path = url.slice('/api/v2/'.length).replace(/[0-9a-f]{24}/g, ':id');
    return method === 'GET' ? null : `workload ${method} ${path}`;
  }
  return method === 'POST' ? `mlflow ${(url ?? '').replace('/api/2.0/mlflow/', '')}` : null;
}
