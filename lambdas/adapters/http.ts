import type { Readable } from 'node:stream';
import { setTimeout as timer } from 'node:timers/promises';
import pRetry from 'p-retry';
import { errors, Pool, request as send } from 'undici';
import { type Clock, processExpiry, withJitter } from './clock.ts';

/** An HTTP client for JSON APIs: bounded in time and size, with retries only where they are safe. */

/** Time and size limits of one call. */
export interface HttpLimits {
  /** Milliseconds for the connection. */
  connectMs: number;
  /** Milliseconds from the request to the first byte of the response. */
  headersMs: number;
  /** Milliseconds between two chunks of the response. */
  bodyMs: number;
  /** Milliseconds for one call with all its retries: its last attempt has ended by then. */
  totalMs: number;
  /** Size limit of a response body. */
  maxBytes: number;
  /** Retries after the first attempt. */
  retries: number;
  /** Milliseconds before the first retry; doubled each time, and up to twice as long by jitter. */
  backoffMs: number;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /**
   * True when the request may be sent again without knowing whether it took effect: a read, or a write that nobody can
   * have overtaken in the meantime.
   */
  repeatable: boolean;
  /** For a repeatable request: true for a response after which it is sent again, besides 429, 502, 503 and 504. */
  isTransient?: (reply: HttpReply) => boolean;
  /**
   * Reads the body of a successful response as it arrives; that of the reply is then empty. Called anew for each attempt. It
   * may stop early, has to rethrow what the chunks throw, and may throw `NoReply` for a response that is of no use.
   */
  read?: (chunks: AsyncIterable<Buffer>, headers: Record<string, string | undefined>) => Promise<void>;
  maxBytes?: number;
  /** Milliseconds for this call with all its retries, in place of those of the limits. */
  totalMs?: number;
  /** By when the last attempt has ended, as `Http.endsAt` says it. Default, and at most: `totalMs` from now. */
  endsAt?: number;
}

export interface HttpReply {
  status: number;
  contentType: string;
  body: Buffer;
}

/** No response arrived: connection, time-out or size. `sent` is false when the request cannot have taken effect. */
export class NoReply extends Error {
  override readonly name = 'NoReply' as const;
  readonly kind: 'connect' | 'timeout' | 'broken' | 'too-large';
  readonly sent: boolean;
  constructor(kind: NoReply['kind'], message: string, cause?: unknown, sent = kind !== 'connect') {
    super(message, { cause });
    this.kind = kind;
    this.sent = sent;
  }
}

/** A response that allows a retry; internal to the client. */
class RetryableReply extends Error {
  override readonly name = 'RetryableReply' as const;
  readonly reply: HttpReply;
  readonly retryAfterMs: number;
  constructor(reply: HttpReply, retryAfterMs: number) {
    super(`HTTP ${reply.status}`);
    this.reply = reply;
    this.retryAfterMs = retryAfterMs;
  }
}

const GATEWAY_ERRORS = [502, 503, 504];
const TOO_MANY_REQUESTS = 429;

/** An HTTP client. */
export interface Http {
  /** Sends a request, and again where that is safe and can help. Throws `NoReply`. */
  (request: HttpRequest): Promise<HttpReply>;
  /** The moment `ms` from now, by default that by which a call that begins now has ended; on the client's own scale. */
  endsAt(ms?: number): number;
}

/**
 * Sends a request once; throws `NoReply` when no response arrives within the limits. Header names are in lower case; the body
 * has at most the request's `maxBytes`, or those of the limits, and is null when the request's `read` has been given it.
 */
export type Transport = (
  request: HttpRequest,
  limits: HttpLimits,
  signal: AbortSignal,
) => Promise<{ status: number; headers: Record<string, string | undefined>; body: Buffer | null }>;

/**
 * An HTTP client. Every status is an answer; only a missing response throws (`NoReply`). Connection failures and 429 are
 * always retried, as the request took no effect; lost responses, 502, 503 and 504, and what the request itself calls transient,
 * only if the request is repeatable. `Retry-After` is honoured; one longer than the rest of the time ends the retries. Every
 * wait before a retry is left to the clock.
 */
export function httpClient(
  limits: HttpLimits,
  clock: Partial<Clock> = {},
  transport: Transport = overSockets(limits),
): Http {
  const { pause = sleep, elapsed = processTime, expiry = processExpiry, random } = clock;
  const endsIn = (ms = limits.totalMs) => elapsed() + ms;

  const call = async (request: HttpRequest) => {
    const endsAt = Math.min(request.endsAt ?? Number.POSITIVE_INFINITY, endsIn(request.totalMs));
    const ms = Math.ceil(endsAt - elapsed());
    if (ms <= 0) throw new NoReply('timeout', 'no time was left to send it', undefined, false);
    const total = expiry(ms);
    let sent = false;
    const attempt = async () => {
      const before = sent;
      sent = true;
      try {
        const { status, headers, body } = await transport(request, limits, total);
        const reads = request.read !== undefined && isSuccess(status);
        if (reads && body !== null) await request.read?.(whole(body), headers);
        const contentType = headers['content-type'] ?? '';
        const reply: HttpReply = { status, contentType, body: reads ? EMPTY : (body ?? EMPTY) };
        if (status === TOO_MANY_REQUESTS) sent = before;
        const again =
          status === TOO_MANY_REQUESTS ||
          (request.repeatable && (GATEWAY_ERRORS.includes(status) || request.isTransient?.(reply) === true));
        if (again) throw new RetryableReply(reply, retryAfterMs(headers['retry-after'], headers['date']));
        return reply;
      } catch (error) {
        if (error instanceof NoReply && !error.sent) sent = before;
        throw error;
      }
    };
    const mayRepeat = (error: unknown) => {
      if (error instanceof RetryableReply) return true;
      return error instanceof NoReply && error.kind !== 'too-large' && (request.repeatable || !error.sent);
    };
    try {
      return await pRetry(attempt, {
        retries: limits.retries,
        minTimeout: 0,
        signal: total,
        onFailedAttempt: async ({ error, retriesConsumed, retriesLeft }) => {
          if (retriesLeft === 0 || !mayRepeat(error)) throw error;
          const asked = error instanceof RetryableReply ? error.retryAfterMs : 0;
          const backoff = withJitter(limits.backoffMs * 2 ** retriesConsumed, random);
          // No time is left after the wait: the error itself tells more than a time-out would.
          if (elapsed() + asked + backoff >= endsAt) throw error;
          if (asked > 0) await pause(asked, total);
          await pause(backoff, total);
        },
      });
    } catch (error) {
      if (error instanceof RetryableReply) return error.reply;
      if (error instanceof NoReply || !total.aborted) throw error;
      throw new NoReply('timeout', `no answer within ${ms} ms`, error, sent);
    }
  };
  return Object.assign(call, { endsAt: endsIn });
}

const processTime = () => performance.now();
const EMPTY = Buffer.alloc(0);

export const isSuccess = (status: number): boolean => status >= 200 && status < 300;

async function* whole(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

/** The network, with connections that are kept. */
function overSockets({ connectMs, headersMs, bodyMs }: HttpLimits): Transport {
  const poolOf = poolsByOrigin({
    connect: { timeout: connectMs },
    headersTimeout: headersMs,
    bodyTimeout: bodyMs,
    // MLflow's server closes idle sockets after about 5 s without notice.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 4_000,
  });
  return async (request, limits, signal) => {
    const { statusCode, headers, body } = await send(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      dispatcher: poolOf(request.url),
      signal,
    }).catch((error) => {
      throw noReply(error);
    });
    const texts = Object.entries(headers).map(([name, value]) => [name, String(value ?? '')]);
    const reply = { status: statusCode, headers: Object.fromEntries(texts) };
    const max = request.maxBytes ?? limits.maxBytes;
    const chunks = bounded(body, Number(headers['content-length'] ?? 0), max);
    if (request.read !== undefined && isSuccess(statusCode)) {
      await request.read(chunks, reply.headers);
      body.on('error', () => {}).destroy();
      return { ...reply, body: null };
    }
    const collected: Buffer[] = [];
    for await (const chunk of chunks) collected.push(chunk);
    return { ...reply, body: Buffer.concat(collected) };
  };
}

/** The chunks of a body; throws `NoReply` when it breaks off, or has more bytes than `max`. */
async function* bounded(body: Readable, announced: number, max: number): AsyncGenerator<Buffer> {
  const tooLarge = () => new NoReply('too-large', `the answer is larger than ${max} bytes`);
  if (announced > max) {
    body.on('error', () => {}).destroy();
    throw tooLarge();
  }
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > max) throw tooLarge();
      yield chunk;
    }
  } catch (error) {
    throw error instanceof NoReply ? error : noReply(error);
  }
}

/**
 * Connections that are kept for each origin. An `Agent` of undici would do so, too, but opens one for nearly every
 * request after the first has been closed: https://github.com/nodejs/undici/issues/5022
 */
function poolsByOrigin(options: Pool.Options): (url: URL) => Pool {
  const pools = new Map<string, Pool>();
  return ({ origin }) => {
    const pool = pools.get(origin) ?? new Pool(origin, options);
    pools.set(origin, pool);
    return pool;
  };
}

/**
 * Milliseconds of a `Retry-After` header: seconds or a date, which is compared with the response's own `Date`. 0 if it is
 * missing or invalid. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMs(value = '', date = ''): number {
  if (/^\d{1,6}$/.test(value.trim())) return Number(value) * 1000;
  const until = Date.parse(value) - Date.parse(date);
  return Number.isFinite(until) ? Math.max(0, until) : 0;
}

const CONNECT_ERRORS = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];

/** OpenSSL's codes for a certificate from an unknown authority (Node.js documentation, "TLS"). */
const UNTRUSTED_CERTIFICATE = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
];
/** Additional trusted certificates do not help here. */
const INVALID_CERTIFICATE_DATES = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];

function noReply(error: unknown): NoReply {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (UNTRUSTED_CERTIFICATE.includes(code)) {
    const remedy =
      'NODE_EXTRA_CA_CERTS names a file of additional trusted certificates; the stack sets it from caBundle';
    return new NoReply('connect', `the server's certificate is not trusted (${code}); ${remedy}`, error);
  }
  if (INVALID_CERTIFICATE_DATES.includes(code)) {
    const remedy = 'renew it, or the certificate that signed it';
    return new NoReply('connect', `the server's certificate is not trusted (${code}); ${remedy}`, error);
  }
  if (CONNECT_ERRORS.includes(code) || code.startsWith('CERT_') || code.startsWith('ERR_TLS')) {
    return new NoReply('connect', `cannot connect (${code})`, error);
  }
  const timedOut =
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    (error instanceof Error && error.name === 'TimeoutError');
  if (timedOut) return new NoReply('timeout', 'no answer in time', error);
  return new NoReply('broken', `the connection broke${code === '' ? '' : ` (${code})`}`, error);
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal });
}
