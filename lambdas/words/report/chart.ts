import { html } from 'ghtml';
import type { ReportedRule } from '../../domain/report/decision.ts';
import { digitsApart, percent, probability, show, signed } from '../numbers.ts';

/**
 * Charts as inline SVG. They have no view box: places are shares of the width, so that texts and marks keep their size on any
 * screen. What a colour says, a shape or a text says as well.
 */

/** Share of the width that is left free at either end, for marks and labels. */
const MARGIN = 0.09;

/** A scale from a least to a largest value onto the width, as `12.34%`. */
export function scaleOf(values: readonly number[]): (value: number) => number {
  // Halves, as the difference of two large numbers may be infinite.
  const [least, most] = [Math.min(...values) / 2, Math.max(...values) / 2];
  const width = most - least;
  return (value) => {
    const share = width > 0 ? (value / 2 - least) / width : 0.5;
    return 100 * (MARGIN + Math.min(1, Math.max(0, share)) * (1 - 2 * MARGIN));
  };
}

const at = (share: number) => `${Number(share.toFixed(2))}%`;
/** Where a label stands beside its place, so that it stays inside. */
const anchorAt = (share: number) => (share < 22 ? 'start' : share > 78 ? 'end' : 'middle');

const line = (kind: string, [x1, y1, x2, y2]: readonly [number, number, number, number]) =>
  html`<line class="${kind}" x1="${at(x1)}" y1="${y1}" x2="${at(x2)}" y2="${y2}"/>`;
const label = (share: number, y: number, text: string) =>
  html`<text x="${at(share)}" y="${y}" text-anchor="${anchorAt(share)}">${text}</text>`;
const placed = (share: number, y: number, path: string, kind: string) =>
  html`<svg x="${at(share)}" y="${y}" overflow="visible"><path class="${kind}" d="${path}"/></svg>`;

const DIAMOND = 'M0-7 7 0 0 7-7 0Z';
const SQUARE = 'M-5-5H5V5H-5Z';
const CIRCLE = 'M-6 0A6 6 0 1 0 6 0A6 6 0 1 0-6 0Z';
const FLAG = 'M0 0-6-8H6Z';
const ARROW = 'M0 0-8-5V5Z';

const HEIGHT = 70;
/** Of the line on which the marks are. */
const MIDDLE = 40;
const [ABOVE, BELOW] = [25, 55] as const;

/** An SVG with its name and its description, which a screen reader reads in place of the picture. */
const picture = (
  id: string,
  height: number,
  [name, about]: readonly [string, string],
  parts: readonly string[],
) =>
  html`<svg class="plot" height="${height}" role="img" aria-labelledby="${id}t ${id}d"><title id="${id}t">${name}</title><desc id="${id}d">${about}</desc>!${parts}</svg>`;

/** The chart of one rule: estimate and interval against what was needed, else both values; empty without values. */
export function ruleChart(rule: ReportedRule, id: string): string {
  if (rule.test !== null) return gainChart(rule, rule.test, id);
  const { champion, challenger } = rule;
  return champion === null || challenger === null ? '' : valuesChart(rule, { champion, challenger }, id);
}

type Test = NonNullable<ReportedRule['test']>;

function gainChart(rule: ReportedRule, test: Test, id: string): string {
  const { estimate, lower, upper, needed } = test;
  const x = scaleOf([estimate, lower, upper, needed, 0]);
  const [from, to, need, zero] = [x(lower), x(upper), x(needed), x(0)];
  const mark = rule.passed === true ? [DIAMOND, 'mark'] : [SQUARE, 'hollow'];
  return picture(
    id,
    HEIGHT,
    [rule.name, testText(rule, test)],
    [
      html`<rect class="enough" x="${at(need)}" y="${ABOVE}" width="${at(100 - need)}" height="${BELOW - ABOVE}"/>`,
      line('axis', [0, MIDDLE, 100, MIDDLE]),
      ...(needed === 0 ? [] : [line('zero', [zero, ABOVE, zero, BELOW]), label(zero, BELOW + 13, '0')]),
      line('need', [need, ABOVE, need, BELOW]),
      placed(need, ABOVE, FLAG, 'needmark'),
      label(need, ABOVE - 10, `needed ${signed(needed)}`),
      line('bar', [from, MIDDLE, to, MIDDLE]),
      line('bar', [from, MIDDLE - 7, from, MIDDLE + 7]),
      line('bar', [to, MIDDLE - 7, to, MIDDLE + 7]),
      placed(x(estimate), MIDDLE, mark[0] ?? DIAMOND, mark[1] ?? 'mark'),
    ],
  );
}

/** What the chart of a test shows, as a sentence. */
export function testText({ result }: Pick<ReportedRule, 'result'>, test: Test): string {
  const { estimate, lower, upper, needed, level, p } = test;
  const digits = digitsApart(lower, needed, 4);
  return `${sentence(result)}: gain ${signed(estimate, digits)}, ${percentText(level)} interval ${signed(lower, digits)} to ${signed(upper, digits)}, needed ${signed(needed, digits)}; confidence ${probability(1 - p)}.`;
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
export const percentText = (share: number) => (share >= 1 ? percent(share) : `${show(100 * share, 4)}%`);

function valuesChart(
  rule: ReportedRule,
  { champion, challenger }: { champion: number; challenger: number },
  id: string,
): string {
  const x = scaleOf([champion, challenger]);
  const [from, to] = [x(champion), x(challenger)];
  const digits = digitsApart(champion, challenger);
  const about = `${sentence(rule.result)}: champion ${show(champion, digits)}, challenger ${show(challenger, digits)}; no interval.`;
  const same = champion === challenger;
  return picture(
    id,
    HEIGHT,
    [rule.name, about],
    [
      line('axis', [0, MIDDLE, 100, MIDDLE]),
      line('trend', [from, MIDDLE, to, MIDDLE]),
      ...(same ? [] : [arrowBetween(from, to)]),
      placed(from, MIDDLE, CIRCLE, 'hollow'),
      placed(to, MIDDLE, rule.passed === true ? DIAMOND : SQUARE, rule.passed === true ? 'mark' : 'hollow'),
      label(from, MIDDLE - 14, `champion ${show(champion, digits)}`),
      label(to, MIDDLE + 22, `challenger ${show(challenger, digits)}`),
    ],
  );
}

const arrowBetween = (from: number, to: number) =>
  html`<svg x="${at((from + to) / 2)}" y="${MIDDLE}" overflow="visible"><path class="mark" transform="!${to < from ? 'rotate(180)' : 'translate(4)'}" d="${ARROW}"/></svg>`;

/** What the shapes mean. */
export function chartKey(rules: readonly ReportedRule[]): string {
  const charted = rules.filter((rule) => ruleChart(rule, '') !== '');
  const [tested, plain] = [
    charted.some(({ test }) => test !== null),
    charted.some(({ test }) => test === null),
  ];
  const entries: [boolean, string, string][] = [
    [charted.some(({ passed }) => passed === true), shape(DIAMOND, 'mark'), 'challenger, rule passed'],
    [
      charted.some(({ passed }) => passed !== true),
      shape(SQUARE, 'hollow'),
      'challenger, rule not passed or not counted',
    ],
    [
      tested,
      '<svg aria-hidden="true"><path class="bar" d="M2 8H26M2 3V13M26 3V13"/></svg>',
      'interval of the gain',
    ],
    [
      tested,
      '<svg aria-hidden="true"><rect class="enough" x="14" y="0" width="14" height="16"/><path class="need" d="M14 0V16"/></svg>',
      'what was needed; the shaded side is enough',
    ],
    [plain, shape(CIRCLE, 'hollow'), 'champion'],
  ];
  const shown = entries.flatMap(([isUsed, picture, meaning]) =>
    isUsed ? [html`<li>!${picture}<span>${meaning}</span></li>`] : [],
  );
  return shown.length === 0 ? '' : html`<ul class="key" aria-label="What the shapes mean">!${shown}</ul>`;
}

/** Where a series of a watch stands; positive is worse. */
export interface Standing {
  readonly estimate: number | null;
  readonly interval: readonly [lower: number, upper: number] | null;
  /** Shares of the evidence that either verdict needs, at most 1; null where nothing is tested. */
  readonly verdicts: readonly { readonly name: string; readonly share: number | null }[];
}

const STANDING = 130;
/** Where bars begin, how long a whole one is, and the lines on which they are. */
const [FROM, WHOLE] = [24, 66];
const ROWS = [90, 114] as const;

/** How much worse a release is, with its interval, and how far it is from either verdict; empty without an estimate. */
export function standingChart(
  id: string,
  [name, about]: readonly [string, string],
  { estimate, interval, verdicts }: Standing,
): string {
  if (estimate === null) return '';
  const x = scaleOf([0, estimate, ...(interval ?? [])]);
  const zero = x(0);
  const [from, to] = (interval ?? []).map(x);
  const bars = verdicts.flatMap((verdict, index) => {
    const y = ROWS[index];
    if (y === undefined || verdict.share === null) return [];
    const end = FROM + WHOLE * Math.min(1, Math.max(0, verdict.share));
    return [
      html`<text x="0" y="${y + 4}">${verdict.name}</text>`,
      line('axis', [FROM, y, FROM + WHOLE, y]),
      line('bar', [FROM, y, end, y]),
      line('need', [FROM + WHOLE, y - 7, FROM + WHOLE, y + 7]),
    ];
  });
  return picture(
    id,
    STANDING,
    [name, about],
    [
      line('axis', [0, MIDDLE, 100, MIDDLE]),
      line('need', [zero, ABOVE, zero, BELOW]),
      placed(zero, ABOVE, FLAG, 'needmark'),
      label(zero, ABOVE - 10, 'no difference'),
      ...(from === undefined || to === undefined
        ? []
        : [
            line('bar', [from, MIDDLE, to, MIDDLE]),
            line('bar', [from, MIDDLE - 7, from, MIDDLE + 7]),
            line('bar', [to, MIDDLE - 7, to, MIDDLE + 7]),
          ]),
      placed(x(estimate), MIDDLE, DIAMOND, 'mark'),
      ...bars,
    ],
  );
}

const shape = (path: string, kind: string) =>
  html`<svg aria-hidden="true"><g transform="translate(14 8)"><path class="${kind}" d="${path}"/></g></svg>`;

/** A value of a series; null is a gap. */
export interface Point {
  readonly name: string;
  readonly value: number | null;
  /** Drawn full rather than hollow. */
  readonly isMarked: boolean;
}

const SERIES = 190;
const [TOP, BOTTOM] = [26, 150];

/** A series of values as a line, in the order given; empty without a value. */
export function seriesChart(id: string, name: string, points: readonly Point[]): string {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  if (values.length === 0) return '';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const vertical = scaleOf(values);
  // `scaleOf` leaves margins, which are free here: the labels are outside.
  const y = (value: number) =>
    BOTTOM - ((vertical(value) / 100 - MARGIN) / (1 - 2 * MARGIN)) * (BOTTOM - TOP);
  const x = (index: number) => (points.length === 1 ? 50 : 6 + (88 * index) / (points.length - 1));
  const every = Math.ceil(points.length / 8);
  const lastNamed = (points.length - 1) % every;
  const parts = points.flatMap(({ name: of, value, isMarked }, index) => {
    const next = points[index + 1]?.value ?? null;
    const isNamed = index % every === 0 || (index === points.length - 1 && lastNamed > every / 2);
    return [
      value === null || next === null
        ? ''
        : html`<line class="trend" x1="${at(x(index))}" y1="${round(y(value))}" x2="${at(x(index + 1))}" y2="${round(y(next))}"/>`,
      value === null
        ? ''
        : placed(x(index), round(y(value)), isMarked ? DIAMOND : CIRCLE, isMarked ? 'mark' : 'hollow'),
      isNamed ? label(x(index), SERIES - 18, of) : '',
    ];
  });
  const about = points
    .map(
      ({ name: of, value, isMarked }) =>
        `${of}${isMarked ? ' (live)' : ''}: ${value === null ? 'no value' : show(value)}`,
    )
    .join('; ');
  const bounds = least === most ? [most] : [most, least];
  const axes = bounds.map((value) => line('axis', [0, round(y(value)), 100, round(y(value))]));
  const chart = picture(id, SERIES, [name, about], [...axes, ...parts]);
  const labels = bounds.map((value) => html`<span>${show(value, 5)}</span>`);
  return html`<div class="series"><div class="scale" aria-hidden="true">!${labels}</div>!${chart}</div>`;
}

const round = (value: number) => Number(value.toFixed(1));
