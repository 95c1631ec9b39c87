import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ZodType } from 'zod';
import {
  MeasuredRunsAnswer,
  MetricsPage,
  ModelAnswer,
  RunAnswer,
  RunsAnswer,
  VersionsPage,
} from '../../lambdas/adapters/mlflow/answers.ts';
import * as mlflowErrors from '../../lambdas/adapters/mlflow/errors.ts';
import {
  ArtifactAnswer,
  ReplacementAnswer,
  WorkloadAnswer,
} from '../../lambdas/adapters/workload-api/answers.ts';
import * as workloadErrors from '../../lambdas/adapters/workload-api/errors.ts';
import {
  EventPage,
  LogPage,
  ProtonPage,
  StatsAnswer,
  StatusDetailsAnswer,
} from '../../lambdas/adapters/workload-api/telemetry.ts';
import { errorNames } from '../../lambdas/domain/errors.ts';
import { readAs } from '../../lambdas/domain/json.ts';
import { functionNames } from '../../lambdas/domain/limits.ts';
import { BareToken, Login, Token } from '../../lambdas/runtime/credentials.ts';
import { configuration, functionEnvironments, jsonOrNull } from '../../lambdas/runtime/environment.ts';
import { hostileJson, hostileKey, hostileText, mutated } from './support/hostile.ts';
import { read } from './support/read.ts';
import { fuzz, targets } from './support/targets.ts';

const tags = [
  { key: 'workload.id', value: 'w' },
  { key: '__proto__', value: 'x' },
];
const version = { name: 'm', version: 3, current_stage: 'Staging', status: 'READY', run_id: 'r', tags };
const metric = { key: 'a', value: 'NaN', step: '3', dataset_digest: 'd' };
const container = {
  name: 'c',
  status: 'running',
  ready: true,
  restartCount: 1,
  lastState: { reason: 'OOMKilled' },
};
const replica = {
  name: 'r',
  status: 'x',
  containers: [container],
  conditions: [{ met: false, reason: 'y' }],
};

type Sample = readonly [schema: ZodType, valid: object];
const ofMlflow: readonly Sample[] = [
  [ModelAnswer, { registered_model: { name: 'm', tags, aliases: [{ alias: 'champion', version: '2' }] } }],
  [VersionsPage, { model_versions: [version], next_page_token: 't' }],
  [MetricsPage, { metrics: [metric] }],
  [RunsAnswer, { runs: [{ info: { run_id: 'r' }, data: { metrics: [metric] } }] }],
  [MeasuredRunsAnswer, { runs: [{ data: { metrics: [metric] } }] }],
  [
    RunAnswer,
    {
      run: {
        info: { run_id: 'r', status: 'FINISHED' },
        data: { metrics: [metric], params: tags, tags },
        inputs: { dataset_inputs: [{ dataset: { name: 'n', digest: 'd' }, tags }] },
      },
    },
  ],
];
const ofWorkloads: readonly Sample[] = [
  [
    WorkloadAnswer,
    { id: 'w', status: 'running', artifactId: 'a', artifact: { id: 'a' }, runtime: { x: [1] } },
  ],
  [
    ArtifactAnswer,
    { id: 'a', status: 'draft', spec: { containerGroups: [{ containers: [{ name: 'c' }] }] } },
  ],
  [ReplacementAnswer, { id: 'r', artifactId: 'a', candidateProtonIds: ['p'], status: 'warming' }],
  [ProtonPage, { totalCount: 1, data: [{ id: 'p', status: 'x', statusDetails: { logTail: ['l'] } }] }],
  [EventPage, { data: [{ id: 'e', details: { protonStatuses: { p: { replicas: [replica] } } } }] }],
  [LogPage, { data: [{ timestamp: 't', level: 'INFO', message: 'm' }] }],
  [StatsAnswer, { metrics: { totalRequests: 1 } }],
  [StatusDetailsAnswer, { overallStatus: { state: 's' }, replicas: [replica], logTail: ['l'] }],
];

const answersOf = (samples: readonly Sample[]) =>
  fc
    .constantFrom(...samples)
    .chain(([schema, valid]) => fc.tuple(fc.constant(schema), fc.oneof(mutated(valid), hostileJson)));

/** A list of pairs as a server sends it; of those with one key the last one counts, that of a prototype as any other. */
const sentTags = (value: unknown) => new Map((value as typeof tags).map((tag) => [tag.key, tag.value]));

fuzz(
  'answers of MLflow',
  'are read or are not, never with an error, never with a prototype of their own',
  answersOf(ofMlflow),
  ([schema, answer]) => {
    const found = read(answer, (value) => readAs(schema, value), []);
    expect('value' in found).toBe(true);
    if (!('value' in found) || !found.value.success || schema !== ModelAnswer) return;
    const { registered_model: model } = found.value.data as { registered_model: { tags: object } };
    expect(Object.getPrototypeOf(model.tags)).toBe(Object.prototype);
    const sent = (answer as { registered_model: { tags?: unknown } }).registered_model.tags ?? [];
    expect(Object.keys(model.tags).sort()).toEqual([...sentTags(sent).keys()].sort());
  },
);

fuzz(
  'answers of the Workload API',
  'are read or are not, never with an error; what is read has texts for its states',
  answersOf(ofWorkloads),
  ([schema, answer]) => {
    const found = read(answer, (value) => readAs(schema, value), []);
    expect('value' in found).toBe(true);
    if (!('value' in found) || !found.value.success || schema !== WorkloadAnswer) return;
    expect(found.value.data).toMatchObject({ id: expect.any(String), status: expect.any(String) });
  },
);

const reply = fc.record({
  status: fc.constantFrom(200, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503),
  contentType: hostileText,
  body: fc
    .oneof(
      mutated({ error_code: 'INVALID_PARAMETER_VALUE', message: 'm' }).map((value) => JSON.stringify(value)),
      mutated({ detail: [{ loc: ['body', 1], msg: 'm' }] }).map((value) => JSON.stringify(value)),
      hostileJson.map((value) => JSON.stringify(value)),
      hostileText,
    )
    .map((text) => Buffer.from(text)),
});

fuzz(
  'errors of both APIs',
  'are of the closed set, one line of bounded length; a refusal says its status, and quotes nothing where credentials fail',
  reply,
  (given) => {
    const asked = { request: 'GET /x', secrets: ['hunter2-very-secret'], once: true };
    for (const { refusal, jsonObject } of [mlflowErrors, workloadErrors]) {
      const refused = refusal(given, asked);
      expect(errorNames).toContain(refused.name);
      expect(refused.message).toContain(`HTTP ${given.status}`);
      expect(refused.message).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
      expect(refused.message.length).toBeLessThan(900);
      if (given.status === 401 || given.status === 403)
        expect(refused.message).not.toMatch(/script|Injected/);
      const result = read(given.body.toString(), () => jsonObject(given, asked));
      if ('value' in result) expect(typeof result.value).toBe('object');
      else expect(result.error.message.length).toBeLessThan(900);
    }
  },
);

const variables = [
  ...new Set(functionNames.flatMap((name) => Object.keys(functionEnvironments[name].shape))),
];
const MARK = 'hunter2';
const setting = fc.oneof(
  hostileText,
  fc.constantFrom('https://m.example.com', 'http://127.0.0.1:5000/api/v2', 'stages', 'true', '0.7', ' ', ''),
  fc.constantFrom(
    `https://u:${MARK}@h/x`,
    `https://h/?token=${MARK}`,
    `//${MARK}`,
    `postgresql://u:${MARK}@h/db`,
  ),
  fc.constantFrom('arn:aws:sns:eu-west-1:1:t', 'arn:aws:secretsmanager:x:1:secret:s', 'arn:aws:states:x:1:s'),
);

fuzz(
  'environments',
  'are complete, or InvalidConfiguration names each variable that is not, and no value',
  fc.record({
    name: fc.constantFrom(...functionNames),
    env: fc.dictionary(fc.oneof(fc.constantFrom(...variables), hostileKey), setting, { maxKeys: 12 }),
  }),
  ({ name, env }) => {
    const schema: ZodType = functionEnvironments[name];
    const result = read(env, (given) => configuration(schema, given as NodeJS.ProcessEnv), [
      'InvalidConfiguration',
    ]);
    if (!('error' in result)) return;
    expect(result.error.message).not.toContain(MARK);
    expect(variables.some((variable) => result.error.message.includes(variable))).toBe(true);
  },
);

fuzz(
  'secrets as they are stored',
  'become a header of printable characters, or are none',
  fc.oneof(
    hostileText,
    mutated({ username: 'promoter', password: 'geheim' }).map((value) => JSON.stringify(value)),
    mutated({ token: 'geheim' }).map((value) => JSON.stringify(value)),
    hostileJson.map((value) => JSON.stringify(value)),
  ),
  async (text) => {
    for (const schema of [Login, Token, BareToken]) {
      const found = read(
        text,
        (given) => readAs(schema, jsonOrNull(String(given)) ?? String(given).trim()).data,
        [],
      );
      if (!('value' in found) || found.value === undefined) continue;
      const headers = await found.value.headers({} as never);
      expect(headers['authorization']).toMatch(/^(Basic|Bearer) [\x21-\x7e]+$/);
      expect(found.value.secrets().length).toBeGreaterThan(0);
    }
  },
);

it('all targets together are fuzzed 10,000 times at least, each of them in one place', () => {
  const runs = Object.values(targets).reduce<number>((sum, each) => sum + each, 0);
  expect(runs).toBeGreaterThanOrEqual(10_000);
  const files = [
    'answers',
    'commands',
    'emulators',
    'handlers',
    'parsers',
    'policies',
    'secrets',
    'table',
    'texts',
    'watch',
  ];
  const texts = files.map((file) => readFileSync(new URL(`${file}.test.ts`, import.meta.url), 'utf8'));
  for (const target of Object.keys(targets))
    expect(texts.join('\n').split(`fuzz(\n  '${target}',`), target).toHaveLength(2);
});
