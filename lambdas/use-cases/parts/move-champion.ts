import { MlflowInvalidResponse, MlflowUnavailable } from '../../domain/errors.ts';
import { afterMove, movesTo } from '../../domain/promotion/promotion-plan.ts';
import {
  isSoleChampion,
  type ModelVersion,
  type Registry,
  type RegistryMode,
  type RegistryView,
} from '../../domain/registry.ts';

/**
 * Makes `version` the champion and verifies it by reading back. A lost response is resolved by reading the current state;
 * if that shows only versions of this change (`ours`), the writes are repeated once. Answers the versions that somebody
 * moved to Production after `view` was read and that the move archived. Throws `MlflowRefused`, and `MlflowUnavailable` or
 * `MlflowInvalidResponse` when the outcome is unknown.
 */
export async function moveAndVerify(
  { registry, mode }: { registry: Registry; mode: RegistryMode },
  view: RegistryView,
  move: { version: string; from: string | null; keepPrevious: boolean; ours: readonly (string | null)[] },
  /** Runs between the writes and the read that decides. */
  beforeReading: () => Promise<void> = async () => {},
): Promise<{ state: 'done' | 'contested'; view: RegistryView; overwritten: string[] }> {
  const name = view.model.name;
  const writes = movesTo(move.version, move.keepPrevious ? move.from : null, mode);
  const write = async () => {
    for (const step of writes) {
      if (step.kind === 'stage') await registry.moveToProduction(name, step.version);
      else await registry.setAlias(name, step.alias, step.version);
    }
  };
  const readBack = async () => {
    const after = await readAgain(registry, mode, view);
    const state = afterMove(after, mode, move.version, move.ours);
    return { state, view: after, overwritten: archivedByMove(view, after, move) };
  };

  // Another copy of the same step has moved it before.
  if (!isSoleChampion(view, mode, move.version))
    await write().catch((error: unknown) => {
      if (!(error instanceof MlflowUnavailable || error instanceof MlflowInvalidResponse)) throw error;
    });
  await beforeReading();
  const first = await readBack();
  if (first.state !== 'again') return { ...first, state: first.state };
  await write();
  const second = await readBack();
  const overwritten = [...new Set([...first.overwritten, ...second.overwritten])];
  return { ...second, overwritten, state: second.state === 'done' ? 'done' : 'contested' };
}

/**
 * Versions beside those of the change that are archived now and were not before, or were moved since: the move gives its own
 * time to what it archives. MLflow has no compare-and-set, so somebody can have promoted them after `before` was read.
 */
function archivedByMove(
  before: RegistryView,
  after: RegistryView,
  { version, ours }: { version: string; ours: readonly (string | null)[] },
): string[] {
  const was = new Map(before.versions.map((v) => [v.version, v]));
  const movedAt = after.versions.find((v) => v.version === version)?.updatedAt;
  const isNew = (v: ModelVersion) => {
    const earlier = was.get(v.version);
    if (earlier === undefined) return movedAt !== undefined && v.updatedAt === movedAt;
    return earlier.stage !== 'Archived' || earlier.updatedAt !== v.updatedAt;
  };
  return after.versions
    .filter((v) => v.stage === 'Archived' && !ours.includes(v.version) && isNew(v))
    .map((v) => v.version);
}

/** Reads only what the mode's pointers are made of: one call, or two in mode `both`. */
async function readAgain(registry: Registry, mode: RegistryMode, view: RegistryView): Promise<RegistryView> {
  const name = view.model.name;
  const versions = mode === 'aliases' ? view.versions : await registry.listVersions(name);
  const model = mode === 'stages' ? view.model : ((await registry.getModel(name)) ?? view.model);
  return { model, versions };
}
