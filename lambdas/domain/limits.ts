/**
 * How long anything may take, and how much it may have: the stack, the state machine, the lease and the clients of the
 * outside systems take it from here.
 */

/** What each deployed function may take; Lambda ends it after that. */
export const functionTimeoutSeconds = {
  'begin-promotion': 10,
  'compare-models': 120,
  'prepare-promotion': 60,
  'replace-workload': 60,
  'promote-model': 60,
  'model-rollback': 120,
  'end-promotion': 30,
  'sweep-promotions': 60,
} as const;

/** Memory of every function, and with it its share of a processor. */
export const functionMemoryMegabytes = 256;

/** The deployed functions, named as their files are. */
export type FunctionName = keyof typeof functionTimeoutSeconds;

export const functionNames = Object.keys(functionTimeoutSeconds) as readonly FunctionName[];

/** The functions that are steps of the state machine; the other is called by a schedule and by events. */
export type StepFunctionName = Exclude<FunctionName, 'sweep-promotions'>;

export const stepFunctionNames = functionNames.filter(
  (name): name is StepFunctionName => name !== 'sweep-promotions',
);

/**
 * How long the state machine waits for a function's answer: 10 s more than the function may take, so that a
 * cold start or a slow answer is not taken for a hanging function.
 */
export function taskTimeoutSeconds(name: FunctionName): number {
  return functionTimeoutSeconds[name] + 10;
}

/**
 * The longest one step can last with all its retries and the pauses between them. The retry policies have to stay
 * below it; a test adds them up on the rendered state machine: 22 calls, pauses of 3 time-outs of the function, and
 * pauses of 14 minutes, most of them for a function that Lambda does not start.
 */
export function maxStepSeconds(name: FunctionName): number {
  return 25 * taskTimeoutSeconds(name) + 15 * 60;
}

/** The longest that an execution may ask to wait for a model that is busy: `wait_for_lease_minutes` at most 1440. */
export const maxLeaseWaitSeconds = 1440 * 60;

/**
 * The platform publishes no maximum. Ours keep a rollout within an execution: a warm-up of more than four hours or an
 * old version kept for more than a day is probably the wrong unit, or one digit too many.
 */
export const maxRolloutMinutes = { warmupDurationMinutes: 240, keepOldVersionMinutes: 1440 } as const;

/** What a rollout is asked for, in minutes; absent counts as 0. */
type RolloutMinutes = {
  warmupDurationMinutes?: number | undefined;
  keepOldVersionMinutes?: number | undefined;
} | null;

/** Minutes that a candidate may take to come up: pulling its image, loading its model, passing its probes. */
const COME_UP_MINUTES = 30;
/** How long after the deadline a cancellation may take until it counts as not having worked. */
export const CANCEL_MINUTES = 15;
/** Minutes that the way back may take, counted from its first step. */
export const ROLLBACK_MINUTES = 45;

/** Never more than the longest that may be asked for: nothing that is computed from it overflows. */
function secondsOf(field: keyof typeof maxRolloutMinutes, rollout: RolloutMinutes): number {
  return 60 * Math.min(Math.max(rollout?.[field] ?? 0, 0), maxRolloutMinutes[field]);
}

/** How long a rollout may take from its first step until it counts as failed and is cancelled. */
export function rolloutSeconds(rollout: RolloutMinutes): number {
  return (
    COME_UP_MINUTES * 60 +
    secondsOf('warmupDurationMinutes', rollout) +
    secondsOf('keepOldVersionMinutes', rollout)
  );
}

/** What follows once the lease is taken: the longest way from `PreparePromotion` to the end of the machine. */
function writingSeconds(rollout: RolloutMinutes): number {
  return (
    maxStepSeconds('prepare-promotion') +
    rolloutSeconds(rollout) +
    CANCEL_MINUTES * 60 +
    maxStepSeconds('replace-workload') +
    maxStepSeconds('promote-model') +
    // `WaitForPromoteModel`: a copy whose answer never came is waited out before anything is undone. The one of
    // `ReplaceWorkload` is on a shorter way, without `PromoteModel`.
    functionTimeoutSeconds['promote-model'] +
    // The way back begins when the old version is no longer kept. Its minutes count from its first answer, and what it
    // has not done by then it may cancel.
    secondsOf('keepOldVersionMinutes', rollout) +
    (ROLLBACK_MINUTES + CANCEL_MINUTES) * 60 +
    2 * maxStepSeconds('model-rollback') +
    // `WaitForModelRollback`, likewise.
    functionTimeoutSeconds['model-rollback'] +
    2 * maxStepSeconds('end-promotion')
  );
}

/**
 * Time-out of the whole state machine: its longest path. Comparing and preparing count twice, once before the wait
 * for the lease and once after it; ending counts twice, as a failing `NotifySuccess` goes on to `NotifyOutcome`.
 */
export const machineTimeoutSeconds =
  maxStepSeconds('begin-promotion') +
  2 * maxStepSeconds('compare-models') +
  maxStepSeconds('prepare-promotion') +
  maxLeaseWaitSeconds +
  writingSeconds(maxRolloutMinutes);

/**
 * How long the lease of an execution with this rollout is valid. Nobody renews one, so it outlives by 15 minutes
 * everything that the execution can do while it has it; the wait for somebody else's lease comes before and does not
 * count. A rollback that is asked for may find an old version kept by a rollout that it knows nothing of: pass the
 * longest minutes for it.
 */
export function leaseSecondsFor(rollout: RolloutMinutes): number {
  return writingSeconds(rollout) + 15 * 60;
}

/**
 * A function that was at work when its execution was stopped may go on writing for so long. A promotion's own rollback
 * may take longer, but it wants what the one that is started here wants.
 */
export const LAST_WRITE_SECONDS = {
  promote:
    Math.max(
      ...(['prepare-promotion', 'replace-workload', 'promote-model'] as const).map(
        (name) => functionTimeoutSeconds[name],
      ),
    ) + 10,
  rollback: functionTimeoutSeconds['model-rollback'] + 10,
};
/** One call of MLflow. The longest chain, a promotion in mode `both` with a repair, is eleven: below a function's 60 s. */
export const mlflowCall = {
  connectMs: 1_500,
  headersMs: 4_000,
  bodyMs: 3_000,
  totalMs: 5_000,
  maxBytes: 4 * 1024 * 1024,
  retries: 3,
  backoffMs: 100,
} as const;

/**
 * One call of the Workload API. A step reads three times in a row, writes once, looks once more and reads for a
 * diagnosis: seven times `totalMs` stays below the function's 60 s.
 */
export const workloadCall = {
  connectMs: 2_000,
  headersMs: 5_000,
  bodyMs: 4_000,
  totalMs: 8_000,
  maxBytes: 4 * 1024 * 1024,
  retries: 3,
  backoffMs: 100,
} as const;

/** Milliseconds for chat, which comes on top of the mail within the time limit of one function. */
export const chatMs = 5_000;
