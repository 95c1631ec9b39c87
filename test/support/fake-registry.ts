import type { Mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { MlflowUnavailable } from '../../lambdas/domain/errors.ts';
import type { ModelVersion, RegistryView, Run } from '../../lambdas/domain/registry.ts';

/** What happens to a request: its answer is lost before or after it took effect. */
export type LostAnswer = 'lost-before' | 'lost-after' | null;

/** MLflow's registry of one model in memory, for tests of many changes. `writes` lists every write that took effect. */
export class FakeRegistry implements Mlflow {
  view: RegistryView;
  trouble: (call: string) => LostAnswer = () => null;
  /** Somebody else's change just before a request: called with its name. */
  before: (call: string) => void = () => {};
  readonly writes: string[] = [];
  readonly runs: Record<string, Run> = {};
  #time = 0;

  constructor(view: RegistryView) {
    this.view = view;
  }

  /** The versions in Production. */
  get production(): string[] {
    return this.view.versions.filter(({ stage }) => stage === 'Production').map(({ version }) => version);
  }

  tagsOf(version: string): ModelVersion['tags'] {
    return this.view.versions.find((each) => each.version === version)?.tags ?? {};
  }

  #edit(edit: (version: ModelVersion) => ModelVersion): void {
    this.view = { ...this.view, versions: this.view.versions.map(edit) };
  }

  /** Moves a version as a person would: others stay where they are. */
  move(version: string, stage: string): void {
    const updatedAt = this.#nextTime();
    this.#edit((each) => (each.version === version ? { ...each, stage, updatedAt } : each));
  }

  /** Every change of stages has a time of its own. */
  #nextTime(): number {
    this.#time += 1;
    return this.#time;
  }

  async #ask<T>(call: string, effect: () => T): Promise<T> {
    this.before(call);
    const trouble = this.trouble(call);
    if (trouble === 'lost-before') throw new MlflowUnavailable(`${call}: lost`);
    const value = effect();
    if (!call.startsWith('get') && !call.startsWith('list')) this.writes.push(call);
    if (trouble === 'lost-after') throw new MlflowUnavailable(`${call}: lost`);
    return value;
  }

  loggedModelMetrics = async () => null;
  findRuns = async () => null;
  runValues = async () => null;
  listArtifacts = async () => [];
  readArtifact = async () => null;
  versionFile = async () => null;
  getModel = (name: string) =>
    this.#ask('getModel', () => (name === this.view.model.name ? this.view.model : null));
  listVersions = () => this.#ask('listVersions', () => [...this.view.versions]);

  moveToProduction = (_: string, version: string) =>
    this.#ask(`moveToProduction ${version}`, () => {
      const updatedAt = this.#nextTime();
      this.#edit((each) => {
        if (each.version === version) return { ...each, stage: 'Production', updatedAt };
        return each.stage === 'Production' ? { ...each, stage: 'Archived', updatedAt } : each;
      });
    });

  setAlias = (_: string, alias: string, version: string) =>
    this.#ask(`setAlias ${alias} ${version}`, () => {
      const { model } = this.view;
      this.view = { ...this.view, model: { ...model, aliases: { ...model.aliases, [alias]: version } } };
    });

  deleteAlias = (_: string, alias: string) =>
    this.#ask(`deleteAlias ${alias}`, () => {
      const { model } = this.view;
      const { [alias]: _gone, ...aliases } = model.aliases;
      this.view = { ...this.view, model: { ...model, aliases } };
    });

  setModelTag = (_: string, key: string, value: string) =>
    this.#ask(`setModelTag ${key}`, () => {
      const { model } = this.view;
      this.view = { ...this.view, model: { ...model, tags: { ...model.tags, [key]: value } } };
    });

  setVersionTag = (_: string, version: string, key: string, value: string) =>
    this.#ask(`setVersionTag ${key}`, () =>
      this.#edit((each) =>
        each.version === version ? { ...each, tags: { ...each.tags, [key]: value } } : each,
      ),
    );

  getVersion = unused;
  putFile = unused;
  getRun = (id: string) => this.#ask('getRun', (): Run | null => this.runs[id] ?? null);
  latestVersions = unused;
  metricHistory = unused;
  artifact = unused;
}

async function unused(): Promise<never> {
  throw new Error('not asked for by a change');
}
