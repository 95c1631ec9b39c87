import { expect, it, vi } from 'vitest';
import type { DeployedFunction } from '../../simulator/engine/lambda.ts';
import { type Altered, type Played, play, shrink } from '../../simulator/shrink.ts';
import { storyOf } from '../../simulator/story/story-of.ts';

/** The shrinker, on stories that go wrong for one known reason. */

// A story is played some dozens of times.
vi.setConfig({ testTimeout: 180_000 });

const odd = () => Object.assign(new Error('a mistake that the test has made'), { name: 'Odd' });
const isDirect = (event: unknown) => typeof event === 'object' && event !== null && !('execution' in event);

/** It throws an error that is not of the closed set when somebody calls it directly. */
const wrongDirectly: Altered = (functions) => ({
  ...functions,
  'promote-model': (event, context) =>
    isDirect(event) ? Promise.reject(odd()) : functions['promote-model'](event, context),
});

/** It turns every error of a comparison into one that nobody knows. */
const wrongAfterFaults: Altered = (functions) => {
  const compare: DeployedFunction = functions['compare-models'];
  return {
    ...functions,
    'compare-models': async (event, context) => {
      try {
        return await compare(event, context);
      } catch {
        throw odd();
      }
    },
  };
};

/** The first of the stories that is long enough, and goes wrong. */
async function firstWrong(altered: Altered, isMeant: (seed: string) => boolean): Promise<Played> {
  for (let number = 1; number <= 2_000; number += 1) {
    const seed = `shrunk-${number}`;
    if (!isMeant(seed)) continue;
    const found = await play({ seed, only: null }, { altered });
    if (found.violations.some(({ invariant }) => invariant === 'errors')) return found;
  }
  throw new Error('No story goes wrong');
}

it('leaves the one step that is the cause', async () => {
  const found = await firstWrong(wrongDirectly, (seed) => {
    const { steps } = storyOf(seed);
    return steps.length > 4 && steps.filter(({ action }) => action.kind === 'direct-promote').length === 1;
  });
  const { told, finished } = await shrink(found, { altered: wrongDirectly });
  expect(finished.story.steps.map(({ action }) => action.kind)).toEqual(['direct-promote']);
  expect(told.only).toEqual(finished.story.steps.map(({ id }) => id));
});

it('leaves the fault that is the cause, and what is needed for it', async () => {
  const found = await firstWrong(
    wrongAfterFaults,
    (seed) => storyOf(seed).outages.length === 0 && storyOf(seed).faultBudget > 2,
  );
  const { told, finished } = await shrink(found, { altered: wrongAfterFaults });
  expect(finished.play.faults.map(({ functionName }) => functionName)).toEqual(['compare-models']);
  expect(finished.story.steps.length).toBeLessThan(3);
  expect(told.only).toHaveLength(1 + finished.story.steps.length);
});

it('answers what plays again exactly', async () => {
  const found = await firstWrong(wrongAfterFaults, () => true);
  const { told, violations } = await shrink(found, { altered: wrongAfterFaults });
  const again = () => play(told, { traced: true, altered: wrongAfterFaults });
  const [one, other] = [await again(), await again()];
  expect(one.violations).toEqual(violations);
  expect(one.finished.play.trace?.length).toBeGreaterThan(0);
  expect(one.finished.play.faults).toEqual(other.finished.play.faults);
  expect(one.finished.play.sent).toEqual(other.finished.play.sent);
});

it('leaves a story alone that violates nothing', async () => {
  const found = await play({ seed: 'shrunk-quiet', only: [] });
  expect(found.violations).toEqual([]);
  expect(await shrink(found)).toBe(found);
});
