/** Faults that a test or a scenario injects into an emulator. They are explicit and counted, never random. */

/** What an emulator does instead of, or in addition to, answering a request. */
export type Effect =
  /** Sends this response: instead of executing the request, or after it (the response to it is lost). Default `before`. */
  | {
      kind: 'answer';
      status: number;
      body: string;
      contentType?: string;
      headers?: Record<string, string>;
      when?: 'before' | 'after';
    }
  /** Closes the socket, before the request takes effect or after it (the response is lost). */
  | { kind: 'drop'; when: 'before' | 'after' }
  /** Executes the request and responds after `ms` milliseconds. */
  | { kind: 'delay'; ms: number }
  /** Executes the request only when this promise settles. */
  | { kind: 'hold'; until: Promise<unknown> }
  /** Executes the request, then runs this (another client makes a change), then responds. */
  | { kind: 'then'; run: () => void };

/** A fault and the requests that it applies to. */
export interface Fault {
  /** Default: any method. */
  method?: string;
  /** The path without the API's prefix; a trailing `*` matches any rest, an inner `*` one segment. */
  path: string;
  /** Number of requests it applies to. Default: all. */
  times?: number;
  effect: Effect;
}

/** A request that an emulator received; `status` is null when no response was sent. */
export interface RecordedRequest {
  method: string;
  path: string;
  body: unknown;
  status: number | null;
}

/** Called with the path of a request and the effect applied to it. */
export type FaultListener = (path: string, effect: Effect) => void;

/** The faults of one emulator. */
export class Faults {
  #faults: { fault: Fault; left: number }[] = [];
  #listeners: FaultListener[] = [];

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  /** Those that still apply to requests, and to how many. */
  pending(): (Fault & { left: number })[] {
    return this.#faults.filter(({ left }) => left > 0).map(({ fault, left }) => ({ ...fault, left }));
  }

  clear(): void {
    this.#faults = [];
  }

  /**
   * Calls `listener` for each fault that is applied; returns a function that removes it. Of several listeners only the
   * first is called: a request does not identify its execution.
   */
  onApplied(listener: FaultListener): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((each) => each !== listener);
    };
  }

  /** The effect for this request, counted down; null for none. */
  take(method: string, path: string): Effect | null {
    const entry = this.#faults.find(({ fault, left }) => left > 0 && matches(fault, method, path));
    if (entry === undefined) return null;
    entry.left -= 1;
    this.#listeners[0]?.(path, entry.fault.effect);
    return entry.fault.effect;
  }
}

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.method !== undefined && fault.method !== method) return false;
  const isPrefix = fault.path.endsWith('*');
  const wanted = (isPrefix ? fault.path.slice(0, -1) : fault.path).split('/');
  const given = path.split('/');
  if (isPrefix ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, index) => {
    const isLast = index === wanted.length - 1;
    if (segment === '*' && !isLast) return true;
    return isPrefix && isLast ? given[index]?.startsWith(segment) : given[index] === segment;
  });
}
