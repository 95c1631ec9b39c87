import type { Evidence } from '../../lambdas/domain/comparison/evidence.ts';
import { type Policy, parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import type { Metric, ModelVersion, Run } from '../../lambdas/domain/registry.ts';
import { version } from './registry.ts';

/** Builders for policies and for what the runs of two versions hold; every field has a plain default. */

export function metric(key: string, value: number, datasetDigest: string | null = null): Metric {
  return { key, value, step: 0, datasetDigest };
}

export function run(metrics: Record<string, number>, more: Partial<Run> = {}): Run {
  return {
    runId: 'run',
    status: 'FINISHED',
    metrics: Object.entries(metrics).map(([key, value]) => metric(key, value)),
    datasets: [{ name: 'held-out', digest: 'd1', context: 'evaluation' }],
    params: {},
    tags: {},
    ...more,
  };
}

/** Version 2 is the champion (none when null), version 3 the challenger. */
export function evidence(
  champion: Record<string, number> | Run | null,
  challenger: Record<string, number> | Run,
  versions: { champion?: Partial<ModelVersion>; challenger?: Partial<ModelVersion> } = {},
): Evidence {
  return {
    champion:
      champion === null
        ? null
        : { version: version(2, 'Production', versions.champion), run: asRun(champion) },
    challenger: { version: version(3, 'Staging', versions.challenger), run: asRun(challenger) },
  };
}

const isRun = (given: Record<string, number> | Run): given is Run => 'runId' in given;
const asRun = (given: Record<string, number> | Run): Run => (isRun(given) ? given : run(given));

/** A policy of these rules that accepts every grade. Rules are named after their metric unless they say more. */
export function policy(rules: Record<string, unknown>[], more: Record<string, unknown> = {}): Policy {
  const named = rules.map((rule, index) => ({ name: `rule ${index + 1}`, direction: 'higher', ...rule }));
  return parsePolicy('test', { accepted_grades: ['A', 'B', 'C', 'D', 'E'], rules: named, ...more });
}
