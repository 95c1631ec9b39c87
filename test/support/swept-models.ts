import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { LocalTable } from '../../emulators/aws/dynamodb.ts';
import { startMemoryTable } from '../../emulators/aws/memory-table-server.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { startWorkloadEmulator, type WorkloadEmulator } from '../../emulators/workload/server.ts';
import { LATE_RECORDS } from '../../emulators/workload/world/settings.ts';
import { bearer } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { workloadApi } from '../../lambdas/adapters/workload-api/client.ts';
import { bare, releaseOf } from '../../lambdas/domain/release/found.ts';
import {
  type Change,
  type PastRelease,
  type StoredRelease,
  touchedBy,
} from '../../lambdas/domain/release/release.ts';
import { type PromotionStore, seenIn } from '../../lambdas/domain/release/store.ts';
import type { CleanUpServices } from '../../lambdas/use-cases/clean-up.ts';
import type { Alert } from '../../lambdas/words/alert/alert.ts';
import { LOOPBACK, mlflowClient, storeOf } from './clients.ts';

/** Models in the table and on emulators of both sides, as a clean-up or a sweep finds them. */
export interface SweptModels {
  readonly mlflow: MlflowEmulator;
  readonly workload: WorkloadEmulator;
  readonly table: LocalTable;
  readonly store: PromotionStore;
  /** What the functions use; a test replaces what it is about in a copy. */
  readonly services: CleanUpServices;
  /** Executions that were started, in order. */
  readonly started: { name: string; input: object }[];
  /** Alerts that were sent, in order. */
  readonly sent: Alert[];
  /** True while SNS refuses to publish. */
  snsRefuses: boolean;
  /** The clock of the functions and of the Workload API. */
  now: Date;
  /** Lets time pass. */
  pass(time: { seconds?: number; minutes?: number }): void;
  /** Creates a model in MLflow with these versions, version 1 first. */
  model(name: string, stages: readonly string[]): void;
  /** Serves the model by an artifact of its own for each version; that of `served` is in service. */
  serve(name: string, versions: readonly string[], served: string): Promise<Served>;
  /** Records this release as live, after these. */
  live(name: string, release: StoredRelease, history?: readonly PastRelease[]): Promise<void>;
  /** Opens a change for an execution that keeps the lease for so many seconds; 0: it has released it. */
  open(name: string, change: Change, leaseSeconds?: number): Promise<void>;
}

/** A Workload, and the artifact of each version. */
export interface Served {
  readonly workload_id: string;
  readonly artifacts: Readonly<Record<string, string>>;
}

export const arn = (name: string) => `arn:aws:states:us-east-1:123456789012:execution:promotion:${name}`;

const NOW = new Date('2026-11-21T10:00:00Z');

/** A release that was closed before; with `served`, by the artifact of its version. */
export function release(version: string | null, served: Served | null = null, change = arn('before')) {
  const artifact_id = served?.artifacts[version ?? ''] ?? null;
  const workload_id = artifact_id === null ? null : (served?.workload_id ?? null);
  return releaseOf({ version, workload_id, artifact_id }, { change, at: '2026-11-20T08:00:00.000Z' });
}

/** A promotion from `safe` to `aim` that the execution `name` opened a minute ago. */
export function promotion(
  name: string,
  safe: StoredRelease,
  aim: StoredRelease,
  more: Partial<Change> = {},
): Change {
  return {
    ...{ id: arn(name), kind: 'promote', to: aim.version, safe: bare(safe), aim: bare(aim) },
    ...{ touched: touchedBy(safe, aim), left: null, turned_at: null, attempts: 0 },
    ...{ opened_at: '2026-11-21T09:59:00.000Z', next_at: '2026-11-21T10:04:00.000Z' },
    asked: { by: 'retraining', reason: null, alarm: null, evidence_digest: null, confidence: 0.85 },
    ...more,
  };
}

/** Emulators for all tests of a file, empty before each. Only tests may use it. */
export function sweptModels(): SweptModels {
  let mlflow: MlflowEmulator;
  let workload: WorkloadEmulator;
  let table: LocalTable;
  let store: PromotionStore;
  let services: CleanUpServices;
  const models: SweptModels = {
    get mlflow() {
      return mlflow;
    },
    get workload() {
      return workload;
    },
    get table() {
      return table;
    },
    get store() {
      return store;
    },
    get services() {
      return services;
    },
    started: [],
    sent: [],
    snsRefuses: false,
    now: NOW,
    pass({ seconds = 0, minutes = 0 }) {
      models.now = new Date(models.now.getTime() + (seconds + 60 * minutes) * 1000);
    },
    model(name, stages) {
      mlflow.registry.createModel(name, {});
      for (const stage of stages) mlflow.registry.createVersion(name, { stage });
    },
    async serve(name, versions, served) {
      const artifacts = Object.fromEntries(
        versions.map((version) => {
          const { id } = workload.direct.createArtifact({
            name: `${name} v${version}`,
            image: 'i',
            locked: true,
          });
          mlflow.registry.setVersionTag(name, version, 'workload.artifact_id', id);
          return [version, id];
        }),
      );
      const artifactId = artifacts[served] ?? '';
      const { id } = workload.direct.createWorkload({ name, artifactId });
      mlflow.registry.setModelTag(name, 'workload.id', id);
      return { workload_id: id, artifacts };
    },
    async live(name, found, history = []) {
      const owner = arn(`earlier-${found.key}`);
      const { item } = await lease(name, owner, 60);
      await store.putRelease(name, found);
      const holder = { model: name, owner, fence: item.fence, now: models.now };
      await store.adopt(holder, seenIn(item), bare(found), history);
      await store.releaseLease(name, owner, models.now);
    },
    async open(name, change, leaseSeconds = 0) {
      const { item } = await lease(name, change.id, Math.max(leaseSeconds, 60));
      const holder = { model: name, owner: change.id, fence: item.fence, now: models.now };
      if (!(await store.openChange(holder, seenIn(item), change, null))) throw new Error('not opened');
      if (leaseSeconds === 0) await store.releaseLease(name, change.id, models.now);
    },
  };
  const clock = { now: () => models.now };
  const lease = async (name: string, owner: string, seconds: number) => {
    const taken = await store.takeLease(name, owner, models.now, seconds);
    if (!taken.taken) throw new Error(`${taken.holder} has the lease`);
    return taken;
  };

  beforeAll(async () => {
    [mlflow, workload, table] = await Promise.all([
      startMlflowEmulator({ clock: () => models.now.getTime() }),
      startWorkloadEmulator({ clock, timings: LATE_RECORDS }),
      startMemoryTable(),
    ]);
    store = storeOf(table);
  });
  afterAll(() => Promise.all([mlflow, workload, table].map((each) => each.close())));
  beforeEach(async () => {
    models.now = NOW;
    models.snsRefuses = false;
    models.started.length = 0;
    models.sent.length = 0;
    mlflow.reset();
    workload.reset();
    workload.faults.clear();
    await table.reset();
    const http = httpClient(LOOPBACK);
    const workloads = workloadApi({ endpoint: workload.url, authorization: bearer(workload.token), http });
    services = {
      store,
      clock,
      alerts: {
        publish: async (alert) => {
          if (models.snsRefuses) throw new Error('SNS is down');
          models.sent.push(alert);
        },
      },
      alertContext: { prefix: 'TradAI', environment: 'test', registryName: 'models' },
      registry: () => ({ registry: mlflowClient(mlflow), mode: 'stages' }),
      workloads: () => workloads,
      executions: async () => ({
        start: async (name, input) => {
          models.started.push({ name, input });
        },
        listUnsuccessful: async () => [],
        describeUnsuccessful: async () => null,
      }),
    };
  });
  return models;
}
