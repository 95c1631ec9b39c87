import type { BeforeState, RollbackInput } from '../payloads.ts';
import {
  champions,
  isRolledBack,
  isSoleChampion,
  type ModelVersion,
  type RegistryMode,
  type RegistryView,
  ROLLED_BACK_TAG,
} from '../registry.ts';
import type { ServingBefore } from '../rollout/serving-rollback.ts';
import { type PromotionRecord, recordsOn } from './record.ts';

/** What `model-rollback` has to do in the registry, decided from one reading of it. */
export type RollbackPlan =
  | { kind: 'refuse'; from: string | null; to: string | null; detail: string }
  /** Somebody else has changed the registry since: nothing is touched. */
  | { kind: 'contested'; from: string | null; to: string | null; detail: string }
  /** `to` is champion already; `record` is the rollback that brought it back, where one is known. */
  | { kind: 'settled'; from: string | null; to: string; record: PromotionRecord | null }
  | { kind: 'move'; from: string; to: string; record: PromotionRecord | null };

const HOUR_MS = 3_600_000;

/** A promotion that is known not to have come about says nothing about who was champion before whom. */
const tookEffect = ({ kind, result }: PromotionRecord) =>
  kind === 'promote' && result?.result !== 'not_promoted' && result?.result !== 'contested';

/** An alarm waits for a promotion that is under way, and that may have taken the cause away. */
function isLaterThanAlarm({ result }: PromotionRecord, input: RollbackInput): boolean {
  const { alarm_name, asked_at, target_version } = input;
  if (alarm_name === null || asked_at === null || target_version !== null || result === null) return false;
  return Date.parse(result.at) > Date.parse(asked_at);
}

/** A rollback that stopped between its writes: the pointers do not all name its target yet. */
function isCutOff(
  begun: PromotionRecord,
  view: RegistryView,
  mode: RegistryMode,
  records: PromotionRecord[],
  input: RollbackInput,
): boolean {
  const { from, to, at, result } = begun;
  const current = champions(view, mode);
  const since = records.some((r) => r.kind === 'promote' && r.at > at);
  const asked = input.target_version === null || input.target_version === to;
  const touched = current.includes(to) || (from !== null && current.includes(from));
  return asked && result === null && !since && touched && !isSoleChampion(view, mode, to);
}

/**
 * Restores, never steps back twice: a compensation goes to the before-state of its own execution; a rollback that
 * was asked for goes to the version named, else to the one that the champion's own record says it replaced.
 */
export function rollbackPlan(
  view: RegistryView,
  mode: RegistryMode,
  input: RollbackInput,
  { now, cooldownHours }: { now: Date; cooldownHours: number },
): RollbackPlan {
  const current = champions(view, mode);
  const records = recordsOn(view.versions);
  if (input.before_state !== null) return compensation(current, records, input);

  if (input.reason === 'ROLLOUT_FAILED' && input.target_version === null) {
    return refuse(
      current[0] ?? null,
      null,
      'No promotion was cut off; name target_version, or give another reason',
    );
  }
  const begun = records.find((r) => r.kind === 'rollback');
  if (begun !== undefined && isCutOff(begun, view, mode, records, input)) {
    return { kind: 'move', from: begun.from ?? begun.holder, to: begun.to, record: begun };
  }
  const champion = current.find((version) => version !== input.target_version) ?? current[0];
  if (champion === undefined) return refuse(null, input.target_version, 'No version is in Production');
  const last = records.find((r) => r.kind === 'rollback' && r.to === champion);
  const promotion = records.find((r) => tookEffect(r) && r.to === champion && r.holder === champion);
  const cameByRollback = last !== undefined && (promotion === undefined || last.at >= promotion.at);
  if (!cameByRollback && promotion !== undefined && isLaterThanAlarm(promotion, input)) {
    const detail = `Version ${champion} came into Production after the alarm, which cannot be about it; left alone`;
    return { kind: 'contested', from: champion, to: promotion.from, detail };
  }
  const target = input.target_version ?? (cameByRollback ? champion : (promotion?.from ?? null));
  if (target === champion) {
    return { kind: 'settled', from: last?.from ?? null, to: champion, record: cameByRollback ? last : null };
  }
  if (target === null) return refuse(champion, null, 'No known-good version recorded; name target_version');

  const unfit = unfitTarget(view, target, input.emergency);
  if (unfit !== null) return refuse(champion, target, unfit);
  const cooling = coolingUntil(records, now, cooldownHours);
  if (cooling !== null && !input.emergency) {
    return refuse(
      champion,
      target,
      `The last rollback was less than ${cooldownHours} h ago; pass emergency: true, or wait until ${cooling}`,
    );
  }
  return {
    kind: 'move',
    from: champion,
    to: target,
    record: ownRecord(records, champion, target, input.execution),
  };
}

/** Registered-model tag that names the Workload serving the model. */
export const WORKLOAD_TAG = 'workload.id';
/** Version tag with the id of the artifact that serves the version. */
export const ARTIFACT_TAG = 'workload.artifact_id';

/**
 * The promotion that was cut off before its result was recorded, as the before-state to go back to; null where every
 * promotion has ended. One that `execution` itself has just concluded counts still: its step may be running again.
 */
export function cutOff(
  view: RegistryView,
  execution: string | null,
): { record: PromotionRecord; before: BeforeState } | null {
  // Later ones that came to nothing have changed nothing: what lies under them may still be open.
  const cameToNothing = ({ result }: PromotionRecord) =>
    result?.result === 'not_promoted' && (execution === null || result.by !== execution);
  const newest = recordsOn(view.versions).find(
    (r) => r.kind === 'promote' && r.holder === r.to && !cameToNothing(r),
  );
  if (newest === undefined) return null;
  if (newest.result !== null && newest.result.result !== 'not_promoted') return null;
  const { from, to, serving } = newest;
  return { record: newest, before: { champion_version: from, challenger_version: to, serving } };
}

/** The promotion that a compensation undoes, while its result is still open. */
export function openPromotion(view: RegistryView, before: BeforeState): PromotionRecord | null {
  const { champion_version: from, challenger_version: to } = before;
  const same = (r: PromotionRecord) =>
    r.kind === 'promote' && r.to === to && r.holder === to && r.from === from;
  return recordsOn(view.versions).find((r) => same(r) && r.result === null) ?? null;
}

/** What is to be undone on the serving side before the registry is; null where no Workload serves the model. */
export function servingToUndo(
  view: RegistryView,
  mode: RegistryMode,
  plan: RollbackPlan,
  input: RollbackInput,
): ServingBefore | null {
  if (input.before_state !== null) {
    const { champion_version, challenger_version, serving } = input.before_state;
    // A first champion stays in Production, and so does its artifact: the two must not disagree.
    const stays = champion_version === null && champions(view, mode).includes(challenger_version);
    return stays ? null : serving;
  }
  if ((plan.kind !== 'move' && plan.kind !== 'settled') || plan.from === null) return null;
  const promotion = recordsOn(view.versions).find(
    (r) => tookEffect(r) && r.to === plan.from && r.holder === plan.from,
  );
  if (promotion?.from === plan.to && promotion.serving !== null) return promotion.serving;
  // Settled in the registry: only what is recorded tells whether the Workload was to follow.
  if (plan.kind === 'settled') return null;
  // Another target than the version that was replaced: its artifact is known by its tag, its runtime is not.
  const workload = input.workload_id ?? (view.model.tags[WORKLOAD_TAG] || null);
  const artifactOf = (version: string) =>
    view.versions.find((v) => v.version === version)?.tags[ARTIFACT_TAG] || null;
  const bad = artifactOf(plan.from);
  if (workload === null || bad === null) return null;
  return {
    workload_id: workload,
    artifact_id: bad,
    previous_artifact_id: artifactOf(plan.to),
    previous_status: null,
    previous_runtime: null,
    previous_importance: null,
  };
}

/** Undoes only what this execution changed; anything else is left alone. */
function compensation(current: string[], records: PromotionRecord[], input: RollbackInput): RollbackPlan {
  const from = input.before_state?.challenger_version ?? '';
  const to = input.before_state?.champion_version ?? null;
  const verb = current.length === 1 ? 'is' : 'are';
  const held = current.length === 0 ? 'no version is' : `version ${current.join(' and ')} ${verb}`;
  if (to === from) return refuse(from, to, `Nothing to undo: version ${to} was the champion before`);
  if (to === null) {
    const detail = current.includes(from)
      ? `Version ${from} is the first champion and there is none to go back to: it stays in Production`
      : 'Nothing to undo: the version never reached Production';
    return refuse(from, null, detail);
  }
  if (current.includes(from)) {
    const strangers = current.filter((version) => version !== from && version !== to);
    if (strangers.length === 0)
      return { kind: 'move', from, to, record: ownRecord(records, from, to, input.execution) };
  }
  if (current.length === 1 && current[0] === to) {
    const record = ownRecord(records, from, to, input.execution);
    if (record !== null) return { kind: 'settled', from, to, record };
    return refuse(from, to, `Nothing to undo: version ${to} is still in Production`);
  }
  return {
    kind: 'contested',
    from,
    to,
    detail: `Somebody else has moved on: ${held} in Production; left alone`,
  };
}

const refuse = (from: string | null, to: string | null, detail: string): RollbackPlan => ({
  kind: 'refuse',
  from,
  to,
  detail,
});

function ownRecord(
  records: PromotionRecord[],
  from: string,
  to: string,
  execution: string | null,
): PromotionRecord | null {
  const same = (r: PromotionRecord) => r.kind === 'rollback' && r.from === from && r.to === to;
  const own = records.find((r) => same(r) && r.execution === execution);
  // A direct call has no execution of its own: only a record that was never finished can be its.
  return own !== undefined && (execution !== null || own.result === null) ? own : null;
}

function unfitTarget(view: RegistryView, target: string, emergency: boolean): string | null {
  const version = view.versions.find((v) => v.version === target);
  if (version === undefined) return `Version ${target} does not exist`;
  if (version.status !== 'READY') return `Version ${target} is ${version.status}, not READY`;
  if (isRolledBack(version) && !promotedSince(version) && !emergency)
    return `Version ${target} was itself rolled back; pass emergency: true to use it`;
  return null;
}

/** A person has promoted it again by name since it was taken out: then it is known good. */
function promotedSince(version: ModelVersion): boolean {
  const mark = /"at":"([^"]+)"/.exec(version.tags[ROLLED_BACK_TAG] ?? '')?.[1];
  const again = (r: PromotionRecord) => r.kind === 'promote' && r.result?.result === 'promoted';
  // A mark that a person has written says no time: it holds.
  return mark !== undefined && recordsOn([version]).some((r) => again(r) && r.at > mark);
}

/** ISO time until which the model rests after its last completed rollback; null when it does not. */
function coolingUntil(records: PromotionRecord[], now: Date, hours: number): string | null {
  const last = records.find((r) => r.kind === 'rollback' && r.result?.result === 'rolled_back');
  if (last?.result === undefined || last.result === null) return null;
  const until = new Date(Date.parse(last.result.at) + hours * HOUR_MS);
  return until > now ? until.toISOString() : null;
}
