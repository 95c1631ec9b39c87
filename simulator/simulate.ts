import { setImmediate } from 'node:timers/promises';
import { Counter, type Coverage } from './coverage.ts';
import { type Failure, resultOf, type StoryResult } from './story-result.ts';
import { playedByWorkers } from './workers.ts';

/** Which stories are played. */
export interface Simulation {
  /** Every story's own seed is this and its number. */
  seed: string;
  stories: number;
  /** Stop after so many stories that violate something. */
  maxFailures: number;
  /** Threads that play at once; 1, the default, plays in this one. */
  workers?: number;
  /** Called after every story, in the order of their numbers. */
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  played: number;
  failed: number;
  /** Of the story that was played last; null if it violated nothing. */
  failure: Failure | null;
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

/** Plays stories; each one that violates an invariant is shrunk. The report is the same for any number of workers. */
export async function simulate(simulation: Simulation): Promise<SimulationReport> {
  const { seed, maxFailures, workers = 1, onProgress } = simulation;
  const counter = new Counter();
  const failures: Failure[] = [];
  let stories = 0;
  let executions = 0;
  let faults = 0;
  for await (const result of workers === 1 ? playedHere(simulation) : playedByWorkers(simulation, workers)) {
    stories += 1;
    counter.add(result.counts);
    executions += result.executions;
    faults += result.faults;
    if (result.failure !== null) failures.push(result.failure);
    onProgress?.({ played: stories, failed: failures.length, failure: result.failure });
    if (failures.length >= maxFailures) break;
  }
  return { seed, stories, executions, faults, failures, coverage: counter.coverage() };
}

async function* playedHere({ seed, stories }: Simulation): AsyncGenerator<StoryResult> {
  for (let number = 1; number <= stories; number += 1) {
    yield await resultOf(seed, number);
    // A play goes on without the event loop: timers and signals have their turn between two.
    await setImmediate();
  }
}
