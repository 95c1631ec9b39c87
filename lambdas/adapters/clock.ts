/**
 * The only source of time and chance. Handlers get a clock with their services, so that tests can set it; what is left out
 * is the process's own.
 */
export interface Clock {
  now(): Date;
  /** Waits before a request is repeated; rejects when the signal aborts. */
  pause?: Pause;
  /** Milliseconds since some fixed moment; nothing sets them back. */
  elapsed?: () => number;
  /** A signal that aborts after so many milliseconds. */
  expiry?: (ms: number) => AbortSignal;
  /** A number from 0 up to 1, for jitter. */
  random?: () => number;
}

/** Waits so many milliseconds, or until the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<unknown>;

export const systemClock: Clock = { now: () => new Date() };

/** The process's own `expiry`: it does not keep the process alive. */
export const processExpiry = (ms: number): AbortSignal => AbortSignal.timeout(ms);

/** Up to twice as long, by chance, so that clients that failed together do not come back together. */
export const withJitter = (ms: number, random: () => number = Math.random): number => ms * (1 + random());
