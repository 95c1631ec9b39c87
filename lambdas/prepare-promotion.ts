import { type Clock, systemClock } from './adapters/clock.ts';
import type { PromotionStore } from './adapters/dynamodb.ts';
import { type CompareServices, compare, compareServices } from './compare-models.ts';
import { ModelNotFound, ServingNotSupported } from './domain/errors.ts';
import { leaseSeconds, longestWritingSeconds } from './domain/limits.ts';
import { type Comparison, type Prepared, PrepareInput, RollbackReason } from './domain/payloads.ts';
import { FENCE_TAG, outstanding, recordedFence } from './domain/promotion-plan.ts';
import { intentTag, recordId, recordsOn } from './domain/promotion-record.ts';
import { champions, isSoleChampion, type RegistryView } from './domain/registry.ts';
import { quoted } from './domain/visible-text.ts';
import { announceServices } from './runtime/announce.ts';
import { toHandler } from './runtime/handler.ts';
import { refuseStale } from './runtime/lease.ts';
import { readRegistry } from './runtime/registry.ts';

export interface PrepareServices extends CompareServices {
  store: PromotionStore;
  clock: Clock;
}

/** The last check before writing: takes the lease, checks again what was decided, records the intent. */
export const handler = toHandler('prepare-promotion', {
  input: PrepareInput,
  services: (env): PrepareServices => ({
    ...compareServices(env),
    store: announceServices(env).store,
    clock: systemClock,
  }),
  run: prepare,
});

/** Registered-model tag that names the Workload serving the model. */
const WORKLOAD_TAG = 'workload.id';
/** How long an execution that waits for the lease pauses before it looks again. */
const LOOK_AGAIN_SECONDS = 30;

/** Answers `ready`, `busy` (somebody else has the lease) or `contested` (the registry is not as it was compared). */
export async function prepare(input: PrepareInput, services: PrepareServices): Promise<Prepared> {
  const { store, clock, registry } = services;
  const ready: Prepared = {
    status: 'ready',
    reason: null,
    holder: null,
    lease_expires_at: null,
    wait: false,
    retry_after_seconds: LOOK_AGAIN_SECONDS,
    fence: null,
    promotion_id: null,
    before_state: null,
    rollback_reason:
      input.operation === 'promote'
        ? 'ROLLOUT_FAILED'
        : (RollbackReason.safeParse(input.reason).data ?? 'MANUAL_REQUEST'),
    deadline: null,
  };
  const now = clock.now();
  const lease = await store.takeLease(input.model_name, input.execution, now, leaseSeconds);
  if (!lease.taken) {
    const waited = (now.getTime() - Date.parse(input.started_at)) / 60_000;
    const reason = `${quoted(input.model_name)} is being changed by ${lease.holder}; its lease ends at ${lease.expiresAt} at the latest`;
    return {
      ...ready,
      status: 'busy',
      reason,
      holder: lease.holder,
      lease_expires_at: lease.expiresAt,
      wait: waited < input.wait_for_lease_minutes,
    };
  }

  const view = await readRegistry(registry, input.model_name);
  if (view === null) throw new ModelNotFound(`Registered model ${quoted(input.model_name)} does not exist`);
  refuseStale(view, lease.fence);
  refuseServed(view, input.workload_id);
  const fence = lease.fence ?? recordedFence(view) + 1;
  const deadline = new Date(now.getTime() + longestWritingSeconds * 1000).toISOString();
  const held: Prepared = { ...ready, fence, deadline };

  if (input.operation === 'rollback' || input.comparison === null || input.challenger_version === null) {
    if (!input.dry_run) await raiseFence(view, fence, services);
    return held;
  }
  return preparePromotion(view, input, input.comparison, input.challenger_version, held, services);
}

async function preparePromotion(
  view: RegistryView,
  input: PrepareInput,
  comparison: Comparison,
  challenger: string,
  held: Prepared,
  services: PrepareServices,
): Promise<Prepared> {
  const { registry, mode, clock } = services;
  if (isSoleChampion(view, mode, challenger)) {
    // Nothing to move. What an earlier execution left half-done is named, so that it is finished and announced.
    const version = view.versions.find((v) => v.version === challenger);
    const unfinished = version === undefined ? null : outstanding(version);
    const before_state = { champion_version: challenger, challenger_version: challenger };
    return { ...held, promotion_id: unfinished?.id ?? null, before_state };
  }
  const changed = await whatChanged(view, input, comparison, services);
  if (changed !== null) return { ...held, status: 'contested', reason: changed };

  const id = recordId(input.execution);
  const from = champions(view, mode).find((version) => version !== challenger) ?? null;
  const before = { champion_version: from, challenger_version: challenger };
  await raiseFence(view, held.fence ?? 0, services);
  const written = recordsOn(view.versions).some((r) => r.id === id && r.holder === challenger);
  if (!written) {
    const { key, value } = intentTag({
      kind: 'promote',
      id,
      to: challenger,
      from,
      confidence: comparison.confidence,
      evidence_digest: comparison.evidence_digest,
      reason: input.reason ?? comparison.recommendation,
      requested_by: input.requested_by,
      execution: input.execution,
      fence: held.fence,
      at: clock.now().toISOString(),
    });
    await registry.setVersionTag(input.model_name, challenger, key, value);
  }
  return { ...held, promotion_id: id, before_state: before };
}

/** Compares once more: what was decided (or approved, days ago) must still be what the evidence says. */
async function whatChanged(
  view: RegistryView,
  input: PrepareInput,
  before: Comparison,
  services: PrepareServices,
): Promise<string | null> {
  const others = champions(view, services.mode).filter((v) => v !== before.challenger_version);
  if (others.some((version) => version !== before.champion_version)) {
    return `Since the comparison version ${others.join(' and ')} has become the champion (compared with ${before.champion_version ?? 'none'})`;
  }
  const again = await compare(
    {
      model_name: input.model_name,
      champion_version: before.champion_version,
      challenger_version: before.challenger_version,
      policy: input.policy,
    },
    services,
  );
  if (again.decision !== 'PROMOTE')
    return `Compared again, the decision is ${again.decision}: ${again.recommendation}`;
  return again.evidence_digest === before.evidence_digest
    ? null
    : 'The evidence has changed since the comparison';
}

/** The registry itself remembers the highest fence, so that a writer who lost the lease is told when it reads. */
async function raiseFence(view: RegistryView, fence: number, { registry }: PrepareServices): Promise<void> {
  if (recordedFence(view) < fence) await registry.setModelTag(view.model.name, FENCE_TAG, String(fence));
}

function refuseServed(view: RegistryView, workloadId: string | null): void {
  const served = workloadId ?? (view.model.tags[WORKLOAD_TAG] || null);
  if (served === null) return;
  throw new ServingNotSupported(
    `${quoted(view.model.name)} is served by Workload ${quoted(served)}; this version moves the registry only and would leave the two in disagreement`,
  );
}
