import { z } from 'zod';
import { json, noContent, page, spacedTimestamp } from '../api/answers.ts';
import { many, telemetryPaging, timeRange } from '../api/lists.ts';
import { type Route, route } from '../api/router.ts';
import type { Proton, Served, Workload } from '../world/entities.ts';
import { activeProton } from '../world/protons.ts';
import { ApiError, type World } from '../world/world.ts';
import { type LogLine, logOf } from './containers.ts';

const levels = ['debug', 'info', 'warning', 'error', 'critical'];
const severity = (level: string) => levels.indexOf(level === 'warn' ? 'warning' : level);

const logQuery = {
  ...telemetryPaging,
  ...timeRange,
  level: z.enum(['debug', 'info', 'warn', 'warning', 'error', 'critical']).default('debug'),
  includes: many(z.string()),
  excludes: many(z.string()),
  spanId: z.string().optional(),
  traceId: z.string().optional(),
  searchKeys: many(z.string()),
  searchValues: many(z.string()),
};

interface LogQuery {
  startTime?: number | undefined;
  endTime?: number | undefined;
  level: string;
  includes?: string[] | undefined;
  excludes?: string[] | undefined;
  spanId?: string | undefined;
  traceId?: string | undefined;
  searchKeys?: string[] | undefined;
  searchValues?: string[] | undefined;
}

/** Newest first, active and candidate mixed. What was written in the last seconds has not arrived yet. */
function logs(world: World, workload: Workload, query: LogQuery): LogLine[] {
  const { startTime = 0, endTime = world.now, includes = [], excludes = [] } = query;
  const arrived = world.now - world.timings.otelLagMs;
  const isTraced = query.spanId !== undefined || query.traceId !== undefined;
  const protons = isTraced ? [] : workload.protons.filter((each) => hasAttributes(each, query));
  return protons
    .flatMap((proton) => logOf(proton, world.now, world.timings))
    .filter(({ at }) => at > workload.logsClearedAt && at >= startTime && at <= endTime && at <= arrived)
    .filter(({ level }) => severity(level) >= severity(query.level))
    .filter(({ message }) => includes.every((part) => message.includes(part)))
    .filter(({ message }) => !excludes.some((part) => message.includes(part)))
    .toSorted((a, b) => b.at - a.at);
}

/** `searchKeys` and `searchValues` run in parallel. */
function hasAttributes(
  { id, artifactId, workloadId }: Proton,
  { searchKeys = [], searchValues = [] }: LogQuery,
) {
  const attributes = new Map([
    ['proton_id', id],
    ['artifact_id', artifactId],
    ['workload_id', workloadId],
  ]);
  return searchKeys.every((key, index) => attributes.get(key) === searchValues[index]);
}

/** One trace for each kind of answer counted; its id is made from the Workload's and its place. */
function traces(world: World, workload: Workload, { startTime = 0, endTime = world.now }: LogRange) {
  const arrived = world.now - world.timings.otelLagMs;
  return workload.served
    .map((served, index) => ({ served, traceId: `${workload.id}${index.toString(16).padStart(8, '0')}` }))
    .filter(({ served: { at } }) => at >= startTime && at <= endTime && at <= arrived)
    .toReversed();
}

interface LogRange {
  startTime?: number | undefined;
  endTime?: number | undefined;
}

const NANOSECONDS = 1_000_000;

const traceHead = (traceId: string, { method, path, milliseconds }: Served) => ({
  traceId,
  rootSpanName: `${method} ${path}`,
  rootServiceName: 'model-server',
  duration: milliseconds * NANOSECONDS,
});

function span({ at, method, path, milliseconds, status, protonId }: Served) {
  const failed = status >= 500;
  return {
    name: `${method} ${path}`,
    serviceName: 'model-server',
    duration: milliseconds * NANOSECONDS,
    startTime: spacedTimestamp(at),
    statusCode: failed ? 'ERROR' : 'OK',
    statusMessage: failed ? `HTTP ${status}` : '',
    kind: 'SERVER',
    attributes: { 'http.response.status_code': status, proton_id: protonId },
  };
}

export const otelRoutes: Route[] = [
  route('GET', 'otel/workload/:id/logs', { query: logQuery }, ({ world, params, query, url }) => {
    const lines = logs(world, world.workload(params.id), query);
    const data = lines.map(({ at, level, message }) => ({ timestamp: spacedTimestamp(at), level, message }));
    return json(page(data, { url, ...query }));
  }),
  route('DELETE', 'otel/workload/:id/logs', { query: timeRange }, ({ world, params, query }) => {
    world.workload(params.id).logsClearedAt = query.endTime ?? world.now;
    return noContent;
  }),
  route('GET', 'otel/workload/:id/traces', { query: { ...telemetryPaging, ...timeRange } }, (call) => {
    const { world, params, query, url } = call;
    const data = traces(world, world.workload(params.id), query).map(({ traceId, served }) => ({
      ...traceHead(traceId, served),
      spansCount: 1,
      errorSpansCount: served.status >= 500 ? 1 : 0,
    }));
    return json(page(data, { url, ...query }));
  }),
  route('GET', 'otel/workload/:id/traces/:trace', {}, ({ world, params }) => {
    const trace = traces(world, world.workload(params.id), {}).find(
      ({ traceId }) => traceId === params.trace,
    );
    if (trace === undefined) throw new ApiError(404, 'Trace not found');
    return json({ ...traceHead(trace.traceId, trace.served), spans: [span(trace.served)] });
  }),
  route('GET', 'otel/workload/:id/metrics/autocollectedValues', { query: telemetryPaging }, (call) => {
    const { world, params, query, url } = call;
    const runs = activeProton(world.workload(params.id), world.now) !== undefined;
    return json(page(runs ? METRICS : [], { url, ...query }));
  }),
  route('GET', 'otel/workload/:id/metrics', {}, () => {
    throw new ApiError(
      501,
      'Not implemented by this emulator: the shape of /otel/workload/{id}/metrics/ is not published',
    );
  }),
  route('GET', 'otel/stats', {}, ({ world }) => {
    const all = [...world.workloads.values()];
    return json({
      logCount: all.reduce((sum, each) => sum + logs(world, each, { level: 'debug' }).length, 0),
      metricCount: all.length * METRICS.length,
      spanCount: all.reduce((sum, each) => sum + traces(world, each, {}).length, 0),
      serviceName: 'model-server',
      userId: world.userId,
    });
  }),
];

const METRICS = [
  {
    otelName: 'container.cpu.usage',
    displayName: 'CPU usage',
    currentValue: 120_000_000,
    unit: 'nanocores',
    level: 'container',
  },
  {
    otelName: 'container.memory.usage',
    displayName: 'Memory usage',
    currentValue: 256_000_000,
    unit: 'bytes',
    level: 'container',
  },
  {
    otelName: 'container.cpu.utilization',
    displayName: 'CPU utilization',
    currentValue: 12,
    unit: 'percentage',
    level: 'container',
  },
];
