import { Worker } from 'node:worker_threads';
import type { StoryResult } from './story-result.ts';

/** A worker has the next story already when it ends one. */
const AHEAD = 2;

interface Stories {
  seed: string;
  stories: number;
}

/** Plays the stories in so many threads; yields what came of them in the order of their numbers. */
export async function* playedByWorkers(
  { seed, stories }: Stories,
  workers: number,
): AsyncGenerator<StoryResult> {
  const played = new Map<number, StoryResult>();
  const threads: Worker[] = [];
  let next = 1;
  let wake = () => {};
  let problem: unknown = null;
  const give = (thread: Worker) => {
    if (next <= stories) thread.postMessage(next);
    next += 1;
  };
  try {
    while (threads.length < Math.min(workers, stories)) {
      const thread = new Worker(workerFile, { workerData: { seed } });
      threads.push(thread);
      thread.on('message', (result: StoryResult) => {
        played.set(result.number, result);
        give(thread);
        wake();
      });
      thread.on('error', (error) => {
        problem = error;
        wake();
      });
    }
    for (let ahead = 0; ahead < AHEAD; ahead += 1) threads.forEach(give);
    for (let number = 1; number <= stories; number += 1) {
      let result = played.get(number);
      while (result === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (problem !== null) throw problem;
        result = played.get(number);
      }
      played.delete(number);
      yield result;
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** TypeScript here, JavaScript in the package. */
const workerFile = new URL(import.meta.url.replace(/workers(\.\w+)$/, 'worker$1'));
