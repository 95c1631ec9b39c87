import { Random } from '../random.ts';
import { focusedStory, leftStory } from './families/families.ts';
import { mixedStory } from './mixed.ts';
import { severalStory } from './several.ts';
import type { Story } from './story.ts';

/** Share of the stories with several models, of those about what is left behind, and of the others about one situation. */
const SEVERAL = 0.06;
const LEFT = 0.04;
const FOCUSED = 0.4;

/** The story that a seed tells: of several models, of one family, or of everything that may happen, mixed. */
export function storyOf(seed: string): Story {
  const unit = new Random(`${seed}/models`).unit();
  if (unit < SEVERAL) return severalStory(seed);
  const random = new Random(`${seed}/family`);
  if (unit < SEVERAL + LEFT) return leftStory(seed, random);
  return random.chance(FOCUSED) ? focusedStory(seed, random) : mixedStory(seed);
}
