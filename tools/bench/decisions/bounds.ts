import { atLeast, atMost, type Bound } from '../bounds.ts';
import type { Size } from './sizes.ts';
import type { Estimated, Rates, RuleYear } from './years.ts';

const MISSING: Estimated = { mean: Number.NaN, error: Number.NaN };

/** Shares 0 to 1; needless promotions a year; points lost. */
export function boundsOf(
  rates: readonly Rates[],
  years: readonly RuleYear[],
  sizes: readonly Size[],
): Bound[] {
  const of = (judge: string, n: number, gain: number) =>
    rates.find((each) => each.judge === judge && each.n === n && each.gain === gain);
  const promoted = (judge: string, n: number, gain: number) => of(judge, n, gain)?.promoted ?? MISSING;
  const year = (rule: string) => years.find((each) => each.rule === rule);
  const quality = year('non-inferiority, 1 point')?.quality ?? MISSING;
  const rows = [500, 2000, 10_000];
  return [
    ...rows.map((n) => atMost(`equal promoted, mid-p, ${n} rows`, 0.05, promoted('mid-p', n, 0))),
    ...rows.map((n) => atMost(`equal promoted, log loss, ${n} rows`, 0.06, promoted('log loss', n, 0))),
    atLeast('+1 point found, mid-p, 2000 rows', 0.4, promoted('mid-p', 2000, 0.01)),
    atLeast('+1 point found, log loss, 2000 rows', 0.7, promoted('log loss', 2000, 0.01)),
    ...[0.45, 0.46, 0.02].map((bound, index) => {
      const n = rows[index] ?? 0;
      return atMost(
        `equal put before a person, mid-p, ${n} rows`,
        bound,
        of('mid-p', n, 0)?.asked ?? MISSING,
      );
    }),
    atLeast('quality of a year of refreshes', -0.1, quality),
    ...(['first', 'later'] as const).map((which, index) =>
      atMost(
        `needless in a ${which} year, budget 0.5`,
        0.55,
        year('superiority, budget 0.5 a year')?.needless[index] ?? MISSING,
      ),
    ),
    ...sizes.map(({ what, bound, size }) => atMost(`size at 5 %: ${what}`, bound, size)),
  ];
}
