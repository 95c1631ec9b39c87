import type { RuleResult } from '../payloads.ts';
import { type Contender, type Evidence, type Reading, readMetric, readSample } from './evidence.ts';
import { type Grade, gainOf, neededGain, type Policy, type Rule } from './policy.ts';
import { confidenceAbove, interval, meanDifference, proportionDifference } from './statistics.ts';

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
  readonly result: RuleResult;
}

/** What a method says about two measured values. */
interface Finding {
  verdict: 'passed' | 'failed' | 'unclear';
  grade: Grade;
  confidence: number | null;
  better: boolean;
  reason: string;
}

interface Pair {
  rule: Rule;
  alpha: number;
  champion: Contender;
  challenger: Contender;
  before: number;
  after: number;
}

/** A step of the ladder of evidence: a finding, or in words why the runs do not hold what it needs. */
type Method = (pair: Pair) => Finding | string;

/** Best first; the first whose evidence is there judges. Paired methods (grades A and B) go in front. */
const ladder: readonly Method[] = [fromSamples];

/** Judges one rule on what the runs hold. With no champion only the rule's limit counts. */
export function judgeRule(rule: Rule, { champion, challenger }: Evidence, { alpha }: Policy): Judged {
  const after = readMetric(challenger, rule.metric);
  const before = champion !== null && rule.against_champion ? readMetric(champion, rule.metric) : null;
  const missing = whyMissing(after, before);
  const answer = (verdict: Verdict, reason: string, finding: Finding | null = null): Judged => ({
    rule,
    verdict,
    grade: finding?.grade ?? null,
    confidence: finding?.confidence ?? null,
    better: finding?.better ?? false,
    missing,
    result: {
      name: rule.name,
      metric: rule.metric,
      champion: champion === null ? null : readMetric(champion, rule.metric).value,
      challenger: after.value,
      // A rule that asks nothing of a first model is not missed; one skipped for want of a number is not passed.
      passed: verdict === 'passed' || (verdict === 'skipped' && missing === null),
      critical: rule.critical,
      reason,
    },
  });

  if (after.value === null || missing !== null) {
    const verdict = withoutNumber(rule, after, before);
    return answer(verdict, `${verdict === 'skipped' ? 'Skipped' : 'Not judged'}: ${missing}`);
  }
  const limit = checkLimit(rule, after.value);
  if (champion === null || before === null || before.value === null) {
    if (limit === null)
      return answer('skipped', 'Not counted: no champion to compare with, and no limit set');
    return answer(limit.reached ? 'passed' : 'failed', limit.reason);
  }
  const finding = compare({ rule, alpha, champion, challenger, before: before.value, after: after.value });
  if (limit === null) return answer(finding.verdict, finding.reason, finding);
  return answer(
    limit.reached ? finding.verdict : 'failed',
    limit.reached ? `${finding.reason}; ${limit.reason}` : `${limit.reason}; ${finding.reason}`,
    finding,
  );
}

/** The numbers of a rule that was not judged, for a person to look at. */
export function unjudged(rule: Rule, { champion, challenger }: Evidence): RuleResult {
  return {
    name: rule.name,
    metric: rule.metric,
    champion: champion === null ? null : readMetric(champion, rule.metric).value,
    challenger: readMetric(challenger, rule.metric).value,
    passed: false,
    critical: rule.critical,
    reason: 'Not judged',
  };
}

/**
 * A challenger that lacks a number its champion has is never skipped: the metric may have been dropped because it
 * got worse. Neither is a number that is logged but not finite: the training may have diverged.
 */
function withoutNumber(rule: Rule, after: Reading, before: Reading | null): Verdict {
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
  const reached = direction === 'higher' ? value >= limit : value <= limit;
  const bound = direction === 'higher' ? 'at least' : 'at most';
  return { reached, reason: `${show(value)} is ${reached ? '' : 'not '}${bound} ${show(limit)}` };
}

function compare(pair: Pair): Finding {
  const unavailable: string[] = [];
  for (const method of ladder) {
    const finding = method(pair);
    if (typeof finding !== 'string') return finding;
    if (finding !== '') unavailable.push(finding);
  }
  const finding = fromPoints(pair);
  if (unavailable.length === 0) return finding;
  return { ...finding, reason: `${finding.reason} (no interval: ${unavailable.join(', ')})` };
}

/** Grade C. Relative amounts are taken of the champion's measured value, as if that were exact. */
function fromSamples(pair: Pair): Finding | string {
  const { rule, alpha, champion, challenger, before, after } = pair;
  if (rule.sample === undefined) return '';
  const first = readSample(champion, rule.sample, before);
  const second = readSample(challenger, rule.sample, after);
  if (first.value === null) return first.why;
  if (second.value === null) return second.why;
  const raw = (rule.sample.kind === 'proportion' ? proportionDifference : meanDifference)(
    first.value,
    second.value,
  );
  const estimate = rule.direction === 'higher' ? raw.estimate : -raw.estimate;
  const difference = { estimate, standardError: raw.standardError };
  const needed = neededGain(rule, before);
  const { lower, upper } = interval(difference, alpha);
  const confidence = confidenceAbove(difference, needed);
  if (![lower, upper, confidence].every(Number.isFinite)) return 'the values are too large for an interval';
  const point = fromPoints(pair);
  const { better } = point;
  const width = `${show(100 * (1 - 2 * alpha))} % interval ${signed(lower)} to ${signed(upper)}`;
  const sizes = `n = ${first.value.size} and ${second.value.size}`;
  const reason = `${point.reason}; ${width}, ${sizes}, confidence ${confidence.toFixed(3)}`;
  if (point.verdict !== 'passed') return { verdict: 'failed', grade: 'C', confidence, better, reason };
  return { verdict: lower > needed ? 'passed' : 'unclear', grade: 'C', confidence, better, reason };
}

/** Rounding noise: 0.9 × 0.7 and 0.63 differ in the last bit, and that is neither a gain nor a loss. */
const ROUNDING = 1e-12;

/** Grade E: the two values and nothing about how sure they are. */
function fromPoints({ rule, before, after }: Pair): Finding {
  const gain = gainOf(rule, before, after);
  const needed = neededGain(rule, before);
  const noise = ROUNDING * Math.max(Math.abs(before), Math.abs(after));
  const passed = rule.strict ? gain > needed + noise : gain >= needed - noise;
  const ask = `${rule.strict ? 'more than' : 'at least'} ${signed(needed)}`;
  const reason = `${show(after)} against ${show(before)}: gain ${signed(gain)}, needed ${ask}`;
  return {
    verdict: passed ? 'passed' : 'failed',
    grade: 'E',
    confidence: null,
    better: gain > noise,
    reason,
  };
}

const show = (value: number) => String(Number(value.toPrecision(6)));
const signed = (value: number) => (value > 0 ? `+${show(value)}` : show(value));
