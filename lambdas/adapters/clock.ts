/** The only source of the time. Handlers get a clock with their services, so that tests can set it. */
export interface Clock {
  now(): Date;
  /** Waits before a request is repeated; rejects when the signal aborts. Left out: with a timer of the system. */
  pause?: Pause;
}

/** Waits so many milliseconds, or until the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<unknown>;

export const systemClock: Clock = { now: () => new Date() };
