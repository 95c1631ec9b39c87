import { on } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { resultOf } from './story-result.ts';

/** Plays the stories of one seed whose numbers it is sent, one after the other; started by `workers.ts`. */

Error.stackTraceLimit = 0;
if (parentPort !== null)
  for await (const [number] of on(parentPort, 'message'))
    parentPort.postMessage(await resultOf(workerData.seed, number));
