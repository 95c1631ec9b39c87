import type { Host } from '../host.ts';

/** A task that gives its token away. */
export interface Parked {
  /** Calls its function. */
  call: () => Promise<unknown>;
  /** Of its execution. */
  name: string;
  token: string;
  /** When its time is over. */
  seconds: number;
  /** True where time is skipped instead of waited for. */
  skips: boolean;
}

/**
 * Waits until the token of a task is given back (true), or its time is over (false). `act` is called once the task waits, and
 * says whether to wait for people in real time.
 */
export async function parkedOn(
  { stepFunctions, clock }: Pick<Host, 'stepFunctions' | 'clock'>,
  { name, call, token, seconds, skips }: Parked,
  act: () => Promise<'go-on' | 'wait'>,
): Promise<boolean> {
  const { promise: given, resolve } = Promise.withResolvers<true>();
  let isGiven = false;
  const expected = stepFunctions.expect(token, () => {
    isGiven = true;
    resolve(true);
  });
  const running = stepFunctions.runs(name);
  try {
    await call();
    if (isGiven) return true;
    const how = await act();
    if (isGiven || how === 'wait') return await given;
    if (skips) {
      clock.skip(seconds * 1000);
      return false;
    }
    return await Promise.race([given, timeOver(seconds)]);
  } finally {
    expected.forget();
    running.forget();
  }
}

/** A timer that keeps no process alive. */
const timeOver = (seconds: number) =>
  new Promise<false>((resolve) => setTimeout(() => resolve(false), seconds * 1000).unref());
