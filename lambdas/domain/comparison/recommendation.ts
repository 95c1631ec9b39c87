import { visible } from '../visible-text.ts';
import { percent, ROUNDING } from './numbers.ts';
import type { Grade } from './policy.ts';
import type { Judged } from './rules.ts';

/** What a comparison says to a person: one short sentence to act on, and how its confidence is to be read. */

/** What the judged rules add up to; the terms are defined where the decision is made. */
export interface Findings {
  readonly challenger: string;
  /** Null for a first model. */
  readonly champion: string | null;
  readonly policy: string;
  readonly judged: readonly Judged[];
  readonly counted: readonly Judged[];
  readonly passed: readonly Judged[];
  readonly missed: readonly Judged[];
  readonly unclear: readonly Judged[];
  readonly deciding: readonly Judged[];
  readonly share: number;
  readonly grade: Grade | null;
  readonly confidence: number;
  /** True when the confidence is one minus a p, false when it is the share. */
  readonly isProbability: boolean;
  readonly threshold: number;
  /** True when neither run names the data it was evaluated on. */
  readonly dataUnknown: boolean;
}

/** What a confidence is: it can be read after "100.0% =" or, where nothing was compared, alone. */
export const METHODS = {
  probability: 'one minus the one-sided p of an unpaired interval',
  share: 'weighted share of passed rules, not a probability',
  limits: 'weighted share of kept limits, not a probability; there is no champion to compare with',
  same: 'not compared, as challenger and champion are the same version',
  none: 'not compared',
} as const;

export function method({ champion, isProbability }: Findings): string {
  if (champion === null) return METHODS.limits;
  return isProbability ? METHODS.probability : METHODS.share;
}

export function sameVersion(version: string): string {
  return `${capital(named(version))} is the champion already: promoting it again changes nothing, or completes what was left half-done.`;
}

const MOST_REASONS = 4;

export function undecided(reasons: readonly string[]): string {
  const more = reasons.length > MOST_REASONS ? [`and ${reasons.length - MOST_REASONS} more`] : [];
  return `Nothing was decided: ${[...reasons.slice(0, MOST_REASONS), ...more].join('; ')}.`;
}

export function missing(rules: readonly Judged[]): string {
  const [one] = rules;
  const others = rules.length - 1;
  const more =
    others === 0 ? '' : `; ${others} more ${others === 1 ? 'rule lacks' : 'rules lack'} numbers too`;
  return `Nothing was decided: ${one?.missing ?? ''} (rule ${ruleName(one)}${more}). Log it and run again.`;
}

export function nothingToJudge({ champion, policy }: Findings): string {
  if (champion !== null) return undecided([`every rule of policy ${policy} was skipped`]);
  return undecided([
    `there is no champion, and policy ${policy} sets no limit to judge a first model by; promote it by name with promote-model`,
  ]);
}

export function fails(findings: Findings, rules: readonly Judged[]): string {
  const critical = rules.length === 1 ? 'a critical rule' : 'critical rules';
  return `${stay(findings)}: ${named(findings.challenger)} fails ${critical}, ${first(rules)}; ${tally(findings)}${assumption(findings)}.`;
}

export function doubtful(findings: Findings, rules: readonly Judged[]): string {
  return `Evaluate ${named(findings.challenger)} on more rows: it cannot be told from chance on ${first(rules)}; ${tally(findings)}${assumption(findings)}.`;
}

export function promote(findings: Findings): string {
  const { champion, challenger, grade } = findings;
  if (champion === null) {
    return `Promote ${named(challenger)} as the first champion: ${tally(findings)}; there is no champion to compare with, so only limits were checked.`;
  }
  const deciding = weightiest(findings);
  return `Promote ${named(challenger)} over ${named(champion)}: ${tally(findings)}; ${first(deciding, false)}; grade ${grade}${assumption(findings)}.`;
}

export function gradeNotAccepted(findings: Findings): string {
  const { challenger, grade, policy, deciding } = findings;
  const without = deciding.find(({ noInterval }) => noInterval !== null);
  const why = without === undefined ? '' : `; no interval, as ${without.noInterval}`;
  return `Look at ${named(challenger)} yourself: ${tally(findings)}, but policy ${policy} does not accept evidence of grade ${grade}${why}${assumption(findings)}.`;
}

export function notBetter(findings: Findings): string {
  return `${stay(findings)}: ${named(findings.challenger)} is not better; ${shortfall(findings)}.`;
}

export function mixed(findings: Findings): string {
  return `Look at ${named(findings.challenger)} yourself: the picture is mixed; ${shortfall(findings)}.`;
}

/** What keeps a challenger that fails no critical rule from passing. */
function shortfall(findings: Findings): string {
  const { confidence, share, threshold, missed, unclear } = findings;
  const short = (value: number) => value < threshold - ROUNDING;
  const needed = percent(threshold);
  const parts = [
    missed.length === 0 ? '' : `it fails ${first(missed)}`,
    unclear.length === 0 ? '' : unclearPart(findings),
    tally(findings),
    short(share)
      ? `weighted share ${percent(share)}, needed ${needed}`
      : short(confidence)
        ? `confidence ${percent(confidence)}, needed ${needed}`
        : '',
  ];
  return `${parts.filter((part) => part !== '').join('; ')}${assumption(findings)}`;
}

/** In full where nothing else is told; the table has every rule. */
function unclearPart({ missed, unclear }: Findings): string {
  if (missed.length === 0) return `it cannot be told from chance on ${first(unclear)}`;
  return `${unclear.length} unclear`;
}

const named = (version: string) => `version ${visible(version, 20)}`;
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const LONGEST_RULE = 40;
const ruleName = (one: Judged | undefined) => visible(one?.rule.name ?? '', LONGEST_RULE);

function stay({ champion }: Findings): string {
  return champion === null ? 'Leave the model without a champion' : `Keep ${named(champion)}`;
}

/** The same count as in the table: rules that were not counted are no misses. */
function tally({ judged, passed, counted }: Findings): string {
  const rest = judged.length - counted.length;
  const left = rest === 0 ? '' : ` (${rest} not counted)`;
  return `${passed.length} of ${counted.length} rules passed${left}`;
}

function assumption(findings: Findings): string {
  return findings.dataUnknown ? '; neither run names its evaluation data, assumed to be the same' : '';
}

/** The first rule with what speaks for its verdict, and how many there are besides; the table has them all. */
function first(rules: readonly Judged[], others = true): string {
  const [one] = rules;
  const more = others && rules.length > 1 ? ` and ${rules.length - 1} more` : '';
  return one === undefined ? '' : `${ruleName(one)} (${one.brief})${more}`;
}

/** The passed rule that the decision rests on most: the least sure one, else the heaviest of the deciding. */
function weightiest({ deciding, passed }: Findings): Judged[] {
  const good = deciding.filter((one) => passed.includes(one));
  return [...(good.length > 0 ? good : passed)].sort(
    (a, b) => (a.confidence ?? 1) - (b.confidence ?? 1) || b.rule.weight - a.rule.weight,
  );
}
