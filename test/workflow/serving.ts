import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RecordedRequest } from '../../emulators/faults.ts';
import { defaultVariants, type Variants } from '../../emulators/workload/world/settings.ts';
import type { OutcomeStatus } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { recordsOn } from '../../lambdas/domain/promotion/record.ts';
import { inStage } from '../../lambdas/domain/registry.ts';
import { RolloutFailure } from '../../lambdas/domain/serving/rollout-finding.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import type { AlertKind } from '../../lambdas/words/alert/kinds.ts';
import { rolloutReason } from '../../lambdas/words/rollout.ts';
import type { ExecutionDocument } from '../../local/execution.ts';
import type { EmulatedHost, Host } from '../../local/host.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import { releaseScenarios } from '../../local/scenarios/releases.ts';
import { MODEL } from '../../local/scenarios/seed.ts';
import { servingScenarios } from '../../local/scenarios/serving.ts';
import { watchScenarios } from '../../local/scenarios/watch.ts';
import { documentedScenarios } from '../support/documented-scenarios.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { type Ends, endStateOf, expectEnd, nothingLeft } from '../support/end-state.ts';
import { expectAlerts, outcomeOf, recordedOutcomes } from '../support/recorded-outcomes.ts';

/**
 * Each rollout is run as `npm start` runs it; afterwards both systems are looked at, not only what the run says. Each is
 * played once as the platform is by default, and every expectation of it looks at what that left.
 */
export function servingScenariosOn(
  hosted: () => Promise<Host>,
  /** Instead: whether each scenario ends the same on every reading of the sources about the platform. */
  { readings: onEveryReading = false } = {},
): void {
  const DAY_MS = 24 * 3_600_000;

  let host: EmulatedHost;

  emulatedHost((started) => {
    host = started;
  }, hosted);
  afterEach(() => void host.stepFunctions.take());

  interface Expected {
    statuses: readonly OutcomeStatus[];
    /** Version in Production at the end, which is the one that the Workload serves then. */
    version: '1' | '2' | '3';
    /** Versions that answered the endpoint, in their order, over all executions. */
    answers: readonly string[];
    /** Kinds of the alerts, in the order in which they were sent. */
    alerts: readonly AlertKind[];
    /** What was sent to the platform that changes something, with `*` for ids. */
    writes: readonly string[];
    /** How the model is left; by default in step. */
    ends?: Ends;
  }

  const start = 'POST workloads/*/replacement';
  const cancel = 'DELETE workloads/*/replacement';
  const forward = { version: '3', answers: ['2', '3'], alerts: ['promoted'], writes: [start] } as const;
  /** The promotion is turned back before anything switched. */
  const stays = {
    statuses: ['rolled_back'],
    version: '2',
    answers: ['2'],
    alerts: ['rolled_back'],
    writes: [start],
  } as const;
  /** Refused before a change is opened. */
  const refused = {
    ...stays,
    statuses: ['failed'],
    alerts: ['failed'],
    writes: [],
    ends: 'unrecorded',
  } as const;
  const thereAndBack = {
    statuses: ['promoted', 'rolled_back'],
    version: '2',
    answers: ['2', '3', '2'],
    alerts: ['promoted', 'rolled_back'],
    writes: [start, start],
  } as const;

  const expected: Record<string, Expected> = {
    'challenger-wins': { ...forward, statuses: ['promoted'] },
    'rollout-replaces': { ...forward, statuses: ['promoted'], writes: [start, 'PATCH workloads/*'] },
    'scale-to-zero': { ...forward, statuses: ['promoted'] },
    'draft-promotes-in-place': {
      statuses: ['promoted'],
      version: '1',
      answers: ['1'],
      alerts: ['promoted'],
      writes: ['PATCH workloads/*', 'POST workloads/*/promote'],
    },
    'adopt-in-flight': { ...forward, statuses: ['promoted'], writes: [] },
    'foreign-replacement': { ...refused, statuses: ['contested'], alerts: ['contested'] },
    'candidate-crash-loops': stays,
    'candidate-never-ready': { ...stays, writes: [start, cancel] },
    'silently-dropped': stays,
    'registry-refuses-after-switch': {
      ...thereAndBack,
      statuses: ['rolled_back'],
      alerts: ['rolled_back'],
    },
    'rollback-after-success': thereAndBack,
    'artifact-derived': {
      ...forward,
      statuses: ['promoted'],
      writes: ['POST artifacts/*/clone', 'PATCH artifacts/*', 'PATCH artifacts/*', start],
    },
    'status-mismatch': refused,
    'lost-answer-on-start': { ...forward, statuses: ['promoted'] },
    'two-executions': { ...forward, statuses: ['promoted', 'busy'], alerts: ['busy', 'promoted'] },
    'aborted-mid-rollout': {
      ...stays,
      statuses: ['failed', 'rolled_back'],
      alerts: ['failed', 'rolled_back'],
      answers: ['2', '3', '2'],
      writes: [start, start],
    },
    'regretted-a-week-later': thereAndBack,
    'half-done-rollback': {
      ...thereAndBack,
      statuses: ['failed', 'rolled_back'],
      alerts: ['failed', 'rolled_back'],
      // The first one back, which the platform refuses, is requested once more.
      writes: [start, start, start, start],
    },
    'promote-again-after-half-done': {
      ...thereAndBack,
      statuses: ['failed', 'promoted', 'rolled_back'],
      alerts: ['failed', 'promoted', 'rolled_back'],
      writes: [start, start, start, start],
    },
    'undo-tried-again': {
      ...thereAndBack,
      statuses: ['failed', 'failed', 'rolled_back'],
      alerts: ['failed', 'failed', 'rolled_back'],
    },
    'moved-by-hand': {
      ...thereAndBack,
      // Of two sweeps, one tells it.
      alerts: ['promoted', 'contested', 'rolled_back'],
    },
    adopted: {
      ...thereAndBack,
      statuses: ['promoted', 'adopted'],
      alerts: ['promoted', 'contested', 'adopted'],
      writes: [start],
    },
    'direct-then-execution': {
      ...forward,
      statuses: ['promoted'],
      // That of the direct invocation, and that of the execution.
      alerts: ['promoted', 'promoted'],
    },
    'degrades-after-release': { ...thereAndBack, alerts: ['promoted', 'degraded', 'rolled_back'] },
    'release-confirmed': { ...forward, statuses: ['promoted'], alerts: ['promoted', 'confirmed'] },
    'idle-release': { ...forward, statuses: ['promoted'], alerts: ['promoted', 'unverified'] },
    'late-labels': thereAndBack,
    'watch-crashes': thereAndBack,
  };

  async function play(name: string): Promise<ExecutionDocument[]> {
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`no scenario ${name}`);
    const documents = await scenario.play(host, { pauseMs: 1 });
    host.mlflow.faults.clear();
    host.workload.faults.clear();
    return documents;
  }

  /** Plays a scenario, then looks at everything that it left, at once and a day later. */
  async function record(name: string) {
    const documents = await play(name);
    const left = {
      documents,
      requests: [...host.workload.requests],
      published: [...host.sns.published],
      outcomes: await recordedOutcomes(host.table),
      end: await endStateOf(host),
      registry: await registry(),
      artifacts: host.workload.direct.snapshot().artifacts,
      served: pascal(),
    };
    const version = inStage(left.registry, 'Production')[0]?.version;
    const next = await host.functions['promote-model']({ model_name: MODEL, new_version: version });
    host.clock.skip(DAY_MS);
    const later = pascal();
    const swept = await host.functions['sweep-promotions']({ sweep: true });
    return structuredClone({
      ...left,
      next,
      swept,
      later: { served: later, protons: await host.workloads.protons(later.id) },
    });
  }

  const recordings = new Map<string, ReturnType<typeof record>>();
  /** What the scenario left when it was played for the first test that asks. */
  function leftBy(name: string): ReturnType<typeof record> {
    const recording = recordings.get(name) ?? record(name);
    recordings.set(name, recording);
    return recording;
  }

  /** Ids are 24 hexadecimal digits. */
  const writes = (requests: readonly RecordedRequest[]) =>
    requests
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => `${method} ${path.replaceAll(/[0-9a-f]{24}/g, '*')}`);

  async function registry() {
    const view = await readRegistry(host.registry, MODEL);
    if (view === null) throw new Error('the model is gone');
    return view;
  }

  function pascal() {
    const found = host.workload.direct.snapshot().workloads.find(({ name }) => name === 'pascal-prod');
    if (found === undefined) throw new Error('the Workload is gone');
    return found;
  }

  /** Versions that answered, in their order; a run of answers of one version counts once. */
  const answers = (documents: ExecutionDocument[]) =>
    documents
      .flatMap(({ endpoint }) => endpoint?.answered_by ?? [])
      .sort((a, b) => a.first.localeCompare(b.first))
      .map(({ version }) => version)
      .filter((version, index, all) => version !== all[index - 1]);

  /** While MLflow is unavailable, nobody knows the endpoint to follow. */
  const followed = (documents: ExecutionDocument[]) =>
    documents.filter(({ registry }) => registry.before !== null);

  if (onEveryReading) {
    playOnEveryReading();
    return;
  }

  it('has every scenario in the documentation, with how its executions end', () => {
    const documented = documentedScenarios();
    for (const [name, { statuses }] of Object.entries(expected))
      expect(documented.get(name)).toEqual(statuses);
  });

  it('has an expectation for every scenario with a Workload', () => {
    const names = [
      'challenger-wins',
      ...[...servingScenarios, ...releaseScenarios, ...watchScenarios].map(({ name }) => name),
    ];
    expect(names.sort()).toEqual(Object.keys(expected).sort());
  });

  describe.each(Object.entries(expected))('the scenario %s', (name, wanted) => {
    it('ends as its name says, and registry, Workload, endpoint, outcomes and alerts agree', async () => {
      const { documents, requests, registry, served, published, outcomes, end, next, swept } =
        await leftBy(name);
      expectEnd(end, wanted.ends ?? 'in-step', outcomes);
      expect(documents.map(({ status }) => status)).toEqual(wanted.statuses);
      expect(writes(requests)).toEqual(wanted.writes);

      const inProduction = inStage(registry, 'Production');
      expect(inProduction.map(({ version }) => version)).toEqual([wanted.version]);
      expect(served.artifactId).toBe(inProduction[0]?.tags['workload.artifact_id']);
      expect(served).toMatchObject({ status: 'running', artifact: { status: 'locked' } });

      expect(answers(documents)).toEqual(wanted.answers);
      for (const { endpoint } of followed(documents)) {
        expect(endpoint).toMatchObject({ failed: 0 });
        expect(endpoint?.requests).toBeGreaterThan(5);
      }
      expect(documents.at(-1)?.workload.after?.endpoint).toBe(documents[0]?.workload.before?.endpoint);

      expectAlerts({ published, outcomes, env: host.env }, wanted.alerts);
      expect(outcomes.map(({ execution }) => execution)).toEqual(
        expect.arrayContaining(documents.map(({ execution }) => execution)),
      );

      expect(next).toMatchObject({ promoted: true, already_promoted: true });
      expect(swept).toEqual(nothingLeft);
    });
  });

  // The foreign one goes on to its end, as its owner wants it to.
  const settling = Object.keys(expected).filter((name) => name !== 'foreign-replacement');

  it.each(settling)('the scenario %s leaves nothing in flight, and what is served stays', async (name) => {
    const { served, later } = await leftBy(name);
    const { artifactId } = served;
    expect(later.served).toMatchObject({ artifactId, status: 'running', activeReplacement: null });
    const protons = later.protons.filter(({ role }) => role !== null);
    expect(protons).toMatchObject([{ role: 'active', status: 'running', artifactId }]);
  });

  const State = z.object({
    serving: z.looseObject({
      action: z.string(),
      failure: z.string().nullable(),
      failure_details: RolloutFailure.nullable(),
      reason: z.string(),
      diagnosis: z
        .looseObject({ containers: z.array(z.looseObject({ reason: z.string().nullable() })) })
        .nullable(),
    }),
  });
  const servingOf = (document: ExecutionDocument | undefined) => State.parse(document?.output).serving;

  describe('what a run says about a rollout', () => {
    it('is every state of replacement and candidate as they pass', async () => {
      const [document] = (await leftBy('challenger-wins')).documents;
      const seen = document?.rollout.map(({ status, phase, candidate }) => [status, phase, candidate]);
      expect(seen).toEqual([
        ['in_progress', null, null],
        ['in_progress', 'initializing', 'submitted'],
        ['in_progress', 'initializing', 'provisioning'],
        ['in_progress', 'initializing', 'launching'],
        ['in_progress', 'initializing', 'warming'],
        ['in_progress', 'initializing', 'running'],
        ['completed', expect.any(String), null],
      ]);
    });

    it.each([
      ['candidate-crash-loops', 'candidate-failed', { state: 'errored' }],
      ['candidate-never-ready', 'deadline', { at: { code: 'cancelled' } }],
      ['silently-dropped', 'candidate-dropped', { state: null }],
    ])('is, after %s, the failure %s', async (name, failure, details) => {
      const { documents, outcomes } = await leftBy(name);
      const [document] = documents;
      expect(servingOf(document)).toMatchObject({ failure, failure_details: { code: failure, ...details } });
      const { failure_details, reason } = servingOf(document);
      expect(outcomeOf(outcomes, document)).toMatchObject({
        cause: { code: 'rollout-failed', failure: failure_details },
        serving: { reason },
      });
    });

    it('is why the platform would refuse, before anything is written', async () => {
      const { documents, outcomes, registry, served } = await leftBy('status-mismatch');
      const [champion, challenger] = ['2', '3'].map((number) =>
        registry.versions.find(({ version }) => version === number),
      );
      const said = rolloutReason({
        code: 'draft-onto-locked',
        artifact: challenger?.tags['workload.artifact_id'] ?? '',
        served: served.artifactId,
      });
      expect(champion?.tags['workload.artifact_id']).toBe(served.artifactId);
      expect(outcomeOf(outcomes, documents[0]).cause).toEqual({ code: 'refused', said });
    });

    it('names why the containers of a candidate crash', async () => {
      const [document] = (await leftBy('candidate-crash-loops')).documents;
      const reasons = servingOf(document).diagnosis?.containers.map(({ reason }) => reason);
      expect(reasons).toContainEqual(expect.stringContaining('CrashLoopBackOff'));
    });

    it('names the artifact that somebody else is rolling out', async () => {
      const { documents, outcomes, served } = await leftBy('foreign-replacement');
      const { ending } = outcomeOf(outcomes, documents[0]);
      expect(ending?.workload).toMatchObject({
        artifact_id: served.artifactId,
        in_flight: served.activeReplacement?.candidateArtifactId,
      });
      expect(ending?.workload?.in_flight).not.toBeNull();
    });

    it('is, in the alert of a direct promotion, that the Workload was not changed', async () => {
      const { outcomes } = await leftBy('direct-then-execution');
      const direct = outcomes.find(({ execution }) => execution.startsWith('direct:'));
      expect(direct).toMatchObject({
        status: 'promoted',
        cause: { code: 'promoted', direct: true, workload_unchanged: true },
      });
    });
  });

  describe('what a rollout leaves on the platform', () => {
    it('is the warm-up, the kept old version and the importance that were asked for', async () => {
      const { requests, served } = await leftBy('rollout-replaces');
      const post = requests.find(({ method }) => method === 'POST');
      expect(post?.body).toMatchObject({ config: { warmupDurationMinutes: 2, keepOldVersionMinutes: 10 } });
      expect(served).toMatchObject({ importance: 'high' });
    });

    it('is a Workload that scales to zero, whose first call is a cold start', async () => {
      const { documents, served } = await leftBy('scale-to-zero');
      expect(served.runtime.containerGroups).toMatchObject([
        { replicaCount: null, autoscaling: { minReplicaCount: 0, maxReplicaCount: 2 } },
      ]);
      expect(documents[0]?.endpoint).toMatchObject({ cold_starts: 1, failed: 0 });
      const { documents: others } = await leftBy('rollout-replaces');
      expect(others[0]?.endpoint).toMatchObject({ cold_starts: 0 });
    });

    it('is the same Workload on the artifact that it served, now locked, after a promotion in place', async () => {
      const [document] = (await leftBy('draft-promotes-in-place')).documents;
      const { before, after } = document?.workload ?? {};
      expect(before).toMatchObject({ artifact_status: 'draft' });
      expect(after).toMatchObject({
        id: before?.id,
        artifact_id: before?.artifact_id,
        artifact_status: 'locked',
      });
      const { promotion, closing } = readStateDocument(document?.output);
      expect([promotion, closing]).toMatchObject([{ promoted: true }, { status: 'completed' }]);
    });

    it('is one artifact more, with the version in it and in the tag, after a derivation', async () => {
      const { artifacts, served } = await leftBy('artifact-derived');
      expect(artifacts).toHaveLength(2);
      const { artifactId } = served;
      const [container] =
        artifacts.find(({ id }) => id === artifactId)?.spec.containerGroups[0]?.containers ?? [];
      const variables = container?.environmentVars?.map((each) =>
        'value' in each ? [each.name, each.value] : [],
      );
      expect(variables).toEqual([
        ['MODEL_URI', `models:/${MODEL}/3`],
        ['MODEL_VERSION', '3'],
      ]);
    });

    it.each(['registry-refuses-after-switch', 'rollback-after-success', 'regretted-a-week-later'])(
      'is the old artifact with its old runtime after %s',
      async (name) => {
        const { documents, requests, served } = await leftBy(name);
        const { artifactId, runtime } = served;
        expect(artifactId).toBe(documents[0]?.workload.before?.artifact_id);
        const [first, second] = requests
          .filter(({ path }) => path.endsWith('/replacement'))
          .filter(({ method }) => method === 'POST');
        expect(first?.body).not.toHaveProperty('runtime');
        expect(second?.body).toMatchObject({ artifactId });
        expect(runtime).toMatchObject({ containerGroups: [{ name: 'default', replicaCount: 1 }] });
      },
    );

    it.each([
      ['aborted-mid-rollout', '2'],
      ['rollback-after-success', '3'],
      ['regretted-a-week-later', '3'],
      ['half-done-rollback', '2'],
      ['promote-again-after-half-done', '3'],
      ['moved-by-hand', '2'],
    ] as const)(
      'is told, after %s, with the champion that the registry really had before',
      async (name, before) => {
        const { documents, outcomes } = await leftBy(name);
        const outcome = outcomeOf(outcomes, documents.at(-1));
        expect(outcome).toMatchObject({ champion_before: before, champion_after: '2' });
      },
    );

    it('is an intent with a result, whatever came of it, except where nothing had begun', async () => {
      const { registry } = await leftBy('rollback-after-success');
      const results = recordsOn(registry.versions).map(({ kind, result }) => [kind, result?.result]);
      expect(results).toEqual([
        ['rollback', 'rolled_back'],
        ['promote', 'promoted'],
      ]);
    });
  });

  /** Each scenario once more on every reading of the sources about the platform. */
  function playOnEveryReading(): void {
    describe('whichever of the sources about the platform is right', () => {
      const readings: [string, Partial<Variants>][] = [
        [
          'the provider for Terraform',
          {
            replacementStatuses: 'terraform',
            replacementFailure: 'failed',
            secondReplacement: 'queue',
            statusMismatch: 422,
            cancelStatus: 200,
            promoteStatus: 200,
            cloneStatus: 201,
            relock: 409,
            events: 'story',
            protonDetails: 'embedded',
            protonPageLinks: 'absent',
            otelSlash: 'optional',
          },
        ],
        [
          'the oldest specification',
          {
            replacementStatuses: 'openapi',
            secondReplacement: 409,
            cancelAfterSwitch: 'ignored',
            cancelStatus: 204,
            draftInUse: 409,
            autoscaling: 'per-policy',
            conditions: 'openapi',
            validationErrors: 'pydantic',
            rates: 'percent',
            ttlEnd: 'terminated',
          },
        ],
      ];

      afterEach(() => void Object.assign(host.workload.variants, defaultVariants));

      describe.each(readings)('%s', (_, variants) => {
        it.each(Object.entries(expected))(
          'the scenario %s ends the same',
          async (name, { statuses, version }) => {
            Object.assign(host.workload.variants, variants);
            const documents = await play(name);
            expect(documents.map(({ status }) => status)).toEqual(statuses);
            const view = await registry();
            const [champion] = inStage(view, 'Production');
            expect(champion?.version).toBe(version);
            expect(pascal().artifactId).toBe(champion?.tags['workload.artifact_id']);
            for (const { endpoint } of followed(documents)) expect(endpoint).toMatchObject({ failed: 0 });
          },
        );
      });
    });
  }
}
