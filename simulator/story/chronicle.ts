import type { MemoryTable } from '../../emulators/aws/memory-table.ts';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Change, PastRelease, Release } from '../../lambdas/domain/release/release.ts';
import type { WatchItem } from '../../lambdas/domain/watch/item.ts';
import type { Play, Sender } from '../engine/play.ts';
import { type BothSystems, type Sides, sidesOf } from '../invariants/sides.ts';

/** A world, as far as it is followed. */
interface Chronicled extends BothSystems {
  readonly play: Play;
  readonly table: MemoryTable;
}

/** The model's item as it stands in the table. */
export interface Item {
  live: Release | null;
  change: Change | null;
  told: string | null;
  owner: string | null;
  history: PastRelease[];
  /** Milliseconds since 1970; 0 without a lease. */
  leaseEndsAt: number;
}

/** What both sides show from a moment on. Times are milliseconds since 1970. */
export interface Moment {
  at: number;
  sides: Sides;
}

/** A write that changed what is live, or which change is open. */
export interface ItemWrite extends Moment {
  kind: 'opened' | 'turned' | 'forward again' | 'closed' | 'adopted' | 'dropped';
  by: Sender;
  before: Item;
  after: Item;
  /** True if its process has read both sides after everything that it wrote to them. */
  looked: boolean;
}

/** An outcome as it was recorded, with what both sides showed then. */
export interface OutcomeWrite extends Moment {
  by: Sender;
  outcome: Outcome;
}

/** A version that a person had put into Production, and that a transition of ours archived. */
export interface Overwritten {
  at: number;
  version: string;
  /** The invocation that sent the transition. */
  by: string;
}

/** A write to the item of the model's watch. */
export interface WatchWrite {
  at: number;
  by: Sender;
  before: WatchItem | null;
  after: WatchItem;
}

/**
 * Something that a step of a story can be timed by; `closed` is also passed when a release is adopted, `decided` when a watch
 * has decided on a rollback, `parked` when an execution waits for people.
 */
export type Landmark = 'move' | 'replacement' | 'opened' | 'turned' | 'closed' | 'decided' | 'parked';

/** A clean-up bears the name of the execution that it ends. */
const CLEAN_UP = /\/end(-2)?\.\d$/;

/** Everything that has to be seen at the moment at which it happens. */
export class Chronicle {
  /** What both sides showed, from each moment at which it changed. */
  readonly moments: Moment[] = [];
  readonly itemWrites: ItemWrite[] = [];
  readonly outcomes: OutcomeWrite[] = [];
  readonly overwritten: Overwritten[] = [];
  readonly watchWrites: WatchWrite[] = [];
  readonly #world: Chronicled;
  /** When each process began, of those that have sent a request. */
  readonly #begun = new Map<string, number>();
  /** By process: which sides it has read since it last wrote to one. */
  readonly #read = new Map<string, Set<string>>();
  readonly #waiting: { landmark: Landmark; run: () => void }[] = [];
  #seen = '';

  constructor(world: Chronicled) {
    this.#world = world;
  }

  /** Looks at both sides. To be called after everything that may have changed them. */
  look(): Sides {
    const sides = sidesOf(this.#world);
    const seen = JSON.stringify(sides);
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.moments.push({ at: this.#world.play.time.now, sides });
    }
    return sides;
  }

  /** A later step of the same execution that has begun; null where this process is its last. */
  successorOf(id: string): string | null {
    const [execution] = id.split('/');
    const began = this.#begun.get(id) ?? Number.POSITIVE_INFINITY;
    for (const [other, at] of this.#begun)
      if (at > began && other.startsWith(`${execution}/`) && !CLEAN_UP.test(other)) return other;
    return null;
  }

  /** Notes a request to one side, as it is executed. */
  asked(side: 'mlflow' | 'workload', isRead: boolean): void {
    const { id, startedAt } = this.#world.play.by;
    this.#begun.set(id, startedAt);
    if (isRead) this.#read.set(id, (this.#read.get(id) ?? new Set()).add(side));
    else this.#read.delete(id);
  }

  /** When both sides last changed. Milliseconds since 1970. */
  get changedAt(): number {
    return this.moments.at(-1)?.at ?? 0;
  }

  /** Everything that both sides showed from one moment to another, the first one as it was then. */
  between(from: number, to: number): Sides[] {
    const first = this.moments.findLastIndex(({ at }) => at <= from);
    return this.moments
      .slice(Math.max(0, first))
      .filter(({ at }) => at <= to)
      .map(({ sides }) => sides);
  }

  /** The model's item now. */
  item(): Item {
    return itemIn(this.#world.table.items.get(`lease#${this.#world.model}`));
  }

  /** Executes a request to the model's item, and notes what it has changed. */
  writing<T>(execute: () => T): T {
    const before = this.item();
    const value = execute();
    this.#itemWritten(before, this.item());
    return value;
  }

  /** The item of the model's watch now; null without one. */
  watch(): WatchItem | null {
    const text = this.#watchText();
    return text === null ? null : JSON.parse(text);
  }

  #watchText(): string | null {
    const stored = this.#world.table.items.get(`watch#${this.#world.model}`);
    return stored === undefined ? null : String(stored['watch']);
  }

  /** Executes a request to the item of the model's watch, and notes what it has changed. */
  watching<T>(execute: () => T): T {
    const was = this.#watchText();
    const value = execute();
    const text = this.#watchText();
    if (text === null || text === was) return value;
    const { play } = this.#world;
    const before: WatchItem | null = was === null ? null : JSON.parse(was);
    const after: WatchItem = JSON.parse(text);
    this.watchWrites.push({ at: play.time.now, by: play.by, before, after });
    if (after.status !== before?.status) play.count(`watch ${after.status}`);
    for (const { found } of after.tells) play.count(`watch finds ${found}`);
    if (after.status === 'rollback_due' && before?.status !== 'rollback_due') this.passed('decided');
    return value;
  }

  /** Ids of the changes that had closed with what was live at some moment of a period. */
  liveBetween(from: number, to: number): (string | null)[] {
    const idOf = ({ live }: Item) => live?.change ?? null;
    const [first] = this.itemWrites;
    return [
      idOf(this.itemWrites.findLast(({ at }) => at <= from)?.after ?? first?.before ?? this.item()),
      ...this.itemWrites.filter(({ at }) => at > from && at <= to).map(({ after }) => idOf(after)),
    ];
  }

  outcomeWritten(outcome: Outcome): void {
    const { time, by } = this.#world.play;
    this.outcomes.push({ at: time.now, by, sides: this.look(), outcome });
  }

  /** Executes a request to the registry that moves a version to Production. */
  moving<T>(execute: () => T): T {
    const { time, by } = this.#world.play;
    const before = this.look();
    const value = execute();
    const after = this.look();
    const touched = this.item().change?.touched.versions ?? [];
    for (const version of before.stage ?? [])
      if (!after.stage?.includes(version) && !touched.includes(version))
        this.overwritten.push({ at: time.now, version, by: by.id });
    return value;
  }

  /** Calls once when a landmark is passed next. */
  upon(landmark: Landmark, run: () => void): void {
    this.#waiting.push({ landmark, run });
  }

  passed(landmark: Landmark): void {
    for (let index = 0; index < this.#waiting.length; ) {
      const each = this.#waiting[index];
      if (each?.landmark !== landmark) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      each.run();
    }
  }

  #itemWritten(before: Item, after: Item): void {
    const kind = kindOf(before, after);
    if (kind === null) return;
    const { time, by } = this.#world.play;
    const read = this.#read.get(by.id);
    const looked = read?.has('mlflow') === true && (after.live?.artifact_id == null || read.has('workload'));
    this.itemWrites.push({ at: time.now, by, kind, before, after, sides: this.look(), looked });
    if (kind === 'opened' || kind === 'turned') this.passed(kind);
    else if (kind === 'closed' || kind === 'adopted') this.passed('closed');
  }
}

function kindOf({ change: was, live: old }: Item, { change, live }: Item): ItemWrite['kind'] | null {
  if (change !== null && change.id !== was?.id) return 'opened';
  if (change !== null && was !== null && change.aim.key !== was.aim.key)
    return change.aim.key === change.safe.key ? 'turned' : 'forward again';
  if (change === null && was !== null && live?.change === was.id) return 'closed';
  if (change === null && live?.change !== old?.change) return 'adopted';
  return change === null && was !== null ? 'dropped' : null;
}

function itemIn(stored: Record<string, unknown> | undefined): Item {
  const { live, change, told, owner, history, expires_at } = stored ?? {};
  return {
    live: (live ?? null) as Release | null,
    change: (change ?? null) as Change | null,
    told: typeof told === 'string' ? told : null,
    owner: typeof owner === 'string' ? owner : null,
    history: (history ?? []) as PastRelease[],
    leaseEndsAt: Number(expires_at ?? 0) * 1000,
  };
}
