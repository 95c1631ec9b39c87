import type { PublishCommandInput } from '@aws-sdk/client-sns';
import { MemoryTable, type TableRequest } from '../../../emulators/aws/memory-table.ts';
import type { Sendable } from '../../../emulators/exchange.ts';
import { mlflowWithoutSocket } from '../../../emulators/mlflow/without-socket.ts';
import { workloadWithoutSocket } from '../../../emulators/workload/without-socket.ts';
import { LATE_RECORDS } from '../../../emulators/workload/world/settings.ts';
import type { Clock } from '../../../lambdas/adapters/clock.ts';
import type { Transport } from '../../../lambdas/adapters/http.ts';
import type { Network } from '../../../lambdas/adapters/network.ts';
import { type FunctionName, functionNames } from '../../../lambdas/domain/limits.ts';
import type { Handler } from '../../../lambdas/runtime/handler.ts';

export const MODEL = 'PascalStrategy';
export const TOPIC = 'arn:aws:sns:us-east-1:123456789012:promotion-alerts';
const IMAGE = 'registry.example.com/pascal-strategy:1';
const HOUR = 3_600_000;

/** A request as it left a function: `url` and `body` are what a server sees. */
export interface Sent {
  system: 'mlflow' | 'workload' | 'dynamodb' | 'sns' | 'states';
  method: string;
  url: string;
  body: string;
  headers: Record<string, string>;
  /** True where it changes something on the other side. */
  writes: boolean;
}

/** What answers in place of a system; undefined: the system itself. */
export type Impostor = (sent: Sent, count: number) => { http: Sendable } | { value: unknown } | undefined;

/** Credentials that every request carries. */
export interface Credentials {
  mlflow: { username: string; password: string } | { token: string };
  workload: string;
}

const READS = /\/(registered-models\/get-latest-versions|[\w-]+\/search)$/;

/** Both systems, the table and the topic in this process, with the functions on them; time passes when a function waits. */
export class FuzzWorld {
  readonly now = { ms: Date.parse('2026-11-20T12:00:00Z') };
  readonly sent: Sent[] = [];
  readonly published: PublishCommandInput[] = [];
  readonly table = new MemoryTable();
  readonly mlflow;
  readonly platform;
  readonly workloadId: string;
  impostor: Impostor = () => undefined;
  readonly #env: NodeJS.ProcessEnv;

  constructor(credentials: Credentials = { mlflow: { token: 'mlflow-token' }, workload: 'workload-token' }) {
    this.mlflow = mlflowWithoutSocket({ clock: () => this.now.ms, auth: credentials.mlflow });
    this.platform = workloadWithoutSocket(
      {
        clock: { now: () => new Date(this.now.ms) },
        token: credentials.workload,
        timings: LATE_RECORDS,
      },
      () => 'https://workload.invalid/api/v2',
    );
    this.#env = {
      ENVIRONMENT: 'test',
      MLFLOW_TRACKING_URI: 'https://mlflow.invalid',
      ...('token' in credentials.mlflow
        ? { MLFLOW_TRACKING_TOKEN: credentials.mlflow.token }
        : {
            MLFLOW_TRACKING_USERNAME: credentials.mlflow.username,
            MLFLOW_TRACKING_PASSWORD: credentials.mlflow.password,
          }),
      DATAROBOT_ENDPOINT: 'https://workload.invalid/api/v2',
      DATAROBOT_API_TOKEN: credentials.workload,
      ALERT_SNS_TOPIC_ARN: TOPIC,
      STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion',
      AWS_REGION: 'us-east-1',
      PROMOTION_TABLE: 'promotion',
    };
    this.workloadId = this.#seed();
  }

  /** Version 1 is archived, 2 champion and served, 3 a better challenger. */
  #seed(): string {
    const { registry } = this.mlflow;
    const served: string[] = [];
    for (const [index, stage] of ['Archived', 'Production', 'Staging'].entries()) {
      const metrics = { accuracy: 0.8 + index / 20 };
      const runId = registry.createRun({
        metrics,
        params: { eval_rows: '20000' },
        datasets: [{ name: 'holdout', digest: 'a41c09d7', context: 'evaluation' }],
      });
      const artifact = this.platform.direct.createArtifact({
        name: `v${index + 1}`,
        image: IMAGE,
        locked: true,
      });
      registry.createVersion(MODEL, { runId, stage, tags: { 'workload.artifact_id': artifact.id } });
      served.push(artifact.id);
    }
    const workload = this.platform.direct.createWorkload({
      artifactId: served[1] ?? '',
      importance: 'moderate',
    });
    registry.setModelTag(MODEL, 'workload.id', workload.id);
    registry.setModelTag(MODEL, 'promotion.drift', 'experiments/0?metric=accuracy');
    return workload.id;
  }

  readonly clock: Required<Clock> = {
    now: () => new Date(this.now.ms),
    elapsed: () => this.now.ms,
    random: () => 0.5,
    expiry: () => new AbortController().signal,
    pause: async (ms) => {
      this.now.ms += Math.min(ms, HOUR);
    },
  };

  readonly #http: Transport = async ({ method, url, headers, body = '' }) => {
    const system = url.host === 'mlflow.invalid' ? 'mlflow' : 'workload';
    const writes = method !== 'GET' && !READS.test(url.pathname);
    const other = this.#note({ system, method, url: url.href, body, headers, writes });
    this.now.ms += 10;
    const of = system === 'mlflow' ? this.mlflow : this.platform;
    const request = { method, url: url.pathname + url.search, headers, body: Buffer.from(body) };
    const answer = other !== undefined && 'http' in other ? other.http : of.receive(request).answered();
    const { status, type = 'text/plain', headers: more, body: content } = answer;
    return { status, headers: { 'content-type': type, ...more }, body: Buffer.from(content ?? '') };
  };

  #note(sent: Sent): ReturnType<Impostor> {
    this.sent.push(sent);
    return this.impostor(sent, this.sent.length);
  }

  #sender(
    system: 'dynamodb' | 'sns' | 'states',
    execute: (command: string, input: object) => unknown,
  ): never {
    const send = async (command: { constructor: { name: string }; input: object }) => {
      const { name } = command.constructor;
      const writes = /^(Put|Update|Delete|Publish|Start)/.test(name);
      const body = JSON.stringify(command.input);
      const other = this.#note({ system, method: name, url: '', body, headers: {}, writes });
      if (other !== undefined && 'value' in other) return other.value;
      return execute(name, command.input);
    };
    return { send } as never;
  }

  readonly #network = (): Network => ({
    http: this.#http,
    dynamodb: this.#sender('dynamodb', (name, input) => this.table.execute(name, input as TableRequest)),
    sns: this.#sender('sns', (_, input) => {
      this.published.push(input as PublishCommandInput);
      return { MessageId: String(this.published.length) };
    }),
    stepFunctions: this.#sender('states', (name) => (name.startsWith('List') ? { executions: [] } : {})),
  });

  /** The deployed functions, in new processes. */
  async functions(): Promise<Record<FunctionName, Handler>> {
    loaded ??= Promise.all(
      functionNames.map(async (name): Promise<[FunctionName, Handler]> => {
        const module: { handler: Handler } = await import(`../../../lambdas/${name}.ts`);
        return [name, module.handler];
      }),
    );
    const network = this.#network();
    const handlers = (await loaded).map(([name, handler]) => [
      name,
      handler.withClock(this.clock, this.#env, network),
    ]);
    return Object.fromEntries(handlers);
  }

  /** Requests that moved a pointer or changed the Workload. */
  writesToSides(): Sent[] {
    return this.sent.filter(({ system, writes }) => writes && (system === 'mlflow' || system === 'workload'));
  }

  /** What both sides show. */
  sides(): string {
    const { direct } = this.platform;
    return JSON.stringify([this.mlflow.registry.snapshot(), direct.workload(this.workloadId)]);
  }
}

let loaded: Promise<[FunctionName, Handler][]> | undefined;
