import { ModelNotFound } from '../domain/errors.ts';
import {
  attemptPauseMinutes,
  leaseSecondsFor,
  MAX_POLLS,
  MIN_POLL_SECONDS,
  rolloutSeconds,
  VISIBILITY_GRACE_SECONDS,
} from '../domain/limits.ts';
import { type Comparison, type Prepared, type PrepareInput, RollbackReason } from '../domain/payloads.ts';
import { championBefore } from '../domain/promotion/promotion-plan.ts';
import { hasUnfinishedPromotion } from '../domain/promotion/record.ts';
import type { RegistryView } from '../domain/registry.ts';
import { bare, type Wanted } from '../domain/release/found.ts';
import { adoption, changeOf, openPromotion } from '../domain/release/opening.ts';
import { historyAfter, type ModelItem } from '../domain/release/release.ts';
import { seenIn } from '../domain/release/store.ts';
import { refusalOfTarget } from '../domain/rollout/rules.ts';
import { quoted } from '../domain/visible-text.ts';
import { count } from '../runtime/metrics.ts';
import {
  changedSince,
  EARLIER_DEFINITION,
  modelBusy,
  openingContested,
  prepareRefused,
  settling,
} from '../words/preparation.ts';
import { rolloutReason } from '../words/rollout.ts';
import { approvalGiven, changedSinceApproval } from './parts/approval-given.ts';
import { readRegistry, workloadOf } from './parts/look.ts';
import { withoutArtifact } from './parts/place-of.ts';
import {
  fenceFor,
  findChangeSinceComparison,
  lookOf,
  type Preparation,
  type PrepareServices,
  raiseFence,
  recordIntent,
} from './parts/preparation.ts';
import { resolveArtifact, servedIn } from './parts/resolve-artifact.ts';
import { isLeaseStuck } from './parts/with-lease.ts';

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
    const waited = (now.getTime() - waitingSince(input)) / 60_000;
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
      // An attempt that comes late, when its change is not open any more, writes nothing.
      if (item.change?.id === input.change_id) await raiseFence(preparation);
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

/** The wait for the lease counts from the last approval: people may take longer than it may last. Milliseconds since 1970. */
function waitingSince({ started_at, approval }: PrepareInput): number {
  const approved = (approval?.approvals ?? []).map(({ at }) => Date.parse(at)).filter(Number.isFinite);
  return Math.max(Date.parse(started_at), ...approved);
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
  const found = view.versions.find((v) => v.version === challenger);
  const refuse = (refusal: Parameters<typeof prepareRefused>[0]): Prepared => ({
    ...leased,
    status: 'refused',
    reason: prepareRefused(refusal),
  });
  if (found === undefined) return refuse({ code: 'version-missing', version: challenger });
  if (found.status !== 'READY')
    return refuse({ code: 'not-ready', version: challenger, status: found.status });
  const approval = await approvalGiven(preparation, comparison);
  // Of a version that is the champion already, there may be nothing to open.
  if (approval.kind === 'missing' && !comparison.same_version)
    return refuse({ code: 'not-approved', status: approval.status });
  const approved = approval.kind === 'approved' ? approval.subject : null;
  const version = approved?.artifact_id === null ? withoutArtifact(found) : found;
  const otherwise = approved === null ? [] : changedSinceApproval(approved, preparation, version, comparison);
  if (otherwise.length > 0) {
    const reason = changedSince({ code: 'approved-otherwise', parts: otherwise });
    return { ...leased, status: 'contested', reason };
  }
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
            mayDerive: async () => (await services.policies.load(comparison.policy)).serving.derive_artifact,
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
  if (approval.kind === 'missing') return refuse({ code: 'not-approved', status: approval.status });
  const unreachable =
    artifact === null || serving === null
      ? null
      : refusalOfTarget(artifact, servedIn(serving), input.lock_artifact === true);
  if (unreachable !== null) return { ...leased, status: 'refused', reason: rolloutReason(unreachable) };
  const changed = await findChangeSinceComparison(view, input, comparison, services);
  if (changed !== null) {
    const reason = changedSince(changed);
    if (changed.code !== 'gates-failed') return { ...leased, status: 'contested', reason };
    // Nobody else has changed anything: time has passed, or a person has set a tag.
    return { ...leased, status: 'refused', reason, gates: changed.gates.map(({ name }) => name) };
  }

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
