import type { Clock } from '../../adapters/clock.ts';
import { intentTag, markTag, recordId, recordsOn, resultTag } from '../../domain/promotion/record.ts';
import { isRolledBack, type ModelVersion, type Registry } from '../../domain/registry.ts';
import type { Look } from '../../domain/release/look.ts';
import type { Change } from '../../domain/release/release.ts';
import type { Writer } from './with-lease.ts';

/** The tags of a change in MLflow, for people: what was intended before the registry moves, and what came of it. */

export interface RecordServices {
  readonly registry: Pick<Registry, 'setVersionTag'>;
  readonly clock: Clock;
}

interface Recorded {
  readonly change: Change;
  readonly writer: Writer;
  readonly requested_by: string | null;
}

/** Id of a rollback's record: a compensation belongs to an execution whose promotion is recorded on the same version. */
const rollbackRecordId = (change: Change) => `${recordId(change.id)}-rollback`;

/** The version that the way back leaves: of a rollback, the one it was to leave; of a promotion, its challenger. */
export const leftVersion = ({ kind, left, to }: Change): string | null => (kind === 'rollback' ? left : to);

const versionIn = ({ registry }: Look, version: string | null): ModelVersion | null =>
  registry.versions.find((v) => v.version === version) ?? null;

/** True if the registry was moved back for this change: the intent is recorded before the move. */
export function hasMovedBack(change: Change, look: Look): boolean {
  const from = versionIn(look, leftVersion(change));
  return from !== null && recordsOn([from]).some(({ id }) => id === rollbackRecordId(change));
}

/** Records `{from, to, id}` on the version that is taken out, before the registry moves back. */
export async function recordBeforeMove(
  { change, writer, requested_by }: Recorded,
  look: Look,
  { registry, clock }: RecordServices,
): Promise<void> {
  const from = versionIn(look, leftVersion(change));
  const id = rollbackRecordId(change);
  if (from === null || change.aim.version === null || recordsOn([from]).some((record) => record.id === id))
    return;
  const { reason, alarm } =
    change.kind === 'rollback' ? change.asked : { reason: 'ROLLOUT_FAILED', alarm: null };
  const { key, value } = intentTag({
    kind: 'rollback',
    id,
    to: change.aim.version,
    from: from.version,
    confidence: null,
    evidence_digest: null,
    reason: alarm === null ? reason : `${reason} (${alarm})`,
    requested_by,
    execution: executionOf(writer),
    fence: writer.fence,
    serving: null,
    at: clock.now().toISOString(),
  });
  await registry.setVersionTag(look.registry.model.name, from.version, key, value);
}

const executionOf = ({ owner }: Writer) => (owner.startsWith('direct:') ? null : owner);

/** Records how the change ended: the result of a promotion, or the mark on the version that was taken out and its result. */
export async function recordEnd(
  recorded: Recorded,
  look: Look,
  { registry, clock }: RecordServices,
): Promise<void> {
  const { change, writer, requested_by } = recorded;
  const model = look.registry.model.name;
  const at = clock.now().toISOString();
  const by = executionOf(writer);
  const set = ({ key, value }: { key: string; value: string }, version: string) =>
    registry.setVersionTag(model, version, key, value);
  const alert = writer.direct ? 'pending' : 'execution';
  const forward = change.kind === 'promote' && change.aim.version === change.to;
  const promotion = versionIn(look, change.kind === 'promote' ? change.to : null);
  const open = (version: ModelVersion, id: string) =>
    recordsOn([version]).find((record) => record.id === id && record.result === null);
  if (forward) {
    const id = recordId(change.id);
    if (promotion !== null && open(promotion, id))
      await set(resultTag({ id, result: 'promoted', alert, at, by }), promotion.version);
    return;
  }
  const from = versionIn(look, leftVersion(change));
  if (from === null || from.version === change.aim.version) return;
  const id = rollbackRecordId(change);
  const movedBack = hasMovedBack(change, look);
  if ((movedBack || change.kind === 'rollback') && !isRolledBack(from)) {
    const reason = change.kind === 'rollback' ? change.asked.reason : 'ROLLOUT_FAILED';
    await set(markTag({ id, to: change.aim.version, reason, by: requested_by, at }), from.version);
  }
  if (open(from, id)) await set(resultTag({ id, result: 'rolled_back', alert, at, by }), from.version);
  const promoting = recordId(change.id);
  if (!movedBack && promotion !== null && open(promotion, promoting))
    await set(resultTag({ id: promoting, result: 'not_promoted', alert, at, by }), promotion.version);
}
