import type { Estimated } from './decisions/years.ts';

/** What is promised, beside what was measured. */
export interface Bound {
  readonly what: string;
  /** `<=` or `>=` and a number. */
  readonly bound: string;
  readonly measured: Estimated;
  /** Within two standard errors. */
  readonly holds: boolean;
}

export const atMost = (what: string, bound: number, measured: Estimated): Bound => ({
  what,
  bound: `<= ${bound}`,
  measured,
  holds: measured.mean - 2 * measured.error <= bound,
});

export const atLeast = (what: string, bound: number, measured: Estimated): Bound => ({
  what,
  bound: `>= ${bound}`,
  measured,
  holds: measured.mean + 2 * measured.error >= bound,
});

export const withError = ({ mean, error }: Estimated) => `${mean.toFixed(3)} ± ${error.toFixed(3)}`;

export function printBounds(bounds: readonly Bound[]): void {
  console.log('What must hold, within two standard errors.');
  console.table(
    Object.fromEntries(
      bounds.map(({ what, bound, measured, holds }) => [
        what,
        { bound, measured: withError(measured), holds: holds ? 'yes' : 'NO' },
      ]),
    ),
  );
}

/** Throws if one of them does not hold. */
export function demand(bounds: readonly Bound[]): void {
  const missed = bounds.filter(({ holds }) => !holds);
  if (missed.length > 0) throw new Error(`out of bounds: ${missed.map(({ what }) => what).join('; ')}`);
}
