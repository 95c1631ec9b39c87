import type { Workload } from '../world/entities.ts';
import { isActive, listed, workloadStatus } from '../world/protons.ts';
import {
  createWorkload,
  deleteWorkload,
  promote,
  refuseTakenName,
  startWorkload,
  stopWorkload,
} from '../world/workloads.ts';
import type { World } from '../world/world.ts';
import { json, noContent, page } from './answers.ts';
import { emptyBody, newWorkload, workloadChanges } from './bodies.ts';
import { type Filters, found, ordered, paging, sharedRoleRoutes, workloadFilters } from './lists.ts';
import { type Route, route } from './router.ts';
import { workloadDocument } from './shapes.ts';

const wants = (wanted: readonly string[] | undefined, value: string | undefined) =>
  wanted === undefined || (value !== undefined && wanted.includes(value));

interface WorkloadQuery extends Filters {
  status?: string[] | undefined;
  artifactStatus?: string[] | undefined;
  importance?: string[] | undefined;
  type?: string[] | undefined;
  artifactId?: string | undefined;
  repositoryId?: string | undefined;
  enclave?: string[] | undefined;
}

/** The Workloads that meet a list's filters. */
export function select(world: World, query: WorkloadQuery): Workload[] {
  return [...world.workloads.values()].filter((each) => {
    const artifact = world.artifacts.get(each.artifactId);
    return (
      found(world, each, query) &&
      wants(query.status, workloadStatus(each, world.now)) &&
      wants(query.artifactStatus, artifact?.status) &&
      wants(query.importance, each.importance) &&
      wants(query.type, each.type) &&
      (query.artifactId === undefined || query.artifactId === each.artifactId) &&
      (query.repositoryId === undefined || query.repositoryId === artifact?.repositoryId) &&
      (query.enclave === undefined ||
        query.enclave.some((one) => each.runtime.enclaves?.includes(one) === true))
    );
  });
}

/** A message about the operation, with its status link. */
const acknowledgement = (base: string, { id }: Workload, status: string) => ({
  status,
  workloadId: id,
  trackVia: `${base}/workloads/${id}`,
});

export const workloadRoutes: Route[] = [
  route('GET', 'workloads', { query: { ...paging, ...workloadFilters } }, ({ world, query, url, base }) => {
    const all = select(world, query).map((each) => workloadDocument(world, base, each, query.serviceStats));
    return json(page(ordered(all, query.orderBy), { url, ...query }));
  }),
  route('POST', 'workloads', { body: newWorkload }, ({ world, body, base }) =>
    json(workloadDocument(world, base, createWorkload(world, body)), 201),
  ),
  route('GET', 'workloads/:id', {}, ({ world, params, base }) =>
    json(workloadDocument(world, base, world.workload(params.id))),
  ),
  route('PATCH', 'workloads/:id', { body: workloadChanges }, ({ world, params, body, base }) => {
    const workload = world.workload(params.id);
    if (body.name !== undefined) refuseTakenName(world, body.name, workload);
    workload.name = body.name ?? workload.name;
    if (body.description !== undefined) workload.description = body.description;
    workload.importance = body.importance ?? workload.importance;
    workload.updatedAt = world.now;
    return json(workloadDocument(world, base, workload));
  }),
  route('DELETE', 'workloads/:id', {}, ({ world, params }) => {
    deleteWorkload(world, world.workload(params.id));
    return noContent;
  }),
  route('POST', 'workloads/:id/start', { body: emptyBody }, ({ world, params, base }) => {
    const workload = world.workload(params.id);
    return startWorkload(world, workload)
      ? json(acknowledgement(base, workload, 'Workload is being started'), 202)
      : json(acknowledgement(base, workload, 'Workload is already running or starting'));
  }),
  route('POST', 'workloads/:id/stop', { body: emptyBody }, ({ world, params, base }) => {
    const workload = world.workload(params.id);
    return stopWorkload(world, workload)
      ? json(acknowledgement(base, workload, 'Workload is being stopped'), 202)
      : json(acknowledgement(base, workload, 'Workload is already stopped'));
  }),
  route('POST', 'workloads/:id/promote', { body: emptyBody }, ({ world, params, base }) => {
    const workload = world.workload(params.id);
    promote(world, workload);
    return json(workloadDocument(world, base, workload), world.variants.promoteStatus);
  }),
  route('GET', 'workloads/:id/related', {}, ({ world, params }) => {
    const data = related(world, world.workload(params.id));
    return json({ count: data.length, data });
  }),
  ...sharedRoleRoutes('workloads/:id/sharedRoles', (world, id) => world.workload(id)),
];

function related(world: World, workload: Workload) {
  const artifact = world.artifacts.get(workload.artifactId);
  const repository = artifact === undefined ? undefined : world.repositories.get(artifact.repositoryId);
  return [
    ...(artifact === undefined ? [] : [{ id: artifact.id, type: 'artifact', name: artifact.name }]),
    ...(repository === undefined
      ? []
      : [{ id: repository.id, type: 'artifact_repository', name: repository.name }]),
    ...listed(workload, world.now).map(({ id }) => ({ id, type: 'proton', name: `lrs-${id}` })),
  ];
}

/** How many are up, of how many. */
export const activity = (world: World, workloads: readonly Workload[]) => ({
  active: workloads.filter((each) => isActive(each, world.now)).length,
  total: workloads.length,
});
