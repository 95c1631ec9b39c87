import { ApiError, double, invalid, missing, pairs, SEE_DOCS, sparse } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoints.ts';
import type { Input, Parameters } from '../parameters.ts';
import type { Behaviour } from '../registry/versions.ts';
import { matches, pageOf, parseFilter } from '../search.ts';
import { searchRuns } from './run-search.ts';
import {
  type Dataset,
  type Experiment,
  latestMetrics,
  type Metric,
  type Run,
  runStatuses,
  type Tracking,
} from './tracking.ts';

const RUN = { run_id: 'string!' } as const;
const PAGE = { max_results: 'integer', page_token: 'string' } as const;
const SEARCH: Parameters = { filter: 'string', order_by: 'strings', ...PAGE };

/** Experiments and runs, under the same paths and with the same answers as MLflow's. */
export function trackingEndpoints(tracking: Tracking, behaviour: Behaviour): Endpoint[] {
  const noExperiment = () =>
    new ApiError('BAD_REQUEST', '(sqlite3.IntegrityError) FOREIGN KEY constraint failed');
  return [
    endpoint('POST', 'experiments/create', NEW_EXPERIMENT, (input) => ({
      experiment_id: tracking.createExperiment(
        input.text('name'),
        input.optional('artifact_location') || null,
        input.pairs('tags'),
      ).id,
    })),
    endpoint('GET', 'experiments/get', { experiment_id: 'string!' }, (input) => ({
      experiment: experimentJson(tracking.experiment(input.text('experiment_id'))),
    })),
    endpoint('GET', 'experiments/get-by-name', { experiment_name: 'string!' }, (input) => {
      const name = input.text('experiment_name');
      const found = tracking.experimentNamed(name);
      if (found === undefined) throw missing(`Could not find experiment with name '${name}'`);
      return { experiment: experimentJson(found) };
    }),
    endpoint('GET|POST', 'experiments/search', SEARCH, (input) => searchExperiments(tracking, input)),
    endpoint('POST', 'runs/create', NEW_RUN, (input) => {
      if (input.text('experiment_id') === '') throw noExperiment();
      const run = tracking.createRun({
        experimentId: input.text('experiment_id'),
        name: input.text('run_name'),
        userId: input.text('user_id'),
        startTime: input.number('start_time', 0),
        tags: input.pairs('tags'),
      });
      return { run: runJson(run) };
    }),
    endpoint('GET', 'runs/get', RUN, (input) => ({
      run: storedRunJson(tracking.run(input.text('run_id')), behaviour),
    })),
    endpoint('POST', 'runs/update', UPDATE_RUN, (input) => {
      const status = runStatuses.find((name) => name === input.text('status')) ?? null;
      const endTime = input.has('end_time') ? input.number('end_time', 0) : null;
      const run = tracking.updateRun(input.text('run_id'), status, endTime, input.optional('run_name'));
      return { run_info: infoJson(run) };
    }),
    endpoint(
      'POST',
      'runs/search',
      { ...SEARCH, experiment_ids: 'strings' },
      (input) => {
        const { rows, token } = searchRuns(tracking, input);
        return sparse({ runs: rows.map((run) => storedRunJson(run, behaviour)), next_page_token: token });
      },
      { max_results: 50_000 },
    ),
    endpoint('POST', 'runs/log-metric', LOG_METRIC, (input) => {
      tracking.logMetric(input.text('run_id'), metricOf(input));
      return {};
    }),
    endpoint('POST', 'runs/log-parameter', { ...RUN, key: 'string!', value: 'string' }, (input) => {
      tracking.logParam(input.text('run_id'), input.text('key'), input.text('value'));
      return {};
    }),
    endpoint('POST', 'runs/log-batch', LOG_BATCH, (input) => logBatch(tracking, input)),
    endpoint('POST', 'runs/set-tag', { ...RUN, key: 'string!', value: 'string' }, (input) => {
      tracking.setTag(input.text('run_id'), input.text('key'), input.text('value'));
      return {};
    }),
    endpoint('POST', 'runs/delete-tag', { ...RUN, key: 'string!' }, (input) => {
      tracking.deleteTag(input.text('run_id'), input.text('key'));
      return {};
    }),
    endpoint('POST', 'runs/log-inputs', { ...RUN, datasets: 'objects', models: 'objects' }, (input) =>
      logInputs(tracking, input),
    ),
    endpoint('GET', 'metrics/get-history', { ...RUN, metric_key: 'string!', ...PAGE }, (input) =>
      history(tracking, behaviour, input),
    ),
  ];
}

const NEW_EXPERIMENT: Parameters = { name: 'string!', artifact_location: 'string', tags: 'objects' };
const NEW_RUN: Parameters = {
  experiment_id: 'string',
  start_time: 'integer',
  run_name: 'string',
  user_id: 'string',
  tags: 'objects',
};
const UPDATE_RUN: Parameters = { ...RUN, end_time: 'integer', status: 'string', run_name: 'string' };
const LOG_METRIC: Parameters = {
  ...RUN,
  key: 'string!',
  value: 'number!',
  timestamp: 'integer!',
  step: 'integer',
  model_id: 'string',
  dataset_name: 'string',
  dataset_digest: 'string',
};
const LOG_BATCH: Parameters = { ...RUN, metrics: 'objects', params: 'objects', tags: 'objects' };

const metricOf = (input: Input): Metric => ({
  key: input.text('key'),
  value: input.number('value', 0),
  timestamp: input.number('timestamp', 0),
  step: input.number('step', 0),
  modelId: input.optional('model_id'),
  datasetName: input.optional('dataset_name'),
  datasetDigest: input.optional('dataset_digest'),
});

/** Not atomic, as in MLflow: items before a rejected one are kept. */
function logBatch(tracking: Tracking, input: Input): object {
  const id = input.text('run_id');
  const [metrics, params, tags] = ['metrics', 'params', 'tags'].map((name) => input.objects(name));
  const needed: [string, Input[] | undefined, string[]][] = [
    ['metrics', metrics, ['key', 'value', 'timestamp']],
    ['params', params, ['key']],
    ['tags', tags, ['key']],
  ];
  for (const [list, items = [], fields] of needed) {
    for (const [index, item] of items.entries()) {
      const absent = fields.find((field) => !item.has(field));
      if (absent !== undefined)
        throw invalid(`Missing value for required parameter '${list}[${index}].${absent}'.${SEE_DOCS}`);
    }
    const most = list === 'metrics' ? 1000 : 100;
    if (items.length > most) {
      throw invalid(
        `A batch logging request can contain at most ${most} ${list}. Got ${items.length} ${list}.`,
      );
    }
  }
  tracking.run(id);
  for (const item of metrics ?? []) tracking.logMetric(id, metricOf(item));
  for (const item of params ?? []) tracking.logParam(id, item.text('key'), item.text('value'));
  for (const item of tags ?? []) tracking.setTag(id, item.text('key'), item.text('value'));
  return {};
}

function logInputs(tracking: Tracking, input: Input): object {
  const id = input.text('run_id');
  const datasets = input.objects('datasets').map((row) => {
    const dataset = row.object('dataset');
    return {
      tags: row.pairs('tags'),
      dataset: {
        name: dataset.text('name'),
        digest: dataset.text('digest'),
        sourceType: dataset.text('source_type'),
        source: dataset.text('source'),
        schema: dataset.optional('schema'),
        profile: dataset.optional('profile'),
      },
    };
  });
  tracking.logDatasets(id, datasets);
  for (const model of input.objects('models')) tracking.run(id).modelInputs.push(model.text('model_id'));
  return {};
}

function history(tracking: Tracking, behaviour: Behaviour, input: Input): object {
  const points = tracking.history(input.text('run_id'), input.text('metric_key')).map(metricJson);
  if (behaviour.history === 'whole') return sparse({ metrics: points });
  const sent = input.has('max_results');
  const size = input.number('max_results', 0);
  if (behaviour.history === 'paged' && sent && size <= 0) {
    throw invalid(
      `Invalid value ${size} for parameter 'max_results' supplied. It must be a positive integer.`,
    );
  }
  if (behaviour.history === 'paged' && !sent) return sparse({ metrics: points });
  // Without max_results, servers from 3.1 to 3.13 answer no rows and a token that leads nowhere.
  const { rows, token } = pageOf(points, size, sent ? input.text('page_token') : '');
  return sparse({ metrics: rows, next_page_token: token });
}

function searchExperiments(tracking: Tracking, input: Input): object {
  const size = input.number('max_results', 0);
  if (size < 1) {
    throw invalid(
      `Invalid value ${size} for parameter 'max_results' supplied. It must be a positive integer`,
    );
  }
  const clauses = parseFilter(input.text('filter'), ['attribute', 'tag'], ['name']);
  const found = [...tracking.experiments.values()]
    .filter((row) => clauses.every((c) => matches(c.kind === 'tag' ? row.tags.get(c.key) : row.name, c)))
    .toSorted((a, b) => b.created - a.created || Number(b.id) - Number(a.id));
  const { rows, token } = pageOf(found, size, input.text('page_token'));
  return sparse({ experiments: rows.map(experimentJson), next_page_token: token });
}

const experimentJson = (row: Experiment) =>
  sparse({
    experiment_id: row.id,
    name: row.name,
    artifact_location: row.location,
    lifecycle_stage: 'active',
    last_update_time: row.created,
    creation_time: row.created,
    tags: pairs(row.tags),
  });

const infoJson = (run: Run) =>
  sparse({
    run_uuid: run.id,
    experiment_id: run.experimentId,
    run_name: run.name,
    user_id: run.userId,
    status: run.status,
    start_time: run.startTime,
    end_time: run.endTime,
    artifact_uri: run.artifactUri,
    lifecycle_stage: 'active',
    run_id: run.id,
  });

/** Neither the data set nor the model of a metric is kept with the run by MLflow's SQL store. */
const metricJson = ({ key, value, timestamp, step }: Metric) => ({
  key,
  value: double(value),
  timestamp,
  step,
});

const datasetJson = ({ name, digest, sourceType, source, schema, profile }: Dataset) =>
  sparse({ name, digest, source_type: sourceType, source, schema, profile });

const runJson = (run: Run) => ({
  info: infoJson(run),
  data: sparse({
    metrics: latestMetrics(run).map(metricJson),
    params: pairs(run.params),
    tags: pairs(run.tags),
  }),
  inputs: sparse({
    dataset_inputs: run.datasets.map(({ dataset, tags }) =>
      sparse({ tags: pairs(tags), dataset: datasetJson(dataset) }),
    ),
    model_inputs: run.modelInputs.map((id) => ({ model_id: id })),
  }),
});

const storedRunJson = (run: Run, { loggedModels }: Behaviour) =>
  loggedModels
    ? { ...runJson(run), outputs: sparse({ model_outputs: run.modelOutputs.map(outputJson) }) }
    : runJson(run);

const outputJson = ({ modelId, step }: Run['modelOutputs'][number]) => ({ model_id: modelId, step });
