import type { Clock } from '../../adapters/clock.ts';
import { directOutcome } from '../../domain/outcome/outcome.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { RollbackAnswer, RollbackInput } from '../../domain/release/payloads.ts';
import type { NotifyServices } from '../../runtime/notify-services.ts';
import { inWords } from '../../words/reasons.ts';
import { recordOutcomeAndNotify } from './record-and-notify.ts';

/** Tells what a direct call of `model-rollback` did, with both sides. Not for a call that changed nothing. */
export async function notifyRollback(
  answer: RollbackAnswer,
  { execution, owner }: Pick<Outcome, 'execution' | 'owner'>,
  { requested_by }: RollbackInput,
  services: NotifyServices & { clock: Clock },
): Promise<void> {
  const { status, rolled_back, dry_run, nothing_to_do, finding } = answer;
  if (dry_run || nothing_to_do === true || status === 'in_progress' || finding?.code === 'refused') return;
  const outcome = directOutcome({
    status: status === 'contested' ? 'contested' : rolled_back ? 'rolled_back' : 'failed',
    cause: { code: 'asked' },
    operation: 'rollback',
    execution,
    model_name: answer.model_name,
    owner,
    champion_before: answer.champion_before,
    champion_after: rolled_back ? answer.to_version : null,
    rollback: answer,
    overwritten: answer.overwritten ?? [],
    requested_by,
    recorded_at: services.clock.now().toISOString(),
  });
  await recordOutcomeAndNotify(inWords(outcome), true, services);
}
