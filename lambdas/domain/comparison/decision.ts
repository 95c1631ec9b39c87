import type { GateFinding } from '../gates/finding.ts';
import type { Basis, Comparison } from '../payloads.ts';
import { type Counted, NOT_COUNTED } from './budget.ts';
import type { SelectionProblem } from './candidates.ts';
import {
  dataUnknown,
  type Evidence,
  joinedRows,
  type NoSample,
  type Obstacle,
  obstacles,
  samplesMissing,
} from './evidence.ts';
import { type Grade, grades, type Policy } from './policy.ts';
import { type EvaluatedRule, evaluateRule, unevaluatedRule } from './rules.ts';
import { type ClaimTested, FINDING_OF_CLAIM, testClaim } from './tested-claim.ts';

/**
 * From evaluated rules to a decision.
 *
 * Deciding rules: the critical ones; where the policy has none, all. Share: weight of passed rules ÷ weight of
 * counted rules. Grade: the weakest among the deciding rules that were compared with the champion. Confidence, grade
 * C: the smallest "one minus the one-sided p" among the deciding rules. Confidence, grade E and first models: the
 * share, which is not a probability. The threshold is the policy's `min_confidence`. In this order, with the code of
 * the finding in brackets:
 *
 * 1. INVESTIGATE: a version or run is not usable or the data differ (`undecided`), a number is missing
 *    (`missing-numbers`), or no rule can be evaluated (`nothing-to-judge`).
 * 2. KEEP: a critical rule fails (`critical-rules-failed`).
 * 3. INVESTIGATE: a deciding rule passes by the point values but not by its interval (`in-doubt`).
 * 4. PROMOTE: share and confidence reach the threshold, and the policy accepts the grade (`promote`); if it does not,
 *    INVESTIGATE (`grade-not-accepted`).
 * 5. KEEP: no rule is in doubt, and the challenger is better on none or the failed share reaches the threshold
 *    (`not-better`).
 * 6. INVESTIGATE: the rest is mixed, or there is no champion to keep (`mixed`).
 *
 * A rule that fails because the challenger has no value for it excludes PROMOTE, whatever its weight. Gates and checks come
 * after all of this: one that fails turns PROMOTE into INVESTIGATE (`gates-failed`).
 */
export type Finding =
  | SelectionProblem
  /** The challenger is the champion: later steps change nothing, or complete an unfinished promotion. */
  | { readonly code: 'same-version'; readonly version: string }
  | { readonly code: 'undecided'; readonly obstacles: readonly Obstacle[] }
  | { readonly code: 'missing-numbers' | 'nothing-to-judge' }
  /** The rules would promote it; `blocked` are the gates and checks that do not. */
  | { readonly code: 'gates-failed'; readonly challenger: string; readonly blocked: readonly GateFinding[] }
  | RulesFinding;

/** What decided the comparison when every rule was evaluated. */
export interface RulesFinding {
  readonly code:
    | 'critical-rules-failed'
    | 'in-doubt'
    | 'promote'
    | 'grade-not-accepted'
    | 'not-better'
    | 'mixed'
    | 'guardrail-worse'
    | 'guardrail-open'
    | 'not-worthwhile'
    | 'open';
  readonly challenger: string;
  /**
   * The rules behind the code, in the order of the codes: the critical ones that failed; the deciding ones in doubt; the
   * passed ones, the most decisive first; the deciding ones; the failed ones (`not-better`, `mixed`). Of a claim: the guardrails
   * (`guardrail-…`), otherwise its rule.
   */
  readonly about: readonly EvaluatedRule[];
  readonly share: number;
  readonly threshold: number;
  /** What does not reach the threshold; the share first. */
  readonly shortOf: 'share' | 'confidence' | null;
  /** True when neither run names the data it was evaluated on. */
  readonly dataUnknown: boolean;
  /** What was claimed and at which risk; null without a claim. */
  readonly claim: ClaimTested | null;
  /** Numbers that a first champion lacks, without which the policy lets no later version be promoted over it. */
  readonly lacks: readonly NoSample[];
}

/** A comparison without its texts and its evidence digest. */
export interface Decided
  extends Omit<
    Comparison,
    'recommendation' | 'method' | 'rules' | 'gates' | 'checks' | 'profit_improvement' | 'owner' | Digests
  > {
  basis: Basis;
  finding: Finding;
  rules: readonly EvaluatedRule[];
  gates?: readonly GateFinding[];
  checks?: readonly GateFinding[];
}

/** Fields about what a comparison is based on. */
export type Digests = 'evidence_digest' | 'inputs_digest' | 'input_digests' | 'ledger_head';

const UNDECIDED = { decision: 'INVESTIGATE', confidence: 0, basis: 'none', evidence_grade: null } as const;

/** Sums of weights are rounded, so a share of exactly the threshold may come out a bit below it. */
const ROUNDING = 1e-9;

/**
 * Evaluates the policy for two versions; `minConfidence` (0 to 1) applies if the policy sets no threshold. `countedFor` is what
 * divides the risk of a claim.
 */
export function decide(
  evidence: Evidence,
  policy: Policy,
  minConfidence: number,
  countedFor: Counted = NOT_COUNTED,
): Decided {
  const versions = {
    champion_version: evidence.champion?.version.version ?? null,
    challenger_version: evidence.challenger.version.version,
    same_version: false,
    policy: policy.name,
  };
  const blocked = obstacles(evidence, policy);
  if (blocked.length > 0) {
    const rules = policy.rules.map((rule) => unevaluatedRule(rule, evidence));
    return { ...versions, ...UNDECIDED, finding: { code: 'undecided', obstacles: blocked }, rules };
  }
  const rules = policy.rules.map((rule) => evaluateRule(rule, evidence, policy));
  const undecided = (code: 'missing-numbers' | 'nothing-to-judge') =>
    ({ ...versions, ...UNDECIDED, finding: { code }, rules }) as const;
  if (rules.some(({ verdict }) => verdict === 'missing')) return undecided('missing-numbers');
  const counted = rules.filter(({ result }) => result.counted === 'counted');
  if (counted.length === 0) return undecided('nothing-to-judge');
  const decided = decideByRules(counted, evidence, policy, { minConfidence, countedFor });
  return { ...versions, ...decided, ...pairedFacts(evidence, decided.finding), rules };
}

/** The answer, INVESTIGATE, when no two versions can be selected. */
export function investigate(
  policy: Policy,
  {
    champion,
    challenger,
    finding,
  }: { champion: string | null; challenger: string | null; finding: SelectionProblem },
): Decided {
  return {
    champion_version: champion,
    challenger_version: challenger,
    same_version: false,
    policy: policy.name,
    ...UNDECIDED,
    finding,
    rules: [],
  };
}

/** The answer when the challenger is the champion: later steps change nothing, or complete an unfinished promotion. */
export function sameVersion(policy: Policy, version: string): Decided {
  return {
    decision: 'PROMOTE',
    confidence: 1,
    champion_version: version,
    challenger_version: version,
    same_version: true,
    basis: 'same',
    evidence_grade: null,
    finding: { code: 'same-version', version },
    rules: [],
    policy: policy.name,
  };
}

/** Steps 2 to 6 of the order above. */
function decideByRules(
  counted: EvaluatedRule[],
  evidence: Evidence,
  policy: Policy,
  { minConfidence, countedFor }: { minConfidence: number; countedFor: Counted },
) {
  const hasChampion = evidence.champion !== null;
  const critical = counted.filter(({ rule }) => rule.critical);
  const deciding = critical.length > 0 ? critical : counted;
  const passed = counted.filter(({ verdict }) => verdict === 'passed');
  const missed = counted.filter(({ verdict }) => verdict === 'failed' || verdict === 'absent');
  const unclear = counted.filter(({ verdict }) => verdict === 'unclear');
  const share = totalWeight(passed) / totalWeight(counted);
  const grade = hasChampion ? (weakest(deciding) ?? weakest(counted) ?? 'E') : null;
  const confidences = deciding.flatMap(({ gain }) => gain?.confidence ?? []);
  const isProbability = grade !== null && grade !== 'E' && confidences.length > 0;
  const confidence = isProbability ? Math.min(...confidences) : share;
  const threshold = policy.min_confidence ?? minConfidence;
  const reaches = (value: number) => value >= threshold - ROUNDING;
  const shortOf = !reaches(share) ? 'share' : !reaches(confidence) ? 'confidence' : null;
  let tested: ClaimTested | null = null;
  const answer = (
    decision: Comparison['decision'],
    code: RulesFinding['code'],
    about: readonly EvaluatedRule[],
  ) => {
    const challenger = evidence.challenger.version.version;
    const unknown = hasChampion && dataUnknown(evidence, policy);
    const lacks = hasChampion || policy.accepted_grades.includes('E') ? [] : samplesMissing(evidence, policy);
    const finding: RulesFinding = {
      code,
      challenger,
      about,
      share,
      threshold,
      shortOf,
      dataUnknown: unknown,
      claim: tested,
      lacks,
    };
    const basis: Basis = !hasChampion ? 'limits' : isProbability ? 'probability' : 'share';
    return { decision, confidence, basis, evidence_grade: grade, finding };
  };

  const claimed = policy.claim === undefined ? null : testClaim(policy.claim, counted, policy, countedFor);
  if (policy.claim !== undefined && claimed !== null) {
    // An absolute limit holds for every rule, whatever is claimed of one of them.
    const missedLimit = counted.filter(({ limit }) => limit !== null && limit.missedBy > 0);
    if (missedLimit.length > 0) return answer('KEEP', 'critical-rules-failed', missedLimit);
    if ('lacking' in claimed) return answer('INVESTIGATE', 'grade-not-accepted', claimed.lacking);
    const { decided, allocation, about } = claimed;
    tested = { rowsNeeded: decided.rowsNeeded, allocation };
    const accepted = grade === null || policy.accepted_grades.includes(grade);
    const told =
      decided.decision === 'PROMOTE' && !accepted
        ? answer('INVESTIGATE', 'grade-not-accepted', about)
        : answer(decided.decision, FINDING_OF_CLAIM[decided.code], about);
    return { ...told, confidence: decided.confidence, basis: 'probability' as const };
  }
  const decisive = missed.filter(({ rule }) => rule.critical);
  if (decisive.length > 0) return answer('KEEP', 'critical-rules-failed', decisive);
  const doubtful = unclear.filter((one) => deciding.includes(one));
  if (doubtful.length > 0) return answer('INVESTIGATE', 'in-doubt', doubtful);

  if (shortOf === null && missed.every(({ verdict }) => verdict !== 'absent')) {
    const accepted = grade === null || policy.accepted_grades.includes(grade);
    if (!accepted) return answer('INVESTIGATE', 'grade-not-accepted', deciding);
    return answer('PROMOTE', 'promote', weightiest(deciding, passed));
  }
  const better = counted.some(({ gain }) => gain?.better);
  if (hasChampion && unclear.length === 0 && (!better || reaches(1 - share))) {
    return answer('KEEP', 'not-better', missed);
  }
  return answer('INVESTIGATE', 'mixed', missed);
}

/** Facts about rows and claim for the answer; nothing where there are neither. */
function pairedFacts(evidence: Evidence, { claim }: RulesFinding): Pick<Decided, 'paired'> {
  const rows = joinedRows(evidence);
  if (rows === null && claim === null) return {};
  return {
    paired: {
      fingerprint: rows?.fingerprint ?? null,
      rows: rows?.n ?? null,
      alpha: claim?.allocation.alpha ?? null,
      spent: claim?.allocation.spent ?? null,
      rows_needed: claim?.rowsNeeded ?? null,
      ...(claim === null ? {} : { allocation: claim.allocation.facts }),
    },
  };
}

const totalWeight = (some: EvaluatedRule[]) => some.reduce((sum, { rule }) => sum + rule.weight, 0);

function weakest(rules: EvaluatedRule[]): Grade | null {
  return grades.findLast((grade) => rules.some(({ gain }) => gain?.grade === grade)) ?? null;
}

/** The passed rules behind the decision: by ascending confidence, then by descending weight. */
function weightiest(deciding: EvaluatedRule[], passed: EvaluatedRule[]): EvaluatedRule[] {
  const good = deciding.filter((one) => passed.includes(one));
  return (good.length > 0 ? good : passed).toSorted(
    (a, b) => (a.gain?.confidence ?? 1) - (b.gain?.confidence ?? 1) || b.rule.weight - a.rule.weight,
  );
}
