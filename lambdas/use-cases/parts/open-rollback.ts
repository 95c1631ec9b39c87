import { attemptPauseMinutes, VISIBILITY_GRACE_SECONDS } from '../../domain/limits.ts';
import { markOn } from '../../domain/promotion/record.ts';
import { champions, isRolledBack, type RegistryView } from '../../domain/registry.ts';
import { ARTIFACT_TAG, bare, releaseOf } from '../../domain/release/found.ts';
import { type Look, registryShows } from '../../domain/release/look.ts';
import { changeOf, defaultTarget, openRollback, type RollbackTarget } from '../../domain/release/opening.ts';
import type { RollbackAnswer } from '../../domain/release/payloads.ts';
import type { ModelItem, StoredRelease } from '../../domain/release/release.ts';
import { seenIn } from '../../domain/release/store.ts';
import { refusalOfTarget } from '../../domain/rollout/rules.ts';
import { Progress, type ServingUndo } from '../../domain/serving/payloads.ts';
import { servingReason } from '../../words/rollout.ts';
import { readBoth, workloadOf } from './look.ts';
import { artifactWhenLive, servedIn } from './resolve-artifact.ts';
import {
  type Call,
  type ChangeWriter,
  contest,
  type RollbackServices,
  refuse,
  writerOf,
} from './rollback-call.ts';
import { holderOf } from './with-lease.ts';

/** Opens a rollback of its own, or answers why not. */
export async function openOwn(call: Call, view: RegistryView): Promise<ChangeWriter | RollbackAnswer> {
  const { input, services, writer, answer } = call;
  const { store, clock } = services;
  const { item } = writer;
  const now = clock.now();
  if (input.reason === 'ROLLOUT_FAILED' && input.target_version === null && item.change === null)
    return refuse(answer, 'no-known-good', { from: champions(view, services.mode)[0] ?? null });
  const settles =
    item.change === null || item.released_at === null || item.owner !== writer.owner || !writer.direct
      ? null
      : new Date(item.released_at.getTime() + VISIBILITY_GRACE_SECONDS * 1000);
  if (settles !== null && now < settles && item.change?.aim.workload_id != null) {
    const versions = { from: item.change.to, to: input.target_version };
    return answer(
      versions,
      { code: 'serving-in-progress', ...versions },
      // Releasing the lease begins the wait anew: a shorter one would never end.
      { status: 'in_progress', retry_after_seconds: VISIBILITY_GRACE_SECONDS },
    );
  }
  const look = await readBoth(services, services.workloads, input.model_name, (read) =>
    workloadOf(input.workload_id, item, read),
  );
  if (look === null) return refuse(answer, 'no-model');
  if (look.serving !== null && !store.keepsItems)
    return refuse(answer, 'no-table', { held: look.serving.workload_id });
  const pinned = input.champion_version ?? null;
  if (pinned !== null && !isPinned(pinned, item, look)) {
    const held = item.change?.id ?? null;
    return contest(answer, 'other-champion', { from: pinned, to: input.target_version, look, held });
  }
  const target = await targetOf(call, look);
  if (target !== null && 'model_name' in target) return target;
  const opener = {
    id: input.change_id ?? writer.owner,
    since: input.asked_at === null ? now : new Date(input.asked_at),
    now,
  };
  const alarmAt = input.alarm_name === null || input.asked_at === null ? null : new Date(input.asked_at);
  const opening = openRollback(look, item, target, opener, alarmAt);
  const from = leftOf(item, look, target?.release.version ?? null);
  const to = target?.release.version ?? null;
  switch (opening.kind) {
    case 'own':
      return contest(answer, 'superseded', { from, to, look, held: item.change?.id ?? null });
    case 'refused': {
      const held = opening.why === 'other-workload' ? (target?.release.workload_id ?? null) : null;
      return refuse(answer, opening.why, { from, to, held });
    }
    case 'contested':
      return contest(answer, CONTESTS[opening.why], { from, to, look, held: item.change?.id ?? null });
    case 'already': {
      const more = { rolled_back: true, already_rolled_back: true, nothing_to_do: true } as const;
      if (input.dry_run) return answer({ from: null, to }, { code: 'would-settle', to: to ?? '' });
      return answer({ from: null, to }, { code: 'settled', from: null, to: to ?? '' }, more);
    }
    case 'open':
      break;
  }
  const unfit = target === null ? null : await unfitTarget(call, look, target, from);
  if (unfit !== null) return unfit;
  if (input.dry_run) {
    const { workload_id: workload, artifact_id: artifact, version } = opening.aim;
    return answer(
      { from, to },
      { code: 'would-move', from: from ?? '', to: version ?? '', workload, artifact },
    );
  }
  const change = changeOf(opening, opener, {
    kind: 'rollback',
    to,
    asked: {
      by: input.requested_by,
      reason: input.reason,
      alarm: input.alarm_name,
      evidence_digest: null,
      confidence: null,
    },
    nextAt: new Date(now.getTime() + attemptPauseMinutes(0) * 60_000),
  });
  for (const release of opening.store) await store.putRelease(input.model_name, release);
  const live = opening.live === null ? null : bare(opening.live);
  if (await store.openChange(holderOf(writer, now), seenIn(item), change, live))
    return writerOf(writer, change, live);
  return contest(answer, 'superseded', { from, to, look, held: null });
}

/** True while the version is the only champion, on the record as well, and nobody changes the model. */
const isPinned = (version: string, { live, change }: ModelItem, look: Look): boolean =>
  change === null && (live === null || live.version === version) && registryShows(look, { version });

const CONTESTS = {
  unrecorded: 'unrecorded',
  unfinished: 'unrecorded',
  moved: 'moved-on',
  foreign: 'moved-on',
  'in-flight': 'moved-on',
  overtaken: 'superseded',
  'after-alarm': 'after-alarm',
} as const;

/** The version that a rollback to `to` would leave, for texts. */
function leftOf({ live, change }: ModelItem, look: Look, to: string | null): string | null {
  const candidates = [live?.version ?? null, change?.to ?? null, ...champions(look.registry, look.mode)];
  return candidates.find((version) => version !== null && version !== to) ?? null;
}

/** The release to go back to: the named version's, else the default one; null where none is recorded. */
async function targetOf(
  { input, services, writer, answer }: Call,
  look: Look,
): Promise<RollbackTarget | RollbackAnswer | null> {
  const { store, clock } = services;
  const { item } = writer;
  const stored = async (key: string) => store.getRelease(input.model_name, key);
  const made = (version: string, artifact_id: string | null): StoredRelease =>
    releaseOf(
      {
        version,
        workload_id: artifact_id === null ? null : (look.serving?.workload_id ?? null),
        artifact_id,
      },
      { change: writer.owner, at: clock.now().toISOString() },
    );
  if (input.target_version === null) {
    const past = defaultTarget(item);
    if (past === null) return null;
    const release =
      (await stored(past.key)) ?? (past.version === null ? null : made(past.version, past.artifact_id));
    return release === null ? null : { release, named: false };
  }
  const version = input.target_version;
  const holder = look.registry.versions.find((v) => v.version === version);
  const from = leftOf(item, look, version);
  if (holder === undefined) return refuse(answer, 'target-missing', { from, to: version });
  const recorded = [item.live, item.change?.safe ?? null, ...item.history].find(
    (r) => r?.version === version,
  );
  const release = recorded ? await stored(recorded.key) : null;
  if (release !== null && (look.serving === null || release.artifact_id !== null))
    return { release, named: true };
  // A version that has never been live with a Workload: its tag names its artifact.
  const artifact = artifactWhenLive(item, version) ?? (holder.tags[ARTIFACT_TAG] || null);
  if (look.serving !== null && artifact === null) return refuse(answer, 'no-artifact', { from, to: version });
  return { release: made(version, look.serving === null ? null : artifact), named: true };
}

/** Why the target cannot be gone back to: refused before anything is opened; null if it can. */
async function unfitTarget(
  { input, services, writer, answer }: Call,
  look: Look,
  { release }: RollbackTarget,
  from: string | null,
): Promise<RollbackAnswer | null> {
  const { version: to, artifact_id } = release;
  const { history } = writer.item;
  const holder = look.registry.versions.find((v) => v.version === to);
  if (holder === undefined) return refuse(answer, 'target-missing', { from, to });
  if (holder.status !== 'READY' && !input.emergency)
    return refuse(answer, 'not-ready', { from, to, held: holder.status });
  const marked = isRolledBack(holder) ? (markOn(holder)?.at ?? null) : null;
  const liveSince = [writer.item.live, ...history.filter(({ good }) => good)].find((r) => r?.version === to);
  const since =
    liveSince === undefined || liveSince === null ? null : 'at' in liveSince ? liveSince.at : liveSince.since;
  // A person has promoted it again by name since it was taken out: then it is known good.
  const again = marked !== null && since !== null && since > marked;
  if (isRolledBack(holder) && !again && !input.emergency) return refuse(answer, 'rolled-back', { from, to });
  const cooling = coolingUntil(writer.item, services.clock.now(), services.cooldownHours);
  if (cooling !== null && !input.emergency)
    return refuse(answer, 'cooling', { from, to, until: cooling, hours: services.cooldownHours });
  const { serving } = look;
  if (serving === null || artifact_id === null) return null;
  const artifact = await services.workloads().getArtifact(artifact_id);
  if (artifact === null) return refuse(answer, 'artifact-gone', { from, to, held: artifact_id });
  const unreachable = refusalOfTarget(artifact, servedIn(serving), false);
  if (unreachable === null) return null;
  if (unreachable.code === 'draft-onto-locked') {
    const stays: Partial<RollbackAnswer> = { serving: lockedInPlace(serving.workload_id, services) };
    return refuse(answer, 'locked-in-place', { from, to, held: artifact_id }, stays);
  }
  const why = unreachable.code === 'type-mismatch' ? 'other-type' : 'served-is-draft';
  return refuse(answer, why, {
    from,
    to,
    held: unreachable.code === 'type-mismatch' ? unreachable.type : artifact_id,
  });
}

/** ISO time until which the model rests after its last rollback; null when it does not. */
function coolingUntil({ history }: ModelItem, now: Date, hours: number): string | null {
  const last = history.find(({ good }) => !good);
  if (last === undefined) return null;
  const until = new Date(Date.parse(last.left_at) + hours * 3_600_000);
  return until > now ? until.toISOString() : null;
}

function lockedInPlace(workload_id: string, { clock }: RollbackServices): ServingUndo {
  const finding = { code: 'locked-in-place' } as const;
  return {
    workload_id,
    undone: false,
    action: 'left',
    finding,
    reason: servingReason(finding),
    phase: null,
    contested: false,
    began_at: clock.now().toISOString(),
    progress: Progress.parse({}),
  };
}
