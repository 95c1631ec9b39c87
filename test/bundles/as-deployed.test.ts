import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { type SnsEmulator, startSnsEmulator } from '../../emulators/aws/sns.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { functionEnvironments } from '../../lambdas/runtime/environment.ts';
import { MODEL, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import {
  assembledStack,
  type Deployed,
  type DeployedFunction,
  deployedIn,
} from '../support/cloud-assembly.ts';
import { type LambdaFunction, lambdaFunction } from '../support/lambda-process.ts';
import { recordedOutcome } from '../support/recorded-outcomes.ts';
import { type LocalSecrets, startLocalSecrets } from '../support/secrets-manager.ts';
import { type CloudFormation, resourcesOf } from '../support/stack-summary.ts';

/** What the environment of the template is worth: that each function is found, identified and configured by it alone. */

const LOGIN = { username: 'promotion', password: 'correct-horse-battery' };
const arnOf = (service: string, id: string) => `arn:aws:${service}:us-east-1:123456789012:${id}`;

let template: CloudFormation;
let deployed: Deployed;
let folder: string;
let mlflow: MlflowEmulator;
let sns: SnsEmulator;
let table: LocalTable;
let secrets: LocalSecrets;
const running: LambdaFunction[] = [];

beforeAll(async () => {
  const assembled = assembledStack('prod');
  template = assembled.template;
  folder = mkdtempSync(join(tmpdir(), 'as-deployed-'));
  [mlflow, sns, table, secrets] = await Promise.all([
    startMlflowEmulator({ auth: LOGIN }),
    startSnsEmulator(),
    startLocalTable(),
    startLocalSecrets({}),
  ]);
  deployed = deployedIn(assembled.directory, template, localName);
  secrets.put(secretOf('compare-models', 'MLFLOW_CREDENTIALS_SECRET_ARN'), JSON.stringify(LOGIN));
  secrets.put(secretOf('replace-workload', 'DATAROBOT_TOKEN_SECRET_ARN'), 'token');
  seedPascalStrategy(mlflow);
});
afterAll(async () => {
  await Promise.all(running.map((one) => one.close()));
  await Promise.all([mlflow, sns, table, secrets].map((each) => each.close()));
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => void vi.unstubAllEnvs());

function localName(type: string, id: string): string {
  if (type === 'AWS::DynamoDB::Table') return table.name;
  if (type === 'AWS::SNS::Topic') return id.includes('Failures') ? arnOf('sns', 'failures') : sns.topicArn;
  if (type === 'AWS::SecretsManager::Secret') return arnOf('secretsmanager', `secret:${id}-abcdef`);
  throw new Error(`Nothing here stands for ${id} (${type})`);
}

function functionOf(name: FunctionName): DeployedFunction {
  const found = deployed.functions.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is not deployed`);
  return found;
}

function secretOf(name: FunctionName, variable: string): string {
  return functionOf(name).environment[variable] ?? '';
}

const endpoints = () => ({
  AWS_ENDPOINT_URL_SNS: sns.url,
  AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
});

/** A fresh process with the template's environment, without the variable that is left out. */
function started(name: FunctionName, without?: string): LambdaFunction {
  const described = functionOf(name);
  const taskRoot = mkdtempSync(join(folder, `${name}-`));
  cpSync(described.asset, taskRoot, { recursive: true });
  const variables = Object.entries(described.environment)
    .filter(([key]) => key !== without)
    .map(([key, value]) => [key, key === 'MLFLOW_TRACKING_URI' ? mlflow.url : value]);
  const one = lambdaFunction(described, taskRoot, { ...Object.fromEntries(variables), ...endpoints() });
  running.push(one);
  return one;
}

/** As data, so that an answer and an error can be compared; times are when they are. */
async function told(invocation: Promise<unknown>): Promise<unknown> {
  const answer = await invocation.then(
    (value) => ({ answer: value ?? null }),
    ({ name, message }: Error) => ({ error: name, message }),
  );
  return JSON.parse(JSON.stringify(answer).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'a time'));
}

describe('the environment of the template', () => {
  const logicalId = (type: string) => resourcesOf(template, type).map(([id]) => id);
  const written = (name: FunctionName, variable: string) => {
    const found = resourcesOf(template, 'AWS::Lambda::Function').find(([, p]) => p['FunctionName'] === name);
    return (found?.[1]['Environment'] as { Variables: Record<string, unknown> } | undefined)?.Variables[
      variable
    ];
  };

  it('names the table, which has the keys of the one that the scenarios use', async () => {
    const [id] = logicalId('AWS::DynamoDB::Table');
    expect(written('end-promotion', 'PROMOTION_TABLE')).toEqual({ Ref: id });
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint: table.endpoint, region: 'us-east-1', credentials });
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table.name }));
    client.destroy();
    const [declared] = resourcesOf(template, 'AWS::DynamoDB::Table').map(([, properties]) => properties);
    expect(declared?.['KeySchema']).toEqual(Table?.KeySchema);
    expect(declared?.['AttributeDefinitions']).toEqual(Table?.AttributeDefinitions);
    const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
      IndexName,
      KeySchema,
      Projection,
    }));
    expect(declared?.['GlobalSecondaryIndexes']).toEqual(indexes);
  });

  it('names the topic that people are subscribed to', () => {
    const subscribed = resourcesOf(template, 'AWS::SNS::Subscription')
      .filter(([, { Protocol }]) => Protocol === 'email')
      .map(([, { TopicArn }]) => TopicArn);
    expect(subscribed).toContainEqual(written('end-promotion', 'ALERT_SNS_TOPIC_ARN'));
  });

  it('names the state machine that the stack deploys', () => {
    const [machine] = resourcesOf(template, 'AWS::StepFunctions::StateMachine');
    const name = machine?.[1]['StateMachineName'];
    expect(functionOf('sweep-promotions').environment['STATE_MACHINE_ARN']).toBe(
      arnOf('states', `stateMachine:${String(name)}`),
    );
  });
});

describe('the credentials in a secret', () => {
  it('open an MLflow server that lets nobody else in', async () => {
    const anonymous = await fetch(`${mlflow.url}/api/2.0/mlflow/registered-models/get?name=${MODEL}`);
    expect(anonymous.status).toBe(401);
    const answer = await started('compare-models').invoke({ model_name: MODEL }, 0);
    expect(answer).toMatchObject({ decision: 'PROMOTE', challenger_version: '3' });
    expect(secrets.asked).toContain(secretOf('compare-models', 'MLFLOW_CREDENTIALS_SECRET_ARN'));
  });

  it('are taken up without a new process after they were exchanged, and never told when they are wrong', async () => {
    const arn = secretOf('compare-models', 'MLFLOW_CREDENTIALS_SECRET_ARN');
    const wrong = 'not-the-password-any-more';
    secrets.put(arn, JSON.stringify({ ...LOGIN, password: wrong }));
    const one = started('compare-models');
    const refused = await told(one.invoke({ model_name: MODEL }, 0));
    expect(refused).toMatchObject({ error: expect.stringMatching(/^Mlflow/) });
    secrets.put(arn, JSON.stringify(LOGIN));
    expect(await one.invoke({ model_name: MODEL }, 0)).toMatchObject({ decision: 'PROMOTE' });
    for (const secret of [wrong, LOGIN.password])
      expect(JSON.stringify(refused) + one.printed()).not.toContain(secret);
  });
});

/** The executions that these functions end. They read both sides only to tell what they show. */
const ENDED = {
  'end-promotion': arnOf('states', 'execution:promotion:ended'),
  'sweep-promotions': arnOf('states', 'execution:promotion:stopped'),
};

const usable: Record<FunctionName, object> = {
  'begin-promotion': { input: { model_name: MODEL }, execution: 'e', started_at: '2026-01-01T00:00:00Z' },
  'check-retraining-needed': { model_name: MODEL },
  'compare-models': { model_name: MODEL },
  'prepare-promotion': {
    ...{ operation: 'rollback', model_name: MODEL, comparison: null, wait_for_lease_minutes: 0 },
    ...{ change_id: null, dry_run: true, execution: 'e', started_at: '2026-01-01T00:00:00Z' },
  },
  'request-approval': { execution: 'e', request_id: null, task_token: 'nobody waits for it' },
  'decide-approval': {
    requestContext: { authorizer: { iam: { userArn: 'arn:aws:iam::123456789012:user/ada' } } },
    body: JSON.stringify({ action: 'list' }),
  },
  'replace-workload': { workload_id: 'w', artifact_id: 'a', deadline: '2026-01-01T00:00:00Z' },
  'promote-model': { model_name: 'Nobody' },
  'close-promotion': { model_name: 'Nobody', change_id: 'e', execution: 'e', fence: 1 },
  'model-rollback': { model_name: 'Nobody' },
  'end-promotion': {
    execution: ENDED['end-promotion'],
    state: { model_name: 'Nobody', operation: 'rollback' },
  },
  'sweep-promotions': {
    ...{ executionArn: ENDED['sweep-promotions'], status: 'ABORTED' },
    input: JSON.stringify({ model_name: 'Nobody' }),
  },
  'watch-releases': { watch: true },
};

/** The variables without which a function cannot do its work, by the schema that it parses. */
const required: [FunctionName, string][] = [
  ...functionNames.flatMap((name) =>
    Object.entries(functionEnvironments[name].shape).flatMap(
      ([variable, schema]): [FunctionName, string][] =>
        name in ENDED || schema.safeParse(undefined).success ? [] : [[name, variable]],
    ),
  ),
  // Optional in the others: not every model is served.
  ['replace-workload', 'DATAROBOT_ENDPOINT'],
];

describe('an environment that lacks a variable', () => {
  it.each(required)('makes %s name %s', async (name, variable) => {
    const lacking = await told(started(name, variable).invoke(usable[name], 0));
    expect(lacking).toMatchObject({
      error: 'InvalidConfiguration',
      message: expect.stringContaining(`${variable} is not set`),
    });
  });
});

describe('a function that ends an execution', () => {
  it.each(Object.entries(ENDED))(
    '%s tells what it could not read without the variable',
    async (name, execution) => {
      const ending = name as keyof typeof ENDED;
      const answer = await started(ending, 'MLFLOW_TRACKING_URI').invoke(usable[ending], 0);
      expect(answer).toMatchObject({ status: 'failed', alert: 'sent' });
      expect(await recordedOutcome(table, execution)).toMatchObject({ ending: { unread: ['registry'] } });
    },
  );
});

/** Without how old the newest version is, which is another age at each call. */
const withoutAge = (answer: unknown): unknown =>
  JSON.parse(JSON.stringify(answer).replaceAll(/("(?:hours|days)_since_retrain"):[\d.e-]+/g, '$1:0'));

describe('an event of any shape', () => {
  const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  const hostile: unknown[] = [
    ...[null, 'text', 42, true, [], {}, [{ model_name: MODEL }]],
    JSON.parse(`{"__proto__":{"model_name":"${MODEL}"},"constructor":1}`),
    { model_name: { toString: 'x' }, execution: ['x'], fence: 'NaN' },
    { model_name: `../../../${MODEL}?x=1#y`, new_version: '../1', execution: 'e' },
    { model_name: 'line\r\nX-Injected: 1\u0000\u202e', execution: 'e', started_at: 'yesterday' },
    { model_name: 'x'.repeat(200_000) },
    { model_name: MODEL, new_version: -1, target_version: 1e308, input: '{"model_name":' },
    { executionArn: 'arn:x', status: 'ABORTED', input: '[]' },
    { sweep: 'yes' },
    { state: nested(500), input: nested(500) },
  ];

  it.each(functionNames)('is answered by the bundle of %s as by its source', async (name) => {
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    const variables = { ...functionOf(name).environment, ...endpoints(), AWS_REGION: 'us-east-1' };
    const credentials = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
    for (const [key, value] of Object.entries({ ...variables, ...credentials })) vi.stubEnv(key, value);
    vi.stubEnv('MLFLOW_TRACKING_URI', mlflow.url);
    const source: { handler: (event: unknown, context: object) => Promise<unknown> } = await import(
      `../../lambdas/${name}.ts`
    );
    const bundle = started(name);
    for (const event of hostile) {
      const expected = await told(source.handler(structuredClone(event), { awsRequestId: 'source' }));
      const answered = await told(bundle.invoke(event, 0));
      expect(withoutAge(answered), JSON.stringify(event).slice(0, 200)).toEqual(withoutAge(expected));
    }
  });
});
