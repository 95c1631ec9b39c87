import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { managedServer } from '../../lambdas/adapters/aws/sagemaker-arn.ts';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';

/** MLflow managed by SageMaker: a gateway that checks each signature by itself, in front of the emulator. */

const ARN = 'arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/models';
const KEY = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'geheim/key+1',
  AWS_SESSION_TOKEN: 'session',
};

let emulator: MlflowEmulator;
let gateway: Server;
let url: string;
let seen: { path: string; headers: IncomingMessage['headers'] }[];
let problems: string[];
let refuseAll: boolean;

beforeAll(async () => {
  emulator = await startMlflowEmulator({});
  gateway = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    seen.push({ path: request.url ?? '', headers: request.headers });
    if (refuseAll) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"message": "no"}');
      return;
    }
    const problem = problemWith(request, body);
    if (problem !== null) {
      problems.push(problem);
      response
        .writeHead(403, { 'content-type': 'application/json' })
        .end(JSON.stringify({ message: problem }));
      return;
    }
    const answer = await fetch(`${emulator.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body.length === 0 ? {} : { body }),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  await new Promise<void>((done) => gateway.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((done) => gateway.close(done));
  await emulator.close();
});
beforeEach(() => {
  seen = [];
  problems = [];
  refuseAll = false;
  emulator.reset();
});

const registryWith = (more: Record<string, string> = {}) =>
  registryServices(
    { MLFLOW_TRACKING_URI: ARN, SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: url, ...KEY, ...more },
    systemClock,
  ).registry;

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
const rfc3986 = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Signature Version 4, written down from "Create a signed AWS API request" in the IAM user guide; null when it is right. */
function problemWith(request: IncomingMessage, body: Buffer): string | null {
  const { authorization = '', 'x-amz-date': date = '', 'x-amz-content-sha256': hash } = request.headers;
  const [, scope = '', signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (signature === '') return `unsigned: ${authorization}`;
  if (hash !== sha256(body)) return 'the body is not the one that was signed';
  for (const needed of ['host', 'x-amz-date', 'x-mlflow-sm-tracking-server-arn', 'x-amz-security-token']) {
    if (!signedHeaders.split(';').includes(needed)) return `${needed} is not signed`;
  }
  const [path = '', search = ''] = (request.url ?? '').split('?');
  // As a service decodes and encodes again: what was sent has to be in that form already.
  const query = search
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) =>
      pair
        .split('=')
        .map((part) => rfc3986(decodeURIComponent(part)))
        .join('='),
    )
    .sort();
  const canonical = [
    request.method,
    path.split('/').map(rfc3986).join('/'),
    query.join('&'),
    ...signedHeaders
      .split(';')
      .map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    hash,
  ].join('\n');
  const [day = '', region = '', service = ''] = scope.split('/');
  if (`${region}/${service}` !== 'eu-west-1/sagemaker-mlflow') return `scope ${scope}`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${KEY.AWS_SECRET_ACCESS_KEY}`,
  );
  return hmac(key, toSign).toString('hex') === signature ? null : `another signature over:\n${canonical}`;
}

describe('requests to MLflow on SageMaker', () => {
  it.each([
    'PascalStrategy',
    'with spaces + plus',
    'x?y#z',
    `it's "quoted"`,
    "it's",
    'a~b*(c)!',
    '模型 🚀',
    'a&c=d%20',
  ])('are signed so that the gateway understands them for the model %j', async (name) => {
    const registry = registryWith();
    emulator.registry.createModel(name);
    emulator.registry.createVersion(name, {});
    expect(await registry.getModel(name)).toMatchObject({ name });
    await registry.setVersionTag(name, '1', 'promotion.id', '{"why": "a line\\nbreak"}');
    await registry.moveToProduction(name, '1');
    await registry.setModelTag(name, 'promotion.fence', '7');
    await registry.setAlias(name, 'champion', '1');
    expect(await registry.getRun(name)).toBeNull();
    const [version] = await registry.listVersions(name);
    expect(version).toMatchObject({ version: '1', stage: 'Production' });
    expect(problems).toEqual([]);
  });

  it('for a name that no model can have are signed, too', async () => {
    expect(await registryWith().getModel('../../x?y#z')).toBeNull();
    expect(await registryWith().listVersions('../../x?y#z')).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('name the server that they are for', async () => {
    await registryWith().getModel('m');
    expect(seen[0]?.headers['x-mlflow-sm-tracking-server-arn']).toBe(ARN);
  });

  it('are signed with the credentials of that moment, with or without a session', async () => {
    const env: NodeJS.ProcessEnv = {
      MLFLOW_TRACKING_URI: ARN,
      SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: url,
      ...KEY,
    };
    const { registry } = registryServices(env, systemClock);
    await registry.getModel('m');
    env['AWS_SESSION_TOKEN'] = 'another session';
    await registry.getModel('m');
    expect(seen.map(({ headers }) => headers['x-amz-security-token'])).toEqual([
      'session',
      'another session',
    ]);
    expect(problems).toEqual([]);
  });

  it.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('are not sent without %s', async (name) => {
    await expect(registryWith({ [name]: '' }).getModel('m')).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message: expect.stringContaining('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'),
    });
    expect(seen).toEqual([]);
  });

  it('are sent once when they are answered with 401, as there is nothing to renew', async () => {
    refuseAll = true;
    await expect(registryWith().getModel('m')).rejects.toMatchObject({ name: 'MlflowRefused', status: 401 });
    expect(seen).toHaveLength(1);
  });

  it('are refused with a typed error when the role may not, which repeats no key', async () => {
    const error = await registryWith({ AWS_SECRET_ACCESS_KEY: 'geheim-and-wrong' })
      .getModel('m')
      .then(
        () => null,
        (reason: unknown) => reason,
      );
    expect(error).toMatchObject({ name: 'MlflowRefused' });
    expect(String(error)).not.toMatch(/geheim|session/);
  });
});

describe('an ARN', () => {
  it.each([
    [ARN, 'https://eu-west-1.experiments.sagemaker.aws', 'sagemaker-mlflow'],
    [
      'arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:mlflow-tracking-server/m',
      'https://us-gov-west-1.experiments.sagemaker.aws',
      'sagemaker-mlflow',
    ],
    [
      'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-ABC',
      'https://mlflow.sagemaker.us-east-1.app.aws',
      'sagemaker',
    ],
  ])('%s leads to %s', (arn, address, service) => {
    expect(managedServer(arn)).toMatchObject({ url: address, service, arn });
  });

  it.each([
    'https://mlflow.example.com',
    'arn:aws:s3:::bucket',
    'arn:aws-cn:sagemaker:cn-north-1:123456789012:mlflow-tracking-server/m',
  ])('%s is none of SageMaker', (arn) => {
    expect(managedServer(arn)).toBeNull();
  });
});
