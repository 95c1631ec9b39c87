import type { RuleResult } from '../payloads.ts';
import { type Evidence, type Reading, readMetric } from './evidence.ts';
import { compareValues, type Finding } from './methods.ts';
import { probability, show } from './numbers.ts';
import type { Grade, Policy, Rule } from './policy.ts';

/**
 * `unclear`: good enough by the point values, but not distinguishable from chance. `missing`: a number is missing,
 * so nothing may be decided. `absent`: the same, where the policy counts it against the challenger. `skipped`: not
 * counted.
 */
export type Verdict = 'passed' | 'failed' | 'unclear' | 'missing' | 'absent' | 'skipped';

export interface Judged {
  readonly rule: Rule;
  readonly verdict: Verdict;
  /** Null where the rule was not compared with a champion. */
  readonly grade: Grade | null;
  /** One minus the one-sided p, where the evidence has one. */
  readonly confidence: number | null;
  /** True when the challenger has the better value, by more than rounding noise. */
  readonly better: boolean;
  /** Which number is missing; null when none is. */
  readonly missing: string | null;
  /** What speaks for the verdict in a few words, for a sentence. */
  readonly brief: string;
  /** Why it has no interval although the policy describes its sample; null otherwise. */
  readonly noInterval: string | null;
  readonly result: RuleResult;
}

/**
 * The reason of a rule that was not counted begins with one of these words, a colon follows; a table shows the word as
 * the result. `Skipped`: the policy leaves the rule out, as a number is missing. `Not judged`: a number is missing, or
 * nothing was decided at all. `Not counted`: it asks nothing of a first model.
 */
export const NOT_COUNTED = { skipped: 'Skipped', missing: 'Not judged', alone: 'Not counted' } as const;

/** Judges one rule on what the runs hold. With no champion only the rule's limit counts. */
export function judgeRule(rule: Rule, { champion, challenger }: Evidence, { alpha }: Policy): Judged {
  const after = readMetric(challenger, rule.metric);
  const before = champion !== null && rule.against_champion ? readMetric(champion, rule.metric) : null;
  const missing = whyMissing(after, before);
  const answer = (
    verdict: Verdict,
    reason: string,
    brief: string,
    finding: Finding | null = null,
  ): Judged => ({
    rule,
    verdict,
    grade: finding?.grade ?? null,
    confidence: finding?.confidence ?? null,
    better: finding?.better ?? false,
    missing,
    brief,
    noInterval: finding?.noInterval ?? null,
    result: {
      name: rule.name,
      metric: rule.metric,
      champion: champion === null ? null : readMetric(champion, rule.metric).value,
      challenger: after.value,
      // A rule that asks nothing of a first model is not missed; one skipped for want of a number is not passed.
      passed: verdict === 'passed' || (verdict === 'skipped' && missing === null),
      counted: verdict !== 'skipped' && verdict !== 'missing',
      critical: rule.critical,
      reason,
    },
  });

  if (after.value === null || missing !== null) {
    const verdict = withoutNumber(rule, after, before);
    const why = missing ?? '';
    return answer(verdict, verdict === 'absent' ? why : `${NOT_COUNTED[verdict]}: ${why}`, why);
  }
  const limit = checkLimit(rule, after.value);
  if (champion === null || before === null || before.value === null) {
    if (limit === null) return answer('skipped', `${NOT_COUNTED.alone}: no champion, and no limit set`, '');
    return answer(limit.reached ? 'passed' : 'failed', limit.reason, limit.reason);
  }
  const finding = compareValues({
    rule,
    alpha,
    champion,
    challenger,
    before: before.value,
    after: after.value,
  });
  if (limit === null) return answer(finding.verdict, finding.reason, briefOf(finding), finding);
  return answer(
    limit.reached ? finding.verdict : 'failed',
    limit.reached ? `${finding.reason}; ${limit.reason}` : `${limit.reason}; ${finding.reason}`,
    limit.reached ? briefOf(finding) : limit.reason,
    finding,
  );
}

function briefOf({ verdict, gain, asked, confidence }: Finding): string {
  if (verdict === 'failed') return asked;
  return confidence === null ? gain : `${gain}, confidence ${probability(confidence)}`;
}

/** The numbers of a rule that was not judged, for a person to look at. */
export function unjudged(rule: Rule, { champion, challenger }: Evidence): RuleResult {
  return {
    name: rule.name,
    metric: rule.metric,
    champion: champion === null ? null : readMetric(champion, rule.metric).value,
    challenger: readMetric(challenger, rule.metric).value,
    passed: false,
    counted: false,
    critical: rule.critical,
    reason: NOT_COUNTED.missing,
  };
}

/**
 * A challenger that lacks a number its champion has is never skipped: the metric may have been dropped because it
 * got worse. Neither is a number that is logged but not finite: the training may have diverged.
 */
function withoutNumber(rule: Rule, after: Reading, before: Reading | null): 'missing' | 'absent' | 'skipped' {
  const notFinite = [after, before].some((r) => r !== null && r.value === null && r.logged);
  const dropped = after.value === null && before !== null && before.value !== null;
  if (rule.when_missing === 'skip') return notFinite || dropped ? 'missing' : 'skipped';
  const theirs = after.value === null && (before === null || before.value !== null);
  return rule.when_missing === 'fail' && theirs ? 'absent' : 'missing';
}

function whyMissing(after: Reading, before: Reading | null): string | null {
  const reasons = [after, before].flatMap((r) => (r !== null && r.value === null ? [r.why] : []));
  return reasons.length === 0 ? null : reasons.join(', ');
}

function checkLimit({ direction, limit }: Rule, value: number): { reached: boolean; reason: string } | null {
  if (limit === undefined) return null;
  const short = direction === 'higher' ? limit - value : value - limit;
  if (short <= 0) return { reached: true, reason: `limit ${show(limit)} kept` };
  return { reached: false, reason: `limit ${show(limit)} missed by ${show(short, 4)}` };
}
