import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A server on loopback that answers every request the same way; for answers that no real server should give. */
export interface CannedServer {
  url: string;
  requests: IncomingMessage[];
  close(): void;
}

export async function cannedServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<CannedServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request.resume();
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
