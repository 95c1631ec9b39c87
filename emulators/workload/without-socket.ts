import type { PlainRequest, Sendable } from '../exchange.ts';
import type { RecordedRequest } from '../faults.ts';
import { type Answer, json, message } from './api/answers.ts';
import { artifactRoutes, buildRoutes, repositoryRoutes } from './api/artifact-routes.ts';
import { platformRoutes } from './api/platform-routes.ts';
import { rolloutRoutes } from './api/rollout-routes.ts';
import { dispatch, type RawRequest } from './api/router.ts';
import { workloadRoutes } from './api/workload-routes.ts';
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

export interface WorkloadOptions {
  /** The token required in `Authorization`, after `Bearer` or `Token`. Default `emulator-token`. */
  token?: string;
  /** Default: the system's clock. State changes only as it advances. */
  clock?: { now(): Date };
  variants?: Partial<Variants>;
  timings?: Partial<Timings>;
  limits?: Partial<Limits>;
  /** Prefixes of the images that may run; every image by default. */
  allowedImages?: readonly string[];
}

/** The Workload API without a socket: a request in, a response out. Data is kept in memory. */
export interface WorkloadWithoutSocket {
  readonly token: string;
  /** Can be changed at any time; transitions already scheduled keep their timings. */
  readonly variants: Variants;
  readonly timings: Timings;
  /** Fills, scripts and reads the emulator without requests. */
  readonly direct: Direct;
  /** The request as it is recorded, and the function that executes it; not executed before that is called. */
  receive(request: PlainRequest): { seen: RecordedRequest; answered: () => Sendable };
  /** Deletes all data and scripts; keeps variants and timings. */
  reset(): void;
}

const PREFIX = '/api/v2/';

/** Literal paths come before those with a parameter in the same place. */
const routes = [
  ...platformRoutes,
  ...statsRoutes,
  ...artifactRoutes,
  ...buildRoutes,
  ...repositoryRoutes,
  ...workloadRoutes,
  ...rolloutRoutes,
  ...otelRoutes,
];

/**
 * Creates an emulator of DataRobot's Workload API and of its Workloads' endpoints. `base` answers the address of the API,
 * for the links in responses.
 */
export function workloadWithoutSocket(options: WorkloadOptions, base: () => string): WorkloadWithoutSocket {
  const token = options.token ?? 'emulator-token';
  const settings: WorldSettings = {
    clock: options.clock ?? { now: () => new Date() },
    variants: { ...defaultVariants, ...options.variants },
    timings: { ...defaultTimings, ...options.timings },
    limits: { ...defaultLimits, ...options.limits },
    allowedImages: options.allowedImages ?? [],
  };
  let world = new World(settings);
  const act = (raw: RawRequest) => answer(world, raw, base());
  return {
    token,
    variants: settings.variants,
    timings: settings.timings,
    direct: new Direct(() => world, base, act),
    receive(request) {
      const raw = read(request);
      const path = raw === null ? request.url : raw.path.replace(/\/+$/, '');
      return {
        seen: { method: request.method, path, body: bodyOf(raw), status: null },
        answered: () => {
          if (raw === null) return message(404, 'Not Found');
          const sent = String(request.headers['authorization'] ?? '').replace(/^(bearer|token) /i, '');
          return sent === token ? act(raw) : message(401, 'Invalid API key');
        },
      };
    },
    reset: () => {
      world = new World(settings);
    },
  };
}

/** Null where the path is not below the API's prefix. */
function read(request: PlainRequest): RawRequest | null {
  const { url } = request;
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  if (!path.startsWith(PREFIX)) return null;
  return {
    method: request.method,
    path: path.slice(PREFIX.length),
    query: new URLSearchParams(mark === -1 ? '' : url.slice(mark)),
    contentType: String(request.headers['content-type'] ?? ''),
    body: request.body.toString('utf8'),
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
