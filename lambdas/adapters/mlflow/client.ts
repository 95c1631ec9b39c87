import type { z } from 'zod';
import { MlflowInvalidResponse, MlflowRefused, MlflowUnavailable } from '../../domain/errors.ts';
import type { Metric, ModelVersion, RegisteredModel, Registry, Run } from '../../domain/registry.ts';
import { type Authorization, authorized } from '../authorization.ts';
import { type Http, type HttpReply, NoReply } from '../http.ts';
import { MetricsPage, ModelAnswer, Nothing, RunAnswer, VersionsPage } from './answers.ts';
import { jsonObject, refusal, shorten } from './errors.ts';

/** MLflow's REST API, version 2.0: https://mlflow.org/docs/latest/rest-api.html */

/** Address, credentials and transport of one MLflow server. */
export interface MlflowOptions {
  /** `http(s)://host[:port][/prefix]`, without credentials. */
  trackingUri: string;
  authorization: Authorization;
  http: Http;
}

const VERSIONS_PER_PAGE = 200;
const METRICS_PER_PAGE = 1000;
/** With 200 versions a page, a model may have 20,000 versions. */
const MAX_PAGES = 100;
const ARTIFACT_MAX_BYTES = 64 * 1024 * 1024;

interface Call<T> {
  method: 'GET' | 'POST';
  path: string;
  query?: Record<string, string>;
  body?: Record<string, unknown>;
  schema: z.ZodType<T>;
  repeatable: boolean;
}

/** The registry, and request only tools and tests read. */
export interface Mlflow extends Registry {
  /** The newest version of each stage; MLflow omits other versions in the same stage. */
  latestVersions(name: string, stages?: string[]): Promise<ModelVersion[]>;
  /** Every value a run recorded for a metric, in the server's order. Points of one training run are not independent. */
  metricHistory(runId: string, key: string): Promise<Metric[]>;
  /** One artifact file of a run through the server's artifact proxy; at most 64 MiB. */
  artifact(runId: string, path: string): Promise<Buffer>;
}

/**
 * A client for one MLflow server. Its methods throw `MlflowUnavailable` (retrying can help), `MlflowRefused` (it cannot)
 * or `MlflowInvalidResponse` (the response is not MLflow's); messages carry method, path, status and MLflow's error code,
 * and never a credential.
 */
export function mlflow({ trackingUri, authorization, http }: MlflowOptions): Mlflow {
  const base = trackingUri.replace(/\/+$/, '');
  const send = authorized(http, authorization);

  /** Sends one request; `request` names it in messages, without host and credentials. */
  async function sendRequest(
    method: 'GET' | 'POST',
    path: string,
    options: Pick<Call<unknown>, 'query' | 'body' | 'repeatable'> & { maxBytes?: number },
  ): Promise<{ reply: HttpReply; request: string }> {
    const url = new URL(`${base}${path}`);
    url.search = queryString(options.query ?? {});
    const request = `${method} ${shorten(url.pathname + url.search, 300)}`;
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'model-promotion' };
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    try {
      const reply = await send({
        method,
        url,
        headers,
        repeatable: options.repeatable,
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
      });
      return { reply, request };
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      if (error.kind === 'too-large')
        throw new MlflowInvalidResponse(`${request}: ${error.message}`, { cause: error });
      throw new MlflowUnavailable(
        `${request}: ${error.message}. Check MLFLOW_TRACKING_URI and that the server is running.`,
        {
          cause: error,
        },
      );
    }
  }

  async function call<T>({ method, path, schema, ...options }: Call<T>): Promise<T> {
    const { reply, request } = await sendRequest(method, `/api/2.0/mlflow/${path}`, options);
    if (reply.status < 200 || reply.status >= 300) throw refusal(reply, request, authorization.secrets());
    const parsed = schema.safeParse(jsonObject(reply, request, authorization.secrets()));
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.slice(0, 5).map((i) => `${i.path.join('.')}: ${i.message}`);
    throw new MlflowInvalidResponse(`${request}: unexpected answer (${problems.join('; ')})`);
  }

  const get = <T>(path: string, query: Record<string, string>, schema: z.ZodType<T>) =>
    call({ method: 'GET', path, query, schema, repeatable: true });
  /** Setting a tag or an alias is idempotent, so it is retried after a lost response. */
  const set = async (path: string, body: Record<string, unknown>) => {
    await call({ method: 'POST', path, body, schema: Nothing, repeatable: true });
  };

  async function pages<T, P extends { next_page_token: string | null }>(
    path: string,
    query: Record<string, string>,
    schema: z.ZodType<P>,
    rows: (page: P) => T[],
  ): Promise<T[]> {
    const found: T[] = [];
    const tokens = new Set<string>();
    let token: string | null = null;
    do {
      const page: P = await get(path, token === null ? query : { ...query, page_token: token }, schema);
      found.push(...rows(page));
      token = page.next_page_token;
      if (token !== null && tokens.has(token))
        throw new MlflowInvalidResponse(`GET ${path}: the page token is repeated`);
      if (token !== null) tokens.add(token);
      if (tokens.size > MAX_PAGES)
        throw new MlflowInvalidResponse(`GET ${path}: more than ${MAX_PAGES} pages`);
    } while (token !== null);
    return found;
  }

  return {
    // The name is the only parameter: with an invalid name there is no such model.
    getModel: (name): Promise<RegisteredModel | null> =>
      orNull(get('registered-models/get', { name }, ModelAnswer), 'INVALID_PARAMETER_VALUE').then(
        (answer) => answer?.registered_model ?? null,
      ),

    async listVersions(name) {
      const query = {
        filter: nameFilter(name),
        max_results: String(VERSIONS_PER_PAGE),
        order_by: 'version_number DESC',
      };
      const found = await pages(
        'model-versions/search',
        query,
        VersionsPage,
        (page) => page.model_versions ?? [],
      );
      // Pages can repeat a row when versions are added in between; a LIKE filter can match other models.
      const own = found.filter((v) => v.name === name);
      return [...new Map(own.map(({ name: _, ...version }) => [version.version, version])).values()];
    },

    latestVersions: async (name, stages = []) => {
      const body = { name, ...(stages.length > 0 ? { stages } : {}) };
      const answer = await call({
        method: 'POST',
        path: 'registered-models/get-latest-versions',
        body,
        schema: VersionsPage,
        repeatable: true,
      });
      return (answer.model_versions ?? []).map(({ name: _, ...version }) => version);
    },

    async moveToProduction(name, version) {
      const body = { name, version, stage: 'Production', archive_existing_versions: true };
      await call({
        method: 'POST',
        path: 'model-versions/transition-stage',
        body,
        schema: Nothing,
        repeatable: false,
      });
    },

    async setAlias(name, alias, version) {
      const write = () => set('registered-models/alias', { name, alias, version });
      try {
        await write();
      } catch (error) {
        // When two clients set a new alias at once, the second INSERT fails in MLflow.
        if (error instanceof MlflowRefused && error.errorCode === 'BAD_REQUEST') await write();
        else throw error;
      }
    },

    setModelTag: (name, key, value) => set('registered-models/set-tag', { name, key, value }),
    setVersionTag: (name, version, key, value) =>
      set('model-versions/set-tag', { name, version, key, value }),
    getRun: (runId): Promise<Run | null> => orNull(get('runs/get', { run_id: runId }, RunAnswer)),

    // Without max_results, servers of 2025 and early 2026 answer no rows and a token that never ends.
    metricHistory: (runId, key) =>
      pages(
        'metrics/get-history',
        { run_id: runId, metric_key: key, max_results: String(METRICS_PER_PAGE) },
        MetricsPage,
        (page) => page.metrics ?? [],
      ),

    async artifact(runId, path) {
      const { reply, request } = await sendRequest('GET', '/get-artifact', {
        query: { run_id: runId, path },
        repeatable: true,
        maxBytes: ARTIFACT_MAX_BYTES,
      });
      if (reply.status !== 200) throw refusal(reply, request, authorization.secrets());
      return reply.body;
    },
  };
}

/** MLflow's filters cannot escape quotes; a name with both kinds is searched with a wildcard for each `'`. */
function nameFilter(name: string): string {
  if (!name.includes("'")) return `name='${name}'`;
  if (!name.includes('"')) return `name="${name}"`;
  return `name LIKE '${name.replaceAll("'", '_')}'`;
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

async function orNull<T>(answer: Promise<T>, ...alsoMissing: string[]): Promise<T | null> {
  const missing = ['RESOURCE_DOES_NOT_EXIST', ...alsoMissing];
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MlflowRefused && missing.includes(error.errorCode ?? '')) return null;
    throw error;
  }
}
