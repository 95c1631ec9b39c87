import { WATCH_MAX_CALLS } from '../../domain/limits.ts';
import { MONITOR_TAG, ownerOf, type Registry } from '../../domain/registry.ts';
import { activeProtons, candidateProtons } from '../../domain/rollout/rules.ts';
import { WorkloadApiRefused } from '../../domain/serving/errors.ts';
import type { Proton, Stats, Workloads } from '../../domain/serving/workloads.ts';
import { beforeUntil, platformBlocks } from '../../domain/watch/advance.ts';
import { HOUR_MS } from '../../domain/watch/block.ts';
import { countedUntil, hourOf, missingHours, withHour } from '../../domain/watch/hours.ts';
import type { WatchItem } from '../../domain/watch/item.ts';
import { blocksInTags, MONITORED_BEFORE, monitorIn } from '../../domain/watch/monitor.ts';
import { log, logError } from '../../runtime/log.ts';
import type { ReadingServices } from '../../runtime/reading-services.ts';
import type { CloseServices } from './close-execution.ts';

/** The sources of a watch: the platform's hourly counts, and the blocks in the tags of a run. */

/** Protons of one artifact that are asked for: those that serve it, and some that have. */
const MAX_PROTONS = 8;
/** Past replacements that are looked at, the newest. */
const MAX_PAST = 10;

/** What the sources have. */
interface BlocksRead extends Pick<WatchItem, 'hours' | 'before'> {
  readonly blocks: readonly unknown[];
  /** False where a source was away, or more hours are to be asked for. */
  readonly isWhole: boolean;
  readonly owner: string | null;
}

/**
 * Reads both sources, each as far as it answers. The hours of the live release are read whether it is watched or not: the next
 * one is compared with them. Never throws.
 */
export async function readBlocks(
  model: string,
  item: WatchItem,
  until: number,
  services: ReadingServices & CloseServices,
): Promise<BlocksRead> {
  const platform = await readPlatform(model, item, until, services);
  const read = { ...item, ...platform.hours };
  const monitor = await readMonitor(model, item, services);
  return {
    ...platform.hours,
    blocks: [...platformBlocks(read), ...(monitor?.blocks ?? [])],
    isWhole: platform.isWhole && monitor !== null,
    owner: monitor?.owner ?? null,
  };
}

/** Asks for the hours that are missing: of the replaced release first, as the live one is compared with them. */
async function readPlatform(
  model: string,
  item: WatchItem,
  until: number,
  { workloads, clock }: ReadingServices & CloseServices,
): Promise<{ hours: Pick<WatchItem, 'hours' | 'before'>; isWhole: boolean }> {
  const hours = { hours: item.hours, before: item.before };
  if (item.hours === null) return { hours, isWhole: true };
  const end = countedUntil(clock.now());
  const parts = [
    ['before', Math.min(beforeUntil(item), end)],
    ['hours', end],
  ] as const;
  if (parts.every(([part, last]) => hours[part] === null || missingHours(hours[part], last).length === 0))
    return { hours, isWhole: true };
  try {
    const api = workloads();
    // Listed once, and followed by artifact: a change of settings replaces the protons of the same artifact.
    const protons = await api.protons(item.hours.workload_id);
    let calls = 0;
    for (const [part, last] of parts) {
      const of = hours[part];
      if (of === null) continue;
      const listed = protonsOf(protons, of.artifact_id);
      const isGone = part === 'before' && listed.length === 0;
      const serving = isGone ? await replacedProtons(api, item.hours) : listed;
      for (const index of missingHours(of, last)) {
        if (calls >= WATCH_MAX_CALLS || clock.now().getTime() >= until) return { hours, isWhole: false };
        calls += serving.length;
        hours[part] = withHour(
          hours[part] ?? of,
          index,
          await countHour(api, of.workload_id, serving, index),
        );
      }
    }
    return { hours, isWhole: true };
  } catch (error) {
    if (error instanceof WorkloadApiRefused) {
      log().warn('the platform refuses the statistics of a release', { model, error: logError(error) });
      return { hours, isWhole: true };
    }
    log().error('the platform could not be asked about a release', { model, error: logError(error) });
    return { hours, isWhole: false };
  }
}

/** The protons that serve an artifact or have served it, the former first. Clients do not reach a candidate. */
function protonsOf(protons: readonly Proton[], artifact: string): { id: string; isActive: boolean }[] {
  const own = protons.filter(({ artifactId }) => artifactId === artifact);
  const candidates = new Set(candidateProtons(own));
  const active = new Set(activeProtons(own));
  return own
    .filter((proton) => !candidates.has(proton))
    .map((proton) => ({ id: proton.id, isActive: active.has(proton) }))
    .sort((a, b) => Number(b.isActive) - Number(a.isActive))
    .slice(0, MAX_PROTONS);
}

/** The protons that the live artifact has replaced: they leave the list soon after, and are named by the history. */
async function replacedProtons(
  api: Workloads,
  { workload_id, artifact_id }: Pick<NonNullable<WatchItem['hours']>, 'workload_id' | 'artifact_id'>,
): Promise<{ id: string; isActive: boolean }[]> {
  const past = await api.history(workload_id, MAX_PAST);
  const last = past.find(({ candidateArtifactId }) => candidateArtifactId === artifact_id);
  return (last?.previousProtonIds ?? []).slice(0, MAX_PROTONS).map((id) => ({ id, isActive: false }));
}

/** The requests of an hour over all protons; null where one that serves cannot be asked, or there is none. */
async function countHour(
  api: Workloads,
  workload: string,
  protons: readonly { id: string; isActive: boolean }[],
  index: number,
): Promise<Stats | null> {
  // Both ends of a period belong to it.
  const period = { start: new Date(index * HOUR_MS), end: new Date((index + 1) * HOUR_MS - 1) };
  let sum: Stats | null = null;
  for (const { id, isActive } of protons) {
    try {
      const stats = await api.stats(workload, id, period);
      sum = sum === null ? stats : added(sum, stats);
    } catch (error) {
      if (!(error instanceof WorkloadApiRefused)) throw error;
      if (isActive) return null;
    }
  }
  return sum;
}

const added = (a: Stats, b: Stats): Stats => ({
  totalRequests: a.totalRequests + b.totalRequests,
  userErrors: a.userErrors + b.userErrors,
  serverErrors: a.serverErrors + b.serverErrors,
  slowRequests: a.slowRequests + b.slowRequests,
  responseTime: Math.max(a.responseTime, b.responseTime),
});

/** The blocks in the tags of the run that the registered model names; null where MLflow is away. */
async function readMonitor(
  model: string,
  { state }: WatchItem,
  { registry, clock }: ReadingServices & CloseServices,
): Promise<{ blocks: readonly unknown[]; owner: string | null } | null> {
  if (state === null) return { blocks: [], owner: null };
  try {
    const mlflow: Pick<Registry, 'getModel' | 'getRun'> = registry().registry;
    const found = await mlflow.getModel(model);
    const run = monitorIn(found?.tags[MONITOR_TAG]);
    const tags = run === null ? {} : ((await mlflow.getRun(run))?.tags ?? {});
    const from = hourOf(state.switched_at) - MONITORED_BEFORE;
    const blocks = blocksInTags(tags, { from, to: hourOf(clock.now()) });
    return { blocks, owner: found === null ? null : ownerOf(found) };
  } catch (error) {
    log().error('the outcomes of a release could not be read', { model, error: logError(error) });
    return null;
  }
}
