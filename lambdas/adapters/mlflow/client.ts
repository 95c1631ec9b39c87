import type { LoggedValues } from '../../domain/drift/run-metrics.ts';
import { MlflowInvalidResponse, MlflowRefused } from '../../domain/errors.ts';
import type {
  LoggedModelMetric,
  Metric,
  ModelVersion,
  RegisteredModel,
  Registry,
  Run,
  RunPeriod,
  RunSearch,
  RunsFound,
} from '../../domain/registry.ts';
import { quoted } from '../../domain/visible-text.ts';
import type { Authorization } from '../authorization.ts';
import { systemClock } from '../clock.ts';
import type { Http } from '../http.ts';
import {
  LatestAnswer,
  LoggedModelAnswer,
  MeasuredRunsAnswer,
  MetricsPage,
  ModelAnswer,
  Nothing,
  RunAnswer,
  RunsAnswer,
  VersionAnswer,
  VersionsPage,
} from './answers.ts';
import { type MlflowFiles, mlflowFiles } from './files.ts';
import { isTooLarge, mlflowRequests, orNull } from './requests.ts';
import { boundedTags, versionTags } from './tags.ts';

/** MLflow's REST API, version 2.0: https://mlflow.org/docs/latest/rest-api.html */

/** Address, credentials and transport of one MLflow server. */
export interface MlflowOptions {
  /** `http(s)://host[:port][/prefix]`, without credentials. */
  trackingUri: string;
  authorization: Authorization;
  http: Http;
  /** Default: the system's clock. */
  now?: () => Date;
}

const VERSIONS_PER_PAGE = 200;
const METRICS_PER_PAGE = 1000;

/** The registry, its runs and files, and requests that only tools and tests read. */
export interface Mlflow extends Registry, MlflowFiles {
  /** What each of the newest runs logged last, at most `most` runs. Null where the server refuses, or has too much of them. */
  runValues(period: RunPeriod, most: number): Promise<LoggedValues[] | null>;
  /** Null when the version does not exist. */
  getVersion(name: string, version: string): Promise<ModelVersion | null>;
  /** The newest version of each stage; MLflow omits other versions in the same stage. */
  latestVersions(name: string, stages?: string[]): Promise<ModelVersion[]>;
  /** Every value a run recorded for a metric, in the server's order. Points of one training run are not independent. */
  metricHistory(runId: string, key: string): Promise<Metric[]>;
}

/**
 * A client for one MLflow server. Its methods throw `MlflowUnavailable`, `MlflowInvalidResponse` (the response is not
 * MLflow's; retrying can help after both) or `MlflowRefused` (it cannot); messages carry method, path, status and MLflow's
 * error code, and never a credential.
 *
 * Reads and tags are sent again after a lost, failed or invalid response, within the time of one call. A stage transition and
 * an alias are sent once, as a blind repetition could overwrite what somebody has done since: `outcomeUnknown` then says that
 * the caller has to read the state. Only after responses that exclude an effect (no connection, 401, 429) are they sent
 * again, within the same time.
 */
export function mlflow({ trackingUri, authorization, http, now = systemClock.now }: MlflowOptions): Mlflow {
  const requests = mlflowRequests(trackingUri, http, authorization);
  const { call, list } = requests;

  /**
   * When two clients set the same new alias or tag at once, the second INSERT fails in MLflow, without an effect: it is
   * repeated once. Both attempts share the time of one call.
   */
  const set = async (path: string, body: Record<string, string>, writes: 'again' | 'once') => {
    const request = { method: 'POST', body, writes, endsAt: http.endsAt() } as const;
    try {
      await call(path, Nothing, request);
    } catch (error) {
      if (!(error instanceof MlflowRefused && error.errorCode === 'BAD_REQUEST')) throw error;
      await call(path, Nothing, request);
    }
  };

  /** True for a model that names its newest versions. Other implementations may leave them out. */
  const namesVersions = async (name: string): Promise<boolean> => {
    const request = { method: 'GET', query: { name }, writes: 'nothing' } as const;
    const model = await orNull(
      call('registered-models/get', LatestAnswer, request),
      'INVALID_PARAMETER_VALUE',
    );
    return (model?.registered_model.latest_versions ?? []).length > 0;
  };

  return {
    ...mlflowFiles(requests),

    async getModel(name): Promise<RegisteredModel | null> {
      const request = { method: 'GET', query: { name }, writes: 'nothing' } as const;
      // The name is the only parameter: with an invalid name there is no such model.
      const answer = await orNull(
        call('registered-models/get', ModelAnswer, request),
        'INVALID_PARAMETER_VALUE',
      );
      if (answer === null) return null;
      const { registered_model: model } = answer;
      return { ...model, tags: boundedTags(model.tags, now()) };
    },

    async listVersions(name) {
      const bounded = versionTags(now());
      const read = () =>
        list('model-versions/search', VersionsPage, {
          query: { filter: nameFilter(name), order_by: 'version_number DESC' },
          perPage: VERSIONS_PER_PAGE,
          // A LIKE filter can match other models.
          rows: ({ model_versions }) =>
            (model_versions ?? []).flatMap(({ name: of, ...version }) =>
              of === name ? [bounded(version)] : [],
            ),
        });
      // MLflow answers `{}` where there is none, as any other server may: it is believed if it says so twice, and the
      // model itself names none.
      const first = await read();
      const found = first.length === 0 ? await read() : first;
      if (found.length === 0 && (await namesVersions(name)))
        throw new MlflowInvalidResponse(
          `GET model-versions/search: no version of model ${quoted(name)}, which itself names some`,
        );
      // Pages can repeat a row when versions are added in between.
      return [...new Map(found.map((version) => [version.version, version])).values()];
    },

    async latestVersions(name, stages = []) {
      const body = { name, ...(stages.length > 0 ? { stages } : {}) };
      const request = { method: 'POST', body, writes: 'nothing' } as const;
      const answer = await call('registered-models/get-latest-versions', VersionsPage, request);
      const bounded = versionTags(now());
      return (answer.model_versions ?? []).map(({ name: _, ...version }) => bounded(version));
    },

    async moveToProduction(name, version) {
      const body = { name, version, stage: 'Production', archive_existing_versions: true };
      await call('model-versions/transition-stage', Nothing, { method: 'POST', body, writes: 'once' });
    },

    setAlias: (name, alias, version) => set('registered-models/alias', { name, alias, version }, 'once'),
    async deleteAlias(name, alias) {
      await call('registered-models/alias', Nothing, {
        method: 'DELETE',
        body: { name, alias },
        writes: 'once',
      });
    },
    setModelTag: (name, key, value) => set('registered-models/set-tag', { name, key, value }, 'again'),
    setVersionTag: (name, version, key, value) =>
      set('model-versions/set-tag', { name, version, key, value }, 'again'),

    getRun: (run_id): Promise<Run | null> =>
      orNull(call('runs/get', RunAnswer, { method: 'GET', query: { run_id }, writes: 'nothing' })),

    async getVersion(name, version) {
      const request = { method: 'GET', query: { name, version }, writes: 'nothing' } as const;
      const answer = await orNull(
        call('model-versions/get', VersionAnswer, request),
        'INVALID_PARAMETER_VALUE',
      );
      return answer === null ? null : versionTags(now())(answer.model_version);
    },

    async loggedModelMetrics(id): Promise<LoggedModelMetric[] | null> {
      const path = `logged-models/${encodeURIComponent(id)}`;
      const request = { method: 'GET', writes: 'nothing' } as const;
      const answer = await orNull(call(path, LoggedModelAnswer, request)).catch((error: unknown) => {
        // Every point of every run is listed, without pages: a model with too many is compared as one of MLflow 2.
        if (isTooLarge(error)) return null;
        throw error;
      });
      return answer === null ? null : (answer.model.data?.metrics ?? []);
    },

    async findRuns(search, most): Promise<RunsFound | null> {
      const filter = runsFilter(search);
      if (filter === null) return null;
      const experiment_ids = [search.experimentId];
      const body = { experiment_ids, filter, run_view_type: 'ACTIVE_ONLY', max_results: most };
      const request = { method: 'POST', body, writes: 'nothing' } as const;
      try {
        const runs = (await call('runs/search', RunsAnswer, request)).runs ?? [];
        const runIds = runs.filter(({ keys }) => keys.has(search.metric)).map(({ runId }) => runId);
        return { count: runs.length >= most ? most : runIds.length, runIds };
      } catch (error) {
        // Very large runs: how many they are is not known.
        if (error instanceof MlflowRefused || isTooLarge(error)) return null;
        throw error;
      }
    },

    async runValues({ experimentId, from, to }, most): Promise<LoggedValues[] | null> {
      const filter = `attributes.status = 'FINISHED' AND ${startedIn(from, to)}`;
      const newestFirst = { order_by: ['attributes.start_time DESC'], max_results: most };
      const body = { experiment_ids: [experimentId], filter, run_view_type: 'ACTIVE_ONLY', ...newestFirst };
      const request = { method: 'POST', body, writes: 'nothing' } as const;
      try {
        return (await call('runs/search', MeasuredRunsAnswer, request)).runs ?? [];
      } catch (error) {
        if (error instanceof MlflowRefused || isTooLarge(error)) return null;
        throw error;
      }
    },

    // Without max_results, servers of 2025 and early 2026 answer no rows and a token that never ends.
    metricHistory: (run_id, metric_key) =>
      list('metrics/get-history', MetricsPage, {
        query: { run_id, metric_key },
        perPage: METRICS_PER_PAGE,
        rows: ({ metrics }) => metrics ?? [],
      }),
  };
}

/** MLflow's filters cannot escape quotes; a name with both kinds is searched with a wildcard for each `'`. */
function nameFilter(name: string): string {
  if (!name.includes("'")) return `name='${name}'`;
  if (!name.includes('"')) return `name="${name}"`;
  return `name LIKE '${name.replaceAll("'", '_')}'`;
}

/**
 * The filter for runs; null for digests that it cannot hold: a value has no escape, so those of other characters than MLflow's
 * clients make are not asked for. Servers of MLflow 2 fail on a filter of datasets and metrics together.
 */
function runsFilter({ digests, from, to }: RunSearch): string | null {
  if (!digests.every((digest) => /^[\w.:+/=-]{1,100}$/.test(digest))) return null;
  return [startedIn(from, to), ...digests.map((digest) => `dataset.digest = '${digest}'`)].join(' AND ');
}

const startedIn = (from: number, to: number): string =>
  `attributes.start_time >= ${Math.floor(from)} AND attributes.start_time < ${Math.ceil(to)}`;
