import type { Run } from '../registry.ts';

/** What two versions of a model differ in, as their runs have logged it. */

/** A version and its run; null where it has none, or it could not be read. */
export interface VersionFacts {
  readonly version: string;
  readonly stage: string;
  readonly run: Run | null;
}

/** One difference; null where a version does not have it. */
export interface Difference {
  readonly what: 'metric' | 'parameter' | 'data' | 'code';
  readonly name: string;
  readonly before: string | number | null;
  readonly after: string | number | null;
}

/** Tags of a run that say where its code is from, and what people call them. */
const CODE = {
  'mlflow.source.git.commit': 'git commit',
  'mlflow.source.git.branch': 'git branch',
  'mlflow.source.name': 'source',
} as const;

/** Metrics first, then parameters, data and code; each sorted by name. */
export function differences(before: VersionFacts, after: VersionFacts): Difference[] {
  return (['metric', 'parameter', 'data', 'code'] as const).flatMap((what) => {
    const [old, now] = [factsOf(before.run, what), factsOf(after.run, what)];
    return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((name) => {
      const pair = { before: old.get(name) ?? null, after: now.get(name) ?? null };
      return Object.is(pair.before, pair.after) ? [] : [{ what, name, ...pair }];
    });
  });
}

function factsOf(run: Run | null, what: Difference['what']): Map<string, string | number> {
  if (run === null) return new Map();
  switch (what) {
    case 'metric':
      return new Map(run.metrics.map(({ key, value }) => [key, value]));
    case 'parameter':
      return new Map(Object.entries(run.params));
    case 'data':
      return new Map(
        run.datasets.map(({ name, digest, context }) => [`${context ?? 'data'} ${name}`.trim(), digest]),
      );
    case 'code':
      return new Map(
        Object.entries(CODE).flatMap(([tag, name]) => {
          const value = run.tags[tag];
          return value === undefined ? [] : [[name, value] as const];
        }),
      );
  }
}

/** The metric that most of these versions have, the first of them by name; null without one. */
export function commonMetric(versions: readonly VersionFacts[]): string | null {
  const counts = new Map<string, number>();
  for (const { run } of versions)
    for (const { key, value } of run?.metrics ?? [])
      if (Number.isFinite(value)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const [first] = [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
  return first?.[0] ?? null;
}

/** The last value of a metric of a version; null where it has none that is finite. */
export function metricOf({ run }: VersionFacts, metric: string): number | null {
  const value = run?.metrics.find(({ key }) => key === metric)?.value;
  return value !== undefined && Number.isFinite(value) ? value : null;
}
