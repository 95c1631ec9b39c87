import { afterEach, describe, expect, it } from 'vitest';
import { anonymous, basic, bearer } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { type CannedServer, cannedServer } from '../support/canned-server.ts';
import { IMPATIENT } from '../support/clients.ts';

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
  const answer = `${' '.repeat(1_990)}${PASSWORD}`;
  const error = await (await client(403, answer)).getModel('m').catch((caught: unknown) => caught);
  expect(String(error)).toContain('HTTP 403');
  expect(String(error)).not.toContain(PASSWORD.slice(0, 4));
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
    [500, 'INTERNAL_ERROR', 'MlflowRefused'],
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
  const answer = (status: number) =>
    client(
      status,
      `You sent ${PASSWORD} and ${Buffer.from(`promoter:${PASSWORD}`).toString('base64')}`,
      'text/html',
    );

  it.each([200, 401, 500])(
    'stay out of the message when the server repeats them (HTTP %i)',
    async (status) => {
      const registry = await answer(status);
      const error = await registry.getModel('m').catch((caught: unknown) => caught);
      expect(JSON.stringify([String(error), error])).not.toMatch(/hunter2|cHJvbW90ZXI/);
    },
  );

  it('are sent as Basic or as Bearer', async () => {
    await (await client(401, '')).getModel('m').catch(() => {});
    expect(server.requests[0]?.headers.authorization).toMatch(/^Basic /);
    server.close();
    await (await client(401, '', 'text/html', bearer('tok'))).getModel('m').catch(() => {});
    expect(server.requests[0]?.headers.authorization).toBe('Bearer tok');
  });
});

describe('paging', () => {
  it('stops when a server repeats its page token', async () => {
    const registry = await client(200, JSON.stringify({ model_versions: [], next_page_token: 'again' }));
    await expect(registry.listVersions('m')).rejects.toThrow(/page token is repeated/);
    expect(server.requests.length).toBeLessThan(5);
  });
});

it('does not repeat a stage transition whose answer is lost', async () => {
  server = await cannedServer((request) => request.socket.destroy());
  const registry = mlflow({
    trackingUri: server.url,
    authorization: anonymous,
    http: httpClient(IMPATIENT),
  });
  await expect(registry.moveToProduction('m', '3')).rejects.toMatchObject({ name: 'MlflowUnavailable' });
  expect(server.requests).toHaveLength(1);
});
