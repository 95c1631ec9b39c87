import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HttpRequest, httpClient, NoReply, retryAfterMs } from '../../lambdas/adapters/http.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const limits = {
  connectMs: 500,
  headersMs: 300,
  bodyMs: 300,
  totalMs: 2_000,
  maxBytes: 1_000,
  retries: 3,
  backoffMs: 1,
};
const busy: Answer = (_, response) => response.writeHead(503).end('busy');
const ok: Answer = (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('done');

let server: Server;
let seen: number;
let answers: Answer[];
let waits: number[];

beforeEach(async () => {
  seen = 0;
  waits = [];
  server = createServer((request, response) => {
    seen += 1;
    (answers.length > 1 ? answers.shift() : answers[0])?.(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function call(more: Partial<HttpRequest> & { limits?: Partial<typeof limits> } = {}) {
  const { port } = server.address() as AddressInfo;
  const http = httpClient(
    { ...limits, ...more.limits },
    {
      pause: async (ms) => {
        waits.push(ms);
      },
    },
  );
  return http({
    method: 'GET',
    url: new URL(`http://127.0.0.1:${port}/x`),
    headers: {},
    repeatable: true,
    ...more,
  });
}

describe('a request that is safe to repeat', () => {
  it('is repeated until it is answered', async () => {
    answers = [busy, (request) => request.socket.destroy(), ok];
    expect((await call()).body.toString()).toBe('done');
    expect(seen).toBe(3);
  });

  it('answers the last refusal when the server stays busy', async () => {
    answers = [busy];
    expect((await call()).status).toBe(503);
    expect(seen).toBe(4);
  });
});

describe('a request that is not safe to repeat', () => {
  it.each([
    ['502, 503 or 504', busy],
    ['a lost answer', ((request) => request.socket.destroy()) satisfies Answer],
  ])('is not repeated after %s', async (_, answer) => {
    answers = [answer];
    await call({ method: 'POST', repeatable: false }).catch(() => {});
    expect(seen).toBe(1);
  });

  it('is repeated after 429, which says that nothing was done', async () => {
    answers = [(_, response) => response.writeHead(429).end(), ok];
    expect((await call({ method: 'POST', repeatable: false })).status).toBe(200);
  });
});

describe('an answer that the request itself calls transient', () => {
  const page: Answer = (_, response) => response.end('<html>');
  const isTransient = ({ body }: { body: Buffer }) => body.toString() === '<html>';

  it('is asked for again where the request may be repeated, and is the answer in the end', async () => {
    answers = [page, page, ok];
    expect((await call({ isTransient })).body.toString()).toBe('done');
    answers = [page];
    expect((await call({ isTransient })).body.toString()).toBe('<html>');
    expect(seen).toBe(7);
  });

  it('is the answer at once where it may not', async () => {
    answers = [page];
    const request = { method: 'POST', repeatable: false, isTransient } as const;
    expect((await call(request)).body.toString()).toBe('<html>');
    expect(seen).toBe(1);
  });
});

describe('the time of a call', () => {
  type Reply = { status: number; ms: number } | NoReply;

  /** A client in a time of its own, whose attempts take so many milliseconds. */
  function clientIn(replies: Reply[], more: Partial<typeof limits> = {}) {
    let time = 0;
    const sentAt: number[] = [];
    const ends: { at: number; controller: AbortController }[] = [];
    const pass = (ms: number) => {
      time += ms;
      for (const { at, controller } of ends) if (time >= at) controller.abort(new Error('over'));
    };
    const clock = {
      elapsed: () => time,
      random: () => 0,
      pause: async (ms: number) => pass(ms),
      expiry: (ms: number) => {
        const controller = new AbortController();
        ends.push({ at: time + ms, controller });
        return controller.signal;
      },
    };
    const http = httpClient({ ...limits, backoffMs: 100, ...more }, clock, async () => {
      sentAt.push(time);
      const reply = (replies.length > 1 ? replies.shift() : replies[0]) ?? { status: 500, ms: 0 };
      if (reply instanceof NoReply) throw reply;
      pass(reply.ms);
      return { status: reply.status, headers: {}, body: Buffer.from('') };
    });
    const url = new URL('http://mlflow.invalid/');
    const send = (request: Partial<HttpRequest>) =>
      http({ method: 'POST', url, headers: {}, repeatable: false, ...request }).catch(
        (error: unknown) => error,
      );
    return { http, send, sentAt, now: () => time, pass };
  }
  const refusedConnection = new NoReply('connect', 'refused');

  it('bounds every attempt: none is sent after it, and none is waited for when it would be', async () => {
    const { send, sentAt } = clientIn([{ status: 429, ms: 10 }], { totalMs: 500, retries: 10 });
    expect(await send({})).toMatchObject({ status: 429 });
    expect(sentAt).toEqual([0, 110, 320]);
  });

  it('can be shared with other calls, and is never longer than its own', async () => {
    const { http, send, sentAt, pass } = clientIn([{ status: 503, ms: 10 }], { totalMs: 500, retries: 10 });
    const endsAt = http.endsAt(250);
    await send({ repeatable: true, endsAt });
    expect(sentAt).toEqual([0, 110]);
    pass(130);
    const late = await send({ repeatable: true, endsAt });
    expect(late).toMatchObject({ kind: 'timeout', sent: false });
    expect(sentAt).toHaveLength(2);
    await send({ repeatable: true, endsAt: http.endsAt(100_000) });
    expect(sentAt.slice(2).map((at) => at - 250)).toEqual([0, 110, 320]);
  });

  it('that ends is an unknown outcome only if an attempt can have taken effect', async () => {
    const never = clientIn([refusedConnection], { totalMs: 500, retries: 10 });
    expect(await never.send({})).toMatchObject({ kind: 'connect', sent: false });
    const once = clientIn([refusedConnection, { status: 200, ms: 600 }], { totalMs: 500 });
    expect(await once.send({})).toMatchObject({ kind: 'timeout', sent: true });
    expect(once.sentAt).toHaveLength(2);
  });
});

describe('Retry-After', () => {
  it('is waited for before the next try', async () => {
    answers = [(_, response) => response.writeHead(503, { 'retry-after': '1' }).end(), ok];
    expect((await call()).status).toBe(200);
    expect(waits).toEqual([1000, expect.closeTo(1.5, 0)]);
  });

  it('ends the attempts at once when it asks for more time than is left', async () => {
    answers = [(_, response) => response.writeHead(503, { 'retry-after': '3600' }).end(), ok];
    expect((await call()).status).toBe(503);
    expect(seen).toBe(1);
    expect(waits).toEqual([]);
  });

  it.each([
    ['7', '', 7_000],
    ['Sat, 21 Nov 2026 10:00:10 GMT', 'Sat, 21 Nov 2026 10:00:00 GMT', 10_000],
    ['Sat, 21 Nov 2026 09:00:00 GMT', 'Sat, 21 Nov 2026 10:00:00 GMT', 0],
    ['soon', '', 0],
    ['-1', '', 0],
  ])('%s is %s → %d ms', (value, date, ms) => {
    expect(retryAfterMs(value, date)).toBe(ms);
  });
});

describe('a bounded answer', () => {
  it('is refused when it is too large, and not asked for again', async () => {
    answers = [(_, response) => response.end('x'.repeat(5_000_000))];
    await expect(call()).rejects.toMatchObject({ name: 'NoReply', kind: 'too-large' });
    expect(seen).toBe(1);
  });

  it('is refused by its announced length before it is read', async () => {
    answers = [(_, response) => response.writeHead(200, { 'content-length': '1001' }).flushHeaders()];
    await expect(call()).rejects.toMatchObject({ kind: 'too-large', sent: true });
    expect(seen).toBe(1);
  });

  it.each([
    ['headers', (() => {}) satisfies Answer],
    [
      'body',
      ((_, response) => response.writeHead(200, { 'content-length': '10' }).write('x')) satisfies Answer,
    ],
  ])('is not waited for longer than the time-out for its %s', async (_, answer) => {
    answers = [answer];
    await expect(call({ limits: { retries: 0 } })).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('ends with the total budget, whatever the retries', async () => {
    answers = [() => {}];
    await expect(call({ limits: { totalMs: 200, headersMs: 5_000 } })).rejects.toMatchObject({
      kind: 'timeout',
    });
  });
});

it('says that a server that is not there never saw the request', async () => {
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  const http = httpClient({ ...limits, retries: 1 });
  const error = await http({
    method: 'POST',
    url: new URL(`http://127.0.0.1:${port}/`),
    headers: {},
    repeatable: false,
  }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(NoReply);
  expect(error).toMatchObject({ kind: 'connect', sent: false });
});

describe('a server whose certificate comes from an authority of its own', () => {
  const fileOf = (name: string) =>
    fileURLToPath(new URL(`../fixtures/certificates/${name}`, import.meta.url));
  const shown = {
    'signed by itself': ['localhost.pem'],
    'signed by an authority': ['signed.pem'],
    'signed by an authority that it brings along': ['signed.pem', 'authority.pem'],
    'out of date': ['expired.pem'],
  };
  type Certificate = keyof typeof shown;
  const probe = `
    import { httpClient } from ${JSON.stringify(new URL('../../lambdas/adapters/http.ts', import.meta.url).href)};
    const http = httpClient({ connectMs: 2000, headersMs: 2000, bodyMs: 2000, totalMs: 5000, maxBytes: 1000, retries: 0, backoffMs: 1 });
    const told = [];
    for (const url of process.argv.slice(1)) {
      const request = { method: 'POST', url: new URL(url), headers: {}, repeatable: false };
      told.push(await http(request).then(({ status }) => String(status), ({ kind, sent, message }) => [kind, sent, message].join(' ')));
    }
    console.log(JSON.stringify(told));`;
  let servers: Map<string, Server>;
  let requests: number;

  beforeAll(async () => {
    const started = Object.entries(shown).map(async ([name, files]): Promise<[string, Server]> => {
      const cert = files.map((file) => readFileSync(fileOf(file), 'utf8')).join('');
      const server = createTlsServer({ key: readFileSync(fileOf('localhost.key')), cert }, (_, response) => {
        requests += 1;
        response.end('{}');
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      return [name, server];
    });
    servers = new Map(await Promise.all(started));
  });
  beforeEach(() => {
    requests = 0;
  });
  afterAll(async () => {
    for (const server of servers.values()) await new Promise((done) => server.close(done));
  });

  /** A process of its own, as Node reads NODE_EXTRA_CA_CERTS when it starts; without the machine's own one. */
  async function told(trusted: string | null): Promise<Record<Certificate, string>> {
    const { NODE_EXTRA_CA_CERTS: _, ...own } = process.env;
    const urls = [...servers.values()].map(
      (server) => `https://localhost:${(server.address() as AddressInfo).port}/`,
    );
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', probe, ...urls],
      {
        env: { ...own, ...(trusted === null ? {} : { NODE_EXTRA_CA_CERTS: fileOf(trusted) }) },
        timeout: 20_000,
      },
    );
    const answers = JSON.parse(stdout) as string[];
    return Object.fromEntries([...servers.keys()].map((name, index) => [name, answers[index]])) as Record<
      Certificate,
      string
    >;
  }
  const refused = (code: string) =>
    expect.stringMatching(
      new RegExp(`^connect false .* is not trusted \\(${code}\\); NODE_EXTRA_CA_CERTS .* caBundle$`),
    );

  const outOfDate = expect.stringMatching(
    /^connect false .*not trusted \(CERT_HAS_EXPIRED\); renew it, or the certificate that signed it$/,
  );

  it('never sees the request, and the error says what would make it trusted', async () => {
    expect(await told(null)).toEqual({
      'signed by itself': refused('DEPTH_ZERO_SELF_SIGNED_CERT'),
      'signed by an authority': refused('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      'signed by an authority that it brings along': refused('SELF_SIGNED_CERT_IN_CHAIN'),
      'out of date': outOfDate,
    });
    expect(requests).toBe(0);
  });

  it('is trusted when its authority is among the extra certificates, as long as its certificate is valid', async () => {
    expect(await told('authority.pem')).toEqual({
      'signed by itself': refused('DEPTH_ZERO_SELF_SIGNED_CERT'),
      'signed by an authority': '200',
      'signed by an authority that it brings along': '200',
      'out of date': outOfDate,
    });
    expect(requests).toBe(2);
  });

  it('is trusted when its own certificate is among them', async () => {
    expect(await told('localhost.pem')).toMatchObject({ 'signed by itself': '200' });
  });
});
