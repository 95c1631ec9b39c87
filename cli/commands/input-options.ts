import type { ExecutionInput } from '../../lambdas/domain/payloads.ts';
import { checkInput } from '../aws/check-input.ts';
import { UsageError } from '../usage-error.ts';
import { readInput } from './read-input.ts';

/** The options of which each sets one field of the execution input. */
export interface InputOptions {
  model?: string;
  version?: string;
  policy?: string;
  workload?: string;
  artifact?: string;
  requestedBy?: string;
  reason?: string;
  dryRun?: true;
  rollback?: true;
  emergency?: true;
  champion?: string;
  adopt?: true;
}

/** The options, or a whole execution input in their place. */
export interface InputSource extends InputOptions {
  /** A JSON file, or - for standard input. */
  input?: string;
  /** Set by `promotion adopt`: take what both sides show as live, and nothing else. */
  adoptOnly?: true;
}

/** Each option as it is typed. */
export const INPUT_OPTIONS = {
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
  champion: '--champion',
  adopt: '--adopt',
} as const satisfies Record<keyof InputOptions, string>;

/** The flags of `names` that are given, as they are typed. */
export function givenFlags<Options extends object>(
  options: Options,
  names: Partial<Record<keyof Options, string>>,
): string[] {
  return Object.entries(names)
    .filter(([option]) => Reflect.get(options, option) !== undefined)
    .map(([, flag]) => String(flag));
}

/** An execution input without absent fields and fields at their default. */
export type CheckedInput = Partial<ExecutionInput> & { model_name: string };

/**
 * The execution input that the options or `--input` stand for, validated as the first step of an execution does. Every
 * problem is added to `problems`; null when there is one.
 */
export async function checkedInput(source: InputSource, problems: string[]): Promise<CheckedInput | null> {
  const own = givenFlags(source, INPUT_OPTIONS);
  if (source.input !== undefined && own.length > 0)
    problems.push(`--input is the complete execution input and excludes ${own.join(', ')}`);
  if (source.input === undefined && source.model === undefined)
    problems.push('--model: is required, or --input with a complete execution input');
  const checked = checkInput(await inputOf(source, problems));
  problems.push(...checked.problems.map((problem) => `execution input: ${problem}`));
  const { model_name, ...input } = checked.input ?? {};
  return problems.length > 0 || model_name === undefined ? null : { model_name, ...input };
}

/** The error with every problem of what was asked for, before anything is started. */
export const nothingStarted = (problems: string[]) =>
  new UsageError(['Nothing was started:', ...problems.map((problem) => `  ${problem}`)].join('\n'));

/** When the input cannot be read, the problem is added and the other options are still checked. */
async function inputOf(source: InputSource, problems: string[]): Promise<unknown> {
  if (source.input === undefined) return fieldsOf(source);
  try {
    return await readInput(source.input);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.push(error.message);
    return fieldsOf(source);
  }
}

function fieldsOf(source: InputSource): object {
  const { model = 'unnamed' } = source;
  return {
    ...operationFields(source),
    model_name: model,
    policy: source.policy,
    workload_id: source.workload,
    artifact_id: source.artifact,
    requested_by: source.requestedBy,
    dry_run: source.dryRun,
    emergency: source.emergency,
    champion_version: source.champion,
    adopt: source.adopt,
  };
}

function operationFields({ rollback, adoptOnly, version, reason }: InputSource): object {
  if (adoptOnly) return { operation: 'adopt', reason };
  if (rollback) return { operation: 'rollback', target_version: version, reason: reason ?? 'MANUAL_REQUEST' };
  return { challenger_version: version, reason };
}
