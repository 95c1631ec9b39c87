import { createHash } from 'node:crypto';
import { ArtifactNotResolved } from '../../domain/errors.ts';
import type { ModelVersion } from '../../domain/registry.ts';
import { isStatus } from '../../domain/rollout/rules.ts';
import { hasPrimary, type PrimaryContainer, withPrimary } from '../../domain/serving/artifact-spec.ts';
import type { Artifact, Workloads } from '../../domain/serving/workloads.ts';
import { ascii, quoted } from '../../domain/visible-text.ts';

/** Deriving the artifact that serves a model version. */

/** Version tag with the image URI of a derived artifact; if absent, the image of the source artifact is used. */
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
 * A clone of the served artifact with the version's model in its primary container. Idempotent: a repeated call finds the
 * clone of an earlier attempt by its name and completes it. It is locked if the served artifact is, as the platform accepts
 * no other replacement. Throws `ArtifactNotResolved` when the served artifact has no container.
 */
export async function deriveArtifact(
  workloads: Workloads,
  { model, version, current }: Derivation,
): Promise<Artifact> {
  const name = derivedName(model, version.version);
  const primary: PrimaryContainer = {
    environment: { MODEL_URI: `models:/${model}/${version.version}`, MODEL_VERSION: version.version },
    imageUri: version.tags[IMAGE_TAG] || null,
  };
  const earlier = (await workloads.findArtifacts(name)).filter((artifact) => artifact.name === name);
  const finished = earlier.find(({ containerGroups }) => hasPrimary(containerGroups, primary));
  const begun = earlier.find(({ status }) => isStatus(status, 'draft'));
  const artifact = finished ?? begun ?? (await workloads.cloneArtifact(current.id, name));
  if (!hasPrimary(artifact.containerGroups, primary)) {
    const groups = withPrimary(artifact.containerGroups, primary);
    if (groups === null)
      throw new ArtifactNotResolved(`Artifact ${quoted(current.id)} has no container to put the model into`);
    await workloads.setContainerGroups(artifact.id, groups);
  }
  if (!isStatus(current.status, 'locked') || !isStatus(artifact.status, 'draft')) return artifact;
  await workloads.lockArtifact(artifact.id);
  return { ...artifact, status: 'locked' };
}

/** The same for every attempt at one version, and practically unique. */
function derivedName(model: string, version: string): string {
  // Shortening and removing accents can make two model names equal.
  const hash = createHash('sha256').update(model).digest('hex').slice(0, 8);
  const end = ` version ${version} (derived ${hash})`;
  return `${ascii(model).slice(0, MAX_NAME_LENGTH - end.length)}${end}`;
}
