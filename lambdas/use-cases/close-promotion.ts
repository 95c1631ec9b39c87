import { MAX_POLL_SECONDS, MIN_POLL_SECONDS } from '../domain/limits.ts';
import type { CloseAnswer, CloseInput } from '../domain/release/payloads.ts';
import { Progress } from '../domain/serving/payloads.ts';
import type { Invocation } from '../runtime/handler.ts';
import { closingReason } from '../words/preparation.ts';
import { leaseHeld } from '../words/rollout.ts';
import { convergeQuickly } from './parts/converge.ts';
import type { ConvergeServices } from './parts/convergence.ts';
import { type Writer, withLease } from './parts/with-lease.ts';

/**
 * The last step of a promotion: locks the served draft, reads both sides once more, and closes the change if they show its
 * aim (W4). Idempotent; with status `in_progress` it is called again after `retry_after_seconds`. Throws `ModelNotFound`,
 * `StaleFence`, `LeaseStoreUnavailable`, and the errors of MLflow and the Workload API.
 */
export function closePromotion(
  input: CloseInput,
  services: ConvergeServices,
  { requestId }: Invocation,
): Promise<CloseAnswer> {
  const progress = input.previous?.progress ?? Progress.parse({});
  const earlier = input.previous?.overwritten ?? [];
  const answer = (status: CloseAnswer['status'], more: Partial<CloseAnswer>): CloseAnswer => ({
    status,
    retry_after_seconds: null,
    reason: '',
    finding: null,
    overwritten: earlier,
    progress,
    ...more,
  });
  const work = async (writer: Writer): Promise<CloseAnswer> => {
    const { change, live } = writer.item;
    // Nothing is kept without a table; `promote-model` has read back what it moved.
    if (!services.store.keepsItems) return answer('completed', {});
    if (change === null || change.id !== input.change_id)
      return input.change_id === null || live?.change === input.change_id
        ? answer('completed', {})
        : answer('contested', {
            reason: closingReason({ kind: 'contested', why: 'superseded' }, change?.id ?? null),
          });
    const deadline = input.deadline === null ? services.clock.now() : new Date(input.deadline);
    const c = { change, writer, progress, deadline, requested_by: change.asked.by, mayStart: false };
    const result = await convergeQuickly(c, services);
    const reason = closingReason(result, null);
    const overwritten = [...earlier, ...result.overwritten];
    const carried = { reason, overwritten, progress: result.progress };
    switch (result.kind) {
      case 'closed':
        return answer('completed', carried);
      case 'contested':
        return answer('contested', carried);
      case 'failed':
        return answer('failed', { ...carried, finding: result.finding });
      case 'waiting': {
        const late = result.step === 'wait' && services.clock.now() >= deadline;
        const blocked = result.finding.code === 'promotion-blocked';
        const seconds = blocked ? MAX_POLL_SECONDS.closing : MIN_POLL_SECONDS.rollout;
        return late
          ? answer('failed', { ...carried, finding: { code: 'deadline', at: { code: 'draft' } } })
          : answer('in_progress', { ...carried, finding: result.finding, retry_after_seconds: seconds });
      }
    }
  };
  const { model_name, fence, execution } = input;
  const call = { function: 'close-promotion', model_name, fence, execution, requestId } as const;
  return withLease(call, services, work, (lease) => answer('failed', { reason: leaseHeld(lease) }));
}
