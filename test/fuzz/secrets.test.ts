import fc from 'fast-check';
import { expect, vi } from 'vitest';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { localStateMachine } from '../../local/machine/state-machine.ts';
import { captured, type Ran } from '../support/command.ts';
import { EXECUTION } from './support/samples.ts';
import { fuzz } from './support/targets.ts';
import { type Credentials, FuzzWorld, MODEL, type Sent } from './support/world.ts';

/** Before the logger is loaded, which reads it once. */
vi.hoisted(() => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'DEBUG';
});

const each = (encode: (character: string) => string) => (text: string) => Array.from(text, encode).join('');
const hex = (text: string, digits: number) => text.charCodeAt(0).toString(16).padStart(digits, '0');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const mixedCase = (text: string) =>
  Array.from(text, (character, at) => (at % 2 === 0 ? character.toUpperCase() : character)).join('');
const percent = each((character) => `%${hex(character, 2)}`);

/** Each is how a server may repeat a text; what is looked for are the pieces of eight characters of what it makes. */
const encodings: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'as escapes of JSON': each((character) => `\\u${hex(character, 4)}`),
  'as escapes of JSON in upper case': each((character) => `\\u${hex(character, 4).toUpperCase()}`),
  'as escapes of JSON within JSON': each((character) => `\\\\u${hex(character, 4)}`),
  'in base64': base64,
  'in base64 for URLs': (text) => Buffer.from(text).toString('base64url'),
  'in base64, after one byte': (text) => base64(`:${text}`),
  'in base64, after two bytes': (text) => base64(`::${text}`),
  'in base64 of a login': (text) => base64(`promoter:${text}`),
  'in base64 of base64': (text) => base64(base64(text)),
  'percent-encoded in part': each((character) => (/[a-m]/.test(character) ? percent(character) : character)),
  'percent-encoded': percent,
  'percent-encoded twice': (text) => encodeURIComponent(percent(text)),
  'in hexadecimal': (text) => Buffer.from(text).toString('hex'),
  'in hexadecimal of both cases': (text) => mixedCase(Buffer.from(text).toString('hex')),
  'as entities of HTML': each((character) => `&#${character.charCodeAt(0)};`),
  'as hexadecimal entities': each((character) => `&#x${hex(character, 2)};`),
};

/** What a server says, with the texts in the places where servers quote. */
const answers: Readonly<Record<string, (text: string, request: Sent) => { type: string; body: string }>> = {
  'an error of MLflow': (text) => ({
    type: 'application/json',
    body: JSON.stringify({ error_code: 'INVALID_PARAMETER_VALUE', message: `Bad login ${text}` }),
  }),
  'an error code': (text) => ({
    type: 'application/json',
    body: JSON.stringify({ error_code: text, message: text }),
  }),
  'an error of the Workload API': (text) => ({
    type: 'application/json',
    body: `{"detail": [{"loc": ["header", ${JSON.stringify(text)}], "msg": ${JSON.stringify(text)}}]}`,
  }),
  'a page': (text) => ({ type: 'text/html', body: `<html><body>You sent ${text}</body></html>` }),
  'a raw text': (text) => ({ type: `text/${text.slice(0, 70)}`, body: text }),
  'split over header and body': (text) => {
    const half = Math.ceil(text.length / 2);
    return { type: text.slice(0, half), body: text.slice(half) };
  },
  'a list of problems': (text) => ({
    type: 'application/json',
    body: JSON.stringify({ [text]: [text], data: text }),
  }),
  'states and messages': (text) => ({
    type: 'application/json',
    body: JSON.stringify({
      id: 'r1',
      status: 'failed',
      message: text,
      candidateArtifactId: 'a',
      data: [
        { id: 'p', status: 'errored', statusDetails: { logTail: [text] }, message: text, eventType: 'x' },
      ],
    }),
  }),
};

const secret = (name: string) =>
  fc
    .string({
      unit: fc.constantFrom(...'abcdefghijkmnopqrstuvwxyz0123456789-_.~'),
      minLength: 16,
      maxLength: 40,
    })
    .map((text) => `${name}${text}`);
const credentials: fc.Arbitrary<Credentials> = fc.record({
  mlflow: fc.oneof(
    secret('pw').map((password) => ({ username: 'promoter', password })),
    secret('tk').map((token) => ({ token })),
  ),
  workload: secret('dr'),
});

const secretsOf = ({ mlflow, workload }: Credentials) => [
  'token' in mlflow ? mlflow.token : mlflow.password,
  workload,
];

/** The pieces of a secret in every encoding, long enough that they are there by no accident. */
function piecesOf(text: string): string[] {
  return Object.entries(encodings).flatMap(([name, encode]) => {
    const whole = encode(text);
    // The first and the last group of base64 have other bytes in them.
    const [edge, size] = /base64/.test(name)
      ? [name.endsWith('login') ? 16 : 4, 12]
      : [0, Math.ceil(whole.length / 2)];
    return whole.length - 2 * edge >= size
      ? [whole.slice(edge, edge + size), whole.slice(-edge - size, whole.length - edge)]
      : [];
  });
}

const plan = fc.record({
  credentials,
  operation: fc.constantFrom('promote', 'rollback', 'promote', 'adopt'),
  encoding: fc.constantFrom(...Object.keys(encodings)),
  answer: fc.constantFrom(...Object.keys(answers)),
  status: fc.constantFrom(200, 400, 401, 403, 404, 422, 500, 503),
  from: fc.integer({ min: 1, max: 45 }),
  times: fc.constantFrom(1, 4, 1_000),
});

fuzz(
  'secrets in whole executions',
  'are in no log, error, alert, history, record or item, however and wherever a server repeats them',
  plan,
  async ({ credentials: given, operation, encoding, answer, status, from, times }) => {
    const world = new FuzzWorld(given);
    let calls = 0;
    let repeated = 0;
    world.impostor = (sent) => {
      if (sent.system !== 'mlflow' && sent.system !== 'workload') return undefined;
      calls += 1;
      if (calls < from || repeated >= times) return undefined;
      repeated += 1;
      const [text = ''] = secretsOf(given).slice(sent.system === 'mlflow' ? 0 : 1);
      return {
        http: { status, ...(answers[answer]?.(encodings[encoding]?.(text) ?? '', sent) ?? { body: '' }) },
      };
    };
    const functions = await world.functions();
    const history: unknown[] = [];
    const ran: Ran = { code: null, stdout: '', stderr: '' };
    const result = await captured(ran, async () => {
      const run = localStateMachine(functions).run(
        { model_name: MODEL, operation, ...(operation === 'rollback' ? { target_version: '1' } : {}) },
        {
          execution: { id: EXECUTION, name: 'run-1', startTime: world.clock.now().toISOString() },
          waitSeconds: 0,
          onEvent: (event) => void history.push(event),
          onWait: (_, seconds) => {
            world.now.ms += seconds * 1000;
          },
        },
      );
      const ended = await run.result;
      await functions['sweep-promotions']({ sweep: true }).catch((error: unknown) =>
        history.push(String(error)),
      );
      return ended;
    });
    const bodies = world.sent.map(({ body, url }) => `${body} ${url}`);
    const everything = [
      ran.stdout,
      ran.stderr,
      JSON.stringify([result, history, world.published, [...world.table.items.values()]]),
      JSON.stringify(world.mlflow.registry.snapshot()),
      ...bodies,
    ].join('\n');
    expect(ran.stdout).toContain('"function"');
    expect(readStateDocument(result.output)).toBeDefined();
    const found = secretsOf(given).flatMap((each) =>
      piecesOf(each).filter((piece) => everything.includes(piece)),
    );
    expect(found).toEqual([]);
  },
);
