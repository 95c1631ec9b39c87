import type { SelectionProblem } from '../domain/comparison/candidates.ts';
import type { Decided, RulesFinding } from '../domain/comparison/decision.ts';
import type { Obstacle } from '../domain/comparison/evidence.ts';
import type { EvaluatedRule } from '../domain/comparison/rules.ts';
import type { Comparison } from '../domain/payloads.ts';
import { sentence, visible } from '../domain/visible-text.ts';
import { METHODS, PROBABILITY } from './confidence.ts';
import { gateInWords, gateReason } from './gates.ts';
import { percent } from './numbers.ts';
import { noChallenger } from './phrases.ts';
import { rowsProblem } from './rows.ts';
import { briefOf, missingText, named, reasonOf } from './rules.ts';

/** A decision with its texts. Untrusted text in them is in visible form. */
export function inWords(
  decided: Decided,
): Omit<Comparison, 'evidence_digest' | 'profit_improvement' | 'owner'> {
  const { finding: _, rules, gates, checks, ...facts } = decided;
  return {
    ...facts,
    recommendation: recommendationOf(decided),
    method: methodOf(facts),
    rules: rules.map((judged) => ({ ...judged.result, reason: reasonOf(judged) })),
    ...(gates === undefined ? {} : { gates: gates.map(gateInWords) }),
    ...(checks === undefined ? {} : { checks: checks.map(gateInWords) }),
  };
}

function methodOf({ basis, evidence_grade: grade }: Pick<Decided, 'basis' | 'evidence_grade'>): string {
  const tested = basis === 'probability' && grade !== null ? PROBABILITY[grade] : undefined;
  return tested ?? METHODS[basis];
}

/** The recommendation of a comparison: one short sentence. */
function recommendationOf(decided: Decided): string {
  const { finding, champion_version: champion, policy, rules } = decided;
  switch (finding.code) {
    case 'no-challenger':
    case 'rolled-back':
    case 'named-twice':
    case 'several-champions':
    case 'champion-not-found':
      return `${selectionProblemText(finding)}.`;
    case 'same-version':
      return `${sentence(named(finding.version))} is already the champion: promoting it again changes nothing, or completes an unfinished promotion.`;
    case 'undecided':
      return undecided(finding.obstacles.map(obstacleText));
    case 'missing-numbers':
      return missing(rules.filter(({ verdict }) => verdict === 'missing'));
    case 'nothing-to-judge':
      return undecided([
        champion !== null
          ? `every rule of policy ${policy} was skipped`
          : `there is no champion, and policy ${policy} sets no limit for a first model; promote it by name with promote-model`,
      ]);
    case 'gates-failed': {
      const [one, ...others] = finding.blocked;
      const more = others.length === 0 ? '' : ` and ${others.length} more`;
      const why = one === undefined ? '' : ` ${visible(one.name, MAX_RULE_NAME_LENGTH)} (${gateReason(one)})`;
      return `Do not promote ${named(finding.challenger)} yet: ${tallyOf(rules)}, but it does not pass${why}${more}.`;
    }
    default:
      return recommendationByRules(finding, decided);
  }
}

function selectionProblemText(finding: SelectionProblem): string {
  switch (finding.code) {
    case 'no-challenger': {
      const rolledBack = finding.passedOver.map((version) => visible(version, 20)).join(', ');
      const instead = rolledBack === '' ? '' : ` (skipped, as rolled back: ${rolledBack})`;
      const how = finding.mode === 'aliases' ? 'set it' : 'move one to Staging';
      const aliased =
        finding.aliased === null
          ? ''
          : `set MLFLOW_REGISTRY_MODE=aliases, as @challenger is ${named(finding.aliased)} and no stage is in use; or `;
      return `${noChallenger(finding.mode)}${instead}; ${aliased}${how} or pass challenger_version`;
    }
    case 'rolled-back':
      return `${sentence(named(finding.version))} was rolled back and is not promoted again; clear its tag rolled_back to allow it`;
    case 'named-twice':
      return `${sentence(named(finding.version))} is named as champion and as challenger but is not the only champion`;
    case 'several-champions': {
      const list = finding.versions.map((version) => visible(version, 20)).join(' and ');
      return `Versions ${list} are all marked as champion; run again with the one to keep as challenger_version`;
    }
    case 'champion-not-found':
      return `The alias champion names ${named(finding.version)}, which does not exist`;
  }
}

function obstacleText(obstacle: Obstacle): string {
  switch (obstacle.code) {
    case 'not-ready':
      return `${named(obstacle.version)} is ${visible(obstacle.status, 40)}, not READY`;
    case 'no-run':
      return `${named(obstacle.version)} has no run, and so no metrics`;
    case 'run-not-found':
      return `run ${visible(obstacle.run, 40)} of ${named(obstacle.version)} does not exist`;
    case 'run-not-finished': {
      const status = visible(obstacle.status, 40) || 'in an unknown state';
      return `the run of ${named(obstacle.version)} is ${status}, not FINISHED`;
    }
    case 'rows':
      return rowsProblem(obstacle.problem);
    case 'data-unknown':
      return 'neither run names the data it was evaluated on';
    case 'data-differ': {
      const [was, is] = [obstacle.champion, obstacle.challenger].map(
        (digests) => digests.map((digest) => visible(digest, 40)).join(', ') || 'unknown data',
      );
      return `champion and challenger were evaluated on different data (champion: ${was}; challenger: ${is})`;
    }
  }
}

const MAX_REASONS = 4;

function undecided(reasons: readonly string[]): string {
  const more = reasons.length > MAX_REASONS ? [`and ${reasons.length - MAX_REASONS} more`] : [];
  return `No decision: ${[...reasons.slice(0, MAX_REASONS), ...more].join('; ')}.`;
}

function missing([one, ...others]: readonly EvaluatedRule[]): string {
  const lack = others.length === 1 ? 'rule lacks' : 'rules lack';
  const more = others.length === 0 ? '' : `; ${others.length} more ${lack} numbers`;
  const why = one?.result.why.map(missingText).join(', ') ?? '';
  return `No decision: ${why} (rule ${ruleName(one)}${more}). Log it and run again.`;
}

function recommendationByRules(
  finding: RulesFinding,
  { champion_version: champion, policy, evidence_grade: grade, ...decided }: Decided,
) {
  const { about } = finding;
  const challenger = named(finding.challenger);
  const stay = champion === null ? 'Leave the model without a champion' : `Keep ${named(champion)}`;
  const assumption = finding.dataUnknown
    ? '; neither run names its evaluation data, assumed to be the same'
    : '';
  const tally = tallyOf(decided.rules);
  switch (finding.code) {
    case 'critical-rules-failed': {
      const critical = about.length === 1 ? 'a critical rule' : 'critical rules';
      return `${stay}: ${challenger} fails ${critical}, ${first(about)}; ${tally}${assumption}.`;
    }
    case 'in-doubt':
      return `Evaluate ${challenger} on more rows: ${first(about)} is not distinguishable from chance; ${tally}${assumption}.`;
    case 'promote':
      return champion === null
        ? `Promote ${challenger} as the first champion: ${tally}; there is no champion to compare with, so only limits were checked${laterText(finding)}.`
        : `Promote ${challenger} over ${named(champion)}: ${tally}; ${first(about.slice(0, 1))}; grade ${grade}${assumption}.`;
    case 'grade-not-accepted': {
      const [without] = about.flatMap(({ gain }) => (gain?.noInterval.length ? [gain.noInterval] : []));
      const why =
        without === undefined
          ? ''
          : `; no interval, as ${without.map(missingText).join(', ')}. ${LOG_IT}, and run again`;
      return `Review ${challenger}: ${tally}, but policy ${policy} does not accept evidence of grade ${grade}${why}${assumption}.`;
    }
    case 'not-better':
      return `${stay}: ${challenger} is not better; ${shortfall(finding, decided, tally)}${assumption}.`;
    case 'mixed':
      return `Review ${challenger}: the results are mixed; ${shortfall(finding, decided, tally)}${assumption}.`;
    case 'guardrail-worse':
      return `${stay}: ${challenger} is worse on ${first(about)}; ${tally}${assumption}.`;
    case 'guardrail-open':
      return `Evaluate ${challenger} on more rows: the claim is shown, but not that it is no worse on ${first(about)}${rowsText(finding)}${assumption}.`;
    case 'not-worthwhile':
      return `${stay}: ${challenger} is at most a little better; ${first(about)}${rowsText(finding)}${assumption}.`;
    case 'open':
      return `Evaluate ${challenger} on more rows: neither better nor worse is shown; ${first(about)}${rowsText(finding)}${assumption}.`;
  }
}

/** How many rows would probably show it. */
const rowsText = ({ claim }: RulesFinding): string =>
  claim === null || claim.rowsNeeded === null ? '' : `; about ${claim.rowsNeeded} rows would show it`;

/** The way out, also where it is the champion that lacks a number. */
const LOG_IT = 'Log it to the run of that version, which MLflow allows for a finished run too';

/** What a first champion lacks for the comparisons to come. */
const laterText = ({ lacks }: RulesFinding): string =>
  lacks.length === 0
    ? ''
    : `. No later version can be promoted over it: ${lacks.map(missingText).join(', ')}. ${LOG_IT}`;

/** Why a challenger that fails no critical rule does not pass. */
function shortfall(
  { about, share, threshold, shortOf }: RulesFinding,
  { rules, confidence }: Pick<Decided, 'rules' | 'confidence'>,
  tally: string,
): string {
  const unclear = rules.filter(({ verdict }) => verdict === 'unclear');
  // In full if there is nothing else to name; the table has every rule.
  const doubt =
    about.length === 0 ? `${first(unclear)} is not distinguishable from chance` : `${unclear.length} unclear`;
  const needed = `needed ${percent(threshold)}`;
  const parts = [
    about.length === 0 ? '' : `it fails ${first(about)}`,
    unclear.length === 0 ? '' : doubt,
    tally,
    shortOf === 'share' ? `weighted share ${percent(share)}, ${needed}` : '',
    shortOf === 'confidence' ? `confidence ${percent(confidence)}, ${needed}` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

const MAX_RULE_NAME_LENGTH = 40;
const ruleName = (one: EvaluatedRule | undefined) => visible(one?.rule.name ?? '', MAX_RULE_NAME_LENGTH);

/** The same count as in the table: rules that were not counted have not failed. */
function tallyOf(rules: readonly EvaluatedRule[]): string {
  const counted = rules.filter(({ result }) => result.counted === 'counted');
  const passed = counted.filter(({ result }) => result.passed);
  const rest = rules.length - counted.length;
  return `${passed.length} of ${counted.length} rules passed${rest === 0 ? '' : ` (${rest} not counted)`}`;
}

/** The first rule with the reason for its result, and the number of others; the table has them all. */
function first([one, ...others]: readonly EvaluatedRule[]): string {
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return one === undefined ? '' : `${ruleName(one)} (${briefOf(one)})${more}`;
}
