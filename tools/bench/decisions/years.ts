import { allocateAlpha, yearlyComparisons } from '../../../lambdas/domain/comparison/budget.ts';
import { mcnemar } from '../../../lambdas/domain/paired/mcnemar.ts';
import { poissonSampler, type Random } from '../../../lambdas/domain/paired/random.ts';
import { isRefused } from '../../../lambdas/domain/paired/test-result.ts';
import { ALPHA } from './judges.ts';

/** Comparisons of a year: one every fortnight, each on fresh rows. */
export const COMPARISONS = 26;
const DAYS_BETWEEN = 14;

/** A mean over simulations and its standard error. */
export interface Estimated {
  readonly mean: number;
  readonly error: number;
}

export function estimated(values: readonly number[]): Estimated {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/** How often a judge promoted and asked a person, in one situation. */
export interface Rates {
  readonly judge: string;
  readonly n: number;
  /** True gain in accuracy. */
  readonly gain: number;
  readonly promoted: Estimated;
  readonly asked: Estimated;
}

/** What one rule does in a year. */
export interface RuleYear {
  readonly rule: string;
  /** Promotions of equal challengers, in the first year and in a later one. */
  readonly needless: readonly [Estimated, Estimated];
  /** Mean quality in points when a fortnight costs 0.1. */
  readonly quality: Estimated;
}

/** Whether the challenger is promoted in comparison number `index` (0 for the first ever). */
type Rule = (counts: { onlyChampion: number; onlyChallenger: number; n: number }, index: number) => boolean;

const superiority =
  (alphaOf: (index: number) => number): Rule =>
  (counts, index) =>
    pOf(counts, 0) <= alphaOf(index);

function pOf(counts: Parameters<Rule>[0], needed: number): number {
  const test = mcnemar(counts, { needed, alpha: ALPHA });
  return isRefused(test) ? 1 : test.p;
}

/** The risk that a budget leaves, when a comparison takes place every fortnight. */
export const budgeted = (budget: number) => (index: number) =>
  allocateAlpha({
    claim: 'superiority',
    alpha: ALPHA,
    budget,
    comparisons: yearlyComparisons(Math.min(index, COMPARISONS), DAYS_BETWEEN * index),
    uses: 1,
    candidates: 1,
    candidatesFrom: 'declared',
    maxT: false,
  }).alpha;

export const rules: Readonly<Record<string, Rule>> = {
  'greater than': ({ onlyChampion, onlyChallenger }) => onlyChallenger > onlyChampion,
  'superiority, no budget': superiority(() => ALPHA),
  'superiority, budget 0.5 a year': superiority(budgeted(0.5)),
  'superiority, budget 0.05 a year': superiority(budgeted(0.05)),
  'non-inferiority, 1 point': (counts) => pOf(counts, -0.01) <= ALPHA,
};

/**
 * Mean quality over a year, in points against a champion that is always fresh. The champion loses `lost` points every
 * fortnight since its data; a challenger is fresh.
 */
export function refreshedQuality(rule: Rule, { n, disagreement, lost }: World, draw: Draw): number {
  let [age, total] = [0, 0];
  for (let index = 0; index < COMPARISONS; index += 1) {
    age += 1;
    const gain = (lost * age) / 100;
    if (rule(draw({ n, disagreement, gain }), index)) age = 0;
    total -= lost * age;
  }
  return total / COMPARISONS;
}

/** Promotions among equal challengers, in the first year and in the second. */
export function needlessPromotions(rule: Rule, { n, disagreement }: World, draw: Draw): [number, number] {
  const years: [number, number] = [0, 0];
  for (let index = 0; index < 2 * COMPARISONS; index += 1) {
    if (rule(draw({ n, disagreement, gain: 0 }), index)) years[index < COMPARISONS ? 0 : 1] += 1;
  }
  return years;
}

export interface World {
  readonly n: number;
  readonly disagreement: number;
  /** Points of accuracy that the champion loses in a fortnight. */
  readonly lost: number;
}

/** Draws the rows on which one model is right, of a comparison of two. */
type Draw = (of: { n: number; disagreement: number; gain: number }) => Parameters<Rule>[0];

/** The counts are Poisson variables, as if the number of rows varied a little too; what is tested is given their sum. */
export function discordantCounts(random: Random): Draw {
  const samplers = new Map<number, () => number>();
  const count = (mean: number) => {
    const sampler = samplers.get(mean) ?? poissonSampler(mean, random);
    samplers.set(mean, sampler);
    return sampler();
  };
  return ({ n, disagreement, gain }) => ({
    onlyChampion: count((n * (disagreement - gain)) / 2),
    onlyChallenger: count((n * (disagreement + gain)) / 2),
    n,
  });
}
