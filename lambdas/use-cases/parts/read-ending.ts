import type { Ending } from '../../domain/outcome/outcome-schema.ts';
import { WORKLOAD_TAG } from '../../domain/promotion/promotion-plan.ts';
import { CHAMPION, champions, inStage, ownerOf, type RegistryView } from '../../domain/registry.ts';
import { ARTIFACT_TAG, isInStep } from '../../domain/release/found.ts';
import {
  isKnown,
  type Look,
  noModel,
  noWorkload,
  pictureOf,
  type ServingView,
  shownBy,
} from '../../domain/release/look.ts';
import type { ModelItem } from '../../domain/release/release.ts';
import { WorkloadNotFound } from '../../domain/serving/errors.ts';
import { log, logError } from '../../runtime/log.ts';
import type { ReadingServices } from '../../runtime/reading-services.ts';
import { readRegistry, readServing, workloadOf } from './look.ts';

/** What both sides and the item show, as far as they could be read. */
export interface BothSidesRead {
  /** Null if the table could not be read, or there is none. */
  readonly item: ModelItem | null;
  /** The registry; null if it could not be read, or the model does not exist. */
  readonly view: RegistryView | null;
  /** The Workload; null if it could not be read, does not exist, or none serves the model. */
  readonly serving: ServingView | null;
  readonly ending: Ending;
  /** Why a part could not be read: one for each of `ending.unread`, and for a Workload that does not exist. */
  readonly problems: readonly { readonly part: Ending['unread'][number]; readonly error: unknown }[];
}

/**
 * Reads the item and both sides, to say what they show. What cannot be read is listed as unread: never throws, so that
 * people are told whatever is away.
 */
export async function readBothSides(model: string, services: ReadingServices): Promise<BothSidesRead> {
  const problems: BothSidesRead['problems'][number][] = [];
  const orNull = async <T>(part: Ending['unread'][number], read: () => Promise<T>): Promise<T | null> => {
    try {
      return await read();
    } catch (error) {
      log().warn('could not read what is in service', { part, error: logError(error) });
      problems.push({ part, error });
      return null;
    }
  };
  const { store } = services;
  const item = store.keepsItems ? await orNull('table', () => store.readItem(model)) : null;
  const view = await orNull('registry', async () => readRegistry(services.registry().registry, model));
  const workload = view === null || item === null ? null : workloadOf(null, item, view);
  const serving =
    workload === null ? null : await orNull('workload', () => readServing(services.workloads(), workload));
  // An outage shows nothing; what does not exist is shown to be gone.
  const isGone = problems.some(({ error }) => error instanceof WorkloadNotFound);
  const unread = problems.filter(({ error }) => !(error instanceof WorkloadNotFound)).map(({ part }) => part);
  const shown = workload !== null && isGone ? noWorkload(workload) : serving;
  const look = (registry: RegistryView): Look => ({
    registry,
    mode: services.registry().mode,
    serving: shown,
  });
  return {
    item,
    view,
    serving,
    problems,
    ending: {
      ...recordedIn(item),
      ...shownIn(view === null ? null : look(view), !isGone),
      ...compared(item, unread.includes('registry') ? null : look(view ?? noModel(model)), {
        exists: !isGone,
        whole: unread.length === 0,
      }),
      unread,
    },
  };
}

/** The owner of the model; null if it has none, or it is not known. */
export const ownerIn = (read: Pick<BothSidesRead, 'view'> | null): string | null =>
  read === null || read.view === null ? null : ownerOf(read.view.model);

/** What is recorded: the live release and the open change. */
function recordedIn(item: ModelItem | null): Pick<Ending, 'live' | 'change'> {
  const { live = null, change = null } = item ?? {};
  return {
    live:
      live === null
        ? null
        : {
            version: live.version,
            artifact_id: live.artifact_id,
            change: live.change,
            result: live.result,
          },
    change:
      change === null
        ? null
        : {
            id: change.id,
            kind: change.kind,
            to: change.to,
            aim: change.aim.version,
            safe: change.safe.version,
            turned: change.kind === 'promote' && change.turned_at !== null,
            attempts: change.attempts,
            next_at: change.next_at,
          },
  };
}

/** What the sides show; null: the registry could not be read, and the Workload was not. */
function shownIn(look: Look | null, exists: boolean): Pick<Ending, 'champions' | 'pointers' | 'workload'> {
  if (look === null) return { champions: null, pointers: null, workload: null };
  const { registry, mode, serving } = look;
  return {
    champions: champions(registry, mode),
    pointers:
      mode === 'both'
        ? {
            stage: inStage(registry, 'Production').map(({ version }) => version),
            alias: registry.model.aliases[CHAMPION] ?? null,
          }
        : null,
    workload:
      serving === null
        ? null
        : {
            workload_id: serving.workload_id,
            artifact_id: serving.artifact_id,
            in_flight: serving.in_flight?.artifact_id ?? null,
            ...(exists ? {} : { missing: true as const }),
          },
  };
}

/** What the sides show against what is recorded; null where it is not known. A part alone may show that they differ. */
function compared(
  item: ModelItem | null,
  look: Look | null,
  { exists, whole }: { exists: boolean; whole: boolean },
): Pick<Ending, 'agreed' | 'in_step' | 'known' | 'picture'> {
  if (item === null || look === null) return { agreed: null, in_step: null, known: null, picture: null };
  const { live, change } = item;
  const in_step = (live ?? change) === null ? null : isInStep(look, item);
  const known = change === null ? null : isKnown(look, change);
  if (!whole) {
    const differs = change === null && in_step === false;
    return {
      agreed: null,
      in_step: differs ? false : null,
      known: known === false ? false : null,
      picture: null,
    };
  }
  return { agreed: exists ? agreedIn(look) : null, in_step, known, picture: pictureOf(look) };
}

/** What `adopt` would take as live. It takes the Workload that the model's tag names. */
function agreedIn(look: Look): Ending['agreed'] {
  const tagged = look.registry.model.tags[WORKLOAD_TAG] || null;
  if (tagged !== (look.serving?.workload_id ?? null)) return null;
  const shown = shownBy(look, ARTIFACT_TAG);
  if (shown === null || shown.version === null) return null;
  return { version: shown.version, artifact_id: shown.artifact_id };
}
