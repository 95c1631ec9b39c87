import {
  type Binned,
  binned,
  cellsFor,
  cellsOf,
  type Feature,
  type Histograms,
  totalOf,
} from './histogram.ts';
import { leastP, mannWhitney } from './mann-whitney.ts';
import { MODERATE, psiOf, psiP, rowsNeeded, SIGNIFICANT } from './psi.ts';

export type Severity = 'none' | 'moderate' | 'significant';

/** One feature of both periods. */
export interface FeatureDrift {
  readonly feature: string;
  /** Rows. */
  readonly reference: number;
  readonly current: number;
  /** Null: too few rows for any test. */
  readonly method: 'psi' | 'mann_whitney' | null;
  /** Smoothed; null where it was not computed. */
  readonly psi: number | null;
  /** Mann and Whitney: how often a row of the current period is above one of the reference, 0 to 1; null for the index. */
  readonly higher: number | null;
  /** p of "drifted by less than is moderate (significant)"; of Mann and Whitney, "not shifted". Null where it was not tested. */
  readonly p_moderate: number | null;
  readonly p_significant: number | null;
  /** Null: not enough to tell. */
  readonly severity: Severity | null;
}

export interface Drift {
  /** The most severe of the features; null: not enough to tell of any of them. */
  readonly severity: Severity | null;
  /** The largest index; null if none was computed. */
  readonly psi: number | null;
  readonly features: readonly FeatureDrift[];
  /** Features of both periods that cannot be compared, and those of one. */
  readonly not_compared: readonly { readonly feature: string; readonly why: 'other_bins' | 'missing' }[];
  /** Rows in each period with which a significant drift of one feature is found four times in five. */
  readonly rows_needed: number;
}

/**
 * Whether the current period has drifted from the reference by more than a tolerated size. `risk` is that of calling any
 * feature drifted that has not, over all of them (Holm), for each severity.
 */
export function driftBetween(reference: Histograms, current: Histograms, risk = 0.01): Drift {
  const names = [...new Set([...Object.keys(reference.features), ...Object.keys(current.features)])].sort();
  const not_compared: { feature: string; why: 'other_bins' | 'missing' }[] = [];
  const compared: { feature: string; rows: Binned }[] = [];
  for (const feature of names) {
    const [before, now] = [featureOf(reference, feature), featureOf(current, feature)];
    const rows = before === undefined || now === undefined ? null : binned(before, now);
    if (rows !== null) compared.push({ feature, rows });
    else
      not_compared.push({
        feature,
        why: before === undefined || now === undefined ? 'missing' : 'other_bins',
      });
  }
  const share = risk / Math.max(1, compared.length);
  const tested = compared.map(({ feature, rows }) => ({ feature, ...testFeature(rows, share) }));
  const moderate = holm(
    tested.map(({ p_moderate }) => p_moderate),
    risk,
  );
  const significant = holm(
    tested.map(({ p_significant }) => p_significant),
    risk,
  );
  const features = tested.map((each, at): FeatureDrift => {
    if (each.method === null) return { ...each, severity: null };
    if (significant[at]) return { ...each, severity: 'significant' };
    return { ...each, severity: moderate[at] ? 'moderate' : 'none' };
  });
  const found = features.map(({ severity }) => severity);
  const severities = ['significant', 'moderate', 'none'] as const;
  const indices = features.flatMap(({ psi }) => psi ?? []);
  return {
    severity: severities.find((severity) => found.includes(severity)) ?? null,
    psi: indices.length === 0 ? null : indices.reduce((largest, psi) => Math.max(largest, psi), 0),
    features,
    not_compared,
    rows_needed: rowsNeeded(share),
  };
}

/** A feature may have the name of what every object has. */
const featureOf = ({ features }: Histograms, name: string): Feature | undefined =>
  Object.hasOwn(features, name) ? features[name] : undefined;

/** The test that so many rows allow. `share` of the risk is what the first of all features has to reach. */
export function testFeature(rows: Binned, share: number): Omit<FeatureDrift, 'feature' | 'severity'> {
  const [m, n] = [totalOf(rows.reference), totalOf(rows.current)];
  const none = {
    reference: m,
    current: n,
    method: null,
    psi: null,
    higher: null,
    p_moderate: null,
    p_significant: null,
  };
  const most = cellsFor(m, n);
  if (most >= 3) {
    const cells = cellsOf(rows, most);
    const psi = psiOf(cells);
    const p = (tolerated: number) => psiP(psi, { cells: cells.length, m, n }, tolerated);
    return { ...none, method: 'psi', psi, p_moderate: p(MODERATE), p_significant: p(SIGNIFICANT) };
  }
  if (!rows.ordered || leastP(m, n) > share) return none;
  const { p, higher } = mannWhitney(rows.reference, rows.current);
  return { ...none, method: 'mann_whitney', higher, p_moderate: p };
}

/** Which claims are rejected at the risk over all of them (Holm, Scandinavian Journal of Statistics 6:65, 1979); null was not tested. */
export function holm(ps: readonly (number | null)[], risk: number): boolean[] {
  const order = ps.flatMap((p, at) => (p === null ? [] : [{ p, at }])).sort((a, b) => a.p - b.p);
  const rejected = ps.map(() => false);
  for (const [rank, { p, at }] of order.entries()) {
    if (p > risk / (order.length - rank)) break;
    rejected[at] = true;
  }
  return rejected;
}
