import type { Script } from '../../emulators/workload/world/settings.ts';
import type { Change } from '../../lambdas/domain/release/release.ts';
import type { Execution } from '../engine/executions.ts';
import type { RegistryMode } from '../engine/functions.ts';
import type { Written } from '../engine/play.ts';
import type { Sides } from '../invariants/sides.ts';
import { Chronicle } from './chronicle.ts';
import type { Surroundings } from './surroundings.ts';

const IMAGE = 'registry.example.com/pascal-strategy:1';

/** How a model is when its story begins. */
export interface ModelBeginning {
  /** Status of the artifacts that are registered with the versions; null: no Workload serves the model. */
  workload: 'locked' | 'draft' | null;
  /** Number of versions; the last one waits as challenger, the one before is champion. */
  versions: number;
  /** Two active protons, as in a highly available Workload. */
  twoProtons: boolean;
  /** Its policy has a watch; left out where it has none. */
  watched?: boolean;
  /** Its policy asks for approval; left out where it does not. */
  approved?: boolean;
}

/** How everything is when a story begins. */
export interface Beginning extends ModelBeginning {
  mode: RegistryMode;
  /** How much faster than recorded the platform is. */
  pace: number;
}

/** A request that moves a pointer or changes the Workload, as it was sent. */
export interface SentWrite {
  at: number;
  /** The invocation. */
  by: string;
  name: string;
  /** Who held the lease; null: nobody. */
  owner: string | null;
  /** Milliseconds until the lease's end. */
  leftMs: number;
  /** What it asks for. */
  body: unknown;
  /** The open change, and what both sides showed. */
  change: Change | null;
  sides: Sides;
  /** A later step of the same execution that had begun; null as a rule. */
  successor: string | null;
  /** True where it was sent right after another one, of which its sender cannot know whether it was executed. */
  blind: boolean;
}

/** What moves a pointer or changes what is served. */
const MOVES =
  /^mlflow POST (model-versions\/transition-stage|registered-models\/alias)$|^workload (POST|PATCH|DELETE) workloads\//;

/** Scripts of artifacts that come into service. */
const STARTS: readonly Script[] = ['healthy', 'slow', 'bad-after-switch'];

/** What the policies with a watch or with approval compare, in one backtest: all of it better with a higher accuracy. */
const backtest = (accuracy: number) => ({
  profit_total: 20 * accuracy,
  sharpe_ratio: 2 * accuracy,
  max_drawdown: 1 - accuracy,
  win_rate: accuracy,
});

/** One registered model of a play, with the Workload that serves it, and everything that happens to it. */
export class World {
  readonly around: Surroundings;
  /** Name of the registered model. */
  readonly model: string;
  /** Writes to pointers and Workload, with who held the lease when they were sent. */
  readonly writes: SentWrite[] = [];
  readonly workloadId: string | null;
  readonly chronicle: Chronicle;
  /** Artifacts by version; versions without one are left out. */
  readonly artifacts = new Map<string, string>();
  /** Artifacts whose containers do not start. */
  readonly failing = new Set<string>();
  readonly #artifactStatus: 'locked' | 'draft' | null;
  readonly #backtests: boolean;
  /** Values of every block of outcomes that was written, by its digest. */
  readonly blocks = new Map<string, readonly number[]>();
  /** What people do at the moment at which a function moves the registry. */
  readonly atNextMove: (() => void)[] = [];
  /** The write whose sender does not know what became of it, by its process and number. */
  #unanswered = '';

  constructor(around: Surroundings, model: string, beginning: ModelBeginning) {
    this.around = around;
    this.model = model;
    this.#artifactStatus = beginning.workload;
    const policy = beginning.approved === true ? 'four-eyes' : beginning.watched === true ? 'trading' : null;
    this.#backtests = policy !== null;
    this.mlflow.registry.createModel(model);
    if (policy !== null) this.mlflow.registry.setModelTag(model, 'promotion.policy', policy);
    for (let number = 1; number <= beginning.versions; number += 1) this.register('better');
    const champion = String(beginning.versions - 1);
    if (beginning.versions > 1) this.#makeChampion(champion);
    const served = this.artifacts.get(beginning.versions > 1 ? champion : '1');
    this.workloadId = served === undefined ? null : this.#serve(served);
    if (this.workloadId !== null && beginning.twoProtons)
      this.platform.direct.addActiveProton(this.workloadId);
    this.chronicle = new Chronicle(this);
    this.chronicle.look();
    around.worlds.push(this);
  }

  get play() {
    return this.around.play;
  }
  get mode() {
    return this.around.mode;
  }
  get mlflow() {
    return this.around.mlflow;
  }
  get platform() {
    return this.around.platform;
  }
  get table() {
    return this.around.table;
  }
  get restoredAt() {
    return this.around.restoredAt;
  }

  /** The executions that were started for this model. */
  get executions(): { all: ReadonlyMap<string, Execution>; running: Execution[] } {
    const { executions, worlds } = this.around;
    if (worlds.length === 1) return executions;
    const own = [...executions.all].filter(([name]) => this.around.worldOf(name) === this);
    return {
      all: new Map(own),
      running: executions.running.filter(({ name }) => own.some(([n]) => n === name)),
    };
  }

  /** What people were told of this model. */
  get published() {
    return this.around.published.filter(
      ({ subject, execution }) => this.around.namedIn(subject, execution) === this,
    );
  }

  /** Notes a request that moves a pointer or changes the Workload, as it is sent. */
  sent({ by, number, system, name, body, unanswered }: Written): void {
    if (!MOVES.test(`${system} ${name}`)) return;
    if (system === 'mlflow') for (const action of this.atNextMove.splice(0)) action();
    const { owner, leaseEndsAt, change } = this.chronicle.item();
    const at = this.play.time.now;
    const leftMs = leaseEndsAt === 0 ? 0 : leaseEndsAt - at;
    const blind = this.#unanswered === `${by}#${number - 1}`;
    if (unanswered) this.#unanswered = `${by}#${number}`;
    const sides = this.chronicle.look();
    const successor = this.chronicle.successorOf(by);
    this.writes.push({ at, by, name, owner, leftMs, body, change, sides, successor, blind });
    if (name.endsWith('transition-stage') || name.endsWith('/alias')) this.chronicle.passed('move');
    else if (name.endsWith('/replacement')) this.chronicle.passed('replacement');
  }

  /** Registers a version as challenger, with an artifact where a Workload serves the model; answers its number. */
  register(quality: 'better' | 'worse', start: Script = 'healthy'): string {
    const { registry } = this.mlflow;
    const number = registry.pointers(this.model).versions.length + 1;
    const accuracy = quality === 'better' ? Math.min(0.99, 0.6 + 0.012 * number) : 0.52;
    const runId = registry.createRun({
      metrics: this.#backtests ? backtest(accuracy) : { accuracy },
      params: { eval_rows: '20000' },
      datasets: [{ name: 'holdout', digest: 'a41c09d7', context: 'evaluation' }],
    });
    const version = registry.createVersion(this.model, {
      runId,
      ...(this.mode === 'aliases' ? { aliases: ['challenger'] } : { stage: 'Staging' }),
    });
    if (this.#artifactStatus !== null) {
      const id = this.createArtifact(`pascal v${version}`, this.#artifactStatus);
      this.artifacts.set(version, id);
      this.platform.direct.script(id, start);
      if (!STARTS.includes(start)) this.failing.add(id);
      registry.setVersionTag(this.model, version, 'workload.artifact_id', id);
    }
    return version;
  }

  /** Logs other numbers on the run of the newest version. */
  changeEvidence(accuracy: number): void {
    const { registry } = this.mlflow;
    const newest = Object.values(registry.snapshot()[this.model]?.versions ?? {}).at(-1);
    if (!newest?.runId) return;
    for (const [name, value] of Object.entries(this.#backtests ? backtest(accuracy) : { accuracy }))
      registry.logMetric(newest.runId, name, value);
  }

  createArtifact(name: string, status: 'locked' | 'draft'): string {
    const env = { MODEL_URI: `models:/${this.model}`, NAME: name };
    return this.platform.direct.createArtifact({ name, image: IMAGE, env, locked: status === 'locked' }).id;
  }

  #makeChampion(version: string): void {
    const { registry } = this.mlflow;
    if (this.mode !== 'aliases') registry.transition(this.model, version, 'Production', { archive: true });
    if (this.mode !== 'stages') registry.setAlias(this.model, 'champion', version);
  }

  #serve(artifactId: string): string {
    const { id } = this.platform.direct.createWorkload({
      name: `${this.model} in production`,
      artifactId,
      importance: 'moderate',
    });
    this.mlflow.registry.setModelTag(this.model, 'workload.id', id);
    return id;
  }
}
