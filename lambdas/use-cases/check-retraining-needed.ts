import { createHash } from 'node:crypto';
import type { Clock } from '../adapters/clock.ts';
import { type DriftRead, driftIn } from '../domain/drift/drift-file.ts';
import { LeaseStoreUnavailable, MlflowInvalidResponse } from '../domain/errors.ts';
import {
  champions,
  DRIFT_TAG,
  type ModelVersion,
  ownerOf,
  type RegistryMode,
  type RegistryView,
} from '../domain/registry.ts';
import {
  type DriftFound,
  decideAfterTraining,
  decideRetraining,
  isAboutDrift,
  type RetrainingDecision,
  type RetrainingFacts,
  type RetrainingRequest,
  refusedName,
} from '../domain/retraining/decide.ts';
import {
  isAttempt,
  isClosedBy,
  type KeptNeed,
  type Need,
  nextAttempt,
  TELL_FROM_ATTEMPT,
} from '../domain/retraining/need.ts';
import type { CheckAnswer, CheckInput } from '../domain/retraining/payloads.ts';
import { quoted } from '../domain/visible-text.ts';
import type { RegistryServices } from '../runtime/mlflow-services.ts';
import type { NotifyServices } from '../runtime/notify-services.ts';
import type { RetrainingServices } from '../runtime/retraining-services.ts';
import { invalidRequestReason, retrainingReason } from '../words/retraining.ts';
import { findWaiting } from './parts/find-waiting.ts';
import { tellNoNewVersion } from './parts/tell-no-new-version.ts';

/** What checking needs. */
export interface CheckServices extends NotifyServices, RetrainingServices {
  registry: Pick<RegistryServices['registry'], 'getModel' | 'listVersions'>;
  mode: RegistryMode;
  drift?: (tag: string, newest: Date | null) => Promise<DriftRead>;
  clock: Clock;
}

/** Writes of others that one call goes on after. */
const MAX_CONFLICTS = 4;

/**
 * Decides whether a model should be retrained. A need is written down before anything is started, and the decision is made
 * anew if another caller has written since, so that of several callers one trains. Throws the errors of MLflow,
 * `LeaseStoreUnavailable` and `StateMachineUnavailable`.
 */
export async function checkRetraining(
  input: CheckInput,
  services: CheckServices,
  requestId: string,
): Promise<CheckAnswer> {
  const { clock, allowed, intervalDays, minHours } = services;
  const request = (): RetrainingRequest => ({
    model: input.model_name,
    manual: input.force || input.manual_trigger,
    now: clock.now(),
    allowed,
    intervalDays,
    minHours,
  });
  const unknown = { newest: null, need: null, drift: null, started: null };
  const view = refusedName(request()) === null ? await readView(input.model_name, services) : null;
  if (view === null) return answerOf(decideRetraining(request(), NO_MODEL), unknown);
  const newest = newestOf(view);
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const kept = await services.store.readNeed(input.model_name);
    const now = clock.now();
    if (kept !== null && kept.need.closed_at === null && isClosedBy(kept.need, newest)) {
      const closed = { ...kept.need, closed_at: now.toISOString() };
      await services.store.writeNeed(input.model_name, kept, closed);
      if (!input.after_training) continue;
      return answerOf(decideAfterTraining(now, { newest, need: null }), { ...unknown, newest, need: closed });
    }
    const open = kept?.need.closed_at === null ? kept.need : null;
    if (input.after_training)
      return answerOf(decideAfterTraining(now, { newest, need: open }), {
        ...unknown,
        newest,
        need: kept?.need ?? null,
      });
    const caller = input.execution ?? requestId;
    const facts = await gather({ input, view, newest, kept, caller }, services);
    let decision = decideRetraining(request(), facts);
    let drift: DriftFound | null = null;
    if (isAboutDrift(decision)) {
      drift = await readDrift(view, newest, services);
      decision = decideRetraining(request(), { ...facts, drift });
    }
    const found = { newest, drift };
    const isOwn = decision.reason.code === 'attempt';
    if (isOwn || decision.decision !== 'needs_retraining') {
      // An attempt that was cut off before it was started is started by whoever comes next, under the same name.
      if (kept !== null && open !== null) await begin({ input, view, kept }, services);
      return answerOf(decision, { ...found, need: open, started: isOwn ? (open?.execution ?? null) : null });
    }
    const id = createHash('sha256')
      .update(`${input.model_name}\n${caller}\n${kept?.rev ?? 0}`)
      .digest('hex');
    const need = nextAttempt(input.model_name, open, {
      ...{ trigger: decision.trigger ?? 'scheduled', id: id.slice(0, 12), asked_by: caller, newest, now },
      // An execution that asks is the attempt itself.
      starts: input.execution === null && (await services.retrainings()) !== null,
    });
    if (!(await services.store.writeNeed(input.model_name, kept, need))) continue;
    await begin({ input, view, kept: { need, rev: (kept?.rev ?? 0) + 1 } }, services);
    return answerOf(decision, { ...found, need, started: need.execution });
  }
  throw new LeaseStoreUnavailable(
    `The need of ${quoted(input.model_name)} was written ${MAX_CONFLICTS} times by others`,
  );
}

const NO_MODEL: RetrainingFacts = {
  ...{ exists: false, newest: null, waiting: null, leasedBy: null, need: null },
  ...{ isAttempt: false, lastAttempt: null, drift: null },
};

async function readView(name: string, { registry }: CheckServices): Promise<RegistryView | null> {
  const model = await registry.getModel(name);
  return model === null ? null : { model, versions: await registry.listVersions(name) };
}

type Newest = RetrainingFacts['newest'];

/** Throws `MlflowInvalidResponse` for a version without a time: it must not look old, and be retrained again and again. */
function newestOf({ model, versions }: RegistryView): Newest {
  const newest = versions.reduce<ModelVersion | null>(
    (last, each) => (last === null || Number(each.version) > Number(last.version) ? each : last),
    null,
  );
  if (newest === null) return null;
  if (newest.createdAt === undefined)
    throw new MlflowInvalidResponse(
      `GET model-versions/search: version ${newest.version} of ${quoted(model.name)} has no time of its creation`,
    );
  return { version: newest.version, at: new Date(newest.createdAt) };
}

interface Checked {
  readonly input: CheckInput;
  readonly view: RegistryView;
  readonly newest: Newest;
}

async function gather(
  { input, view, newest, kept, caller }: Checked & { kept: KeptNeed | null; caller: string },
  { store, mode, clock, intervalDays }: CheckServices,
): Promise<RetrainingFacts> {
  const now = clock.now();
  const { owner, expires_at } = await store.readItem(input.model_name);
  const open = kept?.need.closed_at === null ? kept.need : null;
  return {
    exists: true,
    newest,
    waiting: await findWaiting(view, mode, { now, days: intervalDays }, store),
    leasedBy: owner !== null && expires_at !== null && expires_at >= now ? owner : null,
    need: open,
    isAttempt: open !== null && isAttempt(open, caller, now),
    lastAttempt: kept === null || open !== null ? null : new Date(kept.need.attempted_at),
    drift: null,
  };
}

async function readDrift(
  { model }: RegistryView,
  newest: Newest,
  { drift }: CheckServices,
): Promise<DriftFound | null> {
  const tag = model.tags[DRIFT_TAG] ?? '';
  if (tag === '' || drift === undefined) return null;
  return driftIn(await drift(tag, newest?.at ?? null), newest);
}

/**
 * Starts an attempt that is written down, after people were told of the earlier ones, and notes that. Every part may be
 * repeated: the name of the execution and the id of the alert are those of the attempt.
 */
async function begin(
  { input, view, kept }: Omit<Checked, 'newest'> & { kept: KeptNeed },
  services: CheckServices,
): Promise<void> {
  const { need } = kept;
  if (need.started) return;
  if (need.attempt >= TELL_FROM_ATTEMPT) {
    const champion = champions(view, services.mode)[0] ?? null;
    await tellNoNewVersion({ model: input.model_name, need, champion, owner: ownerOf(view.model) }, services);
  }
  if (need.execution !== null)
    await (await services.retrainings())?.start(need.execution, {
      ...{ model_name: input.model_name, trigger: need.trigger },
      ...{ need_id: need.id, attempt: need.attempt },
    });
  await services.store.writeNeed(input.model_name, kept, { ...need, started: true });
}

interface Found {
  readonly newest: Newest;
  readonly need: Need | null;
  readonly drift: DriftFound | null;
  readonly started: string | null;
}

function answerOf(decision: RetrainingDecision, { newest, need, drift, started }: Found): CheckAnswer {
  const { hours } = decision;
  return {
    decision: decision.decision,
    trigger: decision.trigger,
    reason: retrainingReason(decision.reason, drift),
    hours_since_retrain: hours,
    days_since_retrain: hours === null ? null : hours / 24,
    drift_severity: drift?.severity ?? null,
    drift_psi: drift?.psi ?? null,
    drift_n: drift?.n ?? null,
    drift_needed: drift?.problem?.code === 'too-few' ? drift.problem.needed : null,
    newest_version: newest?.version ?? null,
    need_id: need?.id ?? null,
    attempt: need?.attempt ?? null,
    execution: started,
  };
}

/** The answer to a payload that names no model: not an error, so that a state machine can branch on it. */
export const invalidRequest = (problems: readonly string[]): CheckAnswer => ({
  ...answerOf(decideRetraining(NO_REQUEST, NO_MODEL), {
    newest: null,
    need: null,
    drift: null,
    started: null,
  }),
  reason: invalidRequestReason(problems),
});

const NO_REQUEST: RetrainingRequest = {
  ...{ model: '', manual: false, now: new Date(0), allowed: [], intervalDays: 1, minHours: 0 },
};
