import { posix } from 'node:path';
import { canonicalStage } from './registry/names.ts';
import type { Registry, VersionStatus } from './registry/registry.ts';
import { type Artifacts, artifactRoot } from './tracking/artifacts.ts';
import type { RunStatus, Tracking } from './tracking/tracking.ts';

type Texts = Readonly<Record<string, string>>;

export interface SeedModel {
  description?: string;
  tags?: Texts;
}

export interface SeedVersion {
  /** Default `None`. */
  stage?: string;
  /** Default `READY`; a real server on SQL never makes another one. */
  status?: VersionStatus;
  tags?: Texts;
  runId?: string;
  description?: string;
  /** Default: the run's `model` folder, or an S3 location. */
  source?: string;
  aliases?: readonly string[];
}

export interface SeedRun {
  name?: string;
  /** By name; made where it does not exist. Default `Default`. */
  experiment?: string;
  /** Default `FINISHED`. */
  status?: RunStatus;
  /** A list is a history: step 0, 1, 2 …; its last value is the metric. NaN and infinities as in MLflow. */
  metrics?: Readonly<Record<string, number | readonly number[]>>;
  params?: Texts;
  tags?: Texts;
  datasets?: readonly SeedDataset[];
  /** Path below the run's artifacts, and content. */
  artifacts?: Readonly<Record<string, string | Buffer>>;
}

export interface SeedDataset {
  name: string;
  digest: string;
  /** `mlflow.data.context`, such as `evaluation`; none where absent. */
  context?: string;
}

/** What decides who is champion. */
interface Pointers {
  /** Numbers of all versions that are not deleted. */
  versions: string[];
  /** Those in Production. */
  production: string[];
  /** The version that an alias points at; null for none. */
  alias(name: string): string | null;
}

/** The contents of a registry, for comparisons. Without deleted versions. */
export type Snapshot = Record<
  string,
  {
    tags: Record<string, string>;
    aliases: Record<string, string>;
    versions: Record<
      string,
      {
        stage: string;
        status: string;
        runId: string | null;
        description: string;
        tags: Record<string, string>;
      }
    >;
  }
>;

/** Fills or changes the emulator without HTTP. MLflow's rules for names and numbers still apply. */
export class Seeding {
  readonly #registry: Registry;
  readonly #tracking: Tracking;
  readonly #artifacts: Artifacts;
  readonly #now: () => number;

  constructor(registry: Registry, tracking: Tracking, artifacts: Artifacts, now: () => number) {
    this.#registry = registry;
    this.#tracking = tracking;
    this.#artifacts = artifacts;
    this.#now = now;
  }

  createModel(name: string, { description = '', tags = {} }: SeedModel = {}): void {
    this.#registry.create(name, description, new Map(Object.entries(tags)));
  }

  /** The new version's number. The model is made where it does not exist. No other version's stage changes. */
  createVersion(name: string, options: SeedVersion = {}): string {
    if (!this.#registry.models.has(name)) this.createModel(name);
    const { runId = null } = options;
    const home = runId === null ? null : this.#tracking.runs.get(runId)?.artifactUri;
    const source = options.source ?? (home ? `${home}/model` : `s3://models/${encodeURIComponent(name)}`);
    const row = this.#registry.addVersion(name, {
      source,
      location: source,
      runId,
      runLink: '',
      description: options.description ?? '',
      tags: new Map(Object.entries(options.tags ?? {})),
    });
    row.stage = canonicalStage(options.stage ?? 'None');
    row.status = options.status ?? 'READY';
    const version = String(row.version);
    for (const alias of options.aliases ?? []) this.setAlias(name, alias, version);
    return version;
  }

  /** The new run's id. */
  createRun(options: SeedRun = {}): string {
    const { experiment = 'Default', status = 'FINISHED' } = options;
    const { id: experimentId } =
      this.#tracking.experimentNamed(experiment) ??
      this.#tracking.createExperiment(experiment, null, new Map());
    const now = this.#now();
    const run = this.#tracking.createRun({
      experimentId,
      name: options.name ?? '',
      userId: '',
      startTime: now,
      tags: new Map(Object.entries(options.tags ?? {})),
    });
    for (const [key, values] of Object.entries(options.metrics ?? {})) {
      for (const [step, value] of [values].flat().entries()) {
        this.#tracking.logMetric(run.id, { key, value, timestamp: now, step });
      }
    }
    for (const [key, value] of Object.entries(options.params ?? {}))
      this.#tracking.logParam(run.id, key, value);
    this.#tracking.logDatasets(run.id, (options.datasets ?? []).map(datasetInput));
    for (const [path, content] of Object.entries(options.artifacts ?? {})) {
      this.#artifacts.put(posix.join(artifactRoot(run), path), Buffer.from(content));
    }
    this.#tracking.updateRun(
      run.id,
      status,
      status === 'RUNNING' || status === 'SCHEDULED' ? null : now,
      null,
    );
    return run.id;
  }

  setRunTag(runId: string, key: string, value: string): void {
    this.#tracking.setTag(runId, key, value);
  }

  /** Logs a value at the next step of a run. */
  logMetric(runId: string, key: string, value: number): void {
    const timestamp = this.#now();
    this.#tracking.logMetric(runId, { key, value, timestamp, step: timestamp });
  }

  /** Moves one version without archiving others: two versions in Production are possible. */
  setStage(name: string, version: string, stage: string): void {
    this.transition(name, version, stage);
  }

  /** With `archive`, as `archive_existing_versions` does it. */
  transition(name: string, version: string, stage: string, { archive = false } = {}): void {
    this.#registry.transition(name, version, stage, archive);
  }

  /**
   * Reads the stages, as a transaction of MLflow does that overlaps with others: a transition that the answer runs later does
   * not see what was written since, and may leave two versions in Production.
   */
  beginReading(): <T>(write: () => T) => T {
    const stages = this.#registry.stages();
    return (write) => this.#registry.havingRead(stages, write);
  }

  setStatus(name: string, version: string, status: VersionStatus): void {
    this.#registry.version(name, version).status = status;
  }

  setAlias(name: string, alias: string, version: string): void {
    this.#registry.setAlias(name, alias, version);
  }

  deleteAlias(name: string, alias: string): void {
    this.#registry.deleteAlias(name, alias);
  }

  setModelTag(name: string, key: string, value: string): void {
    this.#registry.setModelTag(name, key, value);
  }

  setVersionTag(name: string, version: string, key: string, value: string): void {
    this.#registry.setVersionTag(name, version, key, value);
  }

  deleteVersion(name: string, version: string): void {
    this.#registry.deleteVersion(name, version);
  }

  /** The versions of a model, those in Production among them, and what its aliases point at; without copies of its tags. */
  pointers(name: string): Pointers {
    const model = this.#registry.models.get(name);
    const versions = model?.versions.filter(({ stage }) => stage !== 'Deleted_Internal') ?? [];
    return {
      versions: versions.map(({ version }) => String(version)),
      production: versions.flatMap(({ stage, version }) => (stage === 'Production' ? [String(version)] : [])),
      alias: (alias) => String(model?.aliases.get(alias) ?? '') || null,
    };
  }

  snapshot(): Snapshot {
    const models = [...this.#registry.models.values()].map((model) => {
      const versions = model.versions
        .filter((row) => row.stage !== 'Deleted_Internal')
        .map((row) => {
          const { stage, status, runId } = row;
          const description = row.description ?? '';
          return [
            String(row.version),
            { stage, status, runId, description, tags: Object.fromEntries(row.tags) },
          ];
        });
      const aliases = [...model.aliases].map(([alias, version]) => [alias, String(version)]);
      return [
        model.name,
        {
          tags: Object.fromEntries(model.tags),
          aliases: Object.fromEntries(aliases),
          versions: Object.fromEntries(versions),
        },
      ];
    });
    return Object.fromEntries(models);
  }
}

const datasetInput = ({ name, digest, context }: SeedDataset) => ({
  tags: new Map(context === undefined ? [] : [['mlflow.data.context', context]]),
  dataset: { name, digest, sourceType: 'local', source: '{}', schema: null, profile: null },
});
