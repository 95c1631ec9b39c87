import { VISIBILITY_GRACE_SECONDS } from '../../lambdas/domain/limits.ts';
import type { Change, Release } from '../../lambdas/domain/release/release.ts';
import { executionArn } from '../engine/executions.ts';
import type { FaultRecord } from '../engine/faults.ts';
import type { ItemWrite } from '../story/chronicle.ts';
import type { Finished } from '../story/play-story.ts';
import type { SentWrite } from '../story/world.ts';
import { CALL_MS, type Invariant, SKEW_MS } from './invariant.ts';
import { agrees, isAll, isAllBut, namedIn, shownRelease, shownSides } from './sides.ts';

/** What a person does so shortly before a write is not known to it. */
const LOOK_MS = 25_000;

/** What must be so at the moment of each write. */
export const writes: readonly Invariant[] = [
  {
    name: 'lease',
    about: 'Pointers, Workload and what is to be live are written only under the lease.',
    violations({ story, world }) {
      if (!story.table) return [];
      const outside = (by: string, owner: string | null, leftMs: number, what: string) => {
        const [who = ''] = by.split('/');
        const isOwner = owner === executionArn(who) || owner === `direct:${by}`;
        return isOwner && leftMs > -SKEW_MS ? [] : [`${by} ${what} while ${owner ?? 'nobody'} had the lease`];
      };
      return [
        ...world.writes.flatMap(({ by, name, owner, leftMs }) => outside(by, owner, leftMs, `sent ${name}`)),
        ...world.chronicle.itemWrites.flatMap(({ at, by, kind, before: { owner, leaseEndsAt } }) =>
          outside(by.id, owner, leaseEndsAt - at, `wrote ${kind}`),
        ),
      ];
    },
  },
  {
    name: 'aim',
    about: 'Pointers and Workload are written only for an open change, towards its aim; the lock comes last.',
    violations({ story, world, persons }) {
      if (!story.table) return [];
      return world.writes.flatMap((write) => {
        // What a person does between the look and the write is not known to it.
        const byPerson = persons.some(({ at }) => at <= write.at && write.at - at < LOOK_MS);
        const wrong = write.change === null ? 'no change is open' : besides(write, write.change, byPerson);
        return wrong === null ? [] : [`${write.by} sent ${write.name}: ${wrong}`];
      });
    },
  },
  {
    name: 'one step',
    about: 'A step does not write any more once the next one has begun.',
    violations: ({ world }) =>
      world.writes.flatMap(({ by, name, successor }) =>
        successor === null ? [] : [`${by} sent ${name} after ${successor} had begun`],
      ),
  },
  {
    name: 'no blind retry',
    about: 'A write whose answer is missing is sent again only after another look.',
    violations: ({ world }) =>
      world.writes.flatMap(({ by, name, blind }) => (blind ? [`${by} sent ${name} again`] : [])),
  },
  {
    name: 'not ours',
    about: 'A replacement that somebody else has started is not cancelled.',
    violations: ({ world }) =>
      world.writes.flatMap(({ at, by, name, change, sides: { candidate, served } }) => {
        if (!/^DELETE .*replacement$/.test(name) || candidate === null || change === null) return [];
        const isSettings = candidate.artifactId === served && !candidate.switched;
        const isOurs = change.touched.artifacts.includes(candidate.artifactId) && !isSettings;
        if (isOurs || at - candidate.createdAt < LOOK_MS) return [];
        return [`${by} cancelled a replacement by ${isSettings ? 'what is served' : candidate.artifactId}`];
      }),
  },
  {
    name: 'live',
    about: 'What is live was shown by both sides at one moment.',
    violations: ({ world }) =>
      world.chronicle.itemWrites.flatMap(({ at, by, kind, after: { live }, before }) => {
        if (live === null || live.key === before.live?.key || kind === 'turned') return [];
        const shown = world.chronicle.between(at - CALL_MS, at);
        return shown.some((sides) => agrees(knownTo(by, live), sides))
          ? []
          : [`${kind}: live is ${shownRelease(live, world)}, which both sides never showed`];
      }),
  },
  {
    name: 'closing',
    about: 'A change is closed only after a look that shows its aim, with nothing of its own in flight.',
    violations: ({ world, persons, play }) =>
      world.chronicle.itemWrites.flatMap(
        ({ at, by, kind, before: { change }, after: { live }, sides, looked }) => {
          if (kind !== 'closed' || live === null) return [];
          const known = knownTo(by, live);
          const shown = world.chronicle.between(by.startedAt, at);
          const what = `${by.id} closed with ${shownRelease(live, world)}`;
          if (!shown.some((each) => isAllBut(known, each)))
            return [`${what}, which both sides did not show since it began`];
          const isRepeated = play.faults.some(
            ({ id, ...fault }) => id.startsWith(by.id) && arrivesLater(fault),
          );
          if (!looked && !isRepeated && by.functionName !== 'promote-model')
            return [`${what} without a look after its last write`];
          const { candidate } = sides;
          const byPerson = persons.some(
            ({ at: acted }) => Math.abs(acted - (candidate?.createdAt ?? 0)) < SKEW_MS,
          );
          const isOurs =
            candidate !== null && !byPerson && change?.touched.artifacts.includes(candidate.artifactId);
          const isTail = candidate?.artifactId === live.artifact_id || known.artifact_id === null;
          return isOurs && !isTail ? [`${what} while its own replacement is in flight`] : [];
        },
      ),
  },
  {
    name: 'safe',
    about: 'A change goes back only to what was live, was seen in service, or was named.',
    violations: ({ world }) =>
      world.chronicle.itemWrites.flatMap((write) => {
        const { change } = write.after;
        if (write.kind !== 'opened' || change === null) return [];
        const { kind, safe, aim } = change;
        if (kind === 'rollback')
          return safe.key === aim.key
            ? []
            : [`a rollback to ${aim.version} would go back to ${safe.version}`];
        return isConfirmed(write)
          ? []
          : [`a promotion would go back to ${shownRelease(safe, world)}: ${shownSides(write.sides, world)}`];
      }),
  },
  {
    name: 'finish',
    about: 'A change whose aim both sides show does not go back; a first champion never does.',
    violations: ({ world }) =>
      world.chronicle.itemWrites.flatMap(({ at, by, kind, before: { change } }) => {
        if (kind !== 'turned' || change === null) return [];
        const shown = world.chronicle.between(by.startedAt, at);
        const { aim, safe } = change;
        if (safe.version === null && shown.every((sides) => namedIn(sides).length > 0))
          return [`${by.id} takes the first champion out`];
        const isThere = shown.every(
          (sides) => isAll(aim, sides) && (aim.draft || sides.servedStatus !== 'draft'),
        );
        return isThere ? [`${by.id} goes back from ${aim.version}, which both sides show`] : [];
      }),
  },
  {
    name: 'lock',
    about: 'A change is not closed over a draft that is to be locked.',
    violations: ({ world }) =>
      world.chronicle.itemWrites.flatMap(({ by, kind, after: { live }, sides }) =>
        kind === 'closed' &&
        live !== null &&
        !live.draft &&
        live.artifact_id === sides.served &&
        sides.servedStatus === 'draft' &&
        by.functionName !== 'promote-model'
          ? [`${by.id} closed with version ${live.version} over a draft`]
          : [],
      ),
  },
  {
    name: 'kept',
    about: 'A change stays open until it is closed, or adopted by hand.',
    violations: ({ world }) =>
      world.chronicle.itemWrites.flatMap(({ by, kind, before: { change } }) =>
        kind === 'dropped' ? [`${by.id} dropped the change of ${change?.id}`] : [],
      ),
  },
  {
    name: 'overtaken',
    about: 'A change is not opened where another was opened or closed since it was asked for.',
    violations(finished) {
      const { itemWrites } = finished.world.chronicle;
      return itemWrites.flatMap((write, index) => {
        const { change } = write.after;
        if (write.kind === 'forward again') return [`${change?.id} went forward after it had turned back`];
        if (write.kind !== 'opened' || change === null) return [];
        if (write.before.live?.change === change.id)
          return [`${change.id} was opened again after it had closed`];
        const askedAt = askedAtOf(finished, change);
        if (askedAt === null) return [];
        const other = itemWrites
          .slice(0, index)
          .find(
            ({ kind, after }) =>
              kind !== 'turned' && dateOf(after) > askedAt + SKEW_MS && idOf(after) !== change.id,
          );
        return other === undefined
          ? []
          : [`${change.id} was opened after ${idOf(other.after)} had ${other.kind}`];
      });
    },
  },
];

/** A tag that is written twice, or again as its answer did not come, arrives after the look: it moves no side. */
const arrivesLater = ({ kind, call, again }: Omit<FaultRecord, 'id'>) =>
  kind === 'twice' || (kind === 'late' && (call.endsWith('/set-tag') || again > 0));

/** `promote-model` called directly knows the registry only. */
const knownTo = ({ functionName }: ItemWrite['by'], { version, artifact_id }: Release) => ({
  version,
  artifact_id: functionName === 'promote-model' ? null : artifact_id,
});

/** By the clock of who wrote it; a write may arrive later. */
const dateOf = ({ change, live }: ItemWrite['after']) => Date.parse(change?.opened_at ?? live?.at ?? '');
const idOf = ({ change, live }: ItemWrite['after']) => change?.id ?? live?.change ?? '';

/** When an execution asked for its change; null where that does not matter, or is not known. */
function askedAtOf({ world }: Finished, { id, kind, opened_at: openedAt }: Change): number | null {
  const execution = [...world.executions.all.values()].find(({ arn }) => arn === id);
  if (execution === undefined) return null;
  const input = JSON.parse(execution.input);
  const isNamed = kind === 'rollback' && typeof input.target_version === 'string';
  // Whoever has waited compares again, and asks anew.
  const hasWaited = Date.parse(openedAt) - execution.startedAt > VISIBILITY_GRACE_SECONDS * 1000;
  return isNamed || hasWaited || input.wait_for_lease_minutes > 0 ? null : execution.startedAt;
}

/** Why a write is not towards the aim of the open change; null if it is. */
function besides(
  { name, body, sides }: SentWrite,
  { aim, touched }: Change,
  byPerson: boolean,
): string | null {
  const asked = typeof body === 'object' && body !== null ? body : {};
  const value = (field: string): unknown => Reflect.get(asked, field);
  if (name.endsWith('transition-stage'))
    return value('version') === aim.version ? null : `the aim is version ${aim.version}`;
  if (name.endsWith('/alias'))
    return value('alias') !== 'champion' || value('version') === aim.version
      ? null
      : `the aim is version ${aim.version}`;
  if (name.endsWith('/replacement') && name.startsWith('POST'))
    return value('artifactId') === aim.artifact_id ? null : `the aim is artifact ${aim.artifact_id}`;
  if (name.endsWith('/promote')) {
    if (aim.draft) return 'the aim is a draft';
    if (byPerson) return null;
    // A locked artifact bars the way back.
    if (sides.champion !== aim.version) return 'the registry has not moved yet';
    return touched.artifacts.includes(sides.served) ? null : `artifact ${sides.served} is not ours`;
  }
  return null;
}

/** The safe release of a promotion: as it was live, of the change before, or with what both sides show. */
function isConfirmed({ before, after, sides }: ItemWrite): boolean {
  const safe = after.change?.safe ?? null;
  if (safe === null) return false;
  const former = before.change?.safe ?? before.live;
  if (former !== null && former.version === safe.version) {
    if (former.artifact_id === safe.artifact_id) return true;
    // Completed by what is served.
    if (former.artifact_id === null && safe.artifact_id === sides.served) return true;
  }
  // Found in service, or adopted.
  return after.live?.key === safe.key && after.live.key !== before.live?.key;
}
