import { type Contender, readSample } from './evidence.ts';
import { digitsApart, probability, show, signed } from './numbers.ts';
import { type Grade, gainOf, neededGain, type Rule } from './policy.ts';
import { confidenceAbove, interval, meanDifference, proportionDifference } from './statistics.ts';

/** The ladder of evidence: how two measured values of one metric are compared, best method first. */

/** What a method says about two measured values. */
export interface Finding {
  readonly verdict: 'passed' | 'failed' | 'unclear';
  readonly grade: Grade;
  /** One minus the one-sided p, where the method has one. */
  readonly confidence: number | null;
  /** True when the challenger has the better value, by more than rounding noise. */
  readonly better: boolean;
  /** The gain in the good direction, such as `gain +0.02`. */
  readonly gain: string;
  /** The gain beside what the rule asks for. */
  readonly asked: string;
  /** All that was found, without the two values themselves. */
  readonly reason: string;
  /** Why there is no interval although the rule describes a sample; null where there is one, or none was wanted. */
  readonly noInterval: string | null;
}

export interface Pair {
  rule: Rule;
  alpha: number;
  champion: Contender;
  challenger: Contender;
  before: number;
  after: number;
}

/** A step of the ladder: a finding, or in words why the runs do not hold what it needs (empty: not asked for). */
type Method = (pair: Pair) => Finding | string;

/** Best first; the first whose evidence is there judges. Paired methods (grades A and B) go in front. */
const ladder: readonly Method[] = [fromSamples];

/** Compares by the best method that the runs hold the numbers for; the last one, the values alone, always can. */
export function compareValues(pair: Pair): Finding {
  const unavailable: string[] = [];
  for (const method of ladder) {
    const finding = method(pair);
    if (typeof finding !== 'string') return finding;
    if (finding !== '') unavailable.push(finding);
  }
  const finding = fromPoints(pair);
  if (unavailable.length === 0) return finding;
  const noInterval = unavailable.join(', ');
  return { ...finding, reason: `${finding.reason} (no interval: ${noInterval})`, noInterval };
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
  const ends = interval(difference, alpha);
  const confidence = confidenceAbove(difference, needed);
  if (![ends.lower, ends.upper, confidence].every(Number.isFinite)) {
    return 'the values are too large for an interval';
  }
  const point = fromPoints(pair);
  const sure = point.verdict === 'passed' && ends.lower > needed;
  return {
    ...point,
    verdict: sure ? 'passed' : point.verdict === 'passed' ? 'unclear' : 'failed',
    grade: 'C',
    confidence,
    reason: [
      point.reason,
      intervalText(ends, needed, alpha),
      `${sizesText(first.value.size, second.value.size)}, confidence ${probability(confidence)}`,
    ].join('; '),
  };
}

function intervalText({ lower, upper }: { lower: number; upper: number }, needed: number, alpha: number) {
  const digits = Math.max(digitsApart(lower, needed, 3), digitsApart(upper, needed, 3));
  const level = show(100 * (1 - 2 * alpha));
  return `${level}% interval ${signed(lower, digits)} to ${signed(upper, digits)}`;
}

const sizesText = (first: number, second: number) =>
  first === second ? `n = ${first} each` : `n = ${first} and ${second}`;

/** Rounding noise: 0.9 × 0.7 and 0.63 differ in the last bit, and that is neither a gain nor a loss. */
const ROUNDING = 1e-12;

/** Grade E: the two values and nothing about how sure they are. */
function fromPoints({ rule, before, after }: Pair): Finding {
  const measured = gainOf(rule, before, after);
  const needed = neededGain(rule, before);
  const noise = ROUNDING * Math.max(Math.abs(before), Math.abs(after));
  const gain = Math.abs(measured - needed) <= noise ? needed : Math.abs(measured) <= noise ? 0 : measured;
  const passed = rule.strict ? gain > needed : gain >= needed;
  const digits = digitsApart(gain, needed);
  const gained = `gain ${signed(gain, digits)}`;
  const asked = `${gained}, needed ${rule.strict ? '>' : '>='} ${signed(needed, digits)}`;
  return {
    verdict: passed ? 'passed' : 'failed',
    grade: 'E',
    confidence: null,
    better: gain > noise,
    gain: gained,
    asked,
    reason: asked,
    noInterval: null,
  };
}
