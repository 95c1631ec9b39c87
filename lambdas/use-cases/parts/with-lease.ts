import type { PromotionStore } from '../../adapters/aws/promotion-table.ts';
import type { Clock } from '../../adapters/clock.ts';
import { StaleFence } from '../../domain/errors.ts';
import { DIRECT_LEASE_SECONDS, LEASE_RELEASE_MS } from '../../domain/limits.ts';
import { recordedFence } from '../../domain/promotion/promotion-plan.ts';
import type { RegistryView } from '../../domain/registry.ts';
import type { LeaseHeld } from '../../domain/serving/rollout-finding.ts';
import { quoted } from '../../domain/visible-text.ts';
import { log, logError } from '../../runtime/log.ts';
import { count } from '../../runtime/metrics.ts';

/** The holder of a lease, who may write for a model. */
export interface Writer {
  /** Owner of the lease: the execution's ARN, or `direct:<request id>`. */
  owner: string;
  /** Null without a table: a direct call then has no fence. */
  fence: number | null;
  /** True without a state machine: the function then takes the lease and sends the notification itself. */
  direct: boolean;
}

/**
 * Runs `work` while holding the lease of a model. Called by the state machine (with a fence), it checks that the execution
 * still holds the lease; called directly, it takes the lease and releases it, or answers `busy`. Throws `StaleFence` and
 * `LeaseStoreUnavailable`.
 */
export async function withLease<Answer>(
  call: { model_name: string; fence: number | null; execution: string | null; requestId: string },
  { store, clock }: { store: PromotionStore; clock: Clock },
  work: (writer: Writer) => Promise<Answer>,
  busy: (lease: LeaseHeld) => Answer,
): Promise<Answer> {
  const { model_name: model, fence } = call;
  const owner = call.execution ?? `direct:${call.requestId}`;
  if (fence !== null) {
    if (await store.holdsLease(model, owner, fence, clock.now()))
      return work({ owner, fence, direct: false });
    throw new StaleFence(
      `This execution no longer holds the lease for ${quoted(model)} (fence ${fence}): nothing is written`,
    );
  }
  const lease = await store.takeLease(model, owner, clock.now(), DIRECT_LEASE_SECONDS);
  if (!lease.taken) return busy({ code: 'lease-held', model, holder: lease.holder, until: lease.expiresAt });
  try {
    return await work({ owner, fence: lease.fence, direct: true });
  } finally {
    await store.releaseLease(model, owner).catch((error: unknown) => {
      count('LeaseStuck');
      log().error('lease not released; it expires', { owner, error: logError(error) });
    });
  }
}

/** Throws `StaleFence` when the registry records a higher fence than the writer's. */
export function refuseStale(view: RegistryView, fence: number | null): void {
  if (fence === null) return;
  const recorded = recordedFence(view);
  if (recorded > fence) {
    throw new StaleFence(
      `Another owner took the lease for ${quoted(view.model.name)} with fence ${recorded}; this writer has fence ${fence}: nothing is written`,
    );
  }
}

/** True when the holder of a lease ended more than `LEASE_RELEASE_MS` ago. Never throws: used for a metric only. */
export async function isLeaseStuck(holder: string, now: Date, store: PromotionStore): Promise<boolean> {
  try {
    const ended = await store.outcomeRecordedAt(holder);
    return ended !== null && now.getTime() - ended.getTime() > LEASE_RELEASE_MS;
  } catch (error) {
    log().warn('could not check whether the lease holder has ended', { error: logError(error) });
    return false;
  }
}
