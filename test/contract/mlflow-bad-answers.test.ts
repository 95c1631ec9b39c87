import { afterEach, describe, expect, it } from 'vitest';
import { anonymous, basic, bearer } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { functionTimeoutSeconds, mlflowCall, mlflowListMs } from '../../lambdas/domain/limits.ts';
import { type CannedServer, cannedServer } from '../support/canned-server.ts';
import { IMPATIENT, LOOPBACK } from '../support/clients.ts';

const PASSWORD = 'hunter2-very-secret';

let server: CannedServer;
afterEach(() => server.close());

async function client(
  status: number,
  body: string,
  contentType = 'application/json',
  authorization = basic('promoter', PASSWORD),
) {
  server = await cannedServer((_, response) =>
    response.writeHead(status, { 'content-type': contentType }).end(body),
  );
  return mlflow({
    trackingUri: server.url,
    authorization,
    http: httpClient(IMPATIENT, { pause: async () => {} }),
  });
}

const envelope = (error_code: string, message: string) => JSON.stringify({ error_code, message });

it('repeats no half of a password that stands where a long answer is cut off', async () => {
  for (const spaces of [190, 195, 1_990, 1_995]) {
    const answer = `${'. '.repeat(spaces / 2)}${PASSWORD}`;
    const error = await (await client(400, answer)).getModel('m').catch((caught: unknown) => caught);
    expect(String(error)).toContain('HTTP 400');
    expect(String(error)).not.toContain(PASSWORD.slice(0, 4));
    server.close();
  }
});

describe('an answer that MLflow would not give', () => {
  it.each([
    [
      'an HTML page with 200',
      200,
      '<!doctype html><title>Sign in</title>',
      'text/html',
      'MlflowInvalidResponse',
      /login page or a proxy/,
    ],
    [
      'truncated JSON',
      200,
      '{"registered_model": {"na',
      'application/json',
      'MlflowInvalidResponse',
      /not a JSON object/,
    ],
    ['a JSON list', 200, '[]', 'application/json', 'MlflowInvalidResponse', /not a JSON object/],
    [
      'another shape',
      200,
      '{"registered_model": {"name": 7}}',
      'application/json',
      'MlflowInvalidResponse',
      /registered_model.name/,
    ],
    [
      'a list whose length is no number',
      200,
      '{"registered_model": {"name": "m", "aliases": {"length": {"toString": null}}}}',
      'application/json',
      'MlflowInvalidResponse',
      /unexpected answer/,
    ],
    ['nothing', 200, '', 'application/json', 'MlflowInvalidResponse', /not a JSON object/],
    ['a gateway\'s "200 OK"', 200, '200 OK', 'text/plain', 'MlflowInvalidResponse', /not a JSON object/],
    [
      'JSON nested 100,000 levels deep',
      200,
      `{"registered_model": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      'application/json',
      'MlflowInvalidResponse',
      /nested deeper than 100 levels/,
    ],
    [
      'a million empty objects',
      200,
      `{"registered_model": {"name": "m", "tags": [${'{},'.repeat(1_000_000)}{}]}}`,
      'application/json',
      'MlflowInvalidResponse',
      /more than 400000 values/,
    ],
    [
      'tags without keys',
      200,
      `{"registered_model": {"name": "m", "tags": [${'{},'.repeat(50_000)}{}]}}`,
      'application/json',
      'MlflowInvalidResponse',
      /registered_model.tags: must be a list of keys and values/,
    ],
    ['no model at all', 200, '{}', 'application/json', 'MlflowInvalidResponse', /registered_model/],
    [
      'a tag of 5 MB',
      200,
      JSON.stringify({ registered_model: { name: 'm', tags: [{ key: 'k', value: 'x'.repeat(5_000_000) }] } }),
      'application/json',
      'MlflowInvalidResponse',
      /larger than 4194304 bytes/,
    ],
    ['a redirect', 302, '', 'text/html', 'MlflowInvalidResponse', /redirect/],
    [
      'a gateway error in HTML',
      502,
      '<html>Bad Gateway</html>',
      'text/html',
      'MlflowUnavailable',
      /HTTP 502/,
    ],
    ['a bare 500', 500, 'Internal Server Error', 'text/plain', 'MlflowUnavailable', /HTTP 500/],
  ])('%s is a typed error with method, path and status', async (_, status, body, type, name, message) => {
    const registry = await client(status, body, type);
    const error = await registry.getModel('../../x?y#z').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
    expect(String(error)).toContain('GET /api/2.0/mlflow/registered-models/get?name=..%2F..%2Fx%3Fy%23z');
    expect(String(error)).not.toContain(server.url);
  });
});

describe("an answer in MLflow's own words", () => {
  it.each([
    [400, 'INVALID_PARAMETER_VALUE', 'MlflowRefused'],
    [401, 'UNAUTHENTICATED', 'MlflowRefused'],
    [403, 'PERMISSION_DENIED', 'MlflowRefused'],
    [500, 'INTERNAL_ERROR', 'MlflowUnavailable'],
    [500, 'INVALID_STATE', 'MlflowRefused'],
    [501, 'NOT_IMPLEMENTED', 'MlflowRefused'],
    [503, 'TEMPORARILY_UNAVAILABLE', 'MlflowUnavailable'],
    [429, 'REQUEST_LIMIT_EXCEEDED', 'MlflowUnavailable'],
  ])('%i %s is %s and keeps the code', async (status, code, name) => {
    const registry = await client(status, envelope(code, 'the reason'));
    await expect(registry.setModelTag('m', 'k', 'v')).rejects.toMatchObject({
      name,
      message: expect.stringContaining(`HTTP ${status} ${code}`),
    });
  });

  it('shows the message of a refusal, but never SQL', async () => {
    const sql = envelope('BAD_REQUEST', "(sqlite3.IntegrityError) [SQL: INSERT INTO x VALUES ('private')]");
    const registry = await client(400, sql);
    await expect(registry.setModelTag('m', 'k', 'v')).rejects.toThrow(/BAD_REQUEST$/);
    server.close();
    const plain = await client(400, envelope('INVALID_PARAMETER_VALUE', 'Invalid value'));
    await expect(plain.setModelTag('m', 'k', 'v')).rejects.toThrow(/Invalid value/);
  });

  it('explains the refusal of an unknown host name', async () => {
    const registry = await client(
      403,
      'Invalid Host header - possible DNS rebinding attack detected',
      'text/plain',
    );
    await expect(registry.getModel('m')).rejects.toThrow(/--allowed-hosts/);
  });

  it('takes a missing model for null, and anything else that is missing for an error', async () => {
    const missing = await client(
      404,
      envelope('RESOURCE_DOES_NOT_EXIST', 'Registered Model with name=m not found'),
    );
    expect(await missing.getModel('m')).toBeNull();
    server.close();
    const route = await client(404, '<!doctype html><title>404 Not Found</title>', 'text/html');
    await expect(route.getModel('m')).rejects.toMatchObject({ name: 'MlflowRefused' });
  });
});

describe('credentials', () => {
  const text = `You sent ${PASSWORD}, promoter:${PASSWORD}`;
  const percent = [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');
  const echoes: Record<string, string> = {
    'as they are': text,
    'as escapes of JSON': Array.from(text, (c) => `\\u00${c.charCodeAt(0).toString(16)}`).join(''),
    'as HTML': Array.from(text, (c) => `&#x${c.charCodeAt(0).toString(16)};`).join(''),
    'percent-encoded': percent,
    'in base64': Buffer.from(text).toString('base64'),
    'in the header that was sent': `Basic ${Buffer.from(`promoter:${PASSWORD}`).toString('base64')}`,
    'within a URL': `https://promoter:${encodeURIComponent(PASSWORD)}@mlflow.example.com/`,
    'cut off': text.slice(0, -6),
  };
  /** What of an error may be logged, shown or stored: Lambda logs its fields, too. */
  const shown = (error: unknown) => JSON.stringify([String(error), error]);
  const anyOf = (known: string) =>
    new RegExp(
      [known, Buffer.from(known).toString('base64').slice(0, 8), percent.slice(30, 60)].join('|'),
      'i',
    );

  it.each(
    Object.entries(echoes).flatMap(([how, echo]) =>
      [200, 302, 400, 401, 403, 404, 500, 503].map((status) => [how, status, echo] as const),
    ),
  )('stay out of the message when the server repeats them %s (HTTP %i)', async (_, status, echo) => {
    for (const [body, type] of [
      [echo, echo.slice(0, 60)],
      [envelope('INVALID_PARAMETER_VALUE', echo), 'application/json'],
      [envelope(echo, echo), 'application/json'],
      [`{"registered_model": {"name": "m", "aliases": [{"alias": 7, "${echo}": 1}]}}`, 'application/json'],
    ] as const) {
      const registry = await client(status, body, type.replace(/[^\x20-\x7e]/g, ''));
      const error = await registry.getModel('m').catch((caught: unknown) => caught);
      expect(shown(error)).not.toMatch(anyOf('hunter2'));
      expect(shown(error)).not.toMatch(/very-sec|dmVyeS1z|%76%65%72|u0076\\+u0065\\+u0072|#x76;&#x65;&#x72/);
      server.close();
    }
  });

  it.each([401, 403])('are refused without a quotation of the answer (HTTP %i)', async (status) => {
    for (const body of ['a page of words', envelope('PERMISSION_DENIED', 'some words'), '{"words": 1}']) {
      const registry = await client(status, body);
      const error = await registry.getModel('m').catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: 'MlflowRefused', status });
      expect(shown(error)).not.toContain('words');
      server.close();
    }
  });

  it('are sent as Basic or as Bearer', async () => {
    await (await client(401, '')).getModel('m').catch(() => {});
    expect(server.requests[0]?.headers.authorization).toMatch(/^Basic /);
    server.close();
    await (await client(401, '', 'text/html', bearer('tok'))).getModel('m').catch(() => {});
    expect(server.requests[0]?.headers.authorization).toBe('Bearer tok');
  });
});

/** A server whose answers are given by path and by how often it was asked; without waiting between attempts. */
async function scripted(
  answer: (path: string, count: number, query: URLSearchParams) => { status?: number; body: string } | null,
  more: { retries?: number } = {},
) {
  let count = 0;
  server = await cannedServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://mlflow');
    const given = answer(pathname.replace('/api/2.0/mlflow/', ''), ++count, searchParams);
    if (given === null) request.socket.destroy();
    else response.writeHead(given.status ?? 200).end(given.body);
  });
  const limits = { ...LOOPBACK, retries: 3, maxBytes: 1_000_000, ...more };
  return mlflow({
    trackingUri: server.url,
    authorization: anonymous,
    http: httpClient(limits, { pause: async () => {} }),
    now: () => new Date('2026-11-21T10:00:00Z'),
  });
}
const asked = () => server.requests.length;

/** What a proxy or a failing server answers for a moment. `null`: the connection is closed. */
const momentary: [string, { status?: number; body: string } | null][] = [
  ['a page of HTML', { body: '<html>Please wait</html>' }],
  ['truncated JSON', { body: '{"registered_model": {"na' }],
  ['another shape', { body: '{"registered_model": 7, "model_versions": 7, "run": 7}' }],
  ['nothing', { body: '' }],
  ['deep JSON', { body: `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}` }],
  ['INTERNAL_ERROR', { status: 500, body: envelope('INTERNAL_ERROR', 'lost connection') }],
  ['a bare 500', { status: 500, body: 'Internal Server Error' }],
  ['TEMPORARILY_UNAVAILABLE', { status: 503, body: envelope('TEMPORARILY_UNAVAILABLE', 'locked') }],
  ['a lost answer', null],
];
const good = JSON.stringify({
  registered_model: { name: 'm' },
  model_versions: [{ name: 'm', version: '1' }],
  run: { info: { run_id: 'r' } },
});

describe('an answer of one moment', () => {
  it.each(momentary)('to a read is asked for again: %s', async (_, bad) => {
    const registry = await scripted((_path, count) => (count % 3 === 0 ? { body: good } : bad));
    expect(await registry.getModel('m')).toMatchObject({ name: 'm' });
    expect(await registry.listVersions('m')).toHaveLength(1);
    expect(await registry.getRun('r')).toMatchObject({ runId: 'r' });
    expect(asked()).toBe(9);
  });

  it('that there are no versions is believed if it is given twice', async () => {
    const once = await scripted((_path, count) => ({ body: count === 1 ? '{}' : good }));
    expect(await once.listVersions('m')).toHaveLength(1);
    server.close();
    const none = await scripted((path) => ({ body: path === 'registered-models/get' ? good : '{}' }));
    expect(await none.listVersions('m')).toEqual([]);
    expect(asked()).toBe(3);
  });

  it('that there are no versions is not believed of a model that names some, or that cannot be read', async () => {
    const model = { name: 'm', latest_versions: [{ name: 'm', version: '1' }] };
    const body = JSON.stringify({ registered_model: model });
    const naming = await scripted((path) => ({ body: path === 'registered-models/get' ? body : '{}' }));
    await expect(naming.listVersions('m')).rejects.toMatchObject({ name: 'MlflowInvalidResponse' });
    server.close();
    const always = await scripted(() => ({ body: '{}' }));
    await expect(always.listVersions('m')).rejects.toMatchObject({ name: 'MlflowInvalidResponse' });
  });

  it('that there are no versions is believed of a model that has been deleted', async () => {
    const gone = { status: 404, body: envelope('RESOURCE_DOES_NOT_EXIST', 'no such model') };
    const deleted = await scripted((path) => (path === 'registered-models/get' ? gone : { body: '{}' }));
    expect(await deleted.listVersions('m')).toEqual([]);
  });

  it.each(momentary.filter(([name]) => name !== 'nothing' && name !== 'another shape'))(
    'to a tag is asked for again: %s',
    async (_, bad) => {
      const registry = await scripted((_path, count) => (count % 3 === 0 ? { body: '{}' } : bad));
      await registry.setModelTag('m', 'k', 'v');
      await registry.setVersionTag('m', '1', 'k', 'v');
      expect(asked()).toBe(6);
    },
  );

  it.each(momentary)('that never ends is an error that a later call can mend: %s', async (name, bad) => {
    const registry = await scripted(() => bad);
    const expected = /HTML|JSON|shape|nothing/.test(name) ? 'MlflowInvalidResponse' : 'MlflowUnavailable';
    await expect(registry.getModel('m')).rejects.toMatchObject({ name: expected, outcomeUnknown: false });
    expect(asked()).toBe(4);
  });

  it.each(
    momentary
      .filter(([name]) => name !== 'nothing' && name !== 'another shape')
      .flatMap(([name, bad]) => [['transition-stage', name, bad] as const, ['alias', name, bad] as const]),
  )('to %s leaves its outcome open, and it is not sent again: %s', async (write, _, bad) => {
    const registry = await scripted(() => bad);
    const attempt =
      write === 'alias' ? registry.setAlias('m', 'champion', '3') : registry.moveToProduction('m', '3');
    await expect(attempt).rejects.toMatchObject({
      name: expect.stringMatching(/^Mlflow(Unavailable|InvalidResponse)$/),
      outcomeUnknown: true,
    });
    expect(asked()).toBe(1);
  });

  it('to a write without content may be empty, as some gateways send it', async () => {
    const registry = await scripted((_path, count) => ({ body: count % 2 === 0 ? '' : '200 OK' }));
    await registry.moveToProduction('m', '3');
    await registry.setAlias('m', 'champion', '3');
    await registry.setVersionTag('m', '3', 'k', 'v');
    expect(asked()).toBe(3);
  });

  it('that excludes an effect lets a write be sent again: 429, and an alias or a tag that another client sets', async () => {
    const busy = { status: 429, body: envelope('REQUEST_LIMIT_EXCEEDED', 'later') };
    const inserted = { status: 400, body: envelope('BAD_REQUEST', 'UNIQUE constraint failed') };
    const registry = await scripted((path, count) =>
      count % 2 === 0 ? { body: '{}' } : path.endsWith('transition-stage') ? busy : inserted,
    );
    await registry.moveToProduction('m', '3');
    await registry.setAlias('m', 'champion', '3');
    await registry.setModelTag('m', 'k', 'v');
    await registry.setVersionTag('m', '3', 'k', 'v');
    expect(asked()).toBe(8);
    server.close();
    const always = await scripted(() => busy);
    await expect(always.moveToProduction('m', '3')).rejects.toMatchObject({
      name: 'MlflowUnavailable',
      outcomeUnknown: false,
    });
  });

  it('before anything was sent leaves no outcome open', async () => {
    const http = httpClient({ ...LOOPBACK, retries: 1 }, { pause: async () => {} });
    const registry = mlflow({ trackingUri: 'http://127.0.0.1:1', authorization: anonymous, http });
    await expect(registry.moveToProduction('m', '3')).rejects.toMatchObject({
      name: 'MlflowUnavailable',
      outcomeUnknown: false,
    });
  });
});

describe('a list in pages', () => {
  const version = (number: number, size = 0) => ({
    name: 'm',
    version: String(number),
    tags: [{ key: 'note', value: 'x'.repeat(size) }],
  });
  /** Pages by offset, as MLflow has them; each version has tags of so many characters. */
  const pagesOf =
    (versions: number, size: (number: number) => number) =>
    (_: string, __: number, query: URLSearchParams) => {
      const from = Number(query.get('page_token') ?? 0);
      const rows = Math.min(Number(query.get('max_results')), versions - from);
      const numbers = Array.from({ length: rows }, (_, row) => versions - from - row);
      const next = from + rows < versions ? { next_page_token: String(from + rows) } : {};
      return { body: JSON.stringify({ model_versions: numbers.map((n) => version(n, size(n))), ...next }) };
    };

  it('stops when a server repeats its page token', async () => {
    const registry = await client(200, JSON.stringify({ model_versions: [], next_page_token: 'again' }));
    await expect(registry.listVersions('m')).rejects.toThrow(/page token is repeated/);
    expect(server.requests.length).toBeLessThan(5);
  });

  it('is read with smaller pages where one is too large, and whole', async () => {
    // 11 MB in all, where an answer may have 1 MB.
    const registry = await scripted(pagesOf(300, (n) => (n === 250 ? 900_000 : n > 200 ? 100_000 : 10)));
    const versions = await registry.listVersions('m');
    expect(versions.map((v) => Number(v.version))).toEqual(Array.from({ length: 300 }, (_, i) => 300 - i));
    expect(asked()).toBeLessThan(100);
  });

  it('names the place where a single version is too large', async () => {
    const registry = await scripted(pagesOf(5, (n) => (n === 3 ? 2_000_000 : 10)));
    await expect(registry.listVersions('m')).rejects.toMatchObject({
      name: 'MlflowInvalidResponse',
      message: expect.stringMatching(/after 2 rows: .*larger than 1000000 bytes/),
    });
    expect(asked()).toBeLessThan(20);
  });

  it.each([900, 4_900])('has one time for all pages, however slow each of them is (%i ms)', async (ms) => {
    let time = 0;
    let pages = 0;
    const http = httpClient(
      { ...LOOPBACK, totalMs: 5_000, retries: 3 },
      { elapsed: () => time, pause: async () => {} },
      async (request, _limits, signal) => {
        expect(signal.aborted).toBe(false);
        time += ms;
        const token = { next_page_token: String(++pages) };
        const body = JSON.stringify({ model_versions: [version(pages)], ...token });
        expect(request.endsAt).toBe(mlflowListMs);
        return { status: 200, headers: {}, body: Buffer.from(body) };
      },
    );
    const registry = mlflow({ trackingUri: 'http://mlflow.invalid', authorization: anonymous, http });
    const error = await registry.listVersions('m').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'MlflowUnavailable' });
    expect(String(error)).toMatch(new RegExp(`after ${pages} rows: .*within ${mlflowListMs} ms`));
    expect(time).toBeLessThan(mlflowListMs + ms);
    expect(mlflowListMs).toBeLessThan((functionTimeoutSeconds['end-promotion'] * 1_000) / 2);
  });

  it('ends although no time passes, with a server that always has another page', async () => {
    let pages = 0;
    const http = httpClient(LOOPBACK, { elapsed: () => 0 }, async () => {
      const body = JSON.stringify({ next_page_token: String(++pages) });
      return { status: 200, headers: {}, body: Buffer.from(body) };
    });
    const registry = mlflow({ trackingUri: 'http://mlflow.invalid', authorization: anonymous, http });
    await expect(registry.listVersions('m')).rejects.toThrow(/more than 1000 pages/);
  });
});

describe('5 MB of tags', () => {
  const tags = Array.from({ length: 50 }, (_, index) => ({
    key: `note.${index}`,
    value: 'x'.repeat(100_000),
  }));
  const own = [
    { key: 'promotion.fence', value: '7' },
    { key: 'workload.id', value: 'w' },
  ];

  it('on a model or a version do not keep a function from its work', async () => {
    server = await cannedServer((request, response) => {
      const version = { name: 'm', version: '1', current_stage: 'Production', tags: [...tags, ...own] };
      const model = { registered_model: { name: 'm', tags: [...tags, ...own], latest_versions: [version] } };
      response.end(JSON.stringify(request.url?.includes('search') ? { model_versions: [version] } : model));
    });
    const registry = mlflow({
      trackingUri: server.url,
      authorization: anonymous,
      http: httpClient({ ...LOOPBACK, maxBytes: mlflowCall.maxBytes }),
    });
    expect((await registry.getModel('m'))?.tags).toMatchObject({
      'promotion.fence': '7',
      'workload.id': 'w',
    });
    const [version] = await registry.listVersions('m');
    expect(version).toMatchObject({ stage: 'Production', tags: { 'promotion.fence': '7' } });
    expect(JSON.stringify(version).length).toBeLessThan(1_000_000);
  });
});
