import type { Random } from '../../random.ts';
import { beginningOf } from '../mixed.ts';
import type { Story } from '../story.ts';
import { approved } from './approved.ts';
import { away } from './away.ts';
import { beside } from './beside.ts';
import type { Family } from './focus.ts';
import { left } from './left.ts';
import { watched } from './watched.ts';
import { writers } from './writers.ts';

/**
 * Stories about one situation each, which mixed ones reach too rarely: several things have to come together within seconds.
 * Each family is about one rule of the design.
 */
const families = { ...writers, ...beside, ...away };

/** A story of one family; every family is told as often as every other. */
export const focusedStory = (seed: string, random: Random): Story => storyIn(families, seed, random);

/** A story of a release that is watched. */
export const watchedStory = (seed: string, random: Random): Story => storyIn(watched, seed, random);

/** A story of a promotion that people approve. */
export const approvedStory = (seed: string, random: Random): Story => storyIn(approved, seed, random);

/** A story of what somebody leaves behind. */
export const leftStory = (seed: string, random: Random): Story => storyIn(left, seed, random);

function storyIn(told: Readonly<Record<string, Family>>, seed: string, random: Random): Story {
  const [name, family] = random.pick(Object.entries(told));
  const beginning = { ...beginningOf(random), twoProtons: false };
  const { moments, aims = [], outages = [], faultRate = 0, watch, ...focus } = family(random, beginning);
  return {
    seed,
    family: name,
    beginning: { ...beginning, ...focus.beginning },
    neighbours: [],
    table: true,
    steps: moments.map((moment, index) => ({ id: `s${index}`, upon: null, ...moment })),
    outages: outages.map((each, index) => ({ id: `o${index}`, ...each })),
    faultRate,
    faultBudget: faultRate === 0 ? 0 : 3,
    aims,
    ...(watch === undefined ? {} : { watch }),
  };
}
