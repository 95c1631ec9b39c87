import { describe, expect, it } from 'vitest';
import type { RecordedRequest } from '../../emulators/faults.ts';
import type { OutcomeStatus } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { recordsOn } from '../../lambdas/domain/promotion/record.ts';
import { inStage } from '../../lambdas/domain/registry.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/move-champion.ts';
import type { AlertKind } from '../../lambdas/words/alert/wording.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import type { EmulatedHost, Host } from '../../local/host.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import { seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { servingScenarios } from '../../local/scenarios/serving.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { expectAlerts, recordedOutcome } from '../support/recorded-outcomes.ts';
import { intent, recorded } from '../support/registry.ts';

/** Each scenario of the registry (see `serving.test.ts` for the others) is run once as `npm start` runs it, and the systems are looked at afterwards, not only the answer. */
export function registryScenarios(start: () => Promise<Host>): void {
  const MODEL = 'PascalStrategy';
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
  }

  const expected: Record<string, Expected> = {
    'challenger-wins': { statuses: ['promoted'], production: ['3'], alerts: ['promoted'] },
    'challenger-loses': { statuses: ['kept'], production: ['2'], alerts: ['kept'] },
    investigate: { statuses: ['needs_investigation'], production: ['2'], alerts: ['needs_investigation'] },
    'first-model': { statuses: ['promoted'], production: ['1'], alerts: ['promoted'] },
    'already-promoted': { statuses: ['already_promoted'], production: ['2'], alerts: [] },
    'no-staging-version': {
      statuses: ['needs_investigation'],
      production: ['2'],
      alerts: ['needs_investigation'],
    },
    'mlflow-down': { statuses: ['failed'], production: ['2'], alerts: ['failed'] },
    'lost-answer': { statuses: ['promoted'], production: ['3'], alerts: ['promoted'] },
    'sns-down': { statuses: ['promoted'], production: ['3'], alerts: ['promoted'] },
    rollback: {
      statuses: ['promoted', 'rolled_back'],
      production: ['2'],
      alerts: ['promoted', 'rolled_back'],
    },
    'rollback-twice': {
      statuses: ['promoted', 'rolled_back', 'rolled_back'],
      production: ['2'],
      // The second request finds nothing to do: recorded, and nobody is told.
      alerts: ['promoted', 'rolled_back'],
    },
    contested: { statuses: ['contested'], production: ['1'], alerts: ['contested'] },
    'two-at-once': { statuses: ['promoted', 'busy'], production: ['3'], alerts: ['busy', 'promoted'] },
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
      registry: await registry(),
    };
    const version = inStage(left.registry, 'Production')[0]?.version;
    const next = await host.functions['promote-model']({ model_name: MODEL, new_version: version });
    return structuredClone({ ...left, next });
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

  it('has an expectation for every scenario of the registry', () => {
    const ofRegistry = scenarios.filter((scenario) => !servingScenarios.includes(scenario));
    expect(ofRegistry.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
  });

  describe.each(Object.entries(expected))('the scenario %s', (name, { statuses, production, alerts }) => {
    it('ends as its name says, with one champion, one outcome an execution, its alerts, and no lease left', async () => {
      const left = await leftBy(name);
      expect(left.documents.map(({ status }) => status)).toEqual(statuses);
      expect(inStage(left.registry, 'Production').map(({ version }) => version)).toEqual(production);

      await expectAlerts({ ...host, sns: left }, alerts);

      const unfinished = recordsOn(left.registry.versions).filter(
        ({ result, to }) => result === null && production.includes(to),
      );
      expect(unfinished).toEqual([]);

      // The lease is free: whoever comes next gets it.
      expect(left.next).toMatchObject({ promoted: true, already_promoted: true });
    });
  });

  describe('what a scenario leaves in MLflow', () => {
    it('is nothing when there is nothing to do', async () => {
      expect(writes((await leftBy('already-promoted')).requests)).toEqual([]);
    });

    it.each(['challenger-loses', 'investigate', 'no-staging-version'])(
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
    const [first, second] = (await leftBy('two-at-once')).documents;
    expect(await recordedOutcome(host.table, second?.execution)).toMatchObject({
      cause: { code: 'busy' },
      holder: first?.execution,
    });
  });

  it('says in the alert of a first model that there was none before', async () => {
    const { documents, published } = await leftBy('first-model');
    const [document] = documents;
    expect(await recordedOutcome(host.table, document?.execution)).toMatchObject({
      champion_before: null,
      champion_after: '1',
    });
    await expectAlerts({ ...host, sns: { published } }, ['promoted']);
  });

  describe('a promotion that its execution never came to announce', () => {
    /** Version 3 was promoted by an execution that died before `end-promotion`, and whose lease has been given up. */
    async function findUnnotifiedPromotion() {
      seedPascalStrategy(host.mlflow);
      const lost = 'arn:aws:states:us-east-1:123456789012:execution:promotion:lost';
      const tags = recorded(
        intent({ id: 'lost', to: '3', from: '2', execution: lost, fence: 1, confidence: 0.85 }),
        { alert: 'execution' },
      );
      for (const [key, value] of Object.entries(tags))
        host.mlflow.registry.setVersionTag(MODEL, '3', key, value);
      host.mlflow.registry.transition(MODEL, '3', 'Production', { archive: true });
      return execute(host, { model_name: MODEL, challenger_version: '3' }, { pauseMs: 1 });
    }

    it('is announced once by whoever comes next, as what it was', async () => {
      // The table has counted on since: it is the one that would know.
      await host.functions['promote-model']({ model_name: MODEL });
      const document = await findUnnotifiedPromotion();
      expect(document).toMatchObject({ status: 'promoted' });
      expect(await recordedOutcome(host.table, document.execution)).toMatchObject({
        champion_before: '2',
        confidence: 0.85,
      });
      await expectAlerts(host, ['promoted']);
      expect(
        await execute(host, { model_name: MODEL, challenger_version: '3' }, { pauseMs: 1 }),
      ).toMatchObject({ status: 'already_promoted' });
      expect(host.sns.published).toHaveLength(1);
    });
  });
}
