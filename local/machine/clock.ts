import type { Clock } from '../../lambdas/adapters/clock.ts';

/** How finely a wait is walked through, so that whoever watches the platform sees it pass its states. */
export const STEP_MS = 5_000;

/**
 * The time on this machine, of which waiting takes none: the system's, plus what has been skipped. A wait of a minute
 * moves it on by a minute, whatever it really lasts. Scaling the time instead would let a slow machine miss deadlines.
 */
export class LocalClock implements Clock {
  #skipped = 0;
  #walks: Promise<void> = Promise.resolve();

  now(): Date {
    return new Date(Date.now() + this.#skipped);
  }

  /** Moves on at once; a clock never goes back. */
  skip(ms: number): void {
    this.#skipped += Math.max(0, ms);
  }

  /**
   * Moves on to a time in strides, calling `pass` after each. Of two walks to the same time the second finds itself
   * there, so that waits that run side by side take no longer than the longer one.
   */
  advanceTo(time: Date, onStep: () => Promise<void>): Promise<void> {
    this.#walks = this.#walks.then(async () => {
      for (let left = this.#left(time); left > 0; left = this.#left(time)) {
        this.skip(Math.min(STEP_MS, left));
        await onStep();
      }
    });
    return this.#walks;
  }

  /** Has this done in its turn, between two walks. */
  runBetweenSteps(run: () => Promise<void>): Promise<void> {
    this.#walks = this.#walks.then(run);
    return this.#walks;
  }

  /** Resolves when every walk that has begun is at its end. */
  whenArrived(): Promise<void> {
    return this.#walks;
  }

  #left(time: Date): number {
    return time.getTime() - this.now().getTime();
  }
}
