import { shortTimestamp } from '../api/answers.ts';
import type { Container, Proton, ProtonStatus } from '../world/entities.ts';
import { planned, statusOf, statusSince } from '../world/protons.ts';
import type { Timings } from '../world/settings.ts';

/** A container as the monitor sees it. */
export interface ContainerState {
  name: string;
  image: string | null;
  status: 'running' | 'waiting' | 'terminated' | 'unknown';
  ready: boolean;
  restartCount: number;
  startedAt: number | null;
  reason: string | null;
  exitCode: number | null;
  message: string | null;
  lastState: {
    status: string;
    reason: string;
    exitCode: number;
    startedAt: number;
    finishedAt: number;
  } | null;
}

const STARTED: readonly ProtonStatus[] = ['running', 'warming', 'draining', 'initializing'];

export function containersOf(proton: Proton, now: number, timings: Timings): ContainerState[] {
  const containers = proton.groups.flatMap((group) => group.containers);
  return containers.map((container, index) => ({
    ...healthy(proton, now),
    ...(container.primary === true ? troubled(proton, container, now, timings) : {}),
    name: `lrs-${proton.id}-${container.name ?? String(index)}`,
    image: container.imageUri,
  }));
}

type Seen = Omit<ContainerState, 'name' | 'image'>;

const WAITING: Seen = {
  status: 'waiting',
  ready: false,
  restartCount: 0,
  startedAt: null,
  reason: 'ContainerCreating',
  exitCode: null,
  message: null,
  lastState: null,
};

function healthy(proton: Proton, now: number): Seen {
  const status = statusOf(proton, now);
  if (STARTED.includes(status)) {
    const startedAt = planned(proton, 'warming', 'running');
    return { ...WAITING, status: 'running', ready: true, startedAt, reason: null };
  }
  if (['stopping', 'stopped', 'terminated'].includes(status)) {
    return { ...WAITING, status: 'terminated', reason: 'Completed', exitCode: 0 };
  }
  return WAITING;
}

/** What the primary container of an unhealthy script shows from `launching` on. */
function troubled(proton: Proton, { imageUri }: Container, now: number, timings: Timings): Partial<Seen> {
  const status = statusOf(proton, now);
  const since = planned(proton, 'launching');
  if (since === null || since > now || (status !== 'launching' && status !== 'errored')) return {};
  switch (proton.script) {
    case 'never-ready':
    case 'silently-dropped':
      return { status: 'running', startedAt: since, reason: null };
    case 'image-pull-failure':
      return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${imageUri}"` };
    case 'crash-loop': {
      const crashes = crashesOf(proton, now, timings);
      const finishedAt = crashes.at(-1);
      if (finishedAt === undefined) return { status: 'running', startedAt: since, reason: null };
      return {
        reason: 'CrashLoopBackOff',
        restartCount: crashes.length,
        message: `back-off restarting failed container of proton ${proton.id}`,
        lastState: {
          status: 'terminated',
          reason: 'Error',
          exitCode: 1,
          startedAt: finishedAt - timings.crashEveryMs / 2,
          finishedAt,
        },
      };
    }
    default:
      return {};
  }
}

function crashesOf(proton: Proton, now: number, { crashEveryMs }: Timings): number[] {
  const since = planned(proton, 'launching');
  if (proton.script !== 'crash-loop' || since === null) return [];
  const stopped = planned(proton, 'stopping', 'stopped', 'terminated') ?? now;
  const count = Math.max(0, Math.floor((Math.min(now, stopped) - since) / crashEveryMs));
  return Array.from({ length: Math.min(count, 1000) }, (_, index) => since + (index + 1) * crashEveryMs);
}

export interface LogLine {
  at: number;
  level: 'info' | 'warning' | 'error';
  message: string;
}

/** What the proton's containers have printed until now, oldest first. */
export function logOf(proton: Proton, now: number, timings: Timings): LogLine[] {
  const launched = planned(proton, 'launching');
  const ready = planned(proton, 'warming', 'running');
  const lines: LogLine[] = [];
  if (launched !== null && proton.script !== 'image-pull-failure') {
    lines.push({ at: launched, level: 'info', message: 'Starting model server' });
  }
  if (proton.script === 'never-ready' && launched !== null) {
    const message = 'Readiness probe: model is not loaded yet';
    lines.push({ at: launched + timings.provisioningMs, level: 'warning', message });
  }
  for (const at of crashesOf(proton, now, timings)) {
    lines.push({ at, level: 'error', message: 'Traceback (most recent call last):' });
    lines.push({ at, level: 'error', message: 'RuntimeError: cannot load model: file is truncated' });
  }
  if (ready !== null) lines.push({ at: ready, level: 'info', message: 'Model loaded, serving' });
  return lines.filter(({ at }) => at <= now);
}

/** A container's last state as the API writes it. */
export const lastStateDocument = (last: NonNullable<ContainerState['lastState']>) => ({
  ...last,
  startedAt: shortTimestamp(last.startedAt),
  finishedAt: shortTimestamp(last.finishedAt),
});

const CONDITIONS = ['PodScheduled', 'PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready'];

export interface Condition {
  type: string;
  value: boolean;
  since: number;
  reason: string | null;
  message: string | null;
}

export function conditionsOf(proton: Proton, now: number, timings: Timings): Condition[] {
  const status = statusOf(proton, now);
  const up = STARTED.includes(status);
  const isOver = status === 'stopped' || status === 'terminated';
  // One that was seeded while it ran has no earlier status.
  const scheduledAt = planned(proton, 'provisioning', 'running');
  const isScheduled = scheduledAt !== null && scheduledAt <= now;
  const unready = containersOf(proton, now, timings).filter(({ ready }) => !ready);
  const message = `containers with unready status: [${unready.map(({ name }) => name).join(' ')}]`;
  return CONDITIONS.map((type) => {
    if (type === 'ContainersReady' || type === 'Ready') {
      const reason = isOver ? 'PodCompleted' : 'ContainersNotReady';
      const unmet = { reason, message: isOver ? null : message };
      const since = statusSince(proton, now);
      return { type, value: up, since, ...(up ? { reason: null, message: null } : unmet) };
    }
    const value = isScheduled && !(isOver && type === 'PodReadyToStartContainers');
    const since = value ? scheduledAt : statusSince(proton, now);
    // It is met, and yet has a reason.
    const reason = isOver && type === 'Initialized' ? 'PodCompleted' : null;
    return { type, value, since, reason, message: null };
  });
}
