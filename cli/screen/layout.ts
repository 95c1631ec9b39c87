import sliceAnsi from 'slice-ansi';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** Columns of a line where the output is not a terminal. */
export const DEFAULT_COLUMNS = 100;
const MIN_COLUMNS = 60;
const MAX_COLUMNS = 200;
/** A hanging indent takes at most this share of a line. */
const MAX_HANG = 0.4;

/** Columns of a line on standard output: those of the terminal, from 60 to 200; 100 in a file or a pipe. */
export function columns(): number {
  const { isTTY, columns: wide } = process.stdout;
  return isTTY && wide > 0 ? Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, wide)) : DEFAULT_COLUMNS;
}

/** Layout of wrapped lines. */
export interface Place {
  /** Text before every line, such as the rule beside an alert. */
  prefix?: string;
  /** Blanks before every line after the first. */
  hang?: number;
}

/**
 * Wraps the text to the columns of standard output, between words, without trailing blanks. Blanks and styles inside a line are
 * kept. A longer word, such as an ARN or an address, stays in one piece, so that it can be copied.
 */
export function wrapLines(text: string, { prefix = '', hang = 0 }: Place = {}): string[] {
  const room = columns() - stringWidth(prefix);
  const indent = Math.min(hang, Math.floor(room * MAX_HANG));
  // The first columns stay where they are, and what follows is wrapped beside them.
  const label = indent === 0 ? '' : sliceAnsi(text, 0, indent);
  const rest = indent === 0 ? text : sliceAnsi(text, indent);
  const [first = '', ...others] = wrapAnsi(rest, room - indent, { trim: false }).split('\n');
  const hanging = others.map(withoutIndent).map((line) => {
    // A word that is too long for the place beside the label is moved to the left.
    const blanks = Math.max(0, Math.min(indent, room - stringWidth(line)));
    return `${' '.repeat(blanks)}${line}`;
  });
  return [`${label}${first}`, ...hanging].map((line) => `${prefix}${line}`.replace(TRAILING_BLANKS, '$1'));
}

/** Prints a text on standard output, wrapped; `hang` blanks are before every line after the first. */
export const printLine = (text: string, hang = 0): void => {
  process.stdout.write(`${wrapLines(text, { hang }).join('\n')}\n`);
};

const STYLES = `((?:${String.fromCharCode(27)}\\[[\\d;]*m)*)`;
const LEADING_BLANKS = new RegExp(`^${STYLES} +`);
const TRAILING_BLANKS = new RegExp(` +${STYLES}$`);

/** The blank at which a line was broken begins the next one. */
const withoutIndent = (line: string) => line.replace(LEADING_BLANKS, '$1');

/** Indents a table by up to `maxIndent` columns, as far as its widest line allows. */
export function indented(lines: readonly string[], maxIndent: number): string[] {
  const widest = Math.max(0, ...lines.map((line) => stringWidth(line)));
  const indent = ' '.repeat(Math.max(0, Math.min(maxIndent, columns() - widest)));
  return lines.map((line) => `${indent}${line}`);
}

/** Shortens the platform's ids to their last six digits, which distinguish them; the alert has them in full. */
export const shortIds = (text: string) => text.replace(/\b[0-9a-f]{18}([0-9a-f]{6})\b/g, '…$1');
