import quantile from '@stdlib/stats-base-dists-chisquare-quantile';

/** One hour before the release: its number since 1970, its rows, and the sum of their outcomes. */
export interface Hour {
  readonly index: number;
  readonly n: number;
  readonly sum: number;
}

/** Hours without which nothing is decided: fewer do not show what repeats with the days. */
const FEWEST_HOURS = 168;
/** Of these, hours with rows: a model may be idle at night. */
const FEWEST_WITH_ROWS = 48;

/** Hours in one group: effects that last for some of these are found. */
const SCALES = [1, 3, 6, 12, 24];

/**
 * φ: by how much the hours vary more than independent rows would, at least 1; null with too few hours. `variance` is that of
 * one row. Measured before the release, as hours of which the release is part of the reason must not excuse it.
 */
export const phiOf = (hours: readonly Hour[], variance: number): number | null =>
  hours.length < FEWEST_HOURS || hours.filter(({ n }) => n > 0).length < FEWEST_WITH_ROWS
    ? null
    : spreadOf(hours, variance);

/**
 * φ from however many hours there are: the largest upper bound, at 90 %, of the dispersion of the groups of 1, 3, 6, 12 and
 * 24 hours. Not enough to decide by if they are few.
 */
export function spreadOf(hours: readonly Hour[], variance: number): number {
  const used = hours.filter(({ n }) => n > 0);
  const n = used.reduce((sum, hour) => sum + hour.n, 0);
  const mean = used.reduce((sum, hour) => sum + hour.sum, 0) / n;
  const last = used.reduce((latest, { index }) => Math.max(latest, index), 0);
  let phi = 1;
  for (const scale of SCALES) {
    const groups = new Map<number, { n: number; sum: number }>();
    for (const hour of used) {
      const at = Math.floor((last - hour.index) / scale);
      const group = groups.get(at) ?? { n: 0, sum: 0 };
      groups.set(at, { n: group.n + hour.n, sum: group.sum + hour.sum });
    }
    if (groups.size < 2 || variance === 0) continue;
    let squares = 0;
    for (const group of groups.values()) squares += group.n * (group.sum / group.n - mean) ** 2;
    phi = Math.max(phi, squares / variance / quantile(0.1, groups.size - 1));
  }
  return phi;
}
