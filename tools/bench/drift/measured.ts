import { driftBetween, testFeature } from '../../../lambdas/domain/drift/drift.ts';
import { MODERATE, SIGNIFICANT } from '../../../lambdas/domain/drift/psi.ts';
import { seeded } from '../../../lambdas/domain/paired/random.ts';
import { atLeast, atMost, type Bound } from '../bounds.ts';
import { type Estimated, estimated } from '../decisions/years.ts';
import { BINS, periodOf, plainPsi, shiftFor } from './periods.ts';

/** Risk of calling one feature drifted, as in production for all of them. */
const RISK = 0.01;

/** Shares of periods that are called drifted. */
export interface Rate {
  /** Rows of the reference and of the current period. */
  readonly rows: readonly [number, number];
  /** Standard deviations by which the feature has moved. */
  readonly shift: number;
  /** The plain index is above 0.2, and above 0.25. */
  readonly plain: readonly [Estimated, Estimated];
  readonly moderate: Estimated;
  readonly significant: Estimated;
  /** A shift was found where the rows are too few for an index. */
  readonly shifted: Estimated;
}

export interface Measured {
  readonly rates: readonly Rate[];
  /** Drift of exactly the tolerated size. */
  readonly sizes: readonly { readonly what: string; readonly size: Estimated }[];
  /** Weeks in which any of fifty features that have not drifted is called drifted, with 300 rows: plain index above 0.1, ours. */
  readonly weeks: { readonly plain: Estimated; readonly ours: Estimated };
}

const periods = [
  [45, 12],
  [100, 100],
  [1000, 1000],
  [10_000, 10_000],
  [1_000_000, 100_000],
] as const;

/** Each situation `simulations` times; weeks a tenth as often. */
export function measure(
  { simulations, seed }: { simulations: number; seed: number },
  onProgress: (what: string) => void,
): Measured {
  const rate = (rows: readonly [number, number], shift: number): Rate => {
    onProgress(`${rows.join(' and ')} rows, moved by ${shift.toFixed(2)}`);
    const random = seeded(seed);
    const [before, after] = [periodOf(rows[0], 0, random), periodOf(rows[1], shift, random)];
    const drawn = Array.from({ length: simulations }, () => {
      const [reference, current] = [before(), after()];
      const psi = plainPsi(reference, current);
      const { method, p_moderate, p_significant } = testFeature({ reference, current, ordered: true }, RISK);
      const isCalled = (p: number | null, by: string) => (method === by && p !== null && p <= RISK ? 1 : 0);
      return {
        plain: [psi > 0.2 ? 1 : 0, psi > 0.25 ? 1 : 0] as const,
        moderate: isCalled(p_moderate, 'psi'),
        significant: isCalled(p_significant, 'psi'),
        shifted: isCalled(p_moderate, 'mann_whitney'),
      };
    });
    return {
      rows,
      shift,
      plain: [estimated(drawn.map(({ plain }) => plain[0])), estimated(drawn.map(({ plain }) => plain[1]))],
      moderate: estimated(drawn.map(({ moderate }) => moderate)),
      significant: estimated(drawn.map(({ significant }) => significant)),
      shifted: estimated(drawn.map(({ shifted }) => shifted)),
    };
  };
  const rates = periods.flatMap((rows) => [0, 0.2, 0.5].map((shift) => rate(rows, shift)));
  rates.push(rate([45, 12], 1));
  const sizes = [1000, 10_000].flatMap((n) => [
    { what: `${n} rows, index ${MODERATE}`, size: rate([n, n], shiftFor(MODERATE)).moderate },
    { what: `${n} rows, index ${SIGNIFICANT}`, size: rate([n, n], shiftFor(SIGNIFICANT)).significant },
  ]);
  onProgress('weeks of fifty features');
  return { rates, sizes, weeks: weeksOf(Math.ceil(simulations / 10), seed) };
}

function weeksOf(weeks: number, seed: number): Measured['weeks'] {
  const draw = periodOf(300, 0, seeded(seed));
  const edges = Array.from({ length: BINS - 1 }, (_, at) => at);
  const drawn = Array.from({ length: weeks }, () => {
    const pairs = Array.from({ length: 50 }, () => [draw(), draw()] as const);
    const histograms = (period: 0 | 1) => ({
      format: 1 as const,
      features: Object.fromEntries(pairs.map((pair, at) => [`f${at}`, { edges, counts: pair[period] }])),
    });
    const { severity } = driftBetween(histograms(0), histograms(1), RISK);
    return {
      plain: pairs.some(([before, after]) => plainPsi(before, after) > 0.1) ? 1 : 0,
      ours: severity === 'none' ? 0 : 1,
    };
  });
  return {
    plain: estimated(drawn.map(({ plain }) => plain)),
    ours: estimated(drawn.map(({ ours }) => ours)),
  };
}

/** Found at least, by rows and shift: moderate, and significant where that is asked. */
const expected = [
  { rows: 100, shift: 0.5, moderate: 0.26, significant: 0.08 },
  { rows: 1000, shift: 0.2, moderate: 0.11, significant: null },
  { rows: 1000, shift: 0.5, moderate: 1, significant: 0.91 },
  { rows: 10_000, shift: 0.2, moderate: 0.92, significant: null },
  { rows: 10_000, shift: 0.5, moderate: 1, significant: 1 },
  { rows: 1_000_000, shift: 0.2, moderate: 1, significant: null },
  { rows: 1_000_000, shift: 0.5, moderate: 1, significant: 1 },
] as const;
/** How far below that is still the same, as a share of the periods. */
const SLACK = 0.03;

export function boundsOf({ rates, sizes, weeks }: Measured): Bound[] {
  const found = (rows: number, shift: number) =>
    rates.find((rate) => rate.rows[0] === rows && rate.shift === shift);
  const missing: Estimated = { mean: Number.NaN, error: Number.NaN };
  const atLeastExpected = (what: string, share: number, measured: Estimated) =>
    atLeast(what, Number(Math.max(0, share - SLACK).toFixed(3)), measured);
  return [
    ...rates
      .filter(({ shift }) => shift === 0)
      .map(({ rows, moderate }) =>
        atMost(`called drifted without drift, ${rows.join(' and ')} rows`, 0.01, moderate),
      ),
    ...rates
      .filter(({ shift, rows }) => shift === 0 && rows[0] === 45)
      .map(({ shifted }) => atMost('called shifted without a shift, 45 and 12 rows', 0.01, shifted)),
    ...sizes.map(({ what, size }) => atMost(`called drifted at the boundary, ${what}`, 0.012, size)),
    ...expected.flatMap(({ rows, shift, moderate, significant }) => {
      const rate = found(rows, shift);
      const what = `found, ${rate?.rows.join(' and ')} rows, moved by ${shift} sd`;
      return [
        atLeastExpected(`${what}: moderate`, moderate, rate?.moderate ?? missing),
        ...(significant === null
          ? []
          : [atLeastExpected(`${what}: significant`, significant, rate?.significant ?? missing)]),
      ];
    }),
    atLeast('found by Mann-Whitney, 45 and 12 rows, moved by 1 sd', 0.55, found(45, 1)?.shifted ?? missing),
    atMost('weeks of 50 features that have not drifted, 300 rows', 0.01, weeks.ours),
  ];
}
