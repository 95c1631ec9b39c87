import type { PromoteInput } from '../payloads.ts';
import {
  CHAMPION,
  champions,
  isSoleChampion,
  type ModelVersion,
  PREVIOUS_CHAMPION,
  type RegistryMode,
  type RegistryView,
  waitingChallenger,
} from '../registry.ts';
import { type PromotionRecord, recordsOn } from './record.ts';

/** What `promote-model` has to do, decided from one read of the registry. */
export type PromotionPlan =
  | { kind: 'refuse'; refusal: PromotionRefusal }
  /** Champion already; `unfinished` is a promotion to it that was never finished. */
  | { kind: 'settled'; version: string; unfinished: PromotionRecord | null }
  /** `intent` is the record of this move, if one was written before. */
  | { kind: 'move'; version: string; from: string | null; intent: PromotionRecord | null };

/** Registered-model tag with the highest fence that may write; a writer with a lower fence is stale. */
export const FENCE_TAG = 'promotion.fence';

/** The fence recorded in the registry; 0 if there is none. */
export function recordedFence(view: RegistryView): number {
  const fence = Number(view.model.tags[FENCE_TAG] ?? '0');
  return Number.isSafeInteger(fence) && fence > 0 ? fence : 0;
}

/** Why nothing is promoted. Terminal: the same request is refused again until the named cause is fixed. */
export type PromotionRefusal =
  /** The registered model does not exist. */
  | { code: 'no-model' }
  /** No version was passed, and none is in Staging (mode `aliases`: none is `@challenger`). */
  | { code: 'no-challenger' }
  | { code: 'version-missing'; version: string }
  | { code: 'not-ready'; version: string; status: string }
  /** Other versions than the expected one are in Production. */
  | { code: 'other-champion'; champions: string[]; expected: string | null }
  /** Nothing is in Production, although a champion was expected. */
  | { code: 'no-champion'; expected: string }
  /** Another actor moved the registry at the same time. */
  | { code: 'lost-race'; version: string };

/** What changed between the comparison and taking the lease. */
export type ChangeSinceComparison =
  | { code: 'champion-changed'; champions: string[]; compared_with: string | null }
  | { code: 'decision-changed'; decision: string; recommendation: string }
  | { code: 'evidence-changed' };

const refuse = (refusal: PromotionRefusal): PromotionPlan => ({ kind: 'refuse', refusal });

/**
 * Decides in a fixed order: which version, whether it is the only champion already, whether the champion is the expected one.
 * `ownId` is the id of the record that this caller writes, or has written before it was repeated.
 */
export function promotionPlan(
  view: RegistryView,
  mode: RegistryMode,
  input: PromoteInput,
  ownId: string,
): PromotionPlan {
  const version =
    input.new_version ??
    findBegunPromotion(view, mode, input, ownId)?.to ??
    waitingChallenger(view, mode)?.version;
  if (version === undefined) return refuse({ code: 'no-challenger' });

  const challenger = view.versions.find((v) => v.version === version);
  if (challenger === undefined) return refuse({ code: 'version-missing', version });
  if (isSoleChampion(view, mode, version))
    return { kind: 'settled', version, unfinished: findUnfinishedPromotion(challenger) };
  if (challenger.status !== 'READY') return refuse({ code: 'not-ready', version, status: challenger.status });

  const others = champions(view, mode).filter((champion) => champion !== version);
  const expected = input.expected_champion;
  if (expected !== undefined && others.some((champion) => champion !== expected)) {
    return refuse({ code: 'other-champion', champions: others, expected });
  }
  if (typeof expected === 'string' && champions(view, mode).length === 0) {
    return refuse({ code: 'no-champion', expected });
  }
  // An alias can name a deleted version, which can be neither archived nor restored.
  const from = others.find((other) => view.versions.some((v) => v.version === other)) ?? null;
  return { kind: 'move', version, from, intent: findOpenIntent(challenger, from, input.execution) };
}

/**
 * A call that is repeated after the move finds no Staging version any more: it continues its recorded promotion. The same
 * request is identified by its record; a new request continues a direct promotion that was never finished.
 */
function findBegunPromotion(
  view: RegistryView,
  mode: RegistryMode,
  input: PromoteInput,
  ownId: string,
): PromotionRecord | undefined {
  const current = champions(view, mode);
  // An older one, superseded by a later promotion, is not finished.
  const newest = (r: PromotionRecord) =>
    view.versions.some((v) => v.version === r.holder && newestPromotion(v)?.id === r.id);
  const begun = (r: PromotionRecord) =>
    r.id === ownId || (r.result === null && r.execution === input.execution && newest(r));
  return recordsOn(view.versions).find((r) => isPromotion(r) && current.includes(r.to) && begun(r));
}

const isPromotion = (record: PromotionRecord) => record.kind === 'promote' && record.to === record.holder;

/** The newest recorded promotion of a version to champion, whatever its result; null if there is none. */
export const newestPromotion = (version: ModelVersion): PromotionRecord | null =>
  recordsOn([version]).find(isPromotion) ?? null;

/** The newest promotion to this version, if it has no result or its alert is pending; null otherwise. */
export function findUnfinishedPromotion(version: ModelVersion): PromotionRecord | null {
  const newest = newestPromotion(version);
  return newest !== null && (newest.result === null || newest.result.alert === 'pending') ? newest : null;
}

/** Our own intent for exactly this move, written before a crash or by `prepare-promotion`. */
function findOpenIntent(
  version: ModelVersion,
  from: string | null,
  execution: string | null,
): PromotionRecord | null {
  const same = (r: PromotionRecord) => isPromotion(r) && r.execution === execution && r.from === from;
  return recordsOn([version]).find((r) => same(r) && r.result === null) ?? null;
}

/** One write to the registry. In mode `stages` a promotion is a single one, which also archives the old version. */
export type RegistryMove =
  | { kind: 'stage'; version: string }
  | { kind: 'alias'; alias: string; version: string };

/**
 * The writes that make `version` the champion: the stage first, then `previous_champion`, then `champion`, so that
 * no pointer names a version that is not there yet. Each may be repeated.
 */
export function movesTo(version: string, from: string | null, mode: RegistryMode): RegistryMove[] {
  const moves: RegistryMove[] = [];
  if (mode !== 'aliases') moves.push({ kind: 'stage', version });
  if (mode !== 'stages') {
    if (from !== null) moves.push({ kind: 'alias', alias: PREVIOUS_CHAMPION, version: from });
    moves.push({ kind: 'alias', alias: CHAMPION, version });
  }
  return moves;
}

/** What the read after the write shows: `done`, `again` (repeat the writes once), or `contested` by another actor. */
export function afterMove(
  view: RegistryView,
  mode: RegistryMode,
  version: string,
  from: string | null,
): 'done' | 'again' | 'contested' {
  if (isSoleChampion(view, mode, version)) return 'done';
  const current = champions(view, mode);
  const strangers = current.filter((champion) => champion !== version && champion !== from);
  // Another version alone in Production archived ours: a later decision, which stands.
  return strangers.length > 0 && !current.includes(version) ? 'contested' : 'again';
}
