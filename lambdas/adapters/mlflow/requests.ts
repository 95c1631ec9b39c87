import type * as z from 'zod';
import { MlflowInvalidResponse, MlflowRefused, MlflowUnavailable } from '../../domain/errors.ts';
import { readAs } from '../../domain/json.ts';
import { mlflowListMs } from '../../domain/limits.ts';
import { type Authorization, authorized } from '../authorization.ts';
import { type Http, type HttpReply, type HttpRequest, isSuccess, NoReply } from '../http.ts';
import { quotable } from '../masking.ts';
import { type Reading, readOnce } from '../read-once.ts';
import { type Asked, isEmpty, isServerFailure, jsonObject, refusal, shorten } from './errors.ts';

/** Requests to MLflow: what is sent again, what an answer is, and lists in pages. */

/** One request to MLflow. */
export interface MlflowRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  query?: Record<string, string>;
  body?: Record<string, unknown>;
  /** A file, in place of a body. */
  file?: { type: string; content: string };
  /** What it changes: `again` for a write that may be repeated blindly, `once` for one that may not. */
  writes: 'nothing' | 'again' | 'once';
  /** See `HttpRequest`. */
  endsAt?: number;
  maxBytes?: number;
  totalMs?: number;
  read?: NonNullable<HttpRequest['read']>;
}

/** The requests to one server. Each throws `MlflowUnavailable`, `MlflowRefused` or `MlflowInvalidResponse`. */
export interface MlflowRequests {
  /** A response of any content. */
  content(path: string, request: MlflowRequest): Promise<Buffer>;
  /** An answer of the REST API. */
  call<T>(path: string, schema: z.ZodType<T>, request: MlflowRequest): Promise<T>;
  /** Uploads a file. */
  upload(path: string, file: { type: string; content: string }): Promise<void>;
  /** Every row of a list, within one time for all pages. */
  list<T, P extends Page>(path: string, schema: z.ZodType<P>, list: List<T, P>): Promise<T[]>;
}

interface Page {
  next_page_token: string | null;
}

interface List<T, P> {
  query: Record<string, string>;
  /** Rows of a page, at first; a page that is too large is asked for again with fewer. */
  perPage: number;
  rows: (page: P) => T[];
}

/** Requests for one list; as a rule its time ends before. */
const MAX_PAGES = 1000;

/** The requests to the server at `trackingUri`. */
export function mlflowRequests(
  trackingUri: string,
  http: Http,
  authorization: Authorization,
): MlflowRequests {
  const base = trackingUri.replace(/\/+$/, '');
  const send = authorized(http, authorization);

  /** Sends one request, and reads its successful response with `read`, which throws for a response that is not usable. */
  async function answerTo<T>(
    path: string,
    { query, body, file, writes, ...request }: MlflowRequest,
    read: (reply: HttpReply, asked: Asked) => T,
  ): Promise<T> {
    const url = new URL(`${base}${path}`);
    url.search = queryString(query ?? {});
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'model-promotion' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (file !== undefined) headers['content-type'] = file.type;
    const name = `${request.method} ${shorten(url.pathname + url.search, 300)}`;
    const once = writes === 'once';
    // Secrets are read with the response: they may have changed since the request was sent.
    const asked = (): Asked => ({ request: name, secrets: authorization.secrets(), once });
    const reading = readOnce((reply) => read(reply, asked()));
    try {
      const reply = await send({
        ...request,
        url,
        headers,
        repeatable: !once,
        isTransient: (each) => (isSuccess(each.status) ? isUnusable(reading(each)) : isServerFailure(each)),
        ...(file === undefined ? {} : { body: file.content }),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!isSuccess(reply.status)) throw refusal(reply, asked());
      const answer = reading(reply);
      if (!answer.ok) throw answer.error;
      return answer.value;
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      const facts = { outcomeUnknown: once && error.sent, cause: error };
      if (error.kind === 'too-large') throw new MlflowInvalidResponse(`${name}: ${error.message}`, facts);
      throw new MlflowUnavailable(
        `${name}: ${error.message}. Check MLFLOW_TRACKING_URI and that the server is running.`,
        facts,
      );
    }
  }

  const call = <T>(path: string, schema: z.ZodType<T>, request: MlflowRequest) =>
    answerTo(`/api/2.0/mlflow/${path}`, request, (reply, asked) => {
      const content = request.writes !== 'nothing' && isEmpty(reply) ? {} : jsonObject(reply, asked);
      return parsed(content, schema, asked);
    });

  async function list<T, P extends Page>(path: string, schema: z.ZodType<P>, how: List<T, P>): Promise<T[]> {
    const endsAt = http.endsAt(mlflowListMs);
    const found: T[] = [];
    const tokens = new Set<string>();
    const where = () => `GET ${path}, after ${found.length} rows`;
    const isOver = () => http.endsAt(0) >= endsAt;
    const tooSlow = (cause?: unknown) =>
      new MlflowUnavailable(`${where()}: the list did not end within ${mlflowListMs} ms`, { cause });
    let token: string | null = null;
    let size = how.perPage;
    for (let requests = 0; requests < MAX_PAGES; requests += 1) {
      if (isOver()) throw tooSlow();
      const query: Record<string, string> = { ...how.query, max_results: String(size) };
      if (token !== null) query['page_token'] = token;
      const page: P | MlflowInvalidResponse = await call(path, schema, {
        method: 'GET',
        query,
        writes: 'nothing',
        endsAt,
      }).catch((error: unknown) => {
        if (isTooLarge(error)) return error;
        throw isOver() ? tooSlow(error) : error;
      });
      if (page instanceof MlflowInvalidResponse) {
        if (size === 1) throw new MlflowInvalidResponse(`${where()}: ${page.message}`, { cause: page.cause });
        size = Math.ceil(size / 4);
        continue;
      }
      found.push(...how.rows(page));
      token = page.next_page_token;
      if (token === null) return found;
      if (tokens.has(token)) throw new MlflowInvalidResponse(`${where()}: the page token is repeated`);
      tokens.add(token);
      size = Math.min(how.perPage, size * 2);
    }
    throw new MlflowInvalidResponse(`${where()}: more than ${MAX_PAGES} pages`);
  }

  return {
    content: (path, request) => answerTo(path, request, ({ body }) => body),
    call,
    upload: async (path, file) => {
      const request = { method: 'PUT', file, writes: 'again' } as const;
      // A login page must not pass for an upload.
      await answerTo(path, request, (reply, asked) => isEmpty(reply) || jsonObject(reply, asked));
    },
    list,
  };
}

/** True for an answer beyond the limits of size: another attempt would be as large, a smaller page would not. */
export const isTooLarge = (error: unknown): error is MlflowInvalidResponse =>
  error instanceof MlflowInvalidResponse &&
  error.cause instanceof NoReply &&
  error.cause.kind === 'too-large';

/** True for a successful response of which another attempt may be better. */
const isUnusable = (reading: Reading<unknown>) => !reading.ok && !isTooLarge(reading.error);

function parsed<T>(content: unknown, schema: z.ZodType<T>, { request, secrets, once }: Asked): T {
  const result = readAs(schema, content);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((i) => `${i.path.join('.')}: ${i.message}`);
  throw new MlflowInvalidResponse(
    `${request}: unexpected answer (${quotable(problems.join('; '), secrets, 400)})`,
    { outcomeUnknown: once },
  );
}

/** Encoded as in RFC 3986, spaces as %20, so that the query sent equals the signed one. https://www.rfc-editor.org/rfc/rfc3986 */
function queryString(query: Record<string, string>): string {
  const encoded = (text: string) =>
    encodeURIComponent(text.toWellFormed()).replace(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  return Object.entries(query)
    .map(([key, value]) => `${encoded(key)}=${encoded(value)}`)
    .join('&');
}

/** The answer; null where MLflow says that what was asked for does not exist, or answers with one of the codes. */
export async function orNull<T>(answer: Promise<T>, ...alsoMissing: string[]): Promise<T | null> {
  const missing = ['RESOURCE_DOES_NOT_EXIST', ...alsoMissing];
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MlflowRefused && missing.includes(error.errorCode ?? '')) return null;
    throw error;
  }
}
