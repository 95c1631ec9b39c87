import { MAX_ASKED_LENGTH } from '../limits.ts';
import { champions } from '../registry.ts';
import { clipped } from '../visible-text.ts';
import {
  ARTIFACT_TAG,
  asServed,
  bare,
  completed,
  isInStep,
  isOtherWorkload,
  isStored,
  type Opener,
  onServingWorkload,
  refreshed,
  releaseOf,
  releaseShown,
  stored,
  type Wanted,
  withoutWayBack,
} from './found.ts';
import { isKnown, type Look, registryShows, seen, shownBy, shows } from './look.ts';
import {
  type Change,
  isLeftBy,
  isSameRelease,
  type ModelItem,
  newestGood,
  type PastRelease,
  type Release,
  type StoredRelease,
  type Touched,
  touchedBy,
  union,
} from './release.ts';

/** Opening a change: decided from one look and the item, before anything is written. */

/** Why a change is not opened: another actor has changed something. Terminal. */
export type OpeningContest =
  /** No release is recorded, and the two sides do not agree on one. */
  | 'unrecorded'
  /** No release is recorded, and a promotion of the first version has no result. */
  | 'unfinished'
  /** The sides show something else than the live release. */
  | 'moved'
  /** A change is open, and the sides show something that it did not put there. */
  | 'foreign'
  /** Another operation has opened or closed a change since this one was requested. */
  | 'overtaken'
  /** A replacement by another artifact is in flight, so that it is not known what is served with the live version. */
  | 'in-flight'
  /** The live release came after the alarm that requested the rollback. */
  | 'after-alarm';

/** What opening a change comes to. */
export type Opening =
  /** The change is open already, or has been closed: the operation is repeated. */
  | { kind: 'own' }
  /** The sides show what was asked for, and nothing is opened. */
  | { kind: 'already'; version: string | null }
  | { kind: 'contested'; why: OpeningContest }
  /** No release to go back to is recorded, no version is champion, or another Workload served the default release. */
  | { kind: 'refused'; why: 'no-known-good' | 'no-champion' | 'other-workload' }
  | OpenedChange;

/** A change to be written (W2). */
export interface OpenedChange {
  readonly kind: 'open';
  /** Replaces the live release: found in service, refreshed or completed; null: it stays as it is. */
  readonly live: StoredRelease | null;
  readonly safe: Release;
  readonly aim: Release;
  readonly touched: Touched;
  /** The version that a rollback leaves. */
  readonly left: string | null;
  /** Releases that must be stored before the change names them. */
  readonly store: readonly StoredRelease[];
}

const contested = (why: OpeningContest): Opening => ({ kind: 'contested', why });

/** Another operation has opened or closed a change since this one was requested. */
function isOvertaken({ change, live }: ModelItem, { since }: Opener): boolean {
  const after = (at: string | undefined) => at !== undefined && Date.parse(at) > since.getTime();
  return after(change?.opened_at) || (live !== null && !live.change.startsWith('seen:') && after(live.at));
}

const isOwn = ({ change, live }: ModelItem, { id }: Opener) => change?.id === id || live?.change === id;

/**
 * Opens a promotion to `wanted`. `adopt` takes what both sides show as live where the model was moved by hand.
 * `unfinished`: MLflow's tags hold a promotion without a result, which counts only while no release is recorded.
 */
export function openPromotion(
  look: Look,
  item: ModelItem,
  wanted: Wanted,
  opener: Opener,
  { adopt, unfinished }: { adopt: boolean; unfinished: boolean },
): Opening {
  const { change, live } = item;
  if (isOwn(item, opener)) return { kind: 'own' };
  const aim = releaseOf(wanted, { change: opener.id, at: opener.now.toISOString() });
  const shown = shownBy(look, ARTIFACT_TAG);
  const isWanted = (half: Wanted) =>
    half.version === wanted.version && (look.serving === null || half.artifact_id === wanted.artifact_id);
  if (isInStep(look, item) && live !== null && isWanted(live))
    return { kind: 'already', version: live.version };
  if (isOvertaken(item, opener)) return contested('overtaken');
  const from = (found: Wanted): Opening => {
    const safe = releaseShown(found, look, opener);
    return open({ live: safe, safe, aim, touched: touchedBy(safe, aim), left: null });
  };
  if (live === null && change === null) {
    if (unfinished && !adopt) return contested('unfinished');
    if (shown === null) return contested('unrecorded');
    return isWanted(shown) && shows(look, shown) ? { kind: 'already', version: shown.version } : from(shown);
  }
  const moved = change === null ? !isInStep(look, item) : !isKnown(look, change);
  if (moved) {
    if (adopt && shown !== null && !isWanted(shown)) return from(shown);
    return contested(change === null ? 'moved' : 'foreign');
  }
  if (change !== null) {
    const stays = withoutWayBack(look, change);
    if (stays !== null && !isWanted(stays)) {
      const found = releaseShown(stays, look, opener);
      const touched = union(change.touched, touchedBy(found, aim));
      return open({ live: found, safe: found, aim, touched, left: null });
    }
    const safe = completed(change.safe, look);
    if (safe === null) return contested('in-flight');
    return open({ live: null, safe, aim, touched: union(change.touched, touchedBy(safe, aim)), left: null });
  }
  if (live === null) return contested('unrecorded');
  const safe = refreshed(live, look);
  if (safe === null) return contested('in-flight');
  const replaced = isStored(safe) ? safe : null;
  return open({ live: replaced, safe, aim, touched: touchedBy(live, safe, aim), left: null });
}

const open = (change: Omit<OpenedChange, 'kind' | 'store'>): OpenedChange => ({
  kind: 'open',
  ...change,
  store: stored(change.live, change.safe, change.aim),
});

/** A release to go back to, as found in the item, in the history, or from the version's tag. */
export interface RollbackTarget {
  readonly release: StoredRelease;
  /** True where the request names the version: it may then overrule what it sees. */
  readonly named: boolean;
}

/**
 * Which release a rollback without a target goes back to; null where none is recorded. A second request finds the release
 * that the first one went back to: never a second step back.
 */
export function defaultTarget(item: ModelItem): Release | PastRelease | null {
  const { change, live, history } = item;
  if (change !== null) return change.safe.version === null ? null : change.safe;
  const [last] = history;
  const cameByRollback = live !== null && last !== undefined && !last.good && isLeftBy(last, live.change);
  return cameByRollback ? live : newestGood(item);
}

/**
 * Opens a rollback. Without a target it goes to the safe release of the open change, else to the newest good release of
 * the history; then it is contested where a person has interfered. `alarmAt`: when the alarm fired that requested it.
 */
export function openRollback(
  look: Look,
  item: ModelItem,
  target: RollbackTarget | null,
  opener: Opener,
  alarmAt: Date | null,
): Opening {
  const { change, live } = item;
  if (isOwn(item, opener)) return { kind: 'own' };
  const inStep = isInStep(look, item);
  const named = target?.named === true;
  if (!named) {
    if (alarmAt !== null && change === null && live !== null && Date.parse(live.at) > alarmAt.getTime())
      return contested('after-alarm');
    if (isOvertaken(item, opener)) return contested('overtaken');
    if (live === null && change === null) {
      const none = champions(look.registry, look.mode).length === 0;
      return { kind: 'refused', why: none ? 'no-champion' : 'no-known-good' };
    }
    if (change === null && !inStep) return contested('moved');
    if (change !== null && !isKnown(look, change)) return contested('foreign');
  }
  if (target === null) return { kind: 'refused', why: 'no-known-good' };
  if (!named && isOtherWorkload(look, target.release)) return { kind: 'refused', why: 'other-workload' };
  const safe = completed(named ? onServingWorkload(target.release, look, opener) : target.release, look);
  if (safe === null) return contested('in-flight');
  const whole = live === null ? null : completed(live, look);
  // What the live version is served with is not known: by name alone may it be overruled.
  if (!named && live !== null && whole === null) return contested('in-flight');
  if (inStep && whole !== null && whole.version === safe.version && whole.artifact_id === safe.artifact_id)
    return { kind: 'already', version: safe.version };
  const touched = union(
    touchedBy(safe, live, whole),
    ...(change === null ? [] : [change.touched]),
    ...(named ? [seen(look)] : []),
  );
  const fresh = inStep && live !== null ? refreshed(live, look) : null;
  const replaced = isStored(fresh) ? fresh : null;
  return open({ live: replaced, safe, aim: safe, touched, left: leftBy(item, look, safe) });
}

/** The version that a rollback leaves: the live one, else the one that was being promoted, else the champion. */
function leftBy({ live, change }: ModelItem, look: Look, { version }: Release): string | null {
  const candidates = [live?.version ?? null, change?.to ?? null, ...seen(look).versions];
  return candidates.find((candidate) => candidate !== null && candidate !== version) ?? null;
}

/** Why a promotion in the registry alone is not opened. */
export type DirectRefusal = { kind: 'refused'; why: 'change-open' | 'moved' };

/**
 * Opens a promotion by `promote-model` itself, which knows the registry only: the Workload is to go on serving what it
 * serves. Where no release is recorded, the change is opened from the registry alone.
 */
export function openInRegistry(
  look: Look,
  item: ModelItem,
  version: string,
  opener: Opener,
): Exclude<Opening, { kind: 'refused' }> | DirectRefusal {
  const { change, live } = item;
  if (isOwn(item, opener)) return { kind: 'own' };
  if (change !== null) return { kind: 'refused', why: 'change-open' };
  const from = live ?? shownBy({ ...look, serving: null }, ARTIFACT_TAG);
  if (from === null) return { kind: 'refused', why: 'moved' };
  const shown = registryShows(look, from);
  // Where nothing is recorded, a pointer that is not set yet does not disagree.
  if (!shown && live !== null) return { kind: 'refused', why: 'moved' };
  if (shown && from.version === version) return { kind: 'already', version };
  const { workload_id, artifact_id } = from;
  const aim = releaseOf(
    { version, workload_id, artifact_id },
    { change: opener.id, at: opener.now.toISOString() },
    live === null ? {} : { draft: live.draft, importance: live.importance },
  );
  const safe = live ?? releaseShown(from, { ...look, serving: null }, opener);
  return open({
    live: live === null && isStored(safe) ? safe : null,
    safe,
    aim,
    touched: touchedBy(safe, aim),
    left: null,
  });
}

/** What adopting by hand comes to. */
export type Adoption =
  | { kind: 'own' }
  | { kind: 'already'; version: string | null }
  | { kind: 'adopt'; live: StoredRelease }
  | { kind: 'contested'; why: 'unrecorded' };

/** Takes what both sides show as live, by hand, also over an open change (W8). Everything must agree, and nothing else be in flight. */
export function adoption(look: Look, item: ModelItem, opener: Opener, by: string): Adoption {
  if (item.live?.change === opener.id) return { kind: 'own' };
  const shown = shownBy(look, ARTIFACT_TAG);
  if (shown === null || shown.version === null || !shows(look, shown))
    return { kind: 'contested', why: 'unrecorded' };
  if (item.change === null && item.live !== null && isSameRelease(item.live, shown))
    return { kind: 'already', version: shown.version };
  const from = { change: opener.id, at: opener.now.toISOString(), adopted_by: short(by) };
  return { kind: 'adopt', live: asServed(shown, look, from) };
}

/** The change that an opening writes. */
export function changeOf(
  opened: OpenedChange,
  { id, now }: Opener,
  request: { kind: Change['kind']; to: string | null; asked: Change['asked']; nextAt: Date },
): Change {
  const { asked } = request;
  return {
    id,
    kind: request.kind,
    to: request.to,
    safe: bare(opened.safe),
    aim: bare(opened.aim),
    touched: opened.touched,
    left: opened.left,
    opened_at: now.toISOString(),
    turned_at: null,
    attempts: 0,
    next_at: request.nextAt.toISOString(),
    asked: { ...asked, by: short(asked.by), reason: short(asked.reason), alarm: short(asked.alarm) },
  };
}

/** For the item, which every step writes whole. */
const short = (text: string | null) => (text === null ? null : clipped(text, MAX_ASKED_LENGTH));
