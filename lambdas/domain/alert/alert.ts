import type { Comparison, Outcome } from '../payloads.ts';
import { ascii, visible } from '../visible-text.ts';
import { evidenceTable } from './evidence-table.ts';
import { type AlertParts, type Line, LONGEST_VALUE, methodOf, partsOf, percent } from './parts.ts';
import { type SlackNotification, slackNotification } from './slack.ts';
import type { AlertKind } from './wording.ts';

/** What people are told about one outcome, ready to be published. */
export interface Alert {
  readonly kind: AlertKind;
  /** The model's name in visible form; null when the input named none. */
  readonly model: string | null;
  /** ASCII, fewer than 100 characters, no control characters, begins with a letter, number or punctuation mark. */
  readonly subject: string;
  /** For email. With the rest of the message it stays below SNS's 262,144 bytes. */
  readonly text: string;
  readonly slack: SlackNotification;
}

export interface AlertContext {
  /** Stands in brackets before every subject. */
  readonly prefix: string;
  readonly environment: string;
  readonly registryName: string;
}

/** Characters of the evidence table in the email; more rules than fit are counted. */
const LONGEST_TABLE = 10_000;
/** SNS says "less than 100 characters". */
const LONGEST_SUBJECT = 99;
const LONGEST_PREFIX = 30;

/** Writes the alert for an outcome. Whatever the texts in it hold, they cannot add a line or address anybody. */
export function alertFor(outcome: Outcome, context: AlertContext): Alert {
  const parts = partsOf(outcome);
  const { words } = parts;
  return {
    kind: words.kind,
    model: outcome.model_name === null ? null : parts.name,
    subject: subjectFor(context.prefix, words.title, outcome.model_name ?? 'unknown'),
    text: emailText(outcome, context, parts),
    slack: slackNotification(outcome, context, parts),
  };
}

/** The subject line. The end of a long name is kept too, as names often differ there only. */
function subjectFor(prefix: string, title: string, name: string): string {
  const label = ascii(prefix).trim().slice(0, LONGEST_PREFIX);
  const start = `${label === '' ? '' : `[${label}] `}${title}: `;
  const room = LONGEST_SUBJECT - start.length;
  const plain = ascii(name);
  const tail = 12;
  const shown =
    plain.length <= room && name.length <= 1000
      ? plain
      : `${plain.slice(0, room - tail - 3)}...${ascii(name.slice(-tail)).slice(-tail)}`;
  return `${start}${shown}`.trimEnd();
}

function emailText(outcome: Outcome, context: AlertContext, parts: AlertParts): string {
  const { words, causes, evidence } = parts;
  return [
    ...headOf(outcome, context, parts),
    ...section('What happened', [...words.happened, ...causes]),
    ...section('What is where', words.where),
    ...section(
      'What to do',
      words.todo.map((todo, index) => `${index + 1}. ${todo}`),
    ),
    ...section('Evidence', [...evidence, ...tableLines(outcome.comparison)]),
    ...section('Record', recordOf(outcome)),
  ].join('\n');
}

/** Indented, so that a long name that goes on in the next line cannot pass for a line of the alert. */
function tableLines(comparison: Comparison | null): string[] {
  if (comparison === null) return ['Nothing was compared.'];
  const table = evidenceTable(comparison, { maxLength: LONGEST_TABLE });
  return ['', ...table.split('\n').map((line) => `  ${line}`)];
}

/** The first lines. Those of a promotion are fixed: other programs read them. */
function headOf(outcome: Outcome, context: AlertContext, { words, name }: AlertParts): string[] {
  const {
    comparison,
    champion_before: before,
    champion_after: after,
    challenger_version: challenger,
  } = outcome;
  const environment = `Environment: ${visible(context.environment, LONGEST_VALUE)}`;
  const registry = `Registry: ${visible(context.registryName, LONGEST_VALUE)}`;
  if (words.kind !== 'promoted') {
    const loud = outcome.rollback_error === null ? words.title : `!!! ${words.title.toUpperCase()} !!!`;
    return [loud, `Model: ${name}`, environment, registry];
  }
  const version = visible(after ?? challenger ?? 'unknown', 20);
  return [
    'Model Promotion Completed',
    `Model: ${name}`,
    `New Production Version: ${version}`,
    `Previous Version: ${before === null || before === after ? 'None' : visible(before, 20)}`,
    `Comparison Confidence: ${percent(outcome.confidence)}`,
    environment,
    // A confidence says nothing without its method, so that follows at once.
    `Confidence Method: ${comparison === null ? 'none, nothing was compared' : visible(methodOf(comparison), LONGEST_VALUE)}`,
    registry,
  ];
}

const section = (title: string, lines: readonly Line[]) => ['', `${title}:`, ...lines.map(plainLine)];

const plainLine = (line: Line) => (typeof line === 'string' ? line : `${line.label}: ${line.value}`);

function recordOf(outcome: Outcome): Line[] {
  return [
    { label: 'Execution', value: visible(outcome.execution, LONGEST_VALUE) },
    { label: 'Requested by', value: visible(outcome.requested_by ?? 'not said', LONGEST_VALUE) },
    { label: 'Recorded at', value: visible(outcome.recorded_at, 40) },
  ];
}
