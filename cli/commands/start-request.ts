import { arnProblem, executionRegion, type StateMachine, stateMachineOf } from '../aws/execution-arn.ts';
import {
  type CheckedInput,
  checkedInput,
  givenFlags,
  INPUT_OPTIONS,
  type InputSource,
  nothingStarted,
} from './input-options.ts';

/** The options of `promotion start`. */
export interface StartOptions extends InputSource {
  arn?: string;
  again?: true;
  follow?: string;
  detach?: true;
  json?: true;
  report?: string;
}

/** A validated request to start an execution. */
export interface StartRequest {
  machine: StateMachine;
  input: CheckedInput;
}

const EXCLUDED_BY_FOLLOW = {
  ...INPUT_OPTIONS,
  input: '--input',
  arn: '--arn',
  again: '--again',
  detach: '--detach',
};

/** Reads and validates everything before AWS is called. Throws `UsageError` with every problem. */
export async function startRequest(options: StartOptions, env: NodeJS.ProcessEnv): Promise<StartRequest> {
  const problems: string[] = [];
  const arn = options.arn ?? env['STATE_MACHINE_ARN'] ?? '';
  const machine = stateMachineOf(arn);
  if (machine === null) problems.push(arnProblem(arn));
  const input = await checkedInput(options, problems);
  if (machine === null || input === null) throw nothingStarted(problems);
  return { machine, input };
}

/** The region of the execution to follow. Throws `UsageError` with every problem. */
export function regionToFollow(options: StartOptions): string {
  const region = executionRegion(options.follow ?? '');
  const others = givenFlags(options, EXCLUDED_BY_FOLLOW);
  const problems = [
    ...(region === null
      ? [
          '--follow: must be the ARN of an execution such as arn:aws:states:eu-west-1:123456789012:execution:MACHINE:NAME',
        ]
      : []),
    ...(others.length > 0 ? [`--follow starts nothing and excludes ${others.join(', ')}`] : []),
  ];
  if (problems.length > 0 || region === null) throw nothingStarted(problems);
  return region;
}
