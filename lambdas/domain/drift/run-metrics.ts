import type { RunPeriod } from '../registry.ts';
import type { Feature, Histograms } from './histogram.ts';

/**
 * Drift of what runs measure, such as the profit of each backtest: the runs of an experiment in two periods, of which each is
 * a row and each metric a feature.
 */

/** Which metrics of which runs; periods in days. */
export interface RunMetrics {
  readonly experimentId: string;
  readonly metrics: readonly string[];
  readonly referenceDays: number;
  readonly currentDays: number;
}

/** Metrics that one tag can name. */
const MOST_METRICS = 50;
const DAY_MS = 86_400_000;

/**
 * The runs that a tag names: `experiments/12?metric=profit_total&metric=win_rate`, with `reference_days` (30) and
 * `current_days` (7) where they differ; null for anything else.
 */
export function runMetricsIn(tag: string): RunMetrics | null {
  const [, experimentId, query] = /^experiments\/(\d{1,20})\?(.{1,4000})$/u.exec(tag.trim()) ?? [];
  if (experimentId === undefined) return null;
  const given = new URLSearchParams(query);
  const metrics = [...new Set(given.getAll('metric'))];
  const days = (key: string, byDefault: number) => {
    const [value = String(byDefault), ...more] = given.getAll(key);
    return more.length === 0 && /^[1-9]\d{0,2}$/.test(value) ? Number(value) : null;
  };
  const [referenceDays, currentDays] = [days('reference_days', 30), days('current_days', 7)];
  const known = [...given.keys()].every((key) => ['metric', 'reference_days', 'current_days'].includes(key));
  if (!known || referenceDays === null || currentDays === null) return null;
  if (metrics.length === 0 || metrics.length > MOST_METRICS || !metrics.every(isMetric)) return null;
  return { experimentId, metrics, referenceDays, currentDays };
}

const isMetric = (name: string) => /^[^\p{C}\p{Zl}\p{Zp}]{1,250}$/u.test(name);

/**
 * The two periods: `current` is the last days, and no run from before the newest version, which would be of an earlier one;
 * `reference` the days before the last days.
 */
export function periodsOf(
  { experimentId, referenceDays, currentDays }: RunMetrics,
  now: Date,
  newest: Date | null,
): { reference: RunPeriod; current: RunPeriod } {
  const to = now.getTime();
  const middle = to - currentDays * DAY_MS;
  const from = Math.min(to, Math.max(middle, newest?.getTime() ?? middle));
  return {
    reference: { experimentId, from: middle - referenceDays * DAY_MS, to: middle },
    current: { experimentId, from, to },
  };
}

/** What a run logged last of each metric. */
export type LoggedValues = ReadonlyMap<string, number>;

/** Both periods in bins of one value each. A value that is not finite is none. */
export function histogramsOf(
  metrics: readonly string[],
  runs: { readonly reference: readonly LoggedValues[]; readonly current: readonly LoggedValues[] },
): { reference: Histograms; current: Histograms } {
  const before: [string, Feature][] = [];
  const now: [string, Feature][] = [];
  for (const metric of metrics) {
    const [reference, current] = [valuesOf(runs.reference, metric), valuesOf(runs.current, metric)];
    const all = [...new Set([...reference, ...current])].sort((a, b) => a - b);
    // The first bin is that below the least value: no row is in it.
    const edges = all.length === 0 ? [0] : all;
    before.push([metric, { edges, counts: countsOf(reference, edges) }]);
    now.push([metric, { edges, counts: countsOf(current, edges) }]);
  }
  return {
    reference: { format: 1, features: Object.fromEntries(before) },
    current: { format: 1, features: Object.fromEntries(now) },
  };
}

const valuesOf = (runs: readonly LoggedValues[], metric: string): number[] =>
  runs.flatMap((run) => {
    const value = run.get(metric);
    return value !== undefined && Number.isFinite(value) ? [value] : [];
  });

function countsOf(values: readonly number[], edges: readonly number[]): number[] {
  const at = new Map(edges.map((edge, index) => [edge, index + 1]));
  const counts = [0, ...edges.map(() => 0)];
  for (const value of values) {
    const bin = at.get(value) ?? 0;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
