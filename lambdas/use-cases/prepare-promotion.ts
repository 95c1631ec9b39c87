import type { PromotionStore } from '../adapters/aws/promotion-table.ts';
import type { Clock } from '../adapters/clock.ts';
import { ModelNotFound, StaleFence } from '../domain/errors.ts';
import {
  leaseSecondsFor,
  MAX_POLLS,
  MIN_POLL_SECONDS,
  maxRolloutMinutes,
  rolloutSeconds,
} from '../domain/limits.ts';
import { type Comparison, type Prepared, type PrepareInput, RollbackReason } from '../domain/payloads.ts';
import {
  type ChangeSinceComparison,
  FENCE_TAG,
  findUnfinishedPromotion,
  newestPromotion,
  recordedFence,
} from '../domain/promotion/promotion-plan.ts';
import { type Intent, intentTag, recordId, recordsOn } from '../domain/promotion/record.ts';
import { WORKLOAD_TAG } from '../domain/promotion/rollback-plan.ts';
import { champions, isSoleChampion, type ModelVersion, type RegistryView } from '../domain/registry.ts';
import type { ServingBefore } from '../domain/rollout/serving-rollback.ts';
import type { Workloads } from '../domain/serving/workloads.ts';
import { quoted } from '../domain/visible-text.ts';
import { count } from '../runtime/metrics.ts';
import { changedSince, modelBusy } from '../words/reasons.ts';
import { type CompareServices, compare, policyName } from './compare-models.ts';
import { readRegistry } from './parts/move-champion.ts';
import { isUnnotified } from './parts/record-and-notify.ts';
import { servingBefore } from './parts/serving-before.ts';
import { isLeaseStuck } from './parts/with-lease.ts';

export interface PrepareServices extends CompareServices {
  store: PromotionStore;
  clock: Clock;
  /** Created on first use: only models served by a Workload need the Workload API. */
  workloads: () => Workloads;
}

/**
 * Takes the lease, compares again and records the intent. Answers `ready`, `busy` (another execution holds the lease) or
 * `contested` (the registry or the evidence changed after the comparison). Throws `ModelNotFound`, `StaleFence`,
 * `ArtifactNotResolved`, `WorkloadNotFound`, and the errors of MLflow, the Workload API and the table.
 */
export async function prepare(input: PrepareInput, services: PrepareServices): Promise<Prepared> {
  const { store, clock, registry } = services;
  const ready: Prepared = {
    status: 'ready',
    reason: null,
    holder: null,
    lease_expires_at: null,
    wait: false,
    retry_after_seconds: Math.max(
      MIN_POLL_SECONDS.lease,
      Math.ceil((input.wait_for_lease_minutes * 60) / MAX_POLLS),
    ),
    fence: null,
    promotion_id: null,
    unfinished: null,
    before_state: null,
    rollback_reason:
      input.operation === 'promote'
        ? 'ROLLOUT_FAILED'
        : (RollbackReason.safeParse(input.reason).data ?? 'MANUAL_REQUEST'),
    prepared_at: clock.now().toISOString(),
    workload_id: null,
    artifact_id: null,
    deadline: null,
  };
  const now = clock.now();
  const lease = await store.takeLease(
    input.model_name,
    input.execution,
    now,
    leaseSecondsFor(rolloutOf(input)),
  );
  if (!lease.taken) {
    if (await isLeaseStuck(lease.holder, now, store)) count('LeaseStuck');
    const waited = (now.getTime() - Date.parse(input.started_at)) / 60_000;
    const reason = modelBusy(input.model_name, lease.holder, lease.expiresAt);
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
  const workload_id = input.workload_id ?? (view.model.tags[WORKLOAD_TAG] || null);
  const fence = await fenceFor(view, lease.fence, input, services);
  const deadline = new Date(now.getTime() + rolloutSeconds(input.rollout) * 1000).toISOString();
  const leased: Prepared = { ...ready, fence, workload_id, deadline };

  if (input.operation === 'rollback' || input.comparison === null || input.challenger_version === null) {
    if (!input.dry_run) await raiseFence(view, fence, services);
    return leased;
  }
  return preparePromotion(
    view,
    input,
    input.comparison,
    input.challenger_version,
    leased,
    lease.fence,
    services,
  );
}

/** A rollback may have to wait until the old version of an unknown rollout is no longer kept. */
const rolloutOf = ({ operation, rollout }: PrepareInput) =>
  operation === 'rollback' ? { keepOldVersionMinutes: maxRolloutMinutes.keepOldVersionMinutes } : rollout;

async function preparePromotion(
  view: RegistryView,
  input: PrepareInput,
  comparison: Comparison,
  challenger: string,
  leased: Prepared,
  counted: number | null,
  services: PrepareServices,
): Promise<Prepared> {
  const { registry, mode } = services;
  const version = view.versions.find((v) => v.version === challenger);
  if (version === undefined || isSoleChampion(view, mode, challenger)) {
    // Nothing to move. A promotion that an earlier execution left unfinished, or without notification, is completed.
    const earlier = version === undefined ? null : newestPromotion(version);
    const open = version !== undefined && findUnfinishedPromotion(version) !== null;
    const unfinished =
      earlier !== null && (open || (await isUnnotified(earlier, counted, services.store))) ? earlier : null;
    return {
      ...leased,
      promotion_id: unfinished?.id ?? null,
      unfinished: unfinished && {
        execution: unfinished.execution,
        champion_before: unfinished.from,
        confidence: unfinished.confidence,
      },
      artifact_id: open ? (earlier?.serving?.artifact_id ?? null) : null,
      before_state: { champion_version: challenger, challenger_version: challenger, serving: null },
    };
  }
  const changed = await findChangeSinceComparison(view, input, comparison, services);
  if (changed !== null) return { ...leased, status: 'contested', reason: changedSince(changed) };

  const id = recordId(input.execution);
  const from = champions(view, mode).find((other) => other !== challenger) ?? null;
  await raiseFence(view, leased.fence ?? 0, services);
  const written = recordsOn([version]).find((record) => record.id === id);
  const serving = written?.serving ?? (await readServing(view, version, input, leased.workload_id, services));
  if (written === undefined) {
    const intent = intentOf(
      { id, to: challenger, from, serving },
      input,
      comparison,
      leased.fence,
      services.clock,
    );
    const { key, value } = intentTag(intent);
    await registry.setVersionTag(input.model_name, challenger, key, value);
  }
  const before_state = { champion_version: from, challenger_version: challenger, serving };
  return { ...leased, promotion_id: id, artifact_id: serving?.artifact_id ?? null, before_state };
}

function intentOf(
  move: Pick<Intent, 'id' | 'to' | 'from' | 'serving'>,
  input: PrepareInput,
  comparison: Comparison,
  fence: number | null,
  clock: Clock,
): Intent {
  return {
    kind: 'promote',
    ...move,
    confidence: comparison.confidence,
    evidence_digest: comparison.evidence_digest,
    reason: input.reason ?? comparison.recommendation,
    requested_by: input.requested_by,
    execution: input.execution,
    fence,
    at: clock.now().toISOString(),
  };
}

/** The serving state before the promotion and the artifact to be served; null without a Workload. */
async function readServing(
  view: RegistryView,
  version: ModelVersion,
  input: PrepareInput,
  workloadId: string | null,
  services: PrepareServices,
): Promise<ServingBefore | null> {
  if (workloadId === null) return null;
  const policy = await services.policies.load(policyName(input, view.model));
  return servingBefore(
    {
      model: input.model_name,
      version,
      workloadId,
      artifactId: input.artifact_id,
      mayDerive: policy.serving.derive_artifact,
    },
    { workloads: services.workloads(), registry: services.registry },
  );
}

/** Compares again: a decision (perhaps approved days ago) must still match the evidence. Null if nothing changed. */
async function findChangeSinceComparison(
  view: RegistryView,
  input: PrepareInput,
  before: Comparison,
  services: PrepareServices,
): Promise<ChangeSinceComparison | null> {
  const others = champions(view, services.mode).filter((v) => v !== before.challenger_version);
  if (others.some((version) => version !== before.champion_version)) {
    return { code: 'champion-changed', champions: others, compared_with: before.champion_version };
  }
  const again = await compare(
    {
      model_name: input.model_name,
      champion_version: before.champion_version,
      challenger_version: before.challenger_version,
      policy: input.policy,
      execution: input.execution,
    },
    services,
  );
  if (again.decision !== 'PROMOTE')
    return {
      code: 'decision-changed',
      decision: again.decision,
      recommendation: again.recommendation,
    };
  return again.evidence_digest === before.evidence_digest ? null : { code: 'evidence-changed' };
}

/**
 * The fence of this execution. If the registry records a higher one than the table (the table was restored, or another
 * table was used before), counting continues from there while this execution holds the lease. Throws `StaleFence`.
 */
async function fenceFor(
  view: RegistryView,
  counted: number | null,
  { model_name, execution }: PrepareInput,
  { store }: PrepareServices,
): Promise<number> {
  const recorded = recordedFence(view);
  if (counted === null) return recorded + 1;
  if (recorded <= counted) return counted;
  if (await store.raiseFence(model_name, execution, recorded + 1)) return recorded + 1;
  throw new StaleFence(
    `Another owner took the lease for ${quoted(model_name)} (fence ${recorded}): nothing is written`,
  );
}

/** Records the highest fence in the registry itself, so that a writer that lost the lease finds it when reading. */
async function raiseFence(view: RegistryView, fence: number, { registry }: PrepareServices): Promise<void> {
  if (recordedFence(view) < fence) await registry.setModelTag(view.model.name, FENCE_TAG, String(fence));
}
