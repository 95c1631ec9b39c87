/** Numbers as people read them, in sentences and tables alike. */

/** Significant digits by default. */
const DIGITS = 4;

/** A number with at most `digits` significant digits. */
export const show = (value: number, digits = 6) => String(Number(value.toPrecision(digits)));

/** The same with a plus sign before a gain. */
export const signed = (value: number, digits = DIGITS) => `${value > 0 ? '+' : ''}${show(value, digits)}`;

/** How many significant digits make two numbers differ, from `fewest` on; `fewest` where they are equal. */
export function digitsApart(a: number | null, b: number | null, fewest = DIGITS): number {
  if (a === null || b === null || a === b) return fewest;
  let digits = fewest;
  while (digits < 17 && show(a, digits) === show(b, digits)) digits += 1;
  return digits;
}

/** Sums of weights are rounded, so a share of all may come out a bit below 1. */
const ROUNDING = 1e-9;

/** A share of 0 to 1 as percent with one decimal; `100.0%` means all of it. */
export function percent(share: number): string {
  if (share >= 1 - ROUNDING) return '100.0%';
  const text = `${(100 * share).toFixed(1)}%`;
  return text === '100.0%' ? '> 99.9%' : text;
}

/** A probability as percent with one decimal, at most `> 99.9%`. */
export const probability = (value: number) => (value > 0.9995 - ROUNDING ? '> 99.9%' : percent(value));
