import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import {
  type Change,
  type ModelItem,
  type StoredRelease,
  touchedBy,
} from '../../lambdas/domain/release/release.ts';
import type { RollbackServices } from '../../lambdas/use-cases/parts/rollback-call.ts';
import type { Writer } from '../../lambdas/use-cases/parts/with-lease.ts';
import type { Alert } from '../../lambdas/words/alert/alert.ts';
import { FakeRegistry } from './fake-registry.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { arn, change, itemWith, MODEL, registry, release, scaledTo } from './releases.ts';
import { at, FakePlatform } from './serving.ts';

/** Both systems and the table in memory, with a change of `PascalStrategy` from version 2 (`old`) to 3 (`new`) open. */
export interface ChangeWorld {
  readonly registry: FakeRegistry;
  /** Its time is that of all. */
  readonly platform: FakePlatform;
  readonly store: MemoryStore;
  readonly services: RollbackServices;
  readonly alerts: Alert[];
  item(): ModelItem;
  /** The open change; throws if none is open. */
  change(): Change;
  /** The holder of the lease as it finds the item now. */
  writer(): Writer;
  /** Lets so many seconds pass. */
  pass(seconds: number): void;
}

/** The execution that has opened the change and holds the lease, for two hours from noon. */
export const RUN = arn('run-1');

/** What is live, with the runtime that it had. */
export const two = release('2', 'old', { runtime: scaledTo(2), importance: 'low' });
export const three = release('3', 'new', { change: RUN });

export interface Setting {
  readonly mode?: RegistryMode;
  readonly production?: readonly string[];
  readonly aliases?: Record<string, string>;
  readonly served?: string;
  /** Null: none is open. */
  readonly change?: Change | null;
  readonly live?: StoredRelease | null;
  readonly item?: Partial<Omit<ModelItem, 'live' | 'change'>>;
}

/** Version 2 with `old` on both sides, version 3 with `new` to come, unless `setting` says otherwise. */
export function changeWorld({
  mode = 'stages',
  production = ['2'],
  aliases = {},
  served = 'old',
  change: open = change(two, three),
  live = two,
  item = {},
}: Setting = {}): ChangeWorld {
  const versions = new FakeRegistry(registry(production, { 2: 'old', 3: 'new' }, aliases));
  const platform = new FakePlatform();
  platform.ours = ['old', 'new'];
  if (platform.workload !== null) platform.workload = { ...platform.workload, artifactId: served };
  platform.protonList = platform.protonList.map((proton) => ({ ...proton, artifactId: served }));
  const held = { owner: RUN, fence: 1, expires_at: at(7200), ...item };
  const store = memoryStore([{ ...itemWith({ ...held, live }), change: open }], [two, three]);
  const alerts: Alert[] = [];
  const clock = { now: () => platform.now };
  const found = () => store.item(MODEL);
  return {
    registry: versions,
    platform,
    store,
    alerts,
    services: {
      registry: versions,
      mode,
      store,
      clock,
      workloads: () => platform,
      cooldownHours: 24,
      alerts: { publish: async (alert) => void alerts.push(alert) },
      alertContext: { prefix: 'test', environment: 'test', registryName: 'MLflow' },
    },
    item: found,
    change() {
      const { change: now } = found();
      if (now === null) throw new Error('no change is open');
      return now;
    },
    writer: () => ({ owner: RUN, fence: 1, direct: false, item: found() }),
    pass(seconds) {
      platform.now = at(seconds, platform.now);
    },
  };
}

/** The change on its way back to version 2, since an hour ago. */
export const goingBack = (more: Partial<Change> = {}): Change => {
  const forward = change(two, three);
  return { ...forward, aim: forward.safe, turned_at: at(-3600).toISOString(), ...more };
};

/** The change of a model that had no champion; `old` was served. */
export const firstChampion = (more: Partial<Change> = {}): Change => {
  const none = release(null, 'old');
  return { ...change(none, three), touched: touchedBy(none, three), ...more };
};
