import type { RequestApprovalInput } from '../../domain/approval/payloads.ts';
import type { ApprovalSubject } from '../../domain/approval/request.ts';
import { ModelNotFound } from '../../domain/errors.ts';
import type { ModelVersion, Registry } from '../../domain/registry.ts';
import { ARTIFACT_TAG } from '../../domain/release/found.ts';
import type { ModelItem } from '../../domain/release/release.ts';
import type { PromotionStore } from '../../domain/release/store.ts';
import { quoted } from '../../domain/visible-text.ts';
import { IMAGE_TAG } from './derive-artifact.ts';
import { readRegistry, workloadOf } from './look.ts';
import { artifactWhenLive } from './resolve-artifact.ts';

/** Where a version would be served, and by what. */
export type Place = Pick<ApprovalSubject, 'workload_id' | 'artifact_id' | 'image_uri'>;

/**
 * The place of a version on the Workload that serves its model (null: none does), as `resolveArtifact` will find it. No
 * artifact is known where one is to be derived.
 */
export function placeOf(
  version: Pick<ModelVersion, 'version' | 'tags'> | undefined,
  workload: string | null,
  asked: string | null,
  item: ModelItem,
): Place {
  if (workload === null || version === undefined)
    return { workload_id: workload, artifact_id: null, image_uri: null };
  const artifact = asked ?? artifactWhenLive(item, version.version) ?? (version.tags[ARTIFACT_TAG] || null);
  return {
    workload_id: workload,
    artifact_id: artifact,
    image_uri: artifact === null ? version.tags[IMAGE_TAG] || null : null,
  };
}

/** The same version without the artifact in its tag, which an earlier copy of the step may have derived. */
export const withoutArtifact = (version: ModelVersion): ModelVersion => ({
  ...version,
  tags: { ...version.tags, [ARTIFACT_TAG]: '' },
});

/** The place that people are asked about. Throws `ModelNotFound`, `LeaseStoreUnavailable` and the errors of MLflow. */
export async function placeAsked(
  { model_name, workload_id, artifact_id, comparison }: RequestApprovalInput,
  { registry, store }: { registry: Registry; store: PromotionStore },
): Promise<Place> {
  const [view, item] = await Promise.all([readRegistry(registry, model_name), store.readItem(model_name)]);
  if (view === null) throw new ModelNotFound(`Registered model ${quoted(model_name)} does not exist`);
  const challenger = view.versions.find(({ version }) => version === comparison.challenger_version);
  return placeOf(challenger, workloadOf(workload_id, item, view), artifact_id, item);
}
