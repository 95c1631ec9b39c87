import { activeDetails } from '../monitor/documents.ts';
import { counted, quantile, statistics, total } from '../monitor/traffic.ts';
import { artifactsIn, buildStatus } from '../world/artifacts.ts';
import type { Artifact, Replacement, Repository, Workload, WorkloadEvent } from '../world/entities.ts';
import { activeProton, workloadStatus } from '../world/protons.ts';
import { writeRuntime } from '../world/runtime.ts';
import { visibleReplacement } from '../world/workloads.ts';
import type { World } from '../world/world.ts';
import { endpointOf, timestamp, timestampOrNull, user } from './answers.ts';

/** Entities as the API writes them. */
const ALL = [
  'CAN_VIEW',
  'CAN_UPDATE',
  'CAN_DELETE',
  'CAN_SHARE',
  'CAN_MAKE_PREDICTIONS',
  'CAN_SHARE_ROLE_OWNER',
];

export function artifactDocument(world: World, artifact: Artifact) {
  const { id, name, description, type, status, version, repositoryId, createdAt, updatedAt } = artifact;
  return {
    id,
    name,
    description,
    type,
    status,
    version,
    artifactRepositoryId: repositoryId,
    spec: specDocument(world, artifact),
    createdAt: timestamp(createdAt),
    updatedAt: timestamp(updatedAt),
    creator: user(world),
    tags: [],
    permissions: ALL,
  };
}

/** The server sets each container's latest build. */
function specDocument(world: World, { spec: kept, type, builds }: Artifact) {
  const { type: _, ...fields } = kept;
  const spec = world.variants.specType === 'refused' ? { ...fields, type } : fields;
  const last = builds.at(-1);
  if (last === undefined) return spec;
  const createdAt = timestamp(last.createdAt);
  const build = { artifactImageBuildId: last.id, status: buildStatus(world, last), createdAt };
  const containerGroups = spec.containerGroups.map((group) => ({
    ...group,
    containers: group.containers.map((each) => (each.imageBuildConfig === null ? each : { ...each, build })),
  }));
  return { ...spec, containerGroups };
}

export const repositoryDocument = (world: World, repository: Repository) => ({
  id: repository.id,
  name: repository.name,
  type: repository.type,
  numArtifacts: artifactsIn(world, repository.id).length,
  lastVersionNumber: repository.lastVersionNumber,
  tags: [],
  permissions: ALL,
  creator: user(world),
  createdAt: timestamp(repository.createdAt),
  updatedAt: timestamp(repository.updatedAt),
});

export function workloadDocument(world: World, base: string, workload: Workload, withStats = false) {
  const artifact = world.artifacts.get(workload.artifactId);
  const active = activeProton(workload, world.now);
  const { id, name, description, importance, type, artifactId, createdAt, updatedAt } = workload;
  const lastServed = workload.served.at(-1);
  return {
    id,
    name,
    description,
    status: workloadStatus(workload, world.now),
    importance,
    type,
    artifactId,
    artifact: artifact === undefined ? null : artifactSummary(artifact),
    protonId: active?.id ?? null,
    endpoint: endpointOf(base, id),
    runtime: writeRuntime(world, workload.runtime),
    replacement: replacementSummary(world, workload),
    statusDetails: active === undefined ? null : activeDetails(world, active),
    requestStats: withStats ? requestStats(world, workload) : null,
    lastResponse: lastServed === undefined ? null : timestamp(lastServed.at),
    owners: [user(world)],
    permissions: ALL,
    tags: [],
    creator: user(world),
    createdAt: timestamp(createdAt),
    updatedAt: timestamp(updatedAt),
  };
}

const artifactSummary = ({ id, name, type, status, version, repositoryId }: Artifact) => ({
  id,
  name,
  type,
  status,
  version,
  artifactRepositoryId: repositoryId,
});

/** The Workload's field about a replacement that is in progress or has failed; null once it is completed. */
function replacementSummary(world: World, workload: Workload) {
  const replacement = visibleReplacement(world, workload);
  if (replacement === null || replacement.state === 'completed') return null;
  const { id, status, strategy, candidateProtonIds, candidateArtifactId, config, message, workloadId } =
    replacementDocument(world, replacement);
  return { id, workloadId, status, strategy, candidateProtonIds, candidateArtifactId, config, message };
}

const DAY_MS = 86_400_000;
const BUCKETS = 7;

function requestStats(world: World, workload: Workload) {
  const served = counted(world, workload, { start: 0, end: world.now });
  const days = Array.from({ length: BUCKETS }, (_, index) => {
    const end = world.now - (BUCKETS - 1 - index) * DAY_MS;
    return served.filter(({ at }) => at > end - DAY_MS && at <= end);
  });
  const measure = { minutes: (BUCKETS * DAY_MS) / 60_000, share: 0.5, slowMs: 2000 };
  const rate = (each: typeof served) => statistics(world, each, measure).totalErrorRate;
  return {
    totalRequests: total(served),
    concurrentRequests: 0,
    responseTime: quantile(served, 0.5),
    errorRate: rate(served),
    errorRates: days.map(rate),
    requestRates: days.map((day) => total(day) / (DAY_MS / 60_000)),
    lastRequestAt: timestampOrNull(served.at(-1)?.at ?? null),
  };
}

const words: Record<
  World['variants']['replacementStatuses'],
  Partial<Record<Replacement['state'], string>>
> = {
  tutorial: { staged: 'initializing' },
  terraform: { deleting: 'canceling' },
  openapi: { staged: 'awaiting_promotion', promoting: 'switching', finalizing: 'cleaning_up' },
};

function replacementStatus({ variants }: World, state: Replacement['state']): string {
  if (state === 'errored') return variants.replacementFailure;
  return words[variants.replacementStatuses][state] ?? state;
}

export function replacementDocument(world: World, replacement: Replacement) {
  const { id, workloadId, candidateArtifactId, state, config, message, switchedAt, deletedAt } = replacement;
  const isUnnamed = replacement.isSettingsChange && world.variants.settingsCandidate === 'absent';
  return {
    id,
    name: `Replacement for workload ${workloadId} - rolling strategy artifact ${candidateArtifactId}`,
    workloadId,
    candidateArtifactId: isUnnamed ? null : candidateArtifactId,
    candidateProtonIds: replacement.candidateProtonIds,
    previousProtonIds: replacement.previousProtonIds,
    status: replacementStatus(world, state),
    strategy: 'rolling' as const,
    config,
    runtime: writeRuntime(world, replacement.runtime),
    message,
    switchedAt: timestampOrNull(switchedAt),
    createdAt: timestamp(replacement.createdAt),
    updatedAt: timestamp(replacement.updatedAt),
    userId: world.userId,
    tenantId: world.tenantId,
    isDeleted: deletedAt !== null,
    deletedAt: timestampOrNull(deletedAt),
    healthCheckErrorCount: 0,
  };
}

export const eventDocument = (world: World, workloadId: string, event: WorkloadEvent) => ({
  id: event.id,
  workloadId,
  timestamp: timestamp(event.timestamp),
  eventType: event.eventType,
  actorId: world.userId,
  details: {
    replacementId: event.id,
    artifactId: event.artifactId,
    message: event.message,
    candidateProtonIds: event.candidateProtonIds,
    protonStatuses: event.protonStatuses,
  },
});
