import { createHash } from 'node:crypto';
import { ApiError, invalid, missing } from '../answers.ts';
import { checkKey, checkLength } from '../registry/names.ts';

export const runStatuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
export type RunStatus = (typeof runStatuses)[number];

export interface Metric {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
  /** Kept for the logged model (`m-…`) that was measured; a run does not show them. */
  readonly modelId?: string | null;
  readonly datasetName?: string | null;
  readonly datasetDigest?: string | null;
}

export interface Dataset {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema: string | null;
  readonly profile: string | null;
}

/** A data set that a run used; `tags` say for what (`mlflow.data.context`). */
export interface DatasetInput {
  readonly dataset: Dataset;
  readonly tags: ReadonlyMap<string, string>;
}

export interface Experiment {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly created: number;
  readonly tags: Map<string, string>;
}

export interface Run {
  readonly id: string;
  readonly experimentId: string;
  name: string;
  readonly userId: string;
  status: RunStatus;
  readonly startTime: number;
  endTime: number | null;
  readonly artifactUri: string;
  /** Every value ever logged, in the order of arrival. */
  readonly history: Metric[];
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  readonly datasets: DatasetInput[];
  readonly modelInputs: string[];
  readonly modelOutputs: { modelId: string; step: number }[];
}

export interface NewRun {
  experimentId: string;
  name: string;
  userId: string;
  startTime: number;
  tags: ReadonlyMap<string, string>;
}

const LARGEST_DOUBLE = Number.MAX_VALUE;
const RUN_NAME_TAG = 'mlflow.runName';

/** Experiments and runs, with the rules of MLflow's SQL store. */
export class Tracking {
  readonly experiments = new Map<string, Experiment>();
  readonly runs = new Map<string, Run>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.#addExperiment('0', 'Default', null, new Map());
  }

  createExperiment(name: string, location: string | null, tags: ReadonlyMap<string, string>): Experiment {
    if (this.experimentNamed(name) !== undefined) {
      throw new ApiError('RESOURCE_ALREADY_EXISTS', `Experiment(name=${name}) already exists.`);
    }
    return this.#addExperiment(String(this.experiments.size), name, location, tags);
  }

  experiment(id: string): Experiment {
    const found = this.experiments.get(id);
    if (found === undefined) throw missing(`No Experiment with id=${id} exists`);
    return found;
  }

  experimentNamed(name: string): Experiment | undefined {
    return [...this.experiments.values()].find((experiment) => experiment.name === name);
  }

  createRun(run: NewRun): Run {
    const experiment = this.experiment(run.experimentId);
    const count = this.runs.size + 1;
    const id = createHash('sha256').update(`run ${count}`).digest('hex').slice(0, 32);
    const name = run.name || run.tags.get(RUN_NAME_TAG) || `run-${count}`;
    const row: Run = {
      ...run,
      id,
      name,
      status: 'RUNNING',
      endTime: null,
      artifactUri: `${experiment.location}/${id}/artifacts`,
      history: [],
      params: new Map(),
      tags: new Map([...run.tags, [RUN_NAME_TAG, name]]),
      datasets: [],
      modelInputs: [],
      modelOutputs: [],
    };
    this.runs.set(id, row);
    return row;
  }

  run(id: string): Run {
    const found = this.runs.get(id);
    if (found === undefined) throw missing(`Run with id=${id} not found`);
    return found;
  }

  updateRun(id: string, status: RunStatus | null, endTime: number | null, name: string | null): Run {
    const run = this.run(id);
    if (status !== null) run.status = status;
    if (endTime !== null) run.endTime = endTime;
    if (name !== null && name !== '') {
      run.name = name;
      run.tags.set(RUN_NAME_TAG, name);
    }
    return run;
  }

  /** The same point twice is one point. */
  logMetric(runId: string, metric: Metric): void {
    const { key, value, timestamp, step } = metric;
    checkKey(key, 'name');
    checkLength('Metric name', key, 250);
    const { history } = this.run(runId);
    // SQL databases have no infinity: MLflow stores the largest double instead.
    const stored = Math.max(-LARGEST_DOUBLE, Math.min(LARGEST_DOUBLE, value));
    const same = (point: Metric) =>
      point.key === key &&
      point.step === step &&
      point.timestamp === timestamp &&
      Object.is(point.value, stored);
    if (!history.some(same)) history.push({ ...metric, value: stored });
  }

  logParam(runId: string, key: string, value: string): void {
    checkKey(key);
    checkLength('Param key', key, 250);
    checkLength('Param value', value, 6000);
    const { params } = this.run(runId);
    const logged = params.get(key);
    if (logged !== undefined && logged !== value) {
      throw invalid(
        `Changing param values is not allowed. Param with key='${key}' was already logged with value='${logged}' for run ID='${runId}'. Attempted logging new value '${value}'.`,
      );
    }
    params.set(key, value);
  }

  setTag(runId: string, key: string, value: string): void {
    checkKey(key);
    checkLength('key', key, 250);
    // MLflow cuts long values by default.
    const run = this.run(runId);
    run.tags.set(key, value.slice(0, 8000));
    if (key === RUN_NAME_TAG) run.name = value;
  }

  deleteTag(runId: string, key: string): void {
    if (!this.run(runId).tags.delete(key)) throw missing(`No tag with name: ${key} in run with id ${runId}`);
  }

  logDatasets(runId: string, inputs: readonly DatasetInput[]): void {
    const { datasets } = this.run(runId);
    for (const input of inputs) {
      const { name, digest } = input.dataset;
      if (name === '' || digest === '') throw invalid(`Dataset name and digest cannot be empty`);
      checkLength('name', name, 500);
      checkLength('digest', digest, 36);
      const known = datasets.some((row) => row.dataset.name === name && row.dataset.digest === digest);
      if (!known) datasets.push(input);
    }
  }

  history(runId: string, key: string): Metric[] {
    const points = this.runs.get(runId)?.history.filter((point) => point.key === key) ?? [];
    return points.toSorted((a, b) => a.timestamp - b.timestamp || a.step - b.step);
  }

  #addExperiment(
    id: string,
    name: string,
    location: string | null,
    tags: ReadonlyMap<string, string>,
  ): Experiment {
    const row = {
      id,
      name,
      location: location ?? `mlflow-artifacts:/${id}`,
      created: this.#now(),
      tags: new Map(tags),
    };
    this.experiments.set(id, row);
    return row;
  }
}

/** The newest value of each metric: by step, then by time, then the larger one. */
export function latestMetrics({ history }: Run): Metric[] {
  const latest = new Map<string, Metric>();
  for (const point of history) {
    const before = latest.get(point.key);
    if (before === undefined || isNewer(point, before)) latest.set(point.key, point);
  }
  return [...latest.values()];
}

function isNewer(point: Metric, before: Metric): boolean {
  if (point.step !== before.step) return point.step > before.step;
  if (point.timestamp !== before.timestamp) return point.timestamp > before.timestamp;
  // A NaN counts as zero: that is the column's value.
  return (point.value || 0) > (before.value || 0);
}
