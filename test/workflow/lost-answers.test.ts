import { describe, expect, it } from 'vitest';
import { dynamodbStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import type { StepFunctionName } from '../../lambdas/domain/limits.ts';
import { execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { localStateMachine } from '../../local/machine/state-machine.ts';
import { promote, rollback, sweepAndTakeUp } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { dynamodbClient } from '../support/clients.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { endStateOf, expectEnd } from '../support/end-state.ts';
import { recordedOutcome, recordedOutcomes } from '../support/recorded-outcomes.ts';
import { platformError } from '../support/stub-functions.ts';

/** A step does its work, each time it is called, and its answer never comes: what is told is what both sides show. */

let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});

const run = { pauseMs: 1 };
const expectInStep = async () =>
  expectEnd(await endStateOf(host), 'in-step', await recordedOutcomes(host.table));

/** Runs an execution whose function loses every answer, or those of which `lost` is true; answers the states as well. */
async function losing(
  name: StepFunctionName,
  input: object,
  lost: (answer: unknown) => boolean = () => true,
) {
  const call = async (event: unknown) => {
    const answer = await host.functions[name](event);
    if (lost(answer)) throw platformError('Lambda.SdkClientException');
    return answer;
  };
  const machine = localStateMachine({ ...host.functions, [name]: call });
  const document = await execute({ ...host, machine }, input, run);
  const outcome = await recordedOutcome(host.table, document.execution);
  return { document, outcome, path: document.states.map((state) => state.name) };
}

const isSettled = (answer: unknown) => (answer as { status: string }).status !== 'in_progress';

describe('an answer that never comes', () => {
  it('of PreparePromotion leaves the change open, which is told; an attempt brings it back', async () => {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
    const { document, outcome, path } = await losing('prepare-promotion', promote);
    expect(path.slice(-2)).toEqual(['NotifyOutcome', 'Outcome?']);
    expect(outcome).toMatchObject({
      status: 'failed',
      error: { name: 'Lambda.SdkClientException' },
      ending: { change: { id: document.execution, to: '3' }, known: true, champions: ['2'] },
    });
    const [attempt] = await sweepAndTakeUp(host, run);
    expect(attempt?.status).toBe('rolled_back');
    await expectInStep();
  });

  it('of ReplaceWorkload is waited out, and what the rollout came to is brought back', async () => {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
    const { document, path } = await losing('replace-workload', promote);
    expect(path).toContain('WaitForReplaceWorkload');
    expect(document).toMatchObject({ status: 'rolled_back', workload: { after: { model_version: '2' } } });
    await expectInStep();
  });

  it.each([
    ['promote-model', 'WaitForPromoteModel'],
    ['close-promotion', 'WaitForClosePromotion'],
  ] as const)('of %s is waited out, and the promotion is found complete', async (name, waiting) => {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
    const { document, outcome, path } = await losing(name, promote);
    expect(path).toContain(waiting);
    expect(path.slice(path.indexOf(waiting) + 1)).toEqual([
      ...['ModelRollback', 'RolledBack?', 'NotifyOutcome', 'Outcome?', 'Done'],
    ]);
    expect(document).toMatchObject({
      status: 'promoted',
      registry: { after: { stages: { '2': 'Archived', '3': 'Production' } } },
      workload: { after: { model_version: '3' } },
      alerts: [{ attributes: { kind: 'promoted' } }],
    });
    expect(outcome).toMatchObject({ rollback: { rolled_back: false, finding: { code: 'completed' } } });
    await expectInStep();
  });

  it.each([
    ['without a Workload', () => {}],
    ['with one', () => void seedServing(host)],
  ])('of ModelRollback is waited out, and what it closed is told as that (%s)', async (_, serve) => {
    seedPascalStrategy(host.mlflow);
    serve();
    host.mlflow.faults.add({
      path: 'model-versions/transition-stage',
      effect: { kind: 'answer', status: 403, body: '{"error_code":"PERMISSION_DENIED","message":"no"}' },
    });
    const { document, outcome, path } = await losing('model-rollback', promote, isSettled);
    expect(path).toContain('WaitForModelRollback');
    expect(document).toMatchObject({
      status: 'rolled_back',
      registry: { after: { stages: { '2': 'Production' } } },
      alerts: [{ attributes: { kind: 'rolled_back' } }],
    });
    expect(outcome).toMatchObject({ rollback_error: { name: 'Lambda.SdkClientException' } });
    await expectInStep();
  });

  it('of a requested rollback is waited out, and what it closed is told as that', async () => {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
    expect((await execute(host, promote, run)).status).toBe('promoted');
    const { document } = await losing('model-rollback', rollback, isSettled);
    expect(document).toMatchObject({
      status: 'rolled_back',
      registry: { after: { stages: { '2': 'Production', '3': 'Archived' } } },
      workload: { after: { model_version: '2' } },
    });
    await expectInStep();
  });

  it('of the last step is asked for again, and nothing is told twice', async () => {
    seedPascalStrategy(host.mlflow);
    let calls = 0;
    const { document, path } = await losing('end-promotion', promote, () => ++calls < 3);
    expect(path.slice(-3)).toEqual(['NotifySuccess', 'Outcome?', 'Done']);
    expect(document).toMatchObject({ status: 'promoted', alerts: [{ attributes: { kind: 'promoted' } }] });
    await expectInStep();
  });
});

describe('an execution whose lease somebody else has taken', () => {
  it.each(['replace-workload', 'promote-model', 'close-promotion'] as const)(
    'ends contested at %s, and undoes nothing',
    async (name) => {
      seedPascalStrategy(host.mlflow);
      seedServing(host);
      const overtaken = async (event: unknown) => {
        await takeOver();
        return host.functions[name](event);
      };
      const machine = localStateMachine({ ...host.functions, [name]: overtaken });
      const { states, status } = await execute({ ...host, machine }, promote, run);
      expect(states.map((state) => state.name)).not.toContain('ModelRollback');
      expect(status).toBe('contested');
      const { item } = await endStateOf(host);
      expect(item.owner).toBe('direct:emergency');
    },
  );

  /** As when the lease has run out: another operation has the model, and a higher fence. */
  async function takeOver() {
    const client = dynamodbClient(host.table);
    const later = new Date(host.clock.now().getTime() + 7 * 24 * 3_600_000);
    await dynamodbStore(client, host.table.name).takeLease(MODEL, 'direct:emergency', later, 60);
    client.destroy();
  }
});
