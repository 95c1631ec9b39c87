import { WORKLOAD_TAG } from '../../domain/promotion/promotion-plan.ts';
import type { Registry, RegistryMode, RegistryView } from '../../domain/registry.ts';
import { type Look, type ServingView, servingView } from '../../domain/release/look.ts';
import type { ModelItem } from '../../domain/release/release.ts';
import { WorkloadNotFound } from '../../domain/serving/errors.ts';
import type { Workload, Workloads } from '../../domain/serving/workloads.ts';
import { quoted } from '../../domain/visible-text.ts';

/** The current state of the registry, or null when the model does not exist. Two calls. Throws the errors of MLflow. */
export async function readRegistry(registry: Registry, name: string): Promise<RegistryView | null> {
  const model = await registry.getModel(name);
  return model === null ? null : { model, versions: await registry.listVersions(name) };
}

/**
 * What a Workload shows. The replacement is read before the Workload: a settled one disappears only after the Workload's
 * document has switched. Throws `WorkloadNotFound` and the errors of the Workload API.
 */
export async function readServing(workloads: Workloads, id: string): Promise<ServingView> {
  const replacement = await workloads.getReplacement(id);
  // Of a Workload that does not exist, the platform refuses to list protons.
  const found = existing(await workloads.getWorkload(id), id);
  const [protons, artifact] = await Promise.all([
    workloads.protons(id),
    found.artifactStatus !== null || found.artifactId === null
      ? null
      : workloads.getArtifact(found.artifactId),
  ]);
  const status = found.artifactStatus ?? artifact?.status ?? null;
  return servingView(found, protons, replacement, status);
}

/** The Workload; throws `WorkloadNotFound` for none. */
export function existing(workload: Workload | null, id: string): Workload {
  if (workload !== null) return workload;
  throw new WorkloadNotFound(
    `Workload ${quoted(id)} does not exist, or the owner of the token cannot see it`,
  );
}

/** A look at both sides: the registry first. Null if the model does not exist. Throws the errors of both systems. */
export async function readBoth(
  { registry, mode }: { registry: Registry; mode: RegistryMode },
  workloads: () => Workloads,
  model: string,
  workloadOf: (view: RegistryView) => string | null,
): Promise<Look | null> {
  const view = await readRegistry(registry, model);
  if (view === null) return null;
  const workload = workloadOf(view);
  const serving = workload === null ? null : await readServing(workloads(), workload);
  return { registry: view, mode, serving };
}

/**
 * The Workload that serves a model: as asked for, else as recorded in its item, else as its tag names it. Anybody with
 * edit rights can write the tag, which therefore comes last.
 */
export const workloadOf = (
  asked: string | null,
  { live, change }: ModelItem,
  view: RegistryView,
): string | null =>
  asked ?? live?.workload_id ?? change?.aim.workload_id ?? (view.model.tags[WORKLOAD_TAG] || null);
