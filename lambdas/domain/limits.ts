/** Time limits, in seconds, in one place: the stack, the state machine and the lease are all derived from them. */

/** What each deployed function may take; Lambda ends it after that. */
export const functionTimeoutSeconds = {
  'begin-promotion': 10,
  'compare-models': 120,
  'prepare-promotion': 60,
  'promote-model': 60,
  'model-rollback': 120,
  'end-promotion': 30,
} as const;

/** The deployed functions, named as their files are. */
export type FunctionName = keyof typeof functionTimeoutSeconds;

export const functionNames = Object.keys(functionTimeoutSeconds) as readonly FunctionName[];

/**
 * How long the state machine waits for a function's answer: 10 s more than the function may take, so that a
 * cold start or a slow answer is not taken for a hanging function.
 */
export function taskTimeoutSeconds(name: FunctionName): number {
  return functionTimeoutSeconds[name] + 10;
}

/**
 * The longest one step can last with all its retries and the pauses between them. The retry policies have to stay
 * below it; a test adds them up on the rendered state machine.
 */
export function longestStepSeconds(name: FunctionName): number {
  return 20 * taskTimeoutSeconds(name);
}

/** The longest that an execution may ask to wait for a model that is busy: `wait_for_lease_minutes` at most 1440. */
export const longestLeaseWaitSeconds = 1440 * 60;

/** What follows once the lease is taken: the longest way from the end of `PreparePromotion` to that of the machine. */
export const longestWritingSeconds =
  longestStepSeconds('prepare-promotion') +
  longestStepSeconds('promote-model') +
  // `WaitForPromoteModel`: a copy whose answer never came is waited out before anything is undone.
  functionTimeoutSeconds['promote-model'] +
  longestStepSeconds('model-rollback') +
  2 * longestStepSeconds('end-promotion');

/**
 * Time-out of the whole state machine: its longest path. Comparing and preparing count twice, once before the wait
 * for the lease and once after it; ending counts twice, as a failing `NotifySuccess` goes on to `NotifyOutcome`.
 */
export const machineTimeoutSeconds =
  longestStepSeconds('begin-promotion') +
  2 * longestStepSeconds('compare-models') +
  longestStepSeconds('prepare-promotion') +
  longestLeaseWaitSeconds +
  longestWritingSeconds;

/**
 * How long a lease is valid. Nobody renews one, so it outlives by 15 minutes everything that an execution can do
 * while it has it; the wait for somebody else's lease comes before and does not count.
 */
export const leaseSeconds = longestWritingSeconds + 15 * 60;
