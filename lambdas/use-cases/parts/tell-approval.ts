import type { Clock } from '../../adapters/clock.ts';
import { type ApprovalRequest, recordOfRequest } from '../../domain/approval/request.ts';
import { directOutcome } from '../../domain/outcome/outcome.ts';
import type { Comparison } from '../../domain/payloads.ts';
import { recordId } from '../../domain/promotion/record.ts';
import type { NotifyServices } from '../../runtime/notify-services.ts';
import { inWords } from '../../words/reasons.ts';
import { recordOutcomeAndNotify } from './record-and-notify.ts';

/** The id under which people are told of a request: one message for each request and occasion. */
const messageId = ({ execution, digest }: ApprovalRequest, occasion: 'requested' | 'reminder') =>
  `approval:${recordId(execution)}-${digest.slice(0, 12)}-${occasion}`;

/** Tells the approvers what waits for them, with the evidence. Throws `LeaseStoreUnavailable`. */
export async function tellApproval(
  occasion: 'requested' | 'reminder',
  request: ApprovalRequest,
  comparison: Comparison,
  services: NotifyServices & { clock: Clock },
): Promise<void> {
  const { champion_version, challenger_version } = comparison;
  const now = services.clock.now();
  const decisions = await services.store.decisionsOn(request);
  const outcome = directOutcome({
    status: 'awaiting_approval',
    cause: { code: 'approval', occasion },
    operation: 'promote',
    execution: messageId(request, occasion),
    model_name: request.subject.model_name,
    owner: comparison.owner ?? null,
    champion_before: champion_version,
    champion_after: champion_version,
    challenger_version,
    confidence: comparison.confidence,
    comparison,
    approval: recordOfRequest(request, decisions, now),
    requested_by: request.requested_by,
    recorded_at: now.toISOString(),
  });
  await recordOutcomeAndNotify(inWords(outcome), true, services);
}
