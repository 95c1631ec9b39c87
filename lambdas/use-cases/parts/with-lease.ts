import type { Clock } from '../../adapters/clock.ts';
import { StaleFence } from '../../domain/errors.ts';
import {
  DIRECT_LEASE_SECONDS,
  type FunctionName,
  functionTimeoutSeconds,
  LEASE_RELEASE_MS,
  LOOK_SECONDS,
} from '../../domain/limits.ts';
import type { Change, ModelItem, Release } from '../../domain/release/release.ts';
import type { LeaseHolder, PromotionStore } from '../../domain/release/store.ts';
import type { LeaseHeld } from '../../domain/serving/rollout-finding.ts';
import { quoted } from '../../domain/visible-text.ts';
import { log, logError } from '../../runtime/log.ts';
import { count } from '../../runtime/metrics.ts';

/** The holder of a lease, who may write for a model. */
export interface Writer {
  /** Owner of the lease: the execution's ARN, or `direct:<request id>`. */
  readonly owner: string;
  /** Null without a table: a direct call then has no fence. */
  readonly fence: number | null;
  /** True without a state machine: the function then takes the lease and sends the notification itself. */
  readonly direct: boolean;
  /** The model's item as it was when the lease was checked or taken. */
  readonly item: ModelItem;
}

/** A call that writes for a model; `fence` is given by the state machine, whose execution holds the lease. */
export interface LeaseCall {
  readonly function: FunctionName;
  readonly model_name: string;
  readonly fence: number | null;
  readonly execution: string | null;
  readonly requestId: string;
}

/**
 * Runs `work` while holding the lease of a model. Called by the state machine (with a fence), it checks that the execution
 * still holds the lease, for longer than the function can run; called directly, it takes the lease and releases it, or
 * answers `busy`. Throws `StaleFence` and `LeaseStoreUnavailable`.
 */
export async function withLease<Answer>(
  call: LeaseCall,
  { store, clock }: { store: PromotionStore; clock: Clock },
  work: (writer: Writer) => Promise<Answer>,
  busy: (lease: LeaseHeld) => Answer,
): Promise<Answer> {
  const { model_name: model, fence } = call;
  const owner = call.execution ?? `direct:${call.requestId}`;
  if (fence !== null) {
    const item = await store.readItem(model);
    refuseStale(item, owner, fence, clock.now(), functionTimeoutSeconds[call.function]);
    return work({ owner, fence, direct: false, item });
  }
  const lease = await store.takeLease(model, owner, clock.now(), DIRECT_LEASE_SECONDS);
  if (!lease.taken) return busy({ code: 'lease-held', model, holder: lease.holder, until: lease.expiresAt });
  // Without a table an execution has no fence either, and ends itself.
  const direct = store.keepsItems || call.execution === null;
  try {
    return await work({ owner, fence: lease.item.fence, direct, item: lease.item });
  } finally {
    await store.releaseLease(model, owner, clock.now()).catch((error: unknown) => {
      count('LeaseStuck');
      log().error('lease not released; it expires', { owner, error: logError(error) });
    });
  }
}

/** Throws `StaleFence` unless the owner holds the lease with this fence for longer than `seconds`. */
function refuseStale(item: ModelItem, owner: string, fence: number, now: Date, seconds: number): void {
  const model = quoted(item.model);
  if (item.owner !== owner || item.fence !== fence || item.expires_at === null || item.expires_at <= now) {
    const holder = item.owner === null ? 'nobody holds it' : `${item.owner} holds it`;
    throw new StaleFence(
      `This execution no longer holds the lease for ${model} (fence ${fence}): ${holder} with fence ${item.fence}, and nothing is written`,
    );
  }
  if (item.expires_at.getTime() - now.getTime() <= seconds * 1000)
    throw new StaleFence(
      `The lease for ${model} ends at ${item.expires_at.toISOString()}, before this function: nothing is written`,
    );
}

/** The writer once its change is open: the item as the write has left it. */
export const withChange = (writer: Writer, change: Change, live: Release | null): Writer => ({
  ...writer,
  item: { ...writer.item, change, live: live ?? writer.item.live, told: null },
});

/** The condition of every write of a change: the writer holds the lease now. */
export const holderOf = ({ owner, fence, item }: Writer, now: Date): LeaseHolder => ({
  model: item.model,
  owner,
  fence,
  now,
});

/** True while a write may still be based on a look at both sides that began at `lookedAt`. */
export const isFresh = (lookedAt: Date, now: Date): boolean =>
  now.getTime() - lookedAt.getTime() <= LOOK_SECONDS * 1000;

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
