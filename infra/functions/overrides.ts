import type { Duration } from 'aws-cdk-lib';
import * as z from 'zod';
import {
  type FunctionName,
  functionMemoryMegabytes,
  functionNames,
  functionTimeoutSeconds,
} from '../../lambdas/domain/limits.ts';
import { unlessToken } from '../checks/unless-token.ts';
import type { FunctionsProps } from '../props.ts';
import { byFunctionId, functionId } from './function-ids.ts';

/** Maximum memory of a Lambda function in MB. */
const MAX_MEMORY_MEGABYTES = 10_240;
/** Shorter, and a function would not outlast one call of a slow server with its retries. */
const MIN_TIMEOUT_SECONDS = 30;

/** The memory in MB and the time-out in seconds of a function. */
export interface FunctionSize {
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;
}

/** The size of each function: as overridden, else the default. */
export function functionSizes(overrides: FunctionsProps = {}): Record<FunctionName, FunctionSize> {
  const sizes = functionNames.map((name) => {
    const { memorySize, timeout } = overrides[functionId(name)] ?? {};
    const size: FunctionSize = {
      memoryMegabytes: memorySize ?? functionMemoryMegabytes,
      timeoutSeconds: timeout?.toSeconds() ?? functionTimeoutSeconds[name],
    };
    return [name, size] as const;
  });
  return Object.fromEntries(sizes) as Record<FunctionName, FunctionSize>;
}

const MEMORY = `must be a whole number of MB from ${functionMemoryMegabytes}, which the largest answers of MLflow need, to ${MAX_MEMORY_MEGABYTES}`;
const MemorySize = z.int(MEMORY).min(functionMemoryMegabytes, MEMORY).max(MAX_MEMORY_MEGABYTES, MEMORY);

/** A time-out that the state machine can rely on. A duration of another copy of the library is one, too. */
const timeoutOf = (name: FunctionName) =>
  z.custom<Duration>().superRefine((given, context) => {
    const problem = timeoutProblem(name, given);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });

function timeoutProblem(name: FunctionName, given: Partial<Duration> | null): string | null {
  if (typeof given?.toSeconds !== 'function') return 'must be a Duration, such as Duration.seconds(45)';
  if (given.isUnresolved?.()) return 'must be known at synthesis';
  const most = functionTimeoutSeconds[name];
  const least = Math.min(MIN_TIMEOUT_SECONDS, most);
  const seconds = given.toSeconds({ integral: false });
  if (Number.isInteger(seconds) && seconds >= least && seconds <= most) return null;
  const range = least === most ? `${most}` : `a whole number from ${least} to ${most}`;
  return `must be ${range} seconds: the task time-outs, the retries and the leases of the state machine are derived from ${most}`;
}

/** The prop `functions`. */
export const FunctionOverrides = z
  .object(
    byFunctionId((name) =>
      z
        .object({ memorySize: unlessToken(MemorySize).optional(), timeout: timeoutOf(name).optional() })
        .optional(),
    ),
  )
  .optional();
