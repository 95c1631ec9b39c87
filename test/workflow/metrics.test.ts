import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { type SnsEmulator, startSnsEmulator } from '../../emulators/aws/sns.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { dynamodbStore, noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { LeaseStoreUnavailable } from '../../lambdas/domain/errors.ts';
import { PrepareInput } from '../../lambdas/domain/payloads.ts';
import { bare, releaseOf } from '../../lambdas/domain/release/found.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import { type FailureCode, Progress } from '../../lambdas/domain/serving/payloads.ts';
import { handler as rollbackHandler } from '../../lambdas/model-rollback.ts';
import { handler as promoteHandler } from '../../lambdas/promote-model.ts';
import { notifyServices } from '../../lambdas/runtime/notify-services.ts';
import { readingServices } from '../../lambdas/runtime/reading-services.ts';
import { type EndServices, end } from '../../lambdas/use-cases/end-promotion.ts';
import type { PrepareServices } from '../../lambdas/use-cases/parts/preparation.ts';
import { type LeaseCall, withLease } from '../../lambdas/use-cases/parts/with-lease.ts';
import { prepare } from '../../lambdas/use-cases/prepare-promotion.ts';
import { sendPending } from '../../lambdas/use-cases/sweep-promotions.ts';
import { embeddedMetrics, measured, printedLines } from '../support/printed-lines.ts';
import { sampleOutcome } from '../support/sample-outcome.ts';
import {
  closed,
  promoted as promotion,
  prepared as readied,
  replaced,
  rolledBack,
} from '../support/stub-functions.ts';

/** What the functions tell CloudWatch, and what chat is told beside the mail. */

const MODEL = 'PascalStrategy';
const execution = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const started_at = '2026-11-21T10:00:00.000Z';
const now = new Date('2026-11-21T10:20:00Z');
const chatTopic = 'arn:aws:sns:us-east-1:123456789012:promotion-chat';

let mlflow: MlflowEmulator;
let sns: SnsEmulator;
let table: LocalTable;
let store: PromotionStore;
let services: EndServices;
let lines: string[];

beforeAll(async () => {
  [sns, mlflow] = await Promise.all([startSnsEmulator(), startMlflowEmulator({})]);
});
afterAll(() => Promise.all([sns, mlflow].map((each) => each.close())));
beforeEach(async () => {
  sns.reset();
  mlflow.reset();
  table = await startLocalTable();
  const variables = {
    AWS_LAMBDA_FUNCTION_NAME: 'end-promotion',
    MLFLOW_TRACKING_URI: mlflow.url,
    AWS_ENDPOINT_URL_SNS: sns.url,
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    ENVIRONMENT: 'test',
    PROMOTION_TABLE: table.name,
    ALERT_SNS_TOPIC_ARN: sns.topicArn,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  store = dynamodbStore(new DynamoDBClient({}), table.name);
  services = servicesWith({});
  lines = printedLines();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await table.close();
});

function servicesWith(more: NodeJS.ProcessEnv): EndServices {
  const env = { ...process.env, ...more };
  const clock = { now: () => now };
  return { ...notifyServices(env), ...readingServices(env, clock), clock };
}

const state = (more: object = {}) => ({
  valid: true,
  operation: 'promote',
  model_name: MODEL,
  started_at,
  ...more,
});
const promoted = state({ prepared: readied(), promotion, closing: closed() });
const metrics = () => measured(lines);
const cancelledFor = (cancelled_for: FailureCode) => Progress.parse({ cancelled_for });

describe('an outcome', () => {
  it('is counted when it is recorded, with the time since the execution began', async () => {
    await end({ state: promoted, execution }, services);
    expect(metrics()).toEqual(['Promoted 1 Count', 'LeadTime 1200 Seconds']);
    expect(embeddedMetrics(lines)).toMatchObject([
      {
        Environment: 'test',
        _aws: { CloudWatchMetrics: [{ Namespace: 'ModelPromotion', Dimensions: [['Environment']] }] },
      },
    ]);
  });

  it('is not counted again when the step runs again, nor by the sweeps that send its alert', async () => {
    sns.faults.add({ path: 'Publish', times: 2, effect: refusal });
    await end({ state: promoted, execution }, services);
    await end({ state: promoted, execution }, services);
    await sendPending(services);
    await end({ state: promoted, execution }, services);
    expect(metrics()).toEqual([
      'Promoted 1 Count',
      'LeadTime 1200 Seconds',
      'AlertNotSent 1 Count',
      'AlertNotSent 1 Count',
      'AlertsPending 0 Count',
    ]);
    expect(sns.published).toHaveLength(1);
  });

  it('of an attempt that completes what another execution began is counted as what it came to', async () => {
    const rollback = rolledBack({ finding: { code: 'completed', from: '2', to: '3' }, rolled_back: false });
    const attempt = state({ operation: 'resume', change_id: 'e0', prepared: readied(), rollback });
    await store.takeLease(MODEL, 'e0', now, 60);
    const live = releaseOf(
      { version: '3', workload_id: null, artifact_id: null },
      { change: 'e0', at: now.toISOString() },
    );
    const holder = { model: MODEL, owner: 'e0', fence: 1, now };
    await store.adopt(holder, { change: null, live: null }, bare(live), []);
    mlflow.registry.createVersion(MODEL, { stage: 'Archived' });
    mlflow.registry.createVersion(MODEL, { stage: 'None' });
    mlflow.registry.createVersion(MODEL, { stage: 'Production' });
    await end({ state: attempt, execution }, services);
    expect(metrics()).toEqual(['Promoted 1 Count', 'LeadTime 1200 Seconds']);
  });

  it.each([
    ['says so', { failure: 'deadline' }],
    ['was cancelled for it', { failure: 'cancel-unconfirmed', progress: cancelledFor('deadline') }],
  ] as const)('counts a rollout that ran out of time, when it %s', async (_, failed) => {
    const serving = replaced({ status: 'failed', ...failed });
    const rollback_error = { Error: 'X', Cause: 'no answer' };
    await end({ state: state({ prepared: readied(), serving, rollback_error }), execution }, services);
    expect(metrics()).toEqual([
      'Failed 1 Count',
      'RollbackFailed 1 Count',
      'RolloutDeadlineExceeded 1 Count',
    ]);
  });

  it('is counted without a time when nobody knows when it began', async () => {
    for (const [index, when] of [undefined, null, 'yesterday', 12].entries())
      await end({ state: { ...promoted, started_at: when }, execution: `e${index}` }, services);
    await end({ state: { Error: 'States.Timeout', Cause: 'first step' }, execution: 'e9' }, services);
    expect(metrics()).toEqual([...Array(4).fill('Promoted 1 Count'), 'Failed 1 Count']);
  });
});

describe('a direct call of model-rollback', () => {
  it('counts what it could not bring back, once for a request that Lambda repeats', async () => {
    for (const stage of ['Archived', 'Production', 'Staging'])
      mlflow.registry.createVersion(MODEL, { stage });
    for (const new_version of ['1', '2'])
      await promoteHandler({ model_name: MODEL, new_version }, { awsRequestId: `promotes-${new_version}` });
    lines.length = 0;
    // Somebody moves the model by hand: that is not ours to undo.
    mlflow.registry.transition(MODEL, '3', 'Production', { archive: true });
    for (const _ of ['first', 'repeated']) {
      const answer = await rollbackHandler({ model_name: MODEL }, { awsRequestId: 'r1' });
      expect(answer).toMatchObject({ status: 'contested', rolled_back: false });
    }
    expect(metrics()).toEqual(['Contested 1 Count', 'RollbackFailed 1 Count']);
  });
});

const refusal = {
  kind: 'answer',
  status: 400,
  body: '<ErrorResponse><Error><Code>InvalidParameter</Code><Message>no</Message></Error></ErrorResponse>',
} as const;

describe('alerts that are still to be sent', () => {
  it('are measured by each sweep as it leaves them, 0 included', async () => {
    await sendPending(services);
    sns.faults.add({ path: 'Publish', times: 4, effect: refusal });
    for (const name of ['e1', 'e2']) await end({ state: promoted, execution: name }, services);
    expect(await sendPending(services)).toEqual({ sent: 0, pending: 2 });
    expect(await sendPending(services)).toEqual({ sent: 2, pending: 0 });
    expect(metrics().filter((metric) => metric.startsWith('AlertsPending'))).toEqual([
      'AlertsPending 0 Count',
      'AlertsPending 2 Count',
      'AlertsPending 0 Count',
    ]);
  });

  it('are counted beyond those that one sweep takes on, up to a limit', async () => {
    const outcomes = Array.from({ length: 104 }, (_, index) => ({
      ...sampleOutcome,
      execution: `e${index}`,
    }));
    for (const outcome of outcomes) await store.recordOutcome(outcome, 'pending', null);
    expect(await sendPending(services)).toEqual({ sent: 25, pending: 79 });
    expect(await sendPending({ ...services, alerts: null })).toEqual({ sent: 0, pending: 79 });
    for (const outcome of outcomes)
      await store.recordOutcome({ ...outcome, execution: `more-${outcome.execution}` }, 'pending', null);
    expect(await sendPending({ ...services, alerts: null })).toEqual({ sent: 0, pending: 100 });
  });

  it('are not those that were sent just now, which the index may still show', async () => {
    await store.recordOutcome({ ...sampleOutcome, execution }, 'pending', null);
    const pendingExecutions = async () => [execution, 'another'];
    expect(await sendPending({ ...services, store: { ...store, pendingExecutions } })).toEqual({
      sent: 1,
      pending: 1,
    });
  });

  it('are left to the next sweep when publishing takes its time', async () => {
    const outcomes = ['e1', 'e2', 'e3'].map((name) => ({ ...sampleOutcome, execution: name }));
    for (const outcome of outcomes) await store.recordOutcome(outcome, 'pending', null);
    let passed = 0;
    const clock = { now: () => new Date(now.getTime() + passed) };
    const publish = async () => {
      passed += 3_000;
    };
    const alerts = { publish };
    expect(await sendPending({ ...services, alerts, clock })).toEqual({ sent: 2, pending: 1 });
  });
});

describe('a topic for chat', () => {
  beforeEach(() => {
    services = servicesWith({ ALERT_CHAT_TOPIC_ARN: chatTopic });
  });
  const createTopic = () =>
    fetch(sns.url, {
      method: 'POST',
      headers: { authorization: 'AWS4-HMAC-SHA256 Credential=a' },
      body: new URLSearchParams({ Action: 'CreateTopic', Name: 'promotion-chat' }),
    });
  const topics = () => sns.requests.filter(({ path }) => path === 'Publish').map(topicOf);
  const topicOf = ({ body }: { body?: unknown }) => (body as Record<string, string>)['TopicArn'];

  it('gets each alert once the mail has gone out', async () => {
    await createTopic();
    expect(await end({ state: promoted, execution }, services)).toMatchObject({ alert: 'sent' });
    expect(topics()).toEqual([sns.topicArn, chatTopic]);
    expect(sns.published).toHaveLength(2);
    expect(metrics().filter((metric) => metric.startsWith('AlertNotSent'))).toEqual([]);
  });

  it('changes nothing but a count when it cannot be reached: no mail is sent again', async () => {
    expect(await end({ state: promoted, execution }, services)).toMatchObject({ alert: 'sent' });
    expect(metrics()).toContain('AlertNotSent 1 Count');
    await end({ state: promoted, execution }, services);
    expect(await sendPending(services)).toEqual({ sent: 0, pending: 0 });
    expect(topics()).toEqual([sns.topicArn, chatTopic]);
    expect(sns.published).toHaveLength(1);
  });

  it('is not told before the mail: both are told by the sweep', async () => {
    await createTopic();
    sns.faults.add({ path: 'Publish', times: 1, effect: refusal });
    expect(await end({ state: promoted, execution }, services)).toMatchObject({ alert: 'pending' });
    expect(topics()).toEqual([sns.topicArn]);
    await sendPending(services);
    expect(topics()).toEqual([sns.topicArn, sns.topicArn, chatTopic]);
  });

  it('is told when the mail is known to be sent: a function that ends meanwhile has nothing to send again', async () => {
    const pending: string[][] = [];
    const chat = {
      publish: async () => {
        pending.push(await store.pendingExecutions(10));
      },
    };
    await end({ state: promoted, execution }, { ...services, chat });
    expect(pending).toEqual([[]]);
  });

  it('is silent with the alerts', () => {
    const off = servicesWith({ ALERT_CHAT_TOPIC_ARN: chatTopic, ALERTS_ENABLED: 'false' });
    expect([off.alerts, off.chat]).toEqual([null, null]);
  });
});

describe('a lease that is stuck', () => {
  const ask = (by: PromotionStore = store) =>
    prepare(
      PrepareInput.parse({
        operation: 'promote',
        model_name: MODEL,
        wait_for_lease_minutes: 0,
        dry_run: false,
        comparison: null,
        change_id: null,
        execution: 'next',
        started_at,
      }),
      { store: by, clock: { now: () => now } } as PrepareServices,
    );
  const endedAgo = (seconds: number) =>
    store.recordOutcome(
      { ...sampleOutcome, execution, recorded_at: new Date(now.getTime() - seconds * 1000).toISOString() },
      'none',
      null,
    );

  it('is counted when its holder ended more than five minutes ago', async () => {
    await store.takeLease(MODEL, execution, now, 3600);
    await endedAgo(301);
    expect(await ask()).toMatchObject({ status: 'busy', holder: execution });
    expect(metrics()).toEqual(['LeaseStuck 1 Count']);
  });

  it('is none while its holder is at work, or has only just ended', async () => {
    await store.takeLease(MODEL, execution, now, 3600);
    expect(await ask()).toMatchObject({ status: 'busy' });
    await endedAgo(299);
    expect(await ask()).toMatchObject({ status: 'busy' });
    expect(metrics()).toEqual([]);
  });

  it('is not looked for at the price of the answer', async () => {
    await store.takeLease(MODEL, execution, now, 3600);
    const outcomeRecordedAt = () => Promise.reject(new LeaseStoreUnavailable('DynamoDB: Timeout'));
    expect(await ask({ ...store, outcomeRecordedAt })).toMatchObject({ status: 'busy' });
    expect(metrics()).toEqual([]);
  });

  it('is counted when a direct call cannot release its own', async () => {
    const releaseLease = () => Promise.reject(new LeaseStoreUnavailable('DynamoDB: Timeout'));
    const call: LeaseCall = {
      ...{ function: 'promote-model' as const, model_name: MODEL },
      ...{ fence: null, execution: null, requestId: 'r1' },
    };
    const clock = { now: () => now };
    const done = withLease(
      call,
      { store: { ...noStore, releaseLease }, clock },
      async () => 'done',
      () => 'busy',
    );
    expect(await done).toBe('done');
    expect(metrics()).toEqual(['LeaseStuck 1 Count']);
  });
});
