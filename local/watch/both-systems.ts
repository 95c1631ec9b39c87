import { versionOf } from '../../lambdas/domain/promotion/record.ts';
import type { RegistryView } from '../../lambdas/domain/registry.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import type { Host } from '../host.ts';

/** What both systems are read with. */
type Clients = Pick<Host, 'registry' | 'workloads'>;

/** The current state of one model in the registry and on the Workload API. */
export interface BothSystems {
  registry: RegistryState | null;
  workload: WorkloadState | null;
}

/** Version → stage, and alias → version. */
export interface RegistryState {
  stages: Record<string, string>;
  aliases: Record<string, string>;
}

export interface WorkloadState {
  id: string;
  name: string;
  status: string;
  importance: string | null;
  artifact_id: string | null;
  artifact_status: string | null;
  /** Version whose tag `workload.artifact_id` names the artifact; null when none does. */
  model_version: string | null;
  /** Status of a replacement that is in progress or has just ended; null when there is none. */
  replacement: string | null;
  endpoint: string | null;
}

/** The model and the Workload that an input names, if any. */
export function targetOf(input: unknown): { model_name?: string; workload_id?: string } {
  const { model_name, workload_id } = readStateDocument(input);
  return { ...(model_name === null ? {} : { model_name }), ...(workload_id === null ? {} : { workload_id }) };
}

/** Reads the current state of both systems. Each is null where it does not exist or could not be read; never throws. */
export async function readBothSystems(host: Clients, input: { model_name?: string; workload_id?: string }) {
  const view = await nullOnError(async () =>
    input.model_name === undefined ? null : readRegistry(host.registry, input.model_name),
  );
  const id = input.workload_id ?? view?.model.tags['workload.id'] ?? '';
  const workload = id === '' ? null : await nullOnError(() => workloadState(host, id, view));
  return { registry: view === null ? null : registryState(view), workload } satisfies BothSystems;
}

function registryState({ model, versions }: RegistryView): RegistryState {
  const stages = Object.fromEntries(versions.map(({ version, stage }) => [version, stage]));
  return { stages, aliases: { ...model.aliases } };
}

async function workloadState(
  { workloads }: Clients,
  id: string,
  view: RegistryView | null,
): Promise<WorkloadState | null> {
  const [workload, replacement] = await Promise.all([
    workloads.getWorkload(id),
    workloads.getReplacement(id),
  ]);
  if (workload === null) return null;
  const { name, status, importance, artifactId, artifactStatus, endpoint } = workload;
  return {
    id,
    name,
    status,
    importance,
    artifact_id: artifactId,
    artifact_status: artifactStatus,
    model_version: view === null || artifactId === null ? null : versionOf(view, artifactId),
    replacement: replacement?.status ?? null,
    endpoint,
  };
}

async function nullOnError<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}
