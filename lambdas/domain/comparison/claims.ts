import { normalQuantile, type Tested, type TestResult } from '../paired/test-result.ts';

/**
 * What a policy claims of the challenger on its primary metric. `superiority`: better by more than the margin (often 0).
 * `non_inferiority`: not worse by the margin or more; for a scheduled refresh. Margins are at least 0, in units of the metric.
 */
export interface Claim {
  readonly kind: 'superiority' | 'non_inferiority';
  readonly margin: number;
}

/** The gain that the claim needs to be exceeded. */
export const neededFor = ({ kind, margin }: Claim): number => (kind === 'superiority' ? margin : -margin);

/** Power at which rows are planned. */
const POWER = 0.8;

/**
 * Rows with which a true gain of `gain` above what is needed is found in 80 % of comparisons:
 * (z₁₋α + 0.84)² · variance ÷ gain². `variance` is what one row contributes; of accuracy it is disagreement − gain². Null
 * where no number of rows would do (a gain of 0) or none can be computed.
 */
export function rowsNeeded({
  variance,
  gain,
  alpha,
}: {
  variance: number;
  gain: number;
  alpha: number;
}): number | null {
  const rows = Math.round(((normalQuantile(1 - alpha) + normalQuantile(POWER)) ** 2 * variance) / gain ** 2);
  return gain > 0 && Number.isFinite(rows) ? rows : null;
}

/** A metric that must not get worse by its margin, tested at the policy's alpha (see `guardrailTested`). */
export interface Guardrail {
  readonly name: string;
  readonly margin: number;
  readonly test: TestResult;
}

/** Guardrails must all be non-inferior; as all must, alpha is not corrected for their number, and not divided. */
export const guardrailTested = (margin: number, alpha: number): Tested => ({ needed: 0 - margin, alpha });

export interface ClaimDecision {
  readonly decision: 'PROMOTE' | 'KEEP' | 'INVESTIGATE';
  /**
   * `shown`: the claim, and every guardrail. `guardrail-worse`: a guardrail is shown to be worse than its margin.
   * `guardrail-open`: the claim is shown, a guardrail is not. `not-better`: the claim is not shown, and the estimate is not
   * above zero. `not-worthwhile`: nor is it, and at most a smaller gain than is worthwhile is left open. `open`: a
   * worthwhile gain is neither shown nor excluded.
   */
  readonly code: 'shown' | 'guardrail-worse' | 'guardrail-open' | 'not-better' | 'not-worthwhile' | 'open';
  /** One minus the one-sided p of the primary metric's claim. */
  readonly confidence: number;
  /** Guardrails behind the code, by name. */
  readonly guardrails: readonly string[];
  /** Rows with which what was not shown would probably be; null where all was, or no number of rows would do. */
  readonly rowsNeeded: number | null;
}

/**
 * Decides on one primary metric and its guardrails. `alpha`: what the budget leaves for the claim, at most the alpha that the
 * primary metric's interval was computed with. `worthwhile`: the smallest gain for which a person should be asked, in units
 * of the metric.
 */
export function decideClaim({
  claim,
  primary,
  guardrails,
  alpha,
  worthwhile,
}: {
  claim: Claim;
  primary: TestResult;
  guardrails: readonly Guardrail[];
  alpha: number;
  worthwhile: number;
}): ClaimDecision {
  const answer = (
    decision: ClaimDecision['decision'],
    code: ClaimDecision['code'],
    more: Partial<ClaimDecision> = {},
  ): ClaimDecision => ({
    decision,
    code,
    confidence: 1 - primary.p,
    guardrails: [],
    rowsNeeded: null,
    ...more,
  });
  const names = (some: readonly Guardrail[]) => some.map(({ name }) => name);

  const worse = guardrails.filter(({ test, margin }) => test.interval[1] < -margin);
  if (worse.length > 0) return answer('KEEP', 'guardrail-worse', { guardrails: names(worse) });
  if (primary.p <= alpha) {
    const unshown = guardrails.filter(({ test }) => test.p > riskOf(test));
    if (unshown.length === 0) return answer('PROMOTE', 'shown');
    const rows = unshown.map(({ test, margin }) =>
      rowsNeeded({ variance: test.variance, gain: margin, alpha: riskOf(test) }),
    );
    return answer('INVESTIGATE', 'guardrail-open', {
      guardrails: names(unshown),
      rowsNeeded: rows.includes(null) ? null : Math.max(...rows.map((each) => each ?? 0)),
    });
  }
  const gain = claim.kind === 'superiority' ? worthwhile - claim.margin : claim.margin;
  const needs = { rowsNeeded: rowsNeeded({ variance: primary.variance, gain, alpha }) };
  if (primary.estimate <= 0) return answer('KEEP', 'not-better', needs);
  if (primary.interval[1] < worthwhile) return answer('KEEP', 'not-worthwhile', needs);
  return answer('INVESTIGATE', 'open', needs);
}

/** The one-sided risk that a result was computed with. */
const riskOf = ({ level }: TestResult) => (1 - level) / 2;
