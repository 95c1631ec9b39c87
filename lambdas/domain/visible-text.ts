/**
 * Untrusted text (names, reasons, error messages) in emails, subject lines and chat messages: it must not start a line,
 * hide characters, mention people or change the formatting.
 */

/** Control, format (bidirectional, zero-width, tags) and line or paragraph separator characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const SHORT_FORMS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const codeOf = (character: string) => (character.codePointAt(0) ?? 0).toString(16).padStart(4, '0');

/** One line, at most `limit` characters: unseen characters in visible form (`\n`, `\u{202e}`), the rest as it is. */
export function visible(text: string, limit: number): string {
  // Cut first, so that the time does not depend on the length.
  const line = text
    .slice(0, limit + 1)
    .toWellFormed()
    .replace(UNSEEN, (character) => SHORT_FORMS[character] ?? `\\u{${codeOf(character)}}`);
  return clipped(line, limit);
}

/** A name in quotation marks for a sentence, at most 120 characters, in visible form. */
export const quoted = (name: string) => `"${visible(name, 120)}"`;

/** At most `limit` characters, the last one `…` where something was cut; never half a character. */
export function clipped(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Printable ASCII of the same meaning as near as can be: accents dropped, anything else `?`. */
export function ascii(text: string): string {
  return text
    .slice(0, 1000)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]+/g, (run) => '?'.repeat(Math.min(run.length, 12)));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '`': 'ˋ' };

/**
 * Text for inside a Slack code span or block, at most `limit` characters once escaped. Slack reads mentions, links and
 * channels from `<…>`, which the three entities prevent, and knows no escape for a backtick, so that is replaced.
 * A mention can also be resolved from `@name`, also by Amazon Q, so an `@` that begins a word becomes a look-alike.
 */
export function slackSafe(text: string, limit: number): string {
  // One more than can fit, so that a longer text is seen to be longer.
  const quiet = text
    .slice(0, limit + 1)
    .toWellFormed()
    .replace(/(?<!\w)@/g, '＠');
  const whole = quiet.replace(/[&<>`]/g, (character) => ENTITIES[character] ?? character);
  if (whole.length <= limit) return whole;
  let safe = '';
  for (const character of quiet) {
    const piece = ENTITIES[character] ?? character;
    if (safe.length + piece.length >= limit) break;
    safe += piece;
  }
  return `${safe}…`;
}

const SECRETS: readonly [RegExp, string][] = [
  [/\/\/[^\s/@]*@/g, '//***@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 ***'],
  [/(password|passwd|secret|token|api[_-]?key)(["']?\s*[=:]\s*["']?)[^\s"',;&]+/gi, '$1$2***'],
];

/** In a run of white space at its first break only: beginning at each would take the square of the time. */
const STACK_TRACE = /(?:(?<!\n\s*?)\n|\\n)\s+at\s/;

/**
 * An error message as people may see it: without a stack trace, and without what looks like a credential. The
 * adapters already leave both out; alerts leave the account, so they do not rely on it.
 */
export function publicMessage(message: string, limit: number): string {
  const start = message.slice(0, limit * 2);
  const trace = start.search(STACK_TRACE);
  const text = trace === -1 ? start : start.slice(0, trace);
  return visible(
    SECRETS.reduce((safe, [secret, shown]) => safe.replace(secret, shown), text),
    limit,
  );
}

/** A version number for a sentence; invalid numbers are not repeated. */
export function versionText(version: string | null): string {
  if (version === null) return 'no version';
  return /^\d{1,10}$/.test(version) ? `version ${version}` : 'a version with an invalid number';
}

/** The text with a capital at its start. */
export const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
