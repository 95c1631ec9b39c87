import type { z } from 'zod';
import { readAs } from '../../domain/json.ts';
import {
  WorkloadApiInvalidResponse,
  WorkloadApiRefused,
  WorkloadApiUnavailable,
} from '../../domain/serving/errors.ts';
import type { Workloads } from '../../domain/serving/workloads.ts';
import { visible } from '../../domain/visible-text.ts';
import { type Authorization, authorized } from '../authorization.ts';
import { type Http, type HttpReply, type HttpRequest, NoReply } from '../http.ts';
import { quotable, withMaskedTexts } from '../masking.ts';
import { readOnce } from '../read-once.ts';
import {
  Anything,
  ArtifactAnswer,
  ArtifactPage,
  type Page,
  ReplacementAnswer,
  ReplacementPage,
  WorkloadAnswer,
} from './answers.ts';
import { type Asked, jsonObject, refusal } from './errors.ts';
import { EventPage, LogPage, ProtonPage, StatsAnswer, StatusDetailsAnswer } from './telemetry.ts';

/** DataRobot's Workload API: https://docs.datarobot.com/en/docs/workload-api/ */

/** Address, credentials and transport of one DataRobot installation. */
export interface WorkloadApiOptions {
  /** `http(s)://host/api/v2`, without credentials. */
  endpoint: string;
  authorization: Authorization;
  http: Http;
}

/** Maximum page size of the API. */
const ROWS_PER_PAGE = 100;
/** Maximum number of rows read of one list; retired protons stay listed. */
const MAX_ARTIFACTS = 100;
const MAX_PROTONS = 500;
const REDIRECTS = [301, 302, 307, 308];

interface Call<T> {
  method: HttpRequest['method'];
  path: string;
  query?: Record<string, string>;
  body?: Record<string, unknown>;
  schema: z.ZodType<T>;
  /** See `HttpRequest`. */
  endsAt?: number;
}

/**
 * A client for one DataRobot installation. Its methods throw `WorkloadApiUnavailable`, `WorkloadApiInvalidResponse` (the
 * response is not the API's; retrying can help after both) or `WorkloadApiRefused` (it cannot); messages carry method, path,
 * status and the API's own text, and never the token.
 *
 * Reads are sent again after a lost, failed or invalid response, within the time of one call. Every write is sent once, as a
 * blind repetition could overwrite what somebody has done since: `outcomeUnknown` then says that the caller has to read the
 * state. Only after responses that exclude an effect (no connection, 401, 429, a redirect) is it sent again, within the same
 * time.
 */
export function workloadApi({ endpoint, authorization, http }: WorkloadApiOptions): Workloads {
  const base = endpoint.replace(/\/+$/, '');
  const sendAs = authorized(http, authorization);

  async function send(request: Omit<HttpRequest, 'headers'>, name: string): Promise<HttpReply> {
    const headers: Record<string, string> = {
      accept: 'application/json',
      'user-agent': 'model-promotion',
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    // Both forms of the path share the time of one call.
    const endsAt = request.endsAt ?? http.endsAt();
    try {
      const reply = await sendAs({ ...request, endsAt, headers });
      if (!REDIRECTS.includes(reply.status)) return reply;
      // Some installations serve only one of `/x` and `/x/`. Redirects are not followed, so that the token goes to no
      // other host; the other form of the path is called instead.
      const { url } = request;
      const other = new URL(url);
      other.pathname = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : `${url.pathname}/`;
      return await sendAs({ ...request, endsAt, url: other, headers });
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      const facts = { outcomeUnknown: !request.repeatable && error.sent, cause: error };
      if (error.kind === 'too-large')
        throw new WorkloadApiInvalidResponse(`${name}: ${error.message}`, facts);
      throw new WorkloadApiUnavailable(
        `${name}: ${error.message}. Check DATAROBOT_ENDPOINT and that the platform is available.`,
        facts,
      );
    }
  }

  async function sendCall<T>(call: Call<T>): Promise<{ value: T; status: number }> {
    const { method, schema, endsAt } = call;
    const url = new URL(`${base}${call.path}`);
    for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.append(key, value);
    const name = `${method} ${visible(url.pathname + url.search, 300)}`;
    const repeatable = method === 'GET';
    // Secrets are read with the response: they may have changed since the request was sent.
    const asked = (): Asked => ({ request: name, secrets: authorization.secrets(), once: !repeatable });
    const reading = readOnce((reply) => parsed(jsonObject(reply, asked()), schema, asked()));
    const reply = await send(
      {
        method,
        url,
        repeatable,
        isTransient: (each) => (isSuccess(each) ? !reading(each).ok : each.status >= 500),
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        ...(endsAt === undefined ? {} : { endsAt }),
      },
      name,
    );
    if (!isSuccess(reply)) throw refusal(reply, asked());
    const answer = reading(reply);
    if (!answer.ok) throw answer.error;
    return { value: answer.value, status: reply.status };
  }

  const call = async <T>(of: Call<T>): Promise<T> => (await sendCall(of)).value;
  const get = <T>(path: string, schema: z.ZodType<T>, query: Record<string, string> = {}) =>
    call({ method: 'GET', path, schema, query });
  /** Texts of containers and of the platform may repeat the token, as those of errors do. */
  const told = <T>(value: T): T => withMaskedTexts(value, authorization.secrets());

  /**
   * Pages by offset, not by the URL of the next page, so that the token goes to no other host. All pages share the time of
   * one call.
   */
  async function rows<T>(
    path: string,
    schema: z.ZodType<Page<T>>,
    most: number,
    query: Record<string, string> = {},
  ) {
    const endsAt = http.endsAt();
    const found: T[] = [];
    while (found.length < most) {
      const limit = Math.min(ROWS_PER_PAGE, most - found.length);
      const parameters = { ...query, offset: String(found.length), limit: String(limit) };
      const { data, totalCount } = await call({
        method: 'GET',
        path,
        schema,
        query: parameters,
        endsAt,
      });
      found.push(...data.slice(0, limit));
      if (data.length < limit || found.length >= (totalCount ?? Number.POSITIVE_INFINITY)) break;
    }
    return found;
  }

  const patch = async (path: string, body: Record<string, unknown>) => {
    await call({ method: 'PATCH', path, body, schema: Anything });
  };

  return {
    getWorkload: (id) => orNull(() => get(workload(id), WorkloadAnswer)),
    setImportance: async (id, importance) => patch(workload(id), { importance }),
    promote: async (id) => {
      await call({ method: 'POST', path: `${workload(id)}/promote`, body: {}, schema: Anything });
    },
    stats: async (id, protonId, period) =>
      get(`${workload(id)}/stats`, StatsAnswer, {
        ...(protonId === undefined ? {} : { protonId }),
        ...(period === undefined
          ? {}
          : { startTime: period.start.toISOString(), endTime: period.end.toISOString() }),
      }),
    // These two routes accept no query parameters except for paging.
    events: async (id, most) => told(await rows(`${workload(id)}/events`, EventPage, most)),
    history: async (id, most) => told(await rows(`${workload(id)}/history`, ReplacementPage, most)),

    getArtifact: (id) => orNull(() => get(artifact(id), ArtifactAnswer)),
    lockArtifact: async (id) => patch(artifact(id), { status: 'locked' }),
    // The server sets `spec.type`, and some releases refuse it in a PATCH.
    setContainerGroups: async (id, containerGroups) => patch(artifact(id), { spec: { containerGroups } }),
    findArtifacts: async (text) => rows('/artifacts', ArtifactPage, MAX_ARTIFACTS, { search: text }),
    cloneArtifact: async (id, name) =>
      call({ method: 'POST', path: `${artifact(id)}/clone`, body: { name }, schema: ArtifactAnswer }),

    startReplacement: async (id, request) =>
      call({
        method: 'POST',
        path: `${workload(id)}/replacement`,
        body: { ...request },
        schema: ReplacementAnswer,
      }),
    async getReplacement(id) {
      const replacement = await orNull(() => get(`${workload(id)}/replacement`, ReplacementAnswer));
      if (replacement === null || replacement.candidateArtifactId !== '') return told(replacement);
      // A change of settings, which names no candidate, keeps the artifact in service.
      const served = await orNull(() => get(workload(id), WorkloadAnswer));
      return told({ ...replacement, candidateArtifactId: served?.artifactId ?? '' });
    },
    cancelReplacement: async (id) => {
      await orNull(() => call({ method: 'DELETE', path: `${workload(id)}/replacement`, schema: Anything }));
    },
    protons: async (id) => told(await rows(`${workload(id)}/protons`, ProtonPage, MAX_PROTONS)),
    async statusDetails(id, protonId) {
      const path = `${workload(id)}/protons/${segment(protonId)}/statusDetails`;
      const { value, status } = await sendCall({ method: 'GET', path, schema: StatusDetailsAnswer });
      return status === 204 ? null : told(value);
    },

    async logs(id, most, protonId) {
      const only = protonId === undefined ? {} : { searchKeys: 'proton_id', searchValues: protonId };
      // The OTel routes exist only with the slash at their end.
      return told(await rows(`/otel/workload/${segment(id)}/logs/`, LogPage, most, only)).reverse();
    },
  };
}

const isSuccess = ({ status }: HttpReply) => status >= 200 && status < 300;

function parsed<T>(content: unknown, schema: z.ZodType<T>, { request, secrets, once }: Asked): T {
  const result = readAs(schema, content);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((i) => `${i.path.join('.')}: ${i.message}`);
  throw new WorkloadApiInvalidResponse(
    `${request}: unexpected answer (${quotable(problems.join('; '), secrets, 400)})`,
    { outcomeUnknown: once },
  );
}

const workload = (id: string) => `/workloads/${segment(id)}`;
const artifact = (id: string) => `/artifacts/${segment(id)}`;

/** An id as a path segment. `.` and `..` cannot be encoded: a URL resolves them to another resource. */
function segment(id: string): string {
  if (id === '' || id === '.' || id === '..') {
    throw new WorkloadApiRefused(`"${id}" is not a valid id`, { status: 404, detail: 'not a valid id' });
  }
  return encodeURIComponent(id.toWellFormed());
}

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof WorkloadApiRefused && error.status === 404) return null;
    throw error;
  }
}
