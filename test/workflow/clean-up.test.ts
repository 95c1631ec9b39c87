import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stepFunctions } from '../../lambdas/adapters/aws/step-functions.ts';
import { LeaseStoreUnavailable } from '../../lambdas/domain/errors.ts';
import { functionTimeoutSeconds } from '../../lambdas/domain/limits.ts';
import { outcomeOf } from '../../lambdas/domain/outcome/outcome.ts';
import { recordId } from '../../lambdas/domain/promotion/record.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import { handler } from '../../lambdas/sweep-promotions.ts';
import { cleanUp } from '../../lambdas/use-cases/clean-up.ts';
import { end } from '../../lambdas/use-cases/end-promotion.ts';
import { cleanUpMissed, sendPending, sweep } from '../../lambdas/use-cases/sweep-promotions.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { inWords } from '../../lambdas/words/reasons.ts';
import { measured, printedLines } from '../support/printed-lines.ts';
import { headIn, recordedOutcome } from '../support/recorded-outcomes.ts';
import { arn, promotion, release, sweptModels } from '../support/swept-models.ts';

/** sweep-promotions for executions that could not end themselves, and for alerts that could not be sent. */

const MODEL = 'PascalStrategy';
const execution = arn('e1');
const models = sweptModels();

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** When the functions of an execution that is stopped now have ended: the longest of them, and a margin. */
const LAST_WRITE = functionTimeoutSeconds['prepare-promotion'] + 10;

/** Version 2 is live, and the execution that is cleaned up has opened the change to 3, which it still has the lease for. */
async function inFlight() {
  models.model(MODEL, ['Archived', 'Production', 'Staging']);
  await models.live(MODEL, release('2'));
  await models.open(MODEL, promotion('e1', release('2'), release('3')), 600);
}

/** The execution has closed its change, forward to 3 or back to 2. */
async function closed(version: '2' | '3') {
  await inFlight();
  models.mlflow.registry.transition(MODEL, version, 'Production', { archive: true });
  const { store, now } = models;
  const { change, fence, live } = await store.readItem(MODEL);
  const holder = { model: MODEL, owner: execution, fence, now };
  if (change === null || live === null) throw new Error('nothing is open');
  const at = now.toISOString();
  if (version === '2') {
    await store.turnBack(holder, execution);
    const back = { ...change.safe, change: execution, at, result: 'rolled_back' as const };
    await store.closeChange(holder, execution, back, []);
  } else {
    const past = { ...live, since: live.at, left_at: at, left_by: recordId(execution), good: true };
    const aim = { ...change.aim, change: execution, at, result: 'promoted' as const };
    await store.closeChange(holder, execution, aim, [past]);
  }
}

const outcome = (of = execution) => recordedOutcome(models.table, of);
/** One alert was sent, which says what is recorded. */
const expectToldOnce = async () => {
  const [sent] = models.sent;
  const told = alertFor(await outcome(), models.services.alertContext, { ledger: headIn(sent?.ledger) });
  expect(models.sent).toEqual([told]);
};
/** Asks as an execution that comes so many seconds after the first event. */
const START = models.now;
const isFreeAfter = async (seconds: number) =>
  (await models.store.takeLease(MODEL, 'next', new Date(START.getTime() + seconds * 1000), 60)).taken;
const event = (more: object = {}) => ({
  executionArn: execution,
  status: 'ABORTED' as const,
  input: JSON.stringify({ model_name: MODEL }),
  ...more,
});
const asking = (more: object) => event({ input: JSON.stringify({ model_name: MODEL, ...more }) });
/** The services, with a table that these operations do not reach. */
const withoutTable = (...operations: (keyof PromotionStore)[]) => {
  const away = () => Promise.reject(new LeaseStoreUnavailable('DynamoDB: connection refused'));
  const store = { ...models.store, ...Object.fromEntries(operations.map((name) => [name, away])) };
  return { ...models.services, store };
};

describe('an execution that was stopped from outside', () => {
  it('gets its outcome and its alert, with both sides as they are; its change stays open', async () => {
    await inFlight();
    expect(await cleanUp(event(), models.services)).toMatchObject({
      status: 'failed',
      succeeded: false,
      alert: 'sent',
    });
    expect(await outcome()).toMatchObject({
      ...{ operation: 'promote', challenger_version: '3', champion_before: '2', champion_after: '2' },
      cause: { code: 'stopped', status: 'ABORTED', interrupted: 'open' },
      ending: {
        live: { version: '2' },
        change: { id: execution, kind: 'promote', to: '3', aim: '3', safe: '2' },
        champions: ['2'],
        known: true,
        unread: [],
      },
    });
    await expectToldOnce();
    const { change } = await models.store.readItem(MODEL);
    expect(change).toMatchObject({ id: execution, aim: { version: '3' } });
    // Attempts are the sweep's: nothing is started while a function of the execution may still write.
    expect(models.started).toEqual([]);
    expect(await isFreeAfter(LAST_WRITE)).toBe(false);
    expect(await isFreeAfter(LAST_WRITE + 1)).toBe(true);
  });

  it('keeps the model until its last function is done, also when the event comes again', async () => {
    await inFlight();
    await cleanUp(event(), models.services);
    models.pass({ seconds: 20 });
    await cleanUp(event(), models.services);
    expect(await isFreeAfter(LAST_WRITE)).toBe(false);
    expect(await isFreeAfter(LAST_WRITE + 1)).toBe(true);
  });

  it('keeps it so when the clean-up itself died after its record', async () => {
    await inFlight();
    await expect(cleanUp(event(), withoutTable('endLeaseAt'))).rejects.toThrow();
    await cleanUp(event(), models.services);
    expect(await isFreeAfter(LAST_WRITE)).toBe(false);
    expect(await isFreeAfter(LAST_WRITE + 1)).toBe(true);
  });

  it.each(['promote', 'rollback', 'resume', 'adopt'])(
    'keeps it also when its %s had opened nothing yet, which it says',
    async (operation) => {
      models.model(MODEL, ['Archived', 'Production']);
      await models.store.takeLease(MODEL, execution, models.now, 600);
      await cleanUp(asking({ operation }), models.services);
      expect(await outcome()).toMatchObject({ cause: { interrupted: 'nothing' } });
      expect(await isFreeAfter(LAST_WRITE)).toBe(false);
      expect(await isFreeAfter(LAST_WRITE + 1)).toBe(true);
    },
  );

  it('does not bring a lease back that has run out', async () => {
    await models.store.takeLease(MODEL, execution, models.now, 60);
    models.pass({ seconds: 120 });
    await cleanUp(event(), models.services);
    expect(await isFreeAfter(121)).toBe(true);
  });

  it('is cleaned up once, however often the event comes', async () => {
    await inFlight();
    await cleanUp(event(), models.services);
    const { reason } = await outcome();
    expect(await cleanUp(event({ status: 'TIMED_OUT' }), models.services)).toMatchObject({
      status: 'failed',
      reason,
    });
    expect(await outcome()).toMatchObject({ cause: { code: 'stopped', status: 'ABORTED' } });
    expect(models.sent).toHaveLength(1);
  });

  it('says that nothing of it is open when another has taken up its change', async () => {
    await inFlight();
    models.pass({ minutes: 11 });
    await models.open(MODEL, promotion('next', release('2'), release('3')), 600);
    await cleanUp(event(), models.services);
    expect(await outcome()).toMatchObject({
      cause: { code: 'stopped', interrupted: 'nothing' },
      ending: { change: { id: arn('next') } },
    });
    expect(await models.store.readItem(MODEL)).toMatchObject({ owner: arn('next') });
  });

  it('is announced without its input too, saying where to look', async () => {
    await inFlight();
    for (const input of [null, undefined]) {
      models.sent.length = 0;
      const executionArn = `${execution}-${input}`;
      expect(await cleanUp(event({ executionArn, input }), models.services)).toMatchObject({
        status: 'failed',
        alert: 'sent',
      });
      expect(await outcome(executionArn)).toMatchObject({
        cause: { code: 'stopped', interrupted: 'unknown' },
      });
      expect(models.sent).toMatchObject([{ model: null, execution: executionArn }]);
    }
  });

  it('takes from an input what somebody may ask for, and nothing that only a step can know', async () => {
    const forged = { promotion: { promoted: true, new_version: '9' }, requested_by: 'a person' };
    await cleanUp(asking(forged), models.services);
    expect(await outcome()).toMatchObject({ status: 'failed', requested_by: 'a person' });
    await expectToldOnce();
  });

  it.each([['not JSON'], ['[]'], ['{}'], [JSON.stringify({ model_name: 'missing' })]])(
    'is announced whatever its input was: %j',
    async (input) => {
      const answer = await cleanUp(event({ input }), models.services);
      expect(answer).toMatchObject({ status: 'failed', alert: 'sent' });
    },
  );

  it('is told as the promotion that it was, when it was stopped after its change had closed', async () => {
    await closed('3');
    expect(await cleanUp(event(), models.services)).toMatchObject({ status: 'promoted', succeeded: true });
    expect(await outcome()).toMatchObject({
      ...{ champion_before: '2', champion_after: '3', challenger_version: '3' },
      ending: { in_step: true, change: null },
    });
    await expectToldOnce();
  });

  it('is told as brought back, when it was stopped after its change had closed with what was live before', async () => {
    await closed('2');
    expect(await cleanUp(event(), models.services)).toMatchObject({
      status: 'rolled_back',
      succeeded: false,
    });
    expect(await outcome()).toMatchObject({
      champion_after: '2',
      cause: { code: 'stopped', status: 'ABORTED', interrupted: 'nothing' },
    });
  });

  it('is told as the rollback that it was, when it was stopped after its change had closed', async () => {
    models.model(MODEL, ['Archived', 'Production', 'Archived']);
    await models.live(MODEL, release('3'));
    const back = promotion('e1', release('2'), release('2'), { kind: 'rollback', left: '3' });
    await models.open(MODEL, back, 600);
    const { fence } = await models.store.readItem(MODEL);
    const past = {
      ...release('3'),
      since: '2026-11-20T08:00:00.000Z',
      left_by: recordId(execution),
      good: false,
    };
    await models.store.closeChange(
      { model: MODEL, owner: execution, fence, now: models.now },
      execution,
      { ...back.aim, change: execution, result: 'rolled_back' },
      [{ ...past, left_at: models.now.toISOString() }],
    );
    expect(await cleanUp(asking({ operation: 'rollback' }), models.services)).toMatchObject({
      status: 'rolled_back',
      succeeded: true,
    });
    expect(await outcome()).toMatchObject({ champion_before: '3', champion_after: '2' });
  });

  it('is told as the adoption that it was', async () => {
    models.model(MODEL, ['Archived', 'Production']);
    await models.live(MODEL, release('2', null, execution));
    expect(await cleanUp(asking({ operation: 'adopt' }), models.services)).toMatchObject({
      status: 'adopted',
      succeeded: true,
    });
  });

  it('is told as contested when the sides show something else than what it closed with, and is not told again', async () => {
    await closed('3');
    models.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
    expect(await cleanUp(event(), models.services)).toMatchObject({ status: 'contested' });
    const { ending } = await outcome();
    expect(ending).toMatchObject({ champions: ['1'], in_step: false });
    expect(await models.store.readItem(MODEL)).toMatchObject({ told: ending?.picture });
  });

  it('does not count as told what somebody changes after the alert, when the last step runs again', async () => {
    await closed('3');
    const state = { valid: true, operation: 'rollback', model_name: MODEL };
    await end({ state, execution }, models.services);
    models.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
    await end({ state, execution }, models.services);
    expect(models.sent).toHaveLength(1);
    await sweep(models.services);
    expect(models.sent).toMatchObject([{ kind: 'promoted' }, { kind: 'contested' }]);
  });

  it('says what to do when it was a rollback', async () => {
    models.model(MODEL, ['Archived', 'Production', 'Archived']);
    await models.live(MODEL, release('3'));
    await models.open(MODEL, promotion('e1', release('2'), release('2'), { kind: 'rollback', left: '3' }));
    await cleanUp(asking({ operation: 'rollback' }), models.services);
    expect(await outcome()).toMatchObject({
      cause: { code: 'stopped', interrupted: 'open' },
      ending: { change: { kind: 'rollback' } },
    });
    await expectToldOnce();
  });

  it('changes nothing, sends nothing and counts nothing when it had told its end itself', async () => {
    await inFlight();
    const state = { operation: 'promote', model_name: MODEL, error: { Error: 'X', Cause: 'first' } };
    await end({ state, execution }, models.services);
    // The next one is at work when the event of the first arrives.
    await models.store.takeLease(MODEL, 'next', models.now, 60);
    const before = JSON.stringify(models.mlflow.snapshot());
    const requests = models.mlflow.requests.length;
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'sweep-promotions');
    const lines = printedLines();
    const { cause, error, reason } = await outcome();
    expect({ cause, error }).toEqual({ cause: { code: 'error' }, error: { name: 'X', message: 'first' } });
    expect(await cleanUp(event({ status: 'FAILED' }), models.services)).toMatchObject({ reason });
    expect(measured(lines)).toEqual([]);
    expect([models.sent.length, models.started, models.mlflow.requests.length]).toEqual([1, [], requests]);
    expect(JSON.stringify(models.mlflow.snapshot())).toBe(before);
    expect(await models.store.takeLease(MODEL, 'another', models.now, 60)).toMatchObject({ holder: 'next' });
  });

  it('gets what its own end had left undone: the alert that was not sent, the lease that was not released', async () => {
    const state = { operation: 'promote', model_name: MODEL, error: { Error: 'X', Cause: 'first' } };
    await models.store.takeLease(MODEL, execution, models.now, 600);
    const decided = outcomeOf(state, { execution, ending: null }, models.now);
    await models.store.recordOutcome(inWords(decided), 'pending', null);
    expect(await cleanUp(event({ status: 'FAILED' }), models.services)).toMatchObject({ alert: 'sent' });
    expect(models.sent).toHaveLength(1);
    expect(await isFreeAfter(LAST_WRITE + 1)).toBe(true);
  });
});

describe('an execution that was stopped while a system is away', () => {
  const unreachable = { kind: 'drop', when: 'before' } as const;

  it('is told at once while MLflow is away, with what could not be read', async () => {
    await inFlight();
    models.mlflow.faults.add({ path: '*', effect: unreachable });
    expect(await cleanUp(event(), models.services)).toMatchObject({ status: 'failed', alert: 'sent' });
    expect(await outcome()).toMatchObject({
      cause: { code: 'stopped', interrupted: 'open' },
      champion_after: null,
      ending: { champions: null, unread: ['registry'], change: { id: execution } },
    });
    await expectToldOnce();
    expect(await isFreeAfter(LAST_WRITE + 1)).toBe(true);
  });

  it('is told at once while the Workload API is away, with what the registry shows', async () => {
    models.model(MODEL, ['Archived', 'Production', 'Staging']);
    const served = await models.serve(MODEL, ['2', '3'], '2');
    await models.live(MODEL, release('2', served));
    await models.open(MODEL, promotion('e1', release('2', served), release('3', served)), 600);
    models.workload.faults.add({ path: '*', effect: unreachable });
    expect(await cleanUp(event(), models.services)).toMatchObject({ status: 'failed', alert: 'sent' });
    expect(await outcome()).toMatchObject({
      champion_after: '2',
      ending: { champions: ['2'], workload: null, unread: ['workload'], known: null, picture: null },
    });
  });

  it('is told as contested also while the Workload API is away: what the registry shows is enough', async () => {
    models.model(MODEL, ['Archived', 'Archived', 'Production']);
    const served = await models.serve(MODEL, ['2', '3'], '3');
    await models.live(MODEL, release('3', served, execution));
    models.mlflow.registry.transition(MODEL, '3', 'Staging');
    models.workload.faults.add({ path: '*', effect: unreachable });
    expect(await cleanUp(event(), models.services)).toMatchObject({ status: 'contested' });
    expect(await outcome()).toMatchObject({
      ending: { champions: [], in_step: false, unread: ['workload'], picture: null },
    });
  });

  it('is told before the error is thrown while the table is away, once by each process', async () => {
    await inFlight();
    const away = withoutTable('readItem', 'recordOutcome', 'outcomeRecordedAt', 'endLeaseAt', 'markTold');
    for (const _ of ['first', 'retried by Lambda'])
      await expect(cleanUp(event(), away)).rejects.toMatchObject({ name: 'LeaseStoreUnavailable' });
    expect(models.sent).toMatchObject([{ kind: 'failed', execution }]);
    // Nothing was recorded: the event or a sweep does all of it once the table is back.
    await cleanUp(event(), models.services);
    expect(await outcome()).toMatchObject({ cause: { code: 'stopped', interrupted: 'open' } });
    expect(await isFreeAfter(LAST_WRITE + 1)).toBe(true);
  });

  it('stays to be told while the table and SNS are away', async () => {
    await inFlight();
    models.snsRefuses = true;
    const away = withoutTable('recordOutcome', 'endLeaseAt');
    const executionArn = arn('told-by-nobody');
    for (const _ of ['first', 'retried by Lambda'])
      await expect(cleanUp(event({ executionArn }), away)).rejects.toThrow();
    expect(models.sent).toEqual([]);
    models.snsRefuses = false;
    await cleanUp(event({ executionArn }), models.services);
    expect(models.sent).toHaveLength(1);
  });
});

describe('an execution that ends while the table is away', () => {
  it('is told before the error is thrown, and once, however often its last step is called again', async () => {
    await inFlight();
    const failed = { error: { Error: 'LeaseStoreUnavailable', Cause: 'DynamoDB: connection refused' } };
    const state = { valid: true, operation: 'promote', model_name: MODEL, ...failed };
    const away = withoutTable('readItem', 'recordOutcome', 'releaseLease', 'markTold');
    const call = { state, execution: arn('told-first') };
    for (const _ of ['first', 'again', 'NotifyOutcome'])
      await expect(end(call, away)).rejects.toMatchObject({ name: 'LeaseStoreUnavailable' });
    expect(models.sent).toMatchObject([{ kind: 'failed', execution: arn('told-first') }]);
  });
});

describe('the event', () => {
  it('is taken as EventBridge has it, with fields that nobody asked for', async () => {
    const detail = {
      executionArn: execution,
      stateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion',
      name: 'e1',
      status: 'TIMED_OUT',
      startDate: models.now.getTime() - 60_000,
      stopDate: models.now.getTime(),
      input: '{"model_name":"PascalStrategy"}',
      output: null,
      inputDetails: { included: true },
      outputDetails: null,
      error: null,
      cause: null,
    };
    vi.stubEnv('ALERT_SNS_TOPIC_ARN', undefined);
    vi.stubEnv('PROMOTION_TABLE', models.table.name);
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', models.table.endpoint);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
    vi.stubEnv('MLFLOW_TRACKING_URI', models.mlflow.url);
    expect(await handler(detail)).toMatchObject({ status: 'failed', alert: 'off' });
    expect(await outcome()).toMatchObject({
      cause: { code: 'stopped', status: 'TIMED_OUT', interrupted: 'nothing' },
    });
    await expect(handler({ ...detail, status: 'RUNNING' })).rejects.toMatchObject({ name: 'InvalidInput' });
  });
});

describe('an execution whose end nobody has told of', () => {
  const sfn = mockClient(SFNClient);
  const machine = 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion';
  const ago = (minutes: number) => new Date(models.now.getTime() - minutes * 60_000);
  /** Step Functions knows this one, which was aborted so many minutes ago. */
  function aborted(minutes: number) {
    const known = { executionArn: execution, stateMachineArn: machine, name: 'e1' };
    const found = { ...known, startDate: ago(minutes + 5) };
    sfn.on(ListExecutionsCommand).resolves({ executions: [] });
    sfn
      .on(ListExecutionsCommand, { stateMachineArn: machine, statusFilter: 'ABORTED' })
      .resolves({ executions: [{ ...found, status: 'ABORTED', stopDate: ago(minutes) }] });
    sfn
      .on(DescribeExecutionCommand, { executionArn: execution })
      .resolves({ ...found, status: 'ABORTED', input: event().input });
  }
  const services = () => ({ ...models.services, executions: async () => stepFunctions(machine) });
  beforeEach(() => sfn.reset());
  afterAll(() => sfn.restore());

  it('is ended by the sweep: outcome, alert, lease; and once', async () => {
    await inFlight();
    aborted(11);
    expect(await cleanUpMissed(services())).toBe(1);
    expect(await outcome()).toMatchObject({ cause: { code: 'stopped', status: 'ABORTED' } });
    await expectToldOnce();
    expect(sfn.commandCalls(StartExecutionCommand)).toEqual([]);
    expect(await isFreeAfter(LAST_WRITE + 1)).toBe(true);
    expect(await cleanUpMissed(services())).toBe(0);
    expect(models.sent).toHaveLength(1);
  });

  it.each([
    ['while its event may still come', 9],
    ['when it is history', 24 * 60 + 1],
  ])('is left alone %s', async (_, minutes) => {
    aborted(minutes);
    expect(await cleanUpMissed(services())).toBe(0);
    expect(models.sent).toEqual([]);
  });

  it('is left alone when it has told of its end itself', async () => {
    aborted(11);
    await end({ state: { operation: 'promote', model_name: MODEL }, execution }, services());
    expect(await cleanUpMissed(services())).toBe(0);
    expect(sfn.commandCalls(DescribeExecutionCommand)).toEqual([]);
  });

  it('is left alone when it was redriven meanwhile, or its kind is none that a clean-up is for', async () => {
    aborted(11);
    sfn.on(DescribeExecutionCommand).resolves({ status: 'RUNNING', input: '{}' });
    expect(await cleanUpMissed(services())).toBe(0);
    expect(models.sent).toEqual([]);
  });

  it('is counted as holding its model while it cannot be cleaned up, and tried again', async () => {
    await inFlight();
    aborted(11);
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'sweep-promotions');
    const lines = printedLines();
    const { executions } = services();
    expect(await cleanUpMissed({ ...withoutTable('recordOutcome'), executions })).toBe(0);
    expect(measured(lines)).toEqual(['LeaseStuck 1 Count']);
    expect(await cleanUpMissed(services())).toBe(1);
  });

  it('is cleaned up also while MLflow is away, and told with what could not be read', async () => {
    await inFlight();
    aborted(11);
    models.mlflow.faults.add({ path: '*', effect: { kind: 'drop', when: 'before' } });
    expect(await cleanUpMissed(services())).toBe(1);
    expect(await outcome()).toMatchObject({ ending: { unread: ['registry'] } });
    await expectToldOnce();
  });

  it('is not looked for where no state machine is known', async () => {
    expect(await cleanUpMissed({ ...services(), executions: async () => null })).toBe(0);
  });

  it('makes the sweep fail by name when Step Functions does not answer', async () => {
    sfn.on(ListExecutionsCommand).rejects(new Error('no answer'));
    await expect(cleanUpMissed(services())).rejects.toMatchObject({ name: 'StateMachineUnavailable' });
  });
});

describe('an alert that could not be sent', () => {
  it('is sent by the next sweep, once', async () => {
    models.snsRefuses = true;
    expect(await cleanUp(event(), models.services)).toMatchObject({ alert: 'pending' });
    expect(await sendPending(models.services)).toEqual({ sent: 0, pending: 1 });
    models.snsRefuses = false;
    expect(await sendPending(models.services)).toEqual({ sent: 1, pending: 0 });
    expect(await sendPending(models.services)).toEqual({ sent: 0, pending: 0 });
    expect(models.sent).toHaveLength(1);
  });
});

describe('starting an execution', () => {
  const machine = 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion';

  it('takes one that is there already for a success, and anything else for StateMachineUnavailable', async () => {
    const aws = mockClient(SFNClient);
    const exists = new ExecutionAlreadyExists({ message: 'exists', $metadata: {} });
    aws.on(StartExecutionCommand).rejectsOnce(exists).rejects(new Error('no route'));
    const executions = stepFunctions(machine, { region: 'us-east-1' });
    await executions.start('resume-e1-1', { operation: 'resume' });
    await expect(executions.start('resume-e1-1', {})).rejects.toMatchObject({
      name: 'StateMachineUnavailable',
    });
    expect(aws.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: machine,
      name: 'resume-e1-1',
      input: '{"operation":"resume"}',
    });
    aws.restore();
  });
});
