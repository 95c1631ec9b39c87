import {
  CreateTopicCommand,
  ListTopicsCommand,
  PublishCommand,
  type PublishCommandInput,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SnsEmulator, startSnsEmulator } from '../../emulators/aws/sns.ts';

let sns: SnsEmulator;
let client: SNSClient;
const publish = (input: Partial<PublishCommandInput>) =>
  client.send(new PublishCommand({ TopicArn: sns.topicArn, Message: 'hello', ...input }));

beforeAll(async () => {
  sns = await startSnsEmulator();
  client = new SNSClient({
    endpoint: sns.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
});
afterEach(() => sns.reset());
afterAll(() => sns.close());

describe('the SNS emulator, to the AWS SDK', () => {
  it('takes a plain message for every protocol', async () => {
    const { MessageId } = await publish({ Message: 'Grüße & <b>\n', Subject: 'A subject' });
    expect(MessageId).toMatch(/^[0-9a-f-]{36}$/);
    const text = 'Grüße & <b>\n';
    expect(sns.published).toEqual([
      {
        topicArn: sns.topicArn,
        subject: 'A subject',
        message: { default: text, email: text, https: text },
        attributes: {},
        messageId: MessageId,
      },
    ]);
  });

  it('gives each protocol its own text, or the default', async () => {
    const Message = JSON.stringify({ default: 'd', https: 'h', email: 5 });
    await publish({ Message, MessageStructure: 'json' });
    expect(sns.published[0]?.message).toEqual({ default: 'd', email: 'd', https: 'h' });
  });

  it.each<[string, Partial<PublishCommandInput>, string]>([
    ['an empty subject', { Subject: '' }, 'Subject'],
    ['a subject of 100 characters', { Subject: 'x'.repeat(100) }, 'Subject'],
    ['a line break in the subject', { Subject: 'a\nb' }, 'Subject'],
    ['a control character in the subject', { Subject: 'a\u0007b' }, 'Subject'],
    ['a subject beyond ASCII', { Subject: 'é' }, 'Subject'],
    ['a subject that begins with a space', { Subject: ' a' }, 'Subject'],
    ['an empty message', { Message: '' }, 'Empty message'],
    ['a message of 262,145 bytes', { Message: `${'é'.repeat(131_072)}x` }, 'Message too long'],
    [
      'broken JSON',
      { Message: '{', MessageStructure: 'json' },
      'Message Structure - JSON message body failed to parse',
    ],
    [
      'JSON that is no object',
      { Message: '[]', MessageStructure: 'json' },
      'Message Structure - JSON message body failed to parse',
    ],
    [
      'no default entry',
      { Message: '{"email":"e"}', MessageStructure: 'json' },
      'Message Structure - No default entry in JSON message body',
    ],
    [
      'a default that is no string',
      { Message: '{"default":1}', MessageStructure: 'json' },
      'Message Structure - No default entry in JSON message body',
    ],
    ['an unknown structure', { MessageStructure: 'xml' }, 'MessageStructure'],
    ['a topic that is no ARN', { TopicArn: 'alerts' }, 'TopicArn'],
  ])('refuses %s', async (_, input, problem) => {
    await expect(publish(input)).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: `Invalid parameter: ${problem}`,
      $metadata: { httpStatusCode: 400 },
    });
    expect(sns.published).toEqual([]);
  });

  it('takes a message of exactly 262,144 bytes', async () => {
    await publish({ Message: 'é'.repeat(131_072) });
    expect(sns.published).toHaveLength(1);
  });

  it('refuses an attribute without a value', async () => {
    const MessageAttributes = { kind: { DataType: 'String', StringValue: '' } };
    await expect(publish({ MessageAttributes })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    });
  });

  it('knows the topics that were created, and no others', async () => {
    const { TopicArn } = await client.send(new CreateTopicCommand({ Name: 'other' }));
    await publish({ TopicArn });
    const { Topics } = await client.send(new ListTopicsCommand({}));
    expect(Topics).toEqual([{ TopicArn: sns.topicArn }, { TopicArn }]);
    sns.reset();
    await expect(publish({ TopicArn })).rejects.toMatchObject({ name: 'NotFoundException' });
    await expect(client.send(new CreateTopicCommand({ Name: 'a b' }))).rejects.toThrow('Invalid parameter');
  });

  it('answers 501 and names an action it does not have', async () => {
    const subscribe = new SubscribeCommand({
      TopicArn: sns.topicArn,
      Protocol: 'email',
      Endpoint: 'a@b.example',
    });
    await expect(client.send(subscribe)).rejects.toMatchObject({
      message: 'The SNS emulator has no action "Subscribe"',
      $metadata: { httpStatusCode: 501 },
    });
  });

  it('refuses a request without a signature, and has nothing to show a browser', async () => {
    const response = await fetch(sns.url, {
      method: 'POST',
      body: new URLSearchParams({ Action: 'ListTopics' }),
    });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('MissingAuthenticationToken');
    expect((await fetch(sns.url)).status).toBe(404);
  });

  it('drops, delays and interferes as asked', async () => {
    const order: string[] = [];
    sns.faults.add({ path: 'Publish', times: 1, effect: { kind: 'drop', when: 'before' } });
    await expect(publish({})).rejects.toThrow();
    expect(sns.published).toHaveLength(0);
    sns.faults.add({ path: 'Publish', times: 1, effect: { kind: 'drop', when: 'after' } });
    await expect(publish({})).rejects.toThrow();
    expect(sns.published).toHaveLength(1);
    sns.faults.add({ path: 'Publish', times: 1, effect: { kind: 'then', run: () => order.push('then') } });
    await publish({});
    sns.faults.add({ path: 'Publish', times: 1, effect: { kind: 'delay', ms: 1 } });
    await publish({});
    expect(order).toEqual(['then']);
    expect(sns.requests.map(({ status }) => status)).toEqual([null, null, 200, 200]);
  });
});
