import { type StartContext, start } from './start-execution.ts';
import type { StartOptions } from './start-request.ts';

/** The options of `promotion adopt`. */
export type AdoptOptions = Pick<
  StartOptions,
  'arn' | 'workload' | 'requestedBy' | 'reason' | 'detach' | 'json'
>;

/**
 * `promotion adopt`: starts and follows an execution that takes what both sides show as live; returns the exit status. An
 * earlier adoption says nothing about what is there now, so that one that has succeeded is followed by a new one. Throws
 * what `start` throws.
 */
export const adopt = (model: string, options: AdoptOptions, context?: StartContext): Promise<number> =>
  start({ ...options, model, adoptOnly: true, again: true }, context);
