import { fetch, Pool } from 'undici';
import { startWorkloadEmulator, type WorkloadEmulatorOptions } from '../../emulators/workload/server.ts';

const START = Date.parse('2026-09-30T18:00:00Z');

/**
 * The fields that tests look into, of whatever document they have got. Nothing is checked here: an expectation fails
 * on a field that is absent.
 */
export interface Seen {
  previousProtonIds: string[] | null;
  id: string;
  name: string;
  type: string;
  status: string;
  role: string | null;
  version: number | null;
  endpoint: string;
  protonId: string;
  artifactId: string;
  candidateArtifactId: string;
  artifactRepositoryId: string;
  tenantId: string;
  createdAt: string;
  switchedAt: string;
  timestamp: string;
  traceId: string;
  eventType: string;
  message: string;
  modelVersion: string | null;
  next: string;
  previous: string;
  totalCount: number;
  restartCount: number;
  value: number;
  reason: string | null;
  memory: number;
  imageUri: string;
  description: string;
  entrypoint: unknown;
  environmentVars: unknown;
  policies: unknown;
  requestStats: unknown;
  limits: unknown;
  detail: unknown;
  logTail: string[];
  buildIds: string[];
  data: [Seen, ...Seen[]];
  containerGroups: [Seen, ...Seen[]];
  containers: [Seen, ...Seen[]];
  replicas: [Seen, ...Seen[]];
  conditions: [Seen, ...Seen[]];
  buckets: [Seen, ...Seen[]];
  spans: [Seen, ...Seen[]];
  artifact: Seen;
  spec: Seen;
  runtime: Seen;
  readinessProbe: Seen;
  autoscaling: Seen;
  resourceAllocation: Seen;
  replacement: Seen;
  statusDetails: Seen;
  overallStatus: { state: string };
  metrics: { totalRequests: number; serverErrors: number; responseTime: number };
  details: Seen & { replacementId: string; protonStatuses: Record<string, Seen> };
}

/** An answer as it came; `body` is JSON where it is that, else text. */
export interface RestAnswer {
  status: number;
  body: Seen;
  headers: Headers;
}

/** The emulator with a clock that stands still until it is moved, and a plain HTTP client. */
export async function startWorkloadRest(options: WorkloadEmulatorOptions = {}) {
  let now = START;
  const emulator = await startWorkloadEmulator({ clock: { now: () => new Date(now) }, ...options });
  // Keeps its connections, which the `Agent` of undici does not: https://github.com/nodejs/undici/issues/5022
  const dispatcher = new Pool(new URL(emulator.url).origin);
  const request = async (
    method: string,
    path: string,
    body?: unknown,
    init: { token?: string; raw?: string; contentType?: string } = {},
  ): Promise<RestAnswer> => {
    const text = init.raw ?? (body === undefined ? null : JSON.stringify(body));
    const answer = await fetch(path.startsWith('http') ? path : `${emulator.url}/${path}`, {
      method,
      dispatcher,
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${init.token ?? emulator.token}`,
        ...(text === null ? {} : { 'content-type': init.contentType ?? 'application/json' }),
      },
      body: text,
    });
    const received = await answer.text();
    return { status: answer.status, body: parsed(received) as Seen, headers: answer.headers };
  };
  return {
    emulator,
    direct: emulator.direct,
    request,
    get: (path: string) => request('GET', path),
    post: (path: string, body?: unknown) => request('POST', path, body),
    patch: (path: string, body: unknown) => request('PATCH', path, body),
    delete: (path: string) => request('DELETE', path),
    /** Milliseconds since 1970. */
    now: () => now,
    advance: ({
      hours = 0,
      minutes = 0,
      seconds = 0,
    }: {
      hours?: number;
      minutes?: number;
      seconds?: number;
    }) => {
      now += ((hours * 60 + minutes) * 60 + seconds) * 1000;
    },
    /** A locked artifact served by a running Workload, and the next locked artifact. */
    pair: (candidate = 'healthy') => {
      const [v1, v2] = ['1', '2'].map((version) =>
        emulator.direct.createArtifact({
          image: `registry.invalid/model:${version === '1' ? 'healthy' : candidate}`,
          env: { MODEL_VERSION: version },
          locked: true,
        }),
      );
      if (v1 === undefined || v2 === undefined) throw new Error('No artifacts');
      const workload = emulator.direct.createWorkload({ artifactId: v1.id });
      return { workloadId: workload.id, path: `workloads/${workload.id}`, from: v1.id, to: v2.id };
    },
  };
}

export type WorkloadRest = Awaited<ReturnType<typeof startWorkloadRest>>;

/** One container that can run. */
export const spec = (container: Record<string, unknown> = {}) => ({
  containerGroups: [
    {
      name: 'default',
      containers: [
        {
          name: 'model',
          imageUri: 'registry.invalid/model:healthy',
          primary: true,
          port: 8080,
          ...container,
        },
      ],
    },
  ],
});

export const runtime = (group: Record<string, unknown> = {}) => ({
  containerGroups: [
    {
      name: 'default',
      containers: [{ name: 'model', resourceAllocation: { cpu: 2, memory: 4_000_000_000 } }],
      ...group,
    },
  ],
});

export const rolling = (artifactId: string, config?: Record<string, number>) => ({
  artifactId,
  strategy: 'rolling',
  ...(config === undefined ? {} : { config }),
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
