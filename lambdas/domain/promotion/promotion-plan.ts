import type { ApprovalRecord, ApprovalSubject } from '../approval/request.ts';
import type { ChangedPart } from '../comparison/digests.ts';
import type { GateResult } from '../gates/gate-result.ts';
import { MAX_FENCE_JUMP } from '../limits.ts';
import type { PromoteInput } from '../payloads.ts';
import {
  CHAMPION,
  champions,
  isSoleChampion,
  PREVIOUS_CHAMPION,
  type RegistryMode,
  type RegistryView,
  waitingChallenger,
} from '../registry.ts';
import { type PromotionRecord, recordsOn } from './record.ts';

/** Registered-model tag that names the Workload serving the model. */
export const WORKLOAD_TAG = 'workload.id';

/** Registered-model tag with the highest fence that may write; a writer with a lower fence is stale. */
export const FENCE_TAG = 'promotion.fence';

/**
 * The fence recorded in the registry; 0 if there is none. Anybody with edit rights can write the tag: one that is further
 * above the counted fence than any lost table could explain is not believed.
 */
export function recordedFence(view: RegistryView, counted: number): number {
  const fence = Number(view.model.tags[FENCE_TAG] ?? '0');
  return Number.isSafeInteger(fence) && fence > 0 && fence <= counted + MAX_FENCE_JUMP ? fence : 0;
}

/** Why nothing is promoted. Terminal: the same request is refused again until the named cause is fixed. */
export type PromotionRefusal =
  /** The registered model does not exist. */
  | { code: 'no-model' }
  /** No version was passed, and none is in Staging (mode `aliases`: none is `@challenger`). */
  | { code: 'no-challenger'; mode: RegistryMode }
  | { code: 'version-missing'; version: string }
  | { code: 'not-ready'; version: string; status: string }
  /** Other versions than the expected one are in Production. */
  | { code: 'other-champion'; champions: string[]; expected: string | null }
  /** Nothing is in Production, although a champion was expected. */
  | { code: 'no-champion'; expected: string }
  /** Another actor moved the registry at the same time. */
  | { code: 'lost-race'; version: string }
  /** A change of the model is open: `holder` opened it. */
  | { code: 'change-open'; holder: string }
  /** The registry does not show the live version (null: none is recorded, and its pointers disagree). */
  | { code: 'moved'; champions: string[]; live: string | null }
  /** The change was turned back or closed by another operation. */
  | { code: 'superseded'; version: string }
  /** The deployment asks for approval, which only an execution of the state machine gets. */
  | { code: 'needs-approval' };

/** What changed between the comparison and taking the lease. */
export type ChangeSinceComparison =
  | { code: 'champion-changed'; champions: string[]; compared_with: string | null }
  | { code: 'decision-changed'; decision: string; recommendation: string }
  | { code: 'evidence-changed'; parts: ChangedPart[] }
  /** What would be promoted, or where to, is not what people have approved. */
  | { code: 'approved-otherwise'; parts: (keyof ApprovalSubject)[] }
  /** Gates that depend on time or on tags do not hold any more, although the evidence is the same. */
  | { code: 'gates-failed'; gates: readonly GateResult[] };

/** Why `prepare-promotion` refuses: the request cannot be carried out until the named cause is fixed. */
export type PrepareRefusal =
  | { code: 'version-missing'; version: string }
  | { code: 'not-ready'; version: string; status: string }
  /** A Workload serves the model, and without a table nothing protects it. */
  | { code: 'no-table'; workload: string }
  /** People have not approved it: null where nobody was asked. */
  | { code: 'not-approved'; status: ApprovalRecord['status'] | 'investigate' | null };

/**
 * The version that a request names: the given one, else the one that the same request was promoting before it was
 * repeated, else the newest waiting challenger. `ownId` is the id of the request's record.
 */
export function requestedVersion(
  view: RegistryView,
  mode: RegistryMode,
  { new_version }: Pick<PromoteInput, 'new_version'>,
  ownId: string,
): string | null {
  const own = recordsOn(view.versions).find((r) => isPromotion(r) && r.id === ownId);
  return new_version ?? own?.to ?? waitingChallenger(view, mode)?.version ?? null;
}

/** Why the version cannot be promoted over the present champions; null if it can. */
export function refusalOf(
  view: RegistryView,
  mode: RegistryMode,
  version: string,
  expected: string | null | undefined,
): PromotionRefusal | null {
  const challenger = view.versions.find((v) => v.version === version);
  if (challenger === undefined) return { code: 'version-missing', version };
  if (isSoleChampion(view, mode, version)) return null;
  if (challenger.status !== 'READY') return { code: 'not-ready', version, status: challenger.status };
  const current = champions(view, mode);
  const others = current.filter((champion) => champion !== version);
  if (expected !== undefined && others.some((champion) => champion !== expected))
    return { code: 'other-champion', champions: others, expected };
  if (typeof expected === 'string' && current.length === 0) return { code: 'no-champion', expected };
  return null;
}

/** The champion that a promotion to `version` archives; null if there is none that exists. */
export const championBefore = (
  view: RegistryView,
  mode: RegistryMode,
  version: string | null,
): string | null =>
  champions(view, mode).find(
    (other) => other !== version && view.versions.some((v) => v.version === other),
  ) ?? null;

const isPromotion = (record: PromotionRecord) => record.kind === 'promote' && record.to === record.holder;

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

/**
 * What the read after the write shows: `done`, `again` (only versions of this change are named: repeat the writes once), or
 * `contested` by another actor.
 */
export function afterMove(
  view: RegistryView,
  mode: RegistryMode,
  version: string,
  ours: readonly (string | null)[],
): 'done' | 'again' | 'contested' {
  if (isSoleChampion(view, mode, version)) return 'done';
  return champions(view, mode).every((champion) => ours.includes(champion)) ? 'again' : 'contested';
}
