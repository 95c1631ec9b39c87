import type {
  Artifact,
  ArtifactSpec,
  ArtifactStatus,
  ArtifactType,
  Build,
  Container,
  Workload,
} from './entities.ts';
import { ApiError, invalid, type World } from './world.ts';

export interface NewArtifact {
  name: string;
  description?: string | undefined;
  type?: ArtifactType | undefined;
  status?: ArtifactStatus | undefined;
  artifactRepositoryId?: string | null | undefined;
  spec: ArtifactSpec;
}

/** Creates a draft, in a repository of its own where none is named. */
export function createArtifact(world: World, input: NewArtifact): Artifact {
  const type = input.type ?? 'service';
  const repositoryId = input.artifactRepositoryId ?? createRepository(world, input.name, type);
  refuseUnknownRepository(world, repositoryId);
  const artifact: Artifact = {
    id: world.id(),
    name: input.name,
    description: input.description ?? '',
    type,
    status: 'draft',
    version: null,
    repositoryId,
    spec: checkedSpec(world, input.spec),
    builds: [],
    roles: [owner(world)],
    createdAt: world.now,
    updatedAt: world.now,
  };
  world.artifacts.set(artifact.id, artifact);
  return artifact;
}

/** POST of an artifact, which can lock it at once. */
export function publishArtifact(world: World, input: NewArtifact): Artifact {
  const locks = input.status === 'locked' && world.variants.lockOnCreation === 'locked';
  if (locks) refuseWithoutImage(input.spec);
  const artifact = createArtifact(world, input);
  if (locks) lock(world, artifact);
  return artifact;
}

export const owner = (world: World) => ({
  id: world.userId,
  name: null,
  role: 'OWNER',
  shareRecipientType: 'user',
});

function refuseUnknownRepository(world: World, id: string): void {
  if (!world.repositories.has(id)) {
    throw invalid('artifactRepositoryId', 'Artifact repository not found', 'invalid');
  }
}

function createRepository(world: World, name: string, type: ArtifactType): string {
  const id = world.id();
  const { now } = world;
  world.repositories.set(id, {
    id,
    name,
    type,
    lastVersionNumber: 0,
    roles: [owner(world)],
    createdAt: now,
    updatedAt: now,
  });
  return id;
}

export interface ArtifactChanges {
  name?: string | undefined;
  description?: string | undefined;
  type?: ArtifactType | undefined;
  status?: ArtifactStatus | undefined;
  artifactRepositoryId?: string | null | undefined;
  spec?: ArtifactSpec | undefined;
}

/** PATCH: a built container without an image keeps the one it has. */
export function patchArtifact(world: World, artifact: Artifact, changes: ArtifactChanges): Artifact {
  const { spec } = changes;
  if (spec === undefined) return changeArtifact(world, artifact, changes);
  if (spec.type !== undefined && world.variants.specType === 'refused') {
    throw invalid('spec.type', 'Extra inputs are not permitted', 'extra_forbidden');
  }
  const containerGroups = spec.containerGroups.map((group) => ({
    ...group,
    containers: group.containers.map((each) => ({
      ...each,
      imageUri: each.imageUri ?? builtImage(artifact, group.name, each.name),
    })),
  }));
  return changeArtifact(world, artifact, { ...changes, spec: { ...spec, containerGroups } });
}

const builtImage = ({ spec }: Artifact, group: string, container: string | null): string | null =>
  toBuild({ containerGroups: spec.containerGroups.filter(({ name }) => name === group) }).find(
    ({ name }) => name === container,
  )?.imageUri ?? null;

/** PATCH and PUT: changes a draft, and locks it last, so that one request can do both. */
export function changeArtifact(world: World, artifact: Artifact, changes: ArtifactChanges): Artifact {
  if (artifact.status === 'locked') {
    const relock = changes.status === 'locked' && Object.keys(changes).length === 1;
    throw new ApiError(relock ? world.variants.relock : 403, 'Cannot update artifact: artifact is locked');
  }
  const spec = changes.spec === undefined ? artifact.spec : checkedSpec(world, changes.spec);
  if (changes.status === 'locked') refuseUnbuilt(world, artifact, spec);
  const repositoryId = changes.artifactRepositoryId ?? artifact.repositoryId;
  refuseUnknownRepository(world, repositoryId);
  artifact.repositoryId = repositoryId;
  artifact.type = changes.type ?? artifact.type;
  artifact.spec = { ...artifact.spec, ...spec };
  artifact.name = changes.name ?? artifact.name;
  artifact.description = changes.description ?? artifact.description;
  artifact.updatedAt = world.now;
  if (changes.status === 'locked') lock(world, artifact);
  return artifact;
}

/** Gives the next version of its repository and makes the artifact immutable. */
export function lock(world: World, artifact: Artifact): void {
  const repository = world.repository(artifact.repositoryId);
  repository.lastVersionNumber += 1;
  repository.updatedAt = world.now;
  artifact.status = 'locked';
  artifact.version = repository.lastVersionNumber;
  artifact.updatedAt = world.now;
}

/** A new draft with the same spec, in the same repository. */
export function cloneArtifact(
  world: World,
  { description, type, repositoryId, spec }: Artifact,
  name: string,
) {
  const copy = structuredClone(spec);
  return createArtifact(world, { name, description, type, artifactRepositoryId: repositoryId, spec: copy });
}

export function deleteArtifact(world: World, artifact: Artifact): void {
  if (artifact.status === 'locked') throw new ApiError(409, 'Cannot delete locked artifact');
  const users = usersOf(world, artifact);
  if (users.length > 0) {
    throw new ApiError(409, `Artifact is in use by workloads: ${users.map(({ id }) => id).join(', ')}`);
  }
  world.artifacts.delete(artifact.id);
}

export function deleteRepository(world: World, id: string): void {
  world.repository(id);
  const members = artifactsIn(world, id);
  const keepsLocked = world.variants.lockedRepository === 409;
  const isKept = (member: Artifact) =>
    (keepsLocked && member.status === 'locked') || usersOf(world, member).length > 0;
  if (members.some(isKept)) {
    throw new ApiError(409, 'Cannot delete artifact repository: an artifact is locked or in use');
  }
  for (const member of members) world.artifacts.delete(member.id);
  world.repositories.delete(id);
}

export const artifactsIn = (world: World, repositoryId: string) =>
  [...world.artifacts.values()].filter((artifact) => artifact.repositoryId === repositoryId);

const usersOf = (world: World, { id }: Artifact): Workload[] =>
  [...world.workloads.values()].filter(
    (workload) => workload.artifactId === id || workload.replacement?.candidateArtifactId === id,
  );

/** The rules that the shape alone does not show: one primary container in each group, and it alone has a port. */
function checkedSpec(world: World, spec: ArtifactSpec): ArtifactSpec {
  for (const [index, group] of spec.containerGroups.entries()) {
    const path = `spec.containerGroups.${index}.containers`;
    const [only] = group.containers;
    if (group.containers.length === 1 && only !== undefined) only.primary ??= true;
    if (group.containers.filter(({ primary }) => primary === true).length !== 1) {
      throw invalid(path, 'Exactly one container of a group must be primary');
    }
    for (const container of group.containers) checkContainer(world, path, container);
  }
  return spec;
}

function checkContainer(world: World, path: string, container: Container & { port?: number | null }): void {
  const hasPort = container.port !== undefined && container.port !== null;
  if (container.primary === true && !hasPort) throw invalid(path, 'The primary container must have a port');
  if (container.primary !== true && hasPort)
    throw invalid(path, 'Only the primary container may have a port');
  const { imageUri, imageBuildConfig } = container;
  if (imageUri === null && imageBuildConfig === null) {
    throw invalid(path, 'Either imageUri or imageBuildConfig is required');
  }
  const { allowedImages } = world.settings;
  if (imageUri === null || allowedImages.length === 0) return;
  if (!allowedImages.some((prefix) => imageUri.startsWith(prefix))) {
    throw new ApiError(422, `Image URI '${imageUri}' is not permitted on this cluster.`);
  }
}

const codeKey = ({ imageBuildConfig }: Container) => {
  const code = imageBuildConfig?.codeRef?.datarobot;
  return code === undefined ? 'no-code' : `${code.catalogId}/${code.catalogVersionId}`;
};

const toBuild = (spec: ArtifactSpec) =>
  spec.containerGroups
    .flatMap(({ containers }) => containers)
    .filter((each) => each.imageBuildConfig !== null);

/** Whether each container has an image that can run. */
export const isRunnable = ({ spec }: Artifact) =>
  spec.containerGroups.every(({ containers }) => containers.every(({ imageUri }) => imageUri !== null));

const UNBUILT = 'Cannot lock artifact: trigger and complete an image build first';

function refuseWithoutImage(spec: ArtifactSpec): void {
  if (toBuild(spec).some(({ imageUri }) => imageUri === null)) throw new ApiError(422, UNBUILT);
}

function refuseUnbuilt(world: World, artifact: Artifact, spec: ArtifactSpec): void {
  if (artifact.builds.some((build) => !/COMPLETED|CANCELLED/.test(buildStatus(world, build)))) {
    throw new ApiError(422, UNBUILT);
  }
  refuseWithoutImage(spec);
}

/** One build for each distinct code reference; its image is there when it is completed. */
export function startBuilds(world: World, artifact: Artifact): Build[] {
  if (artifact.status === 'locked') throw new ApiError(403, 'Cannot build artifact: artifact is locked');
  const containers = toBuild(artifact.spec);
  if (containers.length === 0) throw new ApiError(422, 'Artifact has no container with an imageBuildConfig');
  return [...new Set(containers.map(codeKey))].map((key) => {
    const build: Build = { id: world.id(), codeKey: key, createdAt: world.now, cancelledAt: null };
    artifact.builds.push(build);
    world.at(world.now + world.timings.buildMs, () => fillImages(artifact, build));
    return build;
  });
}

function fillImages(artifact: Artifact, build: Build): void {
  if (build.cancelledAt !== null || artifact.status === 'locked') return;
  for (const container of toBuild(artifact.spec).filter((each) => codeKey(each) === build.codeKey)) {
    container.imageUri = `registry.invalid/built:${build.id}`;
  }
}

/** `BUILT` comes last before `COMPLETED`, and is not deployable yet. */
export function buildStatus(world: World, { createdAt, cancelledAt }: Build): string {
  if (cancelledAt !== null) return 'CANCELLED';
  const share = (world.now - createdAt) / world.timings.buildMs;
  if (share >= 1) return 'COMPLETED';
  if (share >= 0.9) return 'BUILT';
  return share >= 0.1 ? 'IN_PROGRESS' : 'PENDING';
}
