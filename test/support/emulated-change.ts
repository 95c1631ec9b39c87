import { afterAll, afterEach, beforeAll } from 'vitest';
import type { LocalTable } from '../../emulators/aws/dynamodb.ts';
import { startMemoryTable } from '../../emulators/aws/memory-table-server.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import { bare } from '../../lambdas/domain/release/found.ts';
import type { Change, ModelItem, StoredRelease } from '../../lambdas/domain/release/release.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import type { RollbackServices } from '../../lambdas/use-cases/parts/rollback-call.ts';
import { type EmulatedPlatform, emulatedPlatform, mlflowClient, storeOf } from './clients.ts';
import { MODEL } from './releases.ts';
import { at } from './serving.ts';

/** Both systems over HTTP and the table, for tests of changes on what answers as the real ones do. */
export interface EmulatedSystems extends EmulatedPlatform {
  readonly mlflow: MlflowEmulator;
  readonly store: PromotionStore;
  services(mode?: RegistryMode): RollbackServices;
  /** Versions in Production, lowest first. */
  production(): string[];
}

/** New data before each test. Only tests may use it. */
export function emulatedSystems(): EmulatedSystems {
  const platform = emulatedPlatform();
  let table: LocalTable;
  let mlflow: MlflowEmulator;
  let store: PromotionStore;
  beforeAll(async () => {
    table = await startMemoryTable();
    store = storeOf(table);
    mlflow = await startMlflowEmulator();
  });
  afterEach(async () => {
    mlflow.reset();
    await table.reset();
  });
  afterAll(async () => {
    await mlflow.close();
    await table.close();
  });
  return Object.defineProperties(platform, {
    mlflow: { get: () => mlflow },
    store: { get: () => store },
    services: {
      value: (mode: RegistryMode = 'stages'): RollbackServices => ({
        registry: mlflowClient(mlflow),
        mode,
        store,
        clock: { now: () => platform.now },
        workloads: () => platform.workloads(),
        cooldownHours: 24,
        alerts: null,
        alertContext: { prefix: 'test', environment: 'test', registryName: 'MLflow' },
      }),
    },
    production: {
      value: () =>
        Object.entries(mlflow.snapshot()[MODEL]?.versions ?? {})
          .filter(([, { stage }]) => stage === 'Production')
          .map(([version]) => version),
    },
  }) as EmulatedSystems;
}

/** Takes the lease for `owner` and opens this change: what a step of an execution needs to find in the item. */
export async function openFor(
  { store, now }: Pick<EmulatedSystems, 'store' | 'now'>,
  owner: string,
  live: StoredRelease,
  change: Change,
  releases: readonly StoredRelease[],
): Promise<ModelItem> {
  const lease = await store.takeLease(MODEL, owner, now, 6 * 3600);
  if (!lease.taken) throw new Error(`held by ${lease.holder}`);
  for (const release of releases) await store.putRelease(MODEL, release);
  const { fence } = lease.item;
  const seen = { change: null, live: null };
  if (!(await store.openChange({ model: MODEL, owner, fence, now }, seen, change, bare(live))))
    throw new Error('not opened');
  return store.readItem(MODEL);
}

/** A deadline this many seconds from the present of the systems. */
export const deadlineIn = (seconds: number, { now }: Pick<EmulatedSystems, 'now'>) =>
  at(seconds, now).toISOString();
