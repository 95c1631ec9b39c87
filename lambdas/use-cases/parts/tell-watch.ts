import { directOutcome } from '../../domain/outcome/outcome.ts';
import type { OutcomeStatus } from '../../domain/outcome/outcome-schema.ts';
import type { WatchFinding } from '../../domain/watch/finding.ts';
import { type PendingTell, tellId } from '../../domain/watch/item.ts';
import { inWords } from '../../words/reasons.ts';
import type { CloseServices } from './close-execution.ts';
import { recordOutcomeAndNotify } from './record-and-notify.ts';

const STATUS: Readonly<Record<WatchFinding, OutcomeStatus>> = {
  worse: 'degraded',
  guard_alarm: 'degraded',
  keep: 'confirmed',
  unproven: 'unproven',
  unverified: 'unverified',
};

/** Tells what the watch of a release has found, once, however often it is called. Throws `LeaseStoreUnavailable`. */
export async function tellWatch(
  model: string,
  promotion: string,
  tell: PendingTell,
  services: CloseServices,
): Promise<void> {
  const { found, series, evidence, owner } = tell;
  const outcome = directOutcome({
    status: STATUS[found],
    cause: { code: 'watch', found, series },
    operation: 'promote',
    execution: tellId(promotion, tell),
    model_name: model,
    owner,
    champion_before: evidence.new,
    champion_after: evidence.new,
    challenger_version: evidence.new,
    watch: evidence,
    recorded_at: services.clock.now().toISOString(),
  });
  await recordOutcomeAndNotify(inWords(outcome), true, services);
}
