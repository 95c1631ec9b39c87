import type { Clock } from '../../adapters/clock.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { log, logError } from '../../runtime/log.ts';
import type { StoreServices } from '../../runtime/store-services.ts';
import { endApproval } from '../request-approval.ts';

/**
 * What people decided on the promotion of an execution that has ended; a request that still waits ends with it. Undefined
 * where nobody was asked. Never throws: an outcome is recorded without it, and nobody can decide on an execution that has ended.
 */
export async function approvalBehind(
  execution: string,
  services: StoreServices & { clock: Clock },
): Promise<Outcome['approval']> {
  try {
    return (await endApproval(execution, services)) ?? undefined;
  } catch (error) {
    log().warn('the request for approval was not ended', { execution, error: logError(error) });
    return undefined;
  }
}
