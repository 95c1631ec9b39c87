import { createHash } from 'node:crypto';
import { ArtifactNotResolved } from '../../domain/errors.ts';
import type { ModelVersion } from '../../domain/registry.ts';
import { isStatus } from '../../domain/rollout/rules.ts';
import { hasPrimary, type PrimaryContainer, withPrimary } from '../../domain/serving/artifact-spec.ts';
import type { Artifact, Workloads } from '../../domain/serving/workloads.ts';
import { ascii, quoted } from '../../domain/visible-text.ts';

/** From a model version to the artifact that serves it. */

/** Version tag with the image that a derived artifact runs; absent: the image of the artifact it is derived from. */
export const IMAGE_TAG = 'workload.image_uri';

/** The platform searches names by at most 100 characters. */
const MAX_NAME_LENGTH = 100;

export interface Derivation {
  model: string;
  version: ModelVersion;
  /** The artifact that the Workload serves now. */
  current: Artifact;
}

/**
 * A copy of the artifact in service with the version's model in its primary container. A repeat finds what an earlier
 * try has left by its name, finishes it, and makes no second one. Locked when the current one is locked, because the
 * platform replaces like by like. Throws `ArtifactNotResolved` when the current artifact has no container.
 */
export async function deriveArtifact(
  workloads: Workloads,
  { model, version, current }: Derivation,
): Promise<Artifact> {
  const name = derivedName(model, version.version);
  const wanted: PrimaryContainer = {
    environment: { MODEL_URI: `models:/${model}/${version.version}`, MODEL_VERSION: version.version },
    imageUri: version.tags[IMAGE_TAG] || null,
  };
  const earlier = (await workloads.findArtifacts(name)).filter((artifact) => artifact.name === name);
  const finished = earlier.find(({ containerGroups }) => hasPrimary(containerGroups, wanted));
  const begun = earlier.find(({ status }) => isStatus(status, 'draft'));
  const artifact = finished ?? begun ?? (await workloads.cloneArtifact(current.id, name));
  if (!hasPrimary(artifact.containerGroups, wanted)) {
    const groups = withPrimary(artifact.containerGroups, wanted);
    if (groups === null)
      throw new ArtifactNotResolved(`Artifact ${quoted(current.id)} has no container to put the model into`);
    await workloads.setContainerGroups(artifact.id, groups);
  }
  if (isStatus(current.status, 'locked') && isStatus(artifact.status, 'draft'))
    await workloads.lockArtifact(artifact.id);
  return artifact;
}

/** The same for every try at one version, and unlikely for any other artifact. */
function derivedName(model: string, version: string): string {
  // Two names can look alike once they are cut and without their accents.
  const hash = createHash('sha256').update(model).digest('hex').slice(0, 8);
  const end = ` version ${version} (derived ${hash})`;
  return `${ascii(model).slice(0, MAX_NAME_LENGTH - end.length)}${end}`;
}
