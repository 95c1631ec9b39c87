import type { AddressInfo } from 'node:net';
import fastify, { type FastifyRequest } from 'fastify';
import { respond } from '../exchange.ts';
import { Faults, type RecordedRequest } from '../faults.ts';
import { type Answer, ApiError, page, UnhandledError } from './answers.ts';
import { dispatch, type Endpoint, endpoint } from './endpoints.ts';
import type { RawRequest } from './parameters.ts';
import { Registry } from './registry/registry.ts';
import { registryEndpoints } from './registry/registry-endpoints.ts';
import { type Behaviour, behaviourOf } from './registry/versions.ts';
import { Seeding, type Snapshot } from './seeding.ts';
import { Artifacts, artifactEndpoints } from './tracking/artifacts.ts';
import { LoggedModels, loggedModelEndpoints } from './tracking/logged-models.ts';
import { Tracking } from './tracking/tracking.ts';
import { trackingEndpoints } from './tracking/tracking-endpoints.ts';

export interface MlflowEmulatorOptions {
  /** Default: any free port. */
  port?: number;
  /** The MLflow version that it reports and behaves like. Default `3.17.2`. */
  version?: string;
  /** Credentials that requests must carry; none by default. */
  auth?: { username: string; password: string } | { token: string };
  /** Milliseconds since 1970. Default: the system's time. */
  clock?: () => number;
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
  const behaviour = behaviourOf(options.version ?? '3.17.2');
  const now = options.clock ?? Date.now;
  const faults = new Faults();
  const requests: RecordedRequest[] = [];
  let state = fresh(behaviour, now);
  const server = fastify({
    forceCloseConnections: true,
    bodyLimit: LARGEST_BODY,
    routerOptions: { ignoreTrailingSlash: false },
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.all('*', async (request, reply) => {
    const { path, raw } = read(request);
    const seen: RecordedRequest = { method: request.method, path, body: bodyOf(raw), status: null };
    requests.push(seen);
    const effect = faults.take(request.method, path);
    return respond({ request, reply, seen, effect, type: 'text/plain' }, () =>
      isAllowed(request, path, options.auth) ? act(state.endpoints, path, raw, behaviour) : UNAUTHENTICATED,
    );
  });
  await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    version: behaviour.version,
    faults,
    requests,
    get registry() {
      return state.seeding;
    },
    snapshot: () => state.seeding.snapshot(),
    reset: () => {
      state = fresh(behaviour, now);
      faults.clear();
      requests.length = 0;
    },
    close: () => server.close(),
  };
}

function fresh(behaviour: Behaviour, now: () => number): { endpoints: Endpoint[]; seeding: Seeding } {
  const registry = new Registry(behaviour, now);
  const tracking = new Tracking(now);
  const artifacts = new Artifacts();
  const loggedModels = new LoggedModels(tracking, now);
  return {
    seeding: new Seeding(registry, tracking, artifacts, now),
    endpoints: [
      ...registryEndpoints(registry, behaviour, loggedModels),
      ...trackingEndpoints(tracking, behaviour),
      ...artifactEndpoints(artifacts, tracking, behaviour),
      ...(behaviour.loggedModels ? loggedModelEndpoints(loggedModels, tracking, artifacts) : []),
      ...serverEndpoints(behaviour),
    ],
  };
}

function serverEndpoints({ version, serverInfo }: Behaviour): Endpoint[] {
  const info = endpoint('GET', '3.0/server-info', {}, () => ({
    store_type: 'SqlStore',
    workspaces_enabled: false,
  }));
  const plain = (path: string, body: string): Endpoint => ({
    methods: ['GET'],
    path,
    parameters: {},
    act: () => ({ status: 200, type: 'text/html; charset=utf-8', body }),
  });
  return [plain('health', 'OK'), plain('version', version), ...(serverInfo ? [info] : [])];
}

const PREFIX = /^\/(?:ajax-)?api\/(?:2\.0\/mlflow\/|2\.0\/(?=mlflow-artifacts\/)|(?=3\.0\/mlflow\/))/;
/** Reached without the API's prefix; everything else is not. */
const AT_ROOT = new Set(['health', 'version', 'get-artifact', 'model-versions/get-artifact']);

/** `/api/2.0/mlflow/runs/get` is `runs/get`, `/api/3.0/mlflow/server-info` is `3.0/server-info`. */
function read(request: FastifyRequest): { path: string; raw: RawRequest } {
  const [, pathname = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(request.raw.url ?? '/') ?? [];
  const decoded = decode(pathname);
  const inner = decoded.replace(PREFIX, '').replace(/^3\.0\/mlflow\//, '3.0/');
  const path = inner === decoded ? decoded.slice(1) : inner;
  const known = inner !== decoded || AT_ROOT.has(path);
  return {
    path: known ? path : `/${path}`,
    raw: {
      method: request.method,
      query: new URLSearchParams(query),
      contentType: request.headers['content-type'] ?? '',
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    },
  };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function bodyOf({ body, query }: RawRequest): unknown {
  const text = body.toString('utf8');
  if (text === '') return Object.fromEntries(query);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function act(endpoints: readonly Endpoint[], path: string, raw: RawRequest, behaviour: Behaviour): Answer {
  try {
    return dispatch(endpoints, path, raw);
  } catch (error) {
    if (error instanceof ApiError) return error.answer(behaviour);
    if (error instanceof UnhandledError) return page(500);
    throw error;
  }
}

const UNAUTHENTICATED: Answer = {
  status: 401,
  type: 'text/html; charset=utf-8',
  body: 'You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.',
  headers: { 'www-authenticate': 'Basic realm="mlflow"' },
};

function isAllowed({ headers }: FastifyRequest, path: string, auth: MlflowEmulatorOptions['auth']): boolean {
  if (auth === undefined || path === 'health') return true;
  const wanted =
    'token' in auth
      ? `Bearer ${auth.token}`
      : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  return headers.authorization === wanted;
}
