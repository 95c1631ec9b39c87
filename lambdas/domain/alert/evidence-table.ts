import type { Comparison, RuleResult } from '../payloads.ts';
import { visible } from '../visible-text.ts';

/** Columns of a terminal or a mail that the table is made for, less an indent of two. */
const WIDTH = 98;
const GAP = '  ';
const LONGEST_NAME = 200;
const LONGEST_REASON = 500;

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
  { title: 'result', widest: 10 },
];
const NARROWEST_REASON = 22;

export interface TableOptions {
  /** Longest text, in characters; rows that do not fit are counted in a last line. Default: no limit. */
  readonly maxLength?: number;
  /** Without the column of reasons, for narrow places. Default: with. */
  readonly reasons?: boolean;
}

/** The rules of a comparison as lines of aligned text; readable at 100 columns, safe to print. */
export function evidenceTable(comparison: Comparison, options: TableOptions = {}): string {
  const { maxLength = Number.POSITIVE_INFINITY, reasons = true } = options;
  if (comparison.rules.length === 0) return 'No rule was evaluated.';
  const candidates = comparison.rules.slice(0, maxLength); // a row has more than one character
  const rows = candidates.map((rule) => cellsOf(rule, comparison.champion_version !== null));
  const shape = shapeOf(rows, reasons);
  const lines = [layOut([...columns.map((c) => c.title), 'reason'], shape)];
  lines.push(shape.map(({ width }) => '-'.repeat(width)).join(GAP));
  return withRowsThatFit(
    lines,
    rows.map((row) => layOut(row, shape)),
    comparison.rules,
    maxLength,
  );
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
  const missed = left.filter((rule) => !rule.passed).length;
  return [
    ...shown,
    `… ${left.length} more ${plural(left.length, 'rule')} left out, ${missed} of them not passed`,
  ].join('\n');
}

const plural = (count: number, word: string) => (count === 1 ? word : `${word}s`);

function cellsOf(rule: RuleResult, hasChampion: boolean): string[] {
  const [champion, challenger] = numbersApart(rule.champion, rule.challenger);
  return [
    visible(rule.name, LONGEST_NAME),
    visible(rule.metric, LONGEST_NAME),
    champion ?? (hasChampion ? 'missing' : '–'),
    challenger ?? 'missing',
    rule.passed ? 'passed' : rule.critical ? 'not passed (critical)' : 'not passed',
    visible(rule.reason, LONGEST_REASON),
  ];
}

/** Six significant digits, or as many more as it takes for two different numbers to look different. */
function numbersApart(a: number | null, b: number | null): [string | null, string | null] {
  const show = (value: number | null, digits: number) =>
    value === null ? null : String(Number(value.toPrecision(digits)));
  for (let digits = 6; digits < 17; digits += 1) {
    if (a === b || show(a, digits) !== show(b, digits)) return [show(a, digits), show(b, digits)];
  }
  return [show(a, 17), show(b, 17)];
}

interface Shape {
  readonly width: number;
  readonly right: boolean;
}

function shapeOf(rows: readonly string[][], reasons: boolean): Shape[] {
  const shape = columns.map(({ title, widest, right }, index) => {
    const longest = longestOf(title, rows, index);
    return { width: Math.min(longest, widest), right: right ?? false };
  });
  if (!reasons) return shape;
  const used = shape.reduce((sum, { width }) => sum + width + GAP.length, 0);
  const longest = longestOf('reason', rows, columns.length);
  return [...shape, { width: Math.min(longest, Math.max(WIDTH - used, NARROWEST_REASON)), right: false }];
}

const longestOf = (title: string, rows: readonly string[][], index: number) =>
  rows.reduce((longest, row) => Math.max(longest, lengthOf(row[index] ?? '')), title.length);

/** One row, over as many lines as its longest cell needs; nothing in a cell is cut. */
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

const lengthOf = (text: string) => [...text].length;

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - lengthOf(text)));
  return right ? space + text : text + space;
}

/** Lines of at most `width` characters, broken between words where possible. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = [...text.trim()];
  while (rest.length > width) {
    const space = rest.slice(0, width + 1).lastIndexOf(' ');
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end).join(''));
    rest = [...rest.slice(end).join('').trimStart()];
  }
  return [...lines, rest.join('')];
}
