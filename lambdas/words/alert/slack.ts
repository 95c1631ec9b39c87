import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { slackSafe, visible } from '../../domain/visible-text.ts';
import { confidenceText } from '../confidence.ts';
import { evidenceTable } from '../evidence-table.ts';
import type { AlertParts } from './facts.ts';
import type { AlertContext, Line, RunPage } from './wording.ts';

/**
 * The "custom notification" document of Amazon Q Developer in chat applications (AWS Chatbot before): the only kind
 * of custom message that it shows; it drops other text on the topic silently.
 * https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
 */
export interface SlackNotification {
  readonly version: '1.0';
  readonly source: 'custom';
  readonly content: {
    readonly textType: 'client-markdown';
    readonly title: string;
    readonly description: string;
    readonly nextSteps: readonly string[];
    readonly keywords: readonly string[];
  };
  readonly metadata: {
    /** Messages with the same id are shown as one thread: one for each model. */
    readonly threadId: string;
    readonly summary: string;
    readonly eventType: string;
    readonly relatedResources: readonly string[];
    readonly additionalContext: Readonly<Record<string, string>>;
  };
}

// Slack cuts a section of a message at 3,000 characters; a cut inside a code block would break what follows.
const MAX_DESCRIPTION_LENGTH = 2900;
const MAX_TITLE_LENGTH = 200;
const MAX_VALUE_LENGTH = 300;
const MAX_KEYWORD_LENGTH = 60;
const MAX_ID_LENGTH = 200;
const MAX_CAUSES = 5;
const MIN_TABLE_LENGTH = 250;

/** The alert for Slack. Untrusted text stands in code spans, where Slack formats and links nothing. */
export function slackNotification(
  outcome: Outcome,
  context: AlertContext,
  parts: AlertParts,
  run: RunPage | null = null,
): SlackNotification {
  const { words, name } = parts;
  return {
    version: '1.0',
    source: 'custom',
    content: {
      textType: 'client-markdown',
      title: `:${words.emoji}: ${words.title}: ${code(name, MAX_TITLE_LENGTH - words.title.length - 40)}`,
      description: description(outcome, parts, run),
      nextSteps: words.todo,
      keywords: [words.kind, context.environment, context.registryName]
        .map((word) => slackSafe(visible(word, MAX_KEYWORD_LENGTH), MAX_KEYWORD_LENGTH))
        .filter((word) => word !== ''),
    },
    metadata: {
      threadId: `model-promotion/${encodeURIComponent(name.toWellFormed())}`.slice(0, MAX_ID_LENGTH),
      summary: `${words.title}: ${code(name, 100)}`,
      eventType: `model-promotion.${words.kind}`,
      relatedResources: [slackSafe(visible(outcome.execution, MAX_VALUE_LENGTH), MAX_VALUE_LENGTH)],
      additionalContext: additionalContext(outcome, context, name),
    },
  };
}

const code = (text: string, limit: number) => `\`${slackSafe(text, limit) || ' '}\``;

/** Characters of a value; shorter if there are many lines. */
const VALUE_LENGTHS = [MAX_VALUE_LENGTH, 200, 100];

function description(outcome: Outcome, parts: AlertParts, run: RunPage | null): string {
  const texts = VALUE_LENGTHS.map((limit) => ({
    body: bodyOf(parts, limit),
    footer: footerOf(outcome, limit),
  }));
  const lengthOf = ({ body, footer }: (typeof texts)[number]) => body.length + footer.length;
  const link = runLine(run);
  const fits = (text: (typeof texts)[number]) => lengthOf(text) + link.length <= MAX_DESCRIPTION_LENGTH;
  const chosen = texts.find(fits) ?? texts.at(-1) ?? { body: '', footer: '' };
  // The mail has the link in any case.
  const linked = fits(chosen) ? link : '';
  const room = MAX_DESCRIPTION_LENGTH - lengthOf(chosen) - linked.length;
  return `${chosen.body}${tableBlock(outcome, room)}${chosen.footer}${linked}`;
}

function bodyOf({ words, causes, evidence }: AlertParts, limit: number): string {
  const lines = (some: readonly Line[]) => some.map((line) => slackLine(line, limit));
  const left = causes.length - MAX_CAUSES;
  return [
    ...words.happened,
    ...lines(causes.slice(0, MAX_CAUSES)),
    ...(left > 0 ? [`${left} more ${left === 1 ? 'line is' : 'lines are'} in the email.`] : []),
    '*Current state*',
    ...lines(words.where),
    ...(evidence === null ? [] : ['*Evidence*', ...lines([evidence.decision, evidence.confidence])]),
  ].join('\n');
}

function footerOf({ requested_by: by, execution, operation }: Outcome, limit: number): string {
  const shown = code(visible(execution, limit), limit);
  // For a rollback the requester stands beside the reason.
  if (operation === 'rollback') return `\nExecution ${shown}`;
  return `\nRequested by ${code(visible(by ?? 'not given', 100), 100)}, execution ${shown}`;
}

/** A link to the run; nothing for an address with a character that would end it. */
const runLine = (run: RunPage | null) =>
  run === null || !/^https?:\/\/[^\s<>|`]{1,400}$/.test(run.url)
    ? ''
    : `\n<${run.url}|Run of the challenger>${run.report === null ? '' : `, with the report ${code(run.report, 150)}`}`;

const slackLine = (line: Line, limit: number) =>
  typeof line === 'string' ? line : `${line.label}: ${code(line.value, limit)}`;

/** The rules without their reasons, which are too wide for a chat window; empty without room. */
function tableBlock({ comparison }: Outcome, room: number): string {
  if (comparison === null || comparison.rules.length === 0 || room < MIN_TABLE_LENGTH) return '';
  for (let maxLength = room - 10; maxLength >= MIN_TABLE_LENGTH / 2; maxLength = Math.floor(maxLength / 2)) {
    // Escapes lengthen the text: where it no longer fits, fewer rows.
    const table = slackSafe(
      evidenceTable(comparison, { maxLength, reasons: false }),
      Number.POSITIVE_INFINITY,
    );
    if (table.length <= room - 10) return `\n\`\`\`\n${table}\n\`\`\``;
  }
  return '';
}

/** Values for the custom actions (buttons) that a team may attach in Slack. */
function additionalContext(outcome: Outcome, context: AlertContext, name: string): Record<string, string> {
  const {
    status,
    comparison,
    champion_before: before,
    champion_after: after,
    challenger_version: challenger,
  } = outcome;
  const facts: Record<string, string | null> = {
    model: name,
    status,
    environment: context.environment,
    registry: context.registryName,
    challenger_version: challenger,
    champion_before: before,
    champion_after: after,
    confidence: comparison === null ? null : confidenceText(comparison),
  };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([key, value]) =>
      value === null ? [] : [[key, slackSafe(visible(value, MAX_VALUE_LENGTH), MAX_VALUE_LENGTH)]],
    ),
  );
}
