import { describe, expect, it } from 'vitest';
import type { RecordedRequest } from '../../emulators/faults.ts';
import type { OutcomeStatus } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { recordsOn } from '../../lambdas/domain/promotion/record.ts';
import { inStage } from '../../lambdas/domain/registry.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import type { AlertKind } from '../../lambdas/words/alert/kinds.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import type { EmulatedHost, Host } from '../../local/host.ts';
import { approvalScenarios } from '../../local/scenarios/approval.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import { releaseScenarios } from '../../local/scenarios/releases.ts';
import { retrainingScenarios } from '../../local/scenarios/retraining.ts';
import { ATTEMPT_MS, promote, sweepAndTakeUp } from '../../local/scenarios/scenario.ts';
import { seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { servingScenarios } from '../../local/scenarios/serving.ts';
import { watchScenarios } from '../../local/scenarios/watch.ts';
import { documentedScenarios } from '../support/documented-scenarios.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { type Ends, endStateOf, expectEnd, nothingLeft } from '../support/end-state.ts';
import { expectAlerts, outcomeOf, recordedOutcomes } from '../support/recorded-outcomes.ts';

/** Each scenario of the registry (see `serving.test.ts` for the others) is run once as `npm start` runs it, and the systems are looked at afterwards, not only the answer. */
export function registryScenarios(start: () => Promise<Host>): void {
  const MODEL = 'PascalStrategy';
  const DAY_MS = 24 * 3_600_000;
  const WRITES = /create|set-tag|alias|transition|update|delete|rename/;

  let host: EmulatedHost;

  emulatedHost((started) => {
    host = started;
  }, start);

  interface Expected {
    statuses: OutcomeStatus[];
    production: string[];
    /** Kinds of the alerts, in the order in which they were sent. */
    alerts: AlertKind[];
    ends: Ends;
  }

  const expected: Record<string, Expected> = {
    'challenger-wins': { statuses: ['promoted'], production: ['3'], alerts: ['promoted'], ends: 'in-step' },
    'challenger-loses': { statuses: ['kept'], production: ['2'], alerts: ['kept'], ends: 'unrecorded' },
    'in-doubt': {
      statuses: ['needs_investigation'],
      production: ['2'],
      alerts: ['needs_investigation'],
      ends: 'unrecorded',
    },
    investigate: {
      statuses: ['needs_investigation'],
      production: ['2'],
      alerts: ['needs_investigation'],
      ends: 'unrecorded',
    },
    'first-model': { statuses: ['promoted'], production: ['1'], alerts: ['promoted'], ends: 'in-step' },
    'already-promoted': {
      statuses: ['already_promoted'],
      production: ['2'],
      alerts: [],
      ends: 'unrecorded',
    },
    'no-staging-version': {
      statuses: ['needs_investigation'],
      production: ['2'],
      alerts: ['needs_investigation'],
      ends: 'unrecorded',
    },
    'mlflow-down': { statuses: ['failed'], production: ['2'], alerts: ['failed'], ends: 'unrecorded' },
    'lost-answer': { statuses: ['promoted'], production: ['3'], alerts: ['promoted'], ends: 'in-step' },
    'sns-down': { statuses: ['promoted'], production: ['3'], alerts: ['promoted'], ends: 'in-step' },
    rollback: {
      statuses: ['promoted', 'rolled_back'],
      production: ['2'],
      alerts: ['promoted', 'rolled_back'],
      ends: 'in-step',
    },
    'rollback-twice': {
      statuses: ['promoted', 'rolled_back', 'rolled_back'],
      production: ['2'],
      // The second request finds nothing to do: recorded, and nobody is told.
      alerts: ['promoted', 'rolled_back'],
      ends: 'in-step',
    },
    contested: { statuses: ['contested'], production: ['1'], alerts: ['contested'], ends: 'told' },
    'two-at-once': {
      statuses: ['promoted', 'busy'],
      production: ['3'],
      alerts: ['busy', 'promoted'],
      ends: 'in-step',
    },
  };

  async function play(name: string): Promise<ExecutionDocument[]> {
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`no scenario ${name}`);
    const documents = await scenario.play(host, { pauseMs: 1 });
    host.mlflow.faults.clear();
    host.sns.faults.clear();
    return documents;
  }

  /** Plays a scenario, then looks at everything that it left. */
  async function record(name: string) {
    const documents = await play(name);
    const left = {
      documents,
      requests: [...host.mlflow.requests],
      published: [...host.sns.published],
      outcomes: await recordedOutcomes(host.table),
      registry: await registry(),
      end: await endStateOf(host),
    };
    const version = inStage(left.registry, 'Production')[0]?.version;
    const next = await host.functions['promote-model']({ model_name: MODEL, new_version: version });
    host.clock.skip(DAY_MS);
    const swept = await host.functions['sweep-promotions']({ sweep: true });
    return structuredClone({ ...left, next, swept });
  }

  const recordings = new Map<string, ReturnType<typeof record>>();
  /** What the scenario left when it was played for the first test that asks. */
  function leftBy(name: string): ReturnType<typeof record> {
    const recording = recordings.get(name) ?? record(name);
    recordings.set(name, recording);
    return recording;
  }

  const writes = (requests: readonly RecordedRequest[]) =>
    requests.filter(({ method, path }) => method !== 'GET' && WRITES.test(path)).map(({ path }) => path);

  async function registry() {
    const view = await readRegistry(host.registry, MODEL);
    if (view === null) throw new Error('the model is gone');
    return view;
  }

  it('has every scenario in the documentation, with how its executions end', () => {
    const documented = documentedScenarios();
    expect([...documented.keys()].sort()).toEqual(scenarios.map(({ name }) => name).sort());
    for (const [name, { statuses }] of Object.entries(expected))
      expect(documented.get(name)).toEqual(statuses);
  });

  it('has an expectation for every scenario of the registry', () => {
    const ofRegistry = scenarios.filter(
      (scenario) =>
        ![
          ...[...servingScenarios, ...releaseScenarios, ...retrainingScenarios, ...watchScenarios],
          ...approvalScenarios,
        ].includes(scenario),
    );
    expect(ofRegistry.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
  });

  describe.each(Object.entries(expected))(
    'the scenario %s',
    (name, { statuses, production, alerts, ends }) => {
      it('ends as its name says, with one champion, one outcome an execution, its alerts, and no lease left', async () => {
        const left = await leftBy(name);
        expectEnd(left.end, ends, left.outcomes);
        expect(left.documents.map(({ status }) => status)).toEqual(statuses);
        expect(inStage(left.registry, 'Production').map(({ version }) => version)).toEqual(production);

        expectAlerts({ ...left, env: host.env }, alerts);

        const unfinished = recordsOn(left.registry.versions).filter(
          ({ result, to }) => result === null && production.includes(to),
        );
        expect(unfinished).toEqual([]);

        // Where a person has interfered, no function promotes anything until that is settled.
        expect(left.next).toMatchObject(
          ends === 'told' ? { promoted: false } : { promoted: true, already_promoted: true },
        );
        expect(left.swept).toEqual(nothingLeft);
      });
    },
  );

  describe('what a scenario leaves in MLflow', () => {
    it('is nothing when there is nothing to do', async () => {
      expect(writes((await leftBy('already-promoted')).requests)).toEqual([]);
    });

    it.each(['challenger-loses', 'in-doubt', 'investigate', 'no-staging-version'])(
      'is nothing after %s',
      async (name) => {
        expect(writes((await leftBy(name)).requests)).toEqual([]);
      },
    );

    it('is the fence, the intent, one transition and the result after a promotion', async () => {
      const { requests, registry } = await leftBy('challenger-wins');
      expect(writes(requests)).toEqual([
        'registered-models/set-tag',
        'model-versions/set-tag',
        'model-versions/transition-stage',
        'model-versions/set-tag',
      ]);
      const [record] = recordsOn(registry.versions);
      expect(record).toMatchObject({
        kind: 'promote',
        from: '2',
        to: '3',
        fence: expect.any(Number),
        result: { result: 'promoted' },
      });
    });

    it('is one transition more after a lost answer at most', async () => {
      const { requests } = await leftBy('lost-answer');
      expect(writes(requests).filter((path) => path.includes('transition'))).toHaveLength(1);
    });
  });

  it('names the holder of the lease to the one who finds the model busy', async () => {
    const { documents, outcomes } = await leftBy('two-at-once');
    const [first, second] = documents;
    expect(outcomeOf(outcomes, second)).toMatchObject({
      cause: { code: 'busy' },
      holder: first?.execution,
    });
  });

  it('says in the alert of a first model that there was none before', async () => {
    const { documents, outcomes } = await leftBy('first-model');
    const [document] = documents;
    expect(outcomeOf(outcomes, document)).toMatchObject({ champion_before: null, champion_after: '1' });
  });

  describe('a promotion whose execution is stopped', () => {
    const stoppedAfter = (last: string) => {
      seedPascalStrategy(host.mlflow);
      return execute(host, promote, { pauseMs: 1, abortAfter: (state) => state === last });
    };
    const expectLeft = async (statuses: OutcomeStatus[], alerts: AlertKind[]) => {
      const outcomes = await recordedOutcomes(host.table);
      expect(outcomes.map(({ status }) => status).sort()).toEqual([...statuses].sort());
      expectAlerts({ published: host.sns.published, outcomes, env: host.env }, alerts);
      expectEnd(await endStateOf(host), 'in-step', outcomes);
    };

    it('when both sides show it is announced once by the clean-up, as what it was', async () => {
      const document = await stoppedAfter('ClosePromotion');
      expect(document).toMatchObject({ status: 'promoted' });
      const comparison = readStateDocument(document.output).comparison;
      expect(outcomeOf(await recordedOutcomes(host.table), document)).toMatchObject({
        champion_before: '2',
        champion_after: '3',
        confidence: comparison?.confidence,
      });
      host.clock.skip(ATTEMPT_MS);
      const again = { ...promote, challenger_version: '3' };
      expect(await execute(host, again, { pauseMs: 1 })).toMatchObject({ status: 'already_promoted' });
      await expectLeft(['promoted', 'already_promoted'], ['promoted']);
    });

    it('before it was closed is completed by the attempt of a sweep, and announced as promoted', async () => {
      expect(await stoppedAfter('PromoteModel')).toMatchObject({ status: 'failed' });
      const [attempt] = await sweepAndTakeUp(host, { pauseMs: 1 });
      expect(attempt).toMatchObject({ status: 'promoted' });
      await expectLeft(['failed', 'promoted'], ['failed', 'promoted']);
    });

    it('before the registry moved is turned back by the attempt of a sweep', async () => {
      expect(await stoppedAfter('PreparePromotion')).toMatchObject({ status: 'failed' });
      const [attempt] = await sweepAndTakeUp(host, { pauseMs: 1 });
      expect(attempt).toMatchObject({ status: 'rolled_back' });
      await expectLeft(['failed', 'rolled_back'], ['failed', 'rolled_back']);
    });
  });
}
