/**
 * Time-outs, poll intervals and maximum counts: the stack, the state machine, the functions and the clients of MLflow and
 * the Workload API take them from here.
 */

/** Time-out of each deployed function in seconds; Lambda stops the function after it. */
export const functionTimeoutSeconds = {
  'begin-promotion': 10,
  'check-retraining-needed': 60,
  'compare-models': 120,
  'request-approval': 60,
  // It compares again, and reads the rows of both versions for that.
  'prepare-promotion': 180,
  'replace-workload': 60,
  'promote-model': 60,
  'close-promotion': 60,
  'model-rollback': 120,
  'end-promotion': 60,
  'sweep-promotions': 60,
  'watch-releases': 120,
  // Two look-ups of CloudTrail in a second at most, and people wait.
  'decide-approval': 30,
} as const;

/** Memory of every function in MB (Lambda gives it CPU in proportion). */
export const functionMemoryMegabytes = 256;

/** The deployed functions, named as their files are. */
export type FunctionName = keyof typeof functionTimeoutSeconds;

export const functionNames = Object.keys(functionTimeoutSeconds) as readonly FunctionName[];

/** Functions that are no steps of the state machine of a promotion: invoked by schedules, events, people and other state machines. */
const OTHER_FUNCTIONS = [
  'check-retraining-needed',
  'decide-approval',
  'sweep-promotions',
  'watch-releases',
] as const satisfies readonly FunctionName[];

/** The functions that are steps of the state machine. */
export type StepFunctionName = Exclude<FunctionName, (typeof OTHER_FUNCTIONS)[number]>;

export const stepFunctionNames = functionNames.filter(
  (name): name is StepFunctionName => !OTHER_FUNCTIONS.some((other) => other === name),
);

/**
 * Seconds that the state machine waits for a function's answer: its time-out and 10 s more, so that a cold start or a slow
 * answer does not count as a time-out.
 */
export function taskTimeoutSeconds(name: FunctionName): number {
  return functionTimeoutSeconds[name] + 10;
}

/**
 * The longest time in seconds that one step can take with all its retries and their pauses. A test adds up the retry
 * policies of the rendered state machine, which must stay below it: 22 calls, pauses of 3 time-outs of the function, and
 * pauses of 14 minutes, most of them for a function that Lambda does not start.
 */
export function maxStepSeconds(name: FunctionName): number {
  return 25 * taskTimeoutSeconds(name) + 15 * 60;
}

/** Minutes that an execution may wait for the lease of a busy model at most: the maximum of `wait_for_lease_minutes`. */
export const MAX_LEASE_WAIT_MINUTES = 1440;

/** Hours that a request for approval waits at most: the time-out of the state machine has to stay below 2^31 milliseconds. */
export const MAX_APPROVAL_HOURS = 14 * 24;

/**
 * Maximum minutes of a rollout. The platform publishes none; these keep a rollout within an execution. A warm-up of more
 * than four hours, or an old version kept for more than a day, is probably the wrong unit.
 */
export const maxRolloutMinutes = { warmupDurationMinutes: 240, keepOldVersionMinutes: 1440 } as const;

/** The requested minutes of a rollout; absent counts as 0. */
type RolloutMinutes = {
  warmupDurationMinutes?: number | undefined;
  keepOldVersionMinutes?: number | undefined;
} | null;

/** Minutes that a candidate may take to become ready: pull its image, load its model, pass its probes. */
const COME_UP_MINUTES = 30;
/** Minutes after the deadline in which a cancellation must be confirmed; after them it counts as failed. */
export const CANCEL_MINUTES = 15;
/** Minutes that a rollback may take on the Workload, counted from its first step. */
export const ROLLBACK_MINUTES = 45;

/** Bounded by the maximum, so that nothing computed from it overflows. */
function secondsOf(field: keyof typeof maxRolloutMinutes, rollout: RolloutMinutes): number {
  return 60 * Math.min(Math.max(rollout?.[field] ?? 0, 0), maxRolloutMinutes[field]);
}

/** Seconds that a rollout may take from its first step; after them it is cancelled and has failed. */
export function rolloutSeconds(rollout: RolloutMinutes): number {
  return (
    COME_UP_MINUTES * 60 +
    secondsOf('warmupDurationMinutes', rollout) +
    secondsOf('keepOldVersionMinutes', rollout)
  );
}

/** Seconds from taking the lease to the end of the machine, on the longest path from `PreparePromotion`. */
function writingSeconds(rollout: RolloutMinutes): number {
  return (
    maxStepSeconds('prepare-promotion') +
    // The rollout and the lock of a draft, which waits until its old version is no longer kept, have one deadline.
    rolloutSeconds(rollout) +
    CANCEL_MINUTES * 60 +
    maxStepSeconds('replace-workload') +
    maxStepSeconds('promote-model') +
    // Past the deadline it may still lock, and then looks once more.
    2 * maxStepSeconds('close-promotion') +
    // `WaitForClosePromotion`: an invocation without an answer may still write; the way back waits for its time-out.
    // `WaitForReplaceWorkload` and `WaitForPromoteModel` are on shorter paths, without `ClosePromotion`.
    functionTimeoutSeconds['close-promotion'] +
    // The minutes of the way back count from its first answer; a replacement that is unfinished by then may still be
    // cancelled. It does not wait for an old version that is kept for longer: the change stays open.
    (ROLLBACK_MINUTES + CANCEL_MINUTES) * 60 +
    2 * maxStepSeconds('model-rollback') +
    // `WaitForModelRollback`, likewise.
    functionTimeoutSeconds['model-rollback'] +
    2 * maxStepSeconds('end-promotion')
  );
}

/**
 * Time-out of the whole state machine in seconds: its longest path. Comparing, asking for approval and preparing count twice,
 * before and after the wait for the lease; asking once more, as it is called again when people have decided; ending counts
 * twice, as a failed `NotifySuccess` is followed by `NotifyOutcome`.
 */
export const machineTimeoutSeconds =
  maxStepSeconds('begin-promotion') +
  2 * maxStepSeconds('compare-models') +
  3 * maxStepSeconds('request-approval') +
  MAX_APPROVAL_HOURS * 3600 +
  maxStepSeconds('prepare-promotion') +
  MAX_LEASE_WAIT_MINUTES * 60 +
  writingSeconds(maxRolloutMinutes);

/**
 * Seconds for which the lease of an execution with this rollout is valid. Leases are not renewed, so it lasts 15 minutes
 * longer than everything the execution can do while it holds the lease; waiting for another holder comes before that.
 */
export function leaseSecondsFor(rollout: RolloutMinutes): number {
  return writingSeconds(rollout) + 15 * 60;
}

/**
 * Seconds for which a function may still write after its execution was stopped: the longest of all. Until then nobody else
 * gets the model.
 */
export const LAST_WRITE_SECONDS = Math.max(...Object.values(functionTimeoutSeconds)) + 10;

/** Seconds for which a direct call takes its lease: its function's time-out and a margin for the clocks. */
export const DIRECT_LEASE_SECONDS = 150;

/**
 * Milliseconds after its outcome in which an execution releases its lease: seconds as a rule, little more than two
 * minutes after a clean-up. A lease that is held for longer counts as stuck.
 */
export const LEASE_RELEASE_MS = 5 * 60_000;

/** Maximum number of pending alerts that one sweep sends. */
export const SWEEP_MAX_ALERTS = 25;
/** Numbers that an entry of a ledger tries in one step; a sweep goes on after that many entries of others. */
export const LEDGER_ATTEMPTS = 50;
/** Entries of a ledger that a comparison counts at most, the newest: some seconds of reading. */
export const MAX_COUNTED_ENTRIES = 500;
/** Seconds after which a sweep starts no other publication or clean-up: one may take half of the function's time-out. */
export const SWEEP_SECONDS = 5;
/** Maximum number of pending alerts that a sweep counts, for the metric `AlertsPending`. */
export const SWEEP_MAX_COUNTED = 100;
/**
 * Milliseconds after its end from which an execution without an outcome counts as one whose event was lost: EventBridge
 * may deliver events of Step Functions late.
 */
export const MISSED_AFTER_MS = 10 * 60_000;
/** Milliseconds for which a sweep looks back: longer than the schedule may stand still before its alarm fires. */
export const MISSED_WITHIN_MS = 2 * 3_600_000;
/** Milliseconds for which one sweep in an hour looks back: the table can be away for longer than that alarm takes. */
export const MISSED_WITHIN_DAY_MS = 24 * 3_600_000;

/** Minimum seconds between two polls: of the lease, of a rollout, of a rollback on the Workload. */
export const MIN_POLL_SECONDS = { lease: 30, rollout: 3, rollback: 5 } as const;
/** Maximum seconds between two polls: of a rollout, of its cancellation, of a rollback on the Workload. */
export const MAX_POLL_SECONDS = { rollout: 120, cancellation: 10, closing: 120, rollback: 300 } as const;
/** The interval grows with the age of what is polled: the age in seconds divided by this, within the bounds above. */
export const POLL_AGE_DIVISOR = 8;
/**
 * Maximum number of polls of one lease. A poll takes some 27 events of an execution's history, which holds 25,000
 * (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
 */
export const MAX_POLLS = 480;

/** Maximum number of past releases in a model's item, which stays below 10 KB whatever the names and texts. */
export const MAX_HISTORY = 20;
/** Maximum characters of a text for people in a model's item: who asked, and why. The outcome has the whole. */
export const MAX_ASKED_LENGTH = 200;
/** Seconds after a look in which a write based on it is sent; after them both sides are read again. */
export const LOOK_SECONDS = 20;
/** The largest jump of the fence that a tag in the registry is believed: beyond it the tag is forged or damaged. */
export const MAX_FENCE_JUMP = 1_000_000;

/** Attempts at an open change with pauses of up to an hour: nine hours. What lasts longer needs a person, who is told daily. */
const HOURLY_ATTEMPTS = 12;
/** Minutes before the sweep starts the next attempt at an open change: growing, to an hour, then to a day. */
export const attemptPauseMinutes = (attempts: number): number =>
  attempts < HOURLY_ATTEMPTS
    ? Math.min(60, 5 * 2 ** Math.min(attempts, 4))
    : Math.min(24 * 60, 60 * 2 ** Math.min(attempts - HOURLY_ATTEMPTS, 5));
/** Maximum number of models that one sweep compares with what both sides show. */
export const SWEEP_MAX_MODELS = 20;
/** Seconds after which `watch-releases` begins no other model, and asks for nothing more of an hour: half of its time-out. */
export const WATCH_SECONDS = 60;
/** Maximum number of calls for hourly statistics of one model at a time: the next run goes on. */
export const WATCH_MAX_CALLS = 60;
/** Minutes before the next rollback of a release that could not be rolled back: doubling, from an hour to a day. */
export const rollbackPauseMinutes = (attempt: number): number =>
  Math.min(24 * 60, 60 * 2 ** Math.min(Math.max(attempt - 1, 0), 5));
/** Minutes between two comparisons of a closed model with what both sides show. */
export const COMPARE_MINUTES = 60;

/** Seconds until the platform shows a new replacement, and until the Workload's document follows its switch. */
export const VISIBILITY_GRACE_SECONDS = 30;
/** Maximum number of requests for one replacement; repeated only after a lost answer, when no replacement is visible. */
export const MAX_START_ATTEMPTS = 3;
/** Milliseconds by which the platform's clock may be behind ours. */
export const CLOCK_SKEW_MS = 5_000;
/** Maximum number of candidate protons that a rollout remembers. */
export const MAX_CANDIDATE_PROTONS = 20;

/** One call of MLflow. The longest chain, a promotion in mode `both` with a repair, is eleven calls: below a function's time-out of 60 s. */
export const mlflowCall = {
  connectMs: 1_500,
  headersMs: 4_000,
  bodyMs: 3_000,
  totalMs: 5_000,
  // Measured on the bundle of `promote-model`: a model and its versions, each with as much, take at most 210 MB of 256.
  maxBytes: 12 * 1024 * 1024,
  retries: 3,
  backoffMs: 100,
} as const;

/**
 * One call for the report that is attached to a run: a version, a run and a file, one after the other. Shorter than other
 * calls, as nothing waits for it but the alert.
 */
export const reportCall = {
  ...mlflowCall,
  headersMs: 2_000,
  bodyMs: 1_000,
  totalMs: 2_500,
  retries: 1,
} as const;

/**
 * Milliseconds for all pages of one list of MLflow, such as the versions of a model: well below the time-out of every function
 * that reads one, some of them three times. A list that takes longer is an error.
 */
export const mlflowListMs = 10_000;

/**
 * One call of the Workload API. A step reads three times in a row, writes once, reads once more and reads for a diagnosis:
 * seven times `totalMs` stays below the function's time-out of 60 s.
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

/** Milliseconds for publishing to chat, which comes after the mail within the time-out of one function. */
export const chatMs = 5_000;
