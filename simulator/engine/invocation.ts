import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../lambdas/adapters/clock.ts';
import type { Random } from '../random.ts';
import type { CallFault, System } from './faults.ts';
import type { Play } from './play.ts';
import type { StateError } from './state-error.ts';
import { never } from './time.ts';

/** One process of Lambda while it runs a function. */
export class Invocation {
  readonly play: Play;
  /** The same in every play of a story. */
  readonly id: string;
  readonly functionName: string;
  readonly random: Random;
  /** Milliseconds by which this process's clock is ahead of the time. */
  readonly skewMs: number;
  /** False once the process has ended: whatever it waits for never comes. */
  alive = true;
  /** When its function began. Milliseconds since 1970. */
  startedAt = 0;
  /** Number of requests so far. */
  calls = 0;
  /** A fault that goes on for some more requests. */
  goesOn: { system: System; kind: CallFault; left: number } | null = null;
  readonly #onDeath: (error: StateError) => void;

  constructor(
    play: Play,
    { id, functionName }: { id: string; functionName: string },
    skewMs: number,
    onDeath: (error: StateError) => void,
  ) {
    this.play = play;
    this.id = id;
    this.functionName = functionName;
    this.random = play.random(id);
    this.skewMs = skewMs;
    this.#onDeath = onDeath;
  }

  /** Ends the process: it neither writes nor answers any more. */
  die(error: StateError): void {
    if (!this.alive) return;
    this.alive = false;
    this.play.note(this.id, () => `ends: ${error.name}`);
    this.#onDeath(error);
  }

  /** Resolves after so many milliseconds, if the process still lives. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.play.time.after(ms, () => {
        if (this.alive) resolve();
      });
    });
  }
}

const processes = new AsyncLocalStorage<Invocation>();

/** Runs something as one process. */
export const runAs = <T>(invocation: Invocation, run: () => T): T => processes.run(invocation, run);

/** The process that is running now. */
export function running(): Invocation {
  const invocation = processes.getStore();
  if (invocation === undefined) throw new Error('Only an invocation may use the clock and the network here');
  return invocation;
}

const deadlines = new WeakMap<AbortSignal, { at: number; controller: AbortController }>();

/** When a signal of the clock aborts, in milliseconds since 1970. */
export const deadlineOf = (signal: AbortSignal): number =>
  deadlines.get(signal)?.at ?? Number.POSITIVE_INFINITY;

/** Aborts a signal whose time has come. */
export function expire(signal: AbortSignal): void {
  deadlines.get(signal)?.controller.abort(new DOMException('no answer in time', 'TimeoutError'));
}

/** The clock of all processes: each reads its own, which may be wrong. */
export const clock: Required<Clock> = {
  now() {
    const { play, skewMs } = running();
    return new Date(play.time.now + skewMs);
  },
  elapsed: () => running().play.time.now,
  random: () => (running().play.longestPauses ? 1 : running().random.unit()),
  expiry(ms) {
    const controller = new AbortController();
    deadlines.set(controller.signal, { at: running().play.time.now + ms, controller });
    return controller.signal;
  },
  async pause(ms, signal) {
    const invocation = running();
    if (!invocation.alive) await never();
    const left = deadlineOf(signal) - invocation.play.time.now;
    await invocation.pass(Math.min(ms, left));
    if (left > ms) return;
    expire(signal);
    signal.throwIfAborted();
  },
};
