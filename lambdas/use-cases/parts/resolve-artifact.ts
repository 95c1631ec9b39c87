import { ArtifactNotResolved } from '../../domain/errors.ts';
import type { ModelVersion, Registry } from '../../domain/registry.ts';
import { ARTIFACT_TAG } from '../../domain/release/found.ts';
import type { ServingView } from '../../domain/release/look.ts';
import type { ModelItem } from '../../domain/release/release.ts';
import type { Artifact, Workloads } from '../../domain/serving/workloads.ts';
import { quoted } from '../../domain/visible-text.ts';
import { deriveArtifact } from './derive-artifact.ts';

/** A version that is to be served, and where its artifact may come from. */
export interface ServedVersion {
  readonly model: string;
  readonly version: ModelVersion;
  readonly item: ModelItem;
  readonly serving: ServingView;
  /** From the execution's input; null: as it was live, else the version's tag, else derived where the policy allows it. */
  readonly artifactId: string | null;
  readonly mayDerive: () => Promise<boolean>;
}

/** What is served, as the rules of the platform compare it with another artifact. */
export const servedIn = ({ workload_id, type, artifact_id, artifact_status }: ServingView) => ({
  id: artifact_id,
  status: artifact_status,
  workload: workload_id,
  type,
});

/**
 * The artifact with which a version was live most recently; null if it never was. One that an earlier release had with
 * another version is not its own: `promote-model` by itself leaves the Workload as it is.
 */
export function artifactWhenLive({ live, change, history }: ModelItem, version: string): string | null {
  const releases = [live, change?.safe ?? null, ...history].filter((release) => release !== null);
  const isOwn = (artifact: string) =>
    releases.findLast(({ artifact_id }) => artifact_id === artifact)?.version === version;
  const own = releases.find((r) => r.version === version && r.artifact_id !== null && isOwn(r.artifact_id));
  return own?.artifact_id ?? null;
}

/**
 * The artifact that serves a version. Its id is written to the version's tag, for people and for a repeated step. Throws
 * `ArtifactNotResolved` where none is known, or where it does not exist.
 */
export async function resolveArtifact(
  served: ServedVersion,
  { workloads, registry }: { workloads: Workloads; registry: Registry },
): Promise<Artifact> {
  const { model, version, item } = served;
  const tagged = version.tags[ARTIFACT_TAG] || null;
  const known = served.artifactId ?? artifactWhenLive(item, version.version) ?? tagged;
  if (known === null) {
    const derived = await deriveFrom(served, workloads);
    await registry.setVersionTag(model, version.version, ARTIFACT_TAG, derived.id);
    return derived;
  }
  // Looked at before it is noted: a mistyped id must not take the place of a good one.
  const artifact = await workloads.getArtifact(known);
  if (artifact === null)
    throw new ArtifactNotResolved(
      `Artifact ${quoted(known)} does not exist, or the owner of the token cannot see it`,
    );
  if (known !== tagged) await registry.setVersionTag(model, version.version, ARTIFACT_TAG, known);
  return artifact;
}

async function deriveFrom(
  { model, version, serving, mayDerive }: ServedVersion,
  workloads: Workloads,
): Promise<Artifact> {
  const what = `Version ${version.version} of ${quoted(model)} is to be served by Workload ${quoted(serving.workload_id)}, and no artifact is known for it`;
  if (!(await mayDerive())) {
    throw new ArtifactNotResolved(
      `${what}: pass artifact_id, set the version's tag ${ARTIFACT_TAG}, or allow serving.derive_artifact in the policy`,
    );
  }
  const current = serving.artifact_id === null ? null : await workloads.getArtifact(serving.artifact_id);
  if (current === null)
    throw new ArtifactNotResolved(
      `${what}: the artifact in service, from which it would be derived, cannot be read`,
    );
  return deriveArtifact(workloads, { model, version, current });
}
