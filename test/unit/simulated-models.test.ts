import { describe, expect, it } from 'vitest';
import { seeded } from '../../lambdas/domain/paired/random.ts';
import { evaluator, expectedLossGain } from '../../tools/bench/decisions/two-models.ts';
import {
  discordantCounts,
  estimated,
  needlessPromotions,
  refreshedQuality,
  rules,
} from '../../tools/bench/decisions/years.ts';

describe('the simulated models of npm run bench -- decisions', () => {
  it.each([0, 0.01, 0.02])('have the accuracy, the disagreement and the gain asked for (%d)', (gain) => {
    const situation = { accuracy: 0.85, gain, disagreement: 0.1 };
    const n = 100_000;
    const rows = evaluator(situation)(n, seeded(1));
    const within = (count: number, share: number) =>
      expect(Math.abs(count / n - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / n));
    within(rows.championRight, 0.85);
    within(rows.onlyChampion, (0.1 - gain) / 2);
    within(rows.onlyChallenger, (0.1 + gain) / 2);
    const loss = estimated([...rows.lossGains]);
    expect(Math.abs(loss.mean - expectedLossGain(situation))).toBeLessThan(4 * loss.error);
  });
});

describe('a simulated year', () => {
  const world = { n: 2000, disagreement: 0.1, lost: 0.1 };
  const draw = discordantCounts(seeded(2));

  it('of refreshes by non-inferiority loses at most a tenth of a point', () => {
    const rule = rules['non-inferiority, 1 point'] ?? (() => false);
    const { mean, error } = estimated(Array.from({ length: 200 }, () => refreshedQuality(rule, world, draw)));
    expect(mean + 2 * error).toBeGreaterThanOrEqual(-0.1);
    expect(refreshedQuality(() => false, world, draw)).toBeCloseTo(-0.1 * 13.5, 10);
    expect(refreshedQuality(() => true, world, draw)).toBeCloseTo(0, 10);
  });

  it('with a budget of half a promotion has no more needless ones, from the first year on', () => {
    const rule = rules['superiority, budget 0.5 a year'] ?? (() => true);
    const years = Array.from({ length: 600 }, () => needlessPromotions(rule, world, draw));
    for (const year of [0, 1] as const) {
      const needless = estimated(years.map((both) => both[year]));
      expect(needless.mean - 2 * needless.error).toBeLessThanOrEqual(0.55);
    }
  });
});
