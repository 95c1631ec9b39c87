/** Faults that a test or a scenario asks an emulator for. They are explicit and counted, never random. */

/** What an emulator does instead of, or in addition to, answering a request. */
export type Effect =
  /** Answers this and does nothing else. */
  | { kind: 'answer'; status: number; body: string; contentType?: string; headers?: Record<string, string> }
  /** Closes the socket, before the request takes effect or after it (the answer is lost). */
  | { kind: 'drop'; when: 'before' | 'after' }
  /** Carries the request out and answers after `ms` milliseconds. */
  | { kind: 'delay'; ms: number }
  /** Carries the request out only when this settles. */
  | { kind: 'hold'; until: Promise<unknown> }
  /** Carries the request out, then runs this (another client interferes), then answers. */
  | { kind: 'then'; run: () => void };

export interface Fault {
  /** Any method where absent. */
  method?: string;
  /** The path without the API's prefix; a trailing `*` matches every path that starts so, an inner `*` one segment. */
  path: string;
  /** How many requests it meets; all of them where absent. */
  times?: number;
  effect: Effect;
}

/** A request as an emulator saw it; `status` is null when the answer was never sent. */
export interface RecordedRequest {
  method: string;
  path: string;
  body: unknown;
  status: number | null;
}

/** Called with the path of a request and the effect that it meets. */
export type FaultListener = (path: string, effect: Effect) => void;

export class Faults {
  #faults: { fault: Fault; left: number }[] = [];
  #listeners: FaultListener[] = [];

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#faults = [];
  }

  /**
   * Calls `listener` for each fault that a request meets, until the answer is called. Of several only the first is
   * called: a request does not say whose it is.
   */
  onApplied(listener: FaultListener): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((each) => each !== listener);
    };
  }

  /** The effect that this request meets, counted down; null when it is to be answered as usual. */
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
  const startsSo = fault.path.endsWith('*');
  const wanted = (startsSo ? fault.path.slice(0, -1) : fault.path).split('/');
  const given = path.split('/');
  if (startsSo ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, index) => {
    const isLast = index === wanted.length - 1;
    if (segment === '*' && !isLast) return true;
    return startsSo && isLast ? given[index]?.startsWith(segment) : given[index] === segment;
  });
}
