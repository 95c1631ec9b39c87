import type { Timings } from '../../emulators/workload/world/settings.ts';

/** A platform that is so many times faster than recorded. */
export function paced(pace: number): Partial<Timings> {
  const fast = (ms: number) => Math.max(1000, Math.round(ms / pace));
  return {
    // A slow platform shows a replacement only after a while, within what the functions wait for it.
    recordHiddenMs: pace > 4 ? 1_000 : 12_000,
    readyMs: fast(25_000),
    launchingMs: fast(8_000),
    provisioningMs: fast(3_000),
    stagedMs: fast(83_000),
    promotingMs: fast(5_000),
    finalizingMs: fast(60_000),
    endpointLagMs: fast(61_000),
    drainMs: fast(7 * 60_000),
    stopMs: fast(20_000),
    giveUpMs: fast(120_000),
    failMs: fast(30_000),
  };
}
