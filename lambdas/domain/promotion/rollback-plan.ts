import type { BeforeState, RollbackInput } from '../payloads.ts';
import {
  champions,
  isRolledBack,
  isSoleChampion,
  type ModelVersion,
  type RegistryMode,
  type RegistryView,
} from '../registry.ts';
import type { ServingBefore } from '../rollout/serving-rollback.ts';
import { markOn, type PromotionRecord, recordsOn } from './record.ts';
import type { RollbackFinding, RollbackRefusal } from './rollback-finding.ts';

/** What `model-rollback` has to do in the registry, decided from one reading of it. */
export type RollbackPlan =
  | { kind: 'refuse'; from: string | null; to: string | null; finding: Refused }
  /** Somebody else has changed the registry since: nothing is touched. */
  | { kind: 'contested'; from: string | null; to: string | null; finding: Contested }
  /** `to` is champion already; `record` is the rollback that brought it back, where one is known. */
  | { kind: 'settled'; from: string | null; to: string; record: PromotionRecord | null }
  | { kind: 'move'; from: string; to: string; record: PromotionRecord | null };

type Refused = Extract<RollbackFinding, { code: 'refused' }>;
type Contested = Extract<RollbackFinding, { code: 'contested' }>;

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
    return refuse('nothing-interrupted', current[0] ?? null, null);
  }
  const begun = records.find((r) => r.kind === 'rollback');
  if (begun !== undefined && isCutOff(begun, view, mode, records, input)) {
    return { kind: 'move', from: begun.from ?? begun.holder, to: begun.to, record: begun };
  }
  const champion = current.find((version) => version !== input.target_version) ?? current[0];
  if (champion === undefined) return refuse('no-champion', null, input.target_version);
  const last = records.find((r) => r.kind === 'rollback' && r.to === champion);
  const promotion = records.find((r) => tookEffect(r) && r.to === champion && r.holder === champion);
  const cameByRollback = last !== undefined && (promotion === undefined || last.at >= promotion.at);
  if (!cameByRollback && promotion !== undefined && isLaterThanAlarm(promotion, input)) {
    return contested('after-alarm', champion, promotion.from, [champion]);
  }
  const target = input.target_version ?? (cameByRollback ? champion : (promotion?.from ?? null));
  if (target === champion) {
    return { kind: 'settled', from: last?.from ?? null, to: champion, record: cameByRollback ? last : null };
  }
  if (target === null) return refuse('no-known-good', champion, null);

  const unfit = unfitTarget(view, target, input.emergency);
  if (unfit !== null) return refuse(unfit.why, champion, target, { held: unfit.held });
  const cooling = coolingUntil(records, now, cooldownHours);
  if (cooling !== null && !input.emergency) {
    return refuse('cooling', champion, target, { until: cooling, hours: cooldownHours });
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
 * The promotion that was interrupted before its result was recorded, as the before-state to restore; null if every
 * promotion has ended. One that `execution` itself has just concluded counts still: its step may be running again.
 */
export function findInterruptedChange(
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
  if (to === from) return refuse('nothing-to-undo', from, to);
  if (to === null) return refuse(current.includes(from) ? 'first-champion' : 'nothing-to-undo', from, null);
  if (current.includes(from)) {
    const strangers = current.filter((version) => version !== from && version !== to);
    if (strangers.length === 0)
      return { kind: 'move', from, to, record: ownRecord(records, from, to, input.execution) };
  }
  if (current.length === 1 && current[0] === to) {
    const record = ownRecord(records, from, to, input.execution);
    if (record !== null) return { kind: 'settled', from, to, record };
    return refuse('nothing-to-undo', from, to);
  }
  return contested('moved-on', from, to, current);
}

const NOT_SAID = { held: null, until: null, hours: null };

const refuse = (
  why: RollbackRefusal,
  from: string | null,
  to: string | null,
  more: Partial<typeof NOT_SAID | Refused> = {},
): RollbackPlan => ({
  kind: 'refuse',
  from,
  to,
  finding: { code: 'refused', ...NOT_SAID, ...more, why, from, to },
});

const contested = (
  why: Contested['why'],
  from: string | null,
  to: string | null,
  found: string[],
): RollbackPlan => ({
  kind: 'contested',
  from,
  to,
  finding: { code: 'contested', why, from, to, champions: found },
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

function unfitTarget(
  view: RegistryView,
  target: string,
  emergency: boolean,
): { why: RollbackRefusal; held: string | null } | null {
  const version = view.versions.find((v) => v.version === target);
  if (version === undefined) return { why: 'target-missing', held: null };
  if (version.status !== 'READY') return { why: 'not-ready', held: version.status };
  if (isRolledBack(version) && !promotedSince(version) && !emergency)
    return { why: 'rolled-back', held: null };
  return null;
}

/** A person has promoted it again by name since it was taken out: then it is known good. */
function promotedSince(version: ModelVersion): boolean {
  const mark = markOn(version)?.at;
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
