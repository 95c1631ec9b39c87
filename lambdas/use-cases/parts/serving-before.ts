import { ArtifactNotResolved } from '../../domain/errors.ts';
import { ARTIFACT_TAG } from '../../domain/promotion/rollback-plan.ts';
import type { ModelVersion, Registry } from '../../domain/registry.ts';
import type { ServingBefore } from '../../domain/rollout/serving-rollback.ts';
import { WorkloadNotFound } from '../../domain/serving/errors.ts';
import type { Json, JsonObject, Workload, Workloads } from '../../domain/serving/workloads.ts';
import { quoted } from '../../domain/visible-text.ts';
import { deriveArtifact } from './derive-artifact.ts';

export interface ServedPromotion {
  model: string;
  version: ModelVersion;
  workloadId: string;
  /** From the execution's input; null: the version's tag, else derived where the policy allows it. */
  artifactId: string | null;
  mayDerive: boolean;
}

/**
 * What the Workload serves now, and the artifact that is to take its place. The artifact's id is written to the
 * version's tag, so that a repeated step finds it. Throws `WorkloadNotFound` and `ArtifactNotResolved`.
 */
export async function servingBefore(
  promotion: ServedPromotion,
  { workloads, registry }: { workloads: Workloads; registry: Registry },
): Promise<ServingBefore> {
  const { model, version, workloadId } = promotion;
  const workload = await workloads.getWorkload(workloadId);
  if (workload === null) {
    throw new WorkloadNotFound(
      `Workload ${quoted(workloadId)} does not exist, or the owner of the token cannot see it`,
    );
  }
  const tagged = version.tags[ARTIFACT_TAG] || null;
  const artifactId = promotion.artifactId ?? tagged ?? (await derived(promotion, workload, workloads));
  // Looked at before it is noted: a mistyped id must not take the place of a good one.
  if (promotion.artifactId !== null && (await workloads.getArtifact(artifactId)) === null) {
    throw new ArtifactNotResolved(
      `Artifact ${quoted(artifactId)} does not exist, or the owner of the token cannot see it`,
    );
  }
  if (artifactId !== tagged) await registry.setVersionTag(model, version.version, ARTIFACT_TAG, artifactId);
  return {
    workload_id: workloadId,
    artifact_id: artifactId,
    previous_artifact_id: workload.artifactId,
    previous_status: workload.artifactStatus,
    previous_runtime: workload.runtime === null ? null : sendable(workload.runtime),
    previous_importance: workload.importance,
  };
}

async function derived(
  { model, version, mayDerive }: ServedPromotion,
  workload: Workload,
  workloads: Workloads,
): Promise<string> {
  const what = `Version ${version.version} of ${quoted(model)} is to be served by Workload ${quoted(workload.id)}, and no artifact is known for it`;
  if (!mayDerive) {
    throw new ArtifactNotResolved(
      `${what}: pass artifact_id, set the version's tag ${ARTIFACT_TAG}, or allow serving.derive_artifact in the policy`,
    );
  }
  const current = workload.artifactId === null ? null : await workloads.getArtifact(workload.artifactId);
  if (current === null)
    throw new ArtifactNotResolved(
      `${what}: the artifact in service, from which it would be derived, cannot be read`,
    );
  return (await deriveArtifact(workloads, { model, version, current })).id;
}

/** A runtime as it may be sent back: without what the platform only reports. */
function sendable(runtime: JsonObject): ServingBefore['previous_runtime'] {
  const groups = runtime['containerGroups'];
  if (!Array.isArray(groups)) return { ...runtime };
  return { ...runtime, containerGroups: groups.map(withoutReports) };
}

function withoutReports(group: Json): Json {
  if (typeof group !== 'object' || group === null || Array.isArray(group)) return group;
  const { resolvedBundle: _, ...fields } = group;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
