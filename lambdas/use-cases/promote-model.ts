import type { Clock } from '../adapters/clock.ts';
import { floorsFor } from '../domain/approval/policy-approval.ts';
import { attemptPauseMinutes } from '../domain/limits.ts';
import { directOutcome } from '../domain/outcome/outcome.ts';
import type { PromoteAnswer, PromoteInput } from '../domain/payloads.ts';
import {
  championBefore,
  type PromotionRefusal,
  refusalOf,
  requestedVersion,
} from '../domain/promotion/promotion-plan.ts';
import { intentTag, recordId, recordsOn, resultTag } from '../domain/promotion/record.ts';
import { champions, ownerOf } from '../domain/registry.ts';
import { bare } from '../domain/release/found.ts';
import { isRegistryKnown, type Look, registryShows } from '../domain/release/look.ts';
import { changeOf, openInRegistry } from '../domain/release/opening.ts';
import { type Change, historyAfter, type ModelItem, type Release } from '../domain/release/release.ts';
import { seenIn } from '../domain/release/store.ts';
import type { FloorServices } from '../runtime/approval-services.ts';
import type { Invocation } from '../runtime/handler.ts';
import type { RegistryServices } from '../runtime/mlflow-services.ts';
import type { NotifyServices } from '../runtime/notify-services.ts';
import { CONCURRENT_CHANGE, inWords, promotionRefused } from '../words/reasons.ts';
import { leaseHeld } from '../words/rollout.ts';
import { readRegistry } from './parts/look.ts';
import { moveAndVerify } from './parts/move-champion.ts';
import { recordOutcomeAndNotify } from './parts/record-and-notify.ts';
import { holderOf, type Writer, withChange, withLease } from './parts/with-lease.ts';

export interface PromoteServices extends RegistryServices, NotifyServices, FloorServices {
  clock: Clock;
}

/**
 * Promotes a version, or answers the reason for refusing. As a step of the state machine it converges the registry half of
 * the open change; called directly it opens a change of its own, which leaves the Workload as it is, and closes it. At most
 * six MLflow calls in mode `stages`: two reads, the intent, the transition, the result, the read after it. Throws
 * `StaleFence`, `LeaseStoreUnavailable`, `MlflowUnavailable`, `MlflowRefused` and `MlflowInvalidResponse`.
 */
export function promote(
  input: PromoteInput,
  services: PromoteServices,
  { requestId }: Invocation,
): Promise<PromoteAnswer> {
  const work = async (writer: Writer): Promise<PromoteAnswer> => {
    const view = await readRegistry(services.registry, input.model_name);
    if (view === null) return refused({ code: 'no-model' }, input);
    const call: Call = {
      input,
      services,
      writer,
      look: { registry: view, mode: services.mode, serving: null },
    };
    return writer.direct || !services.store.keepsItems ? promoteDirectly(call) : promoteStep(call);
  };
  const { model_name, fence, execution } = input;
  const call = { function: 'promote-model', model_name, fence, execution, requestId } as const;
  return withLease(call, services, work, (lease) => ({ promoted: false, reason: leaseHeld(lease) }));
}

interface Call {
  readonly input: PromoteInput;
  readonly services: PromoteServices;
  readonly writer: Writer;
  readonly look: Look;
}

const refused = (refusal: PromotionRefusal, { model_name }: Pick<PromoteInput, 'model_name'>) => ({
  promoted: false as const,
  reason: promotionRefused(refusal, model_name),
});

const contested = (refusal: PromotionRefusal, input: PromoteInput) => ({
  ...refused(refusal, input),
  contested: true as const,
});

const promoted = (version: string) =>
  ({ promoted: true, new_version: version, new_stage: 'Production' }) as const;

const already = (version: string) =>
  ({ ...promoted(version), archived_version: null, already_promoted: true }) as const;

/** The registry half of the execution's open change. */
async function promoteStep({ input, services, writer, look }: Call): Promise<PromoteAnswer> {
  const { change, live } = writer.item;
  const view = look.registry;
  const version = input.new_version ?? change?.aim.version ?? live?.version ?? null;
  if (version === null) return refused({ code: 'no-challenger', mode: services.mode }, input);
  const closed = change === null && live?.version === version;
  if (closed && registryShows(look, { version })) return already(version);
  if (change?.id !== writer.owner || change.aim.version !== version)
    return contested({ code: 'superseded', version }, input);
  if (registryShows(look, { version })) return already(version);
  const refusal = refusalOf(view, services.mode, version, input.expected_champion);
  if (refusal !== null && refusal.code !== 'other-champion') return refused(refusal, input);
  if (!isRegistryKnown(look, change)) {
    const { live: release } = writer.item;
    return contested(
      refusal ?? { code: 'moved', champions: champions(view, services.mode), live: release?.version ?? null },
      input,
    );
  }
  const from = championBefore(view, services.mode, version);
  const move = { version, from, keepPrevious: true, ours: change.touched.versions };
  const { state, overwritten } = await moveAndVerify(services, view, move);
  if (state === 'contested')
    return { ...contested({ code: 'lost-race', version }, input), ...named(overwritten) };
  return { ...promoted(version), archived_version: from, ...named(overwritten) };
}

/** A promotion by itself: opened from the registry, moved, read back and closed. */
async function promoteDirectly(call: Call): Promise<PromoteAnswer> {
  const { input, services, writer, look } = call;
  const { store, mode, clock } = services;
  const { item } = writer;
  // What the same request was promoting before it was repeated.
  const own = item.change?.id === writer.owner ? item.change.to : null;
  const version = own ?? requestedVersion(look.registry, mode, input, recordId(writer.owner));
  if (version === null) return refused({ code: 'no-challenger', mode: services.mode }, input);
  const opener = { id: writer.owner, since: clock.now(), now: clock.now() };
  const opening = openInRegistry(look, item, version, opener);
  const refusal = refusalOf(look.registry, mode, version, input.expected_champion);
  const ended = opening.kind === 'own' && item.change === null;
  if (ended && item.live?.version !== version) return contested({ code: 'superseded', version }, input);
  if (opening.kind === 'already' || ended) {
    // A call that was cut off after it closed its change has told nobody.
    const last = item.live;
    if (
      last?.change.startsWith('direct:') &&
      last.version === version &&
      !(await store.hasOutcome(last.change))
    )
      await notify({ ...call, writer: { ...writer, owner: last.change } }, version, null, 'promoted');
    return already(version);
  }
  if (refusal !== null) return refused(refusal, input);
  if (floorsFor(services.floors ?? [], input.model_name).length > 0)
    return refused({ code: 'needs-approval' }, input);
  if (opening.kind === 'refused') return refused(refusalFor(opening.why, item, look), input);
  if (opening.kind === 'contested') return refused(refusalFor('moved', item, look), input);
  const from = championBefore(look.registry, mode, version);
  if (opening.kind === 'open') {
    const now = clock.now();
    const asked = {
      by: input.requested_by,
      reason: input.reason,
      alarm: null,
      evidence_digest: null,
      confidence: input.confidence,
    };
    const nextAt = new Date(now.getTime() + attemptPauseMinutes(0) * 60_000);
    const change = changeOf(opening, { ...opener, now }, { kind: 'promote', to: version, asked, nextAt });
    for (const release of opening.store) await store.putRelease(input.model_name, release);
    const live = opening.live === null ? null : bare(opening.live);
    if (!(await store.openChange(holderOf(writer, now), seenIn(item), change, live)))
      return contested({ code: 'superseded', version }, input);
    await recordIntent(call, version, from);
    return moveAndClose({ ...call, writer: withChange(writer, change, live) }, change, version, from);
  }
  const { change } = item;
  // Another has turned it back since.
  if (change?.aim.version !== version) return contested({ code: 'superseded', version }, input);
  if (!isRegistryKnown(look, change)) return contested(refusalFor('moved', item, look), input);
  await recordIntent(call, version, change.safe.version);
  return moveAndClose(call, change, version, change.safe.version);
}

function refusalFor(why: 'change-open' | 'moved', { change, live }: ModelItem, look: Look): PromotionRefusal {
  return why === 'change-open'
    ? { code: 'change-open', holder: change?.id ?? '' }
    : {
        code: 'moved',
        champions: champions(look.registry, look.mode),
        live: live?.version ?? null,
      };
}

/** Transition, result tag, one more look, and only then the close: what is told last is what the registry shows. */
async function moveAndClose(
  call: Call,
  change: Change,
  version: string,
  from: string | null,
): Promise<PromoteAnswer> {
  const { input, services, writer, look } = call;
  const { store, clock } = services;
  const move = { version, from, keepPrevious: true, ours: change.touched.versions };
  const { state, overwritten } = await moveAndVerify(services, look.registry, move, () =>
    recordResult(call, version, 'promoted'),
  );
  if (state === 'contested') {
    await recordResult(call, version, 'contested');
    await notify(call, version, from, 'contested', { overwritten });
    return { ...contested({ code: 'lost-race', version }, input), ...named(overwritten) };
  }
  const now = clock.now();
  const live: Release = { ...change.aim, change: change.id, at: now.toISOString(), result: 'promoted' };
  const history = historyAfter(writer.item, live, { at: live.at, by: change.id, bad: false });
  if (!(await store.closeChange(holderOf(writer, now), change.id, live, history)))
    return contested({ code: 'superseded', version }, input);
  const served = live.artifact_id !== null || look.registry.model.tags['workload.id'] !== undefined;
  await notify(call, version, from, 'promoted', { workloadUnchanged: served, overwritten });
  return { ...promoted(version), archived_version: from, ...named(overwritten) };
}

/** Left out where there are none, as source document 003 does not have it. */
const named = (overwritten: string[]) => (overwritten.length === 0 ? {} : { overwritten });

/** Records the intent before the registry moves, for people. */
async function recordIntent(
  { input, services, writer, look }: Call,
  to: string,
  from: string | null,
): Promise<void> {
  const id = recordId(writer.owner);
  if (recordsOn(look.registry.versions).some((record) => record.id === id)) return;
  const { key, value } = intentTag({
    kind: 'promote',
    id,
    to,
    from,
    confidence: input.confidence,
    evidence_digest: null,
    reason: input.reason,
    requested_by: input.requested_by,
    execution: input.execution,
    fence: writer.fence,
    serving: null,
    at: services.clock.now().toISOString(),
  });
  await services.registry.setVersionTag(input.model_name, to, key, value);
}

async function recordResult(
  { input, services, writer }: Call,
  version: string,
  result: 'promoted' | 'contested',
): Promise<void> {
  const at = services.clock.now().toISOString();
  const alert = writer.direct ? 'pending' : 'execution';
  const { key, value } = resultTag({ id: recordId(writer.owner), result, alert, at, by: input.execution });
  await services.registry.setVersionTag(input.model_name, version, key, value);
}

/** Sends the alert of a direct call; an execution is told by its last step. */
async function notify(
  { input, services, writer, look }: Call,
  version: string,
  from: string | null,
  status: 'promoted' | 'contested',
  { workloadUnchanged = false, overwritten = [] as string[] } = {},
): Promise<void> {
  if (!writer.direct) return;
  const done = status === 'promoted';
  const outcome = directOutcome({
    status,
    cause: done
      ? { code: 'promoted', direct: true, workload_unchanged: workloadUnchanged }
      : { code: 'contested', said: CONCURRENT_CHANGE },
    operation: 'promote',
    execution: writer.owner,
    model_name: input.model_name,
    owner: ownerOf(look.registry.model),
    champion_before: from ?? championBefore(look.registry, services.mode, version),
    champion_after: done ? version : null,
    challenger_version: version,
    confidence: input.confidence,
    overwritten,
    requested_by: input.requested_by,
    recorded_at: services.clock.now().toISOString(),
  });
  await recordOutcomeAndNotify(inWords(outcome), true, services);
}
