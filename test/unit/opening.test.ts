import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import { bare, isInStep, type Opener } from '../../lambdas/domain/release/found.ts';
import { isKnown, type Look, shows } from '../../lambdas/domain/release/look.ts';
import {
  type Adoption,
  adoption,
  changeOf,
  type DirectRefusal,
  defaultTarget,
  type OpenedChange,
  type Opening,
  openInRegistry,
  openPromotion,
  openRollback,
} from '../../lambdas/domain/release/opening.ts';
import {
  type Change,
  type ModelItem,
  type PastRelease,
  type Release,
  releaseKey,
  type StoredRelease,
  touchedBy,
} from '../../lambdas/domain/release/release.ts';
import {
  arn,
  change,
  EARLIER,
  inFlight,
  itemWith,
  look,
  opener,
  past,
  registry,
  release,
  scaledTo,
  serving,
} from '../support/releases.ts';
import { at, NOON } from '../support/serving.ts';

/** The table "Opening" of the design: version 2 with artifact a2 is live, 3 is to be promoted, 5 is a named target. */

const one = release('1', 'a1');
const two = release('2', 'a2');
const draftOfTwo = release('2', 'a2', { draft: true });
const three = release('3', 'a3');
const five = release('5', 'a5');
const nothing = release(null, 'a2');
/** Version 3, to be served by the Workload that is looked at. */
const wantedIn = ({ serving: of }: Look) =>
  of === null
    ? { version: '3', workload_id: null, artifact_id: null }
    : { version: '3', workload_id: of.workload_id, artifact_id: 'a3' };
const RUN = arn('run-1');
/** The change of an earlier execution. */
const earlier = (safe: StoredRelease, aim: StoredRelease, more: Partial<Change> = {}) =>
  change(safe, aim, { id: arn('run-0'), ...more });

const promote = (of: Look, item: ModelItem, flags = { adopt: false, unfinished: false }, by = opener()) =>
  openPromotion(of, item, wantedIn(of), by, flags);
/** Where an alarm requests it: when that was. */
const rollback = (of: Look, item: ModelItem, by = opener(), alarmAt: Date | null = null) => {
  const target = defaultTarget(item);
  const whole = target === null ? null : asStored(target);
  return openRollback(of, item, whole === null ? null : { release: whole, named: false }, by, alarmAt);
};
/** A release that the item names, as it was stored. */
const asStored = ({ version, workload_id, artifact_id }: Release | PastRelease) =>
  release(version, artifact_id, artifact_id === null ? {} : { workload_id });
const rollbackTo = (target: StoredRelease, of: Look, item: ModelItem, by = opener()) =>
  openRollback(of, item, { release: target, named: true }, by, null);

const pair = ({ version, artifact_id }: Pick<StoredRelease, 'version' | 'artifact_id'>) =>
  `${version ?? 'none'}+${artifact_id ?? 'none'}`;

/** In short: `safe → aim`, what becomes live before, and what a rollback leaves. */
function short(found: Opening | DirectRefusal | Adoption): string {
  switch (found.kind) {
    case 'own':
      return 'own';
    case 'already':
      return `already ${found.version}`;
    case 'contested':
    case 'refused':
      return `${found.kind}: ${found.why}`;
    case 'adopt':
      return `live ${pair(found.live)}`;
    case 'open': {
      const live = found.live === null ? '' : `live ${pair(found.live)}, `;
      const left = found.left === null ? '' : `, leaves ${found.left}`;
      return `${live}${pair(found.safe)} → ${pair(found.aim)}${left}`;
    }
  }
}

function opened(found: Opening | DirectRefusal): OpenedChange {
  if (found.kind !== 'open') throw new Error(`not opened: ${short(found)}`);
  return found;
}

interface Row {
  of: Look;
  item: ModelItem;
  promote: string;
  /** `promote` with `adopt: true`. */
  adopting: string;
  rollback: string;
  /** A rollback to version 5. */
  toFive: string;
  /** `promote-model` by itself, which knows the registry only. */
  direct: string;
  /** `promotion adopt`. */
  adopt: string;
}

const history = [past('1', 'a1')];
const inStepOn = (live: StoredRelease) => itemWith({ live, history });
const halfWay = earlier(two, three);

const table: Record<string, Row> = {
  'nothing recorded, both sides show 2': {
    of: look('2', 'a2'),
    item: itemWith(),
    promote: 'live 2+a2, 2+a2 → 3+a3',
    adopting: 'live 2+a2, 2+a2 → 3+a3',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'live 2+none, 2+none → 3+none',
    adopt: 'live 2+a2',
  },
  'nothing recorded, the champion without a tag: what is served is its artifact': {
    of: { ...look('2', 'a9'), registry: registry(['2'], { 2: '' }) },
    item: itemWith(),
    promote: 'live 2+a9, 2+a9 → 3+a3',
    adopting: 'live 2+a9, 2+a9 → 3+a3',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'live 2+none, 2+none → 3+none',
    adopt: 'live 2+a9',
  },
  'nothing recorded, both sides show 3': {
    of: look('3', 'a3'),
    item: itemWith(),
    promote: 'already 3',
    adopting: 'already 3',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 3',
    direct: 'already 3',
    adopt: 'live 3+a3',
  },
  'nothing recorded, another artifact served than the champion names': {
    of: look('2', 'a9'),
    item: itemWith(),
    promote: 'contested: unrecorded',
    adopting: 'contested: unrecorded',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'live 2+none, 2+none → 3+none',
    adopt: 'contested: unrecorded',
  },
  'nothing recorded, a replacement by another artifact in flight': {
    of: look('2', serving('a2', { in_flight: inFlight('a9') })),
    item: itemWith(),
    promote: 'contested: unrecorded',
    adopting: 'contested: unrecorded',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'live 2+none, 2+none → 3+none',
    adopt: 'contested: unrecorded',
  },
  'nothing recorded, two versions in Production': {
    of: look(['2', '4'], 'a2'),
    item: itemWith(),
    promote: 'contested: unrecorded',
    adopting: 'contested: unrecorded',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 4',
    direct: 'refused: moved',
    adopt: 'contested: unrecorded',
  },
  'nothing recorded, no champion': {
    of: look(null, 'a2'),
    item: itemWith(),
    promote: 'live none+a2, none+a2 → 3+a3',
    adopting: 'live none+a2, none+a2 → 3+a3',
    rollback: 'refused: no-champion',
    toFive: '5+a5 → 5+a5',
    direct: 'live none+none, none+none → 3+none',
    adopt: 'contested: unrecorded',
  },
  'nothing recorded, mode both, and the alias has never been set': {
    of: look('2', 'a2', 'both'),
    item: itemWith(),
    promote: 'live 2+a2, 2+a2 → 3+a3',
    adopting: 'live 2+a2, 2+a2 → 3+a3',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'live 2+none, 2+none → 3+none',
    adopt: 'contested: unrecorded',
  },
  'nothing recorded, mode both, and the alias names another version': {
    of: { ...look('2', 'a2', 'both'), registry: registry(['2'], {}, { champion: '4' }) },
    item: itemWith(),
    promote: 'contested: unrecorded',
    adopting: 'contested: unrecorded',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 4',
    direct: 'refused: moved',
    adopt: 'contested: unrecorded',
  },
  'in step on 2': {
    of: look('2', 'a2'),
    item: inStepOn(two),
    promote: 'live 2+a2, 2+a2 → 3+a3',
    adopting: 'live 2+a2, 2+a2 → 3+a3',
    rollback: 'live 2+a2, 1+a1 → 1+a1, leaves 2',
    toFive: 'live 2+a2, 5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'already 2',
  },
  'in step on 2, with nothing good in the history': {
    of: look('2', 'a2'),
    item: itemWith({ live: two, history: [past('3', 'a3', { good: false, left_by: 'run-a' })] }),
    promote: 'live 2+a2, 2+a2 → 3+a3',
    adopting: 'live 2+a2, 2+a2 → 3+a3',
    rollback: 'refused: no-known-good',
    toFive: 'live 2+a2, 5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'already 2',
  },
  'in step on 2, since a rollback left 3': {
    of: look('2', 'a2'),
    item: itemWith({ live: two, history: [past('3', 'a3', { good: false }), past('2', 'a2'), ...history] }),
    promote: 'live 2+a2, 2+a2 → 3+a3',
    adopting: 'live 2+a2, 2+a2 → 3+a3',
    rollback: 'already 2',
    toFive: 'live 2+a2, 5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'already 2',
  },
  'moved since a rollback left 3': {
    of: look('3', 'a3'),
    item: itemWith({ live: two, history: [past('3', 'a3', { good: false }), ...history] }),
    promote: 'contested: moved',
    adopting: 'contested: moved',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: moved',
    adopt: 'live 3+a3',
  },
  'in step on 3': {
    of: look('3', 'a3'),
    item: inStepOn(three),
    promote: 'already 3',
    adopting: 'already 3',
    rollback: 'live 3+a3, 1+a1 → 1+a1, leaves 3',
    toFive: 'live 3+a3, 5+a5 → 5+a5, leaves 3',
    direct: 'already 3',
    adopt: 'already 3',
  },
  'in step on 5': {
    of: look('5', 'a5'),
    item: inStepOn(five),
    promote: 'live 5+a5, 5+a5 → 3+a3',
    adopting: 'live 5+a5, 5+a5 → 3+a3',
    rollback: 'live 5+a5, 1+a1 → 1+a1, leaves 5',
    toFive: 'already 5',
    direct: '5+a5 → 3+a5',
    adopt: 'already 5',
  },
  'in step on 2, mode aliases': {
    of: { ...look(null, 'a2', 'aliases'), registry: registry([], {}, { champion: '2' }) },
    item: inStepOn(two),
    promote: 'live 2+a2, 2+a2 → 3+a3',
    adopting: 'live 2+a2, 2+a2 → 3+a3',
    rollback: 'live 2+a2, 1+a1 → 1+a1, leaves 2',
    toFive: 'live 2+a2, 5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'already 2',
  },
  'in step on 2, which no Workload serves': {
    of: look('2'),
    item: inStepOn(release('2')),
    promote: '2+none → 3+none',
    adopting: '2+none → 3+none',
    rollback: '1+a1 → 1+a1, leaves 2',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: '2+none → 3+none',
    adopt: 'already 2',
  },
  'in step on 2, by another Workload than served the releases before': {
    of: look('2', serving('a2', { workload_id: 'w2' })),
    item: inStepOn(release('2', 'a2', { workload_id: 'w2' })),
    promote: 'live 2+a2, 2+a2 → 3+a3',
    adopting: 'live 2+a2, 2+a2 → 3+a3',
    rollback: 'refused: other-workload',
    toFive: 'live 2+a2, 5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'already 2',
  },
  'moved, mode both: the alias only': {
    of: { ...look('2', 'a2', 'both'), registry: registry(['2'], {}, { champion: '4' }) },
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'contested: moved',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: moved',
    adopt: 'contested: unrecorded',
  },
  'moved: a person has put 4 on both sides': {
    of: look('4', 'a4'),
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'live 4+a4, 4+a4 → 3+a3',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: moved',
    adopt: 'live 4+a4',
  },
  'moved: a person has put 3, which is to be promoted, on both sides': {
    of: look('3', 'a3'),
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'contested: moved',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: moved',
    adopt: 'live 3+a3',
  },
  'moved: the registry only': {
    of: look('4', 'a2'),
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'contested: moved',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: moved',
    adopt: 'contested: unrecorded',
  },
  'moved: a second version beside the live one': {
    of: look(['2', '4'], 'a2'),
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'contested: moved',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: moved',
    adopt: 'contested: unrecorded',
  },
  'moved: the Workload only': {
    of: look('2', 'a9'),
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'contested: moved',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'contested: unrecorded',
  },
  'moved: a replacement is in flight': {
    of: look('2', serving('a2', { in_flight: inFlight('a9') })),
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'contested: moved',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'contested: unrecorded',
  },
  'moved: an active proton has another artifact': {
    of: look('2', serving('a2', { active: ['a2', 'a9'] })),
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'contested: moved',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'contested: unrecorded',
  },
  'moved: another Workload serves the model': {
    of: look('2', serving('a2', { workload_id: 'w2' })),
    item: inStepOn(two),
    promote: 'contested: moved',
    adopting: 'live 2+a2, 2+a2 → 3+a3',
    rollback: 'contested: moved',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: '2+a2 → 3+a2',
    adopt: 'live 2+a2',
  },
  'open from 2 to 3, half way': {
    of: look('2', 'a3'),
    item: itemWith({ live: two, change: halfWay, history }),
    promote: '2+a2 → 3+a3',
    adopting: '2+a2 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 3',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'contested: unrecorded',
  },
  'open from 2 to 3, both sides there and not closed': {
    of: look('3', 'a3'),
    item: itemWith({ live: two, change: halfWay, history }),
    promote: '2+a2 → 3+a3',
    adopting: '2+a2 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 3',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'live 3+a3',
  },
  'open from 2 to 4, turned back, its rollout in flight': {
    of: look('2', serving('a2', { in_flight: inFlight('a4') })),
    item: itemWith({
      live: two,
      change: { ...earlier(two, release('4', 'a4')), aim: bare(two), turned_at: NOON.toISOString() },
      history,
    }),
    promote: '2+a2 → 3+a3',
    adopting: '2+a2 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 4',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'contested: unrecorded',
  },
  'open, the first champion': {
    of: look('3', 'a2'),
    item: itemWith({ live: nothing, change: earlier(nothing, three) }),
    promote: 'none+a2 → 3+a3',
    adopting: 'none+a2 → 3+a3',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 3',
    direct: 'refused: change-open',
    adopt: 'contested: unrecorded',
  },
  // It stays: what both sides show of it may be locked, which bars the way back to a draft.
  'open, the first champion, on both sides': {
    of: look('4', 'a4'),
    item: itemWith({ live: nothing, change: earlier(nothing, release('4', 'a4')) }),
    promote: 'live 4+a4, 4+a4 → 3+a3',
    adopting: 'live 4+a4, 4+a4 → 3+a3',
    rollback: 'refused: no-known-good',
    toFive: '5+a5 → 5+a5, leaves 4',
    direct: 'refused: change-open',
    adopt: 'live 4+a4',
  },
  // 3 is locked in place, which bars the way back to the draft of 2.
  'open from a draft of 2 to 3, locked on both sides and not closed': {
    of: look('3', 'a3'),
    item: itemWith({ live: draftOfTwo, change: earlier(draftOfTwo, three), history }),
    promote: '2+a2 → 3+a3',
    adopting: '2+a2 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 3',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'live 3+a3',
  },
  'open from a draft of 2 to 4, locked on both sides and not closed': {
    of: look('4', 'a4'),
    item: itemWith({ live: draftOfTwo, change: earlier(draftOfTwo, release('4', 'a4')), history }),
    promote: 'live 4+a4, 4+a4 → 3+a3',
    adopting: 'live 4+a4, 4+a4 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 4',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'live 4+a4',
  },
  'open from a draft of 2 to 4, turned back before its lock landed': {
    of: look('4', 'a4'),
    item: itemWith({
      live: draftOfTwo,
      change: {
        ...earlier(draftOfTwo, release('4', 'a4')),
        aim: bare(draftOfTwo),
        turned_at: NOON.toISOString(),
      },
      history,
    }),
    promote: 'live 4+a4, 4+a4 → 3+a3',
    adopting: 'live 4+a4, 4+a4 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 4',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'live 4+a4',
  },
  'open from a draft of 2 to 4, both sides there, still a draft': {
    of: look('4', serving('a4', { artifact_status: 'draft' })),
    item: itemWith({ live: draftOfTwo, change: earlier(draftOfTwo, release('4', 'a4')), history }),
    promote: '2+a2 → 3+a3',
    adopting: '2+a2 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 4',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'live 4+a4',
  },
  // Version 2 was never served by the artifact of 4.
  'open from a draft of 2 to 4, locked before the registry has moved': {
    of: { ...look('2', 'a4'), registry: registry(['2'], { 2: '' }) },
    item: itemWith({ live: draftOfTwo, change: earlier(draftOfTwo, release('4', 'a4')), history }),
    promote: '2+a2 → 3+a3',
    adopting: '2+a2 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 4',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'live 2+a4',
  },
  'open, a rollback from 4 to a draft of 2, with 4 locked meanwhile': {
    of: look('4', 'a4'),
    item: itemWith({
      live: release('4', 'a4'),
      change: earlier(draftOfTwo, draftOfTwo, {
        kind: 'rollback',
        left: '4',
        touched: touchedBy(draftOfTwo, release('4', 'a4')),
      }),
      history,
    }),
    promote: '2+a2 → 3+a3',
    adopting: '2+a2 → 3+a3',
    rollback: '2+a2 → 2+a2, leaves 4',
    toFive: '5+a5 → 5+a5, leaves 4',
    direct: 'refused: change-open',
    adopt: 'live 4+a4',
  },
  'open, a rollback from 2 to 1': {
    of: look('2', 'a1'),
    item: itemWith({
      live: two,
      change: earlier(one, one, { kind: 'rollback', left: '2', touched: touchedBy(one, two) }),
      history,
    }),
    promote: '1+a1 → 3+a3',
    adopting: '1+a1 → 3+a3',
    rollback: '1+a1 → 1+a1, leaves 2',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'contested: unrecorded',
  },
  'open, foreign: a person has put 4 on both sides': {
    of: look('4', 'a4'),
    item: itemWith({ live: two, change: halfWay, history }),
    promote: 'contested: foreign',
    adopting: 'live 4+a4, 4+a4 → 3+a3',
    rollback: 'contested: foreign',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'live 4+a4',
  },
  'open, foreign: in the registry only': {
    of: look('4', 'a2'),
    item: itemWith({ live: two, change: halfWay, history }),
    promote: 'contested: foreign',
    adopting: 'contested: foreign',
    rollback: 'contested: foreign',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'contested: unrecorded',
  },
  'open, foreign: a replacement by another artifact in flight': {
    of: look('2', serving('a2', { in_flight: inFlight('a9') })),
    item: itemWith({ live: two, change: halfWay, history }),
    promote: 'contested: foreign',
    adopting: 'contested: foreign',
    rollback: 'contested: foreign',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'contested: unrecorded',
  },
  'open, foreign: the champion is gone': {
    of: look(null, 'a2'),
    item: itemWith({ live: two, change: halfWay, history }),
    promote: 'contested: foreign',
    adopting: 'live none+a2, none+a2 → 3+a3',
    rollback: 'contested: foreign',
    toFive: '5+a5 → 5+a5, leaves 2',
    direct: 'refused: change-open',
    adopt: 'contested: unrecorded',
  },
};

describe.each(Object.entries(table))('%s', (_, { of, item, ...expected }) => {
  const found: Record<keyof typeof expected, () => Opening | DirectRefusal | Adoption> = {
    promote: () => promote(of, item),
    adopting: () => promote(of, item, { adopt: true, unfinished: false }),
    rollback: () => rollback(of, item),
    toFive: () => rollbackTo(five, of, item),
    direct: () => openInRegistry(of, item, '3', opener()),
    adopt: () => adoption(of, item, opener(), 'Ada'),
  };
  it.each(Object.entries(expected))('%s: %s', (request, comes) => {
    expect(short(found[request as keyof typeof expected]())).toBe(comes);
  });
});

describe('an execution that asks again', () => {
  const own = itemWith({ live: two, change: change(two, three), history });
  const done = itemWith({ live: { ...three, change: RUN, at: at(60).toISOString() }, history });

  it.each([
    ['its change is open', look('2', 'a3'), own],
    ['its change is open, and a person has moved the registry', look('4', 'a3'), own],
    ['its change has been closed', look('3', 'a3'), done],
    ['its change has been closed, and the model has moved since', look('4', 'a3'), done],
  ])('goes on with its own change: %s', (_, of, item) => {
    expect(short(promote(of, item))).toBe('own');
    expect(short(rollback(of, item))).toBe('own');
    expect(short(rollbackTo(five, of, item))).toBe('own');
    expect(short(openInRegistry(of, item, '3', opener()))).toBe('own');
  });

  it('has adopted once only', () => {
    const { live } = { live: { ...two, change: RUN } };
    expect(short(adoption(look('4', 'a4'), itemWith({ live }), opener(), 'Ada'))).toBe('own');
    expect(short(adoption(look('4', 'a4'), own, opener(), 'Ada'))).toBe('live 4+a4');
  });
});

describe('what another has opened or closed since the execution asked', () => {
  const before = opener('run-1', at(-3600), NOON);
  const since = at(-60).toISOString();
  const overtaken: [string, Look, ModelItem][] = [
    [
      'opened',
      look('2', 'a3'),
      itemWith({ live: two, history, change: earlier(two, three, { opened_at: since }) }),
    ],
    ['closed', look('2', 'a2'), itemWith({ live: { ...two, at: since }, history })],
    ['adopted', look('2', 'a2'), itemWith({ live: { ...two, at: since, adopted_by: 'Ada' }, history })],
  ];

  it.each(overtaken)('is contested by a promotion and a rollback without a target: %s', (_, of, item) => {
    expect(short(promote(of, item, undefined, before))).toBe('contested: overtaken');
    expect(short(promote(of, item, { adopt: true, unfinished: false }, before))).toBe('contested: overtaken');
    expect(short(rollback(of, item, before))).toBe('contested: overtaken');
  });

  it.each(overtaken)('does not stop a rollback to a named target: %s', (_, of, item) => {
    expect(opened(rollbackTo(five, of, item, before)).aim.version).toBe('5');
  });

  it('is none where a promotion only noted what it found in service', () => {
    const seen = itemWith({ live: { ...two, at: since, change: `seen:${arn('run-0')}` }, history });
    expect(short(promote(look('2', 'a2'), seen, undefined, before))).toBe('live 2+a2, 2+a2 → 3+a3');
  });

  it('does not hide that what was asked for is live already', () => {
    const there = itemWith({ live: { ...three, at: since }, history });
    expect(short(promote(look('3', 'a3'), there, undefined, before))).toBe('already 3');
  });
});

describe('a promotion of the first version of this system without a result', () => {
  const unfinished = { adopt: false, unfinished: true };

  it('is contested while nothing is recorded, whatever both sides show', () => {
    expect(short(promote(look('2', 'a2'), itemWith(), unfinished))).toBe('contested: unfinished');
    expect(short(promote(look('3', 'a3'), itemWith(), unfinished))).toBe('contested: unfinished');
  });

  it('is overruled by adopting what both sides show', () => {
    expect(short(promote(look('2', 'a2'), itemWith(), { adopt: true, unfinished: true }))).toBe(
      'live 2+a2, 2+a2 → 3+a3',
    );
    expect(short(promote(look('2', 'a9'), itemWith(), { adopt: true, unfinished: true }))).toBe(
      'contested: unrecorded',
    );
  });

  it('says nothing once a release is recorded', () => {
    expect(short(promote(look('2', 'a2'), inStepOn(two), unfinished))).toBe('live 2+a2, 2+a2 → 3+a3');
  });
});

describe('an alarm', () => {
  const live = (since: Date) => inStepOn({ ...two, at: since.toISOString() });
  const alarmed = (item: ModelItem) => short(rollback(look('2', 'a2'), item, opener(), at(-600)));

  it('cannot be about a release that came after it', () => {
    expect(alarmed(live(at(-599)))).toBe('contested: after-alarm');
    expect(alarmed(live(at(-601)))).toBe('live 2+a2, 1+a1 → 1+a1, leaves 2');
  });

  it('may be about a change that is open', () => {
    const item = itemWith({ live: { ...two, at: at(-60).toISOString() }, history, change: halfWay });
    expect(short(rollback(look('2', 'a3'), item, opener(), at(-600)))).not.toContain('after-alarm');
  });
});

describe('a release that is opened with', () => {
  const scaled = serving('a2', { runtime: scaledTo(5), importance: 'critical', artifact_status: 'Draft' });

  it('in step has the settings that the Workload has now, and stays the release that it was', () => {
    const live = { ...two, importance: 'low', adopted_by: 'Ada' };
    const found = opened(promote(look('2', scaled), inStepOn(live)));
    expect(found.live).toMatchObject({ runtime: scaledTo(5), importance: 'critical', draft: true });
    expect(found.live).toMatchObject({ change: live.change, at: live.at, adopted_by: 'Ada' });
    expect(found.safe).toEqual(found.live);
    expect(found.live?.key).not.toBe(two.key);
  });

  it('found in service is noted as seen, not as closed by the change', () => {
    const { live } = opened(promote(look('2', scaled), itemWith()));
    expect(live).toMatchObject({ change: `seen:${RUN}`, at: NOON.toISOString(), runtime: scaledTo(5) });
  });

  it('to promote has no runtime, importance or lock of its own: the platform keeps what it has', () => {
    const { aim } = opened(promote(look('2', scaled), inStepOn(two)));
    expect(aim).toMatchObject({ runtime: null, importance: null, draft: false, change: RUN });
  });

  it('directly keeps what the live one serves', () => {
    const { aim } = opened(openInRegistry(look('2'), inStepOn({ ...two, draft: true }), '3', opener()));
    expect(aim).toMatchObject({ version: '3', artifact_id: 'a2', workload_id: 'w1', draft: true });
  });

  it.each<[string, OpenedChange]>([
    ['a promotion', opened(promote(look('2', scaled), inStepOn(two)))],
    ['the first promotion', opened(promote(look('2', scaled), itemWith()))],
    ['a rollback', opened(rollback(look('2', scaled), inStepOn(two)))],
    ['a rollback to a named target', opened(rollbackTo(five, look('4', 'a4'), inStepOn(two)))],
    [
      'a promotion by adoption',
      opened(promote(look('4', 'a4'), inStepOn(two), { adopt: true, unfinished: false })),
    ],
  ])('is stored once, before the change names it: %s', (_, { store, live, safe, aim }) => {
    const keys = store.map(({ key }) => key);
    for (const each of [live, safe, aim]) if (each !== null) expect(keys).toContain(each.key);
    expect(keys).toEqual([...new Set(keys)]);
  });

  it('is stored already where the change that is taken over named it', () => {
    const { store, safe } = opened(promote(look('2', 'a3'), itemWith({ live: two, change: halfWay })));
    expect(safe).toEqual(halfWay.safe);
    expect(store.map(({ version }) => version)).toEqual(['3']);
  });
});

it('keeps of who asked, and why, what fits the item', () => {
  const text = `${'x'.repeat(198)}🚀 and more`;
  const found = opened(promote(look('2', 'a2'), inStepOn(two)));
  const asked = { by: text, reason: text, alarm: null, evidence_digest: 'd', confidence: 0.5 };
  const request = { kind: 'promote', to: '3', asked, nextAt: at(300) } as const;
  expect(changeOf(found, opener(), request).asked).toEqual({
    ...asked,
    by: `${'x'.repeat(198)}…`,
    reason: `${'x'.repeat(198)}…`,
  });
  const adopted = adoption(look('4', 'a4'), inStepOn(two), opener(), text);
  expect(adopted).toMatchObject({ live: { adopted_by: `${'x'.repeat(198)}…` } });
});

describe('a release without a serving half', () => {
  const half = release('2', null, { change: arn('direct'), at: EARLIER });

  it('is completed with what is served, and keeps the change that it closed', () => {
    const found = opened(promote(look('2', 'a2'), inStepOn(half)));
    expect(short(found)).toBe('live 2+a2, 2+a2 → 3+a3');
    expect(found.live).toMatchObject({ change: arn('direct'), at: EARLIER, workload_id: 'w1' });
    const change_ = earlier(half, release('4', null));
    expect(short(promote(look('4', 'a2'), itemWith({ live: half, change: change_ })))).toBe('2+a2 → 3+a3');
    expect(short(rollback(look('4', 'a2'), itemWith({ live: half, change: change_ })))).toBe(
      '2+a2 → 2+a2, leaves 4',
    );
    expect(short(rollbackTo(release('5'), look('2', 'a2'), inStepOn(half)))).toBe(
      'live 2+a2, 5+a2 → 5+a2, leaves 2',
    );
  });

  it('is not completed while another artifact is in flight', () => {
    const of = look('2', serving('a2', { in_flight: inFlight('a9') }));
    const change_ = earlier(half, release('4', null));
    expect(short(promote(of, inStepOn(half)))).toBe('contested: in-flight');
    expect(short(promote(of, itemWith({ live: half, change: change_ })))).toBe('contested: in-flight');
    expect(short(rollback(of, inStepOn(half)))).toBe('contested: in-flight');
    expect(short(rollbackTo(release('5'), of, inStepOn(half)))).toBe('contested: in-flight');
    expect(short(rollbackTo(five, of, inStepOn(half)))).toBe('5+a5 → 5+a5, leaves 2');
  });

  it('is not completed while an active proton has another artifact', () => {
    const of = look('2', serving('a2', { active: ['a2', 'a9'] }));
    expect(short(promote(of, inStepOn(half)))).toBe('contested: in-flight');
  });

  it('is complete while only the settings of what is served change', () => {
    const of = look('2', serving('a2', { in_flight: inFlight('a2') }));
    expect(short(promote(of, inStepOn(half)))).toBe('live 2+a2, 2+a2 → 3+a3');
  });
});

describe('a rollback to a named target that another Workload served', () => {
  it('is opened for the Workload that serves the model now, with what it runs', () => {
    const of = look('2', serving('a2', { workload_id: 'w2' }));
    const whole = { ...five, runtime: scaledTo(7), importance: 'high' };
    const { aim, safe } = opened(rollbackTo(whole, of, inStepOn(two)));
    expect(aim).toMatchObject({ version: '5', workload_id: 'w2', artifact_id: 'a5', runtime: null });
    expect(safe).toEqual(aim);
  });
});

describe('what a change has touched', () => {
  it('is what may show because of it: live, safe and every aim so far', () => {
    const first = opened(promote(look('2', 'a2'), inStepOn(two)));
    expect(first.touched).toEqual({ versions: ['2', '3'], artifacts: ['a2', 'a3'] });
    const item = itemWith({ live: two, change: earlier(two, release('4', 'a4')) });
    expect(opened(promote(look('2', 'a4'), item)).touched).toEqual({
      versions: ['2', '4', '3'],
      artifacts: ['a2', 'a4', 'a3'],
    });
    expect(opened(rollback(look('2', 'a4'), item)).touched).toEqual({
      versions: ['2', '4'],
      artifacts: ['a2', 'a4'],
    });
  });

  it('is all that was seen, too, for a rollback to a named target: it may overrule it', () => {
    const of = look(['3', '4'], serving('a9', { in_flight: inFlight('a8') }));
    expect(opened(rollbackTo(five, of, inStepOn(two))).touched).toEqual({
      versions: ['5', '2', '4', '3'],
      artifacts: ['a5', 'a2', 'a9', 'a8'],
    });
  });

  it('is no artifact for a release without a serving half', () => {
    expect(opened(openInRegistry(look('2'), itemWith(), '3', opener())).touched).toEqual({
      versions: ['2', '3'],
      artifacts: [],
    });
  });
});

describe('whatever is shown and recorded', () => {
  const versions = fc.constantFrom('1', '2', '3', '4');
  const artifacts = fc.constantFrom('a1', 'a2', 'a3', 'a4');
  const workloads = fc.constantFrom('w1', 'w1', 'w1', 'w2');
  const releases = fc
    .record({
      version: fc.option(versions, { nil: null, freq: 8 }),
      artifact: fc.option(artifacts, { nil: null, freq: 8 }),
      workload_id: workloads,
      draft: fc.boolean(),
      runtime: fc.constantFrom(null, scaledTo(2)),
    })
    .map(({ version, artifact, workload_id, ...more }) =>
      release(version, artifact, artifact === null ? more : { workload_id, ...more }),
    );
  const looks = fc
    .record({
      production: fc.uniqueArray(versions, { maxLength: 2 }),
      alias: fc.option(versions, { nil: null }),
      mode: fc.constantFrom<RegistryMode>('stages', 'stages', 'aliases', 'both'),
      tags: fc.constantFrom<Record<string, string>>({}, { 2: '' }, { 2: 'a9' }),
      served: fc.option(
        fc.record({
          workload_id: workloads,
          artifact_id: fc.option(artifacts, { nil: null, freq: 8 }),
          other: fc.option(artifacts, { nil: null, freq: 4 }),
          flying: fc.option(artifacts, { nil: null, freq: 2 }),
          switched: fc.boolean(),
        }),
        { nil: null, freq: 6 },
      ),
    })
    .map(
      ({ production, alias, mode, tags, served }): Look => ({
        registry: registry(production, tags, alias === null ? {} : { champion: alias }),
        mode,
        serving:
          served === null
            ? null
            : serving(served.artifact_id, {
                workload_id: served.workload_id,
                runtime: scaledTo(3),
                active: [served.artifact_id, ...(served.other === null ? [] : [served.other])],
                in_flight:
                  served.flying === null ? null : inFlight(served.flying, { switched: served.switched }),
              }),
      }),
    );
  /** All releases of a change are served by one Workload; the aim has a serving half where `safe` has one. */
  const changes = fc
    .record({
      safe: releases,
      aim: releases,
      more: fc.array(releases, { maxLength: 2 }),
      workload_id: workloads,
      turned: fc.boolean(),
    })
    .map(({ safe, aim, more, workload_id, turned }) => {
      const on = ({ version, artifact_id, draft }: StoredRelease) =>
        release(version, artifact_id, artifact_id === null ? {} : { workload_id, draft });
      const from = aim.artifact_id === null ? release(safe.version) : on(safe);
      return {
        ...earlier(from, on(aim), { touched: touchedBy(from, aim, ...more) }),
        ...(turned ? { aim: bare(from) } : {}),
      };
    });
  const items = fc
    .record({
      live: fc.option(releases, { nil: null }),
      open: fc.option(changes, { nil: null }),
      history: fc.array(fc.constantFrom(past('1', 'a1'), past('4', 'a4', { good: false })), { maxLength: 2 }),
    })
    .map(({ live, open, history: left }) => itemWith({ live, change: open, history: left }));
  const targets = releases.filter(({ version }) => version !== null);
  const request = fc.constantFrom('promote', 'adopting', 'rollback', 'named', 'direct');
  const requests = fc.record({ of: looks, item: items, target: targets, request });

  const answer = ({ of, item, target, request: asked }: RequestOf<typeof requests>, by = opener()) => {
    switch (asked) {
      case 'promote':
        return promote(of, item, undefined, by);
      case 'adopting':
        return promote(of, item, { adopt: true, unfinished: false }, by);
      case 'rollback':
        return rollback(of, item, by);
      case 'named':
        return rollbackTo(target, of, item, by);
      default:
        return openInRegistry(of, item, '3', by);
    }
  };
  const written = (found: OpenedChange, kind: Change['kind'], by: Opener): Change =>
    changeOf(found, by, {
      kind,
      to: found.aim.version,
      asked: halfWay.asked,
      nextAt: at(300),
    });
  const holds = (check: (found: OpenedChange, of: RequestOf<typeof requests>, written_: Change) => void) => {
    let checked = 0;
    fc.assert(
      fc.property(requests, (asked) => {
        const found = answer(asked);
        if (found.kind !== 'open') return;
        checked += 1;
        const kind = asked.request === 'named' || asked.request === 'rollback' ? 'rollback' : 'promote';
        check(found, asked, written(found, kind, opener()));
      }),
      { numRuns: 2000 },
    );
    // Of random looks and items some are opened.
    expect(checked).toBeGreaterThan(100);
  };

  it('a promotion falls back to what both sides show, or to where the open change falls back', () => {
    holds((found, { of, item, request: asked }) => {
      if (asked === 'named' || asked === 'rollback') return;
      const view = asked === 'direct' ? { ...of, serving: null } : of;
      const taken = item.change !== null && found.live === null;
      if (taken) expect(found.safe.version).toBe(item.change?.safe.version);
      else if (of.mode !== 'both') expect(shows(view, found.safe)).toBe(true);
    });
  });

  it('a rollback falls back to nothing but its target, and never leaves what it goes to', () => {
    holds((found, { target, request: asked }) => {
      if (asked !== 'named' && asked !== 'rollback') return;
      expect(found.aim).toEqual(found.safe);
      expect(found.left).not.toBe(found.aim.version);
      if (asked === 'named') expect(found.aim.version).toBe(target.version);
    });
  });

  it('what is opened is not stopped by what was seen when it was opened', () => {
    holds((_, { of, request: asked }, change_) => {
      const view = asked === 'direct' ? { ...of, serving: null } : of;
      // On a Workload without an artifact the platform starts no replacement: the rollout fails, and the registry goes back.
      if (of.serving?.artifact_id === null) return;
      expect(isKnown(view, change_)).toBe(true);
    });
  });

  it('is opened once by an execution: then it is its own, open or closed', () => {
    holds((found, asked, change_) => {
      const open = { ...asked.item, change: change_, live: found.live ?? asked.item.live };
      expect(answer({ ...asked, item: open }).kind).toBe('own');
      const closed = { ...asked.item, change: null, live: { ...change_.aim, change: change_.id } };
      expect(answer({ ...asked, item: closed }).kind).toBe('own');
    });
  });

  it('every release that it names is stored, by this change or by one before', () => {
    holds(({ store, live, safe, aim }, { item }) => {
      const known = [...store, item.live, item.change?.safe].map((each) => each?.key);
      for (const each of [live, safe, aim]) if (each !== null) expect(known).toContain(each.key);
      for (const each of store) expect(each.key).toBe(releaseKey(each));
    });
  });

  it('nothing is opened on what somebody else has changed, but by name or by adoption', () => {
    holds((found, { of, item, request: asked }) => {
      if (asked === 'named' || asked === 'direct') return;
      if (asked === 'adopting' && found.live !== null) return;
      if (item.change !== null) expect(isKnown(of, item.change)).toBe(true);
      else if (item.live !== null) expect(isInStep(of, item)).toBe(true);
    });
  });

  it('adopting takes exactly what both sides show', () => {
    let checked = 0;
    fc.assert(
      fc.property(looks, items, (of, item) => {
        const found = adoption(of, item, opener(), 'Ada');
        if (found.kind !== 'adopt') return;
        checked += 1;
        expect(isInStep(of, { live: bare(found.live), change: null })).toBe(true);
        expect(found.live).toMatchObject({ adopted_by: 'Ada', change: RUN });
      }),
      { numRuns: 2000 },
    );
    expect(checked).toBeGreaterThan(100);
  });
});

type RequestOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Request> ? Request : never;
