import type { PromotionStore } from '../../adapters/aws/promotion-table.ts';
import type { Ending } from '../../domain/outcome/outcome-schema.ts';
import { champions, type Registry, type RegistryMode } from '../../domain/registry.ts';
import { isKnown, type Look, pictureOf } from '../../domain/release/look.ts';
import { isInStep } from '../../domain/release/opening.ts';
import type { ModelItem } from '../../domain/release/release.ts';
import type { Workloads } from '../../domain/serving/workloads.ts';
import { log, logError } from '../../runtime/log.ts';
import { readRegistry, readServing, workloadOf } from './look.ts';

export interface ReadingServices {
  store: PromotionStore;
  /** Created on first use, as are the Workloads: what is not needed is not connected to. */
  registry: () => { registry: Registry; mode: RegistryMode };
  workloads: () => Workloads;
}

/** What both sides and the item show, as far as they could be read. */
export interface BothSidesRead {
  /** Null if the table could not be read, or there is none. */
  readonly item: ModelItem | null;
  /** Null if a side could not be read, or the model does not exist. */
  readonly look: Look | null;
  readonly ending: Ending;
}

/**
 * Reads the item and both sides, to say what they show. What cannot be read is listed as unread: never throws, so that
 * people are told whatever is away.
 */
export async function readBothSides(model: string, services: ReadingServices): Promise<BothSidesRead> {
  const unread: Ending['unread'] = [];
  const orNull = async <T>(part: Ending['unread'][number], read: () => Promise<T>): Promise<T | null> => {
    try {
      return await read();
    } catch (error) {
      log().warn('could not read what is in service', { part, error: logError(error) });
      unread.push(part);
      return null;
    }
  };
  const { store } = services;
  const item = store.keepsItems ? await orNull('table', () => store.readItem(model)) : null;
  const view = await orNull('registry', async () => readRegistry(services.registry().registry, model));
  const workload = view === null || item === null ? null : workloadOf(null, item, view);
  const serving =
    workload === null ? null : await orNull('workload', () => readServing(services.workloads(), workload));
  const complete = view !== null && item !== null && !unread.includes('workload');
  const look: Look | null = complete ? { registry: view, mode: services.registry().mode, serving } : null;
  return {
    item,
    look,
    ending: endingOf(
      item,
      look,
      view === null ? null : champions(view, services.registry().mode),
      serving,
      unread,
    ),
  };
}

function endingOf(
  item: ModelItem | null,
  look: Look | null,
  named: string[] | null,
  serving: Look['serving'],
  unread: Ending['unread'],
): Ending {
  const { live = null, change = null } = item ?? {};
  const half = (release: ModelItem['live']) =>
    release === null
      ? null
      : { version: release.version, artifact_id: release.artifact_id, change: release.change };
  return {
    live: half(live),
    change:
      change === null
        ? null
        : {
            id: change.id,
            kind: change.kind,
            to: change.to,
            aim: change.aim.version,
            safe: change.safe.version,
          },
    champions: named,
    workload:
      serving === null
        ? null
        : {
            workload_id: serving.workload_id,
            artifact_id: serving.artifact_id,
            in_flight: serving.in_flight?.artifact_id ?? null,
          },
    in_step: look === null || item === null || (live ?? change) === null ? null : isInStep(look, item),
    known: look === null || change === null ? null : isKnown(look, change),
    picture: look === null ? null : pictureOf(look),
    unread,
  };
}
