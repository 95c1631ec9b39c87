import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { readAs } from '../../lambdas/domain/json.ts';
import { ExecutionInput } from '../../lambdas/domain/payloads.ts';
import { begin } from '../../lambdas/use-cases/begin-promotion.ts';

/** The result of validating an execution input as the first step of an execution does. */
export interface InputCheck {
  /** Every problem; empty when the input is valid. */
  problems: string[];
  /** Without fields that are absent, null or at their default; null when there are problems. */
  input: Partial<ExecutionInput> | null;
}

/** Largest input of an execution, in bytes of UTF-8 (Step Functions quotas: 256 KiB). */
const MAX_INPUT_BYTES = 262_144;

/** Validates with the deployed check, so that no execution is started that would end with invalid input. */
export function checkInput(input: unknown): InputCheck {
  const problemsOf = (document: unknown) =>
    begin({ input: document, execution: 'none', started_at: new Date(0).toISOString() }).problems;
  const parsed = readAs(ExecutionInput, input);
  const problems = problemsOf(input);
  // Combinations of fields are checked only when each field is valid: here the valid ones, without the others.
  if (!parsed.success) problems.push(...problemsOf(withoutInvalidFields(input, parsed.error)));
  const bytes = Buffer.byteLength(JSON.stringify(input) ?? '');
  if (bytes > MAX_INPUT_BYTES)
    problems.push(`is ${bytes} bytes long; Step Functions accepts at most ${MAX_INPUT_BYTES}`);
  if (problems.length > 0 || !parsed.success) return { problems: [...new Set(problems)], input: null };
  const defaults: Record<string, unknown> = ExecutionInput.parse({ model_name: 'unnamed' });
  const nonDefault = Object.entries(parsed.data).filter(
    ([field, value]) => field === 'model_name' || !isDeepStrictEqual(value, defaults[field]),
  );
  return { problems, input: Object.fromEntries(nonDefault) };
}

/** The input without its invalid fields, with a placeholder for the model's name. */
function withoutInvalidFields(input: unknown, { issues }: z.ZodError): object {
  const unusable = new Set(
    issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [String(issue.path[0])])),
  );
  const fields = typeof input === 'object' && input !== null ? Object.entries(input) : [];
  return { model_name: 'unnamed', ...Object.fromEntries(fields.filter(([field]) => !unusable.has(field))) };
}
