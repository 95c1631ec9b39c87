import type { OutcomeStatus } from '../lambdas/domain/outcome/outcome-schema.ts';
import { readStateDocument } from '../lambdas/domain/state-document.ts';

const SUCCESSFUL: readonly OutcomeStatus[] = ['promoted', 'already_promoted', 'kept', 'declined'];

/**
 * What a command that ran an execution ends with: 0 when the execution did its job, 2 when its input was unusable, 1
 * otherwise. `output` is the state document at its end, which says whether a rollback was asked for.
 */
export function exitStatus(status: OutcomeStatus, output: unknown): number {
  if (status === 'invalid_input') return 2;
  if (status === 'rolled_back') {
    return readStateDocument(output).operation === 'rollback' ? 0 : 1;
  }
  return SUCCESSFUL.includes(status) ? 0 : 1;
}
