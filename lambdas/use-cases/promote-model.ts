import type { Clock } from '../adapters/clock.ts';
import { directOutcome } from '../domain/outcome/outcome.ts';
import type { PromoteAnswer, PromoteInput } from '../domain/payloads.ts';
import {
  newestPromotion,
  type PromotionPlan,
  type PromotionRefusal,
  promotionPlan,
} from '../domain/promotion/promotion-plan.ts';
import { type Intent, intentTag, recordId, resultTag } from '../domain/promotion/record.ts';
import type { RegistryView } from '../domain/registry.ts';
import type { Invocation } from '../runtime/handler.ts';
import type { RegistryServices } from '../runtime/mlflow-services.ts';
import type { NotifyServices } from '../runtime/notify-services.ts';
import { CONCURRENT_CHANGE, inWords, leaseHeld, promotionRefused } from '../words/reasons.ts';
import { moveAndVerify, readRegistry } from './parts/move-champion.ts';
import { isUnnotified, recordOutcomeAndNotify } from './parts/record-and-notify.ts';
import { refuseStale, type Writer, withLease } from './parts/with-lease.ts';

export interface PromoteServices extends RegistryServices, NotifyServices {
  clock: Clock;
}

/**
 * Promotes a version, or answers the reason for refusing. At most six MLflow calls in mode `stages`: two reads, the
 * intent, the transition, the read after it, the result. Throws `StaleFence`, `LeaseStoreUnavailable`, `MlflowUnavailable`,
 * `MlflowRefused` and `MlflowInvalidResponse`.
 */
export function promote(
  input: PromoteInput,
  services: PromoteServices,
  { requestId }: Invocation,
): Promise<PromoteAnswer> {
  const work = async (writer: Writer): Promise<PromoteAnswer> => {
    const view = await readRegistry(services.registry, input.model_name);
    if (view === null) return refused({ code: 'no-model' }, input);
    if (!writer.direct) refuseStale(view, writer.fence);
    return applyPlan(
      promotionPlan(view, services.mode, input, recordId(writer.owner)),
      view,
      input,
      services,
      writer,
    );
  };
  return withLease({ ...input, requestId }, services, work, (lease) => ({
    promoted: false,
    reason: leaseHeld(lease),
  }));
}

const refused = (refusal: PromotionRefusal, { model_name }: PromoteInput) => ({
  promoted: false as const,
  reason: promotionRefused(refusal, model_name),
});

async function applyPlan(
  plan: PromotionPlan,
  view: RegistryView,
  input: PromoteInput,
  services: PromoteServices,
  writer: Writer,
): Promise<PromoteAnswer> {
  if (plan.kind === 'refuse') return refused(plan.refusal, input);
  const answer = { promoted: true, new_version: plan.version, new_stage: 'Production' } as const;
  if (plan.kind === 'settled') {
    const open = plan.unfinished ?? (await findUnnotifiedPromotion(plan.version, view, services, writer));
    if (open !== null) await finish(open, 'promoted', input, services, writer);
    return { ...answer, archived_version: null, already_promoted: true };
  }
  const intent = plan.intent ?? (await recordIntent(plan.version, plan.from, input, services, writer));
  const move = { version: plan.version, from: plan.from, keepPrevious: true };
  const result = await moveAndVerify(services, view, move);
  if (result === 'contested') {
    await finish(intent, 'contested', input, services, writer);
    return { ...refused({ code: 'lost-race', version: plan.version }, input), contested: true };
  }
  await finish(intent, 'promoted', input, services, writer);
  return { ...answer, archived_version: plan.from };
}

/** A promotion whose execution never sent its notification; a direct call sends it instead. */
async function findUnnotifiedPromotion(
  version: string,
  view: RegistryView,
  { store }: PromoteServices,
  { direct, fence }: Writer,
) {
  const holder = view.versions.find((v) => v.version === version);
  const record = direct && holder !== undefined ? newestPromotion(holder) : null;
  return record !== null && (await isUnnotified(record, fence, store)) ? record : null;
}

/** Records the intent before the registry moves, for a repeated call and for a rollback. */
async function recordIntent(
  to: string,
  from: string | null,
  input: PromoteInput,
  { registry, clock }: PromoteServices,
  { owner, fence }: Writer,
): Promise<Intent> {
  const intent: Intent = {
    kind: 'promote',
    id: recordId(owner),
    to,
    from,
    confidence: input.confidence,
    evidence_digest: null,
    reason: input.reason,
    requested_by: input.requested_by,
    execution: input.execution,
    fence,
    serving: null,
    at: clock.now().toISOString(),
  };
  const { key, value } = intentTag(intent);
  await registry.setVersionTag(input.model_name, to, key, value);
  return intent;
}

/** Sends the alert before recording that it was sent: after a crash in between it is sent twice rather than never. */
async function finish(
  intent: Intent,
  result: 'promoted' | 'contested',
  input: PromoteInput,
  services: PromoteServices,
  { direct }: Writer,
): Promise<void> {
  const at = services.clock.now().toISOString();
  const alert = direct ? await notify(intent, result, input.model_name, at, services) : 'execution';
  const { key, value } = resultTag({ id: intent.id, result, alert, at, by: input.execution });
  await services.registry.setVersionTag(input.model_name, intent.to, key, value);
}

async function notify(
  intent: Intent,
  status: 'promoted' | 'contested',
  model_name: string,
  at: string,
  services: PromoteServices,
) {
  const promoted = status === 'promoted';
  const outcome = directOutcome({
    status,
    cause: promoted ? { code: 'promoted', direct: true } : { code: 'contested', said: CONCURRENT_CHANGE },
    operation: 'promote',
    // Named after the intent, so that a repeat of the call finds the same outcome.
    execution: intent.execution ?? `direct:${intent.id}`,
    model_name,
    champion_before: intent.from,
    champion_after: promoted ? intent.to : null,
    challenger_version: intent.to,
    confidence: intent.confidence,
    requested_by: intent.requested_by,
    recorded_at: at,
  });
  const { alert } = await recordOutcomeAndNotify(inWords(outcome), true, services);
  return alert === 'none' ? 'off' : alert;
}
