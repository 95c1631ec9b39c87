import * as z from 'zod';
import type {
  DatasetInput,
  LoggedModelMetric,
  Metric,
  ModelVersion,
  RegisteredModel,
  Run,
} from '../../domain/registry.ts';

/**
 * Schemas of MLflow's responses, lenient: empty lists and unset fields are left out, `""` means none, and other
 * implementations send version numbers as numbers. https://mlflow.org/docs/latest/rest-api.html
 */

const Text = z.union([z.string(), z.number()]).transform(String);
const Optional = Text.nullish().transform((value) => (value === undefined || value === '' ? null : value));

/** A list of at most so many rows; a longer one is refused before zod reports on each of them. */
const rows = <T extends z.ZodType>(row: T, most: number) =>
  z.array(z.unknown()).max(most).pipe(z.array(row)).nullish();

/** Tags and parameters may be very many: read by hand, without a copy of each and a report on each that is invalid. */
const Pairs = z
  .unknown()
  .optional()
  .transform((pairs, context): Record<string, string> => {
    const invalid = () => {
      context.addIssue({ code: 'custom', message: 'must be a list of keys and values' });
      return z.NEVER;
    };
    if (!Array.isArray(pairs ?? [])) return invalid();
    const found = new Map<string, string>();
    for (const pair of (pairs ?? []) as unknown[]) {
      if (typeof pair !== 'object' || pair === null || !('key' in pair)) return invalid();
      const { key } = pair;
      const value = 'value' in pair ? (pair.value ?? '') : '';
      if (typeof key !== 'string' || (typeof value !== 'string' && typeof value !== 'number'))
        return invalid();
      found.set(key, String(value));
    }
    return Object.fromEntries(found);
  });

/** A time, in milliseconds since 1970; whatever is none counts as not given. */
const Milliseconds = z.coerce
  .number()
  .positive()
  .nullish()
  .catch(null)
  .transform((value) => value ?? null);

export const Version = z
  .object({
    name: z.string(),
    version: Text,
    current_stage: Optional,
    status: Optional,
    run_id: Optional,
    source: Optional,
    creation_timestamp: Milliseconds,
    last_updated_timestamp: Milliseconds,
    tags: Pairs,
  })
  .transform((v): ModelVersion & { name: string } => ({
    name: v.name,
    version: v.version,
    stage: v.current_stage ?? 'None',
    status: v.status ?? 'READY',
    runId: v.run_id,
    ...loggedModelIn(v.source),
    ...(v.creation_timestamp === null ? {} : { createdAt: v.creation_timestamp }),
    ...(v.last_updated_timestamp === null ? {} : { updatedAt: v.last_updated_timestamp }),
    tags: v.tags,
  }));

/** MLflow 3 registers a logged model as `models:/m-<id>`. */
function loggedModelIn(source: string | null): { loggedModelId?: string } {
  const id = /^models:\/+(m-[\w-]{1,100})$/.exec(source ?? '')?.[1];
  return id === undefined ? {} : { loggedModelId: id };
}

const Model = z
  .object({
    name: z.string(),
    tags: Pairs,
    aliases: rows(z.object({ alias: z.string(), version: Text }), 10_000),
  })
  .transform(
    (m): RegisteredModel => ({
      name: m.name,
      tags: m.tags,
      aliases: Object.fromEntries((m.aliases ?? []).map(({ alias, version }) => [alias, version])),
    }),
  );

/** JSON has no NaN: MLflow sends strings. */
const Double = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);

export const MetricAnswer = z
  .object({
    key: z.string(),
    value: Double,
    step: z.coerce.number().nullish(),
    timestamp: Milliseconds,
    dataset_digest: Optional,
  })
  .transform(
    (m): Metric => ({
      key: m.key,
      value: m.value,
      step: m.step ?? 0,
      ...(m.timestamp === null ? {} : { timestamp: m.timestamp }),
      datasetDigest: m.dataset_digest,
    }),
  );

const ModelMetric = z
  .object({
    key: z.string(),
    value: Double,
    step: z.coerce.number().nullish(),
    timestamp: z.coerce.number().nullish(),
    dataset_digest: Optional,
    run_id: Optional,
  })
  .transform(
    (m): LoggedModelMetric => ({
      key: m.key,
      value: m.value,
      step: m.step ?? 0,
      datasetDigest: m.dataset_digest,
      runId: m.run_id,
      timestamp: m.timestamp ?? 0,
    }),
  );
export const LoggedModelAnswer = z.object({
  model: z.object({ data: z.object({ metrics: rows(ModelMetric, 100_000) }).nullish() }),
});

const Dataset = z
  .object({ dataset: z.object({ name: Text.nullish(), digest: Text }), tags: Pairs })
  .transform(
    (input): DatasetInput => ({
      name: input.dataset.name ?? '',
      digest: input.dataset.digest,
      context: input.tags['mlflow.data.context'] ?? null,
    }),
  );

const RunBody = z.object({
  info: z.object({
    run_id: z.string(),
    status: z.string().nullish(),
    experiment_id: Optional,
    artifact_uri: Optional,
  }),
  data: z.object({ metrics: rows(MetricAnswer, 20_000), params: Pairs, tags: Pairs }).nullish(),
  inputs: z.object({ dataset_inputs: rows(Dataset, 1_000) }).nullish(),
});

export const ModelAnswer = z.object({ registered_model: Model });
export const VersionAnswer = z.object({ model_version: Version });
/** The same answer, for the versions that it names: the newest of each stage. */
export const LatestAnswer = z.object({
  registered_model: z.object({ latest_versions: rows(z.unknown(), 100) }),
});
export const VersionsPage = z.object({
  model_versions: rows(Version, 10_000),
  next_page_token: Optional,
});
export const MetricsPage = z.object({ metrics: rows(MetricAnswer, 20_000), next_page_token: Optional });
const ArtifactFile = z
  .object({ path: z.string(), is_dir: z.boolean().nullish(), file_size: z.coerce.number().nullish() })
  .transform(({ path, is_dir, file_size }) => ({
    path,
    isFolder: is_dir ?? false,
    size: is_dir ? null : (file_size ?? null),
  }));
export const ArtifactsAnswer = z.object({ files: rows(ArtifactFile, 10_000) });
export const Nothing = z.object({});
export const RunAnswer = z.object({ run: RunBody }).transform(
  ({ run }): Run => ({
    runId: run.info.run_id,
    ...(run.info.experiment_id === null ? {} : { experimentId: run.info.experiment_id }),
    ...(run.info.artifact_uri === null ? {} : { artifactUri: run.info.artifact_uri }),
    status: run.info.status ?? '',
    metrics: run.data?.metrics ?? [],
    params: run.data?.params ?? {},
    tags: run.data?.tags ?? {},
    datasets: run.inputs?.dataset_inputs ?? [],
  }),
);

const FoundRun = z
  .object({
    info: z.object({ run_id: z.string() }),
    data: z.object({ metrics: rows(z.object({ key: z.string() }), 20_000) }).nullish(),
  })
  .transform(({ info, data }) => ({
    runId: info.run_id,
    keys: new Set(data?.metrics?.map(({ key }) => key)),
  }));
/** Of found runs their ids and the keys of their metrics. */
export const RunsAnswer = z.object({ runs: rows(FoundRun, 10_000) });

const MeasuredRun = z
  .object({
    data: z.object({ metrics: rows(z.object({ key: z.string(), value: Double }), 20_000) }).nullish(),
  })
  .transform(({ data }) => new Map(data?.metrics?.map(({ key, value }) => [key, value])));
/** Of found runs the last values of their metrics. */
export const MeasuredRunsAnswer = z.object({ runs: rows(MeasuredRun, 10_000) });

/** MLflow's error envelope. */
export const ErrorAnswer = z.object({ error_code: z.string(), message: z.string().nullish() });
