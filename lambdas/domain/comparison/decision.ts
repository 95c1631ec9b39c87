import type { Comparison } from '../payloads.ts';
import { dataUnknown, type Evidence, obstacles } from './evidence.ts';
import { ROUNDING } from './numbers.ts';
import { type Grade, grades, type Policy } from './policy.ts';
import * as say from './recommendation.ts';
import { type Judged, judgeRule, unjudged } from './rules.ts';

/**
 * From judged rules to a decision.
 *
 * Deciding rules: the critical ones; where the policy has none, all. Share: weight of passed rules ÷ weight of
 * counted rules. Grade: the weakest among the deciding rules that were compared with the champion. Confidence, grade
 * C: the smallest "one minus the one-sided p" among the deciding rules. Confidence, grade E and first models: the
 * share, which is not a probability. The threshold is the policy's `min_confidence`. In this order:
 *
 * 1. INVESTIGATE: a version or run is not usable, the data differ, a number is missing, or no rule can be judged.
 * 2. KEEP: a critical rule fails.
 * 3. INVESTIGATE: a deciding rule passes by the point values but not by its interval.
 * 4. PROMOTE: share and confidence reach the threshold, and the policy accepts the grade (if not: INVESTIGATE).
 * 5. KEEP: no rule is in doubt, and the challenger is better on none or the failed share reaches the threshold.
 * 6. INVESTIGATE: the rest is mixed, or there is no champion to keep.
 *
 * A rule that fails because the challenger lacks its number rules PROMOTE out, whatever its weight.
 */
export type Answer = Omit<Comparison, 'evidence_digest'>;

/** The decision on two versions by a policy; `minConfidence` counts where the policy names none. */
export function decide(evidence: Evidence, policy: Policy, minConfidence: number): Answer {
  const answer = {
    champion_version: evidence.champion?.version.version ?? null,
    challenger_version: evidence.challenger.version.version,
    same_version: false,
    policy: policy.name,
  };
  const blocked = obstacles(evidence, policy);
  if (blocked.length > 0) {
    const rules = policy.rules.map((rule) => unjudged(rule, evidence));
    return { ...answer, ...undecided(say.undecided(blocked)), rules };
  }
  const judged = policy.rules.map((rule) => judgeRule(rule, evidence, policy));
  const rules = judged.map(({ result }) => result);
  const missing = judged.filter(({ verdict }) => verdict === 'missing');
  if (missing.length > 0) return { ...answer, ...undecided(say.missing(missing)), rules };

  const threshold = policy.min_confidence ?? minConfidence;
  const findings = findingsOf(judged, evidence, policy, threshold);
  if (findings.deciding.length === 0) {
    return { ...answer, ...undecided(say.nothingToJudge(findings)), rules };
  }
  const [decision, recommendation] = weigh(findings, policy);
  return {
    ...answer,
    decision,
    confidence: findings.confidence,
    recommendation,
    method: say.method(findings),
    evidence_grade: findings.grade,
    rules,
  };
}

/** The answer when nothing can be compared; `reason` begins the recommendation as it is. */
export function investigate(
  policy: Policy,
  { champion, challenger, reason }: { champion: string | null; challenger: string | null; reason: string },
): Answer {
  return {
    champion_version: champion,
    challenger_version: challenger,
    same_version: false,
    policy: policy.name,
    ...undecided(`${reason}.`),
    rules: [],
  };
}

/** The answer when the challenger is the champion: later steps find nothing to do, or complete what is half-done. */
export function sameVersion(policy: Policy, version: string): Answer {
  return {
    decision: 'PROMOTE',
    confidence: 1,
    champion_version: version,
    challenger_version: version,
    same_version: true,
    recommendation: say.sameVersion(version),
    method: say.METHODS.same,
    evidence_grade: null,
    rules: [],
    policy: policy.name,
  };
}

function undecided(recommendation: string) {
  return {
    decision: 'INVESTIGATE' as const,
    confidence: 0,
    recommendation,
    method: say.METHODS.none,
    evidence_grade: null,
  };
}

function findingsOf(judged: Judged[], evidence: Evidence, policy: Policy, threshold: number): say.Findings {
  const counted = judged.filter(({ verdict }) => verdict !== 'skipped');
  const critical = counted.filter(({ rule }) => rule.critical);
  const deciding = critical.length > 0 ? critical : counted;
  const passed = counted.filter(({ verdict }) => verdict === 'passed');
  const share = totalWeight(passed) / (totalWeight(counted) || 1);
  const champion = evidence.champion?.version.version ?? null;
  const grade = champion === null ? null : (weakest(deciding) ?? weakest(counted) ?? 'E');
  const chances = deciding.flatMap(({ confidence }) => (confidence === null ? [] : [confidence]));
  const isProbability = grade !== null && grade !== 'E' && chances.length > 0;
  return {
    challenger: evidence.challenger.version.version,
    champion,
    policy: policy.name,
    judged,
    counted,
    passed,
    missed: counted.filter(({ verdict }) => verdict === 'failed' || verdict === 'absent'),
    unclear: counted.filter(({ verdict }) => verdict === 'unclear'),
    deciding,
    share,
    grade,
    confidence: isProbability ? Math.min(...chances) : share,
    isProbability,
    threshold,
    dataUnknown: champion !== null && dataUnknown(evidence, policy),
  };
}

const totalWeight = (some: Judged[]) => some.reduce((sum, { rule }) => sum + rule.weight, 0);

function weakest(judged: Judged[]): Grade | null {
  return grades.findLast((grade) => judged.some((one) => one.grade === grade)) ?? null;
}

/** Steps 2 to 6 of the order above. */
function weigh(findings: say.Findings, policy: Policy): [Comparison['decision'], string] {
  const { champion, counted, deciding, missed, unclear, share, grade, confidence } = findings;
  const reaches = (value: number) => value >= findings.threshold - ROUNDING;

  const decisive = missed.filter(({ rule }) => rule.critical);
  if (decisive.length > 0) return ['KEEP', say.fails(findings, decisive)];
  const doubtful = unclear.filter((one) => deciding.includes(one));
  if (doubtful.length > 0) return ['INVESTIGATE', say.doubtful(findings, doubtful)];

  const absent = missed.some(({ verdict }) => verdict === 'absent');
  if (reaches(share) && reaches(confidence) && !absent) {
    const accepted = grade === null || policy.accepted_grades.includes(grade);
    return accepted ? ['PROMOTE', say.promote(findings)] : ['INVESTIGATE', say.gradeNotAccepted(findings)];
  }
  const better = counted.some((one) => one.better);
  if (champion !== null && unclear.length === 0 && (!better || reaches(1 - share))) {
    return ['KEEP', say.notBetter(findings)];
  }
  return ['INVESTIGATE', say.mixed(findings)];
}
