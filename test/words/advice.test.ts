import { afterEach, describe, expect, it } from 'vitest';
import type { Ending } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { readingServices } from '../../lambdas/runtime/reading-services.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import { readBothSides } from '../../lambdas/use-cases/parts/read-ending.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import { type EmulatedHost, isEmulated } from '../../local/host.ts';
import { promote, rollback } from '../../local/scenarios/scenario.ts';
import { MODEL, type Serving, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { startEmulatedHost } from '../support/emulated-host.ts';

/** Whoever follows the advice of an alert to the letter ends with both sides in step, on the version that it names. */

const run = { pauseMs: 1 };
const TRANSITION = 'model-versions/transition-stage';
const REPLACEMENT = 'workloads/*/replacement';
const refusal = { error_code: 'PERMISSION_DENIED', message: 'Permission denied' };

let host: EmulatedHost;
afterEach(() => host.close());

/** A host with the seeded model, version 2 in Production; `serve`: on a Workload, which serves its artifact. */
async function started(serve: boolean): Promise<Serving | null> {
  const local = await startEmulatedHost();
  if (!isEmulated(local)) throw new Error('not on emulators');
  host = local;
  seedPascalStrategy(host.mlflow);
  return serve ? seedServing(host) : null;
}

const served = async () => {
  const serving = await started(true);
  if (serving === null) throw new Error('nothing is served');
  return serving;
};

/** What somebody else does by hand. */
const person = {
  moves: (version: string) =>
    host.mlflow.registry.transition(MODEL, version, 'Production', { archive: true }),
  replaces(workloadId: string) {
    const { id } = host.workload.direct.createArtifact({
      ...{ name: 'hotfix', env: { MODEL_VERSION: 'hotfix' }, locked: true },
    });
    return person.puts(workloadId, id);
  },
  puts(workloadId: string, artifactId: string) {
    const body = { artifactId, strategy: 'rolling' };
    host.workload.direct.perform('POST', `workloads/${workloadId}/replacement`, body);
    host.clock.skip(3_600_000);
    return artifactId;
  },
};

/** The steps of the last alert that was sent. */
function steps(): string[] {
  const email = host.sns.published.at(-1)?.message.email ?? '';
  const section = /\nWhat to do:\n([\s\S]*?)\n\n/.exec(email)?.[1] ?? '';
  return section.split('\n').map((line) => line.replace(/^\d\. /, ''));
}

const step = (pattern: RegExp) => {
  const found = steps().filter((line) => pattern.test(line));
  expect([pattern, found, steps()]).toEqual([pattern, [expect.any(String)], steps()]);
  return found[0] ?? '';
};

/** The execution input that a step spells out: every `"field": value` in it but what is only an addition in brackets. */
const inputIn = (text: string) =>
  Object.fromEntries(
    [...text.replace(/ \([^)]*\)/g, '').matchAll(/"(\w+)": ("\w+"|true)/g)].map(([, name, value]) => [
      name,
      JSON.parse(String(value)),
    ]),
  );

/** Starts what the step spells out. `chosen` has the fields whose value it leaves to the reader. */
async function follow(pattern: RegExp, chosen: object = {}): Promise<ExecutionDocument> {
  const text = step(pattern);
  for (const field of Object.keys(chosen)) expect(text).toContain(`"${field}"`);
  return execute(host, { model_name: MODEL, requested_by: 'a reader', ...inputIn(text), ...chosen }, run);
}

/** Sweeps, and runs what the sweep starts. */
async function sweepAfter(ms: number): Promise<string[]> {
  host.clock.skip(ms);
  await host.functions['sweep-promotions']({ sweep: true });
  const ended: string[] = [];
  for (const { name, input } of host.stepFunctions.take())
    ended.push((await execute(host, input, { ...run, name })).status);
  return ended;
}

/** Reads item and both sides, as the last step does. */
async function reading(): Promise<Ending> {
  const services = { ...storeServices(host.env), ...readingServices(host.env, host.clock) };
  return (await readBothSides(MODEL, services)).ending;
}

async function expectLive(version: string, artifact: string | null = null) {
  // A rollout may have its tail in flight.
  host.clock.skip(3_600_000);
  const { in_step, live, champions, change, workload } = await reading();
  expect({ in_step, change, champions }).toEqual({ in_step: true, change: null, champions: [version] });
  expect(live?.version).toBe(version);
  if (artifact !== null) expect(workload).toMatchObject({ artifact_id: artifact, in_flight: null });
}

const MINUTES = 60_000;
const HOUR = 60 * MINUTES;

describe('a change that is left open', () => {
  async function abortedMidRollout() {
    const serving = await served();
    let polls = 0;
    const abortAfter = (state: string) => state === 'ReplaceWorkload' && ++polls === 3;
    await execute(host, promote, { ...run, abortAfter });
    return serving;
  }

  it('goes on by itself at the time that the alert names', async () => {
    const { artifacts } = await abortedMidRollout();
    const at = / at about (\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC\.$/.exec(step(/^Wait: /));
    const due = Date.parse(`${at?.[1]}T${at?.[2]}:00Z`) - host.clock.now().getTime();
    expect(due).toBeGreaterThan(2 * MINUTES);
    expect(await sweepAfter(due - MINUTES)).toEqual([]);
    expect(await sweepAfter(2 * MINUTES)).toEqual(['rolled_back']);
    await expectLive('2', artifacts[2]);
  });

  it('is taken over by the promotion that is wanted after all', async () => {
    const { artifacts } = await abortedMidRollout();
    host.clock.skip(3 * MINUTES);
    expect((await follow(/^To promote version 3 after all/)).status).toBe('promoted');
    await expectLive('3', artifacts[3] ?? '');
  });

  /** The registry refuses version 3 when the Workload serves it, and then the platform refuses the way back. */
  async function halfDone() {
    const serving = await served();
    const body = JSON.stringify(refusal);
    const effect = { kind: 'answer', status: 403, body, contentType: 'application/json' } as const;
    host.mlflow.faults.add({ path: TRANSITION, effect });
    const onEvent = (event: { kind: string; state?: string }) => {
      if (event.kind === 'entered' && event.state === 'ModelRollback')
        host.workload.faults.add({ path: REPLACEMENT, method: 'POST', effect: { ...effect, status: 422 } });
    };
    await execute(host, promote, { ...run, onEvent });
    host.mlflow.faults.clear();
    host.workload.faults.clear();
    return serving;
  }

  it('on both sides half-way goes back by itself once its cause has gone', async () => {
    const { artifacts } = await halfDone();
    expect(await reading()).toMatchObject({
      change: { turned: true },
      workload: { artifact_id: artifacts[3] },
    });
    expect(step(/^Wait: /)).toContain(' goes on by itself, to version 2; ');
    expect(await sweepAfter(5 * MINUTES)).toEqual(['rolled_back']);
    await expectLive('2', artifacts[2]);
  });

  it('of a rollback ends elsewhere when another version is named', async () => {
    const { artifacts } = await served();
    await execute(host, promote, run);
    const body = JSON.stringify(refusal);
    const effect = { kind: 'answer', status: 422, body, contentType: 'application/json' } as const;
    host.workload.faults.add({ path: REPLACEMENT, method: 'POST', effect });
    expect((await execute(host, rollback, run)).status).toBe('failed');
    host.workload.faults.clear();
    const document = await follow(/^To have another version live instead/, { target_version: '3' });
    expect(document.status).toBe('rolled_back');
    await expectLive('3', artifacts[3] ?? '');
  });
});

describe('a model that somebody has changed while a promotion moved it', () => {
  async function contestedMove() {
    await started(false);
    const effect = { kind: 'then', run: () => person.moves('1') } as const;
    host.mlflow.faults.add({ path: TRANSITION, times: 1, effect });
    expect((await execute(host, promote, run)).status).toBe('contested');
  }

  it.each([
    [/^To keep version 1/, 'adopted', '1'],
    [/^To go back to version 2/, 'rolled_back', '2'],
    [/^To promote version 3 from there/, 'promoted', '3'],
  ] as const)('is settled by: %s', async (pattern, status, version) => {
    await contestedMove();
    expect((await follow(pattern)).status).toBe(status);
    await expectLive(version);
  });

  it('goes on by itself when the other change is undone by hand', async () => {
    await contestedMove();
    step(/^Or undo the other change by hand: the open change then goes on by itself\.$/);
    person.moves('2');
    expect(await sweepAfter(6 * MINUTES)).toEqual(['rolled_back']);
    await expectLive('2');
  });
});

describe('a model that somebody has changed since', () => {
  /** The sweep finds it within the hour, and tells it once. */
  async function found() {
    const before = host.sns.published.length;
    expect(await sweepAfter(HOUR + MINUTES)).toEqual([]);
    expect(await sweepAfter(HOUR + MINUTES)).toEqual([]);
    expect(host.sns.published.slice(before).map(({ subject }) => subject)).toEqual([
      `[TradAI] ACTION NEEDED: Model Out of Step: ${MODEL}`,
    ]);
  }

  it.each([
    [/^To keep version 1/, 'adopted', '1'],
    [/^To go back to version 3/, 'rolled_back', '3'],
  ] as const)('in the registry, is settled by: %s', async (pattern, status, version) => {
    await started(false);
    await execute(host, promote, run);
    person.moves('1');
    await found();
    expect((await follow(pattern)).status).toBe(status);
    await expectLive(version);
  });

  it('on the Workload goes back to the artifact that is recorded', async () => {
    const { workloadId, artifacts } = await served();
    await execute(host, promote, run);
    host.clock.skip(HOUR);
    person.replaces(workloadId);
    await found();
    expect((await follow(/^To go back to version 3/)).status).toBe('rolled_back');
    await expectLive('3', artifacts[3] ?? '');
  });

  it('needs nothing else when it is undone by hand', async () => {
    const { workloadId, artifacts } = await served();
    await execute(host, promote, run);
    host.clock.skip(HOUR);
    person.replaces(workloadId);
    await found();
    step(/^Or undo the other change by hand: then nothing else is to be done\.$/);
    person.puts(workloadId, artifacts[3] ?? '');
    await expectLive('3', artifacts[3] ?? '');
  });
});

describe('a model of which nothing is recorded', () => {
  it('gets its first release from the version that is named', async () => {
    const { workloadId, artifacts } = await served();
    person.replaces(workloadId);
    expect((await execute(host, promote, run)).status).toBe('contested');
    const document = await follow(/^Decide which version is to be live/, { target_version: '2' });
    expect(document.status).toBe('rolled_back');
    await expectLive('2', artifacts[2]);
    step(/^Find the cause/);
    expect((await execute(host, promote, run)).status).toBe('promoted');
    await expectLive('3', artifacts[3] ?? '');
  });
});

describe('a model with one of two pointers', () => {
  it.each([true, false])('is adopted once the other one is set (with a Workload: %s)', async (serve) => {
    await started(serve);
    host.env['MLFLOW_REGISTRY_MODE'] = 'both';
    const adopt = { operation: 'adopt', model_name: MODEL };
    expect((await execute(host, adopt, run)).status).toBe('contested');
    expect(step(/^If it is contested again: set the alias "champion" to version 2 in MLflow/)).toContain(
      '"adopt"',
    );
    host.mlflow.registry.setAlias(MODEL, 'champion', '2');
    expect((await execute(host, adopt, run)).status).toBe('adopted');
    await expectLive('2');
  });
});

describe('a rollback that names no version, of a model of which nothing is recorded', () => {
  it('is refused where the sides do not agree, and brings both to the version that is named then', async () => {
    const { workloadId, artifacts } = await served();
    person.replaces(workloadId);
    expect((await execute(host, rollback, run)).status).toBe('failed');
    const document = await follow(/^Decide which version is to be live/, { target_version: '2' });
    expect(document.status).toBe('rolled_back');
    await expectLive('2', artifacts[2]);
  });
});

describe('a promotion', () => {
  it('is rolled back by the input that its alert spells out', async () => {
    const { artifacts } = await served();
    await execute(host, promote, run);
    expect((await follow(/^To roll back to version 2/)).status).toBe('rolled_back');
    await expectLive('2', artifacts[2]);
  });

  it('by a direct call reaches the Workload by an execution with the artifact', async () => {
    const { artifacts } = await served();
    await host.functions['promote-model']({ model_name: MODEL, new_version: '3' });
    const document = await follow(/^To have the Workload serve it as well/, { artifact_id: artifacts[3] });
    expect(document.status).toBe('promoted');
    await expectLive('3', artifacts[3] ?? '');
  });

  it('by a direct call is not taken for one of the artifact that went on being served', async () => {
    await served();
    await execute(host, promote, run);
    const env = { MODEL_VERSION: '1' };
    const { id } = host.workload.direct.createArtifact({ name: 'pascal v1', env, locked: true });
    host.mlflow.registry.setVersionTag(MODEL, '1', 'workload.artifact_id', id);
    await host.functions['promote-model']({ model_name: MODEL, new_version: '1' });
    const document = await execute(host, { ...promote, challenger_version: '1' }, run);
    expect(document.status).toBe('promoted');
    await expectLive('1', id);
  });
});

it('a rollback to a draft over a locked artifact is possible when the draft is locked', async () => {
  const { artifacts } = await served();
  const draft = host.workload.direct.createArtifact({
    ...{ name: 'pascal v1', env: { MODEL_VERSION: '1' }, locked: false },
  });
  host.mlflow.registry.setVersionTag(MODEL, '1', 'workload.artifact_id', draft.id);
  const input = { ...rollback, target_version: '1' };
  expect((await execute(host, input, run)).status).toBe('failed');
  expect(host.sns.published.at(-1)?.subject).toContain('ACTION NEEDED: Workload Not Rolled Back');
  expect(await reading()).toMatchObject({ change: null, workload: { artifact_id: artifacts[2] } });
  step(/^Lock the artifact of version 1 in DataRobot/);
  host.workload.direct.perform('PATCH', `artifacts/${draft.id}`, { status: 'locked' });
  step(/^Then start the rollback again with the same input\.$/);
  expect((await execute(host, input, run)).status).toBe('rolled_back');
  await expectLive('1', draft.id);
});
