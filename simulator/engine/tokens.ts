import type { Json } from './json-path.ts';
import type { Play } from './play.ts';
import { StateError } from './state-error.ts';

/** The tokens of tasks that wait. */
export class Tokens {
  readonly #waiting = new Map<string, () => void>();
  #count = 0;

  /** A new token, and what happens when it is given back. */
  make(woken: () => void): string {
    this.#count += 1;
    const token = `token-${this.#count}`;
    this.#waiting.set(token, woken);
    return token;
  }

  /** False for a token that nobody waits for. */
  giveBack(token: string): boolean {
    const woken = this.#waiting.get(token);
    this.#waiting.delete(token);
    woken?.();
    return woken !== undefined;
  }

  forget(token: string): void {
    this.#waiting.delete(token);
  }
}

/** Calls a function with a token, and waits until that is given back, at most so many seconds. */
export async function parkWithin(
  play: Play,
  tokens: Tokens,
  seconds: number,
  call: (token: string) => Promise<Json>,
): Promise<Json> {
  const woken = Promise.withResolvers<Json>();
  const token = tokens.make(() => woken.resolve({}));
  const timer = play.time.after(seconds * 1000, () =>
    woken.reject(new StateError('States.Timeout', `Nobody within ${seconds} s`)),
  );
  // An answer means nothing here; a failure ends the task.
  call(token).catch((error: unknown) => woken.reject(error));
  try {
    return await woken.promise;
  } finally {
    timer.cancel();
    tokens.forget(token);
  }
}
