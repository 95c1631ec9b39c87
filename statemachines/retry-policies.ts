import { Duration } from 'aws-cdk-lib';
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import type { ErrorName } from '../lambdas/domain/errors.ts';
import { type FunctionName, functionTimeoutSeconds } from '../lambdas/domain/limits.ts';

/**
 * Names that Step Functions and Lambda give to errors of their own, as documented in "Handling errors in Step
 * Functions workflows" and "Handle Lambda service exceptions" of the Step Functions developer guide.
 */
export const platformErrorNames = [
  'States.ALL',
  'States.DataLimitExceeded',
  'States.Timeout',
  'Lambda.AWSLambdaException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.SdkClientException',
  'Lambda.ServiceException',
  'Lambda.TooManyRequestsException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
] as const;
export type PlatformErrorName = (typeof platformErrorNames)[number];

/** Every name that a `Retry` or a `Catch` of the state machine may use: a name that nobody throws does not compile. */
export type MachineErrorName = ErrorName | PlatformErrorName;

/** Each pause is twice as long as the one before and has no jitter unless it says so: the language's own defaults. */
type Policy = RetryProps & { errors: MachineErrorName[] };

/**
 * Lambda refused the call because too many run already, so nothing has started and calling again is free. Jitter
 * spreads the callers that were refused together. Waits at most 2 + 4 + 8 + 16 + 20 = 50 s in all, half on average.
 */
export const whenThrottled: Policy = {
  errors: ['Lambda.TooManyRequestsException'],
  interval: Duration.seconds(2),
  maxDelay: Duration.seconds(20),
  maxAttempts: 5,
  jitterStrategy: JitterType.FULL,
};

/**
 * Our own function said that a remote system is away. As it answered, it has ended, and no second copy can meet it:
 * so full jitter, which may choose a pause of 0 s, is safe here. Waits at most 10 + 20 + 40 + 80 = 150 s in all.
 */
export function whenUnavailable(errors: ErrorName[]): Policy {
  return {
    errors,
    interval: Duration.seconds(10),
    maxAttempts: 4,
    jitterStrategy: JitterType.FULL,
  };
}

/** No answer came: the function may have done its work, or may be at it still. */
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

/**
 * With no answer, the function may still be running and writing. The first pause is the function's own time-out,
 * after which Lambda has ended it, and the second is twice that. No jitter: Step Functions draws a jittered pause from
 * 0 up, which would let two copies write at once. Waits 3 time-outs in all: 90 s to announce, 180 s to promote
 * or to replace, 360 s to compare or to roll back.
 */
export function whenOutcomeUnknown(name: FunctionName): Policy {
  return {
    errors: [...outcomeUnknown],
    interval: Duration.seconds(functionTimeoutSeconds[name]),
    maxAttempts: 2,
  };
}
