import type { RuleResult } from '../domain/comparison/rule-result.ts';
import type { Comparison } from '../domain/payloads.ts';
import { visible } from '../domain/visible-text.ts';
import { digitsApart, show } from './numbers.ts';
import { resultText } from './rules.ts';

/** Columns of the table in a mail: 100 less an indent of two. */
const WIDTH = 98;
const GAP = '  ';
const MAX_NAME_LENGTH = 200;
const MAX_REASON_LENGTH = 500;

interface Column {
  readonly title: string;
  readonly widest: number;
  readonly right?: true;
}

const columns: readonly Column[] = [
  { title: 'rule', widest: 20 },
  { title: 'metric', widest: 18 },
  { title: 'champion', widest: 24, right: true },
  { title: 'challenger', widest: 24, right: true },
  { title: 'result', widest: 21 },
  { title: 'reason', widest: MAX_REASON_LENGTH },
];
const [RULE, METRIC, CHAMPION, CHALLENGER, RESULT, REASON] = [0, 1, 2, 3, 4, 5] as const;
/** What gives way where the table is too wide, one after the other, each down to so many columns. */
const NARROWED: readonly (readonly [column: number, to: number])[] = [
  [RESULT, 10],
  [REASON, 30],
  [RULE, 12],
  [METRIC, 16],
  [REASON, 16],
  [RULE, 8],
  [METRIC, 8],
  [CHAMPION, 8],
  [CHALLENGER, 8],
  [REASON, 10],
];

export interface TableOptions {
  /** Maximum length in characters; rows that do not fit are counted in a last line. Default: no limit. */
  readonly maxLength?: number;
  /** Without the column of reasons, for narrow places. Default: with. */
  readonly reasons?: boolean;
  /** Columns at most, 58 or more. Default: 98. */
  readonly width?: number;
}

/** The rules of a comparison as aligned text, safe to print. */
export function evidenceTable(comparison: Comparison, options: TableOptions = {}): string {
  const { maxLength = Number.POSITIVE_INFINITY, reasons = true, width = WIDTH } = options;
  if (comparison.rules.length === 0) return 'No rule was evaluated.';
  const rows = comparison.rules.slice(0, maxLength); // a row has more than one character
  const cells = rows.map((rule) => cellsOf(rule, comparison.champion_version !== null));
  const lines = laidOut(cells, shapeOf(cells, width, reasons));
  return withRowsThatFit(lines.slice(0, 2), lines.slice(2), comparison.rules, maxLength);
}

/** The title, the line under it, and the rows. */
function laidOut(cells: readonly string[][], shape: readonly Shape[]): string[] {
  return [
    layOut(
      columns.map(({ title }) => title),
      shape,
    ),
    shape.map(({ width }) => '-'.repeat(width)).join(GAP),
    ...cells.map((row) => layOut(row, shape)),
  ];
}

function withRowsThatFit(
  head: string[],
  rows: string[],
  rules: readonly RuleResult[],
  maxLength: number,
): string {
  const whole = [...head, ...rows].join('\n');
  if (whole.length <= maxLength) return whole;
  const shown = [...head];
  let length = shown.join('\n').length + 100; // room for the last line
  let count = 0;
  for (const row of rows) {
    length += row.length + 1;
    if (length > maxLength) break;
    shown.push(row);
    count += 1;
  }
  const left = rules.slice(count);
  const missed = left.filter((rule) => rule.counted === 'counted' && !rule.passed).length;
  return [
    ...shown,
    `… ${left.length} more ${plural(left.length, 'rule')} not shown, ${missed} of them not passed`,
  ].join('\n');
}

const plural = (count: number, word: string) => (count === 1 ? word : `${word}s`);

function cellsOf(rule: RuleResult, hasChampion: boolean): string[] {
  const digits = digitsApart(rule.champion, rule.challenger, 6);
  const { result, reason } = resultText(rule);
  return [
    visible(rule.name, MAX_NAME_LENGTH),
    visible(
      rule.champion_metric === undefined ? rule.metric : `${rule.metric} (champion: ${rule.champion_metric})`,
      MAX_NAME_LENGTH,
    ),
    rule.champion === null ? (hasChampion ? 'missing' : '–') : show(rule.champion, digits),
    rule.challenger === null ? 'missing' : show(rule.challenger, digits),
    result,
    visible(reason, MAX_REASON_LENGTH),
  ];
}

interface Shape {
  width: number;
  readonly right: boolean;
}

function shapeOf(rows: readonly string[][], room: number, reasons: boolean): Shape[] {
  const shown = reasons && rows.some((row) => row[REASON] !== '') ? columns : columns.slice(0, REASON);
  const shape = shown.map(({ title, widest, right }, index) => {
    const longest = rows.reduce((most, row) => Math.max(most, lengthOf(row[index] ?? '')), title.length);
    return { width: Math.min(longest, widest), right: right ?? false };
  });
  for (const [index, to] of NARROWED) {
    const column = shape[index];
    const over = shape.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length) - room;
    if (column !== undefined && over > 0)
      column.width = Math.min(column.width, Math.max(to, column.width - over));
  }
  return shape;
}

/** One row, in as many lines as its longest cell needs; cells are not shortened. */
function layOut(cells: readonly string[], shape: readonly Shape[]): string {
  const wrapped = shape.map(({ width }, index) => wrap(cells[index] ?? '', width));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    shape
      .map(({ width, right }, column) => pad(wrapped[column]?.[line] ?? '', width, right))
      .join(GAP)
      .trimEnd(),
  ).join('\n');
}

/** A text without surrogates has its characters at the indices of its code units. */
const charactersOf = (text: string): string | string[] => (/[\uD800-\uDFFF]/.test(text) ? [...text] : text);
const textOf = (characters: string | string[]) =>
  typeof characters === 'string' ? characters : characters.join('');
const lengthOf = (text: string) => charactersOf(text).length;

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - lengthOf(text)));
  return right ? space + text : text + space;
}

/**
 * Lines of at most `width` characters, broken between words where possible. In time that grows with the length only: names come
 * from outside, and an alert must be sent (`wrap-ansi`: two minutes for texts of 50,000 characters).
 */
function wrap(text: string, width: number): string[] {
  const characters = charactersOf(text.trim());
  const lines: string[] = [];
  let start = 0;
  while (characters.length - start > width) {
    const space = characters.lastIndexOf(' ', start + width);
    const end = space > start ? space : start + width;
    lines.push(textOf(characters.slice(start, end)));
    start = end;
    while (characters[start]?.trim() === '') start += 1;
  }
  return [...lines, textOf(characters.slice(start))];
}
