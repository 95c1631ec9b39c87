import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { servingServices } from '../../lambdas/runtime/workload-services.ts';
import { type CannedServer, cannedServer } from '../support/canned-server.ts';
import { type LocalSecrets, startLocalSecrets } from '../support/secrets-manager.ts';

/** Credentials by reference, as the functions read them on AWS: a server that asks for them, a store that has them. */

const arnOf = (name: string) => `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-abcdef`;
/** Where secrets are read from. */
const storeAt = ({ endpoint }: LocalSecrets) => ({
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
});

let secrets: LocalSecrets;
let server: CannedServer;
let accepted: string;
let count = 0;
let arn: string;

beforeAll(async () => {
  secrets = await startLocalSecrets({});
});
afterAll(() => secrets.close());
beforeEach(async () => {
  count += 1;
  arn = arnOf(`secret-${count}`);
  server = await cannedServer((request, response) => {
    const welcome = request.headers.authorization === accepted;
    response
      .writeHead(welcome ? 200 : 401, { 'content-type': 'application/json' })
      .end(welcome ? '{"registered_model":{"name":"m"},"id":"w","name":"w"}' : 'who are you?');
  });
});
afterEach(() => {
  secrets.refuse(null);
  secrets.stall(false);
  vi.useRealTimers();
  server.close();
});

const mlflow = (store = secrets) =>
  registryServices(
    { ...storeAt(store), MLFLOW_TRACKING_URI: server.url, MLFLOW_CREDENTIALS_SECRET_ARN: arn },
    systemClock,
  ).registry;
const workloads = () =>
  servingServices(
    {
      ...storeAt(secrets),
      DATAROBOT_ENDPOINT: `${server.url}/api/v2`,
      DATAROBOT_TOKEN_SECRET_ARN: arn,
    },
    systemClock,
  ).workloads;
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

async function caught(attempt: Promise<unknown>): Promise<Error> {
  const error = await attempt.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error('nothing was thrown');
}

describe('a secret', () => {
  it.each([
    [
      'with a user and a password',
      '{"username": "promoter", "password": "geheim"}',
      basic('promoter:geheim'),
    ],
    ['with a token', '{"token": "geheim"}', 'Bearer geheim'],
  ])('of MLflow %s is what requests show', async (_, text, header) => {
    secrets.put(arn, text);
    accepted = header;
    expect(await mlflow().getModel('m')).toMatchObject({ name: 'm' });
  });

  it.each([
    ['as it is, with the new line that an editor leaves', 'geheim\n'],
    ['as JSON', '{"token": "geheim"}'],
  ])('of DataRobot is the token %s', async (_, text) => {
    secrets.put(arn, text);
    accepted = 'Bearer geheim';
    await workloads()
      .getWorkload('w')
      .catch(() => {});
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer geheim']);
  });

  it('is that of the store in its environment, whatever another store in the process has by the same ARN', async () => {
    const other = await startLocalSecrets({ [arn]: '{"token": "anders"}' });
    secrets.put(arn, '{"token": "geheim"}');
    const [first, second] = [mlflow(), mlflow(other)];
    accepted = 'Bearer geheim';
    expect(await first.getModel('m')).toMatchObject({ name: 'm' });
    accepted = 'Bearer anders';
    expect(await second.getModel('m')).toMatchObject({ name: 'm' });
    expect([secrets.asked, other.asked].map((asked) => asked.filter((each) => each === arn))).toEqual([
      [arn],
      [arn],
    ]);
    await other.close();
  });

  it('is read once for many requests, and not before the first', async () => {
    secrets.put(arn, '{"token": "geheim"}');
    accepted = 'Bearer geheim';
    const registry = mlflow();
    expect(secrets.asked).not.toContain(arn);
    for (let request = 0; request < 3; request += 1) await registry.getModel('m');
    expect(secrets.asked.filter((asked) => asked === arn)).toHaveLength(1);
  });

  it('is read again after five minutes, so that a rotation needs no new process', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-01T00:00:00Z') });
    secrets.put(arn, '{"token": "old"}');
    accepted = 'Bearer old';
    const registry = mlflow();
    await registry.getModel('m');
    secrets.put(arn, '{"token": "new"}');
    vi.setSystemTime(new Date('2026-01-01T00:04:59Z'));
    await registry.getModel('m');
    accepted = 'Bearer new';
    vi.setSystemTime(new Date('2026-01-01T00:05:01Z'));
    await registry.getModel('m');
    const sent = server.requests.map(({ headers }) => headers.authorization);
    expect(sent).toEqual(['Bearer old', 'Bearer old', 'Bearer new']);
  });

  it('that was rotated is taken up at the first refusal, also for a request that must not be sent twice', async () => {
    secrets.put(arn, '{"token": "old"}');
    accepted = 'Bearer old';
    const registry = mlflow();
    await registry.getModel('m');
    secrets.put(arn, '{"token": "new"}');
    accepted = 'Bearer new';
    await registry.moveToProduction('m', '3');
    const shown = server.requests.map(({ headers }) => headers.authorization);
    expect(shown).toEqual(['Bearer old', 'Bearer old', 'Bearer new']);
  });

  it('that is still refused when read again is an error with what to check, and without its value', async () => {
    secrets.put(arn, '{"token": "geheim-and-wrong"}');
    accepted = 'Bearer another';
    const error = await caught(mlflow().getModel('m'));
    expect(error.name).toBe('MlflowRefused');
    expect(error.message).toMatch(/401.*credentials/);
    expect(JSON.stringify([error.message, error.stack])).not.toContain('geheim');
    expect(server.requests).toHaveLength(1);
  });

  it('that was rotated while the store is away is an outage, as nobody knows whether it was the reason', async () => {
    secrets.put(arn, '{"token": "geheim"}');
    accepted = 'Bearer geheim';
    const registry = mlflow();
    await registry.getModel('m');
    accepted = 'Bearer another';
    secrets.refuse({ status: 500, type: 'InternalServiceError' });
    expect(await caught(registry.moveToProduction('m', '3'))).toMatchObject({ name: 'MlflowUnavailable' });
    expect(server.requests).toHaveLength(2);
  });

  it('is blotted out in messages before and after it was rotated', async () => {
    let answer = 'Bearer geheim-1';
    server.close();
    server = await cannedServer((request, response) => {
      const welcome = request.headers.authorization === accepted;
      response.writeHead(welcome ? 400 : 401).end(`no: ${answer}`);
    });
    secrets.put(arn, '{"token": "geheim-1"}');
    accepted = 'Bearer geheim-1';
    const registry = mlflow();
    expect((await caught(registry.getModel('m'))).message).toMatch(/no: Bearer \*\*\*/);
    secrets.put(arn, '{"token": "geheim-2"}');
    accepted = 'Bearer geheim-2';
    answer = 'Bearer geheim-2, not Bearer geheim-1';
    expect((await caught(registry.getModel('m'))).message).toMatch(/no: Bearer \*\*\*, not Bearer \*\*\*/);
  });

  it('that a server repeats in its answer is blotted out in the message', async () => {
    secrets.put(arn, '{"token": "geheim"}');
    server.close();
    server = await cannedServer((_, response) => response.writeHead(403).end('no, Bearer geheim may not'));
    const { message } = await caught(mlflow().getModel('m'));
    expect(message).toMatch(/HTTP 403/);
    expect(message).not.toMatch(/geheim|may not/);
  });
});

describe('a secret that cannot be had', () => {
  it.each([
    'nothing like JSON',
    '{"user": "promoter"}',
    '{"token": "with a space"}',
    '{"token": ""}',
    '[]',
    '',
  ])('as it holds %j is named as a mistake of configuration, without its value', async (text) => {
    secrets.put(arn, text);
    const error = await caught(mlflow().getModel('m'));
    expect(error.name).toBe('InvalidConfiguration');
    expect(error.message).toContain('MLFLOW_CREDENTIALS_SECRET_ARN');
    if (text.length > 2) expect(error.message).not.toContain(text);
    expect(server.requests).toEqual([]);
  });

  it('as it does not exist, is a mistake of configuration', async () => {
    const error = await caught(workloads().getWorkload('w'));
    expect(error).toMatchObject({ name: 'InvalidConfiguration' });
    expect(error.message).toMatch(/DATAROBOT_TOKEN_SECRET_ARN.*ResourceNotFoundException/);
  });

  it('as the function may not read it, is a mistake of configuration', async () => {
    secrets.refuse({ status: 400, type: 'AccessDeniedException' });
    expect(await caught(mlflow().getModel('m'))).toMatchObject({ name: 'InvalidConfiguration' });
  });

  it('as the store is away, is an outage that the state machine tries again', async () => {
    secrets.refuse({ status: 500, type: 'InternalServiceError' });
    expect(await caught(mlflow().getModel('m'))).toMatchObject({ name: 'MlflowUnavailable' });
    expect(await caught(workloads().getWorkload('w'))).toMatchObject({
      name: 'WorkloadApiUnavailable',
      outcomeUnknown: false,
    });
  });

  it('as its answer begins and never ends, is an outage within 3.5 s', async () => {
    secrets.stall(true);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const attempt = caught(mlflow().getModel('m'));
    while (!secrets.asked.includes(arn)) await turn();
    await vi.advanceTimersByTimeAsync(3_500);
    expect(await attempt).toMatchObject({
      name: 'MlflowUnavailable',
      message: expect.stringContaining('TimeoutError'),
    });
    expect(server.requests).toEqual([]);
  });

  it('as it is asked for too often, is an outage', async () => {
    secrets.refuse({ status: 400, type: 'ThrottlingException' });
    expect(await caught(mlflow().getModel('m'))).toMatchObject({ name: 'MlflowUnavailable' });
  });
});
