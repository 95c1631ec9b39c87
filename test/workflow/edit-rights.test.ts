import { describe, expect, it } from 'vitest';
import { FENCE_TAG, WORKLOAD_TAG } from '../../lambdas/domain/promotion/promotion-plan.ts';
import { ROLLED_BACK_TAG } from '../../lambdas/domain/registry.ts';
import { ARTIFACT_TAG } from '../../lambdas/domain/release/found.ts';
import { execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { promote, rollback } from '../../local/scenarios/scenario.ts';
import { MODEL, type Serving, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/**
 * What somebody with edit rights on one registered model can and cannot make us do (docs/security.md). Each test writes what
 * such a person can write, and then runs what the pipelines and people of the team run.
 */

const FUTURE = '2999-01-01T00:00:00.000Z';

describe('somebody with edit rights on one registered model', () => {
  let host: EmulatedHost;
  emulatedHost((started) => {
    host = started;
  });

  const run = (input: object) => execute(host, input, { pauseMs: 1 });
  const tag = (version: string, key: string, value: object | string) =>
    host.mlflow.registry.setVersionTag(
      MODEL,
      version,
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    );
  const served = async (workloadId: string) => (await host.workloads.getWorkload(workloadId))?.artifactId;
  const inProduction = async () =>
    (await host.registry.listVersions(MODEL)).filter((v) => v.stage === 'Production').map((v) => v.version);

  /** Version 3 was promoted over version 2, on both sides. */
  async function promoted(): Promise<Serving> {
    seedPascalStrategy(host.mlflow);
    const serving = seedServing(host);
    expect(await run(promote)).toMatchObject({ status: 'promoted' });
    return serving;
  }

  const forgedRecord = (to: string, from: string, more: object = {}) => ({
    kind: 'promote',
    id: 'forged',
    to,
    from,
    at: FUTURE,
    execution: 'arn:aws:states:us-east-1:123456789012:execution:promotion:forged',
    ...more,
  });

  it('cannot choose the version that a rollback goes back to, by a record of the future', async () => {
    const { workloadId, artifacts } = await promoted();
    tag('3', 'promotion.forged', forgedRecord('3', '1'));
    tag('3', 'promotion.forged.result', { id: 'forged', result: 'promoted', alert: 'sent', at: FUTURE });
    expect(await run(rollback)).toMatchObject({ status: 'rolled_back' });
    expect(await inProduction()).toEqual(['2']);
    expect(await served(workloadId)).toBe(artifacts[2]);
  });

  it('cannot choose the artifact of a version that was live, by its tag or by a record', async () => {
    const { workloadId, artifacts } = await promoted();
    const { id: forged } = host.workload.direct.createArtifact({ name: 'forged', env: {}, locked: true });
    tag('2', ARTIFACT_TAG, forged);
    const serving = {
      workload_id: workloadId,
      artifact_id: artifacts[3] ?? '',
      previous_artifact_id: forged,
    };
    tag('3', 'promotion.forged', forgedRecord('3', '2', { serving }));
    expect(await run(rollback)).toMatchObject({ status: 'rolled_back' });
    expect(await served(workloadId)).toBe(artifacts[2]);
  });

  it("cannot lead a promotion or a rollback to another model's Workload", async () => {
    const { workloadId, artifacts } = await promoted();
    const { id: artifactId } = host.workload.direct.createArtifact({ name: 'other', env: {}, locked: true });
    const { id: other } = host.workload.direct.createWorkload({ name: 'other-model', artifactId });
    host.mlflow.registry.setModelTag(MODEL, WORKLOAD_TAG, other);
    const serving = {
      workload_id: other,
      artifact_id: artifacts[3] ?? '',
      previous_artifact_id: artifacts[2],
    };
    tag('3', 'promotion.forged', forgedRecord('3', '2', { serving }));
    expect(await run(rollback)).toMatchObject({ status: 'rolled_back' });
    expect(await served(other)).toBe(artifactId);
    expect(await served(workloadId)).toBe(artifacts[2]);
  });

  it('cannot put a model into a cool-down, by the result of a rollback in the future', async () => {
    await promoted();
    tag('1', 'promotion.forged', { ...forgedRecord('3', '1'), kind: 'rollback', to: '3', from: '1' });
    tag('1', 'promotion.forged.result', { id: 'forged', result: 'rolled_back', alert: 'sent', at: FUTURE });
    expect(await run(rollback)).toMatchObject({ status: 'rolled_back' });
  });

  it.each([
    ['near 2^53', String(2 ** 53 - 2)],
    ['of 2^53 - 1', String(Number.MAX_SAFE_INTEGER)],
    ['of 1e300', '1e300'],
    ['that is no number', 'NaN'],
    ['below zero', '-1'],
    ['of 400 digits', '9'.repeat(400)],
  ])('cannot stop a model by a fence %s, and does not poison the counter', async (_, fence) => {
    seedPascalStrategy(host.mlflow);
    host.mlflow.registry.setModelTag(MODEL, FENCE_TAG, fence);
    expect(await run(promote)).toMatchObject({ status: 'promoted' });
    host.mlflow.registry.setModelTag(MODEL, FENCE_TAG, fence);
    expect(await run({ ...rollback, emergency: true })).toMatchObject({ status: 'rolled_back' });
  });

  it('can make us refuse a version by the mark of a rollback, which an emergency passes', async () => {
    await promoted();
    tag('2', ROLLED_BACK_TAG, 'by hand');
    expect(await run(rollback)).toMatchObject({ status: 'failed' });
    expect(await inProduction()).toEqual(['3']);
    expect(await run({ ...rollback, emergency: true })).toMatchObject({ status: 'rolled_back' });
  });

  it('can move the stage, and is found out by the next sweep; nothing follows the move by itself', async () => {
    const { workloadId, artifacts } = await promoted();
    const told = host.sns.published.length;
    host.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
    await host.functions['sweep-promotions']({ sweep: true });
    await host.functions['sweep-promotions']({ sweep: true });
    expect(host.sns.published.slice(told)).toHaveLength(1);
    expect(await run(rollback)).toMatchObject({ status: 'contested' });
    expect(await served(workloadId)).toBe(artifacts[3]);
    expect(await run({ ...rollback, target_version: '2' })).toMatchObject({ status: 'rolled_back' });
    expect(await inProduction()).toEqual(['2']);
    expect(await served(workloadId)).toBe(artifacts[2]);
  });
});
