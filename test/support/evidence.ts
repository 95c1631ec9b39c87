import fc from 'fast-check';
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

const value = fc.oneof(
  fc.double({ min: -100, max: 100, noNaN: true }),
  fc.constantFrom(0, 0.5, 1, Number.NaN, Number.POSITIVE_INFINITY),
);
const keys = ['a', 'b', 'c'];
const metrics = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] });
const amount = fc.double({ min: 0.001, max: 2, noNaN: true });
const ask = fc.oneof(
  fc.constant({}),
  fc.constant({ strict: true }),
  fc.record({ min_gain: amount }),
  fc.record({ min_relative_gain: amount, relative_scale: amount }),
  fc.record({ margin: amount }),
  fc.record({ relative_margin: amount }),
);
const asked = fc
  .record({
    metric: fc.constantFrom(...keys),
    direction: fc.constantFrom('higher', 'lower'),
    critical: fc.boolean(),
    weight: fc.integer({ min: 1, max: 5 }),
    when_missing: fc.constantFrom('investigate', 'fail', 'skip'),
    limit: fc.option(fc.double({ min: -50, max: 50, noNaN: true }), { nil: undefined }),
    ask,
    sample: fc.option(fc.constant({ kind: 'proportion', size: 'n' }), { nil: undefined }),
  })
  .map(({ ask: amounts, ...rule }) => ({
    ...rule,
    ...amounts,
    critical: rule.critical && rule.when_missing !== 'skip',
  }));
const rules = fc.array(asked, { minLength: 1, maxLength: 4 });
const champion = fc.option(metrics, { nil: null });
const sized = (of: Record<string, number> | null) => (of === null ? null : { ...of, n: 200 });

/** Generators of rules and of what the runs hold, and the size of the samples in them. */
export const anyComparison = { champion, keys, metrics, rules, sized };
