import type { AddressInfo } from 'node:net';
import fastify, { type FastifyRequest } from 'fastify';
import { respond } from '../exchange.ts';
import { Faults, type RecordedRequest } from '../faults.ts';
import { type Answer, json, message } from './api/answers.ts';
import { artifactRoutes, buildRoutes, repositoryRoutes } from './api/artifact-routes.ts';
import { rolloutRoutes } from './api/rollout-routes.ts';
import { dispatch, type RawRequest } from './api/router.ts';
import { accountRoutes, workloadRoutes } from './api/workload-routes.ts';
import { Direct } from './monitor/direct.ts';
import { otelRoutes } from './monitor/otel-routes.ts';
import { statsRoutes } from './monitor/stats-routes.ts';
import { serve } from './monitor/traffic.ts';
import {
  defaultLimits,
  defaultTimings,
  defaultVariants,
  type Limits,
  type Timings,
  type Variants,
} from './world/settings.ts';
import { World, type WorldSettings } from './world/world.ts';

export interface WorkloadEmulatorOptions {
  /** Default: any free port. */
  port?: number;
  /** The token required in `Authorization: Bearer`. Default `emulator-token`. */
  token?: string;
  /** Default: the system's clock. State changes only as it advances. */
  clock?: { now(): Date };
  variants?: Partial<Variants>;
  timings?: Partial<Timings>;
  limits?: Partial<Limits>;
  /** Prefixes of the images that may run; every image by default. */
  allowedImages?: readonly string[];
}

export interface WorkloadEmulator {
  /** With the API's prefix, as `DATAROBOT_ENDPOINT` has it: `http://127.0.0.1:8080/api/v2`. */
  readonly url: string;
  readonly token: string;
  /** A fault's path has neither the API's prefix nor slashes at its ends: `workloads/<id>/replacement`. */
  readonly faults: Faults;
  /** Paths as in faults; `body` is the query for requests without a body. */
  readonly requests: RecordedRequest[];
  /** Can be changed at any time; transitions already scheduled keep their timings. */
  readonly variants: Variants;
  readonly timings: Timings;
  /** Fills, scripts and reads the emulator without HTTP. */
  readonly direct: Direct;
  /** Deletes all data, scripts, faults and recorded requests; keeps variants and timings. */
  reset(): void;
  close(): Promise<void>;
}

const PREFIX = '/api/v2/';
const LARGEST_BODY = 64 * 1024 * 1024;

/** Literal paths come before those with a parameter in the same place. */
const routes = [
  ...accountRoutes,
  ...statsRoutes,
  ...artifactRoutes,
  ...buildRoutes,
  ...repositoryRoutes,
  ...workloadRoutes,
  ...rolloutRoutes,
  ...otelRoutes,
];

/** Starts an emulator of DataRobot's Workload API and of its Workloads' endpoints on 127.0.0.1, with data in memory. */
export async function startWorkloadEmulator(
  options: WorkloadEmulatorOptions = {},
): Promise<WorkloadEmulator> {
  const token = options.token ?? 'emulator-token';
  const settings: WorldSettings = {
    clock: options.clock ?? { now: () => new Date() },
    variants: { ...defaultVariants, ...options.variants },
    timings: { ...defaultTimings, ...options.timings },
    limits: { ...defaultLimits, ...options.limits },
    allowedImages: options.allowedImages ?? [],
  };
  const faults = new Faults();
  const requests: RecordedRequest[] = [];
  let world = new World(settings);
  const server = fastify({ forceCloseConnections: true, bodyLimit: LARGEST_BODY });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  let base = '';
  const act = (raw: RawRequest) => answer(world, raw, base);
  server.all('*', async (request, reply) => {
    const raw = read(request);
    const path = raw === null ? (request.raw.url ?? '') : raw.path.replace(/\/+$/, '');
    const seen: RecordedRequest = { method: request.method, path, body: bodyOf(raw), status: null };
    requests.push(seen);
    const effect = faults.take(request.method, path);
    return respond({ request, reply, seen, effect, type: 'application/json; charset=utf-8' }, () => {
      if (raw === null) return message(404, 'Not Found');
      const allowed = request.headers.authorization?.replace(/^bearer /i, '') === token;
      return allowed ? act(raw) : message(401, 'Invalid API key');
    });
  });
  await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const { port } = server.server.address() as AddressInfo;
  base = `http://127.0.0.1:${port}${PREFIX.slice(0, -1)}`;
  const direct = new Direct(() => world, base, act);
  return {
    url: base,
    token,
    faults,
    requests,
    variants: settings.variants,
    timings: settings.timings,
    direct,
    reset: () => {
      world = new World(settings);
      faults.clear();
      requests.length = 0;
    },
    close: () => server.close(),
  };
}

/** Null where the path is not below the API's prefix. */
function read(request: FastifyRequest): RawRequest | null {
  const url = request.raw.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  if (!path.startsWith(PREFIX)) return null;
  return {
    method: request.method,
    path: path.slice(PREFIX.length),
    query: new URLSearchParams(mark === -1 ? '' : url.slice(mark)),
    contentType: request.headers['content-type'] ?? '',
    body: typeof request.body === 'string' ? request.body : '',
  };
}

function bodyOf(raw: RawRequest | null): unknown {
  if (raw === null) return null;
  if (raw.body === '') return Object.fromEntries(raw.query);
  try {
    return JSON.parse(raw.body);
  } catch {
    return raw.body;
  }
}

function answer(world: World, raw: RawRequest, base: string): Answer {
  world.settle();
  const endpoint = /^endpoints\/workloads\/([^/]+)(\/.*)?$/.exec(raw.path);
  if (endpoint !== null) return fromEndpoint(world, raw, endpoint[1] ?? '', endpoint[2] ?? '/');
  const isBare = raw.path.startsWith('otel/') && !raw.path.endsWith('/');
  if (isBare && world.variants.otelSlash === 'redirect') {
    const query = raw.query.size === 0 ? '' : `?${raw.query}`;
    return { status: 308, body: null, headers: { location: `${base}/${raw.path}/${query}` } };
  }
  return dispatch(routes, raw, world, base);
}

/** The response to a request to the model: the rollout decides which proton answers. */
function fromEndpoint(world: World, raw: RawRequest, id: string, path: string): Answer {
  const workload = world.workloads.get(id);
  if (workload === undefined) return message(404, 'Not Found');
  const protonId = raw.query.get('protonId');
  const { status, body } = serve(world, workload, { method: raw.method, path, protonId });
  return json(body, status);
}
