import type { RuleResult } from '../../domain/comparison/rule-result.ts';
import { type LedgerHead, parseHead } from '../../domain/ledger/entry.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { Comparison } from '../../domain/payloads.ts';
import { type DecisionReport, MAX_RULES, type ReportedRule } from '../../domain/report/decision.ts';
import { publicMessage, versionText, visible } from '../../domain/visible-text.ts';
import { confidenceText } from '../confidence.ts';
import { resultText } from '../rules.ts';
import { allocationListed, changesListed, gatesListed } from './facts.ts';

/** The report of one decision as data. The page is made from this document alone, so that both say the same. */

/** Characters of a name, of one that a rule has, and of a sentence. */
const NAME = 200;
const RULE_NAME = 120;
const SENTENCE = 500;

/** A recorded decision: everything in it is recorded before the report is made, so that it is the same each time. */
export interface RecordedDecision {
  readonly outcome: Outcome;
  readonly ledgerFrom: number | null;
}

/** The report of a comparison, and of the execution it was made in, if there is one. Never throws for what a comparison holds. */
export function decisionReport(
  model: string,
  comparison: Comparison,
  recorded: RecordedDecision | null = null,
): DecisionReport {
  const { champion_version: champion, challenger_version: challenger, policy, paired } = comparison;
  return {
    schema: 'model-promotion/decision-report/1',
    model: visible(model, NAME),
    decision: comparison.decision,
    verdict: publicMessage(comparison.recommendation, SENTENCE),
    confidence: finite(comparison.confidence),
    confidence_text: visible(confidenceText(comparison), SENTENCE),
    grade: comparison.evidence_grade,
    champion_version: short(champion),
    challenger_version: short(challenger),
    policy: visible(policy, NAME),
    rules: comparison.rules.slice(0, MAX_RULES).map(reported),
    rules_left_out: Math.max(0, comparison.rules.length - MAX_RULES),
    rows:
      paired === undefined
        ? null
        : {
            count: finite(paired.rows),
            fingerprint: short(paired.fingerprint),
            alpha: finite(paired.alpha),
            spent: finite(paired.spent),
            rows_needed: finite(paired.rows_needed),
          },
    budget: allocationListed(paired?.allocation),
    gates: gatesListed(comparison.gates),
    checks: gatesListed(comparison.checks),
    changes: changesListed(comparison.changes),
    evidence_digest: visible(comparison.evidence_digest, NAME),
    inputs_digest: short(comparison.inputs_digest ?? null),
    reproduce: commandFor(model, comparison),
    execution: recorded === null ? null : executionOf(recorded.outcome),
    ledger: recorded === null ? null : ledgerOf(recorded.ledgerFrom, comparison.ledger_head ?? null),
  };
}

const finite = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;
const short = (value: string | null) => (value === null ? null : visible(value, NAME));

function reported(rule: RuleResult): ReportedRule {
  const { result, reason } = resultText(rule);
  const { test } = rule;
  const figures = test === undefined ? [] : [test.needed, test.estimate, test.lower, test.upper, test.p];
  return {
    name: visible(rule.name, RULE_NAME),
    metric: visible(rule.metric, RULE_NAME),
    champion_metric: rule.champion_metric === undefined ? null : visible(rule.champion_metric, RULE_NAME),
    champion: finite(rule.champion),
    challenger: finite(rule.challenger),
    passed: rule.counted === 'counted' ? rule.passed : null,
    critical: rule.critical,
    result,
    reason: publicMessage(reason, SENTENCE),
    test:
      test === undefined || !figures.every(Number.isFinite)
        ? null
        : { ...test, method: visible(test.method, NAME) },
  };
}

function executionOf(outcome: Outcome): DecisionReport['execution'] {
  return {
    id: visible(outcome.execution, NAME),
    operation: outcome.operation,
    status: outcome.status,
    reason: publicMessage(outcome.reason, SENTENCE),
    dry_run: outcome.dry_run,
    requested_by: short(outcome.requested_by),
    champion_before: short(outcome.champion_before),
    champion_after: short(outcome.champion_after),
    recorded_at: visible(outcome.recorded_at, NAME),
  };
}

function ledgerOf(from: number | null, head: string | null): DecisionReport['ledger'] {
  if (from === null) return null;
  const follows: LedgerHead | null = head === null ? null : parseHead(head);
  return { from, follows: follows === null ? null : `${follows.seq}:${follows.hash}` };
}

/** In single quotes of a POSIX shell. */
const quotedForShell = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;
const word = (value: string) => (/^[\w.-]{1,80}$/.test(value) ? value : quotedForShell(visible(value, NAME)));

function commandFor(model: string, { champion_version, challenger_version, policy }: Comparison): string {
  const parts = [
    ['--model', model],
    ['--champion', champion_version],
    ['--challenger', challenger_version],
    ['--policy', policy],
  ].flatMap(([flag, value]) => (value == null || flag == null ? [] : [`${flag} ${word(value)}`]));
  return `npx promotion compare ${parts.join(' ')}`;
}

/** The versions of a decision, in a few words. */
export const versionsOf = ({
  champion_version: champion,
  challenger_version: challenger,
}: Pick<DecisionReport, 'champion_version' | 'challenger_version'>): string =>
  challenger === null
    ? 'no challenger'
    : champion === null
      ? `${versionText(challenger)}, no champion`
      : `${versionText(challenger)} against ${versionText(champion)}`;
