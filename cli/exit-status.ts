import type { OutcomeStatus } from '../lambdas/domain/outcome/outcome-schema.ts';
import { readStateDocument } from '../lambdas/domain/state-document.ts';

const SUCCESSFUL: readonly OutcomeStatus[] = ['promoted', 'already_promoted', 'adopted', 'kept', 'declined'];

/**
 * Exit status of a command that ran an execution: 0 when it succeeded, 2 when its input was invalid, 1 otherwise.
 * `output` is the final state document, which shows whether a rollback was requested.
 */
export function exitStatus(status: OutcomeStatus, output: unknown): number {
  if (status === 'invalid_input') return 2;
  if (status === 'rolled_back') {
    return readStateDocument(output).operation === 'rollback' ? 0 : 1;
  }
  return SUCCESSFUL.includes(status) ? 0 : 1;
}
