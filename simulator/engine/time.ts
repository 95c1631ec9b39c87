/** Something that happens at a moment; it can be taken back until then. */
export interface Timer {
  cancel(): void;
}

interface Entry extends Timer {
  at: number;
  order: number;
  run: (() => void) | null;
  /** It wakes nobody: what comes next need not wait until everything has come to rest. */
  quiet: boolean;
}

/**
 * The time of one play. Nothing waits: the next moment in the queue is the present as soon as everything that is awake has
 * come to rest. Two things at the same moment happen in the order in which they were planned.
 */
export class VirtualTime {
  /** Milliseconds since 1970. */
  readonly start: number;
  #now: number;
  #order = 0;
  /** A binary heap. */
  readonly #entries: Entry[] = [];

  /** Milliseconds since 1970. */
  constructor(start: number) {
    this.start = start;
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void, { quiet = false } = {}): Timer {
    this.#order += 1;
    const entry: Entry = {
      at: this.#now + Math.max(0, ms),
      order: this.#order,
      run,
      quiet,
      cancel: () => {
        entry.run = null;
      },
    };
    this.#push(entry);
    return entry;
  }

  /** Resolves after so many milliseconds. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /**
   * Plays until nothing is planned any more, or until `done`. Answers false when there were more than `most` moments: something
   * goes on for ever.
   */
  async play(most: number, done: () => boolean = () => false): Promise<boolean> {
    await atRest();
    for (let moments = 0; moments < most; ) {
      if (done()) return true;
      const entry = this.#pop();
      if (entry === undefined) return true;
      if (entry.run === null) continue;
      moments += 1;
      this.#now = entry.at;
      entry.run();
      if (!entry.quiet) await atRest();
    }
    return false;
  }

  #push(entry: Entry): void {
    const heap = this.#entries;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#entries;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let smaller = left;
      if (right !== undefined && isBefore(right, left)) {
        child += 1;
        smaller = right;
      }
      if (!isBefore(smaller, last)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

const isBefore = (one: Entry, other: Entry) =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/**
 * Promises that are settled run to their next wait before this resolves: none of them waits for the system. Node.js runs a
 * tick once no promise is left to run, without a round of its event loop.
 */
const atRest = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** What a process that has ended waits for. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});
