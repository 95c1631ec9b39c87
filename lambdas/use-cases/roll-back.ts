import { MIN_POLL_SECONDS, ROLLBACK_MINUTES } from '../domain/limits.ts';
import { champions, ownerOf, type RegistryView } from '../domain/registry.ts';
import { isComplete } from '../domain/release/look.ts';
import type { RollbackAnswer, RollbackInput } from '../domain/release/payloads.ts';
import type { Change } from '../domain/release/release.ts';
import { rollbackPollSeconds } from '../domain/rollout/progress.ts';
import { Progress, type ServingUndo } from '../domain/serving/payloads.ts';
import type { Invocation } from '../runtime/handler.ts';
import { rollbackDetail } from '../words/reasons.ts';
import { servingReason } from '../words/rollout.ts';
import { type Converged, convergeQuickly, lookAt } from './parts/converge.ts';
import { isBack } from './parts/convergence.ts';
import { readRegistry } from './parts/look.ts';
import { notifyRollback } from './parts/notify-rollback.ts';
import { openOwn } from './parts/open-rollback.ts';
import { hasMovedBack, leftVersion } from './parts/record-change.ts';
import {
  type Answer,
  type Call,
  type ChangeWriter,
  contest,
  type RollbackServices,
  refuse,
  writerOf,
} from './parts/rollback-call.ts';
import { holderOf, type Writer, withLease } from './parts/with-lease.ts';

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
    ...named(input.previous?.overwritten ?? []),
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
    const told = { execution: writer.owner, owner: ownerOf(view.model) };
    if (writer.direct) await notifyRollback(done, told, input, services);
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
    const told = closedBefore(input, writer) ? ({ nothing_to_do: true } as const) : {};
    if (live.result === 'promoted') return answer(versions, { code: 'completed', ...versions }, told);
    const more = { rolled_back: true, already_rolled_back: true, ...told } as const;
    return answer(versions, { code: 'settled', ...versions, to: live.version ?? '' }, more);
  }
  if (input.change_id === null) return openOwn(call, view);
  const held = change?.id ?? live?.change ?? null;
  // An attempt that comes late has nothing to tell.
  const late = writer.owner === input.change_id ? {} : ({ nothing_to_do: true } as const);
  return contest(answer, 'superseded', { from: null, to: null, look: null, held }, late);
}

/** True for an attempt whose change was closed before it began: whoever closed it has told. */
function closedBefore({ change_id, asked_at }: RollbackInput, { owner, item }: Writer): boolean {
  if (change_id === null || change_id === owner || asked_at === null || item.live === null) return false;
  return Date.parse(item.live.at) < Date.parse(asked_at);
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
  if (isBack(change)) return own;
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

const named = (overwritten: string[]) => (overwritten.length === 0 ? {} : { overwritten });

/** One step of converging both sides to the aim of the change, and what to answer to it. */
async function convergeBack(
  { input, services, writer, answer: plain }: Call,
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
  const overwritten = [...(input.previous?.overwritten ?? []), ...result.overwritten];
  const answer: Answer = (of, finding, more) => plain(of, finding, { ...more, ...named(overwritten) });
  const versions = { from: leftVersion(change), to: change.aim.version };
  const serving = servingOf(change, result, { previous, began_at });
  switch (result.kind) {
    case 'closed': {
      if (!isBack(change)) return answer(versions, { code: 'completed', ...versions }, { serving: null });
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
        result.step === 'wait' ? rollbackPollSeconds(began_at, now) : MIN_POLL_SECONDS.rollback;
      const finding = { code: 'serving-in-progress', ...versions } as const;
      return answer(versions, finding, { status: 'in_progress', serving, retry_after_seconds });
    }
  }
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
