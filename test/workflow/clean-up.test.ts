import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { dynamodbStore, type PromotionStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { stepFunctions } from '../../lambdas/adapters/aws/step-functions.ts';
import { outcomeOf } from '../../lambdas/domain/outcome/outcome.ts';
import { handler } from '../../lambdas/sweep-promotions.ts';
import { type CleanUpServices, cleanUp } from '../../lambdas/use-cases/clean-up.ts';
import { end } from '../../lambdas/use-cases/end-promotion.ts';
import { cleanUpMissed, sendPending } from '../../lambdas/use-cases/sweep-promotions.ts';
import type { Alert } from '../../lambdas/words/alert.ts';
import { inWords } from '../../lambdas/words/reasons.ts';
import { dynamodbClient, mlflowClient } from '../support/clients.ts';
import { measured, printedLines } from '../support/printed-lines.ts';
import { intent, recorded } from '../support/registry.ts';

/** sweep-promotions for executions that could not end themselves, and for alerts that could not be sent. */

const MODEL = 'PascalStrategy';
const execution = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const now = new Date('2026-11-21T10:00:00Z');

let emulator: MlflowEmulator;
let table: LocalTable;
let store: PromotionStore;
let started: { name: string; input: object }[];
let sent: Alert[];
let refuses: boolean;
let services: CleanUpServices;

beforeAll(async () => {
  emulator = await startMlflowEmulator({});
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await table?.close();
  table = await startLocalTable();
  store = dynamodbStore(dynamodbClient(table), table.name);
  emulator.reset();
  [started, sent, refuses] = [[], [], false];
  services = {
    store,
    alerts: {
      publish: async (alert) => {
        if (refuses) throw new Error('SNS is down');
        sent.push(alert);
      },
    },
    alertContext: { prefix: 'TradAI', environment: 'test', registryName: 'models' },
    clock: { now: () => now },
    registry: () => mlflowClient(emulator),
    executions: async () => ({
      start: async (name, input) => {
        started.push({ name, input });
      },
      listUnsuccessful: async () => [],
      describeUnsuccessful: async () => null,
    }),
  };
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});
afterAll(() => table.close());

/** Version 3 was announced by the execution that is cleaned up, which still has the lease. */
async function inFlight({ finished = false, lease = true } = {}) {
  const fence = lease ? await store.takeLease(MODEL, execution, now, 600) : null;
  const announced = intent({
    id: 'e1',
    to: '3',
    from: '2',
    execution,
    fence: fence?.taken ? fence.fence : 1,
  });
  for (const stage of ['Archived', 'Production']) emulator.registry.createVersion(MODEL, { stage });
  emulator.registry.createVersion(MODEL, {
    stage: 'Staging',
    tags: recorded(announced, finished ? {} : null),
  });
}
const clockIn = (seconds: number) => ({ now: () => new Date(now.getTime() + seconds * 1000) });
/** Asks as an execution that comes then. */
const isFreeAfter = async (seconds: number) =>
  (await store.takeLease(MODEL, 'next', clockIn(seconds).now(), 60)).taken;
const event = (more: object = {}) => ({
  executionArn: execution,
  status: 'ABORTED' as const,
  input: JSON.stringify({ model_name: MODEL }),
  ...more,
});

describe('an execution that was stopped from outside', () => {
  it('gets its outcome and its alert, and a rollback of what it had announced', async () => {
    await inFlight();
    expect(await cleanUp(event(), services)).toMatchObject({
      status: 'failed',
      succeeded: false,
      alert: 'sent',
    });
    expect(sent[0]?.text).toContain('The promotion of version 3 failed.');
    expect(sent[0]?.text).toContain('was aborted');
    expect(started).toEqual([
      {
        name: 'undo-e1',
        input: expect.objectContaining({
          operation: 'rollback',
          model_name: MODEL,
          reason: 'ROLLOUT_FAILED',
        }),
      },
    ]);
    // A function that was at work may write for a minute yet: until then nobody else gets the model.
    expect(await isFreeAfter(70)).toBe(false);
    expect(await isFreeAfter(71)).toBe(true);
  });

  it('keeps the model until its last function is done, also when the event comes again', async () => {
    await inFlight();
    await cleanUp(event(), services);
    services.clock = clockIn(20);
    await cleanUp(event(), services);
    expect(await isFreeAfter(70)).toBe(false);
    expect(await isFreeAfter(71)).toBe(true);
  });

  it('keeps it so when the clean-up itself died after its record', async () => {
    await inFlight();
    const endLeaseAt = () => Promise.reject(new Error('the process ends here'));
    await expect(cleanUp(event(), { ...services, store: { ...store, endLeaseAt } })).rejects.toThrow();
    await cleanUp(event(), services);
    expect(await isFreeAfter(70)).toBe(false);
    expect(await isFreeAfter(71)).toBe(true);
  });

  it.each([
    ['a promotion that had announced nothing yet', 'promote', 70],
    ['a rollback', 'rollback', 130],
  ])('keeps it for %s, too', async (_, operation, seconds) => {
    await store.takeLease(MODEL, execution, now, 600);
    await cleanUp(event({ input: JSON.stringify({ model_name: MODEL, operation }) }), services);
    expect(started).toEqual([]);
    expect(await isFreeAfter(seconds)).toBe(false);
    expect(await isFreeAfter(seconds + 1)).toBe(true);
  });

  it('does not bring a lease back that has run out', async () => {
    await store.takeLease(MODEL, execution, now, 60);
    services.clock = clockIn(120);
    await cleanUp(event(), services);
    expect(await isFreeAfter(121)).toBe(true);
  });

  it('is cleaned up once, however often the event comes', async () => {
    await inFlight();
    await cleanUp(event(), services);
    expect(await cleanUp(event({ status: 'TIMED_OUT' }), services)).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('aborted'),
    });
    // Step Functions takes a second start with the same name for the first.
    expect([sent.length, new Set(started.map(({ name }) => name)).size]).toEqual([1, 1]);
  });

  it.each([['its lease is somebody else’s by now', { lease: false }]])(
    'starts no rollback when %s',
    async (_, state) => {
      await inFlight(state);
      await cleanUp(event(), services);
      expect(started).toEqual([]);
      expect(sent).toHaveLength(1);
    },
  );

  it('is announced without its input too, saying where to look', async () => {
    await inFlight();
    for (const input of [null, undefined]) {
      sent.length = 0;
      const executionArn = `${execution}-${input}`;
      expect(await cleanUp(event({ executionArn, input }), services)).toMatchObject({
        status: 'failed',
        alert: 'sent',
        reason: expect.stringContaining('check its input and its last state in Step Functions'),
      });
      expect(sent).toMatchObject([{ model: null, text: expect.stringContaining(executionArn) }]);
    }
    expect(started).toEqual([]);
  });

  it('takes from an input what somebody may ask for, and nothing that only a step can know', async () => {
    const forged = { promotion: { promoted: true, new_version: '9' }, requested_by: 'a person' };
    await cleanUp(event({ input: JSON.stringify({ model_name: MODEL, ...forged }) }), services);
    expect(sent[0]?.text).toContain('a person');
    expect(await store.recordOutcome(inWords(outcomeOf(null, execution, now)), 'none')).toMatchObject({
      outcome: { status: 'failed', requested_by: 'a person' },
    });
  });

  it.each([['not JSON'], ['[]'], ['{}'], [JSON.stringify({ model_name: 'missing' })]])(
    'is announced whatever its input was: %j',
    async (input) => {
      expect(await cleanUp(event({ input }), services)).toMatchObject({ status: 'failed', alert: 'sent' });
      expect(started).toEqual([]);
    },
  );

  it('is told as the promotion that it was, when it was stopped after it', async () => {
    await inFlight({ finished: true });
    expect(await cleanUp(event(), services)).toMatchObject({ status: 'promoted', succeeded: true });
    expect(started).toEqual([]);
    expect(sent[0]?.text).toContain('Previous Version: 2');
  });

  it('says what to do when it was a rollback', async () => {
    await cleanUp(event({ input: JSON.stringify({ model_name: MODEL, operation: 'rollback' }) }), services);
    expect(sent[0]?.text).toContain("start the rollback again when the model's lease has ended, in 130 s");
  });

  it('changes nothing, sends nothing and counts nothing when it had told its end itself', async () => {
    await inFlight();
    const state = { operation: 'promote', model_name: MODEL, error: { Error: 'X', Cause: 'first' } };
    await end({ state, execution }, services);
    // The next one is at work when the event of the first arrives.
    await store.takeLease(MODEL, 'next', now, 60);
    const before = JSON.stringify(emulator.snapshot());
    const requests = emulator.requests.length;
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'sweep-promotions');
    const lines = printedLines();
    expect(await cleanUp(event({ status: 'FAILED' }), services)).toMatchObject({ reason: 'X: first' });
    expect(measured(lines)).toEqual([]);
    expect([sent.length, started, emulator.requests.length]).toEqual([1, [], requests]);
    expect(JSON.stringify(emulator.snapshot())).toBe(before);
    expect(await store.takeLease(MODEL, 'another', now, 60)).toMatchObject({ holder: 'next' });
  });

  it('gets what its own end had left undone: the alert that was not sent, the lease that was not released', async () => {
    const state = { operation: 'promote', model_name: MODEL, error: { Error: 'X', Cause: 'first' } };
    await store.takeLease(MODEL, execution, now, 600);
    await store.recordOutcome(inWords(outcomeOf(state, execution, now)), 'pending');
    expect(await cleanUp(event({ status: 'FAILED' }), services)).toMatchObject({ alert: 'sent' });
    expect(sent).toHaveLength(1);
    expect(await isFreeAfter(71)).toBe(true);
  });
});

describe('the event', () => {
  it('is taken as EventBridge has it, with fields that nobody asked for', async () => {
    const detail = {
      executionArn: execution,
      stateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion',
      name: 'e1',
      status: 'TIMED_OUT',
      startDate: now.getTime() - 60_000,
      stopDate: now.getTime(),
      input: '{"model_name":"PascalStrategy"}',
      output: null,
      inputDetails: { included: true },
      outputDetails: null,
      error: null,
      cause: null,
    };
    vi.stubEnv('ALERT_SNS_TOPIC_ARN', undefined);
    vi.stubEnv('PROMOTION_TABLE', table.name);
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', table.endpoint);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
    vi.stubEnv('MLFLOW_TRACKING_URI', emulator.url);
    expect(await handler(detail)).toMatchObject({
      status: 'failed',
      reason: 'TIMED_OUT: The execution timed out; no change was in progress',
      alert: 'off',
    });
    await expect(handler({ ...detail, status: 'RUNNING' })).rejects.toMatchObject({ name: 'InvalidInput' });
  });
});

describe('an execution whose end nobody has told of', () => {
  const sfn = mockClient(SFNClient);
  const arn = 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion';
  const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  /** Step Functions knows this one, which was aborted so many minutes ago. */
  function aborted(minutes: number) {
    const found = { executionArn: execution, stateMachineArn: arn, name: 'e1', startDate: ago(minutes + 5) };
    sfn.on(ListExecutionsCommand).resolves({ executions: [] });
    sfn
      .on(ListExecutionsCommand, { stateMachineArn: arn, statusFilter: 'ABORTED' })
      .resolves({ executions: [{ ...found, status: 'ABORTED', stopDate: ago(minutes) }] });
    sfn
      .on(DescribeExecutionCommand, { executionArn: execution })
      .resolves({ ...found, status: 'ABORTED', input: event().input });
  }
  beforeEach(() => {
    sfn.reset();
    sfn.on(StartExecutionCommand).resolves({});
    services.executions = async () => stepFunctions(arn);
  });
  afterAll(() => sfn.restore());

  it('is ended by the sweep: outcome, alert, rollback, lease; and once', async () => {
    await inFlight();
    aborted(11);
    expect(await cleanUpMissed(services)).toBe(1);
    expect(sent[0]?.text).toContain('was aborted');
    const undone = sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input;
    expect(undone).toMatchObject({ stateMachineArn: arn, name: 'undo-e1' });
    expect(await isFreeAfter(71)).toBe(true);
    expect(await cleanUpMissed(services)).toBe(0);
    expect([sent.length, sfn.commandCalls(StartExecutionCommand).length]).toEqual([1, 1]);
  });

  it.each([
    ['while its event may still come', 9],
    ['when it is history', 121],
  ])('is left alone %s', async (_, minutes) => {
    aborted(minutes);
    expect(await cleanUpMissed(services)).toBe(0);
    expect(sent).toEqual([]);
  });

  it('is left alone when it has told of its end itself', async () => {
    aborted(11);
    await end({ state: { operation: 'promote', model_name: MODEL }, execution }, services);
    expect(await cleanUpMissed(services)).toBe(0);
    expect(sfn.commandCalls(DescribeExecutionCommand)).toEqual([]);
  });

  it('is left alone when it was redriven meanwhile, or its kind is none that a clean-up is for', async () => {
    aborted(11);
    sfn.on(DescribeExecutionCommand).resolves({ status: 'RUNNING', input: '{}' });
    expect(await cleanUpMissed(services)).toBe(0);
    expect(sent).toEqual([]);
  });

  it('is counted as holding its model while it cannot be cleaned up, and tried again', async () => {
    await inFlight();
    aborted(11);
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'sweep-promotions');
    const lines = printedLines();
    const { registry } = services;
    services.registry = () => {
      throw new Error('MLflow is away');
    };
    expect(await cleanUpMissed(services)).toBe(0);
    expect(measured(lines)).toEqual(['LeaseStuck 1 Count']);
    services.registry = registry;
    expect(await cleanUpMissed(services)).toBe(1);
  });

  it('is not looked for where no state machine is known', async () => {
    services.executions = async () => null;
    expect(await cleanUpMissed(services)).toBe(0);
  });

  it('makes the sweep fail by name when Step Functions does not answer', async () => {
    sfn.on(ListExecutionsCommand).rejects(new Error('no answer'));
    await expect(cleanUpMissed(services)).rejects.toMatchObject({ name: 'StateMachineUnavailable' });
  });
});

describe('an alert that could not be sent', () => {
  it('is sent by the next sweep, once', async () => {
    refuses = true;
    expect(await cleanUp(event(), services)).toMatchObject({ alert: 'pending' });
    expect(await sendPending(services)).toEqual({ sent: 0, pending: 1 });
    refuses = false;
    expect(await sendPending(services)).toEqual({ sent: 1, pending: 0 });
    expect(await sendPending(services)).toEqual({ sent: 0, pending: 0 });
    expect(sent).toHaveLength(1);
  });
});

describe('starting an execution', () => {
  const arn = 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion';

  it('takes one that is there already for a success, and anything else for StateMachineUnavailable', async () => {
    const aws = mockClient(SFNClient);
    const exists = new ExecutionAlreadyExists({ message: 'exists', $metadata: {} });
    aws.on(StartExecutionCommand).rejectsOnce(exists).rejects(new Error('no route'));
    const executions = stepFunctions(arn, { region: 'us-east-1' });
    await executions.start('undo-e1', { operation: 'rollback' });
    await expect(executions.start('undo-e1', {})).rejects.toMatchObject({ name: 'StateMachineUnavailable' });
    expect(aws.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: arn,
      name: 'undo-e1',
      input: '{"operation":"rollback"}',
    });
    aws.restore();
  });
});
