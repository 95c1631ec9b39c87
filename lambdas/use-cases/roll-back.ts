import type { Clock } from '../adapters/clock.ts';
import {
  attemptPauseMinutes,
  MAX_POLL_SECONDS,
  MIN_POLL_SECONDS,
  POLL_AGE_DIVISOR,
  ROLLBACK_MINUTES,
  VISIBILITY_GRACE_SECONDS,
} from '../domain/limits.ts';
import type { RollbackAnswer, RollbackInput } from '../domain/payloads.ts';
import { markOn } from '../domain/promotion/record.ts';
import type { RollbackFinding, RollbackRefusal } from '../domain/promotion/rollback-finding.ts';
import { champions, isRolledBack, type RegistryView } from '../domain/registry.ts';
import type { Look } from '../domain/release/look.ts';
import {
  ARTIFACT_TAG,
  bare,
  changeOf,
  defaultTarget,
  openRollback,
  type RollbackTarget,
  releaseOf,
} from '../domain/release/opening.ts';
import type { Change, ModelItem, Release, StoredRelease } from '../domain/release/release.ts';
import { seenIn } from '../domain/release/store.ts';
import { refusalOfTarget } from '../domain/rollout/rules.ts';
import { Progress, type ServingUndo } from '../domain/serving/payloads.ts';
import type { Invocation } from '../runtime/handler.ts';
import type { NotifyServices } from '../runtime/notify-services.ts';
import { rollbackDetail } from '../words/reasons.ts';
import { servingReason } from '../words/rollout.ts';
import {
  type Converged,
  type ConvergeServices,
  convergeQuickly,
  isComplete,
  lookAt,
} from './parts/converge.ts';
import { readBoth, readRegistry, workloadOf } from './parts/look.ts';
import { notifyRollback } from './parts/notify-rollback.ts';
import { hasMovedBack, leftVersion } from './parts/record-change.ts';
import { artifactWhenLive, servedIn } from './parts/resolve-artifact.ts';
import { holderOf, type Writer, withChange, withLease } from './parts/with-lease.ts';

export interface RollbackServices extends ConvergeServices, NotifyServices {
  clock: Clock;
  cooldownHours: number;
}

type Answer = (
  versions: { from: string | null; to: string | null },
  finding: RollbackFinding,
  more?: Partial<RollbackAnswer>,
) => RollbackAnswer;

/** What the steps of one call share. */
interface Call {
  readonly input: RollbackInput;
  readonly services: RollbackServices;
  readonly writer: Writer;
  readonly answer: Answer;
}

/**
 * Opens a rollback, or brings an open change to its end after a failure, and converges both sides to it: one step per
 * call. Idempotent; with status `in_progress` it is called again after `retry_after_seconds`. Throws `StaleFence`,
 * `LeaseStoreUnavailable`, and the errors of MLflow and the Workload API.
 */
export function rollback(
  input: RollbackInput,
  services: RollbackServices,
  { requestId }: Invocation,
): Promise<RollbackAnswer> {
  let found: string | null = input.previous?.champion_before ?? null;
  const answer: Answer = ({ from, to }, finding, more = {}) => ({
    rolled_back: false,
    model_name: input.model_name,
    from_version: from,
    to_version: to,
    champion_before: found,
    reason: input.reason,
    alarm_name: input.alarm_name,
    timestamp: services.clock.now().toISOString(),
    serving: null,
    status: 'completed',
    retry_after_seconds: null,
    finding,
    detail: rollbackDetail({ finding, serving: more.serving ?? null, model_name: input.model_name }),
    dry_run: input.dry_run,
    ...more,
  });
  const work = async (writer: Writer): Promise<RollbackAnswer> => {
    const view = await readRegistry(services.registry, input.model_name);
    if (view === null) return refuse(answer, 'no-model');
    const current = champions(view, services.mode);
    if (input.previous === null) found = current.length === 1 ? (current[0] ?? null) : null;
    const call: Call = { input, services, writer, answer };
    const id = input.change_id ?? writer.owner;
    const own = await ownChange(call, id, view);
    const done = 'model_name' in own ? own : await convergeBack({ ...call, writer: own }, own.change);
    if (writer.direct) await notifyRollback(done, writer.owner, input, services);
    return done;
  };
  if (input.dry_run && input.fence === null) return dryRun(input, services, work, requestId);
  const { model_name, fence, execution } = input;
  const call = { function: 'model-rollback', model_name, fence, execution, requestId } as const;
  return withLease(call, services, work, ({ holder, until }) =>
    refuse(answer, 'lease-held', { held: holder, until }),
  );
}

/** A dry run takes no lease: it only reads. */
async function dryRun(
  { model_name }: RollbackInput,
  { store }: RollbackServices,
  work: (writer: Writer) => Promise<RollbackAnswer>,
  requestId: string,
): Promise<RollbackAnswer> {
  const item = await store.readItem(model_name);
  return work({ owner: `direct:${requestId}`, fence: null, direct: true, item });
}

const NOTHING = { held: null, until: null, hours: null };

const refuse = (
  answer: Answer,
  why: RollbackRefusal,
  more: {
    from?: string | null;
    to?: string | null;
    held?: string | null;
    until?: string | null;
    hours?: number | null;
  } = {},
  extra: Partial<RollbackAnswer> = {},
): RollbackAnswer => {
  const versions = { from: more.from ?? null, to: more.to ?? null };
  return answer(versions, { code: 'refused', why, ...NOTHING, ...more, ...versions }, extra);
};

const contest = (
  answer: Answer,
  why: Extract<RollbackFinding, { code: 'contested' }>['why'],
  {
    from,
    to,
    look,
    held,
  }: { from: string | null; to: string | null; look: Look | null; held?: string | null },
  extra: Partial<RollbackAnswer> = {},
): RollbackAnswer => {
  const named = look === null ? [] : champions(look.registry, look.mode);
  const finding: RollbackFinding = { code: 'contested', why, from, to, champions: named, held: held ?? null };
  return answer({ from, to }, finding, { status: 'contested', ...extra });
};

/** The writer of an open change. */
type ChangeWriter = Writer & { readonly change: Change };

const writerOf = (writer: Writer, change: Change, live: Release | null = null): ChangeWriter => ({
  ...withChange(writer, change, live),
  change,
});

/** The change that this call converges; an answer where there is none, or where it is closed already. */
async function ownChange(call: Call, id: string, view: RegistryView): Promise<ChangeWriter | RollbackAnswer> {
  const { input, writer, answer } = call;
  const { change, live } = writer.item;
  if (change?.id === id && (input.change_id === null || input.previous !== null))
    return writerOf(writer, change);
  if (change?.id === id) return turned(call, change);
  if (live?.change === id) {
    const versions = {
      from: input.previous === null ? null : (input.previous.champion_before ?? null),
      to: live.version,
    };
    const more = { rolled_back: true, already_rolled_back: true } as const;
    return answer(versions, { code: 'settled', ...versions, to: live.version ?? '' }, more);
  }
  if (input.change_id === null) return openOwn(call, view);
  const held = change?.id ?? live?.change ?? null;
  // An attempt that comes late has nothing to tell.
  const late = writer.owner === input.change_id ? {} : ({ nothing_to_do: true } as const);
  return contest(answer, 'superseded', { from: null, to: null, look: null, held }, late);
}

/**
 * A change that failed begins with a look: if both sides show its aim, it is complete; a first champion stays, as there is
 * nothing to go back to; otherwise the aim becomes the safe release (W3).
 */
async function turned(
  { input, services, writer, answer }: Call,
  change: Change,
): Promise<ChangeWriter | RollbackAnswer> {
  const own = writerOf(writer, change);
  if (change.aim.key === change.safe.key) return own;
  const { look } = await lookAt(input.model_name, change.aim, services);
  if (isComplete(change, look)) return own;
  if (change.safe.version === null && champions(look.registry, look.mode).length > 0) {
    // An attempt of the sweep goes on forward; the execution that failed ends here.
    if (writer.owner !== change.id) return own;
    const versions = { from: change.to, to: change.aim.version };
    return answer(versions, { code: 'open', ...versions, first_champion: true }, { status: 'open' });
  }
  const now = services.clock.now();
  if (await services.store.turnBack(holderOf(writer, now), change.id))
    return writerOf(writer, { ...change, aim: change.safe, turned_at: now.toISOString() });
  const item = await services.store.readItem(input.model_name);
  const held = item.change?.id ?? item.owner;
  return contest(answer, 'superseded', { from: change.to, to: change.safe.version, look, held });
}

/** Opens a rollback of its own, or answers why not. */
async function openOwn(call: Call, view: RegistryView): Promise<ChangeWriter | RollbackAnswer> {
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
    const retry_after_seconds = Math.ceil((settles.getTime() - now.getTime()) / 1000);
    return answer(
      versions,
      { code: 'serving-in-progress', ...versions },
      { status: 'in_progress', retry_after_seconds },
    );
  }
  const look = await readBoth(services, services.workloads, input.model_name, (read) =>
    workloadOf(input.workload_id, item, read),
  );
  if (look === null) return refuse(answer, 'no-model');
  if (look.serving !== null && !store.keepsItems)
    return refuse(answer, 'no-table', { held: look.serving.workload_id });
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
    case 'refused':
      return refuse(answer, opening.why, { from, to });
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

/** One step of converging both sides to the aim of the change, and what to answer to it. */
async function convergeBack(
  { input, services, writer, answer }: Call,
  change: Change,
): Promise<RollbackAnswer> {
  const { clock } = services;
  const now = clock.now();
  const previous = input.previous?.serving ?? null;
  const began_at = previous?.began_at ?? now.toISOString();
  const deadline = new Date(Date.parse(began_at) + ROLLBACK_MINUTES * 60_000);
  const progress = previous?.progress ?? Progress.parse({});
  const { requested_by } = input;
  const c = { change, writer, progress, deadline, requested_by, mayStart: true };
  const result = await convergeQuickly(c, services);
  const versions = { from: leftVersion(change), to: change.aim.version };
  const serving = servingOf(change, result, { previous, began_at });
  switch (result.kind) {
    case 'closed': {
      if (change.aim.key !== change.safe.key)
        return answer(versions, { code: 'completed', ...versions }, { serving: null });
      const { from, to } = versions;
      const moved = from !== null && to !== null && hasMovedBack(change, result.look);
      const finding = moved
        ? ({ code: 'moved', from, to } as const)
        : ({ code: 'unmoved', from, to } as const);
      return answer(versions, finding, { rolled_back: true, serving });
    }
    case 'contested':
      return contest(answer, result.why, { ...versions, look: result.look }, { serving });
    case 'failed':
      return answer(
        versions,
        { code: 'open', ...versions, first_champion: false },
        { status: 'open', serving },
      );
    case 'waiting': {
      const late = now >= deadline && result.step === 'wait';
      if (late)
        return answer(
          versions,
          { code: 'open', ...versions, first_champion: false },
          { status: 'open', serving },
        );
      const retry_after_seconds =
        result.step === 'wait' ? laterPollSeconds(began_at, now) : MIN_POLL_SECONDS.rollback;
      const finding = { code: 'serving-in-progress', ...versions } as const;
      return answer(versions, finding, { status: 'in_progress', serving, retry_after_seconds });
    }
  }
}

/** Seconds until the next poll; longer with age, as each poll takes some of the execution's events. */
function laterPollSeconds(began: string, now: Date): number {
  const age = (now.getTime() - Date.parse(began)) / 1000;
  const pause = Math.max(MIN_POLL_SECONDS.rollback, Math.round(age / POLL_AGE_DIVISOR));
  return Math.min(MAX_POLL_SECONDS.rollback, pause);
}

/** What was done on the Workload so far; null where none serves the model. */
function servingOf(
  { aim }: Change,
  result: Converged,
  { previous, began_at }: { previous: ServingUndo | null; began_at: string },
): ServingUndo | null {
  const { serving: view } = result.look;
  if (view === null || aim.artifact_id === null) return null;
  const before = previous?.action ?? 'none';
  const action =
    result.kind !== 'waiting'
      ? before
      : result.step === 'cancel'
        ? 'cancelled'
        : result.step === 'start'
          ? 'replaced'
          : before;
  const finding =
    result.kind === 'closed'
      ? ({ code: 'serves-previous', artifact: aim.artifact_id, state: null } as const)
      : result.kind === 'contested'
        ? ({ code: 'superseded', served: view.artifact_id, switched: false } as const)
        : result.kind === 'failed' && result.finding.code === 'draft-onto-locked'
          ? ({ code: 'locked-in-place' } as const)
          : result.finding;
  return {
    workload_id: view.workload_id,
    undone: result.kind === 'closed' ? true : result.kind === 'waiting' ? null : false,
    action: result.kind === 'failed' || result.kind === 'contested' ? 'left' : action,
    finding,
    reason: servingReason(finding),
    phase: view.in_flight?.state ?? null,
    contested: result.kind === 'contested',
    began_at,
    progress: result.progress,
  };
}
