import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { bearer } from '../../lambdas/adapters/authorization.ts';
import { httpClient, type Transport } from '../../lambdas/adapters/http.ts';
import { workloadApi } from '../../lambdas/adapters/workload-api/client.ts';
import { workloadCall } from '../../lambdas/domain/limits.ts';
import type { Workloads } from '../../lambdas/domain/serving/workloads.ts';
import { configuration, WorkloadEnvironment } from '../../lambdas/runtime/environment.ts';
import { type CannedServer, cannedServer } from '../support/canned-server.ts';
import { IMPATIENT } from '../support/clients.ts';

const TOKEN = 'tok-hunter2-very-secret';

let server: CannedServer;
afterEach(() => server?.close());

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

async function clientOf(answer: Answer): Promise<Workloads> {
  let count = 0;
  server = await cannedServer((request, response) => answer(request, response, ++count));
  return workloadApi({
    endpoint: `${server.url}/api/v2/`,
    authorization: bearer(TOKEN),
    http: httpClient(IMPATIENT, { pause: async () => {} }),
  });
}

const answering = (status: number, body: unknown, contentType = 'application/json', headers = {}) =>
  clientOf((_, response) =>
    response
      .writeHead(status, { 'content-type': contentType, ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body)),
  );

const start = {
  artifactId: 'a2',
  strategy: 'rolling',
  config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 },
} as const;
const caught = async (promise: Promise<unknown>): Promise<Error> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('expected a failure');
  return error;
};
const asked = () => server.requests.map(({ method, url }) => `${method} ${url}`);

/** Every write, and how it is sent. */
const writes: Record<string, (api: Workloads) => Promise<unknown>> = {
  'POST replacement': (api) => api.startReplacement('w1', start),
  'DELETE replacement': (api) => api.cancelReplacement('w1'),
  'POST promote': (api) => api.promote('w1'),
  'PATCH importance': (api) => api.setImportance('w1', 'high'),
  'PATCH lock': (api) => api.lockArtifact('a1'),
  'PATCH containers': (api) => api.setContainerGroups('a1', []),
  'POST clone': (api) => api.cloneArtifact('a1', 'x'),
};
/** What a proxy or a failing server answers for a moment. */
const momentary: Record<string, Answer> = {
  'a page of HTML': (_, response) => response.end('<html>Please wait</html>'),
  'truncated JSON': (_, response) => response.end('{"id": "w'),
  'a JSON list': (_, response) => response.end('[]'),
  'deep JSON': (_, response) => response.end(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`),
  'a 500': (_, response) => response.writeHead(500).end('Internal Server Error'),
  'a 502': (_, response) => response.writeHead(502).end('Bad Gateway'),
  'a 504': (_, response) => response.writeHead(504).end('Gateway Timeout'),
  'a lost answer': (request) => request.socket.destroy(),
};
const isMalformed = (name: string) => /HTML|JSON/.test(name);

describe('a refusal', () => {
  it.each([
    [
      'one sentence',
      { detail: 'Cannot update artifact: artifact is locked' },
      'Cannot update artifact: artifact is locked',
    ],
    [
      'a list of sentences',
      { detail: ['Cannot replace with the same artifact', 'twice'] },
      'Cannot replace with the same artifact; twice',
    ],
    [
      'a list of fields',
      { detail: [{ path: 'name', message: 'Field required', code: 'missing' }] },
      'name: Field required',
    ],
    [
      'a list of locations',
      { detail: [{ loc: ['body', 'config', 0], msg: 'too small', type: 'x' }] },
      'body.config.0: too small',
    ],
    ["the edge's own message", { message: 'Invalid API key' }, 'Invalid API key'],
    ['none of these', { error: 7 }, '"{"error":7}"'],
    ['plain text', 'nope', '"nope"'],
  ])('is told from %s', async (_, body, said) => {
    const api = await answering(422, body);
    expect(await caught(api.startReplacement('w1', start))).toMatchObject({
      name: 'WorkloadApiRefused',
      status: 422,
      detail: said,
      message: expect.stringContaining(`POST /api/v2/workloads/w1/replacement: HTTP 422 ${said}`),
    });
  });

  it.each([
    [400, /HTTP 400/],
    [401, /Check DATAROBOT_API_TOKEN/],
    [403, /lacks permission.*entitlement/],
    [404, /cannot see it/],
    [409, /HTTP 409/],
    [422, /HTTP 422/],
  ])('with %i is final, and says what to do where something can be done', async (status, message) => {
    const api = await answering(status, { detail: 'the reason' });
    const error = await caught(api.promote('w1'));
    expect(error).toMatchObject({
      name: 'WorkloadApiRefused',
      status,
      message: expect.stringMatching(message),
    });
    expect(server.requests).toHaveLength(1);
  });

  it('is one line, however hostile', async () => {
    const api = await answering(422, { detail: `a\nSubject: b\u202e ${'x'.repeat(100_000)}` });
    const { message } = await caught(api.promote('w1'));
    expect(message).not.toMatch(/[\n\u202e]/);
    expect(message.length).toBeLessThan(700);
  });
});

describe('an answer that the API would not give', () => {
  it.each([
    [
      'an HTML page with 200',
      200,
      '<!doctype html><title>Sign in</title>',
      'text/html',
      /ends in \/api\/v2\./,
    ],
    ['truncated JSON', 200, '{"id": "w', 'application/json', /not a JSON object/],
    ['a JSON list', 200, '[]', 'application/json', /not a JSON object/],
    ['another shape', 200, '{"id": 7}', 'application/json', /id:/],
    ['an empty body', 200, '', 'application/json', /id:/],
    ['5 MB', 200, `{"id":"${'x'.repeat(5_000_000)}"}`, 'application/json', /larger than 4194304 bytes/],
    ['a redirect', 302, '', 'text/html', /redirect/],
    [
      'deep JSON',
      200,
      `{"id": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      'application/json',
      /nested deeper than 100/,
    ],
    [
      'a million empty objects',
      200,
      `[${'{},'.repeat(1_000_000)}{}]`,
      'application/json',
      /more than 400000 values/,
    ],
    [
      'a runtime that no stack could hold',
      200,
      `{"id": "w", "runtime": ${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      'application/json',
      /nested deeper than 100/,
    ],
  ])('%s is nonsense, with method, path and status', async (_, status, body, type, message) => {
    const api = await answering(status, body, type);
    const error = await caught(api.getWorkload('../../x?y#z'));
    expect(error).toMatchObject({
      name: 'WorkloadApiInvalidResponse',
      message: expect.stringMatching(message),
    });
    expect(String(error)).toContain('GET /api/v2/workloads/..%2F..%2Fx%3Fy%23z');
    expect(String(error)).not.toContain(server.url);
  });
});

describe('an outage', () => {
  it('is repeated for a read', async () => {
    for (const status of [500, 502, 503, 504]) {
      const api = await answering(status, '<html>502 Bad Gateway</html>', 'text/html');
      expect(await caught(api.getWorkload('w1'))).toMatchObject({
        name: 'WorkloadApiUnavailable',
        outcomeUnknown: false,
        message: expect.stringContaining(`HTTP ${status}`),
      });
      expect(server.requests).toHaveLength(2);
      server.close();
    }
  });

  it.each(
    Object.entries(writes).flatMap(([write, send]) =>
      Object.entries(momentary).map(([name, bad]) => [write, name, send, bad] as const),
    ),
  )('leaves the outcome of %s open, which is not sent again: %s', async (_, name, send, bad) => {
    const api = await clientOf(bad);
    expect(await caught(send(api))).toMatchObject({
      name: isMalformed(name) ? 'WorkloadApiInvalidResponse' : 'WorkloadApiUnavailable',
      outcomeUnknown: true,
    });
    expect(server.requests).toHaveLength(1);
  });

  it.each(Object.entries(momentary))('of one moment does not lose a read: %s', async (_, bad) => {
    const good = JSON.stringify({ id: 'w1', status: 'running', candidateArtifactId: 'a1', data: [] });
    const api = await clientOf((request, response, count) => {
      if (count % 2 === 1) bad(request, response, count);
      else response.end(good);
    });
    expect(await api.getWorkload('w1')).toMatchObject({ id: 'w1' });
    expect(await api.getReplacement('w1')).toMatchObject({ id: 'w1' });
    expect(await api.protons('w1')).toEqual([]);
    expect(server.requests).toHaveLength(6);
  });

  it('is an error that a later call can mend, however malformed the answers to a read are', async () => {
    const api = await clientOf((_, response) => response.end('<html>'));
    const error = await caught(api.getWorkload('w1'));
    expect(error).toMatchObject({ name: 'WorkloadApiInvalidResponse', outcomeUnknown: false });
    expect(server.requests).toHaveLength(2);
  });

  it('before anything was sent leaves nothing open', async () => {
    const api = workloadApi({
      endpoint: 'http://127.0.0.1:1/api/v2',
      authorization: bearer(TOKEN),
      http: httpClient(IMPATIENT),
    });
    const error = await caught(api.promote('w1'));
    expect(error).toMatchObject({ name: 'WorkloadApiUnavailable', outcomeUnknown: false });
    expect(error.message).toMatch(/DATAROBOT_ENDPOINT/);
  });

  it.each([
    ['without', {}],
    ['with', { 'retry-after': '1' }],
  ])(
    'of patience (429, %s Retry-After) is repeated also for a POST, as nothing was done',
    async (_, headers) => {
      const api = await clientOf((_, response, count) => {
        if (count === 1) response.writeHead(429, headers).end('{"detail":"slow down"}');
        else response.writeHead(202).end('{"id":"r1","candidateArtifactId":"a2","status":"submitted"}');
      });
      expect(await api.startReplacement('w1', start)).toMatchObject({ id: 'r1' });
      expect(server.requests).toHaveLength(2);
    },
  );

  it('of patience that asks for more than there is ends at once', async () => {
    const api = await answering(429, { detail: 'slow down' }, 'application/json', { 'retry-after': '3600' });
    expect(await caught(api.promote('w1'))).toMatchObject({
      name: 'WorkloadApiUnavailable',
      outcomeUnknown: false,
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe('the token', () => {
  const percent = [...Buffer.from(TOKEN)].map((byte) => `%${byte.toString(16)}`).join('');
  const echoes: Record<string, string> = {
    'as it is': `You sent Bearer ${TOKEN}`,
    'as escapes of JSON': Array.from(TOKEN, (c) => `\\u00${c.charCodeAt(0).toString(16)}`).join(''),
    'as HTML': Array.from(TOKEN, (c) => `&#${c.charCodeAt(0)};`).join(''),
    'percent-encoded': percent,
    'in base64': Buffer.from(`Bearer ${TOKEN}`).toString('base64'),
    'cut off': `You sent Bearer ${TOKEN.slice(0, -5)}`,
  };
  /** What of an error may be logged, shown or stored: Lambda logs its fields, too. */
  const shown = (error: unknown) => JSON.stringify([String(error), error]);
  const SIGNS = /hunter2|-very|2LXZlcn|LXZlcnk|%76%65%72|u0076\\+u0065\\+u0072|#118;&#101;&#114/;

  it.each(
    Object.entries(echoes).flatMap(([how, echo]) =>
      [200, 302, 400, 401, 403, 404, 422, 500].map((status) => [how, status, echo] as const),
    ),
  )('stays out of the message when the server repeats it %s (HTTP %i)', async (_, status, echo) => {
    for (const body of [
      { detail: echo, id: 7 },
      { message: echo, [echo]: 1 },
      { detail: [{ path: echo, message: echo }] },
      echo,
    ]) {
      const api = await answering(status, body, echo.replace(/[^\x20-\x7e]/g, '').slice(0, 60));
      const error = await caught(api.protons(TOKEN.slice(0, 3)));
      expect(shown(error)).not.toMatch(SIGNS);
      expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
      server.close();
    }
  });

  it.each([401, 403])('is refused without a quotation of the answer (HTTP %i)', async (status) => {
    const api = await answering(status, { detail: 'some words' });
    const error = await caught(api.getWorkload('w1'));
    expect(error).toMatchObject({ name: 'WorkloadApiRefused', status });
    expect(shown(error)).not.toContain('words');
  });

  it.each(Object.entries(echoes))(
    'stays out of what containers and the platform tell, %s',
    async (_, echo) => {
      const message = `failed with ${echo}`;
      const container = { name: 'c', message, reason: message, lastState: { message, reason: message } };
      const replica = {
        name: 'r',
        containers: [container],
        conditions: [{ value: false, reason: message, message }],
      };
      const details = { message, protonStatuses: { p: { replicas: [replica] } } };
      const row = { id: 'x', message, statusDetails: { logTail: [message] }, details };
      const api = await answering(200, {
        ...row,
        data: [row],
        overallStatus: { summary: message },
        replicas: [replica],
        logTail: [message],
      });
      const told = [
        await api.getReplacement('w'),
        await api.history('w', 1),
        await api.protons('w'),
        await api.events('w', 1),
        await api.logs('w', 1),
        await api.statusDetails('w', 'p'),
      ];
      expect(JSON.stringify(told)).not.toMatch(SIGNS);
      expect(JSON.stringify(told).match(/failed with/g)?.length).toBeGreaterThan(12);
    },
  );

  it('and the endpoint are checked before anything is sent, and their values not repeated', () => {
    const problem = (DATAROBOT_ENDPOINT: string, DATAROBOT_API_TOKEN = TOKEN) => {
      try {
        return configuration(WorkloadEnvironment, { DATAROBOT_ENDPOINT, DATAROBOT_API_TOKEN });
      } catch (error) {
        return String(error);
      }
    };
    expect(problem('https://app.datarobot.com/api/v2')).toMatchObject({ DATAROBOT_API_TOKEN: TOKEN });
    expect(problem('https://me:hunter2@example.com/api/v2')).toMatch(/must not hold credentials/);
    expect(problem('ftp://x/hunter2')).toMatch(/must be https:/);
    expect(problem('hunter2')).toMatch(/must be a URL/);
    expect(problem('', '')).toMatch(/DATAROBOT_ENDPOINT is not set; DATAROBOT_API_TOKEN is not set/);
    expect(problem('https://x/api/v2', 'hunter2\nX-Evil: 1')).toMatch(/DATAROBOT_API_TOKEN must be a token/);
    for (const bad of ['https://me:hunter2@x', 'ftp://x/hunter2', 'hunter2'])
      expect(problem(bad)).not.toContain('hunter2');
  });
});

describe('requests', () => {
  it('have the routes and bodies of the API', async () => {
    const bodies: string[] = [];
    const everything = {
      id: 'x',
      status: 'draft',
      candidateArtifactId: 'a',
      spec: {},
      data: [],
      metrics: {},
    };
    const api = await clientOf((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(200).end(JSON.stringify(everything));
      });
    });
    await api.getWorkload('w');
    await api.setImportance('w', 'high');
    await api.promote('w');
    await api.stats('w', 'p');
    await api.events('w', 5);
    await api.history('w', 500);
    await api.getArtifact('a');
    await api.lockArtifact('a');
    await api.setContainerGroups('a', [{ name: 'default' }]);
    await api.cloneArtifact('a', 'copy');
    await api.startReplacement('w', start);
    await api.getReplacement('w');
    await api.cancelReplacement('w');
    await api.protons('w');
    await api.statusDetails('w', 'p/1');
    await api.logs('w', 20, 'p');
    expect(asked()).toEqual([
      'GET /api/v2/workloads/w',
      'PATCH /api/v2/workloads/w',
      'POST /api/v2/workloads/w/promote',
      'GET /api/v2/workloads/w/stats?protonId=p',
      'GET /api/v2/workloads/w/events?offset=0&limit=5',
      'GET /api/v2/workloads/w/history?offset=0&limit=100',
      'GET /api/v2/artifacts/a',
      'PATCH /api/v2/artifacts/a',
      'PATCH /api/v2/artifacts/a',
      'POST /api/v2/artifacts/a/clone',
      'POST /api/v2/workloads/w/replacement',
      'GET /api/v2/workloads/w/replacement',
      'DELETE /api/v2/workloads/w/replacement',
      'GET /api/v2/workloads/w/protons?offset=0&limit=100',
      'GET /api/v2/workloads/w/protons/p%2F1/statusDetails',
      'GET /api/v2/otel/workload/w/logs/?searchKeys=proton_id&searchValues=p&offset=0&limit=20',
    ]);
    expect(bodies.filter((body) => body !== '')).toEqual([
      '{"importance":"high"}',
      '{}',
      '{"status":"locked"}',
      '{"spec":{"containerGroups":[{"name":"default"}]}}',
      '{"name":"copy"}',
      JSON.stringify(start),
    ]);
  });

  it('take the other form of the slash where the first is redirected, and send the token nowhere else', async () => {
    const api = await clientOf((request, response) => {
      if (request.url?.endsWith('/') === true) response.writeHead(200).end('{"id":"w1","status":"running"}');
      else response.writeHead(308, { location: 'https://elsewhere.example.com/' }).end();
    });
    expect(await api.getWorkload('w1')).toMatchObject({ id: 'w1' });
    expect(asked()).toEqual(['GET /api/v2/workloads/w1', 'GET /api/v2/workloads/w1/']);
  });

  it('share one time, with the credentials read anew and the other form of the path', async () => {
    let time = 0;
    const sent: number[] = [];
    const transport: Transport = async ({ headers }) => {
      sent.push(time);
      time += 3_000;
      const status = headers['authorization'] === 'Bearer old' ? 401 : 308;
      return { status, headers: {}, body: Buffer.from('') };
    };
    const authorization = {
      headers: async () => ({ authorization: 'Bearer old' }),
      renewed: async () => ({ authorization: 'Bearer new' }),
      secrets: () => [],
    };
    const http = httpClient(workloadCall, { elapsed: () => time, pause: async () => {} }, transport);
    const api = workloadApi({ endpoint: 'http://datarobot.invalid/api/v2', authorization, http });
    expect(await caught(api.promote('w1'))).toMatchObject({
      name: 'WorkloadApiUnavailable',
      outcomeUnknown: false,
    });
    expect(sent).toEqual([0, 3_000, 6_000]);
    expect(workloadCall.totalMs).toBeLessThan(20_000);
  });

  it.each(['.', '..', ''])('are not made for the id "%s", which would name another resource', async (id) => {
    const api = await answering(200, { id: 'x' });
    expect(await api.getWorkload(id)).toBeNull();
    await expect(api.promote(id)).rejects.toMatchObject({ name: 'WorkloadApiRefused' });
    expect(server.requests).toHaveLength(0);
  });

  it('page by offset, and end with a server that never does', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({ id: `p${i}`, status: 'running' }));
    const api = await answering(200, { data: rows, next: 'https://elsewhere.example.com/' });
    expect(await api.protons('w1')).toHaveLength(500);
    expect(asked().at(-1)).toBe('GET /api/v2/workloads/w1/protons?offset=400&limit=100');
    expect(server.requests).toHaveLength(5);
  });
});

describe('answers', () => {
  it('that something is missing are null', async () => {
    const api = await answering(404, { detail: 'There is no active replacement for this workload.' });
    expect(await api.getReplacement('w1')).toBeNull();
    expect(await api.getArtifact('a1')).toBeNull();
    await expect(api.cancelReplacement('w1')).resolves.toBeUndefined();
    await expect(api.protons('w1')).rejects.toMatchObject({ status: 404 });
  });

  it('are read without what may be left out, and with words never seen before', async () => {
    const api = await answering(200, {
      id: 'w1',
      status: 'Hibernating',
      artifact: { id: 'a1', status: 'locked', type: 'agent' },
      later: [1],
    });
    expect(await api.getWorkload('w1')).toEqual({
      id: 'w1',
      name: '',
      status: 'Hibernating',
      importance: null,
      type: 'agent',
      artifactId: 'a1',
      artifactStatus: 'locked',
      endpoint: null,
      runtime: null,
    });
  });

  it('about containers keep both dialects of a condition and the reason of the last crash', async () => {
    const container = {
      name: 'lrs-p-model',
      status: 'waiting',
      restartCount: 4,
      reason: 'CrashLoopBackOff',
      lastState: { reason: 'OOMKilled', exitCode: 137 },
    };
    const conditions = [
      { type: 'Ready', value: false, reason: 'Unschedulable', message: 'no room' },
      { type: 'Initialized', met: false, since: 'x' },
      { type: 'PodScheduled', met: true, reason: 'fine' },
    ];
    const api = await answering(200, {
      overallStatus: { state: 'launching' },
      replicas: [{ name: 'r', status: 'pending', containers: [container], conditions }],
    });
    expect(await api.statusDetails('w1', 'p1')).toEqual({
      state: 'launching',
      summary: null,
      logTail: [],
      replicas: [
        {
          name: 'r',
          status: 'pending',
          unmet: [{ reason: 'Unschedulable', message: 'no room' }],
          containers: [
            {
              name: 'lrs-p-model',
              status: 'waiting',
              ready: false,
              restarts: 4,
              reason: 'CrashLoopBackOff, OOMKilled',
              exitCode: 137,
              message: null,
            },
          ],
        },
      ],
    });
    server.close();
    expect(await (await answering(204, '')).statusDetails('w1', 'p1')).toBeNull();
  });

  it('about containers take an empty text for an absent one', async () => {
    const crashed = {
      name: 'model',
      reason: '',
      message: '',
      lastState: { reason: 'Error', message: 'killed' },
    };
    const conditions = [
      { type: 'PodReadyToStartContainers', value: false, reason: '', message: '' },
      { type: 'Ready', value: false, reason: 'PodCompleted', message: '' },
    ];
    const api = await answering(200, {
      overallStatus: { state: '', summary: '' },
      replicas: [{ name: '', status: '', containers: [crashed], conditions }],
    });
    expect(await api.statusDetails('w1', 'p1')).toMatchObject({
      state: null,
      summary: null,
      replicas: [
        {
          status: 'unknown',
          unmet: [{ reason: 'PodCompleted', message: null }],
          containers: [{ status: 'unknown', reason: 'Error', message: 'killed' }],
        },
      ],
    });
  });

  it.each([[{}], [{ candidateArtifactId: null }], [{ candidateArtifactId: '' }]])(
    'about a replacement with the candidate %j name the artifact in service',
    async (candidate) => {
      const api = await clientOf(({ url }, response) => {
        const isWorkload = url?.endsWith('/w1') === true;
        const body = isWorkload ? { id: 'w1', artifactId: 'a1' } : { id: 'r1', status: 'x', ...candidate };
        response.end(JSON.stringify(body));
      });
      expect(await api.getReplacement('w1')).toMatchObject({ id: 'r1', candidateArtifactId: 'a1' });
      expect(asked()).toEqual(['GET /api/v2/workloads/w1/replacement', 'GET /api/v2/workloads/w1']);
    },
  );

  it('with an event whose details cannot be read still hold the event', async () => {
    const api = await answering(200, {
      data: [
        { id: 'e1', timestamp: 't', eventType: 'New Thing', details: { artifactId: 7 } },
        {
          id: 'e2',
          eventType: 'Replacement Errored',
          details: { artifactId: 'a2', message: 'no', protonStatuses: null },
        },
      ],
    });
    expect(await api.events('w1', 10)).toMatchObject([
      { id: 'e1', eventType: 'New Thing', artifactId: null },
      { id: 'e2', artifactId: 'a2', message: 'no', protons: {} },
    ]);
  });

  it('with logs come oldest first', async () => {
    const api = await answering(200, {
      data: [
        { timestamp: '3', level: 'info', message: '' },
        { timestamp: '2', level: 'info', message: 'b' },
        { timestamp: '1', level: 'info', message: 'a' },
      ],
    });
    expect((await api.logs('w1', 10)).map((line) => line.message)).toEqual(['a', 'b', '']);
  });
});
