import { Duration } from 'aws-cdk-lib';
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import type { ErrorName } from '../lambdas/domain/errors.ts';
import { type FunctionName, functionTimeoutSeconds } from '../lambdas/domain/limits.ts';

/**
 * Names that Step Functions and Lambda give to errors of their own, as documented in "Handling errors in Step
 * Functions workflows" and "Handle Lambda service exceptions" of the Step Functions developer guide. An error of
 * Lambda's `Invoke` (API reference) has `Lambda.` before its name there.
 */
export const platformErrorNames = [
  'States.ALL',
  'States.DataLimitExceeded',
  'States.Timeout',
  'Lambda.AWSLambdaException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.CodeArtifactUserDeletedException',
  'Lambda.CodeArtifactUserPendingException',
  'Lambda.EC2ThrottledException',
  'Lambda.EC2UnexpectedException',
  'Lambda.ENINotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ResourceNotReadyException',
  'Lambda.SdkClientException',
  'Lambda.ServiceException',
  'Lambda.TooManyRequestsException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
] as const;
export type PlatformErrorName = (typeof platformErrorNames)[number];

/** Every name that a `Retry` or a `Catch` of the state machine may use: a name that is never thrown does not compile. */
export type MachineErrorName = ErrorName | PlatformErrorName;

/** Each pause is twice as long as the one before and has no jitter unless it says so: the language's own defaults. */
type Policy = RetryProps & { errors: MachineErrorName[] };

/**
 * Transient errors of `Invoke` before the function has started: throttling, or Lambda is still preparing the function. That
 * happens for a new function, and after weeks without an invocation ("Lambda function
 * states" in its developer guide): the first call is then refused, and so are others until the network interface in
 * the VPC is back. `model-rollback` may be idle for weeks. Errors that only people can fix are not included.
 */
export const notStarted: readonly MachineErrorName[] = [
  'Lambda.TooManyRequestsException',
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.CodeArtifactUserPendingException',
  'Lambda.CodeArtifactUserDeletedException',
  'Lambda.ENINotReadyException',
  'Lambda.EC2ThrottledException',
  'Lambda.EC2UnexpectedException',
];

/**
 * Nothing has started, so a retry has no side effect, while giving up undoes a healthy rollout by a function that may be
 * throttled too. Jitter spreads callers that were throttled together. Waits at most
 * 2 + 4 + 8 + 16 + 32 + 10 * 60 = 662 s in all, 331 s on average, and less than 180 s in 3 of 1,000 cases; a
 * network interface takes about a minute.
 */
export const whenNotStarted: Policy = {
  errors: [...notStarted],
  interval: Duration.seconds(2),
  maxDelay: Duration.seconds(60),
  maxAttempts: 15,
  jitterStrategy: JitterType.FULL,
};

/** How often a step is called again after it has found a remote system away. */
export const MAX_OUTAGE_RETRIES = 4;

/**
 * A function reported an unavailable remote system, or a malformed answer. It has ended, so no second invocation can overlap
 * with it: full jitter, which may choose a pause of 0 s, is safe here. Waits at most 8 + 16 + 32 + 64 = 120 s in all, or
 * 56 s with three attempts: people are told within three minutes before a rollout, and within five minutes when the way back
 * finds the system away too.
 */
export function whenUnavailable(errors: ErrorName[], maxAttempts = MAX_OUTAGE_RETRIES): Policy {
  return {
    errors,
    interval: Duration.seconds(8),
    maxAttempts,
    jitterStrategy: JitterType.FULL,
  };
}

/** No answer arrived: the function may have completed its work, or may still be running. */
export const outcomeUnknown: readonly MachineErrorName[] = [
  'States.Timeout',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Lambda.Unknown',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
];

/** The same for a task that waits for people: there the time-out is that of the wait. */
export const outcomeUnknownWaiting: readonly MachineErrorName[] = outcomeUnknown.filter(
  (name) => name !== 'States.Timeout',
);

/**
 * With no answer, the function may still be running and writing. The first pause is the function's own time-out,
 * after which Lambda has ended it, and the second is twice that. No jitter: Step Functions draws a jittered pause from
 * 0 up, which would let two invocations write at once. Waits 3 time-outs in all: 180 s to end, to promote, to close
 * or to replace, 360 s to compare or to roll back.
 */
export function whenOutcomeUnknown(name: FunctionName, errors = outcomeUnknown): Policy {
  return {
    errors: [...errors],
    interval: Duration.seconds(functionTimeoutSeconds[name]),
    maxAttempts: 2,
  };
}
