import { type Played, play, shrink, type Told } from './shrink.ts';

/** A story that violated something, shrunk. */
export interface Failure {
  /** The seed of the story, and the ids of the steps, outages and faults that are enough. */
  told: Told;
  violations: { invariant: string; what: string }[];
}

/** What came of one story; plain values, which may go from thread to thread. */
export interface StoryResult {
  number: number;
  counts: [name: string, count: number][];
  executions: number;
  faults: number;
  failure: Failure | null;
}

/** Plays the story of this number. */
export async function resultOf(seed: string, number: number): Promise<StoryResult> {
  const found = await play({ seed: `${seed}-${number}`, only: null });
  const { play: noted, around } = found.finished;
  return {
    number,
    counts: [...noted.counts],
    executions: around.executions.all.size,
    faults: noted.faults.length,
    failure: found.violations.length > 0 ? failureOf(await shrink(found)) : null,
  };
}

const failureOf = ({ told, violations }: Played): Failure => ({ told, violations });
