import type { Sendable } from '../../emulators/exchange.ts';
import { NoReply, type Transport } from '../../lambdas/adapters/http.ts';
import { deadlineOf, expire, running } from './invocation.ts';
import { type Altering, send } from './remote.ts';
import type { HttpSystem } from './systems.ts';

/** POST requests that only read. */
const READS = /^(registered-models\/get-latest-versions|.*\/search)$/;
const ID = /\b[0-9a-f]{24}\b|\b[0-9a-f]{32}\b|[^/]+\.html$/g;
const PAGE = '<!doctype html><html><body><h1>Sign in</h1></body></html>';
const HOSTILE = [
  '{}',
  '[]',
  'null',
  '{"unexpected":true}',
  '{"registered_model":{"name":5,"tags":"none"}}',
  '{"id":null,"status":{"a":1}}',
  '{"data":[{"id":{}}],"totalCount":-1,"model_versions":[{}],"next_page_token":"x"}',
  `{"data":${'['.repeat(2000)}${']'.repeat(2000)}}`,
];

/** Sends HTTP requests to the systems of a world, by host name. */
export function httpTransport(systemOf: (host: string) => HttpSystem | undefined): Transport {
  return async (request, limits, signal) => {
    const invocation = running();
    const found = systemOf(request.url.host);
    if (found === undefined) throw new NoReply('connect', `cannot connect (ENOTFOUND ${request.url.host})`);
    const { seen, answered } = found.receive({
      method: request.method,
      url: request.url.pathname + request.url.search,
      headers: request.headers,
      body: Buffer.from(request.body ?? ''),
    });
    const left = deadlineOf(signal) - invocation.play.time.now;
    const sent = await send(invocation, {
      system: found.system,
      name: `${seen.method} ${seen.path.replace(ID, '*')}`,
      writes: seen.method !== 'GET' && !READS.test(seen.path),
      body: seen.body,
      timeoutMs: Math.min(limits.headersMs, left),
      execute: answered,
      begin: found.begin?.(seen),
    });
    if (deadlineOf(signal) <= invocation.play.time.now) {
      expire(signal);
      signal.throwIfAborted();
    }
    switch (sent.kind) {
      case 'refused':
        throw new NoReply('connect', 'cannot connect (ECONNREFUSED)');
      case 'timeout':
        throw new NoReply('timeout', 'no answer in time');
      case 'broken':
        throw new NoReply('broken', 'the connection broke (ECONNRESET)');
      case 'answered':
        return wired(answerOf(sent.answer));
      case 'altered':
        return wired(altered(sent.by, sent.answer === null ? null : answerOf(sent.answer)));
    }
  };
}

/** An emulator answers everything; what it throws is a mistake in it. */
function answerOf(answer: { value: Sendable } | { error: unknown }): Sendable {
  if ('error' in answer) throw answer.error;
  return answer.value;
}

function wired({ status, body, type, headers }: Sendable) {
  return {
    status,
    headers: { 'content-type': type ?? 'text/plain', ...headers },
    body: Buffer.from(body ?? ''),
  };
}

function altered(by: Altering, answer: Sendable | null): Sendable {
  switch (by) {
    case 'throttled':
      return { status: 429, body: 'Too many requests', headers: { 'retry-after': '1' } };
    case 'broken':
      return {
        status: 500,
        type: 'application/json',
        body: '{"error_code":"INTERNAL_ERROR","message":"(sqlite3.OperationalError) database is locked"}',
      };
    case 'unavailable':
      return { status: 503, type: 'text/html', body: '<html><h1>503 Service Unavailable</h1></html>' };
    case 'gateway-timeout':
      return { status: 504, type: 'text/html', body: '<html><h1>504 Gateway Time-out</h1></html>' };
    case 'html':
      return { status: 200, type: 'text/html', body: PAGE };
    case 'truncated': {
      const whole = Buffer.from(answer?.body ?? '');
      return { status: answer?.status ?? 200, ...kindOf(answer), body: whole.subarray(0, whole.length / 2) };
    }
    case 'hostile':
    case 'hostile-after':
      return { status: 200, type: 'application/json', body: running().random.pick(HOSTILE) };
  }
}

const kindOf = (answer: Sendable | null) => (answer?.type === undefined ? {} : { type: answer.type });
