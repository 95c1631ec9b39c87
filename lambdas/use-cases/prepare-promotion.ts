import type { Clock } from '../adapters/clock.ts';
import { ModelNotFound, StaleFence } from '../domain/errors.ts';
import {
  attemptPauseMinutes,
  leaseSecondsFor,
  MAX_POLLS,
  MIN_POLL_SECONDS,
  rolloutSeconds,
  VISIBILITY_GRACE_SECONDS,
} from '../domain/limits.ts';
import { type Comparison, type Prepared, type PrepareInput, RollbackReason } from '../domain/payloads.ts';
import {
  type ChangeSinceComparison,
  championBefore,
  FENCE_TAG,
  recordedFence,
} from '../domain/promotion/promotion-plan.ts';
import { hasUnfinishedPromotion, intentTag, recordId, recordsOn } from '../domain/promotion/record.ts';
import { champions, type RegistryView } from '../domain/registry.ts';
import type { Look } from '../domain/release/look.ts';
import {
  adoption,
  bare,
  changeOf,
  type Opener,
  openPromotion,
  type Wanted,
} from '../domain/release/opening.ts';
import { historyAfter, type ModelItem } from '../domain/release/release.ts';
import { type PromotionStore, seenIn } from '../domain/release/store.ts';
import { refusalOfTarget } from '../domain/rollout/rules.ts';
import type { Workloads } from '../domain/serving/workloads.ts';
import { quoted } from '../domain/visible-text.ts';
import { count } from '../runtime/metrics.ts';
import {
  changedSince,
  EARLIER_DEFINITION,
  modelBusy,
  openingContested,
  prepareRefused,
  settling,
} from '../words/reasons.ts';
import { rolloutReason } from '../words/rollout.ts';
import { type CompareServices, compare, policyName } from './compare-models.ts';
import { readRegistry, readServing, workloadOf } from './parts/look.ts';
import { resolveArtifact, servedIn } from './parts/resolve-artifact.ts';
import { isLeaseStuck } from './parts/with-lease.ts';

export interface PrepareServices extends CompareServices {
  store: PromotionStore;
  clock: Clock;
  /** Created on first use: only models served by a Workload need the Workload API. */
  workloads: () => Workloads;
}

/** What the steps of one preparation share. */
interface Preparation {
  readonly input: PrepareInput;
  readonly services: PrepareServices;
  readonly view: RegistryView;
  readonly item: ModelItem;
  readonly opener: Opener;
  readonly leased: Prepared;
}

/**
 * Takes the lease and looks at both sides. A promotion is compared again and its change is opened; `adopt` takes what both
 * sides show as live; a rollback opens its change itself, and `resume` goes on with an open one. Throws `ModelNotFound`,
 * `StaleFence`, `ArtifactNotResolved`, `WorkloadNotFound`, and the errors of MLflow, the Workload API and the table.
 */
export async function prepare(input: PrepareInput, services: PrepareServices): Promise<Prepared> {
  const { store, clock, registry } = services;
  const now = clock.now();
  const ready = blankAnswer(input, now);
  // Its later steps would neither open a change nor close it.
  if (input.change_id === undefined) return { ...ready, status: 'contested', reason: EARLIER_DEFINITION };
  const lease = await store.takeLease(input.model_name, input.execution, now, leaseSecondsFor(input.rollout));
  if (!lease.taken) {
    if (await isLeaseStuck(lease.holder, now, store)) count('LeaseStuck');
    const waited = (now.getTime() - Date.parse(input.started_at)) / 60_000;
    return {
      ...ready,
      status: 'busy',
      reason: modelBusy(input.model_name, lease.holder, lease.expiresAt),
      holder: lease.holder,
      lease_expires_at: lease.expiresAt,
      wait: waited < input.wait_for_lease_minutes,
    };
  }
  const { item } = lease;
  const settles = settlesAt(item, input.execution);
  if (settles !== null && now < settles) {
    const seconds = Math.ceil((settles.getTime() - now.getTime()) / 1000);
    return { ...ready, status: 'busy', reason: settling(seconds), wait: true, retry_after_seconds: seconds };
  }

  const view = await readRegistry(registry, input.model_name);
  if (view === null) throw new ModelNotFound(`Registered model ${quoted(input.model_name)} does not exist`);
  const fence = await fenceFor(view, item, input, services);
  const workload_id = servedBy(input, item, view);
  const leased: Prepared = {
    ...ready,
    fence,
    workload_id,
    champion_before: championBefore(view, services.mode, null),
    deadline: new Date(now.getTime() + rolloutSeconds(input.rollout) * 1000).toISOString(),
  };
  if (workload_id !== null && !store.keepsItems)
    return {
      ...leased,
      status: 'refused',
      reason: prepareRefused({ code: 'no-table', workload: workload_id }),
    };
  const opener = { id: input.execution, since: askedAt(input), now };
  const preparation = { input, services, view, item, opener, leased };
  switch (input.operation) {
    case 'rollback':
      await raiseFence(preparation);
      return leased;
    case 'resume':
      await raiseFence(preparation);
      return { ...leased, change_id: input.change_id ?? null };
    case 'adopt':
      return adopt(preparation);
    case 'promote':
      return input.comparison === null || input.challenger_version === null
        ? leased
        : openPromotionOf(preparation, input.comparison, input.challenger_version);
  }
}

function blankAnswer(input: PrepareInput, now: Date): Prepared {
  return {
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
    change_id: null,
    champion_before: null,
    rollback_reason:
      input.operation === 'rollback'
        ? (RollbackReason.safeParse(input.reason).data ?? 'MANUAL_REQUEST')
        : 'ROLLOUT_FAILED',
    prepared_at: now.toISOString(),
    workload_id: null,
    artifact_id: null,
    deadline: null,
  };
}

/**
 * Until when a request of the last owner may not be visible on the Workload: it has left a change open. Null where
 * nothing can be outstanding.
 */
function settlesAt({ change, released_at }: ModelItem, me: string): Date | null {
  if (change === null || change.id === me || change.aim.workload_id === null || released_at === null)
    return null;
  return new Date(released_at.getTime() + VISIBILITY_GRACE_SECONDS * 1000);
}

/** When this execution asked for its change: at its start, or at the end of its last wait. */
function askedAt({ previous, started_at }: PrepareInput): Date {
  if (previous === null) return new Date(started_at);
  return new Date(Date.parse(previous.prepared_at) + previous.retry_after_seconds * 1000);
}

/** Adopting takes the Workload as asked for or tagged, as the recorded one may be gone; everything else, as recorded. */
function servedBy(
  { operation, workload_id }: PrepareInput,
  item: ModelItem,
  view: RegistryView,
): string | null {
  const nothing = { ...item, live: null, change: null };
  return workloadOf(workload_id, operation === 'adopt' ? nothing : item, view);
}

async function lookOf({ services, view, leased }: Preparation): Promise<Look> {
  const { workload_id } = leased;
  const serving = workload_id === null ? null : await readServing(services.workloads(), workload_id);
  return { registry: view, mode: services.mode, serving };
}

/** Takes what both sides show as live (W8). */
async function adopt(preparation: Preparation): Promise<Prepared> {
  const { input, services, item, opener, leased } = preparation;
  const look = await lookOf(preparation);
  const decided = adoption(look, item, opener, input.requested_by ?? input.execution);
  if (decided.kind === 'contested')
    return { ...leased, status: 'contested', reason: openingContested(decided.why, look, item) };
  if (decided.kind === 'adopt') {
    const { store } = services;
    await store.putRelease(input.model_name, decided.live);
    const live = bare(decided.live);
    const left = { at: live.at, by: opener.id, bad: false };
    const written = await store.adopt(
      { model: input.model_name, owner: opener.id, fence: leased.fence, now: services.clock.now() },
      seenIn(item),
      live,
      historyAfter(item, live, left),
    );
    if (!written)
      return { ...leased, status: 'contested', reason: openingContested('overtaken', look, item) };
  }
  return { ...leased, status: 'adopted' };
}

/** Opens the change to the challenger (W2), after the evidence was read again. */
async function openPromotionOf(
  preparation: Preparation,
  comparison: Comparison,
  challenger: string,
): Promise<Prepared> {
  const { input, services, view, item, opener, leased } = preparation;
  const { registry, store, clock } = services;
  const version = view.versions.find((v) => v.version === challenger);
  const refuse = (refusal: Parameters<typeof prepareRefused>[0]): Prepared => ({
    ...leased,
    status: 'refused',
    reason: prepareRefused(refusal),
  });
  if (version === undefined) return refuse({ code: 'version-missing', version: challenger });
  if (version.status !== 'READY')
    return refuse({ code: 'not-ready', version: challenger, status: version.status });
  const look = await lookOf(preparation);
  const { serving } = look;
  const artifact =
    serving === null
      ? null
      : await resolveArtifact(
          {
            model: input.model_name,
            version,
            item,
            serving,
            artifactId: input.artifact_id,
            mayDerive: async () =>
              (await services.policies.load(policyName(input, view.model))).serving.derive_artifact,
          },
          { workloads: services.workloads(), registry },
        );
  const wanted: Wanted = {
    version: challenger,
    workload_id: serving?.workload_id ?? null,
    artifact_id: artifact?.id ?? null,
  };
  const own: Prepared = { ...leased, change_id: opener.id, artifact_id: wanted.artifact_id };
  const flags = { adopt: input.adopt, unfinished: hasUnfinishedPromotion(view.versions) };
  const opening = openPromotion(look, item, wanted, opener, flags);
  if (opening.kind === 'own') return { ...own, champion_before: ownChampionBefore(item, own) };
  if (opening.kind === 'already') return { ...leased, status: 'already_promoted' };
  if (opening.kind === 'contested')
    return { ...leased, status: 'contested', reason: openingContested(opening.why, look, item) };
  if (opening.kind === 'refused') return { ...leased, status: 'contested', reason: null };
  const unreachable =
    artifact === null || serving === null
      ? null
      : refusalOfTarget(artifact, servedIn(serving), input.lock_artifact === true);
  if (unreachable !== null) return { ...leased, status: 'refused', reason: rolloutReason(unreachable) };
  const changed = await findChangeSinceComparison(view, input, comparison, services);
  if (changed !== null) return { ...leased, status: 'contested', reason: changedSince(changed) };

  const now = clock.now();
  const request = {
    kind: 'promote',
    to: challenger,
    asked: {
      by: input.requested_by,
      reason: input.reason,
      alarm: null,
      evidence_digest: comparison.evidence_digest,
      confidence: comparison.confidence,
    },
    nextAt: new Date(now.getTime() + attemptPauseMinutes(0) * 60_000),
  } as const;
  await raiseFence(preparation);
  await recordIntent(preparation, comparison, wanted, serving?.artifact_id ?? null);
  for (const release of opening.store) await store.putRelease(input.model_name, release);
  const holder = { model: input.model_name, owner: opener.id, fence: leased.fence, now };
  const change = changeOf(opening, { ...opener, now }, request);
  const live = opening.live === null ? null : bare(opening.live);
  if (await store.openChange(holder, seenIn(item), change, live)) return own;
  return { ...leased, status: 'contested', reason: openingContested('overtaken', look, item) };
}

/** The change is open already, by an earlier copy of this step: the champion before it is that of its safe release. */
const ownChampionBefore = ({ change }: ModelItem, { champion_before }: Prepared): string | null =>
  change === null ? champion_before : change.safe.version;

/** Records the promotion in the version's tags before anything moves, for people. */
async function recordIntent(
  { input, services, view, leased }: Preparation,
  comparison: Comparison,
  { version: to, workload_id, artifact_id }: Wanted,
  served: string | null,
): Promise<void> {
  const id = recordId(input.execution);
  if (to === null || recordsOn(view.versions).some((record) => record.id === id)) return;
  const { key, value } = intentTag({
    kind: 'promote',
    id,
    to,
    from: champions(view, services.mode).find((other) => other !== to) ?? null,
    confidence: comparison.confidence,
    evidence_digest: comparison.evidence_digest,
    reason: input.reason ?? comparison.recommendation,
    requested_by: input.requested_by,
    execution: input.execution,
    fence: leased.fence,
    serving:
      workload_id === null || artifact_id === null
        ? null
        : { workload_id, artifact_id, previous_artifact_id: served },
    at: services.clock.now().toISOString(),
  });
  await services.registry.setVersionTag(input.model_name, to, key, value);
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
 * The fence of this execution; null without a table. If the registry records a higher one than the table (the table was
 * restored, or another was used before), counting continues from there while this execution holds the lease. Throws `StaleFence`.
 */
async function fenceFor(
  view: RegistryView,
  { fence: counted }: ModelItem,
  { model_name, execution }: PrepareInput,
  { store }: PrepareServices,
): Promise<number | null> {
  if (counted === null) return null;
  const recorded = recordedFence(view, counted);
  if (recorded <= counted) return counted;
  if (await store.raiseFence(model_name, execution, recorded + 1)) return recorded + 1;
  throw new StaleFence(
    `Another owner took the lease for ${quoted(model_name)} (fence ${recorded}): nothing is written`,
  );
}

/** Records the highest fence in the registry itself, for a table that is lost; only where something is to be changed. */
async function raiseFence({ input, services, view, leased }: Preparation): Promise<void> {
  const fence = leased.fence ?? 0;
  if (!input.dry_run && recordedFence(view, fence) < fence)
    await services.registry.setModelTag(view.model.name, FENCE_TAG, String(fence));
}
