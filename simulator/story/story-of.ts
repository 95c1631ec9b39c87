import { Random } from '../random.ts';
import { watchAimOf } from './aims.ts';
import { approvedStory, focusedStory, leftStory, watchedStory } from './families/families.ts';
import { mixedStory } from './mixed.ts';
import { performances } from './outcomes.ts';
import { severalStory } from './several.ts';
import type { Story } from './story.ts';
import type { Watching } from './watching.ts';

/**
 * Share of the stories with several models, of those about what is left behind, of those about a release that is watched, of
 * those about promotions that people approve, and of the others about one situation each.
 */
const SEVERAL = 0.06;
const LEFT = 0.04;
const WATCHED = 0.06;
const APPROVED = 0.04;
const FOCUSED = 0.4;
/** Share of all other stories in which releases are watched besides; fewer with a Workload, whose hours of a week are read. */
const BESIDES = { alone: 0.25, served: 0.03 };

/** The story that a seed tells: of several models, of one family, or of everything that may happen, mixed. */
export function storyOf(seed: string): Story {
  const unit = new Random(`${seed}/models`).unit();
  const random = new Random(`${seed}/family`);
  if (unit < SEVERAL) return besides(severalStory(seed));
  if (unit < SEVERAL + LEFT) return leftStory(seed, random);
  if (unit < SEVERAL + LEFT + WATCHED) return watchedStory(seed, random);
  if (unit < SEVERAL + LEFT + WATCHED + APPROVED) return approvedStory(seed, random);
  return besides(random.chance(FOCUSED) ? focusedStory(seed, random) : mixedStory(seed));
}

/** The same story, in some of which releases are watched. */
function besides(story: Story): Story {
  const random = new Random(`${story.seed}/watch`);
  // After eight hours the platform stops a Workload that serves a draft.
  const { workload } = story.beginning;
  const share = workload === 'draft' ? 0 : workload === null ? BESIDES.alone : BESIDES.served;
  if (!random.chance(share) || !story.table) return story;
  const watch: Watching = {
    start: random.chance(0.7) ? random.between(35, 59) : random.below(60),
    minute: random.between(1, 15),
    after: random.pick([0.5, 1.2, 2.2]),
    performs: Array.from({ length: 3 }, () =>
      random.chance(0.6) ? ('worse' as const) : random.pick(performances),
    ),
    before: random.chance(0.9) ? 'enough' : 'few',
  };
  return {
    ...story,
    watch,
    aims: random.chance(0.5) ? [...story.aims, watchAimOf(random)] : story.aims,
  };
}
