import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckAnswer } from '../../lambdas/domain/retraining/payloads.ts';
import type { EmulatedHost } from '../../local/host.ts';
import type { LocalFunction } from '../../local/machine/state-machine.ts';
import { retrain } from '../../local/retraining.ts';
import { retrainingScenarios } from '../../local/scenarios/retraining.ts';
import { MODEL, registerBacktest, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { check as checkHandler } from '../support/check-retraining.ts';
import { storeOf } from '../support/clients.ts';
import { documentedScenarios } from '../support/documented-scenarios.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { type KilledFunctions, killedFunctions } from '../support/killed-functions.ts';

/** When a model is retrained, on the emulators: the function over HTTP, the lifecycle around it, and the scenarios. */

const DAY_MS = 24 * 3_600_000;
let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});

const needOf = async () => (await storeOf(host.table).readNeed(MODEL))?.need ?? null;
const versions = async () => host.registry.listVersions(MODEL);

describe('the scenario', () => {
  it.each(retrainingScenarios)(
    '$name ends as it is documented',
    { timeout: 60_000 },
    async ({ name, play }) => {
      const documents = await play(host, { pauseMs: 0 });
      expect(documents.map(({ status }) => status)).toEqual(documentedScenarios().get(name));
      const created = (await versions()).map(({ createdAt = 0 }) => createdAt).sort((a, b) => a - b);
      // The seeded ones are of the same instant.
      const trained = created.slice(2);
      const gaps = trained.slice(1).map((at, index) => at - (trained[index] ?? 0));
      expect(gaps.filter((gap) => gap < DAY_MS)).toEqual([]);
      expect(gaps.length).toBeGreaterThan(0);
    },
  );
});

describe('the file with drift', () => {
  const period = { format: 1, features: { age: { edges: [0, 1], counts: [500, 300, 200] } } };
  const shifted = { format: 1, features: { age: { edges: [0, 1], counts: [200, 300, 500] } } };

  /** What is answered of a model of two days that names a run with this file. */
  async function answerOn(content: string | Buffer, tag = (run: string) => run): Promise<CheckAnswer> {
    seedPascalStrategy(host.mlflow, { noStaging: true });
    host.clock.skip(2 * DAY_MS);
    const run = host.mlflow.registry.createRun({
      artifacts: { 'drift.json': content, 'deep/drift.json': content },
    });
    host.mlflow.registry.setModelTag(MODEL, 'promotion.drift', tag(run));
    return (await host.functions['check-retraining-needed']({ model_name: MODEL })) as CheckAnswer;
  }
  const text = (value: unknown) => JSON.stringify(value);

  it('is read from the run that the tag names, wherever it is there', async () => {
    const answer = await answerOn(
      text({ reference: period, current: shifted }),
      (run) => `${run}/deep/drift.json`,
    );
    expect(answer).toMatchObject({ trigger: 'drift_detected', drift_severity: 'significant', drift_n: 1000 });
  });

  const feature = { edges: [0, 1], counts: [1, 2, 3] };
  const numbers = Array.from({ length: 100_000 }, (_, index) => index);
  it.each([
    ['nothing', ''],
    ['HTML', '<!doctype html><title>Sign in</title>'],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00])],
    ['null', 'null'],
    ['one period', text({ reference: period })],
    ['another format', text({ reference: { ...period, format: 2 }, current: period })],
    [
      'negative rows',
      text({
        reference: period,
        current: { format: 1, features: { age: { ...feature, counts: [-1, 2, 3] } } },
      }),
    ],
    ['endless rows', '{"reference":{"format":1,"features":{"age":{"edges":[0],"counts":[1e400,1]}}}}'],
    [
      'edges that descend',
      text({ reference: period, current: { format: 1, features: { age: { ...feature, edges: [1, 0] } } } }),
    ],
    ['more than 4 MB', ' '.repeat(4 * 1024 * 1024 + 1)],
    ['deep nesting', `${'{"reference":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['a million values', `[${'0,'.repeat(1_000_000)}0]`],
    [
      'bins of its own in each period',
      text({ reference: period, current: { format: 1, features: { age: feature, x: feature } } }).replace(
        '[0,1],"counts":[1',
        '[0,2],"counts":[1',
      ),
    ],
    [
      'features of its own in each period',
      text({ reference: period, current: { format: 1, features: { other: feature } } }),
    ],
    ['features in a list', text({ reference: { ...period, features: [feature] }, current: period })],
    [
      'a hundred thousand features',
      text({
        reference: { format: 1, features: Object.fromEntries(numbers.map((n) => [`f${n}`, 1])) },
        current: period,
      }),
    ],
    [
      'a hundred thousand bins, each of them wrong',
      text({
        reference: { format: 1, features: { age: { edges: [0, 1], counts: numbers.map(() => -1) } } },
        current: period,
      }),
    ],
    ['no features', text({ reference: { format: 1, features: {} }, current: { format: 1, features: {} } })],
    [
      'features named as what every object has',
      '{"reference":{"format":1,"features":{"__proto__":{"edges":[0],"counts":[1,2]}}},"current":{"format":1,"features":{"constructor":{"edges":[0],"counts":[1,2]}}}}',
    ],
  ])('may be %s: then drift is unknown, and why is said', async (_, content) => {
    expect(await answerOn(content)).toMatchObject({
      ...{ decision: 'no_retraining', drift_severity: 'unknown', drift_psi: null },
    });
  });

  it.each([
    ['no run', () => 'ffffffffffffffffffffffffffffffff'],
    ['a path that leaves the run', (run: string) => `${run}/../../secrets/drift.json`],
    ['no file', (run: string) => `${run}/other.json`],
    ['a folder', (run: string) => `${run}/deep`],
    ['what is no id at all', () => 'https://example.com/drift.json?x=1#y\n'],
    ['a very long text', () => 'x'.repeat(5_000)],
  ])('is unknown where the tag names %s', async (_, tag) => {
    const answer = await answerOn(text({ reference: period, current: shifted }), tag);
    expect(answer).toMatchObject({ decision: 'no_retraining', drift_severity: 'unknown' });
  });

  it('is an error where MLflow does not serve it now: drift is not taken for none', async () => {
    host.mlflow.faults.add({ path: 'get-artifact', effect: { kind: 'answer', status: 503, body: 'away' } });
    await expect(answerOn(text({ reference: period, current: shifted }))).rejects.toMatchObject({
      name: 'MlflowUnavailable',
    });
    host.mlflow.faults.clear();
  });
});

describe('the metrics of runs', () => {
  const check = async (tag = 'experiments/0?metric=profit') => {
    host.mlflow.registry.setModelTag(MODEL, 'promotion.drift', tag);
    return (await host.functions['check-retraining-needed']({ model_name: MODEL })) as CheckAnswer;
  };

  /** Twenty backtests a day, which have been worse by `drop` for five days. */
  function seedBacktests(drop: number) {
    seedPascalStrategy(host.mlflow, { noStaging: true });
    for (let day = 0; day < 25; day += 1) {
      for (let run = 0; run < 20; run += 1)
        host.mlflow.registry.createRun({ metrics: { profit: 10 + run - (day < 20 ? 0 : drop) } });
      host.clock.skip(DAY_MS);
    }
  }

  it('show drift where those of the last days differ from the ones before', async () => {
    seedBacktests(15);
    expect(await check()).toMatchObject({ trigger: 'drift_detected', drift_n: 120 });
  });

  it('show none where they do not', async () => {
    seedBacktests(0);
    expect(await check()).toMatchObject({ trigger: 'scheduled', drift_n: 120 });
  });

  it('are none of another experiment', async () => {
    seedBacktests(15);
    const other = await check('experiments/77?metric=profit');
    expect(other).toMatchObject({ drift_severity: 'unknown', drift_n: 0 });
  });

  it('are unknown where MLflow does not show its runs, and an error where it is away', async () => {
    const answer = (status: number, body: string) =>
      host.mlflow.faults.add({ path: 'runs/search', effect: { kind: 'answer', status, body } });
    seedBacktests(15);
    answer(503, 'away');
    await expect(check()).rejects.toMatchObject({ name: 'MlflowUnavailable' });
    host.mlflow.faults.clear();
    answer(403, '{"error_code":"PERMISSION_DENIED","message":"no"}');
    expect(await check()).toMatchObject({ drift_severity: 'unknown', drift_psi: null });
    host.mlflow.faults.clear();
  });
});

describe('a state machine that retrains', () => {
  /** A model that is due, and the function with that state machine. */
  function due() {
    seedPascalStrategy(host.mlflow, { noStaging: true });
    host.clock.skip(8 * DAY_MS);
    return checkHandler(host);
  }

  it('is started for the need, once, also where the answer to the start is lost', async () => {
    const check = due();
    host.stepFunctions.faults.add({
      path: 'StartExecution',
      times: 1,
      effect: { kind: 'drop', when: 'after' },
    });
    const first = (await check({ model_name: MODEL })) as CheckAnswer;
    expect(first).toMatchObject({ decision: 'needs_retraining', attempt: 1 });
    await check({ model_name: MODEL });
    expect(host.stepFunctions.take()).toEqual([
      {
        name: first.execution,
        input: { model_name: MODEL, trigger: 'scheduled', need_id: first.need_id, attempt: 1 },
      },
    ]);
    expect(await needOf()).toMatchObject({ started: true, execution: first.execution });
  });

  it('is started by the next check where it could not be', async () => {
    const check = due();
    const away = { kind: 'answer', status: 503, body: '{}' } as const;
    host.stepFunctions.faults.add({ path: 'StartExecution', effect: away });
    await expect(check({ model_name: MODEL })).rejects.toMatchObject({ name: 'StateMachineUnavailable' });
    expect(await needOf()).toMatchObject({ started: false, attempt: 1 });
    host.stepFunctions.faults.clear();
    expect(await check({ model_name: MODEL })).toMatchObject({ decision: 'recently_trained' });
    expect(host.stepFunctions.take()).toHaveLength(1);
  });

  it('needs the table, which keeps what was started', async () => {
    const { PROMOTION_TABLE: _, ...env } = host.env;
    await expect(checkHandler(host, env)({ model_name: MODEL })).rejects.toMatchObject({
      name: 'InvalidConfiguration',
    });
  });
});

describe('check-retraining-needed killed after each of its writes', () => {
  let killing: KilledFunctions;
  beforeAll(async () => {
    const { stateMachineArn } = host.stepFunctions;
    killing = await killedFunctions({
      ...host,
      env: { ...host.env, RETRAINING_STATE_MACHINE_ARN: stateMachineArn },
    });
  });
  afterAll(() => killing.close());

  it.each([
    [1, ['table need', 'states StartExecution', 'table need']],
    [
      3,
      [
        ...['table need', 'table outcome', 'sns Publish', 'table alert sent'],
        ...['states StartExecution', 'table need'],
      ],
    ],
  ] as const)(
    'starts attempt %i once, and tells of the ones before, whoever comes next',
    async (attempt, expected) => {
      for (let killAt = 1; killAt <= expected.length + 1; killAt += 1) {
        host.mlflow.reset();
        await host.table.reset();
        const told = host.sns.published.length;
        seedPascalStrategy(host.mlflow, { noStaging: true });
        host.clock.skip(8 * DAY_MS);
        const other = checkHandler(host);
        for (let earlier = 1; earlier < attempt; earlier += 1) {
          await other({ model_name: MODEL });
          host.clock.skip(earlier * DAY_MS);
        }
        host.stepFunctions.take();
        const { call, writes, died } = killing.killed('check-retraining-needed', killAt);
        const first = call({ model_name: MODEL });
        if (killAt <= expected.length)
          await expect(first).rejects.toMatchObject({ name: 'Runtime.ExitError' });
        else expect(await first).toMatchObject({ decision: 'needs_retraining', attempt });
        expect([died(), writes]).toEqual([killAt <= expected.length, expected.slice(0, killAt)]);
        await other({ model_name: MODEL });
        expect(await call({ model_name: MODEL })).toMatchObject({ decision: 'needs_retraining', attempt });
        expect(host.stepFunctions.take(), expected[killAt - 1]).toHaveLength(1);
        expect(await needOf()).toMatchObject({ attempt, started: true });
        const alerts = host.sns.published.slice(told).map(({ attributes }) => attributes['execution']);
        expect(new Set(alerts).size, expected[killAt - 1]).toBe(attempt === 3 ? 1 : 0);
      }
    },
    60_000,
  );
});

describe('the lifecycle', () => {
  const input = { model_name: MODEL };
  const trains: LocalFunction = async () => {
    registerBacktest(host.mlflow, { version: 4, stage: 'Staging' });
    return 'whatever it answers';
  };
  function due(): void {
    seedPascalStrategy(host.mlflow, { noStaging: true });
    host.clock.skip(8 * DAY_MS);
  }

  it('promotes what was trained, and closes the need', async () => {
    due();
    const done = await retrain(host, input, trains, { pauseMs: 0 });
    expect(done).toMatchObject({ status: 'SUCCEEDED', promotion: { status: 'promoted' } });
    expect(await needOf()).toMatchObject({ attempt: 1, closed_at: expect.any(String) });
    const again = await retrain(host, input, trains, { pauseMs: 0 });
    expect(again).toMatchObject({
      status: 'SUCCEEDED',
      check: { decision: 'recently_trained' },
      promotion: null,
    });
  });

  it('trains by hand whatever the rules say', async () => {
    seedPascalStrategy(host.mlflow, { noStaging: true });
    const done = await retrain(host, { ...input, force: true }, trains, { pauseMs: 0 });
    expect(done).toMatchObject({ check: { trigger: 'manual' }, promotion: { status: 'promoted' } });
  });

  it('fails where the training fails or registers nothing, and tries again a day later', async () => {
    due();
    const fails = await retrain(host, input, async () => Promise.reject(new Error('out of memory')), {
      pauseMs: 0,
    });
    expect(fails).toMatchObject({ status: 'FAILED', check: { attempt: 1 }, promotion: null });
    expect(await retrain(host, input, trains, { pauseMs: 0 })).toMatchObject({
      check: { decision: 'recently_trained' },
    });
    host.clock.skip(DAY_MS);
    const nothing = await retrain(host, input, async () => null, { pauseMs: 0 });
    expect(nothing).toMatchObject({
      status: 'FAILED',
      error: { Error: 'NoNewVersion' },
      check: { attempt: 2 },
    });
    expect(await needOf()).toMatchObject({ attempt: 2, closed_at: null });
  });

  it('fails for a model that is none', async () => {
    const done = await retrain(host, input, trains, { pauseMs: 0 });
    expect(done).toMatchObject({ status: 'FAILED', error: { Error: 'invalid_model' } });
  });

  it('closes the need where the promotion fails, as there is a version', async () => {
    due();
    const lock = {
      path: 'model-versions/transition-stage',
      effect: { kind: 'answer', status: 403, body: '{}' },
    } as const;
    host.mlflow.faults.add(lock);
    const done = await retrain(host, input, trains, { pauseMs: 0 });
    host.mlflow.faults.clear();
    expect(done).toMatchObject({ status: 'FAILED', error: { Error: 'States.TaskFailed' } });
    expect(await needOf()).toMatchObject({ attempt: 1, closed_at: expect.any(String) });
  });

  it('asks again after an answer that was lost, and is the same attempt', async () => {
    due();
    const check = host.functions['check-retraining-needed'];
    let calls = 0;
    const functions = {
      ...host.functions,
      'check-retraining-needed': async (event: unknown) => {
        const answer = await check(event);
        calls += 1;
        if (calls % 2 === 1) {
          const lost = new Error('no answer');
          lost.name = 'Lambda.Unknown';
          throw lost;
        }
        return answer;
      },
    };
    const done = await retrain({ ...host, functions }, input, trains, { pauseMs: 0 });
    expect(done).toMatchObject({
      status: 'SUCCEEDED',
      check: { attempt: 1 },
      promotion: { status: 'promoted' },
    });
    expect(calls).toBe(4);
  });
});
