import type { PublishCommandInput } from '@aws-sdk/client-sns';
import { MemoryTable, type TableRequest } from '../../emulators/aws/memory-table.ts';
import { checkPublish } from '../../emulators/aws/sns-publish.ts';
import { type MlflowWithoutSocket, mlflowWithoutSocket } from '../../emulators/mlflow/without-socket.ts';
import {
  type WorkloadWithoutSocket,
  workloadWithoutSocket,
} from '../../emulators/workload/without-socket.ts';
import type { Script } from '../../emulators/workload/world/settings.ts';
import type { Change } from '../../lambdas/domain/release/release.ts';
import type { Execution } from '../engine/executions.ts';
import { Executions } from '../engine/executions.ts';
import {
  type DeployedFunctions,
  MLFLOW_HOST,
  type RegistryMode,
  TOPIC_ARN,
  WORKLOAD_BASE,
  WORKLOAD_HOST,
  WORKLOAD_TOKEN,
} from '../engine/functions.ts';
import type { Definition } from '../engine/interpreter.ts';
import type { Play } from '../engine/play.ts';
import type { HttpSystem, Systems } from '../engine/systems.ts';
import type { Sides } from '../invariants/sides.ts';
import { Chronicle } from './chronicle.ts';
import { MODEL } from './model.ts';
import { paced } from './pace.ts';

const IMAGE = 'registry.example.com/pascal-strategy:1';

/** How a world is when its story begins. */
export interface Beginning {
  mode: RegistryMode;
  /** Status of the artifacts that are registered with the versions; null: no Workload serves the model. */
  workload: 'locked' | 'draft' | null;
  /** Number of versions; the last one waits as challenger, the one before is champion. */
  versions: number;
  /** How much faster than recorded the platform is. */
  pace: number;
  /** Two active protons, as in a highly available Workload. */
  twoProtons: boolean;
}

/** A message that SNS accepted. */
export interface Published {
  at: number;
  subject: string;
  text: string;
  kind: string;
  /** ARN, or `direct:<request id>`. */
  execution: string;
  /** False where its outcome was not in the table yet. */
  recorded: boolean;
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
const TRANSITION = 'model-versions/transition-stage';

/** All systems of one play. */
export class World {
  readonly play: Play;
  readonly mode: RegistryMode;
  readonly mlflow: MlflowWithoutSocket;
  readonly platform: WorkloadWithoutSocket;
  readonly table: MemoryTable;
  /** When each item was put, by the time itself: clocks of functions may be wrong. Milliseconds since 1970. */
  readonly putAt = new Map<string, number>();
  readonly published: Published[] = [];
  readonly executions: Executions;
  /** Writes to pointers and Workload, with who held the lease when they were sent. */
  readonly writes: SentWrite[] = [];
  readonly workloadId: string | null;
  readonly chronicle: Chronicle;
  /** Artifacts by version; versions without one are left out. */
  readonly artifacts = new Map<string, string>();
  /** Artifacts whose containers do not start. */
  readonly failing = new Set<string>();
  readonly #artifactStatus: 'locked' | 'draft' | null;
  /** What people do at the moment at which a function moves the registry. */
  readonly atNextMove: (() => void)[] = [];
  /** Backups of the table, by the step that restores them. */
  readonly backups = new Map<string, ReturnType<MemoryTable['backup']>>();
  /** When a backup of the table replaced it; milliseconds since 1970. */
  restoredAt: number | null = null;

  constructor(
    play: Play,
    beginning: Beginning,
    definition: Definition,
    functions: DeployedFunctions,
    onEnd: (execution: Execution) => void,
  ) {
    const { time } = play;
    this.play = play;
    this.mode = beginning.mode;
    this.#artifactStatus = beginning.workload;
    this.mlflow = mlflowWithoutSocket({ clock: () => time.now });
    this.platform = workloadWithoutSocket(
      { clock: { now: () => new Date(time.now) }, token: WORKLOAD_TOKEN, timings: paced(beginning.pace) },
      () => WORKLOAD_BASE,
    );
    this.table = new MemoryTable();
    this.executions = new Executions(play, definition, functions, onEnd);
    this.mlflow.registry.createModel(MODEL);
    for (let number = 1; number <= beginning.versions; number += 1) this.register('better');
    const champion = String(beginning.versions - 1);
    if (beginning.versions > 1) this.#makeChampion(champion);
    const served = this.artifacts.get(beginning.versions > 1 ? champion : '1');
    this.workloadId = served === undefined ? null : this.#serve(served);
    if (this.workloadId !== null && beginning.twoProtons)
      this.platform.direct.addActiveProton(this.workloadId);
    this.chronicle = new Chronicle(this);
    this.chronicle.look();
    play.systems = this.#systems();
    let unanswered = '';
    play.onWrite = ({ by, number, system, name, body, unanswered: isLost }) => {
      if (!MOVES.test(`${system} ${name}`)) return;
      if (system === 'mlflow') for (const action of this.atNextMove.splice(0)) action();
      const { owner, leaseEndsAt, change } = this.chronicle.item();
      const leftMs = leaseEndsAt === 0 ? 0 : leaseEndsAt - time.now;
      const blind = unanswered === `${by}#${number - 1}`;
      if (isLost) unanswered = `${by}#${number}`;
      const sides = this.chronicle.look();
      const successor = this.chronicle.successorOf(by);
      this.writes.push({ at: time.now, by, name, owner, leftMs, body, change, sides, successor, blind });
      if (name.endsWith('transition-stage') || name.endsWith('/alias')) this.chronicle.passed('move');
      else if (name.endsWith('/replacement')) this.chronicle.passed('replacement');
    };
  }

  /** Registers a version as challenger, with an artifact where a Workload serves the model; answers its number. */
  register(quality: 'better' | 'worse', start: Script = 'healthy'): string {
    const { registry } = this.mlflow;
    const number = registry.pointers(MODEL).versions.length + 1;
    const accuracy = quality === 'better' ? Math.min(0.99, 0.6 + 0.012 * number) : 0.52;
    const runId = registry.createRun({
      metrics: { accuracy },
      params: { eval_rows: '20000' },
      datasets: [{ name: 'holdout', digest: 'a41c09d7', context: 'evaluation' }],
    });
    const version = registry.createVersion(MODEL, {
      runId,
      ...(this.mode === 'aliases' ? { aliases: ['challenger'] } : { stage: 'Staging' }),
    });
    if (this.#artifactStatus !== null) {
      const id = this.createArtifact(`pascal v${version}`, this.#artifactStatus);
      this.artifacts.set(version, id);
      this.platform.direct.script(id, start);
      if (!STARTS.includes(start)) this.failing.add(id);
      registry.setVersionTag(MODEL, version, 'workload.artifact_id', id);
    }
    return version;
  }

  /** Logs other numbers on the run of the newest version. */
  changeEvidence(accuracy: number): void {
    const { registry } = this.mlflow;
    const newest = Object.values(registry.snapshot()[MODEL]?.versions ?? {}).at(-1);
    if (newest?.runId) registry.logMetric(newest.runId, 'accuracy', accuracy);
  }

  createArtifact(name: string, status: 'locked' | 'draft'): string {
    const env = { MODEL_URI: `models:/${MODEL}`, NAME: name };
    return this.platform.direct.createArtifact({ name, image: IMAGE, env, locked: status === 'locked' }).id;
  }

  #makeChampion(version: string): void {
    const { registry } = this.mlflow;
    if (this.mode !== 'aliases') registry.transition(MODEL, version, 'Production', { archive: true });
    if (this.mode !== 'stages') registry.setAlias(MODEL, 'champion', version);
  }

  #serve(artifactId: string): string {
    const { id } = this.platform.direct.createWorkload({
      name: 'pascal-prod',
      artifactId,
      importance: 'moderate',
    });
    this.mlflow.registry.setModelTag(MODEL, 'workload.id', id);
    return id;
  }

  #systems(): Systems {
    const { chronicle } = this;
    const mlflow: HttpSystem = {
      system: 'mlflow',
      // MLflow archives the versions that it has read before it writes.
      begin: ({ path }) => (path === TRANSITION ? () => this.mlflow.registry.beginReading() : undefined),
      receive: (request) => {
        const { seen, answered } = this.mlflow.receive(request);
        const isRead = seen.method === 'GET' || seen.path.endsWith('/search');
        const isMove = seen.path.endsWith('/transition-stage') || seen.path.endsWith('/alias');
        return {
          seen,
          answered: () => {
            const answer = isMove ? chronicle.moving(answered) : answered();
            chronicle.asked('mlflow', isRead);
            return answer;
          },
        };
      },
    };
    const workload: HttpSystem = {
      system: 'workload',
      receive: (request) => {
        const { seen, answered } = this.platform.receive(request);
        return {
          seen,
          answered: () => {
            const answer = answered();
            chronicle.look();
            chronicle.asked('workload', seen.method === 'GET');
            return answer;
          },
        };
      },
    };
    return {
      http: (host) => (host === MLFLOW_HOST ? mlflow : host === WORKLOAD_HOST ? workload : undefined),
      dynamodb: {
        system: 'dynamodb',
        maxAttempts: 3,
        timeoutMs: 4_000,
        writes: /^(Put|Update|Delete)/,
        execute: (command, input: TableRequest) => {
          const put = input.Item?.['pk'];
          const isNew = typeof put === 'string' && !this.table.items.has(put);
          const answer = chronicle.writing(input.Key?.['pk'], () => this.table.execute(command, input));
          if (typeof put === 'string') this.putAt.set(put, this.play.time.now);
          if (isNew && put.startsWith('outcome#'))
            chronicle.outcomeWritten(JSON.parse(String(input.Item?.['outcome'])));
          return answer;
        },
      },
      sns: {
        system: 'sns',
        maxAttempts: 2,
        // Three to connect and five to answer: two attempts can take longer than a publication may.
        timeoutMs: 8_000,
        writes: /^Publish/,
        execute: (_, input) => this.#publish(input as PublishCommandInput),
      },
      stepFunctions: {
        system: 'step-functions',
        maxAttempts: 3,
        timeoutMs: 4_000,
        writes: /^Start/,
        execute: (command, input) => this.executions.execute(command, { ...input }),
      },
    };
  }

  #publish(input: PublishCommandInput): object {
    const form = new URLSearchParams({
      TopicArn: input.TopicArn ?? '',
      Message: input.Message ?? '',
      ...(input.Subject === undefined ? {} : { Subject: input.Subject }),
      ...(input.MessageStructure === undefined ? {} : { MessageStructure: input.MessageStructure }),
    });
    const attribute = (name: string) => input.MessageAttributes?.[name]?.StringValue ?? '';
    const { subject, message } = checkPublish(form, new Set([TOPIC_ARN]));
    this.published.push({
      at: this.play.time.now,
      subject: subject ?? '',
      text: message.email,
      kind: attribute('kind'),
      execution: attribute('execution'),
      recorded: this.table.items.has(`outcome#${attribute('execution')}`),
    });
    this.play.note('sns', () => `told: ${subject}`);
    return { MessageId: `message-${this.published.length}` };
  }
}
