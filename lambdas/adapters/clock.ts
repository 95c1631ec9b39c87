/** The only source of the time. Handlers get a clock with their services, so that tests can set it. */
export interface Clock {
  now(): Date;
  /** Waits before a request is repeated; rejects when the signal aborts. Left out: with a timer of the system. */
  pause?: Pause;
}

/** Waits so many milliseconds, or until the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<unknown>;

export const systemClock: Clock = { now: () => new Date() };

/** Up to twice as long, by chance, so that clients that failed together do not come back together. */
export const withJitter = (ms: number): number => ms * (1 + Math.random());
