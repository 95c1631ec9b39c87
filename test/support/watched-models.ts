import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { recordId } from '../../lambdas/domain/promotion/record.ts';
import type { PastRelease } from '../../lambdas/domain/release/release.ts';
import { HOUR_MS } from '../../lambdas/domain/watch/block.ts';
import type { WatchServices } from '../../lambdas/use-cases/watch-releases.ts';
import { sampleComparison, sampleOutcome } from './sample-outcome.ts';
import { arn, release, type Served, type SweptModels } from './swept-models.ts';

/** Releases that are watched, on the emulators of `sweptModels`: version 3 has replaced version 2. */

const RULES = { accepted_grades: ['E'], rules: [{ name: 'r', metric: 'm', direction: 'higher' }] };

/** The policies by name: `trading` has a watch with these fields, `plain` has none. */
export const policiesWith = (watch: object): WatchServices['policies'] => ({
  load: async (name) =>
    parsePolicy(name, name === 'plain' ? RULES : { ...RULES, watch: { maturity_hours: 0, ...watch } }),
});

/** What the function uses, with what a test replaces. */
export const watchServices = (
  models: SweptModels,
  watch: object = {},
  more: Partial<WatchServices> = {},
): WatchServices => ({
  ...models.services,
  executionArn: arn,
  policies: policiesWith(watch),
  ...more,
});

/** Whole hours since 1970. */
export const hourAt = (time: Date) => Math.floor(time.getTime() / HOUR_MS);

/** The execution that promoted version 3. */
export const PROMOTED_BY = arn('p1');

/** What the promotion to version 3 has left in the table, by this policy; null: its outcome is not recorded yet. */
export async function promoted(
  models: SweptModels,
  name: string,
  { served = null, policy = 'trading' }: { served?: Served | null; policy?: string | null } = {},
): Promise<void> {
  const at = models.now.toISOString();
  const old = release('2', served);
  const past: PastRelease = {
    ...{ key: old.key, version: '2', workload_id: old.workload_id, artifact_id: old.artifact_id },
    ...{ since: '2026-01-01T00:00:00.000Z', left_at: at, left_by: recordId(PROMOTED_BY), good: true },
  };
  const live = { ...release('3', served, PROMOTED_BY), at, result: 'promoted' as const };
  await models.live(name, live, [past]);
  if (policy === null) return;
  const comparison = { ...sampleComparison, policy };
  const outcome = { ...sampleOutcome, execution: PROMOTED_BY, model_name: name, comparison };
  await models.store.recordOutcome(outcome, 'none', null);
}

/** Outcomes of both versions in an hour: requests that only the new one got wrong, that only the old one did, all others. */
export const rowsOf = (index: number, [a, b, z]: readonly [number, number, number], pair = ['3', '2']) => ({
  ...{ new: pair[0], old: pair[1], a, b, z },
  from: new Date(index * HOUR_MS).toISOString(),
  to: new Date((index + 1) * HOUR_MS).toISOString(),
});

/** Writes blocks as tags of the run that the model names, which is made where there is none; answers its id. */
export function writeBlocks(
  { mlflow }: SweptModels,
  name: string,
  blocks: readonly (readonly [index: number, block: object | string])[],
  run: string | null = null,
): string {
  const runId = run ?? mlflow.registry.createRun({});
  if (run === null) mlflow.registry.setModelTag(name, 'promotion.monitor', runId);
  for (const [index, block] of blocks)
    mlflow.registry.setRunTag(
      runId,
      `promotion.block.${index}`,
      typeof block === 'string' ? block : JSON.stringify(block),
    );
  return runId;
}

/** A week before `hour` in which both versions are equally good, a little different from hour to hour. */
export const weekBefore = (hour: number): [number, object][] =>
  Array.from({ length: 168 }, (_, at) => {
    const index = hour - 168 + at;
    return [index, rowsOf(index, [45 + ((index * 7919) % 13), 50, 900])];
  });
