import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { recordsOn } from '../../lambdas/domain/promotion/record.ts';
import { inStage, isRolledBack } from '../../lambdas/domain/registry.ts';
import { RolloutFailure } from '../../lambdas/domain/serving/rollout-finding.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import { rolloutReason } from '../../lambdas/words/rollout.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, type Serving, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { type Ends, endStateOf, expectEnd } from '../support/end-state.ts';
import { recordedOutcomes } from '../support/recorded-outcomes.ts';

/** A platform that refuses, fails or is in no state to serve: said in full, and nothing is left in flight. */

let host: EmulatedHost;
let serving: Serving;

emulatedHost((started) => {
  host = started;
});
beforeEach(() => {
  seedPascalStrategy(host.mlflow);
  serving = seedServing(host);
});

const run = (more: object = {}) => execute(host, { model_name: MODEL, ...more }, { pauseMs: 1 });

const Ended = z.object({
  serving: z.object({ failure_details: RolloutFailure.nullable() }).nullable(),
  error: z.object({ Error: z.string(), Cause: z.string() }).nullable(),
});
/** The error that a state was left by, and why the rollout failed: null where there was none. */
function causeOf({ output }: ExecutionDocument) {
  const { serving, error } = Ended.parse(output);
  return { failure: serving?.failure_details ?? null, error };
}
const failed = (failure: Partial<RolloutFailure>) => ({ failure, error: null });

const START = { method: 'POST', path: 'workloads/*/replacement' };
const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  ({
    kind: 'answer',
    status,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    contentType: typeof body === 'string' ? 'text/html' : 'application/json',
    headers,
  }) as const;

/**
 * One champion, version 2; the Workload on its artifact with nothing in progress; one alert; the lease free. A promotion
 * that was turned back leaves version 2 as live, and a result on version 3, which may be promoted again.
 */
async function expectNothingChanged({ alerts }: ExecutionDocument, ends: Ends = 'in-step') {
  host.workload.faults.clear();
  expectEnd(await endStateOf(host), ends, await recordedOutcomes(host.table));
  const view = await readRegistry(host.registry, MODEL);
  if (view === null) throw new Error('the model is gone');
  expect(inStage(view, 'Production').map(({ version }) => version)).toEqual(['2']);
  const workload = await host.workloads.getWorkload(serving.workloadId);
  expect(workload).toMatchObject({ artifactId: serving.artifacts[2] });
  const replacement = await host.workloads.getReplacement(serving.workloadId);
  expect(replacement?.status ?? 'errored').toBe('errored');
  expect(alerts).toHaveLength(1);
  const results = recordsOn(view.versions).map(({ to, result }) => [to, result?.result]);
  expect(results).toEqual(ends === 'in-step' ? [['3', 'not_promoted']] : []);
  expect(view.versions.filter(isRolledBack)).toEqual([]);
  const next = await host.functions['promote-model']({ model_name: MODEL, new_version: '2' });
  expect(next).toMatchObject({ promoted: true, already_promoted: true });
}

const problem = { path: 'artifactId', message: 'Artifact is archived', code: 'value_error' };
const pydantic = { loc: ['body', 'artifactId'], msg: 'Artifact is archived', type: 'value_error' };

describe('a platform that refuses to start the replacement', () => {
  const refused = (http_status: number, detail: RegExp) =>
    failed({ code: 'start-refused', http_status, detail: expect.stringMatching(detail) });

  it.each([
    [
      '403, no entitlement',
      403,
      { detail: 'WORKLOAD_API_CONTAINERS is not enabled' },
      { error: { Error: 'WorkloadApiRefused', Cause: expect.stringMatching(/403.*WORKLOAD_API_CONT/) } },
    ],
    ['409, a conflict', 409, { detail: 'The Workload is being changed' }, refused(409, /being changed/)],
    ['422 with a text', 422, { detail: 'Not now' }, refused(422, /Not now/)],
    ['422 with a list of texts', 422, { detail: ['Not now', 'not ever'] }, refused(422, /Not now.*not ever/)],
    ['422 with fields', 422, { detail: [problem] }, refused(422, /artifactId: Artifact is archived/)],
    [
      '422 in the form of the specification',
      422,
      { detail: [pydantic] },
      refused(422, /Artifact is archived/),
    ],
  ])('with %s: what it said, asked once more at most, nothing is left', async (_, status, body, said) => {
    host.workload.faults.add({ ...START, effect: answer(status, body) });
    const document = await run();
    expect(document).toMatchObject({ status: 'rolled_back', endpoint: { failed: 0 } });
    expect(causeOf(document)).toMatchObject(said);
    // Once more, as a replacement that this very step began before it died cannot be seen at once.
    const posts = host.workload.requests.filter(({ method }) => method === 'POST');
    expect(posts.length).toBeLessThanOrEqual(2);
    await expectNothingChanged(document);
  });

  it.each<[string, number, unknown, Record<string, string>?]>([
    ['429 without a time', 429, { detail: 'Too many requests' }],
    ['429 with a time', 429, { detail: 'Too many requests' }, { 'retry-after': '1' }],
    ['502 with HTML', 502, '<html><title>Bad gateway</title></html>'],
  ])('with %s, once: asked again, and promoted', async (_, status, body, headers = {}) => {
    host.workload.faults.add({ ...START, times: 1, effect: answer(status, body, headers) });
    expect(await run()).toMatchObject({ status: 'promoted', endpoint: { failed: 0 } });
  });

  it.each([
    ['429', 429, { detail: 'Too many requests' }],
    ['502 with HTML', 502, '<html><title>Bad gateway</title></html>'],
  ])('with %s, for ever: gives up, and says so', async (_, status, body) => {
    host.workload.faults.add({ ...START, effect: answer(status, body) });
    const document = await run();
    expect(document).toMatchObject({ status: 'rolled_back', endpoint: { failed: 0 } });
    await expectNothingChanged(document);
  });
});

describe('a platform that refuses everything', () => {
  it.each([
    [
      'a wrong token',
      answer(401, { message: 'Invalid API key' }),
      'WorkloadApiRefused',
      /401 not authenticated\. Check DATAROBOT_API_TOKEN/,
    ],
    [
      'no entitlement',
      answer(403, { detail: 'No seat' }),
      'WorkloadApiRefused',
      /403 not permitted\..*a free seat/,
    ],
    ['502 with HTML', answer(502, '<html>Bad gateway</html>'), 'WorkloadApiUnavailable', /502/],
    ['HTML for an answer', answer(200, '<html>Sign in</html>'), 'WorkloadApiInvalidResponse', /./],
  ])('with %s: failed before anything is written', async (_, effect, name, said) => {
    host.workload.faults.add({ path: 'workloads/*', effect });
    host.workload.faults.add({ path: 'workloads/*/replacement', effect });
    const document = await run();
    expect(document.status).toBe('failed');
    const error = { Error: name, Cause: expect.stringMatching(said) };
    expect(causeOf(document)).toEqual({ failure: null, error });
    expect(host.workload.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    await expectNothingChanged(document, 'unrecorded');
  });
});

describe('a Workload or an artifact that cannot be used', () => {
  const perform = (method: string, path: string, body?: unknown) =>
    host.workload.direct.perform(method, path, body) as { id: string };

  it('is named when the Workload is stopped', async () => {
    perform('POST', `workloads/${serving.workloadId}/stop`);
    host.clock.skip(60_000);
    const document = await run();
    expect(document.status).toBe('rolled_back');
    expect(causeOf(document)).toMatchObject(failed({ code: 'workload-not-running', state: 'stopped' }));
    await expectNothingChanged(document);
  });

  it('is named when the artifact is of another type', async () => {
    const { id } = host.workload.direct.createArtifact({ type: 'agent', locked: true });
    const document = await run({ artifact_id: id });
    expect(document.status).toBe('failed');
    const { workloadId: workload } = serving;
    const mismatch = { type: 'agent', artifact: id, workload, workload_type: 'service' };
    const said = rolloutReason({ code: 'type-mismatch', ...mismatch });
    const [outcome] = await recordedOutcomes(host.table);
    expect(outcome?.cause).toEqual({ code: 'refused', said });
    await expectNothingChanged(document, 'unrecorded');
  });

  it('is named when the runtime asks for a container that the artifact lacks', async () => {
    const runtime = { containerGroups: [{ name: 'default', containers: [{ name: 'sidecar' }] }] };
    const document = await run({ rollout: { runtime } });
    expect(document.status).toBe('rolled_back');
    expect(causeOf(document)).toMatchObject(
      failed({ code: 'unknown-container', container: 'sidecar', has: ['model'] }),
    );
    await expectNothingChanged(document);
  });
});
