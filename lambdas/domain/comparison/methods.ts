import { correctedResampledT, noiseFloor } from '../paired/repeated.ts';
import { type Answer, isRefused, type TestResult } from '../paired/test-result.ts';
import type { JoinedRows } from '../rows/join.ts';
import { bestOfAll, type OtherCandidates } from './best-of.ts';
import { gainByRows } from './by-rows.ts';
import { type Candidate, metricKey, type NoSample, readSample } from './evidence.ts';
import { type Grade, gainOf, neededGain, type Rule } from './policy.ts';
import { foldKeys, foldValues } from './repeats.ts';
import { confidenceAbove, interval, meanDifference, proportionDifference } from './statistics.ts';

/** The ladder of evidence: how two measured values of one metric are compared, best method first. */

/** The result of a method for two measured values. Gains are in units of the metric; positive is better. */
export interface MeasuredGain {
  /** `unclear`: good enough by the point values, but not distinguishable from chance. */
  readonly verdict: 'passed' | 'failed' | 'unclear';
  readonly grade: Grade;
  /** One minus the one-sided p-value, 0 to 1; null if the method has none. */
  readonly confidence: number | null;
  /** True when the challenger has the better value, by more than rounding noise. */
  readonly better: boolean;
  readonly gain: number;
  /** The gain that the rule requires. */
  readonly needed: number;
  /** Of the gain, where the method has one. */
  readonly interval: Interval | null;
  /** The two values as the rows give them; null without rows. */
  readonly byRows: { readonly champion: number; readonly challenger: number } | null;
  /** The test behind it, where the evidence allows one. */
  readonly test: TestResult | null;
  /** Why there is no interval although the rule describes a sample; empty if there is one, or the rule describes none. */
  readonly noInterval: readonly NoSample[];
}

/** An interval of level 1 − 2 `alpha`, from the rows behind the champion's and the challenger's value. */
export interface Interval {
  readonly lower: number;
  readonly upper: number;
  readonly alpha: number;
  readonly rows: readonly [number, number];
}

/** Two values of one metric, with the rule to evaluate and the runs they come from. */
export interface Pair {
  rule: Rule;
  alpha: number;
  champion: Candidate;
  challenger: Candidate;
  before: number;
  after: number;
  /** The rows of both, or null. */
  rows: JoinedRows | null;
  /** The metric of earlier versions on the same data; null where a policy does not accept grade D. */
  retrains?: readonly number[] | null;
  /** The other candidates, where the rule is the one that a claim is decided on. */
  others?: OtherCandidates | undefined;
  /** The gain that a claim needs, in place of the rule's. */
  needed?: number | undefined;
}

/** A step of the ladder: a gain, or why the runs lack what it needs (null: the rule does not describe it). */
type Method = (pair: Pair) => MeasuredGain | NoSample | null;

/** Best first; the first method with complete evidence is used. */
const ladder: readonly Method[] = [fromRows, fromFolds, fromSamples, fromRetrains];

/** Compares by the best method for which the runs have the numbers; the last one, the values alone, always has them. */
export function compareValues(pair: Pair): MeasuredGain {
  const noInterval: NoSample[] = [];
  for (const method of ladder) {
    const found = method(pair);
    if (found !== null && 'verdict' in found) return found;
    if (found !== null) noInterval.push(found);
    if (found !== null && isRefusedByRows(found)) return inDoubt({ ...fromPoints(pair), noInterval });
  }
  return { ...fromPoints(pair), noInterval };
}

/** Both runs hold rows of the metric, but too few, or of a kind that no test can be made of. */
const isRefusedByRows = (why: NoSample) => why.code === 'rows' && why.why.code === 'refused';

/** Where rows exist they decide: no weaker evidence says for them that a value is good enough. */
const inDoubt = (point: MeasuredGain): MeasuredGain =>
  point.verdict === 'passed' ? { ...point, verdict: 'unclear' } : point;

/** Grade A: both versions on the same rows. */
function fromRows(pair: Pair): ReturnType<Method> {
  const { rule, alpha, rows, others } = pair;
  if (rows === null) return null;
  const point = fromPoints(pair);
  const tested = { needed: point.needed, alpha };
  const best = others && ((seed: number) => bestOfAll(rule, rows, others, tested, seed));
  const found = gainByRows(rule, rows, tested, best);
  if (!('test' in found)) return found.code === 'no-measure' ? null : { code: 'rows', why: found };
  const byRows = { champion: found.champion, challenger: found.challenger };
  return { ...byTest(point, 'A', alpha, found.test), byRows };
}

/** Grade B: the metric on folds, seeds or splits that both runs share. */
function fromFolds(pair: Pair): ReturnType<Method> {
  const { rule, alpha, champion, challenger } = pair;
  if (rule.folds === undefined) return null;
  const { key, test_share: testShare } = rule.folds;
  const [old, now] = [champion, challenger].map((side) => {
    const keys = foldKeys(metricKey(side, rule.metric), key);
    return foldValues(side.run?.metrics ?? [], keys);
  });
  if (old === undefined || now === undefined || (old.size === 0 && now.size === 0)) return null;
  const isSame = old.size === now.size && [...old.keys()].every((fold) => now.has(fold));
  if (!isSame) return { code: 'folds-differ', champion: old.size, challenger: now.size };
  const gains = [...old].map(([fold, before]) => gainOf(rule, before, now.get(fold) ?? Number.NaN));
  const point = fromPoints(pair);
  const share = testShare ?? 1 / Math.max(1, gains.length - 1);
  return repeated(pair, 'B', correctedResampledT(gains, share, { needed: point.needed, alpha }));
}

/** Grade D: the gain against the spread of earlier versions on the same data. */
function fromRetrains(pair: Pair): ReturnType<Method> {
  const { retrains = null, alpha } = pair;
  if (retrains === null) return null;
  const { gain, needed } = fromPoints(pair);
  return repeated(pair, 'D', noiseFloor(gain, retrains, { needed, alpha }));
}

const repeated = (pair: Pair, grade: Grade, answer: Answer): MeasuredGain | NoSample =>
  isRefused(answer) ? { code: 'repeats', why: answer } : byTest(fromPoints(pair), grade, pair.alpha, answer);

/** A gain as a test found it. */
function byTest(point: MeasuredGain, grade: Grade, alpha: number, test: TestResult): MeasuredGain {
  const [lower, upper] = test.interval;
  const shown = test.p <= alpha;
  // Not as good as needed by the value itself, or shown to be worse.
  const failed = upper < point.needed || test.estimate < point.needed;
  return {
    ...point,
    verdict: shown ? 'passed' : failed ? 'failed' : 'unclear',
    grade,
    confidence: 1 - test.p,
    better: test.estimate > 0,
    gain: test.estimate,
    interval: { lower, upper, alpha, rows: [test.n, test.n] },
    test,
  };
}

/** Grade C. Relative amounts are taken of the champion's measured value, as if that were exact. */
function fromSamples(pair: Pair): ReturnType<Method> {
  const { rule, alpha, champion, challenger, before, after } = pair;
  if (rule.sample === undefined) return null;
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
  const ends = interval(difference, alpha);
  const confidence = confidenceAbove(difference, neededOf(pair));
  if (![ends.lower, ends.upper, confidence].every(Number.isFinite)) return { code: 'too-large' };
  const point = fromPoints(pair);
  const significant = point.verdict === 'passed' && ends.lower > point.needed;
  return {
    ...point,
    verdict: significant ? 'passed' : point.verdict === 'passed' ? 'unclear' : 'failed',
    grade: 'C',
    confidence,
    interval: { ...ends, alpha, rows: [first.value.size, second.value.size] },
    test: {
      method: 'unpaired',
      n: Math.min(first.value.size, second.value.size),
      estimate,
      interval: [ends.lower, ends.upper],
      level: 1 - 2 * alpha,
      p: 1 - confidence,
      variance: difference.standardError ** 2 * Math.min(first.value.size, second.value.size),
      notes: [],
    },
  };
}

/** Rounding noise: 0.9 × 0.7 and 0.63 differ in the last bit, and that is neither a gain nor a loss. */
const ROUNDING = 1e-12;

/** Grade E: the two values, without a measure of uncertainty. */
const neededOf = ({ rule, before, needed }: Pair): number => needed ?? neededGain(rule, before);

function fromPoints(pair: Pair): MeasuredGain {
  const { rule, before, after } = pair;
  const measured = gainOf(rule, before, after);
  const needed = neededOf(pair);
  const noise = ROUNDING * Math.max(Math.abs(before), Math.abs(after));
  const gain = Math.abs(measured - needed) <= noise ? needed : Math.abs(measured) <= noise ? 0 : measured;
  return {
    verdict: (rule.strict ? gain > needed : gain >= needed) ? 'passed' : 'failed',
    grade: 'E',
    confidence: null,
    better: gain > noise,
    gain,
    needed,
    interval: null,
    test: null,
    byRows: null,
    noInterval: [],
  };
}
