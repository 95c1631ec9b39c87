import { visible } from '../visible-text.ts';
import type { Grade } from './policy.ts';
import type { Judged } from './rules.ts';

/** What a comparison says to a person: one sentence to act on, and how its confidence is to be read. */

/** What the judged rules add up to; the terms are defined where the decision is made. */
export interface Findings {
  readonly challenger: string;
  /** Null for a first model. */
  readonly champion: string | null;
  readonly policy: string;
  readonly counted: readonly Judged[];
  readonly passed: readonly Judged[];
  readonly missed: readonly Judged[];
  readonly unclear: readonly Judged[];
  readonly deciding: readonly Judged[];
  readonly share: number;
  readonly grade: Grade | null;
  readonly confidence: number;
  readonly threshold: number;
  /** True when neither run names the data it was evaluated on. */
  readonly dataUnknown: boolean;
}

export const METHODS = {
  C: 'unpaired intervals, one-sided (Agresti-Caffo for proportions, z for means); confidence is one minus the largest one-sided p of the deciding rules',
  E: 'point values only, no uncertainty available; confidence is the weighted share of passed rules, not a probability',
  limits:
    'absolute limits only, as there is no champion; confidence is the weighted share of passed rules, not a probability',
  same: 'same version, nothing compared; confidence is 1 because a version is never worse than itself',
  none: 'not compared; confidence 0 stands for no evidence',
} as const;

export function method({ champion, grade }: Findings): string {
  if (champion === null) return METHODS.limits;
  return grade === 'C' ? METHODS.C : METHODS.E;
}

export function sameVersion(version: string): string {
  return `${capital(named(version))} is the champion already: promoting it again changes nothing, or completes what was left half-done.`;
}

export function undecided(reasons: readonly string[]): string {
  return `Nothing was decided: ${reasons.join('; ')}.`;
}

export function missing(rules: readonly Judged[]): string {
  const reasons = rules.map((one) => `${one.missing ?? ''} (rule ${one.rule.name})`);
  return `Nothing was decided for want of numbers; log them and run again: ${reasons.join('; ')}.`;
}

export function nothingToJudge({ champion, policy }: Findings): string {
  if (champion !== null) return undecided([`every rule of policy ${policy} was skipped`]);
  return undecided([
    `there is no champion and policy ${policy} sets no limit, so a first model cannot be judged; promote it by name with promote-model`,
  ]);
}

export function fails(findings: Findings, rules: readonly Judged[]): string {
  return `${stay(findings)}: ${named(findings.challenger)} fails ${listed(rules)}${assumption(findings)}.`;
}

export function doubtful(findings: Findings, rules: readonly Judged[]): string {
  return `Evaluate ${named(findings.challenger)} on more rows before promoting it: it cannot be told from chance on ${listed(rules)}${assumption(findings)}.`;
}

export function promote(findings: Findings): string {
  const { champion, challenger, grade, deciding, confidence } = findings;
  if (champion === null) {
    return `Promote ${named(challenger)} as the first champion: there is none to compare with, so only the absolute limits were checked (${tally(findings)}).`;
  }
  const over = `Promote ${named(challenger)} over ${named(champion)}`;
  const why =
    grade === 'E'
      ? `${tally(findings)}; grade E, point values only, no uncertainty available`
      : `${listed(deciding)}; ${tally(findings)}; confidence ${percent(confidence)}, grade ${grade}`;
  return `${over}: ${why}${assumption(findings)}.`;
}

export function gradeNotAccepted(findings: Findings): string {
  const { challenger, grade, policy, deciding } = findings;
  return `Look at ${named(challenger)} yourself: it passes, but on evidence of grade ${grade}, which policy ${policy} does not accept: ${listed(deciding)}${assumption(findings)}.`;
}

export function notBetter(findings: Findings): string {
  return `${stay(findings)}: ${named(findings.challenger)} is not better; ${shortfall(findings)}.`;
}

export function mixed(findings: Findings): string {
  return `Look at ${named(findings.challenger)} yourself: the picture is mixed; ${shortfall(findings)}.`;
}

/** What keeps a challenger that fails no critical rule from passing. */
function shortfall(findings: Findings): string {
  const { confidence, threshold, missed, unclear, policy } = findings;
  const parts = [
    missed.length === 0 ? '' : `it fails ${listed(missed)}`,
    unclear.length === 0 ? '' : `it cannot be told from chance on ${listed(unclear)}`,
    tally(findings),
    `confidence ${percent(confidence)} where policy ${policy} needs ${percent(threshold)}`,
  ];
  return `${parts.filter((part) => part !== '').join('; ')}${assumption(findings)}`;
}

const named = (version: string) => `version ${visible(version, 20)}`;
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function stay({ champion }: Findings): string {
  return champion === null ? 'Leave the model without a champion' : `Keep ${named(champion)}`;
}

function tally({ passed, counted, share }: Findings): string {
  return `${passed.length} of ${counted.length} rules passed, weighted share ${percent(share)}`;
}

function assumption(findings: Findings): string {
  return findings.dataUnknown
    ? ' (neither run names its evaluation data: that it is the same is assumed)'
    : '';
}

function listed(rules: readonly Judged[]): string {
  return rules.map(({ rule, result }) => `${rule.name} (${result.reason})`).join(', ');
}
