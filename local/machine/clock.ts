import type { Clock, Pause } from '../../lambdas/adapters/clock.ts';

/** A wait is skipped in steps of this length, so that a client of the platform observes every state of a rollout. */
export const STEP_MS = 5_000;

/**
 * The clock of the local host: the system's time plus the skipped time. A wait of a minute advances it by a minute,
 * however long it really takes. Scaling the time instead would let a slow machine miss deadlines.
 */
export class LocalClock implements Clock {
  #skipped = 0;
  #advances: Promise<void> = Promise.resolve();
  /** Emulators need no pause before a request is repeated: it advances the clock instead. Real systems do. */
  readonly pause?: Pause;

  constructor({ emulated }: { emulated: boolean }) {
    if (emulated) this.pause = async (ms) => this.skip(ms);
  }

  now(): Date {
    return new Date(Date.now() + this.#skipped);
  }

  /** Advances the clock immediately; negative values are ignored. */
  skip(ms: number): void {
    this.#skipped += Math.max(0, ms);
  }

  /**
   * Advances to a time in steps of `STEP_MS`, calling `onStep` after each. Calls run one after the other; one to a time
   * that has been reached does nothing, so parallel waits take no longer than the longest.
   */
  advanceTo(time: Date, onStep: () => Promise<void>): Promise<void> {
    this.#advances = this.#advances.then(async () => {
      for (let left = this.#left(time); left > 0; left = this.#left(time)) {
        this.skip(Math.min(STEP_MS, left));
        await onStep();
      }
    });
    return this.#advances;
  }

  /** Runs this after the current advances and before later ones. */
  runBetweenSteps(run: () => Promise<void>): Promise<void> {
    this.#advances = this.#advances.then(run);
    return this.#advances;
  }

  /** Resolves when every advance that has begun has finished. */
  whenArrived(): Promise<void> {
    return this.#advances;
  }

  #left(time: Date): number {
    return time.getTime() - this.now().getTime();
  }
}
