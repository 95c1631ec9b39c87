import { ApiError, invalid, missing } from '../answers.ts';
import {
  canonicalStage,
  checkAliasFree,
  checkAliasName,
  checkKey,
  checkModelName,
  checkTag,
  type Stage,
  stages,
  versionNumber,
} from './names.ts';
import type { Behaviour } from './versions.ts';

export type VersionStatus = 'PENDING_REGISTRATION' | 'FAILED_REGISTRATION' | 'READY';

export interface Version {
  name: string;
  readonly version: number;
  readonly created: number;
  updated: number;
  /** Deleted versions are kept, so that their numbers are not reused. */
  stage: Stage | 'Deleted_Internal';
  status: VersionStatus;
  description: string | null;
  readonly source: string;
  /** Where the files are: the source, followed through `models:/…`. */
  readonly location: string;
  readonly runId: string | null;
  readonly runLink: string | null;
  readonly tags: Map<string, string>;
}

export interface Model {
  name: string;
  readonly created: number;
  updated: number;
  description: string;
  readonly tags: Map<string, string>;
  readonly aliases: Map<string, number>;
  readonly versions: Version[];
}

export interface NewVersion {
  source: string;
  location: string;
  runId: string | null;
  runLink: string | null;
  description: string | null;
  tags: ReadonlyMap<string, string>;
}

/** Registered models and their versions, with the rules of MLflow's SQL store. */
export class Registry {
  readonly models = new Map<string, Model>();
  readonly #behaviour: Behaviour;
  readonly #now: () => number;

  /** What the transaction that is being written has read; null: it reads now. */
  #read: ReadonlyMap<Version, string> | null = null;

  constructor(behaviour: Behaviour, now: () => number) {
    this.#behaviour = behaviour;
    this.#now = now;
  }

  create(name: string, description: string, tags: ReadonlyMap<string, string>): Model {
    checkModelName(name, this.#behaviour);
    for (const [key, value] of tags) this.#checkTag(key, value);
    if (this.models.has(name)) {
      throw new ApiError('RESOURCE_ALREADY_EXISTS', `Registered Model (name=${name}) already exists.`);
    }
    const now = this.#now();
    const model: Model = {
      name,
      created: now,
      updated: now,
      description,
      tags: new Map(tags),
      aliases: new Map(),
      versions: [],
    };
    this.models.set(name, model);
    return model;
  }

  model(name: string): Model {
    checkModelName(name, this.#behaviour);
    const model = this.models.get(name);
    if (model === undefined) throw missing(`Registered Model with name=${name} not found`);
    return model;
  }

  describe(name: string, description: string): Model {
    const model = this.model(name);
    model.description = description;
    model.updated = this.#now();
    return model;
  }

  rename(name: string, newName: string): Model {
    checkModelName(newName, this.#behaviour, 'new_name');
    const model = this.model(name);
    if (newName !== name && this.models.has(newName)) {
      throw new ApiError('RESOURCE_ALREADY_EXISTS', `Registered Model (name=${newName}) already exists.`);
    }
    const now = this.#now();
    this.models.delete(name);
    this.models.set(newName, model);
    for (const part of [model, ...model.versions]) {
      part.name = newName;
      part.updated = now;
    }
    return model;
  }

  delete(name: string): void {
    this.models.delete(this.model(name).name);
  }

  setModelTag(name: string, key: string, value: string): void {
    checkModelName(name, this.#behaviour);
    this.#checkTag(key, value);
    this.model(name).tags.set(key, value);
  }

  deleteModelTag(name: string, key: string): void {
    checkModelName(name, this.#behaviour);
    checkKey(key);
    this.model(name).tags.delete(key);
  }

  /** The highest version of every stage that has one; deleted versions do not count. */
  latest(name: string, wanted: readonly string[] = stages): Version[] {
    const model = this.model(name);
    const among = new Set<string>(wanted.map(canonicalStage));
    const found = new Map<string, Version>();
    for (const version of model.versions) if (among.has(version.stage)) found.set(version.stage, version);
    return [...found.values()];
  }

  setAlias(name: string, alias: string, version: string): void {
    checkModelName(name, this.#behaviour);
    checkAliasName(alias);
    checkAliasFree(alias);
    const row = this.version(name, version);
    this.model(name).aliases.set(alias, row.version);
  }

  deleteAlias(name: string, alias: string): void {
    checkModelName(name, this.#behaviour);
    checkAliasName(alias);
    this.model(name).aliases.delete(alias);
  }

  versionOfAlias(name: string, alias: string): Version {
    const { latestAlias, aliasNeedsModel } = this.#behaviour;
    checkModelName(name, this.#behaviour);
    checkAliasName(alias);
    if (latestAlias === 'reserved') checkAliasFree(alias);
    else if (alias.toLowerCase() === 'latest') return this.#latestOf(name, latestAlias);
    const model = aliasNeedsModel ? this.model(name) : this.models.get(name);
    const number = model?.aliases.get(alias);
    if (number === undefined) throw invalid(`Registered model alias ${alias} not found.`);
    return this.version(name, String(number));
  }

  addVersion(name: string, version: NewVersion): Version {
    checkModelName(name, this.#behaviour);
    for (const [key, value] of version.tags) this.#checkTag(key, value);
    const model = this.model(name);
    const now = this.#now();
    const row: Version = {
      ...version,
      name,
      version: (model.versions.at(-1)?.version ?? 0) + 1,
      created: now,
      updated: now,
      stage: 'None',
      status: 'READY',
      tags: new Map(version.tags),
    };
    model.versions.push(row);
    model.updated = now;
    return row;
  }

  version(name: string, version: string): Version {
    checkModelName(name, this.#behaviour);
    const number = versionNumber(version, this.#behaviour);
    const found = this.models
      .get(name)
      ?.versions.find((row) => BigInt(row.version) === number && row.stage !== 'Deleted_Internal');
    if (found === undefined) throw missing(`Model Version (name=${name}, version=${number}) not found`);
    return found;
  }

  describeVersion(name: string, version: string, description: string | null): Version {
    const row = this.version(name, version);
    row.description = description;
    row.updated = this.#now();
    return row;
  }

  deleteVersion(name: string, version: string): void {
    const row = this.version(name, version);
    const model = this.model(name);
    row.stage = 'Deleted_Internal';
    model.updated = this.#now();
    if (this.#behaviour.danglingAliases) return;
    for (const alias of this.aliasesOf(row)) model.aliases.delete(alias);
  }

  /** Nothing is changed where the target version does not exist, as in one database transaction. */
  transition(name: string, version: string, stage: string, archive: boolean): Version {
    const target = canonicalStage(stage);
    if (archive && target !== 'Staging' && target !== 'Production') {
      throw new ApiError(
        'INTERNAL_ERROR',
        `Model version transition cannot archive existing model versions because '${stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
      );
    }
    const row = this.version(name, version);
    const model = this.model(name);
    const now = this.#now();
    const read = this.#read ?? this.stages();
    const others = archive
      ? model.versions.filter((other) => other !== row && read.get(other) === target)
      : [];
    for (const other of others) {
      other.stage = 'Archived';
      other.updated = now;
    }
    row.stage = target;
    row.updated = now;
    model.updated = now;
    return row;
  }

  /** The stage of every version, as a transaction reads it. */
  stages(): ReadonlyMap<Version, string> {
    return new Map(this.versions().map((version) => [version, version.stage]));
  }

  /** Runs a transition that has read these stages earlier: what was written since is not archived. */
  havingRead<T>(stages: ReadonlyMap<Version, string>, write: () => T): T {
    this.#read = stages;
    try {
      return write();
    } finally {
      this.#read = null;
    }
  }

  setVersionTag(name: string, version: string, key: string, value: string): void {
    checkModelName(name, this.#behaviour);
    versionNumber(version, this.#behaviour);
    this.#checkTag(key, value);
    this.version(name, version).tags.set(key, value);
  }

  deleteVersionTag(name: string, version: string, key: string): void {
    checkModelName(name, this.#behaviour);
    versionNumber(version, this.#behaviour);
    checkKey(key);
    this.version(name, version).tags.delete(key);
  }

  aliasesOf({ name, version }: Version): string[] {
    const aliases = this.models.get(name)?.aliases ?? new Map<string, number>();
    return [...aliases].filter(([, target]) => target === version).map(([alias]) => alias);
  }

  /** Every version that is not deleted. */
  versions(): Version[] {
    return [...this.models.values()].flatMap((model) =>
      model.versions.filter((version) => version.stage !== 'Deleted_Internal'),
    );
  }

  /** Before 3.17 the latest version of any stage: here the lowest, so that no test depends on it. */
  #latestOf(name: string, which: 'any' | 'highest'): Version {
    const rows = this.latest(name).toSorted((a, b) => a.version - b.version);
    const found = which === 'highest' ? rows.at(-1) : rows[0];
    if (found === undefined) throw missing(`Latest version not found for model ${name}.`);
    return found;
  }

  #checkTag(key: string, value: string): void {
    checkTag(key, value, { key: 250, value: this.#behaviour.tagValue });
  }
}
