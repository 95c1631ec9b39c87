import type { RegistryMode } from '../engine/functions.ts';
import { MODEL, type World } from '../story/world.ts';

/** What both systems show at one moment. */
export interface Sides {
  /** Versions that are in Production or have the alias `champion`, by pointer of the mode. */
  stage: string[] | null;
  alias: string | null;
  /** The version that every pointer names and no other; null where they disagree or there is none. */
  champion: string | null;
  /** The artifact that the Workload's document names; null without a Workload. */
  served: string | null;
  /** Artifacts of the active protons that are not the document's. */
  otherProtons: string[];
  /** The artifact of a replacement that has not ended. */
  candidate: string | null;
}

/** Reads both sides without requests. */
export function sidesOf({ mlflow, platform, mode, workloadId }: World): Sides {
  const model = mlflow.registry.snapshot()[MODEL];
  const staged = Object.entries(model?.versions ?? {})
    .filter(([, { stage }]) => stage === 'Production')
    .map(([version]) => version);
  const alias = model?.aliases['champion'] ?? null;
  const champion = soleChampion(mode, staged, alias);
  const workload = workloadId === null ? null : platform.direct.serving(workloadId);
  const served = workload?.artifactId ?? null;
  return {
    stage: mode === 'aliases' ? null : staged,
    alias: mode === 'stages' ? null : alias,
    champion,
    served,
    otherProtons: workload?.active.filter((artifactId) => artifactId !== served) ?? [],
    candidate: workload?.candidate ?? null,
  };
}

function soleChampion(mode: RegistryMode, staged: readonly string[], alias: string | null): string | null {
  const [first = null] = staged;
  if (mode === 'aliases') return alias;
  if (staged.length !== 1) return null;
  return mode === 'both' && alias !== first ? null : first;
}

/** The sides in one line. */
export function shownSides({ stage, alias, served, candidate }: Sides, world: World): string {
  const parts = [
    ...(stage === null ? [] : [`Production ${stage.join(' and ') || 'empty'}`]),
    ...(alias === null ? [] : [`@champion ${alias}`]),
    ...(served === null ? [] : [`the Workload serves ${artifactName(world, served)}`]),
    ...(candidate === null ? [] : [`${artifactName(world, candidate)} is in flight`]),
  ];
  return parts.join(', ');
}

/** An artifact by the version that it was registered with, or by its id. */
export function artifactName({ artifacts }: World, id: string): string {
  const version = [...artifacts].find(([, artifact]) => artifact === id)?.[0];
  return version === undefined ? `artifact ${id}` : `version ${version}'s artifact`;
}
