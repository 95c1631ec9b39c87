import { check, type Violation } from './invariants/invariants.ts';
import { type FinishedPlay, type PlayOptions, playStory } from './story/play-story.ts';
import type { Story } from './story/story.ts';
import { storyOf } from './story/story-of.ts';

/** A story, or the part of one that is left: ids of its steps, its outages and its faults. */
export interface Told {
  seed: string;
  /** Null: the whole story. */
  only: readonly string[] | null;
}

/** What came of a story. */
export interface Played {
  told: Told;
  finished: FinishedPlay;
  violations: Violation[];
}

/** How functions are replaced in tests of the simulator itself. */
export type Altered = NonNullable<PlayOptions['altered']>;

interface Options {
  traced?: boolean;
  altered?: Altered | undefined;
}

/** Plays a story, or what is left of it; always the same way. */
export async function play({ seed, only }: Told, { traced = false, altered }: Options = {}): Promise<Played> {
  const whole = storyOf(seed);
  const kept = only === null ? null : new Set(only);
  const story: Story =
    kept === null
      ? whole
      : {
          ...whole,
          steps: whole.steps.filter(({ id }) => kept.has(id)),
          outages: whole.outages.filter(({ id }) => kept.has(id)),
        };
  const finished = await playStory(story, {
    traced,
    onlyFaults: kept,
    ...(altered === undefined ? {} : { altered }),
  });
  return { told: { seed, only }, finished, violations: check(finished) };
}

/**
 * The shortest part of a story that violates the same invariant, as far as leaving out one thing after another leads: first
 * many things at once, then each by itself. Answers the played part.
 */
export async function shrink(found: Played, options: Options = {}): Promise<Played> {
  const [first] = found.violations;
  if (first === undefined) return found;
  const { story, play: noted } = found.finished;
  const parts = [
    ...noted.faults.map(({ id }) => id),
    ...story.outages.map(({ id }) => id),
    ...story.steps.map(({ id }) => id),
  ];
  const seed = found.told.seed;
  let smallest = await play({ seed, only: parts }, options);
  if (!fails(smallest, first)) return found;
  let kept = parts;
  for (let size = Math.ceil(parts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let from = 0;
    while (from < kept.length) {
      const fewer = [...kept.slice(0, from), ...kept.slice(from + size)];
      const candidate = await play({ seed, only: fewer }, options);
      if (fails(candidate, first)) {
        kept = fewer;
        smallest = candidate;
      } else from += size;
    }
  }
  return smallest;
}

const fails = ({ violations }: Played, { invariant }: Violation) =>
  violations.some((each) => each.invariant === invariant);
