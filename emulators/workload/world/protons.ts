import type {
  Artifact,
  Container,
  Proton,
  ProtonStatus,
  Runtime,
  Workload,
  WorkloadStatus,
} from './entities.ts';
import { type Script, scripts } from './settings.ts';
import type { World } from './world.ts';

export const primaryOf = (groups: Proton['groups']): Container | undefined =>
  groups.flatMap(({ containers }) => containers).find(({ primary }) => primary === true);

/** The script set for the artifact's id, name or image; else the one that the image's tag names; else healthy. */
function scriptOf(world: World, { id, name, spec }: Artifact): Script {
  const image = primaryOf(spec.containerGroups)?.imageUri ?? '';
  const tag = image.slice(image.lastIndexOf(':') + 1);
  const byTag = scripts.find((script) => script === tag);
  return world.scripts.get(id) ?? world.scripts.get(name) ?? world.scripts.get(image) ?? byTag ?? 'healthy';
}

export interface Launch {
  workload: Workload;
  artifact: Artifact;
  role: 'active' | 'candidate';
  runtime: Runtime;
  warmupMs: number;
}

/** Creates a proton and schedules its states; only a stop or a switch changes them. */
export function launch(world: World, { workload, artifact, role, runtime, warmupMs }: Launch): Proton {
  const script = scriptOf(world, artifact);
  const proton: Proton = {
    id: world.id(),
    workloadId: workload.id,
    artifactId: artifact.id,
    role,
    groups: structuredClone(artifact.spec.containerGroups),
    runtime: structuredClone(runtime),
    script,
    plan: planOf(world, role === 'active' && script === 'silently-dropped' ? 'healthy' : script, warmupMs),
    createdAt: world.now,
    removedAt: null,
  };
  workload.protons.push(proton);
  return proton;
}

function planOf(world: World, script: Script, warmupMs: number): Proton['plan'] {
  const { now, timings } = world;
  const ready = now + (script === 'slow' ? timings.slowStartMs : timings.readyMs);
  const start: Proton['plan'] = [
    { at: now, status: 'submitted' },
    { at: now + timings.provisioningMs, status: 'provisioning' },
    { at: now + timings.launchingMs, status: 'launching' },
  ];
  switch (script) {
    case 'never-ready':
    case 'silently-dropped':
      return start;
    case 'crash-loop':
    case 'image-pull-failure':
      return [...start, { at: now + timings.giveUpMs, status: 'errored' }];
    default:
      if (warmupMs > 0) start.push({ at: ready, status: 'warming' });
      return [...start, { at: ready + warmupMs, status: 'running' }];
  }
}

/** When it is, or will be, in a status for the first time. */
export const planned = ({ plan }: Proton, ...wanted: ProtonStatus[]): number | null =>
  plan.find(({ status }) => wanted.includes(status))?.at ?? null;

export const statusOf = ({ plan }: Proton, now: number): ProtonStatus =>
  plan.findLast(({ at }) => at <= now)?.status ?? 'unknown';

/** When it took the status that it has. */
export const statusSince = ({ plan, createdAt }: Proton, now: number): number =>
  plan.findLast(({ at }) => at <= now)?.at ?? createdAt;

/** Replaces all scheduled states. */
export function replan(proton: Proton, now: number, ...next: Proton['plan']): void {
  proton.plan = [...proton.plan.filter(({ at }) => at <= now), ...next];
}

/** Stops it at a time, by default now; it is removed from the lists some time later. */
export function stop(
  world: World,
  proton: Proton,
  end: 'stopped' | 'terminated' = 'stopped',
  from = world.now,
) {
  const { stopMs, retiredListedMs } = world.timings;
  if (isGone(statusOf(proton, world.now))) return;
  const draining: Proton['plan'] = from > world.now ? [{ at: world.now, status: 'draining' }] : [];
  replan(
    proton,
    world.now,
    ...draining,
    { at: from, status: 'stopping' },
    { at: from + stopMs, status: end },
  );
  if (proton.role !== 'active') proton.removedAt = from + stopMs + retiredListedMs;
}

const isGone = (status: ProtonStatus) => status === 'stopped' || status === 'terminated';
const isUp = (status: ProtonStatus) => !isGone(status) && status !== 'stopping';
const isReady = (status: ProtonStatus) =>
  status === 'running' || status === 'warming' || status === 'draining' || status === 'initializing';

/** A stopped proton has no role. */
export const roleOf = (proton: Proton, now: number) => (isGone(statusOf(proton, now)) ? null : proton.role);

export const listed = ({ protons }: Workload, now: number) =>
  protons.filter(({ removedAt }) => removedAt === null || removedAt > now);

/** The protons that serve clients now or after the switch. */
export const activeProtons = ({ protons }: Workload, now: number) =>
  protons.filter((proton) => proton.role === 'active' && isUp(statusOf(proton, now)));

/** The active proton, until it is stopped. */
export const activeProton = ({ protons }: Workload, now: number): Proton | undefined =>
  protons.findLast((proton) => roleOf(proton, now) === 'active');

export const canServe = (proton: Proton, now: number) => isReady(statusOf(proton, now));

/** A script's candidate is good until it has become the active one. */
export const isSpoilt = ({ script, role }: Proton) => script === 'bad-after-switch' && role === 'active';

const projection: Partial<Record<ProtonStatus, WorkloadStatus>> = {
  initializing: 'launching',
  restarting: 'launching',
  warming: 'running',
  draining: 'running',
};

/** The Workload's status: that of the active proton, with names that only protons have replaced. */
export function workloadStatus(workload: Workload, now: number): WorkloadStatus {
  const lead =
    activeProton(workload, now) ??
    workload.protons.findLast((proton) => roleOf(proton, now) === 'candidate') ??
    workload.protons.findLast(({ role }) => role === 'active');
  if (lead === undefined) return 'unknown';
  const status = statusOf(lead, now);
  return projection[status] ?? (status as WorkloadStatus);
}

/** A stopped, terminated or errored Workload keeps no draft artifact for itself. */
export const isActive = (workload: Workload, now: number) =>
  !['stopped', 'terminated', 'errored', 'unknown'].includes(workloadStatus(workload, now));
