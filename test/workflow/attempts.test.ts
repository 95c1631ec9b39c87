import { describe, expect, it } from 'vitest';
import { executionArn } from '../../emulators/aws/step-functions.ts';
import { LAST_WRITE_SECONDS } from '../../lambdas/domain/limits.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { localStateMachine } from '../../local/machine/state-machine.ts';
import { promote, rollback, sweepAndTakeUp } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { endStateOf, expectEnd } from '../support/end-state.ts';
import { recordedOutcome, recordedOutcomes } from '../support/recorded-outcomes.ts';

/** Attempts at open changes, as sweeps start them and the state machine runs them, on both systems. */

let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});

const run = { pauseMs: 1 };
const away = { path: '*', effect: { kind: 'answer', status: 503, body: 'away' } } as const;
const outcomeOf = ({ execution }: ExecutionDocument) => recordedOutcome(host.table, execution);
/** Both sides are in step with what is recorded, and what was said last says so. */
const expectInStep = async () =>
  expectEnd(await endStateOf(host), 'in-step', await recordedOutcomes(host.table));

function seed() {
  seedPascalStrategy(host.mlflow);
  return seedServing(host);
}

/** Stops an execution after this state, `when` it has been left so many times. */
function stoppedAfter(state: string, input: object = promote, { times = 1, meanwhile = () => {} } = {}) {
  let left = 0;
  const abortAfter = (name: string) => {
    if (name !== state || ++left < times) return false;
    meanwhile();
    return true;
  };
  return execute(host, input, { ...run, abortAfter });
}

/** Lets sweeps take up what is open until an attempt has been made. */
async function nextAttempt(): Promise<ExecutionDocument> {
  for (let sweeps = 0; sweeps < 12; sweeps += 1) {
    const [attempt] = await sweepAndTakeUp(host, run);
    if (attempt !== undefined) return attempt;
  }
  throw new Error('nothing was attempted');
}

const isWrite = ({ method, path }: { method: string; path: string }) =>
  method !== 'GET' && !path.includes('search') && !path.startsWith('endpoints/');
/** What this writes to either side. */
async function writesOf(work: () => Promise<unknown>) {
  const made = [host.mlflow.requests, host.workload.requests].map((requests) => requests.length);
  await work();
  return [host.mlflow.requests, host.workload.requests].flatMap((requests, index) =>
    requests.slice(made[index]).filter(isWrite),
  );
}

describe('a promotion that was stopped while MLflow is away', () => {
  it('is told at once with what could not be read, and its change is attempted until MLflow is back', async () => {
    seed();
    const stopped = await stoppedAfter('ReplaceWorkload', promote, {
      meanwhile: () => host.mlflow.faults.add(away),
    });
    expect(stopped).toMatchObject({ status: 'failed', alerts: [{ attributes: { kind: 'failed' } }] });
    const told = await outcomeOf(stopped);
    expect(told).toMatchObject({
      cause: { code: 'stopped', interrupted: 'open' },
      ending: { unread: ['registry'], champions: null, change: { id: stopped.execution } },
    });

    const failed = await nextAttempt();
    // Each failed attempt alerts, and says again what it could not read.
    expect(failed).toMatchObject({ status: 'failed', alerts: [{ attributes: { kind: 'failed' } }] });
    expect(await outcomeOf(failed)).toMatchObject({
      operation: 'resume',
      ending: { unread: ['registry'], change: { id: stopped.execution } },
    });

    host.mlflow.faults.clear();
    expect(await nextAttempt()).toMatchObject({
      status: 'rolled_back',
      registry: { after: { stages: { '2': 'Production', '3': 'Staging' } } },
      workload: { after: { model_version: '2' } },
    });
    await expectInStep();
  });
});

describe('the way back of a promotion that found a system away', () => {
  it.each(['mlflow', 'workload'] as const)('is gone on with once it is back (%s)', async (system) => {
    const { artifacts } = seed();
    host.workload.direct.script(artifacts[3] ?? '', 'crash-loop');
    let rollouts = 0;
    const failed = await execute(host, promote, {
      ...run,
      onEvent: (event) => {
        if (event.kind === 'entered' && event.state === 'ModelRollback' && rollouts++ === 0)
          host[system].faults.add(away);
      },
    });
    expect(failed.status).toBe('failed');
    expect(await outcomeOf(failed)).toMatchObject({
      rollback_error: { name: expect.stringMatching(/Unavailable$/) },
    });
    host[system].faults.clear();
    const attempt = await nextAttempt();
    expect(attempt).toMatchObject({ status: 'rolled_back', workload: { after: { model_version: '2' } } });
    await expectInStep();
    expect(await sweepAndTakeUp(host, run)).toEqual([]);
  });
});

describe('a change that was left open where its aim is in service already', () => {
  it('is closed with it, as the promotion that it was', async () => {
    seed();
    const stopped = await stoppedAfter('PromoteModel');
    expect(await outcomeOf(stopped)).toMatchObject({ status: 'failed', cause: { interrupted: 'open' } });
    const attempt = await nextAttempt();
    expect(attempt).toMatchObject({
      status: 'promoted',
      registry: { after: { stages: { '2': 'Archived', '3': 'Production' } } },
    });
    await expectInStep();
  });
});

describe('a change that was turned back to a draft before its lock landed', () => {
  it('is told once, however often it is attempted, and goes on when the draft is locked', async () => {
    seedPascalStrategy(host.mlflow);
    const { artifacts, workloadId } = seedServing(host, { served: 'draft', candidate: 'draft' });
    const stopped = await stoppedAfter('PromoteModel', { ...promote, lock_artifact: true });
    host.clock.skip(3_600_000);
    const { store } = storeServices(host.env);
    const now = host.clock.now();
    const lease = await store.takeLease(MODEL, 'direct:turns', now, 60);
    if (!lease.taken || lease.item.fence === null) throw new Error('the lease is held');
    const holder = { model: MODEL, owner: 'direct:turns', fence: lease.item.fence, now };
    expect(await store.turnBack(holder, stopped.execution)).toBe(true);
    await store.releaseLease(MODEL, 'direct:turns', now);
    host.workload.direct.perform('POST', `workloads/${workloadId}/promote`, {});

    const first = await nextAttempt();
    expect(first).toMatchObject({ status: 'failed', alerts: [{ attributes: { kind: 'failed' } }] });
    const { rollback: lockedOut } = await outcomeOf(first);
    expect(lockedOut).toMatchObject({ to_version: '2', serving: { finding: { code: 'locked-in-place' } } });
    for (const _ of [2, 3]) expect(await nextAttempt()).toMatchObject({ status: 'failed', alerts: [] });

    host.workload.direct.perform('PATCH', `artifacts/${artifacts[2]}`, { status: 'locked' });
    expect(await nextAttempt()).toMatchObject({
      status: 'rolled_back',
      alerts: [{ attributes: { kind: 'rolled_back' } }],
      workload: { after: { model_version: '2' } },
    });
    await expectInStep();
  });
});

describe('a rollback that was stopped', () => {
  it.each([1, 2])('is brought to its end by an attempt (after its step %d)', async (times) => {
    seed();
    expect((await execute(host, promote, run)).status).toBe('promoted');
    const stopped = await stoppedAfter('ModelRollback', rollback, { times });
    expect(await outcomeOf(stopped)).toMatchObject({ cause: { code: 'stopped', interrupted: 'open' } });
    expect(await nextAttempt()).toMatchObject({
      status: 'rolled_back',
      workload: { after: { model_version: '2' } },
    });
    await expectInStep();
    const { item } = await endStateOf(host);
    expect(item.history[0]).toMatchObject({ version: '3', good: false });
  });
});

describe('a copy of PreparePromotion that comes after its execution has ended', () => {
  it.each([
    ['by itself', () => false],
    ['as it was stopped', (state: string) => state === 'PreparePromotion'],
  ])('%s takes no lease, which nobody would give back', async (_, abortAfter) => {
    seed();
    const events: unknown[] = [];
    const prepare = (event: unknown) => {
      events.push(event);
      return host.functions['prepare-promotion'](event);
    };
    const machine = localStateMachine({ ...host.functions, 'prepare-promotion': prepare });
    await execute({ ...host, machine }, promote, { ...run, abortAfter });
    const { item: before } = await endStateOf(host);
    expect(await host.functions['prepare-promotion'](events[0])).toMatchObject({
      status: 'busy',
      fence: null,
    });
    expect((await endStateOf(host)).item).toEqual(before);
    // Once the functions of the execution have ended, whoever comes next gets the lease.
    host.clock.skip((LAST_WRITE_SECONDS + 1) * 1000);
    expect(await execute(host, rollback, run)).toMatchObject({ output: { prepared: { status: 'ready' } } });
  });
});

describe('an attempt that comes for nothing', () => {
  const attemptAt = (change_id: string) =>
    execute(
      host,
      { operation: 'resume', model_name: MODEL, change_id, requested_by: 'sweep-promotions' },
      run,
    );
  /** The functions of the execution that was stopped have ended by then. */
  const leaseEnds = () => host.clock.skip((LAST_WRITE_SECONDS + 1) * 1000);

  it('writes nothing where the open change is another, and tells nobody', async () => {
    seed();
    await stoppedAfter('ReplaceWorkload');
    leaseEnds();
    const { item: before } = await endStateOf(host);
    const writes = await writesOf(async () => {
      const late = await attemptAt(executionArn('another'));
      expect(late).toMatchObject({ status: 'contested', alerts: [] });
    });
    expect(writes).toEqual([]);
    const { item } = await endStateOf(host);
    expect(item.change).toEqual(before.change);
    expect([item.live, item.owner]).toEqual([before.live, null]);
  });

  it('ends busy while somebody else has the lease, and writes nothing', async () => {
    seed();
    const stopped = await stoppedAfter('ReplaceWorkload');
    const writes = await writesOf(async () => {
      expect((await attemptAt(stopped.execution)).status).toBe('busy');
    });
    expect(writes).toEqual([]);
  });

  it.each([
    ['promoted', 'already_promoted', undefined],
    ['brought back', 'rolled_back', 'crash-loop'],
  ] as const)(
    'says what its change was closed with, writes nothing and tells nobody (%s)',
    async (_, status, script) => {
      const { artifacts } = seed();
      if (script !== undefined) host.workload.direct.script(artifacts[3] ?? '', script);
      const { execution } = await execute(host, promote, run);
      const { item: before } = await endStateOf(host);
      expect(before.change).toBeNull();
      const writes = await writesOf(async () => {
        expect(await attemptAt(execution)).toMatchObject({ status, alerts: [] });
      });
      expect(writes).toEqual([]);
      const { item } = await endStateOf(host);
      expect([item.live, item.change, item.history]).toEqual([before.live, null, before.history]);
    },
  );
});
