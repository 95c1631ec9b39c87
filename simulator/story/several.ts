import { Random } from '../random.ts';
import { aimOf } from './aims.ts';
import { beginningOf, outagesOf, stepsOf } from './mixed.ts';
import type { Step, Story } from './story.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/**
 * Two or three models in one registry, on one platform and in one table, each with a life of its own, or with none: what
 * happens to one must never touch another.
 */
export function severalStory(seed: string): Story {
  const random = new Random(`${seed}/several`);
  const beginning = { ...beginningOf(random), pace: random.pick([60, 60, 20, 4]) };
  const neighbours = Array.from({ length: random.pick([1, 1, 2]) }, () => {
    const { workload, versions } = beginningOf(random);
    return { workload, versions, twoProtons: false };
  });
  const steps = [beginning, ...neighbours]
    .flatMap((own, model): Step[] => {
      const from = Math.round(random.chance(0.6) ? random.unit() * 3 * SECOND : random.unit() * 20 * MINUTE);
      const life = model === 0 ? 'operations' : random.weighted({ operations: 6, settings: 2, nothing: 2 });
      if (life === 'nothing') return [];
      if (life === 'settings')
        return [{ id: '', at: from, upon: null, action: { kind: 'settings' as const }, model }];
      const operations = random.pick([1, 1, 2, 3]);
      const withPeople = random.chance(0.3);
      return stepsOf(random, { operations, withPeople, mode: beginning.mode, beginning: own }).map(
        (step) => ({
          ...step,
          at: step.at + from,
          model,
        }),
      );
    })
    // One table holds all models: what a backup does to them is told in other stories.
    .filter(({ action }) => action.kind !== 'restore')
    .map((step, index) => ({ ...step, id: `s${index}` }));
  const last = Math.max(0, ...steps.map(({ at }) => at));
  return {
    seed,
    family: 'several models',
    beginning,
    neighbours,
    table: true,
    steps,
    outages: outagesOf(random, last),
    faultRate: random.pick([0, 0.003, 0.01, 0.02]),
    faultBudget: random.pick([1, 1, 2, 3, 5]),
    aims: random.chance(0.4) ? [aimOf(random)] : [],
  };
}
