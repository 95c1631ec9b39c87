import type { Outcome, OutcomeCause } from '../../domain/outcome/outcome-schema.ts';
import type { RollbackAnswer } from '../../domain/release/payloads.ts';
import { publicMessage, visible } from '../../domain/visible-text.ts';
import { approvalLines } from '../approval.ts';
import { confidenceText } from '../confidence.ts';
import { causeText, rollbackFound } from '../reasons.ts';
import { riskText } from '../risk.ts';
import { seriesText, standingText } from '../watch.ts';
import { wordingOf } from './outcome.ts';
import type { Line, Wording } from './wording.ts';

/** The parts of an alert for every channel. Untrusted text in it is in visible form: one line each, bounded. */
export interface AlertParts {
  readonly words: Wording;
  readonly name: string;
  /** Why it happened: requester, reason, errors, problems, holder. */
  readonly causes: readonly Line[];
  /** Decision and confidence of the comparison; null without one. */
  readonly evidence: {
    readonly decision: Line;
    readonly confidence: Line;
    readonly risk: Line | null;
  } | null;
}

// Limits in characters. Together with 3 bytes for each, JSON's escapes and two copies of the text (`default` and
// `email`) they keep the whole SNS message below 262,144 bytes; a test tries the worst characters.
const MAX_NAME_LENGTH = 6000;
/** Of one value after a label. */
export const MAX_VALUE_LENGTH = 800;
const MAX_PROBLEMS = 10;
const MAX_LOG_LINES = 3;

/** The parts of the alert for an outcome. */
export function partsOf(outcome: Outcome): AlertParts {
  const { model_name: name } = outcome;
  const words = wordingOf(outcome);
  return {
    words: { ...words, where: words.where.map(visibleLine) },
    name: name === null || name === '' ? 'unknown' : visible(name, MAX_NAME_LENGTH),
    causes: [
      ...requestLines(outcome),
      ...causesOf(outcome),
      ...approvedLines(outcome),
      ...watchLines(outcome),
    ],
    evidence: evidenceOf(outcome),
  };
}

const line = (label: string, text: string): Line => ({ label, value: publicMessage(text, MAX_VALUE_LENGTH) });
const visibleLine = (one: Line): Line => (typeof one === 'string' ? one : line(one.label, one.value));

/** Why and by whom a rollback was requested. */
function requestLines({ operation, rollback, requested_by: by }: Outcome): Line[] {
  if (operation !== 'rollback') return [];
  const because = rollback === null ? [] : [line('Rollback reason', requestReason(rollback))];
  return [...because, line('Requested by', by ?? 'not given')];
}

const requestReason = ({ reason, alarm_name: alarm }: NonNullable<Outcome['rollback']>) =>
  alarm === null ? reason : `${reason} (alarm ${alarm})`;

/** What people decided, or are asked to. */
const approvedLines = ({ approval }: Outcome): Line[] =>
  approval === undefined ? [] : approvalLines(approval).map(({ label, value }) => line(label, value));

/** Where the series of a watch stand that have anything to say. */
const watchLines = ({ watch }: Outcome): Line[] =>
  (watch?.series ?? []).flatMap((standing) =>
    standing.estimate === null ? [] : [line(seriesText(standing.series), standingText(standing))],
  );

/** Each fact appears once: what one line contains is left out of the others. */
function causesOf(outcome: Outcome): Line[] {
  const { cause, error, rollback_error: rollbackError, problems, holder } = outcome;
  const lines: Line[] = [];
  const add = (label: string, text: string | null) => {
    if (text) lines.push(line(label, text));
  };
  if (problems.length === 0 && cause?.code !== 'rollback-failed') add('Reason', reasonOf(outcome));
  // The reason of an outcome without a cause is that of what failed last.
  const isReason = cause === null ? rollbackError === null : cause.code === 'error';
  const isShown = isReason || error?.message === rollbackError?.message;
  if (error !== null && !isShown) add('Error', `${error.name}: ${error.message}`);
  if (rollbackError !== null) add('Rollback error', `${rollbackError.name}: ${rollbackError.message}`);
  lines.push(...rollbackLines(outcome), ...diagnosisLines(outcome));
  add('Lease held by', holder);
  for (const problem of problems.slice(0, MAX_PROBLEMS)) add('Problem', problem);
  if (problems.length > MAX_PROBLEMS)
    lines.push(`More problems, not shown: ${problems.length - MAX_PROBLEMS}.`);
  return lines;
}

/** Without what the alert shows elsewhere: that it was a dry run, and the result of the rollback. */
function reasonOf(outcome: Outcome): string {
  const { cause, reason, rollback } = outcome;
  if (cause === null) return reason;
  // The first sentence says a verdict on the whole watch.
  if (cause.code === 'watch' && cause.series === null) return '';
  return cause.code === 'no-result' && rollback !== null ? '' : causeText(cause, outcome);
}

/** The result of the rollback. An outcome without a cause has it in its reason. */
function rollbackLines({ cause, rollback, ending }: Outcome): Line[] {
  if (cause === null || rollback === null) return [];
  const { finding, serving, model_name: model } = rollback;
  // The current state says the same.
  if (finding?.code === 'unmoved' && ending !== null) return [];
  const found = finding === null ? rollback.detail : rollbackFound(finding, model);
  return [line(labelOf(rollback, cause), found === '' ? (serving?.reason ?? '') : found)];
}

function labelOf({ finding, rolled_back, serving }: RollbackAnswer, cause: OutcomeCause): string {
  if (finding?.code === 'would-move' || finding?.code === 'would-settle') return 'Expected result';
  if (rolled_back || serving !== null) return 'In the registry';
  return cause.code === 'asked' || cause.code === 'no-result' ? 'Reason' : 'Rollback';
}

/** Why a candidate did not become ready: the platform's message, and the last lines of the candidate's log. */
function diagnosisLines({ serving, cause }: Outcome): Line[] {
  const { message = null, log_lines: log = [] } = serving?.diagnosis ?? {};
  const failure = cause?.code === 'rollout-failed' ? cause.failure : null;
  // The reason of such a failure ends with the platform's message.
  const isShown = failure?.code === 'candidate-failed' && failure.message !== null;
  const platform = !message || isShown ? [] : [line('Platform message', message)];
  return [...platform, ...log.slice(-MAX_LOG_LINES).map((text) => line('Candidate log', text))];
}

function evidenceOf({ comparison }: Outcome): AlertParts['evidence'] {
  if (comparison === null) return null;
  const risk = riskText(comparison);
  return {
    decision: line('Decision', `${comparison.decision} by policy ${comparison.policy}`),
    confidence: line('Confidence', confidenceText(comparison)),
    risk: risk === null ? null : line('Risk of the claim', risk),
  };
}
