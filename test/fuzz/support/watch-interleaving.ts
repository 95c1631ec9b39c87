import { MONITOR_TAG } from '../../../lambdas/domain/registry.ts';
import type { ModelItem } from '../../../lambdas/domain/release/release.ts';
import type { PromotionStore } from '../../../lambdas/domain/release/store.ts';
import { advance, openItem } from '../../../lambdas/domain/watch/advance.ts';
import type { WatchItem } from '../../../lambdas/domain/watch/item.ts';
import { WatchFields } from '../../../lambdas/domain/watch/policy-watch.ts';
import type { RollbackServices } from '../../../lambdas/use-cases/parts/rollback-call.ts';
import { promote } from '../../../lambdas/use-cases/promote-model.ts';
import { rollback } from '../../../lambdas/use-cases/roll-back.ts';
import { type WatchServices, watchReleases } from '../../../lambdas/use-cases/watch-releases.ts';
import { Random } from '../../../simulator/random.ts';
import { FakeRegistry } from '../../support/fake-registry.ts';
import { memoryStore } from '../../support/memory-store.ts';
import { promoteInput, rollbackInput, version, view } from '../../support/registry.ts';
import { arn, itemWith, MODEL, past, release } from '../../support/releases.ts';
import { sampleOutcome } from '../../support/sample-outcome.ts';
import { hourAt, policiesWith, rowsOf, weekBefore } from '../../support/watched-models.ts';

/**
 * The watch of a release, its rollback, another release and a person's rollback, step by step in any order: between two
 * requests to the table or to MLflow anybody else may have his turn, and a run of the watch may end for good. The use cases
 * are those that are deployed; the steps around a rollback (lease, outcome) are the state machine's.
 */

export const PROMOTED_BY = arn('p1');
const RELEASED = new Date('2026-11-20T11:10:00.000Z');
const BEGIN = new Date('2026-11-20T14:10:00.000Z');
const RUN = 'outcomes';

const two = release('2');
const three = release('3', null, { change: PROMOTED_BY, at: RELEASED.toISOString() });
const item: ModelItem = itemWith({
  live: three,
  history: [past('2', null, { left_at: RELEASED.toISOString(), left_by: 'p1' })],
});

/** Version 3 is watched, and nothing is decided yet. */
const watching: WatchItem = (() => {
  const policy = WatchFields.parse({});
  const opened = openItem({ ...item, live: { ...three } }, policy, null, BEGIN);
  const blocks = [...weekBefore(hourAt(RELEASED)), neutral()].map(([index, block]) => ({
    ...{ series: 'rows', index },
    ...block,
  }));
  return advance(opened, blocks, { now: BEGIN, isWhole: true, owner: null }).item;
})();

function neutral(): [number, object] {
  const hour = hourAt(RELEASED) + 1;
  return [hour, rowsOf(hour, [5, 5, 90])];
}

/** Outcomes by which version 3 is worse. */
const worse: Record<string, string> = (() => {
  const hour = hourAt(RELEASED) + 2;
  return { [`promotion.block.${hour}`]: JSON.stringify(rowsOf(hour, [300, 20, 680])) };
})();

/** What has come of one interleaving. */
export interface Played {
  /** Versions that rollbacks of the watch have turned. */
  turned: (string | null)[];
  started: string[];
  item: ModelItem;
  watch: WatchItem | null;
}

/** Everybody who waits for his turn. */
class Turns {
  readonly #waiting: { who: string; go: () => void }[] = [];
  /** How often each has his turn beside the others: some are a hundred times faster. */
  readonly #speeds = new Map<string, number>();

  wait(who: string): Promise<void> {
    return new Promise((go) => this.#waiting.push({ who, go }));
  }

  /** Gives turns in a random order until nobody waits. `dies`: the number of the turn at which somebody ends for good. */
  async play(random: Random, pass: () => void, dies: (who: string) => boolean): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#waiting.length === 0) return;
      const next = this.#next(random);
      pass();
      if (next !== undefined && !dies(next.who)) next.go();
    }
  }

  #next(random: Random): { who: string; go: () => void } | undefined {
    for (const { who } of this.#waiting)
      if (!this.#speeds.has(who)) this.#speeds.set(who, 100 ** random.unit());
    const speeds = this.#waiting.map(({ who }) => this.#speeds.get(who) ?? 1);
    let left = random.unit() * speeds.reduce((sum, speed) => sum + speed, 0);
    const index = speeds.findIndex((speed) => {
      left -= speed;
      return left < 0;
    });
    return this.#waiting.splice(Math.max(0, index), 1)[0];
  }
}

/** The same services, with a turn before each request. */
function inTurn<T extends object>(of: T, who: string, turns: Turns): T {
  return new Proxy(of, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        await turns.wait(who);
        return value.apply(target, args);
      };
    },
  });
}

/** Plays one order of events; without the pin, the rollback of a watch names no version. */
export async function interleaved(seed: string, isPinned: boolean): Promise<Played> {
  const random = new Random(seed);
  const turns = new Turns();
  const store = memoryStore([item], [two, three]);
  await store.putWatch(MODEL, watching, null);
  await store.recordOutcome({ ...sampleOutcome, execution: PROMOTED_BY, model_name: MODEL }, 'none', null);
  const registry = new FakeRegistry(
    view(
      [1, 2, 3, 4].map((n) => version(n, n === 3 ? 'Production' : 'Archived')),
      { tags: { [MONITOR_TAG]: RUN } },
    ),
  );
  registry.runs[RUN] = { id: RUN, tags: worse } as unknown as (typeof registry.runs)[string];
  let now = BEGIN;
  const clock = { now: () => now };
  const started: string[] = [];
  const turned: (string | null)[] = [];
  const common = {
    ...{ clock, mode: 'stages' as const, cooldownHours: 24, alerts: null },
    alertContext: { prefix: 'test', environment: 'test', registryName: 'MLflow' },
    workloads: () => {
      throw new Error('no Workload serves it');
    },
  };
  const services = (who: string): RollbackServices => ({
    ...common,
    store: inTurn<PromotionStore>(store, who, turns),
    registry: inTurn(registry, who, turns),
  });

  /** What the state machine does: it takes the lease, rolls back step by step, and records its end. */
  async function execution(name: string, input: { champion_version: string }): Promise<void> {
    const own = services(name);
    const execution = arn(name);
    const asked_at = now.toISOString();
    const lease = await own.store.takeLease(MODEL, execution, now, 3600);
    const fence = lease.taken ? lease.item.fence : null;
    const pin = isPinned ? { champion_version: input.champion_version } : {};
    const openChange: PromotionStore['openChange'] = async (...args) => {
      const before = store.item(MODEL).live?.version ?? null;
      const opened = await own.store.openChange(...args);
      if (opened) turned.push(before);
      return opened;
    };
    const noted = { ...own, store: Object.assign(Object.create(own.store), { openChange }) };
    if (lease.taken)
      await rollback(rollbackInput({ fence, execution, asked_at, ...pin }), noted, { requestId: name });
    const { live } = store.item(MODEL);
    const status = live?.change === execution ? 'rolled_back' : 'contested';
    const outcome = { ...sampleOutcome, execution, model_name: MODEL, status, operation: 'rollback' };
    await own.store.recordOutcome(outcome as typeof sampleOutcome, 'none', null);
    await own.store.releaseLease(MODEL, execution, now);
  }

  const failures: unknown[] = [];
  const begin = (work: Promise<unknown>) => void work.catch((error) => failures.push(error));
  const watch = (who: string) => {
    const own = services(who);
    const watched: WatchServices = {
      ...own,
      policies: policiesWith({}),
      registry: () => ({ registry: own.registry as never, mode: 'stages' }),
      executionArn: arn,
      executions: async () => ({
        async start(name, input) {
          await turns.wait(who);
          if (started.includes(name)) return;
          started.push(name);
          begin(execution(name, input as { champion_version: string }));
        },
        listUnsuccessful: async () => [],
        describeUnsuccessful: async () => null,
      }),
    };
    begin(watchReleases(watched));
  };
  const after = async (work: () => Promise<unknown>) => {
    for (let left = random.below(30); left > 0; left -= 1) await turns.wait('somebody');
    await work();
  };
  for (const who of ['watch 1', 'watch 2']) begin(after(async () => watch(who)));
  begin(
    after(() =>
      promote(promoteInput({ new_version: '4' }), services('promotion'), { requestId: 'promotion' }),
    ),
  );
  if (random.chance(0.3))
    begin(
      after(() => rollback(rollbackInput({ emergency: true }), services('person'), { requestId: 'person' })),
    );
  const victim = random.chance(0.5) ? 'watch 1' : null;
  let left = random.below(12);
  const pass = () => {
    now = new Date(now.getTime() + random.below(1500));
  };
  const dies = (who: string) => {
    if (who !== victim) return false;
    left -= 1;
    return left < 0;
  };
  await turns.play(random, pass, dies);
  // What a crash has left is carried out by the next run.
  now = new Date(now.getTime() + 3_600_000);
  watch('watch 3');
  await turns.play(random, pass, () => false);
  if (failures.length > 0) throw failures[0];
  return { turned, started, item: store.item(MODEL), watch: await store.readWatch(MODEL) };
}
