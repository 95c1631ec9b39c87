import { directOutcome } from '../../domain/outcome/outcome.ts';
import { attemptOutcome, type Need } from '../../domain/retraining/need.ts';
import type { NotifyServices } from '../../runtime/notify-services.ts';
import { inWords } from '../../words/reasons.ts';
import { recordOutcomeAndNotify } from './record-and-notify.ts';

interface Facts {
  readonly model: string;
  readonly need: Need;
  readonly champion: string | null;
  readonly owner: string | null;
}

/**
 * Tells that earlier attempts at a need brought no version, once for each further attempt. Throws `LeaseStoreUnavailable`.
 */
export async function tellNoNewVersion(
  { model, need, champion, owner }: Facts,
  services: NotifyServices,
): Promise<void> {
  const outcome = directOutcome({
    status: 'needs_investigation',
    cause: { code: 'no-new-version', attempts: need.attempt - 1, since: need.opened_at },
    operation: 'promote',
    execution: attemptOutcome(need),
    model_name: model,
    owner,
    champion_before: champion,
    champion_after: champion,
    // The same for every repetition of this attempt.
    recorded_at: need.attempted_at,
  });
  await recordOutcomeAndNotify(inWords(outcome), true, services);
}
