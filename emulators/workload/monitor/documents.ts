import { endpointOf, shortTimestamp, timestamp, user } from '../api/answers.ts';
import type { Proton, ProtonStatus } from '../world/entities.ts';
import { roleOf, statusOf, statusSince } from '../world/protons.ts';
import { writeRuntime } from '../world/runtime.ts';
import type { World } from '../world/world.ts';
import { conditionsOf, containersOf, lastStateDocument, logOf } from './containers.ts';

/** Protons as API documents, with the status details of the monitor. */
const LOG_TAIL = 20;

export function protonDocument(world: World, base: string, proton: Proton) {
  const { id, workloadId, artifactId, createdAt, groups } = proton;
  const status = statusOf(proton, world.now);
  const since = statusSince(proton, world.now);
  const whole = endpointOf(base, workloadId);
  const images = groups.flatMap(({ containers }) =>
    containers.map((each) => [each.name ?? 'default', each.imageUri]),
  );
  const runs = status === 'running' || status === 'warming' || status === 'draining';
  const runningSince = proton.plan.find((each) => each.status === 'running' || each.status === 'warming')?.at;
  return {
    id,
    name: world.artifacts.get(artifactId)?.name ?? `lrs-${id}`,
    workloadId,
    artifactId,
    role: roleOf(proton, world.now),
    status,
    runtime: writeRuntime(world, proton.runtime),
    endpoint: `${world.variants.protonEndpoint === 'slash' ? whole : whole.slice(0, -1)}?protonId=${id}`,
    runningSince: runs && runningSince !== undefined ? timestamp(runningSince) : null,
    creator: user(world),
    createdAt: timestamp(createdAt),
    updatedAt: timestamp(since),
    deployedImages: Object.fromEntries(images),
    ...(world.variants.protonDetails === 'embedded'
      ? { statusDetails: { logTail: logTail(world, proton) } }
      : {}),
  };
}

/** Null until the monitor's first report. The log's last lines stand beside the replicas. */
export function statusDetailsDocument(world: World, proton: Proton) {
  if (!isReported(world, proton)) return null;
  const state = statusOf(proton, world.now);
  const group = proton.runtime.containerGroups[0];
  const wanted = group?.replicaCount ?? Math.max(1, group?.autoscaling?.minReplicaCount ?? 1);
  // What has ended keeps one of its replicas.
  const count = isOver(state) ? 1 : wanted;
  return {
    overallStatus: {
      state,
      summary: `Workload is in state ${state} based on pod states`,
      lastUpdated: shortTimestamp(
        Math.max(statusSince(proton, world.now), proton.createdAt + world.timings.firstReportMs),
      ),
    },
    replicas: Array.from({ length: count }, (_, index) => replica(world, proton, index)),
    logTail: logTail(world, proton),
  };
}

function replica(world: World, proton: Proton, index: number) {
  const state = statusOf(proton, world.now);
  const up = state === 'running' || state === 'warming' || state === 'draining' || state === 'stopping';
  const started = up || proton.script === 'never-ready' || proton.script === 'crash-loop';
  const absent = absentText(world);
  return {
    name: `lrs-${proton.id}-5f6d7c8b9-${String(index).padStart(5, '0')}`,
    status: isOver(state) ? 'succeeded' : started ? 'running' : 'pending',
    address: `10.0.0.${index + 7}`,
    nodeAddress: '10.0.0.1',
    startedAt: shortTimestamp(proton.createdAt),
    conditions: conditions(world, proton),
    containers: containersOf(proton, world.now, world.timings).map(
      ({ startedAt, lastState, ...container }) => ({
        ...container,
        reason: container.reason ?? absent,
        message: container.message ?? absent,
        startedAt: startedAt === null ? null : shortTimestamp(startedAt),
        lastState: lastState === null ? null : { ...lastStateDocument(lastState), message: absent },
      }),
    ),
  };
}

const isOver = (state: ProtonStatus) => state === 'stopped' || state === 'terminated';

const absentText = ({ variants }: World) => (variants.absentTexts === 'empty' ? '' : null);

const conditions = (world: World, proton: Proton) =>
  conditionsOf(proton, world.now, world.timings).map(({ type, value, since, reason, message }) =>
    world.variants.conditions === 'captured'
      ? {
          type,
          value,
          lastTransitionTime: shortTimestamp(since),
          reason: reason ?? absentText(world),
          message: message ?? absentText(world),
        }
      : { type, met: value, since: shortTimestamp(since) },
  );

/** What a Workload's document says of its active proton; null until the first report. */
export function activeDetails(world: World, proton: Proton) {
  if (!isReported(world, proton)) return null;
  return { logTail: logTail(world, proton), conditions: conditions(world, proton) };
}

const isReported = (world: World, { createdAt }: Proton) =>
  world.now >= createdAt + world.timings.firstReportMs;

const logTail = (world: World, proton: Proton) =>
  logOf(proton, world.now, world.timings)
    .slice(-LOG_TAIL)
    .map(({ message }) => message);
