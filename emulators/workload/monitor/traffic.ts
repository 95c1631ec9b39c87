import type { Proton, Served, Workload } from '../world/entities.ts';
import { activeProton, canServe, isSpoilt, listed, primaryOf } from '../world/protons.ts';
import type { World } from '../world/world.ts';

/** Enough for traces and statistics of a long run; the oldest are dropped. */
const MOST_SERVED = 50_000;
const RESPONSE_MS = 20;

export interface EndpointAnswer {
  status: number;
  body: Record<string, unknown>;
}

/** Answers a client's request from the proton that the endpoint routes to, or from the requested one. */
export function serve(
  world: World,
  workload: Workload,
  request: { method: string; path: string; protonId: string | null },
): EndpointAnswer {
  const proton =
    request.protonId === null ? routedTo(world, workload) : find(world, workload, request.protonId);
  if (request.protonId !== null && proton === undefined)
    return { status: 404, body: { message: 'Proton not found' } };
  if (proton === undefined || !canServe(proton, world.now)) {
    return { status: 503, body: { message: 'Workload is not running' } };
  }
  const coldStart = isScaledToZero(world, workload, proton);
  const answer = answerOf(world, proton, request.path);
  const { method, path } = request;
  const { status } = answer;
  addServed(world, workload, {
    protonId: proton.id,
    status,
    milliseconds: coldStart ? world.timings.coldStartMs : RESPONSE_MS,
    count: 1,
    method,
    path,
  });
  return coldStart ? { ...answer, body: { ...answer.body, coldStart } } : answer;
}

/** Whether the proton may have no replica, and has had no request for so long, or none yet. */
function isScaledToZero({ now, timings }: World, { served }: Workload, { id, runtime }: Proton): boolean {
  const scaling = runtime.containerGroups.map(({ autoscaling }) => autoscaling).find((each) => each?.enabled);
  if (scaling?.minReplicaCount !== 0) return false;
  const minutes = scaling.cooldownPeriodMinutes;
  const idleMs = minutes === null ? timings.idleMs : minutes * 60_000;
  const last = served.findLast(({ protonId }) => protonId === id);
  return last === undefined || now - last.at > idleMs;
}

const find = (world: World, workload: Workload, id: string) =>
  listed(workload, world.now).find((proton) => proton.id === id);

function routedTo(world: World, workload: Workload): Proton | undefined {
  const { protonId } = workload.routed.findLast(({ at }) => at <= world.now) ?? {};
  return workload.protons.find(({ id }) => id === protonId);
}

function answerOf(world: World, proton: Proton, path: string): EndpointAnswer {
  const own = { artifactId: proton.artifactId, protonId: proton.id, path };
  if (isSpoilt(proton)) return { status: 500, body: { error: 'prediction failed', ...own } };
  const variables = primaryOf(proton.groups)?.environmentVars ?? [];
  const env = Object.fromEntries(
    variables.flatMap((each) =>
      each.source === 'string' && each.name.startsWith('MODEL_') ? [[each.name, each.value]] : [],
    ),
  );
  const artifactVersion = world.artifacts.get(proton.artifactId)?.version ?? null;
  return { status: 200, body: { ...own, artifactVersion, modelVersion: env['MODEL_VERSION'] ?? null, env } };
}

/** Counts requests with the same result, as if clients had sent them now. */
export function addServed(world: World, workload: Workload, served: Omit<Served, 'at'>): void {
  workload.served.push({ ...served, at: world.now });
  if (workload.served.length > MOST_SERVED) workload.served.shift();
}

export interface Span {
  /** Default: the active proton. */
  protonId?: string | undefined;
  start: number;
  end: number;
}

/** The requests counted so far, without those of the last few seconds. */
export function counted(world: World, workload: Workload, { protonId, start, end }: Span): Served[] {
  const id = protonId ?? activeProton(workload, world.now)?.id;
  const flushed = world.now - world.timings.statsLagMs;
  return workload.served.filter(
    (each) => each.protonId === id && each.at >= start && each.at <= end && each.at <= flushed,
  );
}

export const total = (served: readonly Served[]) => served.reduce((sum, { count }) => sum + count, 0);

export const ofClass = (served: readonly Served[], hundreds: number) =>
  served.filter(({ status }) => Math.floor(status / 100) === hundreds);

/** Milliseconds within which this share of the requests was answered; 0 without any. */
export function quantile(served: readonly Served[], share: number): number {
  const sorted = [...served].sort((a, b) => a.milliseconds - b.milliseconds);
  const wanted = share * total(sorted);
  let seen = 0;
  const hit = sorted.find(({ count }) => {
    seen += count;
    return seen >= wanted;
  });
  return Math.round(hit?.milliseconds ?? 0);
}

export interface Statistics {
  totalRequests: number;
  requestsPerMinute: number;
  concurrentRequests: number;
  responseTime: number;
  slowRequests: number;
  userErrors: number;
  serverErrors: number;
  userErrorRate: number;
  serverErrorRate: number;
  totalErrorRate: number;
}

export function statistics(
  world: World,
  served: readonly Served[],
  { minutes, share, slowMs }: { minutes: number; share: number; slowMs: number },
): Statistics {
  const totalRequests = total(served);
  const userErrors = total(ofClass(served, 4));
  const serverErrors = total(ofClass(served, 5));
  const whole = world.variants.rates === 'percent' ? 100 : 1;
  const rate = (count: number) => (totalRequests === 0 ? 0 : (whole * count) / totalRequests);
  return {
    totalRequests,
    requestsPerMinute: minutes > 0 ? totalRequests / minutes : 0,
    concurrentRequests: 0,
    responseTime: quantile(served, share),
    slowRequests: total(served.filter(({ milliseconds }) => milliseconds >= slowMs)),
    userErrors,
    serverErrors,
    userErrorRate: rate(userErrors),
    serverErrorRate: rate(serverErrors),
    totalErrorRate: rate(userErrors + serverErrors),
  };
}
