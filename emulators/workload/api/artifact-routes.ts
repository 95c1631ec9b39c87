import {
  buildStatus,
  changeArtifact,
  cloneArtifact,
  deleteArtifact,
  deleteRepository,
  patchArtifact,
  publishArtifact,
  startBuilds,
} from '../world/artifacts.ts';
import type { Artifact, Build } from '../world/entities.ts';
import { ApiError, invalid, type World } from '../world/world.ts';
import { json, noContent, page, timestamp, user } from './answers.ts';
import { artifactChanges, cloneRequest, emptyBody, newArtifact, wholeArtifact } from './bodies.ts';
import { artifactFilters, found, ordered, paging, repositoryFilters, sharedRoleRoutes } from './lists.ts';
import { type Route, route } from './router.ts';
import { artifactDocument, repositoryDocument } from './shapes.ts';

export const artifactRoutes: Route[] = [
  route('GET', 'artifacts', { query: { ...paging, ...artifactFilters } }, ({ world, query, url }) => {
    const all = [...world.artifacts.values()]
      .filter((each) => found(world, each, query))
      .filter(({ type }) => query.type === undefined || query.type.includes(type))
      .filter(({ status }) => query.status === undefined || query.status.includes(status))
      .filter((each) => query.repositoryId === undefined || each.repositoryId === query.repositoryId)
      .map((each) => artifactDocument(world, each));
    return json(page(ordered(all, query.orderBy), { url, ...query }));
  }),
  route('POST', 'artifacts', { body: newArtifact }, ({ world, body }) =>
    json(artifactDocument(world, publishArtifact(world, body)), 201),
  ),
  route('GET', 'artifacts/:id', {}, ({ world, params }) =>
    json(artifactDocument(world, world.artifact(params.id))),
  ),
  route('PATCH', 'artifacts/:id', { body: artifactChanges }, ({ world, params, body }) =>
    json(artifactDocument(world, patchArtifact(world, world.artifact(params.id), body))),
  ),
  route('PUT', 'artifacts/:id', { body: wholeArtifact }, ({ world, params, body }) =>
    json(artifactDocument(world, changeArtifact(world, world.artifact(params.id), body))),
  ),
  route('DELETE', 'artifacts/:id', {}, ({ world, params }) => {
    deleteArtifact(world, world.artifact(params.id));
    return noContent;
  }),
  route('POST', 'artifacts/:id/clone', { body: cloneRequest }, ({ world, params, body }) =>
    json(
      artifactDocument(world, cloneArtifact(world, world.artifact(params.id), body.name)),
      world.variants.cloneStatus,
    ),
  ),
  ...sharedRoleRoutes('artifacts/:id/sharedRoles', (world, id) => world.artifact(id)),
];

export const buildRoutes: Route[] = [
  route('POST', 'artifacts/:id/builds', { body: emptyBody }, ({ world, params }) =>
    json({ buildIds: startBuilds(world, world.artifact(params.id)).map(({ id }) => id) }, 202),
  ),
  route('GET', 'artifacts/:id/builds', { query: paging }, ({ world, params, query, url }) => {
    const artifact = world.artifact(params.id);
    const builds = artifact.builds.map((build) => buildDocument(world, artifact, build));
    return json(page(builds, { url, ...query }));
  }),
  route('GET', 'artifacts/:id/builds/:build', {}, ({ world, params }) => {
    const artifact = world.artifact(params.id);
    return json(buildDocument(world, artifact, buildOf(artifact, params.build)));
  }),
  route('GET', 'artifacts/:id/builds/:build/logs', {}, ({ world, params }) => {
    const build = buildOf(world.artifact(params.id), params.build);
    const line = {
      asctime: timestamp(build.createdAt),
      levelname: 'INFO',
      name: 'build',
      message: `Build is ${buildStatus(world, build)}`,
      build_id: build.id,
    };
    return { status: 200, body: `${JSON.stringify(line)}\n`, type: 'text/plain; charset=utf-8' };
  }),
  route('DELETE', 'artifacts/:id/builds/:build', {}, ({ world, params }) => {
    const build = buildOf(world.artifact(params.id), params.build);
    if (buildStatus(world, build) !== 'COMPLETED') build.cancelledAt ??= world.now;
    return noContent;
  }),
];

function buildOf(artifact: Artifact, id: string): Build {
  if (!/^[0-9a-f]{24}$/.test(id)) throw invalid('buildId', 'Input should be an ObjectId', 'value_error');
  const build = artifact.builds.find((each) => each.id === id);
  if (build === undefined) throw new ApiError(404, 'Build not found');
  return build;
}

function buildDocument(world: World, artifact: Artifact, build: Build) {
  return {
    id: build.id,
    name: `Build of ${artifact.name}`,
    artifactId: artifact.id,
    status: buildStatus(world, build),
    creator: user(world),
    createdAt: timestamp(build.createdAt),
    updatedAt: timestamp(build.cancelledAt ?? build.createdAt),
  };
}

export const repositoryRoutes: Route[] = [
  route(
    'GET',
    'artifactRepositories',
    { query: { ...paging, ...repositoryFilters } },
    ({ world, query, url }) => {
      const all = [...world.repositories.values()]
        .filter((each) => found(world, { description: '', ...each }, query))
        .filter(({ type }) => query.type === undefined || query.type.includes(type))
        .map((each) => repositoryDocument(world, each));
      return json(page(ordered(all, query.orderBy), { url, ...query }));
    },
  ),
  route('GET', 'artifactRepositories/:id', {}, ({ world, params }) =>
    json(repositoryDocument(world, world.repository(params.id))),
  ),
  route('DELETE', 'artifactRepositories/:id', {}, ({ world, params }) => {
    deleteRepository(world, params.id);
    return noContent;
  }),
  ...sharedRoleRoutes('artifactRepositories/:id/sharedRoles', (world, id) => world.repository(id)),
];
