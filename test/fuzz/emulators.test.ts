import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { checkPublish, SnsError } from '../../emulators/aws/sns-publish.ts';
import { type LocalStepFunctions, startLocalStepFunctions } from '../../emulators/aws/step-functions.ts';
import { hostileJson, hostileText, mutated } from './support/hostile.ts';
import { fuzz } from './support/targets.ts';
import { FuzzWorld, MODEL, TOPIC } from './support/world.ts';

const bodies = (valid: fc.Arbitrary<unknown>) =>
  fc.oneof(
    valid.map((value) => JSON.stringify(value)),
    mutated(valid).map((value) => JSON.stringify(value) ?? ''),
    hostileJson.map((value) => JSON.stringify(value)),
    hostileText,
    fc.constant(''),
  );
const method = fc.constantFrom('GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD', 'OPTIONS');
const contentType = fc.constantFrom(
  'application/json',
  'application/json',
  'application/json',
  'text/plain',
  '',
);
const version = fc.oneof(fc.constantFrom('1', '2', '3', '4', '-1', '01', '99999999999'), hostileText);
const model = fc.oneof(fc.constant(MODEL), fc.constant(MODEL), hostileText);
const stage = fc.constantFrom(
  'Production',
  'Staging',
  'Archived',
  'None',
  'production',
  'Deleted_Internal',
  'X',
);

const mlflowRequest = fc.record({
  method: fc.oneof(fc.constantFrom('GET', 'POST'), method),
  path: fc.oneof(
    fc.constantFrom(
      ...['registered-models/create', 'registered-models/get', 'registered-models/search'],
      ...['registered-models/rename', 'registered-models/update', 'registered-models/set-tag'],
      ...['registered-models/delete-tag', 'registered-models/alias', 'registered-models/get-latest-versions'],
      ...['registered-models/delete', 'model-versions/create', 'model-versions/get', 'model-versions/search'],
      ...['model-versions/transition-stage', 'model-versions/transition-stage', 'model-versions/set-tag'],
      ...['model-versions/delete', 'model-versions/update', 'model-versions/get-download-uri'],
      ...['runs/create', 'runs/get', 'runs/search', 'runs/log-metric', 'runs/log-batch', 'runs/log-inputs'],
      ...['runs/set-tag', 'runs/update', 'experiments/create', 'experiments/search', 'metrics/get-history'],
      ...['artifacts/list', '../mlflow-artifacts/artifacts/x', 'logged-models/search'],
    ),
    hostileText,
  ),
  query: fc.dictionary(
    fc.constantFrom('name', 'filter', 'run_id', 'max_results', 'page_token', 'version', 'order_by'),
    fc.oneof(model, version),
  ),
  contentType,
  body: bodies(
    fc.record({
      name: model,
      version,
      stage,
      archive_existing_versions: fc.boolean(),
      key: hostileText,
      value: hostileText,
      alias: fc.oneof(fc.constantFrom('champion', 'v1', 'latest'), hostileText),
      source: fc.oneof(fc.constantFrom('s3://b/x', `models:/${MODEL}/2`, 'models:/m-1'), hostileText),
      new_name: model,
      filter: fc.oneof(
        fc.constantFrom(`name='${MODEL}'`, "tags.a LIKE '%'", "metrics.m > 1 AND params.p = 'x'"),
        hostileText,
      ),
      run_id: hostileText,
      experiment_id: fc.constantFrom('0', '1', 'x'),
    }),
  ),
});

/** Errors of MLflow's own that its web framework answers with a page; anything else is JSON with its code. */
const isMlflowForm = (status: number, type: string, body: string) =>
  status < 400 ||
  /^text\/html/.test(type) ||
  typeof (JSON.parse(body) as { error_code?: unknown }).error_code === 'string';

fuzz(
  'routes of MLflow',
  'answer every request in the form of the API; versions stay unique, and a transition with archive leaves one in Production',
  fc.array(mlflowRequest, { minLength: 1, maxLength: 6 }),
  (requests) => {
    const { mlflow } = new FuzzWorld();
    for (const { path, query, body, contentType: type, method: verb } of requests) {
      const url = `/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`;
      const headers = { 'content-type': type, authorization: 'Bearer mlflow-token' };
      const answer = mlflow.receive({ method: verb, url, headers, body: Buffer.from(body) }).answered();
      const text = String(answer.body ?? '');
      expect(isMlflowForm(answer.status, answer.type ?? '', text), `${answer.status} ${text}`).toBe(true);
      const moved = /transition-stage$/.test(path) && answer.status === 200 && verb === 'POST';
      for (const [name, { versions, aliases }] of Object.entries(mlflow.registry.snapshot())) {
        const production = Object.values(versions).filter((each) => each.stage === 'Production');
        if (moved && text.includes(JSON.stringify(name)) && /"archive_existing_versions":true/.test(body))
          if (/"stage":"[pP]roduction"/.test(body)) expect(production).toHaveLength(1);
        expect(Object.keys(versions).every((each) => /^[1-9]\d*$/.test(each))).toBe(true);
        expect(Object.keys(aliases).every((alias) => /^[\w.-]+$/.test(alias))).toBe(true);
      }
    }
  },
);

const id = fc.oneof(fc.constantFrom('@workload', '@workload', '@artifact', '@artifact', 'x'), hostileText);
const workloadRequest = fc.record({
  method,
  path: fc
    .tuple(
      fc.constantFrom(
        'workloads',
        'workloads',
        'artifacts',
        'otel/workload',
        'endpoints/workloads',
        'account',
        '',
      ),
      id,
      fc.constantFrom(
        '',
        '',
        'replacement',
        'replacement',
        'promote',
        'settings',
        'stats',
        'events',
        'history',
        'protons',
        'clone',
        'logs/',
        'start',
        'stop',
        'sharedRoles',
        'builds',
      ),
      fc.oneof(fc.constant(''), id),
    )
    .map((parts) => parts.filter((part) => part !== '').join('/')),
  query: fc.dictionary(
    fc.constantFrom('limit', 'offset', 'search', 'protonId', 'searchKeys', 'searchValues', '__proto__'),
    fc.oneof(version, hostileText),
  ),
  contentType,
  body: bodies(
    fc.oneof(
      fc.record({ artifactId: id, strategy: fc.constant('rolling') }),
      fc.record({ name: fc.oneof(fc.constant('n'), hostileText) }),
      fc.record({ status: fc.constantFrom('locked', 'draft') }),
      fc.record({ importance: fc.constantFrom('high', 'low', 'x') }),
      fc.constant({}),
      fc.constant({
        name: 'a',
        spec: {
          containerGroups: [
            { containers: [{ name: 'c', imageUri: 'registry.example.com/x:1', port: 8080, primary: true }] },
          ],
        },
      }),
      fc.constant({ runtime: { containerGroups: [{ name: 'default', replicaCount: 2 }] } }),
    ),
  ),
});

fuzz(
  'routes of the Workload API',
  'answer every request in the form of the API, never with 500; a Workload has one artifact and ids stay unique',
  fc.array(workloadRequest, { minLength: 1, maxLength: 6 }),
  (requests) => {
    const world = new FuzzWorld();
    const { platform, workloadId } = world;
    const artifact = String(platform.direct.workload(workloadId).artifactId);
    const filled = (text: string) =>
      text.replaceAll('@workload', workloadId).replaceAll('@artifact', artifact);
    for (const { path, query, body, contentType: type, method: verb } of requests) {
      const url = `/api/v2/${filled(path)}?${new URLSearchParams(query)}`;
      const headers = { 'content-type': type, authorization: 'Bearer workload-token' };
      const answer = platform
        .receive({ method: verb, url, headers, body: Buffer.from(filled(body)) })
        .answered();
      expect([500, 502, 504]).not.toContain(answer.status);
      if (answer.status >= 400 && !path.startsWith('endpoints')) {
        const error = JSON.parse(String(answer.body)) as Record<string, unknown>;
        expect(error['detail'] ?? error['message']).toBeDefined();
      }
      world.now.ms += 60_000;
    }
    const { artifacts, workloads } = platform.direct.snapshot() as Record<string, { id: string }[]>;
    for (const list of [artifacts, workloads])
      if (Array.isArray(list)) expect(new Set(list.map((each) => each.id)).size).toBe(list.length);
  },
);

fuzz(
  'messages to SNS',
  'are accepted with a text for each protocol, or refused with a code of SNS',
  fc.dictionary(
    fc.constantFrom(
      'TopicArn',
      'Message',
      'Subject',
      'MessageStructure',
      'MessageAttributes.entry.1.Name',
      'MessageAttributes.entry.1.Value.DataType',
      'MessageAttributes.entry.1.Value.StringValue',
    ),
    fc.oneof(
      hostileText,
      fc.constantFrom(TOPIC, 'json', 'String', '{"default":"x","email":5,"https":"y"}'),
      hostileJson.map((value) => JSON.stringify(value)),
    ),
  ),
  (fields) => {
    const form = new URLSearchParams({ TopicArn: TOPIC, Message: 'x', ...fields });
    try {
      const { message, subject } = checkPublish(form, new Set([TOPIC]));
      expect(Object.values(message).every((text) => typeof text === 'string')).toBe(true);
      expect(subject ?? 'none').toMatch(/^[\x21-\x7e][\x20-\x7e]{0,98}$/);
    } catch (error) {
      expect(error).toBeInstanceOf(SnsError);
    }
  },
);

let states: LocalStepFunctions;
beforeAll(async () => {
  states = await startLocalStepFunctions();
});
afterAll(() => states.close());

fuzz(
  'requests to Step Functions',
  'are answered in the form of the API; the same name is never two executions',
  fc.record({
    action: fc.oneof(
      fc.constantFrom(
        'StartExecution',
        'StartExecution',
        'DescribeExecution',
        'ListExecutions',
        'GetExecutionHistory',
      ),
      fc.constantFrom('constructor', 'toString', '__proto__', ''),
    ),
    body: bodies(
      fc.record({
        stateMachineArn: fc.constantFrom('arn:aws:states:us-east-1:123456789012:stateMachine:promotion', 'x'),
        name: fc.constantFrom('a', 'b', '__proto__', 'constructor'),
        input: fc.oneof(fc.constant('{}'), hostileText),
        executionArn: fc.constantFrom('arn:aws:states:us-east-1:123456789012:execution:promotion:a', 'x'),
        nextToken: fc.oneof(fc.constant('MQ=='), hostileText),
      }),
    ),
  }),
  async ({ action, body }) => {
    const headers = {
      'x-amz-target': `AWSStepFunctions.${action}`,
      'content-type': 'application/x-amz-json-1.0',
    };
    const answer = await fetch(states.endpoint, { method: 'POST', headers, body });
    const content: unknown = await answer.json();
    expect([200, 400, 501]).toContain(answer.status);
    if (answer.status === 400) expect(content).toMatchObject({ __type: expect.any(String) });
    if (answer.status === 200) expect(Object.keys(actionKeys)).toContain(action);
    expect(new Set(states.names()).size).toBe(states.names().length);
  },
);
const actionKeys = { StartExecution: 1, DescribeExecution: 1, ListExecutions: 1, GetExecutionHistory: 1 };
