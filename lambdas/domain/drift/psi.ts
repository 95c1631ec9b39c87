import { noncentralTail } from './noncentral.ts';

/**
 * The population stability index of two periods, by cell (rows of the reference, rows of the current period), smoothed by
 * half a row in each cell. Positive, also where nothing has drifted: by about (cells − 1)(1/m + 1/n).
 */
export function psiOf(cells: readonly (readonly [number, number])[]): number {
  const smoothed = (period: 0 | 1) => {
    const rows = cells.reduce((sum, cell) => sum + cell[period], 0) + cells.length / 2;
    return cells.map((cell) => (cell[period] + 0.5) / rows);
  };
  const [reference, current] = [smoothed(0), smoothed(1)];
  return reference.reduce((sum, before, at) => {
    const now = current[at] ?? before;
    return sum + (now - before) * Math.log(now / before);
  }, 0);
}

/** More rows than this do not make the test any sharper. */
const MOST_ROWS = 1e7;

/**
 * p of "the true index is at most `tolerated`", for periods of `m` and `n` rows: by these the index is a noncentral χ²
 * variable, so that the number of rows is accounted for.
 */
export function psiP(
  psi: number,
  { cells, m, n }: { cells: number; m: number; n: number },
  tolerated: number,
) {
  if (cells < 2) return 1;
  const scale = Math.min(MOST_ROWS, 1 / (1 / m + 1 / n));
  return noncentralTail(psi * scale, cells - 1, tolerated * scale);
}

/** Drift that is worth finding: as indices. About 0.14 and 0.32 standard deviations of a normal feature. */
export const MODERATE = 0.02;
export const SIGNIFICANT = 0.1;

/** Rows in each period with which a drift of the significant size is found to be more than moderate, four times in five. */
export function rowsNeeded(risk: number): number {
  const cells = 10;
  const finds = (n: number) => {
    const periods = { cells, m: n, n };
    const critical = leastWhere((psi) => psiP(psi, periods, MODERATE) <= risk, 0, 10);
    return psiTail(critical, periods) >= 0.8;
  };
  const psiTail = (psi: number, periods: { cells: number; m: number; n: number }) =>
    psiP(psi, periods, SIGNIFICANT);
  return Math.ceil(leastWhere((n) => finds(Math.ceil(n)), cells, 1e5, 0.5));
}

/** The least value from which it holds, to `precision`: by halving. */
function leastWhere(holds: (value: number) => boolean, from: number, to: number, precision = 1e-6): number {
  let [low, high] = [from, to];
  while (high - low > precision) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
