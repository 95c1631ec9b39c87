import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../infra/emulators/mlflow.ts';
import { type LocalTable, startLocalTable } from '../../infra/local/table.ts';
import { dynamodbStore, type PromotionStore } from '../../lambdas/adapters/dynamodb.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { mlflow } from '../../lambdas/adapters/mlflow.ts';
import { stepFunctions } from '../../lambdas/adapters/step-functions.ts';
import type { Alert } from '../../lambdas/domain/alert/alert.ts';
import { cleanUp, type EndServices, end, sweep } from '../../lambdas/end-promotion.ts';
import { intent, recorded } from '../support/registry.ts';

/** end-promotion for executions that could not end themselves, and for alerts that could not be sent. */

const MODEL = 'PascalStrategy';
const execution = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const now = new Date('2026-11-21T10:00:00Z');
const limits = {
  connectMs: 500,
  headersMs: 1_000,
  bodyMs: 1_000,
  totalMs: 3_000,
  maxBytes: 1_000_000,
  retries: 0,
  backoffMs: 1,
};

let emulator: MlflowEmulator;
let table: LocalTable;
let client: DynamoDBClient;
let store: PromotionStore;
let started: { name: string; input: object }[];
let sent: Alert[];
let refuses: boolean;
let services: EndServices;

beforeAll(async () => {
  emulator = await startMlflowEmulator({});
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await table?.close();
  table = await startLocalTable();
  client = new DynamoDBClient({
    endpoint: table.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  store = dynamodbStore(client, table.name);
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
    registry: () =>
      mlflow({ trackingUri: emulator.url, credentials: { kind: 'none' }, http: httpClient(limits) }),
    executions: () => ({
      start: async (name, input) => {
        started.push({ name, input });
      },
    }),
  };
});
afterAll(() => table.close());

/** Version 3 was announced by the execution that is cleaned up, which still has the lease. */
async function inFlight({ finished = false, lease = true } = {}) {
  const fence = lease ? await store.takeLease(MODEL, execution, now, 60) : null;
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
const event = (more: object = {}) => ({
  execution,
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
    expect(await store.takeLease(MODEL, 'next', now, 60)).toMatchObject({ taken: false });
    const later = new Date(now.getTime() + 71_000);
    expect(await store.takeLease(MODEL, 'next', later, 60)).toMatchObject({ taken: true });
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

  it.each([[undefined], ['not JSON'], ['[]'], ['{}'], [JSON.stringify({ model_name: 'missing' })]])(
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
    expect(sent[0]?.text).toContain('start the rollback again');
  });

  it('keeps the outcome that it had recorded itself', async () => {
    await end(
      {
        state: { operation: 'promote', model_name: MODEL, error: { Error: 'X', Cause: 'first' } },
        execution,
      },
      services,
    );
    expect(await cleanUp(event({ status: 'FAILED' }), services)).toMatchObject({ reason: 'X: first' });
    expect(sent).toHaveLength(1);
  });
});

describe('an alert that could not be sent', () => {
  it('is sent by the next sweep, once', async () => {
    refuses = true;
    expect(await cleanUp(event(), services)).toMatchObject({ alert: 'pending' });
    expect(await sweep(services)).toEqual({ sent: 0, pending: 1 });
    refuses = false;
    expect(await sweep(services)).toEqual({ sent: 1, pending: 0 });
    expect(await sweep(services)).toEqual({ sent: 0, pending: 0 });
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
