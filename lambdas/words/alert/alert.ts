import { headText, type LedgerHead } from '../../domain/ledger/entry.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { Comparison } from '../../domain/payloads.ts';
import { ascii, visible } from '../../domain/visible-text.ts';
import { changeLines } from '../changes.ts';
import { methodText } from '../confidence.ts';
import { evidenceTable } from '../evidence-table.ts';
import { gateLines } from '../gates.ts';
import { percent, probability } from '../numbers.ts';
import { type AlertParts, MAX_VALUE_LENGTH, partsOf } from './facts.ts';
import type { AlertKind } from './kinds.ts';
import { type SlackNotification, slackNotification } from './slack.ts';
import type { AlertContext, Line, RunPage } from './wording.ts';

/** The notification about one outcome, ready to be published. */
export interface Alert {
  readonly kind: AlertKind;
  /** The model's name in visible form; null if the input names none. */
  readonly model: string | null;
  /** The model's owner; null if it has none, or it is not known. */
  readonly owner: string | null;
  readonly environment: string;
  /** ARN of the execution, or `direct:<request id>`. */
  readonly execution: string;
  /** Head of the model's ledger, `SEQ:HASH`, a witness of what was decided; null where the outcome has no entry. */
  readonly ledger: string | null;
  /** The challenger's run; null where none is known. */
  readonly run: RunPage | null;
  /** ASCII, fewer than 100 characters, no control characters, begins with a letter, number or punctuation mark. */
  readonly subject: string;
  /** For email. With the rest of the message it stays below SNS's 262,144 bytes. */
  readonly text: string;
  readonly slack: SlackNotification;
}

/** Characters of the evidence table in the email; rules that do not fit are counted. */
const MAX_TABLE_LENGTH = 10_000;
/** SNS requires less than 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
const MAX_SUBJECT_LENGTH = 99;
const MAX_PREFIX_LENGTH = 30;

/** Where more about an outcome is kept. */
export interface Traces {
  readonly ledger?: LedgerHead | null;
  readonly run?: RunPage | null;
}

/** The alert for an outcome. Untrusted texts in it cannot add a line or mention anybody. */
export function alertFor(
  outcome: Outcome,
  context: AlertContext,
  { ledger = null, run = null }: Traces = {},
): Alert {
  const parts = partsOf(outcome);
  const { words } = parts;
  return {
    kind: words.kind,
    model: outcome.model_name === null ? null : parts.name,
    owner: outcome.owner,
    environment: context.environment,
    execution: outcome.execution,
    ledger: ledger === null ? null : headText(ledger),
    run,
    subject: subjectFor(context.prefix, words.title, outcome.model_name ?? 'unknown'),
    text: emailText(outcome, context, parts, { ledger, run }),
    slack: slackNotification(outcome, context, parts, run),
  };
}

/** The subject line. A long name is shortened in the middle, as names often differ only at the end. */
function subjectFor(prefix: string, title: string, name: string): string {
  const label = ascii(prefix).trim().slice(0, MAX_PREFIX_LENGTH);
  const start = `${label === '' ? '' : `[${label}] `}${title}: `;
  const room = MAX_SUBJECT_LENGTH - start.length;
  const plain = ascii(name);
  const tail = 12;
  const shown =
    plain.length <= room && name.length <= 1000
      ? plain
      : `${plain.slice(0, room - tail - 3)}...${ascii(name.slice(-tail)).slice(-tail)}`;
  return `${start}${shown}`.trimEnd();
}

function emailText(outcome: Outcome, context: AlertContext, parts: AlertParts, traces: Traces): string {
  const { words, causes } = parts;
  return [
    ...headOf(outcome, context, parts),
    ...section('What happened', [...words.happened, ...causes]),
    ...section('Current state', words.where),
    ...section(
      'What to do',
      words.todo.map((todo, index) => `${index + 1}. ${todo}`),
    ),
    ...evidenceSection(outcome, parts),
    ...section('Record', recordOf(outcome, traces)),
  ].join('\n');
}

function evidenceSection(
  { comparison, operation, cause }: Outcome,
  { words, evidence }: AlertParts,
): string[] {
  if (comparison === null || evidence === null) {
    // A clean-up does not know what was compared, and a sweep compares no versions.
    const compares = operation === 'promote' && !WITHOUT_COMPARISON.includes(cause?.code ?? '');
    return compares ? section('Evidence', ['No comparison was made.']) : [];
  }
  // The first lines of a promotion already have the confidence and its method.
  const lines = words.kind === 'promoted' ? [evidence.decision] : [evidence.decision, evidence.confidence];
  if (evidence.risk !== null) lines.push(evidence.risk);
  const { changes } = comparison;
  const gates = gateLines(comparison);
  const changed = changes === undefined ? [] : changeLines(changes);
  return [
    ...section('Evidence', [...lines, '', ...mailTable(comparison).split('\n')]),
    // Indented as the table is, so that no name in it looks like a line of the alert.
    ...(gates.length === 0
      ? []
      : section(
          'Gates and checks',
          gates.map((line) => `${TABLE_INDENT}${line}`),
        )),
    ...(changed.length === 0
      ? []
      : section(
          'Changed since the champion',
          changed.map((line) => `${TABLE_INDENT}${line}`),
        )),
  ];
}

/**
 * The table of evidence as a mail has it, `columns` wide where given. Indented, so that a wrapped name cannot look like a line
 * of the alert.
 */
export function mailTable(comparison: Comparison, columns?: number): string {
  const width = columns === undefined ? {} : { width: columns - TABLE_INDENT.length };
  const table = evidenceTable(comparison, { maxLength: MAX_TABLE_LENGTH, ...width });
  return table.replaceAll(/^/gm, TABLE_INDENT);
}

const TABLE_INDENT = '  ';
const WITHOUT_COMPARISON: readonly string[] = [
  'out-of-step',
  'in-step-again',
  'stopped',
  'no-new-version',
  'watch',
];

/** The first lines. Those of a promotion are fixed: other programs read them. */
function headOf(outcome: Outcome, context: AlertContext, { words, name }: AlertParts): string[] {
  const { champion_before: before, champion_after: after, challenger_version: challenger } = outcome;
  const environment = `Environment: ${visible(context.environment, MAX_VALUE_LENGTH)}`;
  const registry = `Registry: ${visible(context.registryName, MAX_VALUE_LENGTH)}`;
  if (words.kind !== 'promoted') {
    const title = words.loud ? `!!! ${words.title.toUpperCase()} !!!` : words.title;
    return [title, `Model: ${name}`, environment, registry];
  }
  const version = visible(after ?? challenger ?? 'unknown', 20);
  return [
    'Model Promotion Completed',
    `Model: ${name}`,
    `New Production Version: ${version}`,
    `Previous Version: ${before === null || before === after ? 'None' : visible(before, 20)}`,
    `Comparison Confidence: ${confidenceOf(outcome)}`,
    environment,
    // A confidence is meaningless without its method.
    `Confidence Method: ${visible(basisOf(outcome), MAX_VALUE_LENGTH)}`,
    registry,
  ];
}

/** A probability, or what the caller gave; a share of rules that passed is no confidence, and is not shown as one. */
function confidenceOf(outcome: Outcome): string {
  const { comparison, confidence } = outcome;
  if (confidence === null || !Number.isFinite(confidence)) return 'not available';
  if (comparison === null) return isGiven(outcome) ? percent(confidence) : 'not available';
  return comparison.basis === 'probability' ? probability(confidence) : 'not available';
}

/** True for what the caller of `promote-model` gave; 0 stands for nothing there. What a record has, comes without its grade. */
const isGiven = ({ cause, confidence }: Outcome): boolean =>
  cause?.code === 'promoted' && cause.direct && confidence !== 0;

/** The origin of a promotion's confidence; the comparison of a repeated execution is not the one that decided. */
function basisOf(outcome: Outcome): string {
  const { comparison, confidence } = outcome;
  if (comparison !== null && comparison.confidence === confidence) return methodText(comparison);
  if (comparison !== null) return 'as recorded when this promotion started';
  if (isGiven(outcome)) return 'as given by the caller; no comparison was made in this execution';
  return confidence === null || confidence === 0
    ? 'no comparison was made'
    : 'as recorded when this promotion started';
}

const section = (title: string, lines: readonly Line[]) => ['', `${title}:`, ...lines.map(plainLine)];

const plainLine = (line: Line) => (typeof line === 'string' ? line : `${line.label}: ${line.value}`);

function recordOf(
  { execution, requested_by: by, operation, recorded_at: at }: Outcome,
  { ledger = null, run = null }: Traces,
): Line[] {
  const requestedBy = { label: 'Requested by', value: visible(by ?? 'not given', MAX_VALUE_LENGTH) };
  return [
    { label: 'Execution', value: visible(execution, MAX_VALUE_LENGTH) },
    // For a rollback it stands beside the reason.
    ...(operation === 'rollback' ? [] : [requestedBy]),
    { label: 'Recorded at', value: visible(at, 40) },
    // A witness: a ledger that was cut off or written anew does not have it any more.
    ...(ledger === null ? [] : [{ label: 'Ledger', value: headText(ledger) }]),
    ...(run === null ? [] : [{ label: 'Run', value: visible(run.url, MAX_VALUE_LENGTH) }]),
    ...(run?.report == null
      ? []
      : [
          {
            label: 'Report',
            value: `${visible(run.report, MAX_VALUE_LENGTH)}, among the artifacts of the run`,
          },
        ]),
  ];
}
