import { describe, expect, it } from 'vitest';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { promote, rollback } from '../../local/scenarios/scenario.ts';
import { MODEL, type Serving, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { replaceBy } from '../../local/scenarios/serving.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { endStateOf, expectEnd } from '../support/end-state.ts';
import { expectAlerts, outcomeOf, recordedOutcomes } from '../support/recorded-outcomes.ts';
import { intent } from '../support/registry.ts';

/** What is refused names what makes it possible: whoever does exactly that ends with both sides in step. */

const DAY_MS = 24 * 3_600_000;

let host: EmulatedHost;

emulatedHost((started) => {
  host = started;
});

const asks = (input: object) => execute(host, input, { pauseMs: 1 });
const served = (...seed: Parameters<typeof seedServing> extends [unknown, ...infer Rest] ? Rest : never) => {
  seedPascalStrategy(host.mlflow);
  return seedServing(host, ...seed);
};
const movedByHand = (version: string) =>
  host.mlflow.registry.transition(MODEL, version, 'Production', { archive: true });
const put = ({ workloadId }: Serving, artifactId: string | null) => {
  replaceBy(host, workloadId, artifactId ?? '');
  host.clock.skip(DAY_MS);
};

async function expectInStepOn(version: string, document: ExecutionDocument) {
  const outcomes = await recordedOutcomes(host.table);
  const end = await endStateOf(host);
  expectEnd(end, 'in-step', outcomes);
  expect(end.champions).toEqual([version]);
  expect(['promoted', 'rolled_back', 'adopted']).toContain(document.status);
  expectAlerts({ published: host.sns.published.slice(-1), outcomes, env: host.env }, [
    document.status,
  ] as 'promoted'[]);
}

const findingOf = ({ output }: ExecutionDocument) => readStateDocument(output).rollback?.finding;

describe('a rollback that is refused', () => {
  it('as nothing is recorded names the version in "target_version"', async () => {
    seedPascalStrategy(host.mlflow);
    const refused = await asks(rollback);
    expect([refused.status, findingOf(refused)]).toMatchObject(['failed', { why: 'no-known-good' }]);
    await expectInStepOn('1', await asks({ ...rollback, target_version: '1' }));
  });

  it('as the last one is too recent passes "emergency"', async () => {
    seedPascalStrategy(host.mlflow);
    await asks(promote);
    await asks(rollback);
    const input = { ...rollback, target_version: '1' };
    const refused = await asks(input);
    expect([refused.status, findingOf(refused)]).toMatchObject(['failed', { why: 'cooling' }]);
    await expectInStepOn('1', await asks({ ...input, emergency: true }));
  });

  it('to a version that was itself rolled back passes "emergency"', async () => {
    served();
    await asks(promote);
    await asks(rollback);
    host.clock.skip(2 * DAY_MS);
    const refused = await asks({ ...rollback, target_version: '3' });
    expect([refused.status, findingOf(refused)]).toMatchObject(['failed', { why: 'rolled-back' }]);
    await expectInStepOn('3', await asks({ ...rollback, target_version: '3', emergency: true }));
  });

  it('to a version without an artifact gets one in its tag', async () => {
    served();
    await asks(promote);
    const input = { ...rollback, target_version: '1' };
    const refused = await asks(input);
    expect([refused.status, findingOf(refused)]).toMatchObject(['failed', { why: 'no-artifact' }]);
    const { id } = host.workload.direct.createArtifact({ locked: true, env: { MODEL_VERSION: '1' } });
    host.mlflow.registry.setVersionTag(MODEL, '1', 'workload.artifact_id', id);
    await expectInStepOn('1', await asks(input));
  });
});

describe('a promotion that is refused', () => {
  it('as its artifact is a draft passes "lock_artifact"', async () => {
    served({ candidate: 'draft' });
    const refused = await asks(promote);
    expect(outcomeOf(await recordedOutcomes(host.table), refused).cause?.code).toBe('refused');
    await expectInStepOn('3', await asks({ ...promote, lock_artifact: true }));
  });

  it('as a draft is in service comes after the Workload was promoted', async () => {
    const { workloadId } = served({ served: 'draft' });
    const refused = await asks(promote);
    expect(outcomeOf(await recordedOutcomes(host.table), refused).cause?.code).toBe('refused');
    host.workload.direct.perform('POST', `workloads/${workloadId}/promote`);
    await expectInStepOn('3', await asks(promote));
  });
});

describe('a Workload that does not exist any more', () => {
  /** Version 3 is live, and its Workload was deleted. */
  async function deleted() {
    const serving = served();
    await asks(promote);
    host.clock.skip(DAY_MS);
    host.workload.faults.add({
      path: `workloads/${serving.workloadId}*`,
      effect: { kind: 'answer', status: 404, body: '{"message": "Not Found"}' },
    });
    expect((await asks({ ...promote, challenger_version: '3' })).status).toBe('failed');
    return serving;
  }
  async function expectFollowed(document: ExecutionDocument, version: string, workload_id: string | null) {
    expect(outcomeOf(await recordedOutcomes(host.table), document).ending).toMatchObject({
      ...{ in_step: true, champions: [version], live: { version } },
      workload: workload_id === null ? null : { workload_id },
    });
  }
  const another = (artifactId: string | null) =>
    host.workload.direct.createWorkload({ name: 'another', artifactId: artifactId ?? '' }).id;

  it('is followed by the one that the tag "workload.id" names, once that is adopted', async () => {
    const { artifacts } = await deleted();
    const id = another(artifacts[3]);
    host.mlflow.registry.setModelTag(MODEL, 'workload.id', id);
    await expectFollowed(await asks({ ...promote, operation: 'adopt' }), '3', id);
  });

  it('is followed by none where the tag is empty, once that is adopted', async () => {
    await deleted();
    host.mlflow.registry.setModelTag(MODEL, 'workload.id', '');
    await expectFollowed(await asks({ ...promote, operation: 'adopt' }), '3', null);
  });

  it('is followed by the one that a rollback to a named version names', async () => {
    const { artifacts } = await deleted();
    const workload_id = another(artifacts[3]);
    const rolledBack = await asks({ ...rollback, target_version: '2', workload_id });
    await expectFollowed(rolledBack, '2', workload_id);
  });
});

describe('a promotion that is contested', () => {
  const expectContested = async (input: object = promote) => {
    const document = await asks(input);
    expect(document.status).toBe('contested');
    const { item } = await endStateOf(host);
    return { document, item };
  };

  it('where the first version of this system was left half-done follows a rollback to a named version', async () => {
    const serving = served();
    put(serving, serving.artifacts[3]);
    const { item } = await expectContested();
    expect([item.live, item.change]).toEqual([null, null]);
    await expectInStepOn('2', await asks({ ...rollback, target_version: '2' }));
    host.clock.skip(2 * DAY_MS);
    await expectInStepOn('3', await asks({ ...promote, challenger_version: '3' }));
  });

  it.each([
    ['"operation": "adopt"', { ...promote, operation: 'adopt' }, '2'],
    ['"adopt"', { ...promote, adopt: true }, '3'],
    ['a named version', { ...rollback, target_version: '1' }, '1'],
  ])('by a record of the first version without a result passes %s', async (_, input, version) => {
    seedPascalStrategy(host.mlflow);
    const record = { ...intent({ id: 'lost', to: '3', from: '2' }), schema: null };
    host.mlflow.registry.setVersionTag(MODEL, '3', 'promotion.lost', JSON.stringify(record));
    await expectContested();
    await expectInStepOn(version, await asks(input));
  });

  it('as a person has gone back by hand passes "adopt"', async () => {
    const serving = served();
    await asks(promote);
    movedByHand('2');
    put(serving, serving.artifacts[2]);
    const again = { ...promote, challenger_version: '3' };
    const { item } = await expectContested(again);
    expect(item.live?.version).toBe('3');
    await expectInStepOn('3', await asks({ ...again, adopt: true }));
    expect((await endStateOf(host)).item.history[0]).toMatchObject({
      version: '2',
      artifact_id: serving.artifacts[2],
    });
  });

  it('as a person has changed one side only is not adopted, and follows a rollback to a named version', async () => {
    served();
    await asks(promote);
    movedByHand('2');
    const contested = await asks({ ...promote, operation: 'adopt' });
    expect(contested.status).toBe('contested');
    await expectInStepOn('2', await asks({ ...rollback, target_version: '2' }));
  });

  it('as somebody rolls out another artifact follows a rollback to a named version', async () => {
    const serving = served();
    await asks(promote);
    host.clock.skip(DAY_MS);
    const { id } = host.workload.direct.createArtifact({ locked: true, env: { MODEL_VERSION: 'hotfix' } });
    host.workload.direct.script(id, 'slow');
    replaceBy(host, serving.workloadId, id);
    host.clock.skip(10_000);
    await expectContested({ ...promote, challenger_version: '3' });
    await expectInStepOn('2', await asks({ ...rollback, target_version: '2' }));
    expect((await endStateOf(host)).workload?.artifactId).toBe(serving.artifacts[2]);
  });
});
