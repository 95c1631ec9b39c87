import {
  emptyItem,
  type LeaseHolder,
  noStore,
  type PromotionStore,
  type SeenItem,
} from '../../lambdas/adapters/aws/promotion-table.ts';
import type { ModelItem, StoredRelease } from '../../lambdas/domain/release/release.ts';

/**
 * The items of models in memory, for tests of many changes; it passes the same contract tests as the promotion table
 * (`test/contract/memory-store.test.ts`). `items` and `releases` may be read and set by a test.
 */
export interface MemoryStore extends PromotionStore {
  readonly items: Map<string, ModelItem>;
  readonly releases: Map<string, StoredRelease>;
}

export function memoryStore(...given: ModelItem[]): MemoryStore {
  const items = new Map(given.map((item) => [item.model, item]));
  const releases = new Map<string, StoredRelease>();
  const keyOf = (model: string, key: string) => `${model}#${key}`;
  const at = (model: string) => items.get(model) ?? emptyItem(model);
  const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
  const whole = (epoch: number) => new Date(epoch * 1000);
  /** The item without what it shares with others. */
  const copy = (item: ModelItem): ModelItem => structuredClone(item);
  const write = (item: ModelItem, more: Partial<ModelItem>) => {
    items.set(item.model, copy({ ...item, ...more }));
    return true;
  };
  const holds = ({ model, owner, fence, now }: LeaseHolder) => {
    const item = at(model);
    return (
      item.owner === owner && item.fence === fence && (item.expires_at?.getTime() ?? 0) > seconds(now) * 1000
    );
  };
  const isAsSeen = ({ change, live }: ModelItem, seen: SeenItem) =>
    (change?.id ?? null) === seen.change && (live?.change ?? null) === seen.live;
  const page = (holds: (item: ModelItem) => boolean, from: string | null, limit: number) => {
    const all = [...items.values()].filter(holds).map(({ model }) => model);
    const models = all.sort().filter((model) => from === null || model > from);
    return {
      models: models.slice(0, limit),
      next: models.length < limit ? null : (models[limit - 1] ?? null),
    };
  };

  return {
    ...noStore,
    items,
    releases,
    keepsItems: true,
    async takeLease(model, owner, now, duration) {
      const item = at(model);
      const end = whole(seconds(now) + duration);
      const over = item.expires_at !== null && seconds(item.expires_at) < seconds(now);
      if (item.owner === null || over) {
        const released = item.owner === null ? {} : { released_at: item.expires_at };
        write(item, { owner, expires_at: end, fence: (item.fence ?? 0) + 1, ...released });
        return { taken: true, item: copy(at(model)) };
      }
      if (item.owner !== owner)
        return { taken: false, holder: item.owner, expiresAt: (item.expires_at ?? now).toISOString() };
      if (item.expires_at !== null && item.expires_at < end) write(item, { expires_at: end });
      return { taken: true, item: copy(at(model)) };
    },
    readItem: async (model) => copy(at(model)),
    async openChange(by, seen, change, live) {
      const item = at(by.model);
      if (holds(by) && isAsSeen(item, seen))
        return write(item, { change, told: null, ...(live === null ? {} : { live }) });
      return item.change?.id === change.id && item.change.aim.key === change.aim.key;
    },
    async turnBack(by, id) {
      const item = at(by.model);
      const { change } = item;
      if (change?.id !== id) return false;
      if (holds(by))
        return write(item, { change: { ...change, aim: change.safe, turned_at: by.now.toISOString() } });
      return change.aim.key === change.safe.key;
    },
    async closeChange(by, id, live, history) {
      const item = at(by.model);
      if (holds(by) && item.change?.id === id && item.change.aim.key === live.key)
        return write(item, { live, history, change: null, told: null });
      return item.change === null && item.live?.change === id;
    },
    async markTold(model, told, id) {
      const item = at(model);
      return (item.change?.id ?? null) === id && write(item, { told });
    },
    async countAttempt(model, id, attempts, nextAt) {
      const item = at(model);
      const { change } = item;
      if (change?.id !== id || change.attempts !== attempts) return false;
      return write(item, { change: { ...change, attempts: attempts + 1, next_at: nextAt.toISOString() } });
    },
    async adopt(by, seen, live, history) {
      const item = at(by.model);
      if (holds(by) && isAsSeen(item, seen)) return write(item, { live, history, change: null, told: null });
      return item.change === null && item.live?.change === live.change;
    },
    async putRelease(model, release) {
      const key = keyOf(model, release.key);
      if (!releases.has(key)) releases.set(key, structuredClone(release));
    },
    getRelease: async (model, key) => structuredClone(releases.get(keyOf(model, key)) ?? null),
    openChanges: async (from, limit) => page(({ change }) => change !== null, from, limit),
    releasedModels: async (from, limit) => page(({ live }) => live !== null, from, limit),
    async raiseFence(model, owner, fence) {
      const item = at(model);
      return item.owner === owner && (item.fence ?? 0) < fence && write(item, { fence });
    },
    async endLeaseAt(model, owner, end) {
      const item = at(model);
      const shorter = item.expires_at !== null && seconds(item.expires_at) > seconds(end);
      if (item.owner === owner && shorter) write(item, { expires_at: whole(seconds(end)) });
    },
    async releaseLease(model, owner, now) {
      const item = at(model);
      if (item.owner === owner)
        write(item, { owner: null, expires_at: null, released_at: whole(seconds(now)) });
    },
  };
}
