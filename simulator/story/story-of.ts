import { Random } from '../random.ts';
import { focusedStory } from './families/families.ts';
import { mixedStory } from './mixed.ts';
import type { Story } from './story.ts';

/** Share of the stories that are about one situation. */
const FOCUSED = 0.4;

/** The story that a seed tells: of one family, or of everything that may happen, mixed. */
export function storyOf(seed: string): Story {
  const random = new Random(`${seed}/family`);
  return random.chance(FOCUSED) ? focusedStory(seed, random) : mixedStory(seed);
}
