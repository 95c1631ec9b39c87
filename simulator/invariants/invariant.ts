import type { Item } from '../story/chronicle.ts';
import type { Finished } from '../story/play-story.ts';
import type { Sides } from './sides.ts';

/** Something that must be true, whatever went wrong. */
export interface Invariant {
  name: string;
  /** One sentence. */
  about: string;
  /** What is not so; empty where it holds. `sides` and `item` are those at the end. */
  violations(finished: Finished, sides: Sides, item: Item): string[];
}

/** A finding of one invariant. */
export interface Violation {
  invariant: string;
  what: string;
}

/** Clocks of functions and of the table differ by so much at most. */
export const SKEW_MS = 5_000;
/** A function runs for so long at most, with a write that arrives after it has given up. */
export const CALL_MS = 130_000;
