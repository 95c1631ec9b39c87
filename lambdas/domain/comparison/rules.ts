import { neededFor } from './claims.ts';
import { dataOf, type Evidence, joinedRows, metricKey, type Reading, readMetric } from './evidence.ts';
import { compareValues, type MeasuredGain } from './methods.ts';
import type { Policy, Rule } from './policy.ts';
import type { MissingNumber, RuleResult } from './rule-result.ts';
import { agrees } from './self-checks.ts';

/**
 * The result of a rule. `unclear`: passed by the point values, but not distinguishable from chance. `missing`: a number is
 * missing, so no decision is made. `absent`: a number is missing and the policy counts that against the challenger.
 * `skipped`: a number is missing and the policy leaves the rule out. `alone`: no champion to compare with, and no limit.
 */
export type Verdict = MeasuredGain['verdict'] | 'missing' | 'absent' | 'skipped' | 'alone';

/** A rule with everything found about it. */
export interface EvaluatedRule {
  readonly rule: Rule;
  readonly verdict: Verdict;
  /** The rule in the answer of `compare-models`, without its reason. */
  readonly result: Omit<RuleResult, 'reason'>;
  /** The rule's limit and by how much it was missed (0 if it was met); null if none was checked. */
  readonly limit: { readonly value: number; readonly missedBy: number } | null;
  /** Null where the rule was not compared with a champion. */
  readonly gain: MeasuredGain | null;
}

/** Evaluates one rule on the runs' values. Without a champion only the rule's limit is checked. */
export function evaluateRule(rule: Rule, evidence: Evidence, policy: Policy): EvaluatedRule {
  const { alpha, claim } = policy;
  const { champion, challenger } = evidence;
  const after = readMetric(challenger, rule.metric);
  const before = champion !== null && rule.against_champion ? readMetric(champion, rule.metric) : null;
  if (after.value === null || (before !== null && before.value === null)) {
    return evaluated(rule, evidence, {
      verdict: withoutNumber(rule, after, before),
      why: missingNumbers(after, before),
    });
  }
  const limit = checkLimit(rule, after.value);
  const missed = limit !== null && limit.missedBy > 0;
  if (champion === null || before === null) {
    return evaluated(rule, evidence, {
      verdict: limit === null ? 'alone' : missed ? 'failed' : 'passed',
      limit,
    });
  }
  const values = { before: before.value, after: after.value };
  const isPrimary = claim?.primary === rule.name;
  const needed = isPrimary ? neededFor(claim) : undefined;
  const others = isPrimary ? evidence.others : undefined;
  const rows = joinedRows(evidence);
  const retrains = retrainValues(evidence, rule, policy);
  const gain = compareValues({
    rule,
    alpha,
    champion,
    challenger,
    ...values,
    rows,
    retrains,
    needed,
    others,
  });
  const differing = differingFromRows(gain, values, rule, evidence);
  if (differing.length > 0) return evaluated(rule, evidence, { verdict: 'missing', why: differing });
  return evaluated(rule, evidence, { verdict: missed ? 'failed' : gain.verdict, limit, gain });
}

/**
 * The metric of a rule in the last versions that were evaluated on the same data as the challenger; null where none were read, or
 * the challenger does not name its data.
 */
function retrainValues(
  { challenger, retrains }: Evidence,
  { metric }: Rule,
  policy: Policy,
): number[] | null {
  const data = JSON.stringify(dataOf(challenger, metric, policy));
  if (retrains === undefined || data === '[]') return null;
  return retrains.flatMap((side) => {
    const { value } = readMetric(side, metric);
    const isSame = JSON.stringify(dataOf(side, metric, policy)) === data;
    return side.run?.status === 'FINISHED' && isSame && value !== null ? [value] : [];
  });
}

/** Metrics that are logged with another value than the rows of the same run give. */
function differingFromRows(
  { byRows }: MeasuredGain,
  { before, after }: { before: number; after: number },
  { metric }: Rule,
  { champion, challenger }: Evidence,
): MissingNumber[] {
  if (byRows === null || champion === null) return [];
  const sides = [
    { side: challenger, logged: after, computed: byRows.challenger },
    { side: champion, logged: before, computed: byRows.champion },
  ];
  return sides
    .filter((each) => !agrees(each))
    .map(({ side }) => ({
      code: 'differs-from-rows',
      version: side.version.version,
      metric: metricKey(side, metric),
    }));
}

/** A rule that was not evaluated, with its values. */
export const unevaluatedRule = (rule: Rule, evidence: Evidence): EvaluatedRule =>
  evaluated(rule, evidence, { verdict: 'missing' });

type Found = Pick<EvaluatedRule, 'verdict'> &
  Partial<Pick<EvaluatedRule, 'limit' | 'gain'> & Pick<RuleResult, 'why'>>;

function evaluated(rule: Rule, { champion, challenger }: Evidence, found: Found): EvaluatedRule {
  const { verdict, why = [], limit = null, gain = null } = found;
  const { name, critical } = rule;
  const metric = metricKey(challenger, rule.metric);
  const championMetric = champion === null ? metric : metricKey(champion, rule.metric);
  const isCounted = verdict !== 'skipped' && verdict !== 'missing' && verdict !== 'alone';
  const result = {
    name,
    metric,
    ...(championMetric === metric ? {} : { champion_metric: championMetric }),
    champion: champion === null ? null : readMetric(champion, rule.metric).value,
    challenger: readMetric(challenger, rule.metric).value,
    // A rule without a limit does not fail for a first model; a skipped rule has not passed.
    passed: verdict === 'passed' || verdict === 'alone',
    counted: isCounted ? ('counted' as const) : verdict,
    why,
    critical,
    ...testOf(gain),
  };
  return { rule, verdict, result, limit, gain };
}

function testOf(gain: MeasuredGain | null): Pick<RuleResult, 'test'> {
  if (gain === null || gain.test === null) return {};
  const { method, n, estimate, interval, level, p } = gain.test;
  const [lower, upper] = interval;
  return { test: { grade: gain.grade, method, n, needed: gain.needed, estimate, lower, upper, level, p } };
}

/**
 * A rule is never skipped if the champion has the number and the challenger does not: the metric may have been dropped
 * because it got worse. Nor is it if the number is logged but not finite: the training may have diverged.
 */
function withoutNumber(rule: Rule, after: Reading, before: Reading | null): 'missing' | 'absent' | 'skipped' {
  const notFinite = missingNumbers(after, before).some(({ code }) => code !== 'not-logged');
  const dropped = after.value === null && before !== null && before.value !== null;
  if (rule.when_missing === 'skip') return notFinite || dropped ? 'missing' : 'skipped';
  const challengerLacks = after.value === null && (before === null || before.value !== null);
  return rule.when_missing === 'fail' && challengerLacks ? 'absent' : 'missing';
}

const missingNumbers = (...readings: (Reading | null)[]) =>
  readings.flatMap((reading) => (reading?.value === null ? [reading.why] : []));

function checkLimit({ direction, limit }: Rule, value: number): EvaluatedRule['limit'] {
  if (limit === undefined) return null;
  return { value: limit, missedBy: Math.max(0, direction === 'higher' ? limit - value : value - limit) };
}
