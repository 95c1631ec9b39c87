import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { faultRoutes } from '../control.ts';
import { plainRequest, respond } from '../exchange.ts';
import { Faults, type RecordedRequest } from '../faults.ts';
import type { Seeding, Snapshot } from './seeding.ts';
import { type MlflowOptions, mlflowWithoutSocket } from './without-socket.ts';

export interface MlflowEmulatorOptions extends MlflowOptions {
  /** Default: any free port. */
  port?: number;
}

export interface MlflowEmulator {
  readonly url: string;
  readonly version: string;
  /** A fault's path has neither the API's prefix nor a leading slash: `model-versions/transition-stage`, `health`. */
  readonly faults: Faults;
  /** Paths as in faults; `body` is the query for requests without a body. */
  readonly requests: RecordedRequest[];
  /** Fills and changes the registry without HTTP. */
  readonly registry: Seeding;
  snapshot(): Snapshot;
  /** Deletes all data, faults and recorded requests. */
  reset(): void;
  close(): Promise<void>;
}

/** Larger than MLflow's largest tag, so that its own validation responds; files are uploaded in one request. */
const LARGEST_BODY = 64 * 1024 * 1024;

/** Starts an emulator of MLflow's tracking server and model registry on 127.0.0.1, with data in memory. */
export async function startMlflowEmulator(options: MlflowEmulatorOptions = {}): Promise<MlflowEmulator> {
  const mlflow = mlflowWithoutSocket(options);
  const faults = new Faults();
  const requests: RecordedRequest[] = [];
  const server = fastify({
    forceCloseConnections: true,
    bodyLimit: LARGEST_BODY,
    routerOptions: { ignoreTrailingSlash: false },
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  faultRoutes(server, faults);
  server.all('*', async (request, reply) => {
    const { seen, answered } = mlflow.receive(plainRequest(request));
    requests.push(seen);
    const effect = faults.take(seen.method, seen.path);
    return respond({ request, reply, seen, effect, type: 'text/plain' }, answered);
  });
  await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    version: mlflow.version,
    faults,
    requests,
    get registry() {
      return mlflow.registry;
    },
    snapshot: () => mlflow.registry.snapshot(),
    reset: () => {
      mlflow.reset();
      faults.clear();
      requests.length = 0;
    },
    close: () => server.close(),
  };
}
