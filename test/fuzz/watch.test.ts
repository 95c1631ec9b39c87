import fc from 'fast-check';
import { expect } from 'vitest';
import { errorNames } from '../../lambdas/domain/errors.ts';
import { watchReleases } from '../../lambdas/use-cases/watch-releases.ts';
import { sweptModels } from '../support/swept-models.ts';
import {
  hourAt,
  promoted,
  rowsOf,
  watchServices,
  weekBefore,
  writeBlocks,
} from '../support/watched-models.ts';
import { hostileJson, hostileText, mutated } from './support/hostile.ts';
import { fuzz } from './support/targets.ts';

const models = sweptModels();
const MODEL = 'churn';
/** Hours that pass after the release. */
const HOURS = 3;

const body = fc.oneof(
  hostileJson.map((value) => JSON.stringify(value)),
  mutated({ metrics: { totalRequests: 100, serverErrors: 100, slowRequests: 100 }, period: {} }).map(
    (value) => JSON.stringify(value),
  ),
  mutated({ totalCount: 1, data: [{ id: 'p', status: 'active', artifactId: 'a' }] }).map((value) =>
    JSON.stringify(value),
  ),
  mutated({
    run: { info: { run_id: 'r' }, data: { tags: [{ key: 'promotion.block.1', value: '{}' }] } },
  }).map((value) => JSON.stringify(value)),
  fc.constant('<!doctype html><title>Sign in</title>'),
  hostileText,
);
const status = fc.constantFrom(200, 200, 200, 204, 302, 401, 403, 404, 422, 429, 500, 503);

/** What is none of the hours: of no pair that is live, of no time, or no block. */
const noBlock = fc.oneof(
  hostileText,
  hostileJson.map((value) => JSON.stringify(value)),
  mutated({ new: '2', old: '3', from: 'x', to: 'y', a: 1e9, b: 0, z: 0 }).map((value) =>
    JSON.stringify(value),
  ),
);

fuzz(
  'the watch: hostile answers and blocks',
  'change nothing and roll nothing back; what is kept is read again',
  fc.record({
    side: fc.constantFrom('mlflow', 'workload', 'none'),
    path: fc.constantFrom('*', '*/stats/*', '*/protons/*', 'runs/get', 'registered-models/get'),
    status,
    body,
    blocks: fc.array(noBlock, { maxLength: 5 }),
  }),
  async ({ side, path, status: code, body: content, blocks }) => {
    const { mlflow, workload, store } = models;
    for (const each of [mlflow, workload, models.table]) await each.reset();
    for (const { faults } of [mlflow, workload]) faults.clear();
    [models.started.length, models.sent.length] = [0, 0];
    models.model(MODEL, ['Archived', 'Archived', 'Production']);
    const served = await models.serve(MODEL, ['2', '3'], '3');
    const hour = hourAt(models.now);
    const run = writeBlocks(models, MODEL, weekBefore(hour));
    await promoted(models, MODEL, { served });
    const answered = { kind: 'answer', status: code, body: content } as const;
    if (side !== 'none') (side === 'mlflow' ? mlflow : workload).faults.add({ path, effect: answered });
    const sides = () =>
      JSON.stringify([mlflow.registry.snapshot(), workload.direct.workload(served.workload_id)]);
    for (let passed = 1; passed <= HOURS; passed += 1) {
      models.pass({ minutes: passed === 1 ? 70 : 60 });
      const given = blocks.map((block, at): [number, string] => [hour + passed + at, block]);
      writeBlocks(models, MODEL, given, run);
      const before = sides();
      await watchReleases(watchServices(models)).catch((error: Error) =>
        expect(errorNames).toContain(error.name),
      );
      expect(sides()).toBe(before);
    }
    expect(models.started).toEqual([]);
    mlflow.faults.clear();
    workload.faults.clear();
    // What was kept is no hindrance: real hours are counted.
    writeBlocks(models, MODEL, [[hour + 1, rowsOf(hour + 1, [900, 0, 100])]], run);
    expect(await watchReleases(watchServices(models))).toMatchObject({ looked: 1, failed: 0 });
    expect((await store.readWatch(MODEL))?.promotion).toBeDefined();
  },
);
