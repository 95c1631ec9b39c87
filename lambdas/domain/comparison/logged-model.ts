import type { LoggedModelMetric, Metric, Run } from '../registry.ts';

/**
 * A run with what MLflow 3 knows of its logged model: the digest of the data behind each metric, which `runs/get` does not
 * answer, and metrics that other runs have logged for the model, such as those of an evaluation after the training. A metric
 * gets a digest where the model's metrics of the same run, key, step and value have exactly one. Of a metric that the run does
 * not have, the newest counts.
 */
export function withLoggedModel(run: Run, logged: readonly LoggedModelMetric[]): Run {
  const own = new Set(run.metrics.map(({ key }) => key));
  const others = new Map<string, LoggedModelMetric>();
  for (const metric of logged) {
    if (own.has(metric.key)) continue;
    const newest = others.get(metric.key);
    if (newest === undefined || metric.timestamp >= newest.timestamp) others.set(metric.key, metric);
  }
  const named = run.metrics.map((metric) => ({ ...metric, datasetDigest: digestOf(metric, run, logged) }));
  const added = [...others.values()].map(({ runId: _, ...metric }): Metric => metric);
  return { ...run, metrics: [...named, ...added] };
}

function digestOf(metric: Metric, { runId }: Run, logged: readonly LoggedModelMetric[]): string | null {
  if (metric.datasetDigest !== null) return metric.datasetDigest;
  const same = logged.filter(
    (each) =>
      each.key === metric.key &&
      each.step === metric.step &&
      each.runId === runId &&
      Object.is(each.value, metric.value),
  );
  const [digest = null, ...more] = new Set(same.map(({ datasetDigest }) => datasetDigest));
  return more.length === 0 ? digest : null;
}
