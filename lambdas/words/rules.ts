import type { NoSample } from '../domain/comparison/evidence.ts';
import type { Interval, MeasuredGain } from '../domain/comparison/methods.ts';
import type { RuleResult } from '../domain/comparison/rule-result.ts';
import type { EvaluatedRule } from '../domain/comparison/rules.ts';
import { visible } from '../domain/visible-text.ts';
import { digitsApart, probability, show, signed } from './numbers.ts';
import { notByRows } from './rows.ts';

/** The texts about one rule: its reason, its part of a sentence, its row of the table. */

const NOT_COUNTED = {
  skipped: 'Skipped',
  missing: 'Not evaluated',
  alone: 'Not counted',
  'not-counted': 'Not counted',
} as const satisfies Record<Exclude<RuleResult['counted'], 'counted'>, string>;

/** The result and the reason of a rule for the table. */
export function resultText(rule: RuleResult): { result: string; reason: string } {
  const { passed, counted, critical, reason } = rule;
  if (counted === 'counted') {
    return { result: passed ? 'passed' : critical ? 'not passed (critical)' : 'not passed', reason };
  }
  const result = NOT_COUNTED[counted].toLowerCase();
  return { result, reason: counted === 'not-counted' ? reason : whyText(rule) };
}

/** The reason of a rule: everything found about it, without its two values. */
export function reasonOf({ rule, result, limit, gain }: EvaluatedRule): string {
  const why = whyText(result);
  if (result.counted !== 'counted') {
    const word = NOT_COUNTED[result.counted];
    return why === '' ? word : `${word}: ${why}`;
  }
  const parts = [...(gain === null ? [] : [gainText(gain, rule.strict)]), ...limitText(limit)];
  return [why, ...(isMissed(limit) ? parts.reverse() : parts)].filter((part) => part !== '').join('; ');
}

/** The reason for a rule's result in a few words. */
export function briefOf({ rule, result, limit, gain }: EvaluatedRule): string {
  const why = whyText(result);
  if (why !== '') return why;
  if (gain === null || isMissed(limit)) return limitText(limit).join('');
  if (gain.verdict === 'failed') return gainAndNeedText(gain, rule.strict);
  const { confidence } = gain;
  return confidence === null
    ? gainedText(gain)
    : `${gainedText(gain)}, confidence ${probability(confidence)}`;
}

/** Why a rule was not evaluated, or failed without a value; empty otherwise. */
function whyText({ counted, why }: Pick<RuleResult, 'counted' | 'why'>): string {
  return counted === 'alone' ? 'no champion, and no limit set' : why.map(missingText).join(', ');
}

/** A version as it stands in a sentence. */
export const named = (version: string) => `version ${visible(version, 20)}`;

/** Why a number is missing or a sample is invalid. */
export function missingText(lack: NoSample): string {
  if (lack.code === 'too-large') return 'the values are too large for an interval';
  if (lack.code === 'rows') return notByRows(lack.why);
  if (lack.code === 'repeats') return notByRows({ code: 'refused', ...lack.why });
  if (lack.code === 'folds-differ')
    return `the folds differ: ${lack.champion} of the champion, ${lack.challenger} of the challenger`;
  const who = named(lack.version);
  switch (lack.code) {
    case 'not-logged':
      return `${who} has no metric ${lack.metric}`;
    case 'nan':
      return `${lack.metric} of ${who} is NaN`;
    case 'infinite':
      return `${lack.metric} of ${who} is infinite`;
    case 'differs-from-rows':
      return `${lack.metric} of ${who} is logged with another value than its rows give`;
    case 'no-number':
      return `${who} has no metric or parameter ${lack.key}`;
    case 'not-numeric':
      return `parameter ${lack.key} of ${who} is not a number`;
    case 'no-deviation':
      return `${lack.key} of ${who} is not above zero`;
    case 'too-few-rows':
      return `${lack.key} of ${who} must be a whole number of rows, at least ${lack.fewest}`;
    case 'no-proportion':
      return `${lack.value} of ${who} is not a proportion between 0 and 1`;
  }
}

const isMissed = (limit: EvaluatedRule['limit']) => limit !== null && limit.missedBy > 0;

function limitText(limit: EvaluatedRule['limit']): string[] {
  if (limit === null) return [];
  const missed = isMissed(limit) ? `missed by ${show(limit.missedBy, 4)}` : 'met';
  return [`limit ${show(limit.value)} ${missed}`];
}

function gainText(found: MeasuredGain, strict: boolean): string {
  const { interval, confidence, noInterval } = found;
  const comparedText = gainAndNeedText(found, strict);
  if (noInterval.length > 0)
    return `${comparedText} (no interval: ${noInterval.map(missingText).join(', ')})`;
  if (interval === null || confidence === null) return comparedText;
  const what = found.grade === 'B' ? '; of the way of training, not of these versions' : '';
  return `${comparedText}; ${intervalText(interval, found.needed)}, confidence ${probability(confidence)}${what}`;
}

/** With as many digits as distinguish the gain from the required one. */
const gainedText = ({ gain, needed }: MeasuredGain) => `gain ${signed(gain, digitsApart(gain, needed))}`;

function gainAndNeedText(found: MeasuredGain, strict: boolean): string {
  const needed = signed(found.needed, digitsApart(found.gain, found.needed));
  return `${gainedText(found)}, needed ${strict ? '>' : '>='} ${needed}`;
}

function intervalText({ lower, upper, alpha, rows: [first, second] }: Interval, needed: number): string {
  const digits = Math.max(digitsApart(lower, needed, 3), digitsApart(upper, needed, 3));
  const level = show(100 * (1 - 2 * alpha));
  const rows = first === second ? `n = ${first} each` : `n = ${first} and ${second}`;
  return `${level}% interval ${signed(lower, digits)} to ${signed(upper, digits)}; ${rows}`;
}
