import { z } from 'zod';
import { json, noContent, timestamp } from '../api/answers.ts';
import { statsQuery, timeRange, workloadFilters } from '../api/lists.ts';
import { type Route, route } from '../api/router.ts';
import { activity, select } from '../api/workload-routes.ts';
import type { Workload } from '../world/entities.ts';
import { activeProton } from '../world/protons.ts';
import { ApiError, type World } from '../world/world.ts';
import { counted, ofClass, quantile, type Statistics, statistics, total } from './traffic.ts';

const WEEK_MS = 7 * 86_400_000;

const resolutions = {
  PT1M: 60_000,
  PT5M: 300_000,
  PT1H: 3_600_000,
  P1D: 86_400_000,
  P7D: WEEK_MS,
  P1M: 30 * 86_400_000,
};
type Resolution = keyof typeof resolutions;
const names = Object.keys(resolutions) as [Resolution, ...Resolution[]];
const MOST_BUCKETS = 20_000;

/** What a series may be of, and which figure of a bucket it is. */
const metrics: Record<string, (figures: Statistics) => number> = {
  totalRequests: ({ totalRequests }) => totalRequests,
  requestsOverN: ({ slowRequests }) => slowRequests,
  requestsPerMinute: ({ requestsPerMinute }) => requestsPerMinute,
  concurrentRequests: ({ concurrentRequests }) => concurrentRequests,
  responseTime: ({ responseTime }) => responseTime,
  totalErrorRate: ({ totalErrorRate }) => totalErrorRate,
};

interface Range {
  startTime?: number | undefined;
  endTime?: number | undefined;
}

/** The last week where nothing is said. */
function span(world: World, { startTime, endTime }: Range): { start: number; end: number } {
  const end = endTime ?? world.now;
  const start = startTime ?? end - WEEK_MS;
  if (start >= end) throw new ApiError(400, 'Invalid time range: startTime must be before endTime');
  return { start, end };
}

const written = ({ start, end }: { start: number; end: number }) => ({
  start: timestamp(start),
  end: timestamp(end),
});

export const statsRoutes: Route[] = [
  route('GET', 'workloads/stats', { query: workloadFilters }, ({ world, query }) =>
    json(summary(world, select(world, query))),
  ),
  route('GET', 'workloads/:id/stats', { query: statsQuery }, ({ world, params, query }) => {
    const period = span(world, query);
    const served = counted(world, world.workload(params.id), { protonId: query.protonId, ...period });
    return json({ period: written(period), metrics: statistics(world, served, measure(query, period)) });
  }),
  route(
    'DELETE',
    'workloads/:id/stats',
    { query: { ...timeRange, protonId: z.string().optional() } },
    (call) => {
      const { world, params, query } = call;
      const workload = world.workload(params.id);
      const { start, end } = span(world, {
        startTime: query.startTime ?? 0,
        endTime: query.endTime ?? world.now + 1,
      });
      workload.served = workload.served.filter(
        ({ at, protonId }) =>
          at < start || at > end || (query.protonId !== undefined && protonId !== query.protonId),
      );
      return noContent;
    },
  ),
  route(
    'GET',
    'workloads/:id/stats/:metric',
    { query: { ...statsQuery, resolution: z.enum(names).default('P1D') } },
    ({ world, params, query }) => {
      const workload = world.workload(params.id);
      const read = Object.hasOwn(metrics, params.metric) ? metrics[params.metric] : undefined;
      if (read === undefined) throw unknownMetric();
      const period = span(world, query);
      const step = resolutions[query.resolution];
      const count = Math.ceil((period.end - period.start) / step);
      if (count > MOST_BUCKETS)
        throw new ApiError(400, 'Invalid time range: too many buckets for this resolution');
      const protonId = query.protonId ?? activeProton(workload, world.now)?.id;
      const buckets = Array.from({ length: count }, (_, index) => {
        const start = period.start + index * step;
        // The counted span is closed at both ends: the next bucket begins one millisecond later.
        const end = Math.min(period.end, start + step - 1);
        const served = counted(world, workload, { protonId, start, end });
        const figures = statistics(world, served, measure(query, { start, end: start + step }));
        return { period: written({ start, end: Math.min(period.end, start + step) }), value: read(figures) };
      });
      return json({
        metric: params.metric,
        summary: { protonId: protonId ?? null, period: written(period) },
        buckets,
      });
    },
  ),
];

const unknownMetric = () =>
  new ApiError(422, [
    { path: 'metric', message: `Input should be ${Object.keys(metrics).join(', ')}`, code: 'enum' },
  ]);

const measure = (
  {
    responseTimeQuantile: share,
    slowRequestsThreshold: slowMs,
  }: { responseTimeQuantile: number; slowRequestsThreshold: number },
  { start, end }: { start: number; end: number },
) => ({ share, slowMs, minutes: (end - start) / 60_000 });

/** Over all Workloads; no trend is worked out. */
function summary(world: World, workloads: readonly Workload[]) {
  const served = workloads.flatMap((each) => counted(world, each, { start: 0, end: world.now }));
  const all = total(served);
  const failed = total(ofClass(served, 4)) + total(ofClass(served, 5));
  const whole = world.variants.rates === 'percent' ? 100 : 1;
  return {
    workloads: activity(world, workloads),
    requests: { total: all, succeeded: all - failed, failed, trend: 0 },
    responseTime: { millis: quantile(served, 0.5), trend: 0 },
    errorRate: { rate: all === 0 ? 0 : (whole * failed) / all, trend: 0 },
    concurrentRequests: { count: 0, trend: 0 },
  };
}
