import { setImmediate } from 'node:timers/promises';
import { Counter, type Coverage } from './coverage.ts';
import { type Played, play, shrink, type Told } from './shrink.ts';

/** Which stories are played. */
export interface Simulation {
  /** Every story's own seed is this and its number. */
  seed: string;
  stories: number;
  /** Stop after so many stories that violate something. */
  maxFailures: number;
  /** Called after every story. */
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  played: number;
  failed: number;
}

/** A story that violated something, shrunk. */
export interface Failure {
  /** The seed of the story, and the ids of the steps, outages and faults that are enough. */
  told: Told;
  violations: { invariant: string; what: string }[];
}

/** What came of all stories. */
export interface SimulationReport {
  seed: string;
  /** Number of stories that were played. */
  stories: number;
  executions: number;
  faults: number;
  failures: Failure[];
  coverage: Coverage;
}

/** Plays stories one after the other; each one that violates an invariant is shrunk. */
export async function simulate(simulation: Simulation): Promise<SimulationReport> {
  const { seed, stories, maxFailures, onProgress } = simulation;
  const counter = new Counter();
  const failures: Failure[] = [];
  let played = 0;
  let executions = 0;
  let faults = 0;
  while (played < stories && failures.length < maxFailures) {
    played += 1;
    const found = await play({ seed: `${seed}-${played}`, only: null });
    const { finished } = found;
    counter.add(finished.play.counts);
    executions += finished.world.executions.all.size;
    faults += finished.play.faults.length;
    if (found.violations.length > 0) failures.push(failureOf(await shrink(found)));
    onProgress?.({ played, failed: failures.length });
    // A play goes on without the event loop: timers and signals have their turn between two.
    await setImmediate();
  }
  return { seed, stories: played, executions, faults, failures, coverage: counter.coverage() };
}

export const failureOf = ({ told, violations }: Played): Failure => ({ told, violations });
