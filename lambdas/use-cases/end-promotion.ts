import * as z from 'zod';
import type { Clock } from '../adapters/clock.ts';
import { functionTimeoutSeconds } from '../domain/limits.ts';
import type { RunFacts } from '../domain/outcome/metrics.ts';
import { alertDue, endedWell, outcomeOf } from '../domain/outcome/outcome.ts';
import type { EndAnswer, Outcome } from '../domain/outcome/outcome-schema.ts';
import { FailureCode } from '../domain/serving/payloads.ts';
import type { NotifyServices } from '../runtime/notify-services.ts';
import { recordOutcomeAndNotify } from './parts/record-and-notify.ts';

export const EndInput = z.object({ state: z.unknown(), execution: z.string() });

export interface EndServices extends NotifyServices {
  clock: Clock;
}

/**
 * Called again, it answers what was recorded first and sends only an alert that is not known to be sent. The lease of an
 * execution that was stopped ends when none of its functions can write any more.
 */
export async function end(
  { state, execution }: z.infer<typeof EndInput>,
  services: EndServices,
  { stopped = false }: { stopped?: boolean } = {},
): Promise<EndAnswer> {
  const ended = outcomeOf(state, execution, services.clock.now());
  const { outcome, alert } = await recordOutcomeAndNotify(ended, alertDue(ended), services, factsOf(state));
  if (outcome.finishes !== null && outcome.finishes !== execution) {
    // Told in its place: whoever comes next finds that it has ended.
    await services.store.recordOutcome({ ...outcome, execution: outcome.finishes, finishes: null }, 'none');
  }
  const { model_name: model } = outcome;
  if (model !== null && stopped) await services.store.endLeaseAt(model, execution, lastWrite(outcome));
  else if (model !== null) await services.store.releaseLease(model, execution);
  return { status: outcome.status, succeeded: endedWell(outcome), reason: outcome.reason, alert };
}

/** What the metrics need of the state document; whatever is not as expected is unknown. */
const Facts = z
  .object({
    started_at: z.iso.datetime({ offset: true }).nullable().catch(null),
    serving: z
      .object({
        failure: FailureCode.nullable().catch(null),
        progress: z.object({ cancelled_for: FailureCode.nullable() }).nullable().catch(null),
      })
      .nullable()
      .catch(null),
  })
  .catch({ started_at: null, serving: null });

function factsOf(state: unknown): RunFacts {
  const { started_at, serving } = Facts.parse(state);
  return {
    startedAt: started_at === null ? null : new Date(started_at),
    // Where it could not be cancelled either, the failure says only that.
    failure: serving?.progress?.cancelled_for ?? serving?.failure ?? null,
  };
}

/**
 * A function that was at work when its execution was stopped may go on writing for so long. A promotion's own rollback
 * may take longer, but it wants what the one that is started here wants.
 */
export const LAST_WRITE_SECONDS = {
  promote:
    Math.max(
      ...(['prepare-promotion', 'replace-workload', 'promote-model'] as const).map(
        (name) => functionTimeoutSeconds[name],
      ),
    ) + 10,
  rollback: functionTimeoutSeconds['model-rollback'] + 10,
};

/** Told from the record, so that an event that comes again neither shortens nor lengthens the wait. */
const lastWrite = ({ operation, recorded_at }: Outcome): Date =>
  new Date(Date.parse(recorded_at) + LAST_WRITE_SECONDS[operation] * 1000);
