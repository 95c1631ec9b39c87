import { createServer, type Server } from 'node:net';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SnsEmulator, startSnsEmulator } from '../../emulators/aws/sns.ts';
import { AlertNotSent, createSnsClient, snsAlerts } from '../../lambdas/adapters/aws/sns.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { sampleOutcome } from '../support/sample-outcome.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'not-a-secret-but-must-not-show' };
const context = { prefix: 'TradAI', environment: 'prod', registryName: 'tradai-models' };
const alert = alertFor(sampleOutcome, context);
const impatient = { connectionTimeout: 300, requestTimeout: 300, throwOnRequestTimeout: true };

let sns: SnsEmulator;
const clientFor = (endpoint: string, more: Parameters<typeof createSnsClient>[0] = {}) =>
  createSnsClient({ endpoint, region: 'us-east-1', credentials, ...more });
const publisher = (more: { topicArn?: string; impatient?: true; totalTimeout?: number } = {}) =>
  snsAlerts({
    client: clientFor(sns.url, more.impatient ? { requestHandler: impatient } : {}),
    topicArn: more.topicArn ?? sns.topicArn,
    ...(more.totalTimeout === undefined ? {} : { totalTimeout: more.totalTimeout }),
  });

async function problemOf(attempt: Promise<void>): Promise<AlertNotSent> {
  const error = await attempt.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof AlertNotSent) return error;
  throw new Error(`expected AlertNotSent, got ${String(error)}`);
}

beforeAll(async () => {
  sns = await startSnsEmulator();
});
afterEach(() => sns.reset());
afterAll(() => sns.close());

describe('publishing an alert', () => {
  it('sends the text to email, the custom notification to chat and the subject to both', async () => {
    await publisher().publish(alert);
    const [message, ...others] = sns.published;
    expect(others).toEqual([]);
    expect(message?.subject).toBe(alert.subject);
    expect(message?.message.email).toBe(alert.text);
    expect(message?.message.default).toBe(alert.text);
    expect(JSON.parse(message?.message.https ?? '')).toEqual(alert.slack);
    expect(message?.attributes).toEqual({
      kind: 'promoted',
      execution: sampleOutcome.execution,
      environment: 'prod',
      model: 'PascalStrategy',
      owner: 'quant-research',
    });
    expect(sns.requests.map(({ path, status }) => [path, status])).toEqual([['Publish', 200]]);
  });

  it.each(['', '\u0000\n', '模型 "🚀"\r\n<!channel>', `${'x'.repeat(5000)}\ud800`])(
    'gets through with the model name %j',
    async (name) => {
      await publisher().publish(alertFor({ ...sampleOutcome, model_name: name }, context));
      expect(sns.published).toHaveLength(1);
    },
  );

  it('gets through without a model and an owner, when the input named none', async () => {
    const unknown = { status: 'invalid_input', model_name: null, owner: null } as const;
    await publisher().publish(alertFor({ ...sampleOutcome, ...unknown }, context));
    expect(sns.published[0]?.attributes).toEqual({
      kind: 'failed',
      execution: sampleOutcome.execution,
      environment: 'prod',
    });
  });

  it('tries a second time when SNS is out of order, and then gives up', async () => {
    const out = { kind: 'answer', status: 503, body: '' } as const;
    sns.faults.add({ path: 'Publish', times: 1, effect: out });
    await publisher().publish(alert);
    expect(sns.published).toHaveLength(1);

    sns.reset();
    sns.faults.add({ path: 'Publish', effect: out });
    expect((await problemOf(publisher().publish(alert))).message).toContain('HTTP 503');
    expect(sns.requests).toHaveLength(2);
  });

  it('may send twice when the answer is lost, but never not at all', async () => {
    sns.faults.add({ path: 'Publish', times: 1, effect: { kind: 'drop', when: 'after' } });
    await publisher().publish(alert);
    expect(sns.published).toHaveLength(2);
  });

  it('says what SNS says about a topic that is not there', async () => {
    const topicArn = sns.topicArn.replace('promotion-alerts', 'gone');
    const error = await problemOf(publisher({ topicArn }).publish(alert));
    expect(error.name).toBe('AlertNotSent');
    expect(error.message).toBe(
      `SNS Publish to ${topicArn} failed: NotFoundException (HTTP 404): Topic does not exist`,
    );
    expect(sns.requests).toHaveLength(1);
  });

  it('repeats nothing of a refused signature, which quotes the signed request', async () => {
    const body =
      '<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>x-amz-security-token:FwoGZXIvYXdz</Message></Error></ErrorResponse>';
    sns.faults.add({ path: 'Publish', effect: { kind: 'answer', status: 403, body } });
    const error = await problemOf(publisher().publish(alert));
    expect(error.message).toContain('SignatureDoesNotMatch (HTTP 403)');
    expect(JSON.stringify([error, error.message, error.cause])).not.toMatch(/FwoGZ|not-a-secret/);
  });

  it('gives up on an SNS that takes the message and never answers', async () => {
    sns.faults.add({ path: 'Publish', effect: { kind: 'delay', ms: 60_000 } });
    const error = await problemOf(publisher({ impatient: true }).publish(alert));
    expect(error.message).toMatch(/ETIMEDOUT|TimeoutError/);
    expect(sns.requests).toHaveLength(2);
  });

  it('gives up after its total time, however the attempts go', async () => {
    sns.faults.add({ path: 'Publish', effect: { kind: 'delay', ms: 60_000 } });
    const error = await problemOf(publisher({ totalTimeout: 200 }).publish(alert));
    expect(error.message).toContain('no answer within 200 ms');
  });

  it('gives up when the answer begins and never ends, and when nobody listens', async () => {
    const stuck = createServer((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<Publish'),
    );
    const url = await listening(stuck);
    const slow = snsAlerts({ client: clientFor(url), topicArn: sns.topicArn, totalTimeout: 300 });
    expect((await problemOf(slow.publish(alert))).message).toContain('no answer within 300 ms');
    stuck.close();
    const nobody = await startSnsEmulator();
    await nobody.close();
    const refused = snsAlerts({ client: clientFor(nobody.url), topicArn: sns.topicArn });
    expect((await problemOf(refused.publish(alert))).message).toContain('ECONNREFUSED');
  });

  it('is limited by the clock that it is given', async () => {
    sns.faults.add({ path: 'Publish', effect: { kind: 'delay', ms: 1_000 } });
    const over = new AbortController();
    const limits: number[] = [];
    const expiry = (ms: number) => {
      limits.push(ms);
      return over.signal;
    };
    const topic = snsAlerts({ client: clientFor(sns.url), topicArn: sns.topicArn, clock: { expiry } });
    const sent = problemOf(topic.publish(alert));
    over.abort();
    expect((await sent).message).toContain('no answer within 12000 ms');
    expect(limits).toEqual([12_000]);
  });

  it.each([200, 404, 500])('does not take an answer of %s that is not from SNS for sent', async (status) => {
    sns.faults.add({ path: 'Publish', effect: { kind: 'answer', status, body: '<html>proxy</html>' } });
    const { message } = await problemOf(publisher().publish(alert));
    expect(message).toContain(status === 200 ? 'no MessageId' : `HTTP ${status}`);
  });

  it('uses a client that gives up by itself: 2 attempts, 3 s to connect, 5 s for an answer', async () => {
    const client = clientFor(sns.url);
    await snsAlerts({ topicArn: sns.topicArn, client }).publish(alert);
    expect(await client.config.maxAttempts()).toBe(2);
    expect(client.config.requestHandler).toMatchObject({
      config: { connectionTimeout: 3000, requestTimeout: 5000, throwOnRequestTimeout: true },
    });
  });

  it('sends one command with MessageStructure json', async () => {
    const mock = mockClient(SNSClient);
    mock.on(PublishCommand).resolves({ MessageId: '1' });
    await snsAlerts({ topicArn: sns.topicArn, client: clientFor(sns.url) }).publish(alert);
    const [call] = mock.commandCalls(PublishCommand);
    mock.restore();
    expect(call?.args[0].input.MessageStructure).toBe('json');
    expect(Object.keys(JSON.parse(call?.args[0].input.Message ?? ''))).toEqual(['default', 'email', 'https']);
  });
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}
