import * as z from 'zod';
import { readAs } from '../domain/json.ts';
import { maxRolloutMinutes } from '../domain/limits.ts';
import { ExecutionInput, RollbackReason } from '../domain/payloads.ts';
import type { StateDocument } from '../domain/state-document.ts';
import { problemsOf } from '../runtime/handler.ts';

export const BeginInput = z.object({ input: z.unknown(), execution: z.string(), started_at: z.string() });

/** The results of later steps, null at the start: every path that the state machine reads must exist. */
const emptyResults = {
  comparison: null,
  approval: null,
  prepared: null,
  serving: null,
  promotion: null,
  closing: null,
  rollback: null,
  error: null,
  rollback_error: null,
};

/** The state document of a new execution; `valid: false` with every problem when the input is invalid. Never throws. */
export function begin({ input, execution, started_at }: z.infer<typeof BeginInput>): StateDocument {
  const parsed = readAs(ExecutionInput, input);
  const problems = [
    ...(parsed.success ? operationProblems(parsed.data) : problemsOf(parsed.error)),
    ...rolloutMinuteProblems(input),
  ];
  const { AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: started_by, ...fields } =
    parsed.data ?? emptyInput(input);
  return {
    valid: problems.length === 0,
    problems,
    ...fields,
    started_by,
    execution,
    started_at,
    ...emptyResults,
  };
}

const Rollout = z.object({ rollout: z.record(z.string(), z.unknown()) });

/**
 * Minutes out of range: refused before anything is written, as the time-outs are computed from them. Read from the raw
 * input, so that they are listed together with every other problem.
 */
function rolloutMinuteProblems(input: unknown): string[] {
  const requested = Rollout.safeParse(input).data?.rollout ?? {};
  return Object.entries(maxRolloutMinutes).flatMap(([field, most]) => {
    const minutes = requested[field];
    if (typeof minutes !== 'number') return [];
    if (Number.isInteger(minutes) && minutes >= 0 && minutes <= most) return [];
    return [`rollout.${field}: must be a whole number of minutes from 0 to ${most}, and is ${minutes}`];
  });
}

/** Fields that are not valid with the requested operation. */
function operationProblems(input: ExecutionInput): string[] {
  const problems: string[] = [];
  const promoteOnly = [
    'challenger_version',
    'policy',
    'artifact_id',
    'rollout',
    'importance',
    'lock_artifact',
  ] as const;
  const rollbackOnly = ['target_version', 'alarm_name'] as const;
  const wrong = [
    ...(input.operation === 'promote' ? [] : promoteOnly),
    ...(input.operation === 'rollback' ? [] : rollbackOnly),
    ...(input.operation === 'promote' || input.operation === 'rollback'
      ? []
      : (['champion_version'] as const)),
    ...(input.operation === 'resume' ? (['workload_id'] as const) : (['change_id'] as const)),
  ];
  const refuse = (field: string) =>
    problems.push(`${field}: is not valid with operation "${input.operation}"`);
  for (const field of wrong) if (input[field] !== null) refuse(field);
  if (input.operation !== 'rollback' && input.emergency) refuse('emergency');
  if (input.operation !== 'promote' && input.adopt) refuse('adopt');
  // Neither has a way of only saying what it would do.
  if ((input.operation === 'adopt' || input.operation === 'resume') && input.dry_run) refuse('dry_run');
  if (input.operation === 'resume' && input.change_id === null)
    problems.push('change_id: is required with operation "resume"');
  if (
    input.operation === 'rollback' &&
    input.reason !== null &&
    !RollbackReason.safeParse(input.reason).success
  ) {
    problems.push(`reason: must be one of ${RollbackReason.options.join(', ')} with operation "rollback"`);
  }
  return problems;
}

const WithModelName = ExecutionInput.pick({ model_name: true });

/** Every field of an invalid input, empty, with the model's name where it is valid. */
function emptyInput(input: unknown): Omit<ExecutionInput, 'model_name'> & { model_name: string | null } {
  const model_name = readAs(WithModelName, input).data?.model_name ?? null;
  return { ...ExecutionInput.parse({ model_name: 'unnamed' }), model_name };
}
