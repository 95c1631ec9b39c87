import type { PublishCommandInput } from '@aws-sdk/client-sns';
import { sessionArn } from '../../emulators/aws/function-url.ts';
import { MemoryTable, type TableRequest } from '../../emulators/aws/memory-table.ts';
import { checkPublish } from '../../emulators/aws/sns-publish.ts';
import { type MlflowWithoutSocket, mlflowWithoutSocket } from '../../emulators/mlflow/without-socket.ts';
import {
  type WorkloadWithoutSocket,
  workloadWithoutSocket,
} from '../../emulators/workload/without-socket.ts';
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
import type { Play, Written } from '../engine/play.ts';
import type { HttpSystem, Systems } from '../engine/systems.ts';
import type { BothSystems } from '../invariants/sides.ts';
import type { Chronicle } from './chronicle.ts';
import { paced } from './pace.ts';

/** Who starts every execution that a person or a pipeline starts; an approver by name, and never of what they started. */
export const STARTER = 'sso:starter@example.com';

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

/** One model of the play. */
export interface ModelPart extends BothSystems {
  readonly chronicle: Chronicle;
  /** Notes a request that changes a system, as it is sent. */
  sent(write: Written): void;
}

const TRANSITION = 'model-versions/transition-stage';

/** What the models of one play share: the systems, the table, the state machine, and what people are told. */
export class Surroundings {
  readonly play: Play;
  readonly mode: RegistryMode;
  readonly mlflow: MlflowWithoutSocket;
  readonly platform: WorkloadWithoutSocket;
  readonly table: MemoryTable;
  readonly executions: Executions;
  readonly published: Published[] = [];
  /** When each item was put, by the time itself: clocks of functions may be wrong. Milliseconds since 1970. */
  readonly putAt = new Map<string, number>();
  /** Backups of the table, by the step that restores them. */
  readonly backups = new Map<string, ReturnType<MemoryTable['backup']>>();
  /** When a backup of the table replaced it; milliseconds since 1970. */
  restoredAt: number | null = null;
  /** The parts of the models, of the one that the story is about first. */
  readonly worlds: ModelPart[] = [];
  /** The model that each direct call is about, by the id of the call. */
  readonly called = new Map<string, ModelPart>();

  constructor(
    play: Play,
    { mode, pace }: { mode: RegistryMode; pace: number },
    definition: Definition,
    functions: DeployedFunctions,
    onEnd: (execution: Execution) => void,
  ) {
    const { time } = play;
    this.play = play;
    this.mode = mode;
    this.mlflow = mlflowWithoutSocket({ clock: () => time.now });
    this.platform = workloadWithoutSocket(
      { clock: { now: () => new Date(time.now) }, token: WORKLOAD_TOKEN, timings: paced(pace) },
      () => WORKLOAD_BASE,
    );
    this.table = new MemoryTable();
    this.executions = new Executions(play, definition, functions, onEnd);
    play.systems = this.#systems();
    play.onWrite = (write) => this.worldOf(write.by)?.sent(write);
  }

  /** The part of the model that a process works for; null for a sweep, which works for all. */
  worldOf(process: string): ModelPart | null {
    const [only, ...others] = this.worlds;
    if (only !== undefined && others.length === 0) return only;
    const [caller = ''] = process.split('/');
    const execution = this.executions.all.get(caller);
    if (execution === undefined) return this.called.get(caller) ?? null;
    return this.worlds.find(({ model }) => model === modelIn(execution)) ?? null;
  }

  /** The part of the model that an alert names; of the one that its execution is about where the alert names none. */
  namedIn(subject: string, execution: string): ModelPart | null {
    const named = this.worlds.find(({ model }) => subject.endsWith(`: ${model}`));
    return named ?? this.worldOf(execution.split(':').at(-1) ?? '');
  }

  /** The parts of the models that the sender of a request works for. */
  #worldsOf(process: string): readonly ModelPart[] {
    const world = this.worldOf(process);
    return world === null ? this.worlds : [world];
  }

  #systems(): Systems {
    const all = () => this.worlds.map(({ chronicle }) => chronicle);
    const senders = () => this.#worldsOf(this.play.by.id).map(({ chronicle }) => chronicle);
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
            const move = isMove
              ? senders().reduce((run, each) => () => each.moving(run), answered)
              : answered;
            const answer = move();
            if (isMove) for (const each of all()) each.look();
            for (const each of senders()) each.asked('mlflow', isRead);
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
            for (const each of all()) each.look();
            for (const each of senders()) each.asked('workload', seen.method === 'GET');
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
          const answer = this.#writing(input.Key?.['pk'] ?? put, () =>
            this.table.execute(command, this.#paged(input)),
          );
          if (typeof put === 'string') this.putAt.set(put, this.play.time.now);
          // It has the token by which it is woken.
          if (typeof put === 'string' && put.startsWith('approval#') && input.Item?.['token'] !== undefined)
            for (const { chronicle } of this.#worldsOf(this.play.by.id)) chronicle.passed('parked');
          if (isNew && put.startsWith('outcome#')) {
            const outcome = JSON.parse(String(input.Item?.['outcome']));
            const world = this.worlds.find(({ model }) => model === outcome.model_name);
            (world ?? this.worlds[0])?.chronicle.outcomeWritten(outcome);
          }
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
      lookUpEvents: () => ({ Events: startsIn(this.executions, this.play) }),
    };
  }

  /** Executes a request to the table; the model whose item or watch it is about notes what changes. */
  #writing<T>(key: unknown, execute: () => T): T {
    for (const { model, chronicle } of this.worlds) {
      if (key === `lease#${model}`) return chronicle.writing(execute);
      if (key === `watch#${model}`) return chronicle.watching(execute);
    }
    return execute();
  }

  /** DynamoDB may end a page anywhere: with several models each page holds one. */
  #paged(input: TableRequest): TableRequest {
    return this.worlds.length > 1 && input.IndexName === 'models' ? { ...input, Limit: 1 } : input;
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

/** Minutes until CloudTrail has an event, at most. */
const LATE_MINUTES = 6;

/** Who started which execution, of those that CloudTrail has by now. */
const startsIn = (executions: Executions, play: Play) =>
  [...executions.all.values()]
    .filter(({ name, startedAt }) => {
      const late = play.random(`${name}/trail`).unit() * LATE_MINUTES * 60_000;
      return startedAt + late <= play.time.now;
    })
    .map(({ arn, startedAt }) => ({
      CloudTrailEvent: JSON.stringify({
        eventName: 'StartExecution',
        eventTime: new Date(startedAt).toISOString(),
        responseElements: { executionArn: arn },
        userIdentity: { type: 'AssumedRole', arn: sessionArn(STARTER) },
      }),
    }));

/** The model that an execution was started for. */
const modelIn = ({ input }: Execution): unknown => {
  const parsed: unknown = JSON.parse(input);
  return typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, 'model_name') : null;
};
