import type { Clock } from '../../adapters/clock.ts';
import type { RunFacts } from '../../domain/outcome/metrics.ts';
import { alertDue, isSuccessful } from '../../domain/outcome/outcome.ts';
import type { EndAnswer, Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { NotifyServices } from '../../runtime/notify-services.ts';
import { recordOutcomeAndNotify } from './record-and-notify.ts';

/** What ending an execution needs. */
export interface CloseServices extends NotifyServices {
  clock: Clock;
}

/**
 * Records the outcome of an execution and sends its notification, unless people know it (`isTold`). An outcome that was
 * recorded earlier stays, and `model_name`, `recorded_at`, `ending` and `rollback` are taken from it. The caller releases the
 * lease. Throws `LeaseStoreUnavailable`.
 */
export async function closeExecution(
  ended: Outcome,
  services: CloseServices,
  facts: RunFacts,
  isTold = false,
): Promise<{ answer: EndAnswer } & Pick<Outcome, 'model_name' | 'recorded_at' | 'ending' | 'rollback'>> {
  const due = alertDue(ended) && !isTold;
  const { outcome, alert } = await recordOutcomeAndNotify(ended, due, services, facts);
  const { status, reason, model_name, recorded_at, ending, rollback } = outcome;
  const answer = { status, succeeded: isSuccessful(outcome), reason, alert };
  return { answer, model_name, recorded_at, ending, rollback };
}
