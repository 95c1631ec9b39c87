import type { PlainRequest, Sendable } from '../exchange.ts';
import type { RecordedRequest } from '../faults.ts';
import { type Answer, ApiError, page, UnhandledError } from './answers.ts';
import { dispatch, type Endpoint, endpoint } from './endpoints.ts';
import type { RawRequest } from './parameters.ts';
import { Registry } from './registry/registry.ts';
import { registryEndpoints } from './registry/registry-endpoints.ts';
import { type Behaviour, behaviourOf } from './registry/versions.ts';
import { Seeding } from './seeding.ts';
import { Artifacts, artifactEndpoints } from './tracking/artifacts.ts';
import { LoggedModels, loggedModelEndpoints } from './tracking/logged-models.ts';
import { Tracking } from './tracking/tracking.ts';
import { trackingEndpoints } from './tracking/tracking-endpoints.ts';

export interface MlflowOptions {
  /** The MLflow version that it reports and behaves like. Default `3.17.2`. */
  version?: string;
  /** Credentials that requests must carry; none by default. */
  auth?: { username: string; password: string } | { token: string };
  /** Milliseconds since 1970. Default: the system's time. */
  clock?: () => number;
}

/** MLflow's server without a socket: a request in, a response out. Data is kept in memory. */
export interface MlflowWithoutSocket {
  readonly version: string;
  /** Fills and changes the registry without requests. */
  readonly registry: Seeding;
  /** The request as it is recorded, and the function that executes it; not executed before that is called. */
  receive(request: PlainRequest): { seen: RecordedRequest; answered: () => Sendable };
  /** Deletes all data. */
  reset(): void;
}

/** Creates an emulator of MLflow's tracking server and model registry. */
export function mlflowWithoutSocket(options: MlflowOptions = {}): MlflowWithoutSocket {
  const behaviour = behaviourOf(options.version ?? '3.17.2');
  const now = options.clock ?? Date.now;
  let state = fresh(behaviour, now);
  return {
    version: behaviour.version,
    get registry() {
      return state.seeding;
    },
    receive(request) {
      const { path, raw } = read(request);
      return {
        seen: { method: request.method, path, body: bodyOf(raw), status: null },
        answered: () =>
          isAllowed(request, path, options.auth)
            ? act(state.endpoints, path, raw, behaviour)
            : UNAUTHENTICATED,
      };
    },
    reset: () => {
      state = fresh(behaviour, now);
    },
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
      ...artifactEndpoints(artifacts, tracking, registry, behaviour),
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
function read(request: PlainRequest): { path: string; raw: RawRequest } {
  const [, pathname = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(request.url) ?? [];
  const decoded = decode(pathname);
  const inner = decoded.replace(PREFIX, '').replace(/^3\.0\/mlflow\//, '3.0/');
  const path = inner === decoded ? decoded.slice(1) : inner;
  const known = inner !== decoded || AT_ROOT.has(path);
  return {
    path: known ? path : `/${path}`,
    raw: {
      method: request.method,
      query: new URLSearchParams(query),
      contentType: String(request.headers['content-type'] ?? ''),
      body: request.body,
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

function isAllowed({ headers }: PlainRequest, path: string, auth: MlflowOptions['auth']): boolean {
  if (auth === undefined || path === 'health') return true;
  const wanted =
    'token' in auth
      ? `Bearer ${auth.token}`
      : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  return headers['authorization'] === wanted;
}
