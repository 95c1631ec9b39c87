import { type ExecutionInput } from '../../lambdas/domain/payloads.ts';
import { checkInput } from '../aws/check-input.ts';
import { arnProblem, executionRegion, type StateMachine, stateMachineOf } from '../aws/execution-arn.ts';
import { UsageError } from '../usage-error.ts';
import { readInput } from './read-input.ts';

/** The options of `promotion start`. */
export interface StartOptions {
  model?: string;
  version?: string;
  arn?: string;
  policy?: string;
  workload?: string;
  artifact?: string;
  requestedBy?: string;
  reason?: string;
  dryRun?: true;
  rollback?: true;
  emergency?: true;
  adopt?: true;
  /** Set by `promotion adopt`: take what both sides show as live, and nothing else. */
  adoptOnly?: true;
  input?: string;
  again?: true;
  follow?: string;
  detach?: true;
  json?: true;
}

/** A validated request to start an execution. */
export interface StartRequest {
  machine: StateMachine;
  /** Without absent fields and fields at their default. */
  input: Partial<ExecutionInput> & { model_name: string };
}

/** Options that set one field of the execution input. */
const INPUT_OPTIONS = {
  model: '--model',
  version: '--version',
  policy: '--policy',
  workload: '--workload',
  artifact: '--artifact',
  requestedBy: '--requested-by',
  reason: '--reason',
  dryRun: '--dry-run',
  rollback: '--rollback',
  emergency: '--emergency',
  adopt: '--adopt',
} as const satisfies Partial<Record<keyof StartOptions, string>>;

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
  const own = givenFlags(options, INPUT_OPTIONS);
  if (options.input !== undefined && own.length > 0)
    problems.push(`--input is the complete execution input and excludes ${own.join(', ')}`);
  if (options.input === undefined && options.model === undefined)
    problems.push('--model: is required, or --input with a complete execution input');
  const checked = checkInput(await inputOf(options, problems));
  problems.push(...checked.problems.map((problem) => `execution input: ${problem}`));
  const { model_name, ...input } = checked.input ?? {};
  if (problems.length > 0 || machine === null || model_name === undefined) throw usageError(problems);
  return { machine, input: { model_name, ...input } };
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
  if (problems.length > 0 || region === null) throw usageError(problems);
  return region;
}

function givenFlags(options: StartOptions, names: Partial<Record<keyof StartOptions, string>>): string[] {
  return Object.entries(names)
    .filter(([option]) => Reflect.get(options, option) !== undefined)
    .map(([, flag]) => flag);
}

const usageError = (problems: string[]) =>
  new UsageError(['Nothing was started:', ...problems.map((problem) => `  ${problem}`)].join('\n'));

/** When the input cannot be read, the problem is added and the other options are still checked. */
async function inputOf(options: StartOptions, problems: string[]): Promise<unknown> {
  if (options.input === undefined) return fieldsOf(options);
  try {
    return await readInput(options.input);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.push(error.message);
    return fieldsOf(options);
  }
}

function fieldsOf(options: StartOptions): object {
  const { model = 'unnamed' } = options;
  return {
    ...operationFields(options),
    model_name: model,
    policy: options.policy,
    workload_id: options.workload,
    artifact_id: options.artifact,
    requested_by: options.requestedBy,
    dry_run: options.dryRun,
    emergency: options.emergency,
    adopt: options.adopt,
  };
}

function operationFields({ rollback, adoptOnly, version, reason }: StartOptions): object {
  if (adoptOnly) return { operation: 'adopt', reason };
  if (rollback) return { operation: 'rollback', target_version: version, reason: reason ?? 'MANUAL_REQUEST' };
  return { challenger_version: version, reason };
}
