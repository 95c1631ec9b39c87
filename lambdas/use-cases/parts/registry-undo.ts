import type { Clock } from '../../adapters/clock.ts';
import { directOutcome } from '../../domain/outcome/outcome.ts';
import type { RollbackAnswer, RollbackInput } from '../../domain/payloads.ts';
import { type Intent, intentTag, markTag, recordId, resultTag } from '../../domain/promotion/record.ts';
import type { RollbackFinding } from '../../domain/promotion/rollback-finding.ts';
import { openPromotion, type RollbackPlan } from '../../domain/promotion/rollback-plan.ts';
import { champions, isRolledBack, type RegistryView } from '../../domain/registry.ts';
import type { ServingUndo } from '../../domain/rollout/serving-rollback.ts';
import type { RegistryServices } from '../../runtime/mlflow-services.ts';
import type { NotifyServices } from '../../runtime/notify-services.ts';
import { inWords, rollbackDetail } from '../../words/reasons.ts';
import { moveAndVerify } from './move-champion.ts';
import { isUnnotified, recordOutcomeAndNotify } from './record-and-notify.ts';
import type { Writer } from './with-lease.ts';

/** The registry's part of a rollback, with its records and, for a direct call, its alert. */
export interface RegistryUndo {
  input: RollbackInput;
  services: RegistryServices & NotifyServices & { clock: Clock };
  writer: Writer;
  /** What the serving side has come to by now; null where no Workload serves the model. */
  serving: ServingUndo | null;
  answer: (
    plan: Pick<RollbackPlan, 'from' | 'to'>,
    finding: RollbackFinding,
    more?: Partial<RollbackAnswer>,
  ) => RollbackAnswer;
}

type Change = Extract<RollbackPlan, { kind: 'settled' | 'move' }>;

/** The whole answer: what the serving side came to decides too, where there is one. */
export function withServing(registry: RollbackAnswer, serving: ServingUndo | null): RollbackAnswer {
  if (serving === null) return registry;
  const { nothing_to_do, ...answer } = registry;
  const untouched = serving.undone === true && serving.action === 'none';
  return {
    ...answer,
    ...(nothing_to_do && untouched ? { nothing_to_do } : {}),
    serving,
    status: serving.contested ? 'contested' : registry.status,
    rolled_back: registry.rolled_back || (serving.undone === true && serving.action !== 'none'),
    detail: rollbackDetail({ ...answer, serving }),
  };
}

/** Carries out what the plan says, once or again; answers what came of it. */
export async function undoRegistry(
  plan: RollbackPlan,
  view: RegistryView,
  act: RegistryUndo,
): Promise<RollbackAnswer> {
  if (plan.kind === 'contested') {
    const contested = act.answer(plan, plan.finding, { status: 'contested' });
    if (act.writer.direct) await notify(contested, 'contested', act.writer.owner, act);
    return contested;
  }
  if (plan.kind !== 'refuse') return applyPlan(plan, view, act);
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
  return act.answer(plan, plan.finding);
}

async function applyPlan(plan: Change, view: RegistryView, act: RegistryUndo): Promise<RollbackAnswer> {
  const { input, services, answer } = act;
  if (plan.kind === 'settled') {
    const { record } = plan;
    const open =
      record !== null &&
      (record.result === null ||
        record.result.alert === 'pending' ||
        (await isUnnotified(record, act.writer.fence, services.store)));
    const done = answer(
      plan,
      { code: 'settled', from: plan.from, to: plan.to },
      {
        rolled_back: true,
        already_rolled_back: true,
        // An open one is told as an earlier attempt of it would have been.
        ...(open ? { champion_before: plan.from } : { nothing_to_do: true }),
      },
    );
    if (open) await finish(record, view, done, act);
    return done;
  }
  const intent = plan.record ?? (await recordIntent(plan.from, plan.to, act));
  const champion_before = plan.from;
  // `previous_champion` is left alone: it must not point to the version that is being taken out.
  const result = await moveAndVerify(services, view, {
    version: plan.to,
    from: plan.from,
    keepPrevious: false,
  });
  if (result === 'contested') {
    const { from, to } = plan;
    const lostRace = {
      code: 'contested',
      why: 'lost-race',
      from,
      to,
      champions: [],
    } satisfies RollbackFinding;
    const contested = answer(plan, lostRace, { status: 'contested', champion_before });
    await conclude(intent, contested, 'contested', input.model_name, act);
    return contested;
  }
  const done = answer(
    plan,
    { code: 'moved', from: plan.from, to: plan.to },
    { rolled_back: true, champion_before },
  );
  await finish(intent, view, done, act);
  return done;
}

/** Records `{from, to, id}` on the version that is taken out, before anything moves. */
async function recordIntent(
  from: string,
  to: string,
  { input, services, writer }: RegistryUndo,
): Promise<Intent> {
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
async function finish(
  intent: Intent,
  view: RegistryView,
  done: RollbackAnswer,
  act: RegistryUndo,
): Promise<void> {
  const bad = view.versions.find((v) => v.version === intent.from);
  if (bad !== undefined && !isRolledBack(bad)) {
    const { id, to, reason, at } = intent;
    const { key, value } = markTag({ id, to, reason, by: intent.requested_by, at });
    await act.services.registry.setVersionTag(act.input.model_name, bad.version, key, value);
  }
  await conclude(intent, done, 'rolled_back', act.input.model_name, act);
}

/** The alert first (when no state machine sends it), then the record of the result. */
async function conclude(
  intent: Intent,
  answer: RollbackAnswer,
  result: 'rolled_back' | 'contested',
  model_name: string,
  act: RegistryUndo,
): Promise<void> {
  const { input, services, writer } = act;
  const at = services.clock.now().toISOString();
  const owner = intent.execution ?? `direct:${intent.id}`;
  const alert = writer.direct ? await notify(answer, result, owner, act) : 'execution';
  const { key, value } = resultTag({ id: intent.id, result, alert, at, by: input.execution });
  await services.registry.setVersionTag(model_name, intent.from ?? intent.to, key, value);
}

/** What a direct call did, told with both sides: a Workload that did not follow is the loudest part of it. */
async function notify(
  answer: RollbackAnswer,
  result: 'rolled_back' | 'contested',
  execution: string,
  { input, services, serving }: RegistryUndo,
): Promise<'sent' | 'pending' | 'off'> {
  const whole = withServing(answer, serving);
  const status = whole.status === 'contested' ? 'contested' : serving?.undone === false ? 'failed' : result;
  const outcome = directOutcome({
    status,
    cause: { code: 'asked' },
    operation: 'rollback',
    execution,
    model_name: input.model_name,
    champion_before: whole.champion_before,
    champion_after: result === 'rolled_back' ? whole.to_version : null,
    rollback: whole,
    requested_by: input.requested_by,
    recorded_at: services.clock.now().toISOString(),
  });
  const { alert } = await recordOutcomeAndNotify(inWords(outcome), true, services);
  return alert === 'none' ? 'off' : alert;
}
