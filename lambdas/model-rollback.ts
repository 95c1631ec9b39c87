import { type Clock, systemClock } from './adapters/clock.ts';
import { directOutcome } from './domain/outcome.ts';
import { type RollbackAnswer, RollbackInput } from './domain/payloads.ts';
import { type Intent, intentTag, recordId, resultTag } from './domain/promotion-record.ts';
import { champions, isRolledBack, type RegistryView, ROLLED_BACK_TAG } from './domain/registry.ts';
import {
  cutOff,
  openPromotion,
  type RollbackPlan,
  rollbackPlan,
  servingToUndo,
} from './domain/rollback-plan.ts';
import type { ServingUndo } from './domain/serving/serving-rollback.ts';
import type { Workloads } from './domain/serving/workloads.ts';
import { quoted } from './domain/visible-text.ts';
import { type AnnounceServices, announce, announceServices, isUnannounced } from './runtime/announce.ts';
import { configuration, RollbackEnvironment } from './runtime/config.ts';
import { type Invocation, toHandler } from './runtime/handler.ts';
import { asWriter, refuseStale, type Writer } from './runtime/lease.ts';
import { moveAndVerify, type RegistryServices, readRegistry, registryServices } from './runtime/registry.ts';
import { undoServing } from './runtime/serving-undo.ts';
import { servingServices } from './runtime/workloads.ts';

export interface RollbackServices extends RegistryServices, AnnounceServices {
  clock: Clock;
  cooldownHours: number;
  /** Made only when there is something to undo on the serving side: others need no Workload API. */
  workloads: () => Workloads;
}

/** Undoes what one promotion changed, serving first, then the registry; idempotent, never a second step back. */
export const handler = toHandler('model-rollback', {
  input: RollbackInput,
  services: (env): RollbackServices => ({
    ...registryServices(env),
    ...announceServices(env),
    clock: systemClock,
    cooldownHours: configuration(RollbackEnvironment, env).ROLLBACK_COOLDOWN_HOURS,
    workloads: () => servingServices(env).workloads,
  }),
  run: rollback,
});

export function rollback(
  input: RollbackInput,
  services: RollbackServices,
  { requestId }: Invocation,
): Promise<RollbackAnswer> {
  const answer = (
    plan: Pick<RollbackPlan, 'from' | 'to'>,
    detail: string,
    more: Partial<RollbackAnswer> = {},
  ): RollbackAnswer => ({
    rolled_back: false,
    model_name: input.model_name,
    from_version: plan.from,
    to_version: plan.to,
    reason: input.reason,
    alarm_name: input.alarm_name,
    timestamp: services.clock.now().toISOString(),
    serving: null,
    status: 'completed',
    retry_after_seconds: null,
    detail,
    dry_run: input.dry_run,
    ...more,
  });
  const work = async (writer: Writer): Promise<RollbackAnswer> => {
    const view = await readRegistry(services.registry, input.model_name);
    if (view === null)
      return answer({ from: null, to: null }, `Registered model ${quoted(input.model_name)} does not exist`);
    if (!writer.direct) refuseStale(view, writer.fence);
    const times = { now: services.clock.now(), cooldownHours: services.cooldownHours };
    const asked = whatToUndo(input, view);
    const plan = rollbackPlan(view, services.mode, asked, times);
    if (input.dry_run) return answer(plan, 'detail' in plan ? plan.detail : dryRun(plan));
    const before = servingToUndo(view, plan, asked);
    const undo =
      before === null
        ? null
        : await undoServing(services.workloads(), before, input.previous?.serving ?? null, times.now);
    if (undo !== null && undo.retryAfter !== null) {
      const { serving, retryAfter } = undo;
      return answer(plan, serving.reason, {
        serving,
        status: 'in_progress',
        retry_after_seconds: retryAfter,
      });
    }
    const settled = await undoRegistry(plan, view, { input: asked, services, writer, answer });
    return withServing(settled, undo?.serving ?? null);
  };
  if (input.dry_run && input.fence === null)
    return work({ owner: `direct:${requestId}`, fence: null, direct: true });
  return asWriter({ ...input, requestId }, services, work, (reason) =>
    answer({ from: null, to: null }, reason),
  );
}

/** The whole answer: what the serving side came to decides too, where there is one. */
function withServing(registry: RollbackAnswer, serving: ServingUndo | null): RollbackAnswer {
  if (serving === null) return registry;
  return {
    ...registry,
    serving,
    status: serving.contested ? 'contested' : registry.status,
    rolled_back: registry.rolled_back || (serving.undone === true && serving.action !== 'none'),
    detail: `${registry.detail}. Serving: ${serving.reason}`,
  };
}

async function undoRegistry(plan: RollbackPlan, view: RegistryView, act: Act): Promise<RollbackAnswer> {
  if (plan.kind === 'contested') return act.answer(plan, plan.detail, { status: 'contested' });
  if (plan.kind !== 'refuse') return carryOut(plan, view, act);
  const { before_state: before } = act.input;
  const open = before === null ? null : openPromotion(view, before);
  if (open !== null && !champions(view, act.services.mode).includes(open.to)) {
    // The registry never moved: the promotion that was announced has come to nothing, and that is its result.
    const at = act.services.clock.now().toISOString();
    const { key, value } = resultTag({
      id: open.id,
      result: 'not_promoted',
      alert: 'execution',
      at,
      by: act.input.execution,
    });
    await act.services.registry.setVersionTag(act.input.model_name, open.holder, key, value);
  }
  return act.answer(plan, plan.detail);
}

/** A rollout that was cut off is undone like one that failed: from its own record. */
function whatToUndo(input: RollbackInput, view: RegistryView): RollbackInput {
  const open = input.before_state === null && input.reason === 'ROLLOUT_FAILED' ? cutOff(view) : null;
  return open === null ? input : { ...input, before_state: open.before };
}

type Change = Extract<RollbackPlan, { kind: 'settled' | 'move' }>;

const dryRun = (plan: Change) =>
  plan.kind === 'settled'
    ? `Dry run: version ${plan.to} is the champion already; nothing would be changed`
    : `Dry run: version ${plan.to} would return to Production and version ${plan.from} be archived`;

interface Act {
  input: RollbackInput;
  services: RollbackServices;
  writer: Writer;
  answer: (
    plan: Pick<RollbackPlan, 'from' | 'to'>,
    detail: string,
    more?: Partial<RollbackAnswer>,
  ) => RollbackAnswer;
}

async function carryOut(plan: Change, view: RegistryView, act: Act): Promise<RollbackAnswer> {
  const { input, services, answer } = act;
  if (plan.kind === 'settled') {
    const { record } = plan;
    const open =
      record !== null &&
      (record.result === null ||
        record.result.alert === 'pending' ||
        (await isUnannounced(record, services.store)));
    const done = answer(plan, `Version ${plan.to} is the champion already; nothing more was changed`, {
      rolled_back: true,
      already_rolled_back: true,
      ...(open ? {} : { nothing_to_do: true }),
    });
    if (open) await finish(record, view, done, act);
    return done;
  }
  const intent = plan.record ?? (await announceIntent(plan.from, plan.to, act));
  // `previous_champion` is left alone: it must not point to the version that is being taken out.
  const result = await moveAndVerify(services, view, {
    version: plan.to,
    from: plan.from,
    keepPrevious: false,
  });
  if (result === 'contested') {
    const detail = `Somebody else moved the registry at the same time: version ${plan.to} is not the only champion; left alone`;
    const contested = answer(plan, detail, { status: 'contested' });
    await conclude(intent, contested, 'contested', input.model_name, act);
    return contested;
  }
  const detail = `Version ${plan.to} is back in Production; version ${plan.from} is archived and marked as rolled back`;
  const done = answer(plan, detail, { rolled_back: true });
  await finish(intent, view, done, act);
  return done;
}

/** Records `{from, to, id}` on the version that is taken out, before anything moves. */
async function announceIntent(from: string, to: string, { input, services, writer }: Act): Promise<Intent> {
  const intent: Intent = {
    kind: 'rollback',
    // A compensation belongs to an execution whose promotion is recorded on the same version.
    id: `${recordId(writer.owner)}-rollback`,
    to,
    from,
    confidence: null,
    evidence_digest: null,
    reason: input.alarm_name === null ? input.reason : `${input.reason} (${input.alarm_name})`,
    requested_by: input.requested_by,
    execution: input.execution,
    fence: writer.fence,
    serving: null,
    at: services.clock.now().toISOString(),
  };
  const { key, value } = intentTag(intent);
  await services.registry.setVersionTag(input.model_name, from, key, value);
  return intent;
}

/** Marks the bad version, so that no automatic run promotes it again, and concludes the record. */
async function finish(intent: Intent, view: RegistryView, done: RollbackAnswer, act: Act): Promise<void> {
  const bad = view.versions.find((v) => v.version === intent.from);
  if (bad !== undefined && !isRolledBack(bad)) {
    const mark = JSON.stringify({ id: intent.id, to: intent.to, reason: intent.reason, at: intent.at });
    await act.services.registry.setVersionTag(act.input.model_name, bad.version, ROLLED_BACK_TAG, mark);
  }
  await conclude(intent, done, 'rolled_back', act.input.model_name, act);
}

/** The alert first (when no state machine sends it), then the record of the result. */
async function conclude(
  intent: Intent,
  answer: RollbackAnswer,
  result: 'rolled_back' | 'contested',
  model_name: string,
  { input, services, writer }: Act,
): Promise<void> {
  const at = services.clock.now().toISOString();
  let alert: 'execution' | 'sent' | 'pending' | 'off' = 'execution';
  if (writer.direct) {
    const outcome = directOutcome({
      status: result,
      operation: 'rollback',
      execution: intent.execution ?? `direct:${intent.id}`,
      model_name,
      champion_before: intent.from,
      champion_after: result === 'rolled_back' ? intent.to : null,
      reason: answer.detail,
      rollback: answer,
      requested_by: intent.requested_by,
      recorded_at: at,
    });
    const announced = await announce(outcome, true, services);
    alert = announced.alert === 'none' ? 'off' : announced.alert;
  }
  const { key, value } = resultTag({ id: intent.id, result, alert, at, by: input.execution });
  await services.registry.setVersionTag(model_name, intent.from ?? intent.to, key, value);
}
