import type { Action } from './story.ts';
import type { World } from './world.ts';

/** What people do to the systems beside the functions. */

/** A person reads and writes within so many milliseconds. */
const RACE_MS = 60;
const FAR = '9007199254740991';
const YEAR_AHEAD = '2999-01-01T00:00:00.000Z';

/** A version that exists, by a number that counts on from the first. */
export function versionOf({ mlflow, model }: World, number: number): string {
  const versions = Object.keys(mlflow.registry.snapshot()[model]?.versions ?? {});
  return versions[number % versions.length] ?? '1';
}

/** Does what a person does by hand. Throws what the systems refuse. */
export function byHand(world: World, id: string, action: Action): void {
  const { model } = world;
  const { registry } = world.mlflow;
  const replacement = `workloads/${world.workloadId}/replacement`;
  switch (action.kind) {
    case 'stage':
      registry.transition(model, versionOf(world, action.version), action.stage, {
        archive: action.archive && action.stage !== 'Archived',
      });
      break;
    case 'alias':
      registry.setAlias(model, 'champion', versionOf(world, action.version));
      break;
    case 'race':
      world.atNextMove.push(() => race(world, id, action));
      break;
    case 'serve': {
      const known =
        action.version === null ? undefined : world.artifacts.get(versionOf(world, action.version));
      const artifactId = known ?? world.createArtifact(`hotfix ${id}`, 'locked');
      world.platform.direct.perform('POST', replacement, {
        artifactId,
        strategy: 'rolling',
      });
      return;
    }
    case 'cancel':
      world.platform.direct.perform('DELETE', replacement);
      return;
    case 'settings': {
      if (world.workloadId === null) return;
      const { runtime } = world.platform.direct.workload(world.workloadId);
      world.platform.direct.perform('PATCH', `workloads/${world.workloadId}/settings`, { runtime });
      return;
    }
    case 'delete':
      if (action.what === 'version') registry.deleteVersion(model, versionOf(world, action.version));
      else world.platform.direct.perform('DELETE', `workloads/${world.workloadId}`);
      return;
    case 'restore':
      world.table.restore(world.around.backups.get(id) ?? new Map());
      world.around.restoredAt = world.play.time.now;
      return;
    default:
  }
}

/** A transition whose reading and writing lie around ours. */
function race(world: World, id: string, { version, archive }: Extract<Action, { kind: 'race' }>): void {
  const { play, mlflow, model } = world;
  const random = play.random(`${id}/race`);
  const number = versionOf(world, version);
  play.time.after(RACE_MS * random.unit(), () => {
    const write = mlflow.registry.beginReading();
    play.time.after(RACE_MS * random.unit(), () => {
      try {
        write(() => mlflow.registry.transition(model, number, 'Production', { archive }));
        play.note(id, () => `version ${number} → Production`);
      } catch (error) {
        play.note(id, () => `refused: ${String(error)}`);
      }
    });
  });
}

/** Writes tags as the functions do, with what they would never say. */
export function forge(
  { mlflow: { registry }, model }: World,
  id: string,
  tag: 'fence' | 'far fence' | 'record' | 'result',
) {
  const newest = Object.keys(registry.snapshot()[model]?.versions ?? {}).at(-1) ?? '1';
  const record = { schema: 2, kind: 'promote', id, to: newest, from: '1', at: YEAR_AHEAD };
  switch (tag) {
    case 'fence':
    case 'far fence':
      registry.setModelTag(model, 'promotion.fence', tag === 'fence' ? '40' : FAR);
      return;
    case 'result':
      registry.setVersionTag(
        model,
        newest,
        `promotion.${id}.result`,
        JSON.stringify({ id, result: 'rolled_back', alert: 'sent', by: null, at: YEAR_AHEAD }),
      );
      registry.setVersionTag(model, newest, `promotion.${id}`, JSON.stringify(record));
      return;
    case 'record':
      registry.setVersionTag(model, newest, `promotion.${id}`, JSON.stringify(record));
  }
}
