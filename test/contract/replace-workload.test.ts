import { describe, expect, it } from 'vitest';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { WorkloadApiUnavailable } from '../../lambdas/domain/serving/errors.ts';
import { type ReplaceAnswer, ReplaceInput } from '../../lambdas/domain/serving/payloads.ts';
import { replace } from '../../lambdas/use-cases/replace-workload.ts';
import { emulatedPlatform } from '../support/clients.ts';
import { at } from '../support/serving.ts';

const platform = emulatedPlatform();

const workloads = (token = platform.emulator.token) => platform.workloads({ token, retries: 1 });
const oneStep = (input: ReplaceInput) =>
  replace(
    input,
    { workloads: workloads(), store: noStore, clock: { now: () => platform.now } },
    { requestId: 'r' },
  );

/** From the first step to the last, as the state machine asks; an outage is tried again with what was known before. */
async function run(workload_id: string, artifact_id: string, more: Record<string, unknown> = {}) {
  const answers: ReplaceAnswer[] = [];
  const fixed = {
    workload_id,
    artifact_id,
    deadline: at(3600, platform.now).toISOString(),
    since: platform.now.toISOString(),
  };
  for (let i = 0; i < 200; i++) {
    const previous = answers.at(-1) ?? null;
    try {
      answers.push(await oneStep(ReplaceInput.parse({ ...fixed, ...more, previous })));
    } catch (error) {
      if (!(error instanceof WorkloadApiUnavailable)) throw error;
      platform.pass(10);
      continue;
    }
    const answer = answers.at(-1);
    if (answer?.status !== 'in_progress') break;
    platform.pass(answer.retry_after_seconds ?? 0);
  }
  const answer = answers.at(-1);
  if (answer === undefined) throw new Error('no answer');
  return { answers, answer };
}

const artifact = (locked: boolean) => platform.emulator.direct.createArtifact({ locked }).id;
const workload = (artifactId: string) => platform.emulator.direct.createWorkload({ artifactId }).id;
const writes = () =>
  platform.emulator.requests
    .filter(({ method }) => method !== 'GET')
    .map(
      ({ method, path }) =>
        `${method} ${path
          .split('/')
          .at(-1)
          ?.replace(/^[0-9a-f]{24}$/, ':id')}`,
    );

describe('on a platform that behaves as the sheet of the API says', () => {
  it.each(['tutorial', 'terraform', 'openapi'] as const)(
    'a locked artifact replaces another (words of the %s)',
    async (replacementStatuses) => {
      platform.emulator.variants.replacementStatuses = replacementStatuses;
      const [old, fresh] = [artifact(true), artifact(true)];
      const id = workload(old);
      const rollout = { warmupDurationMinutes: 2, keepOldVersionMinutes: 30 };
      const { answers, answer } = await run(id, fresh, { rollout, importance: 'high' });
      expect(answer).toMatchObject({ action: 'replace', status: 'completed', previous_artifact_id: old });
      expect(platform.emulator.direct.workload(id)).toMatchObject({ artifactId: fresh, importance: 'high' });
      expect(writes()).toEqual(['POST replacement', 'PATCH :id']);
      const states = [...new Set(answers.map((a) => a.candidate?.status ?? '-'))];
      expect(states).toEqual(expect.arrayContaining(['provisioning', 'launching', 'warming']));
      expect(await run(id, fresh)).toMatchObject({ answer: { action: 'none', already_replaced: true } });
    },
  );

  it('a draft is promoted in place; a draft replaces a draft and is then promoted', async () => {
    const old = artifact(false);
    const id = workload(old);
    const fresh = artifact(false);
    expect((await run(id, fresh)).answer).toMatchObject({
      action: 'promote',
      status: 'completed',
      previous_artifact_id: old,
    });
    expect(platform.emulator.direct.artifact(fresh)).toMatchObject({ status: 'locked', version: 1 });
    expect(writes()).toEqual(['POST replacement', 'POST promote']);
    const other = artifact(false);
    expect((await run(workload(other), other)).answer).toMatchObject({
      action: 'promote',
      status: 'completed',
    });
  });

  it('a draft is locked on request only, and never replaced by a locked one', async () => {
    const [id, fresh] = [workload(artifact(true)), artifact(false)];
    expect((await run(id, fresh)).answer).toMatchObject({ failure: 'draft-onto-locked' });
    expect((await run(id, fresh, { lock_artifact: true })).answer).toMatchObject({ status: 'completed' });
    expect((await run(workload(artifact(false)), fresh)).answer).toMatchObject({
      failure: 'locked-onto-draft',
    });
  });

  it.each([
    ['crash-loop', 'candidate-failed'],
    ['image-pull-failure', 'candidate-failed'],
    ['silently-dropped', 'candidate-dropped'],
    ['never-ready', 'deadline'],
  ] as const)(
    'a candidate that is %s ends as %s, with the old artifact served and nothing in flight',
    async (script, failure) => {
      const [old, fresh] = [artifact(true), artifact(true)];
      const id = workload(old);
      platform.emulator.direct.script(fresh, script);
      const deadline = at(20 * 60, platform.now).toISOString();
      const { answer } = await run(id, fresh, { deadline });
      expect(answer).toMatchObject({ status: 'failed', failure });
      expect(platform.emulator.direct.workload(id)).toMatchObject({
        artifactId: old,
        replacement: expect.toBeOneOf([null, expect.objectContaining({ status: 'errored' })]),
      });
      if (failure !== 'candidate-dropped') expect(answer.diagnosis?.containers.length).toBeGreaterThan(0);
      expect(writes().filter((write) => write === 'POST replacement')).toHaveLength(1);
      if (script === 'image-pull-failure')
        expect(answer.diagnosis?.containers[0]?.reason).toMatch(/ImagePull/);
      if (script === 'crash-loop') expect(answer.diagnosis?.containers[0]?.restarts).toBeGreaterThan(0);
    },
  );

  it('a second request after a failure begins anew', async () => {
    const [old, fresh] = [artifact(true), artifact(true)];
    const id = workload(old);
    platform.emulator.direct.script(fresh, 'crash-loop');
    expect((await run(id, fresh)).answer).toMatchObject({ failure: 'candidate-failed' });
    platform.emulator.direct.script(fresh, 'healthy');
    platform.pass(5);
    expect((await run(id, fresh)).answer).toMatchObject({ status: 'completed' });
  });

  it('a replacement that goes on is adopted, waited for or refused', async () => {
    const [old, fresh, third] = [artifact(true), artifact(true), artifact(true)];
    const begin = (id: string, artifactId: string) =>
      platform.emulator.direct.perform('POST', `workloads/${id}/replacement`, {
        artifactId,
        strategy: 'rolling',
      });
    const adopted = workload(old);
    begin(adopted, fresh);
    platform.pass(3);
    expect((await run(adopted, fresh)).answer).toMatchObject({ action: 'replace', status: 'completed' });
    const foreign = workload(old);
    begin(foreign, third);
    platform.pass(3);
    expect((await run(foreign, fresh)).answer).toMatchObject({
      failure: 'foreign-replacement',
      failure_details: { artifact: third },
    });
    const settings = workload(old);
    const { runtime } = platform.emulator.direct.workload(settings);
    platform.emulator.direct.perform('PATCH', `workloads/${settings}/settings`, { runtime });
    platform.pass(3);
    expect((await run(settings, fresh)).answer).toMatchObject({ action: 'replace', status: 'completed' });
    expect(writes()).toEqual(['POST replacement']);
  });

  it.each(['before', 'after'] as const)(
    'an answer to the start that is lost %s it took effect is settled by looking',
    async (when) => {
      const [id, fresh] = [workload(artifact(true)), artifact(true)];
      platform.emulator.faults.add({
        method: 'POST',
        path: `workloads/${id}/replacement`,
        times: 1,
        effect: { kind: 'drop', when },
      });
      expect((await run(id, fresh)).answer).toMatchObject({ status: 'completed' });
      expect(writes().filter((write) => write === 'POST replacement')).toHaveLength(
        when === 'before' ? 2 : 1,
      );
      const past = platform.emulator.direct.snapshot().workloads[0]?.history ?? [];
      expect(past.length).toBeLessThanOrEqual(1);
    },
  );

  it('the same comes of it where the sources of the API disagree', async () => {
    Object.assign(platform.emulator.variants, {
      replacementStatuses: 'openapi',
      replacementFailure: 'failed',
      secondReplacement: 'queue',
      statusMismatch: 422,
      cancelAfterSwitch: 'ignored',
      cancelStatus: 204,
      promoteStatus: 200,
      cloneStatus: 201,
      relock: 409,
      conditions: 'openapi',
      events: 'story',
      validationErrors: 'pydantic',
      protonDetails: 'embedded',
      protonPageLinks: 'absent',
      otelSlash: 'optional',
    });
    const [old, fresh, bad] = [artifact(true), artifact(true), artifact(true)];
    const id = workload(old);
    expect((await run(id, fresh)).answer).toMatchObject({ action: 'replace', status: 'completed' });
    platform.pass(3600);
    platform.emulator.direct.script(bad, 'crash-loop');
    expect((await run(id, bad)).answer).toMatchObject({ failure: 'candidate-failed' });
    platform.pass(3600);
    platform.emulator.direct.script(bad, 'never-ready');
    const deadline = at(600, platform.now).toISOString();
    expect((await run(id, bad, { deadline })).answer).toMatchObject({ failure: 'deadline' });
    expect(platform.emulator.direct.workload(id)).toMatchObject({ artifactId: fresh, replacement: null });
    const drafted = artifact(false);
    expect((await run(workload(drafted), drafted)).answer).toMatchObject({
      action: 'promote',
      status: 'completed',
    });
  });

  it('an outage in the middle is outlasted', async () => {
    const [id, fresh] = [workload(artifact(true)), artifact(true)];
    const effect = {
      kind: 'answer',
      status: 502,
      body: '<html>Bad Gateway</html>',
      contentType: 'text/html',
    } as const;
    platform.emulator.faults.add({ path: '*', times: 9, effect });
    expect((await run(id, fresh)).answer).toMatchObject({ status: 'completed' });
  });
});

describe('what can be wrong', () => {
  it('with the Workload or the artifact is named', async () => {
    const [id, fresh] = [workload(artifact(true)), artifact(true)];
    await expect(run('0123456789abcdef01234567', fresh)).rejects.toMatchObject({ name: 'WorkloadNotFound' });
    expect((await run(id, '../../x?y#z')).answer).toMatchObject({ failure: 'artifact-not-found' });
    const agent = platform.emulator.direct.createArtifact({ locked: true, type: 'agent' }).id;
    expect((await run(id, agent)).answer).toMatchObject({ failure: 'type-mismatch' });
    platform.emulator.direct.perform('POST', `workloads/${id}/stop`);
    platform.pass(600);
    expect((await run(id, fresh)).answer.failure).toMatch(/workload-not-running|no-active-proton/);
    expect(writes()).toEqual([]);
  });

  it('with the token or the entitlement is thrown, and nothing is left in flight', async () => {
    const id = workload(artifact(true));
    await expect(workloads('wrong').getWorkload(id)).rejects.toMatchObject({
      name: 'WorkloadApiRefused',
      status: 401,
    });
    const body = JSON.stringify({ detail: 'WORKLOAD_API_CONTAINERS is not enabled' });
    platform.emulator.faults.add({
      method: 'POST',
      path: '*',
      effect: { kind: 'answer', status: 403, body },
    });
    await expect(run(id, artifact(true))).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('WORKLOAD_API_CONTAINERS'),
    });
    expect(platform.emulator.direct.workload(id).replacement).toBeNull();
  });
});

it('reads and writes everything else that the functions use', async () => {
  const api = workloads();
  const source = artifact(true);
  const id = workload(source);
  const copy = await api.cloneArtifact(source, 'copy');
  expect(copy).toMatchObject({
    status: 'draft',
    version: null,
    groups: [{ name: 'default', containers: ['model'] }],
  });
  await api.setContainerGroups(copy.id, copy.containerGroups);
  await api.lockArtifact(copy.id);
  expect(await api.getArtifact(copy.id)).toMatchObject({ status: 'locked', version: 2 });
  await expect(api.lockArtifact(copy.id)).rejects.toMatchObject({ status: 403 });
  platform.emulator.direct.addTraffic(id, { count: 3 });
  platform.emulator.direct.addTraffic(id, { count: 1, status: 503 });
  platform.pass(60);
  expect(await api.stats(id)).toMatchObject({ totalRequests: 4, serverErrors: 1 });
  const [active] = await api.protons(id);
  expect(active).toMatchObject({ role: 'active', status: 'running', artifactId: source });
  expect(await api.statusDetails(id, active?.id ?? '')).toMatchObject({ state: 'running' });
  expect(await api.logs(id, 5, active?.id)).toEqual(expect.any(Array));
  expect(await api.events(id, 5)).toEqual([]);
  expect(await api.history(id, 5)).toEqual([]);
});
