import { stripVTControlCharacters } from 'node:util';

/** Maximum columns of a line. */
export const WIDTH = 100;

/** Styles (zero width), blanks, and the text between them. */
const TOKENS = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m| +|[^ ${String.fromCharCode(27)}]+`, 'g');

/** Number of visible characters, without styles. */
export const visibleLength = (text: string) => [...stripVTControlCharacters(text)].length;

/** Layout of wrapped lines. */
export interface Place {
  /** Text before every line, such as the rule beside an alert. */
  prefix?: string;
  /** Blanks before every line after the first. */
  hang?: number;
}

/**
 * Wraps the text to lines of at most 100 columns, between words where possible, without trailing blanks. Blanks and
 * styles inside a line are kept.
 */
export function wrapLines(text: string, { prefix = '', hang = 0 }: Place = {}): string[] {
  const room = WIDTH - visibleLength(prefix);
  const lines: string[] = [];
  let line = '';
  let isEmpty = true;
  const next = () => {
    lines.push(line);
    line = ' '.repeat(hang);
    isEmpty = true;
  };
  const put = (piece: string) => {
    line += piece;
    isEmpty = false;
  };
  for (const piece of text.match(TOKENS) ?? []) {
    if (piece.trim() === '') {
      if (!isEmpty || lines.length === 0) line += piece;
    } else if (visibleLength(piece) === 0 || visibleLength(line) + visibleLength(piece) <= room) put(piece);
    else if (visibleLength(piece) <= room - hang) {
      next();
      put(piece);
    } else {
      let rest = piece;
      while (visibleLength(line) + visibleLength(rest) > room) {
        const end = breakPosition(rest, room - visibleLength(line));
        if (end === 0 && !isEmpty) next();
        else {
          const cut =
            end === 0 ? [...rest].slice(0, room - visibleLength(line)).join('') : rest.slice(0, end);
          line += cut;
          rest = rest.slice(cut.length);
          next();
        }
      }
      put(rest);
    }
  }
  return [...lines, line].map((each) => `${prefix}${each}`.trimEnd());
}

/** Where to break a word that is longer than a line: after a comma, else a colon or a slash; 0 for nowhere. */
function breakPosition(word: string, room: number): number {
  const start = [...word].slice(0, Math.max(0, room)).join('');
  const comma = start.lastIndexOf(',');
  return 1 + (comma > 0 ? comma : Math.max(start.lastIndexOf(':'), start.lastIndexOf('/')));
}

/** Indents a table by up to `maxIndent` columns, as far as its widest line allows. */
export function indented(lines: readonly string[], maxIndent: number): string[] {
  const widest = Math.max(0, ...lines.map(visibleLength));
  const indent = ' '.repeat(Math.max(0, Math.min(maxIndent, WIDTH - widest)));
  return lines.map((line) => `${indent}${line}`);
}

/** Shortens the platform's ids to their last six digits, which distinguish them; the alert has them in full. */
export const shortIds = (text: string) => text.replace(/\b[0-9a-f]{18}([0-9a-f]{6})\b/g, '…$1');
