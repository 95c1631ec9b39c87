import type { MlflowWithoutSocket } from '../../emulators/mlflow/without-socket.ts';
import type { WorkloadWithoutSocket } from '../../emulators/workload/without-socket.ts';
import type { RegistryMode } from '../engine/functions.ts';

/** Where both sides are read. */
export interface BothSystems {
  /** Name of the registered model. */
  readonly model: string;
  readonly mlflow: MlflowWithoutSocket;
  readonly platform: WorkloadWithoutSocket;
  readonly mode: RegistryMode;
  readonly workloadId: string | null;
}

/** Artifacts by version. */
interface Artifacts {
  readonly artifacts: ReadonlyMap<string, string>;
}

/** What both systems show at one moment. */
export interface Sides {
  /** Versions that are in Production or have the alias `champion`, by pointer of the mode. */
  stage: string[] | null;
  alias: string | null;
  /** The version that every pointer names and no other; null where they disagree or there is none. */
  champion: string | null;
  /** The artifact that the Workload's document names; null without a Workload. */
  served: string | null;
  /** Its status: a draft may still be locked. */
  servedStatus: string | null;
  /** Artifacts of the active protons that are not the document's. */
  otherProtons: string[];
  /** The replacement that has not ended; `createdAt` in milliseconds since 1970. */
  candidate: { artifactId: string; createdAt: number; switched: boolean } | null;
}

/** Reads both sides without requests. */
export function sidesOf({ model, mlflow, platform, mode, workloadId }: BothSystems): Sides {
  const pointers = mlflow.registry.pointers(model);
  const staged = pointers.production;
  const alias = pointers.alias('champion');
  const registry = {
    stage: mode === 'aliases' ? null : staged,
    alias: mode === 'stages' ? null : alias,
    champion: soleChampion(mode, staged, alias),
  };
  const serving = workloadId === null ? null : platform.direct.serving(workloadId);
  if (serving === null)
    return { ...registry, served: null, servedStatus: null, otherProtons: [], candidate: null };
  const { artifactId: served, status, active, candidate } = serving;
  return {
    ...registry,
    served,
    servedStatus: status,
    otherProtons: active.filter((artifact) => artifact !== served),
    candidate,
  };
}

function soleChampion(mode: RegistryMode, staged: readonly string[], alias: string | null): string | null {
  const [first = null] = staged;
  if (mode === 'aliases') return alias;
  if (staged.length !== 1) return null;
  return mode === 'both' && alias !== first ? null : first;
}

/** Every version that a pointer names. */
export const namedIn = ({ stage, alias }: Sides): string[] => [
  ...new Set([...(stage ?? []), ...(alias === null ? [] : [alias])]),
];

/** What a release says of both sides. */
interface Halves {
  version: string | null;
  artifact_id: string | null;
}

/** Both sides show this release and nothing is in flight; a serving half that is null is not compared. */
export function isAll({ version, artifact_id }: Halves, sides: Sides): boolean {
  const { candidate } = sides;
  const isTail = candidate === null || candidate.artifactId === artifact_id;
  return isAllBut({ version, artifact_id }, sides) && (artifact_id === null || isTail);
}

/** Both sides show this release; the end of a rollout may be in flight. */
export const isAllBut = ({ version, artifact_id }: Halves, sides: Sides): boolean =>
  isServed(artifact_id, sides) &&
  (version === null ? namedIn(sides).length === 0 : sides.champion === version);

const isServed = (artifact: string | null, { served, otherProtons }: Sides) =>
  artifact === null || (served === artifact && otherProtons.length === 0);

/** Both sides show this release, as far as they say anything: a pointer that is not set yet does not disagree. */
export const agrees = ({ version, artifact_id }: Halves, sides: Sides): boolean =>
  namedIn(sides).join() === (version ?? '') && isServed(artifact_id, sides);

/** The sides in one line. */
export function shownSides({ stage, alias, served, candidate }: Sides, world: Artifacts): string {
  const parts = [
    ...(stage === null ? [] : [`Production ${stage.join(' and ') || 'empty'}`]),
    ...(alias === null ? [] : [`@champion ${alias}`]),
    ...(served === null ? [] : [`the Workload serves ${artifactName(world, served)}`]),
    ...(candidate === null
      ? []
      : [`a replacement by ${artifactName(world, candidate.artifactId)} is in flight`]),
  ];
  return parts.join(', ');
}

/** An artifact by the version that it was registered with, or by its id. */
function artifactName({ artifacts }: Artifacts, id: string): string {
  const version = [...artifacts].find(([, artifact]) => artifact === id)?.[0];
  return version === undefined ? `artifact ${id}` : `version ${version}'s artifact`;
}

/** A release in words. */
export const shownRelease = ({ version, artifact_id }: Halves, world: Artifacts) =>
  `version ${version ?? 'none'}${artifact_id === null ? '' : ` with ${artifactName(world, artifact_id)}`}`;
