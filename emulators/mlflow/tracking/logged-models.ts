import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { double, invalid, json, missing, pairs, SEE_DOCS, sparse } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoints.ts';
import type { Input, Parameters } from '../parameters.ts';
import { matches, pageOf, parseFilter } from '../search.ts';
import type { Artifacts } from './artifacts.ts';
import type { Metric, Tracking } from './tracking.ts';

type Status = 'LOGGED_MODEL_PENDING' | 'LOGGED_MODEL_READY' | 'LOGGED_MODEL_UPLOAD_FAILED';

/** A model as MLflow 3 logs it, before it is registered. */
export interface LoggedModel {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly type: string;
  readonly runId: string;
  readonly created: number;
  updated: number;
  status: Status;
  readonly location: string;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
}

const VERSIONS_TAG = 'mlflow.modelVersions';

export class LoggedModels {
  readonly #models = new Map<string, LoggedModel>();
  readonly #tracking: Tracking;
  readonly #now: () => number;
  /** Count of all models ever created: ids of deleted ones are not reused. */
  #count = 0;

  constructor(tracking: Tracking, now: () => number) {
    this.#tracking = tracking;
    this.#now = now;
  }

  create(input: Input): LoggedModel {
    this.#count += 1;
    const count = this.#count;
    const id = `m-${createHash('sha256').update(`model ${count}`).digest('hex').slice(0, 32)}`;
    const experiment = this.#tracking.experiment(input.text('experiment_id'));
    const now = this.#now();
    const model: LoggedModel = {
      id,
      experimentId: experiment.id,
      name: input.text('name') || `model-${count}`,
      type: input.text('model_type'),
      runId: input.text('source_run_id'),
      created: now,
      updated: now,
      status: 'LOGGED_MODEL_PENDING',
      location: `${experiment.location}/models/${id}/artifacts`,
      params: input.pairs('params'),
      tags: input.pairs('tags'),
    };
    this.#models.set(id, model);
    return model;
  }

  get(id: string): LoggedModel {
    const found = this.#models.get(id);
    if (found === undefined) throw missing(`Logged model with ID '${id}' not found.`);
    return found;
  }

  finish(id: string, status: Status): LoggedModel {
    const model = this.get(id);
    model.status = status;
    model.updated = this.#now();
    return model;
  }

  delete(id: string): void {
    this.#models.delete(this.get(id).id);
  }

  /** Newest first. */
  all(): LoggedModel[] {
    return [...this.#models.values()].reverse();
  }

  /** MLflow notes on the logged model which registered versions it became. */
  noteVersion(id: string, name: string, version: number): void {
    const { tags } = this.get(id);
    const before: unknown = JSON.parse(tags.get(VERSIONS_TAG) ?? '[]');
    const versions = [...(Array.isArray(before) ? before : []), { name, version }];
    tags.set(VERSIONS_TAG, JSON.stringify(versions));
  }

  /** Every point of every run. Unlike a run, a logged model keeps with a metric which data it was measured on. */
  metrics(id: string): (Metric & { runId: string })[] {
    return [...this.#tracking.runs.values()].flatMap((run) =>
      run.history.filter(({ modelId }) => modelId === id).map((metric) => ({ ...metric, runId: run.id })),
    );
  }
}

const NEW_MODEL: Parameters = {
  experiment_id: 'string!',
  name: 'string',
  model_type: 'string',
  source_run_id: 'string',
  params: 'objects',
  tags: 'objects',
};
const SEARCH: Parameters = {
  experiment_ids: 'strings',
  filter: 'string',
  datasets: 'objects',
  max_results: 'integer',
  order_by: 'objects',
  page_token: 'string',
};
const ATTRIBUTES = ['name', 'model_id', 'model_type', 'status', 'source_run_id', 'creation_timestamp'];
const STATUSES = ['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED'] as const;

/** Logged models, which MLflow 3's client makes whenever a model is logged. */
export function loggedModelEndpoints(
  models: LoggedModels,
  tracking: Tracking,
  artifacts: Artifacts,
): Endpoint[] {
  const answer = (model: LoggedModel) => ({ model: modelJson(models, model) });
  return [
    endpoint('POST', 'logged-models', NEW_MODEL, (input) => answer(models.create(input))),
    endpoint('POST', 'logged-models/search', SEARCH, (input) => search(models, input)),
    endpoint('GET', 'logged-models/*', { artifact_directory_path: 'string' }, (input, rest) => {
      const [id = '', ...below] = rest.split('/');
      const model = models.get(id);
      if (below.length === 0) return answer(model);
      if (below.join('/') !== 'artifacts/directories') throw missing(`No route ${rest}`);
      const folder = input.text('artifact_directory_path');
      if (folder.split('/').includes('..')) throw invalid('Invalid path');
      const root = model.location.replace(/^mlflow-artifacts:\/+/, '');
      const files = artifacts.list(posix.join(root, folder), folder);
      return sparse({ root_uri: model.location, files });
    }),
    endpoint('PATCH', 'logged-models/*', PATCH_MODEL, (input, rest) => {
      const [id = '', tags] = rest.split('/');
      if (tags === undefined) return answer(models.finish(id, statusIn(input)));
      for (const [key, value] of input.pairs('tags')) models.get(id).tags.set(key, value);
      return {};
    }),
    endpoint('DELETE', 'logged-models/*', {}, (_, rest) => {
      const [id = '', tags, ...key] = rest.split('/');
      if (tags === undefined) models.delete(id);
      else if (!models.get(id).tags.delete(decodeURIComponent(key.join('/')))) {
        throw missing(`No tag with key '${key.join('/')}' found for model with ID '${id}'.`);
      }
      return {};
    }),
    endpoint('POST', 'logged-models/*', { model_id: 'string!', params: 'objects' }, (input) => {
      const { params } = models.get(input.text('model_id'));
      for (const [key, value] of input.pairs('params')) params.set(key, value);
      return {};
    }),
    {
      methods: ['POST'],
      path: 'runs/outputs',
      parameters: { run_id: 'string!', models: 'objects!' },
      act: (input) => {
        const { modelOutputs } = tracking.run(input.text('run_id'));
        for (const model of input.objects('models')) {
          modelOutputs.push({ modelId: model.text('model_id'), step: model.number('step', 0) });
        }
        return json({});
      },
    },
  ];
}

const PATCH_MODEL: Parameters = { model_id: 'string', status: 'string', tags: 'objects' };

function statusIn(input: Input): Status {
  const required = ['model_id', 'status'].find((name) => input.text(name) === '');
  if (required !== undefined) throw invalid(`Missing value for required parameter '${required}'.${SEE_DOCS}`);
  const found = STATUSES.find((status) => status === input.text('status'));
  if (found === undefined) throw invalid(`Invalid model status: ${input.text('status')}`);
  return found;
}

function search(models: LoggedModels, input: Input): object {
  const kinds = ['attribute', 'tag', 'parameter'] as const;
  const clauses = parseFilter(input.text('filter'), kinds, ATTRIBUTES);
  const info = (model: LoggedModel): Record<string, string | number> => ({
    name: model.name,
    model_id: model.id,
    model_type: model.type,
    status: model.status,
    source_run_id: model.runId,
    creation_timestamp: model.created,
  });
  const found = models
    .all()
    .filter((model) => input.texts('experiment_ids').includes(model.experimentId))
    .filter((model) =>
      clauses.every((clause) => {
        if (clause.kind === 'attribute') return matches(info(model)[clause.key], clause);
        return matches((clause.kind === 'tag' ? model.tags : model.params).get(clause.key), clause);
      }),
    );
  const { rows, token } = pageOf(found, input.number('max_results', 100), input.text('page_token'));
  return sparse({ models: rows.map((row) => modelJson(models, row)), next_page_token: token });
}

const modelJson = (models: LoggedModels, model: LoggedModel) => ({
  info: sparse({
    model_id: model.id,
    experiment_id: model.experimentId,
    name: model.name,
    creation_timestamp_ms: model.created,
    last_updated_timestamp_ms: model.updated,
    artifact_uri: model.location,
    status: model.status,
    model_type: model.type,
    source_run_id: model.runId,
    tags: pairs(model.tags),
  }),
  data: sparse({
    params: pairs(model.params),
    metrics: models.metrics(model.id).map((metric) =>
      sparse({
        key: metric.key,
        value: double(metric.value),
        timestamp: metric.timestamp,
        step: metric.step,
        dataset_name: metric.datasetName,
        dataset_digest: metric.datasetDigest,
        model_id: model.id,
        run_id: metric.runId,
      }),
    ),
  }),
});
