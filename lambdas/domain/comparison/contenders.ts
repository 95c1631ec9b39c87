import { ModelNotFound } from '../errors.ts';
import type { CompareInput } from '../payloads.ts';
import {
  champions,
  inStage,
  isRolledBack,
  type ModelVersion,
  type RegistryMode,
  type RegistryView,
  waitingChallenger,
} from '../registry.ts';
import { visible } from '../visible-text.ts';

/** Which two versions a comparison is about, before any evidence is read. */
export type Contenders =
  | { kind: 'pair'; champion: ModelVersion | null; challenger: ModelVersion }
  | { kind: 'same'; version: string }
  /** Nothing can be compared; `reason` says why and what to do. */
  | { kind: 'unclear'; champion: string | null; challenger: string | null; reason: string };

/**
 * Picks champion and challenger: the ones named, else what the registry says. Throws `ModelNotFound` for a named
 * version that does not exist. Where several versions are marked as champion it is unknown which one is served, so
 * nothing is guessed; but one of two that is named as challenger is compared with the other, which settles it.
 */
export function contenders(view: RegistryView, mode: RegistryMode, input: CompareInput): Contenders {
  const current = champions(view, mode);
  const named = input.champion_version === null ? null : find(view, input.champion_version).version;
  const challenger =
    input.challenger_version === null ? waitingChallenger(view, mode) : find(view, input.challenger_version);
  const others = current.filter((version) => version !== challenger?.version);
  const rivals = named === null ? others : [named];
  const rival = rivals.length === 1 ? (rivals[0] ?? null) : null;
  const unclear = (reason: string) =>
    ({ kind: 'unclear', champion: rival, challenger: challenger?.version ?? null, reason }) as const;

  if (challenger === null) return unclear(noChallenger(view, mode));
  const version = visible(challenger.version, 20);
  const holdsPlaceAlone = others.length === 0 && current.length === 1;
  if (holdsPlaceAlone && (named === null || named === challenger.version)) {
    return { kind: 'same', version: challenger.version };
  }
  if (isRolledBack(challenger)) {
    return unclear(
      `Version ${version} was rolled back and is not promoted again; empty its tag rolled_back to allow it`,
    );
  }
  if (named === challenger.version) {
    return unclear(`Version ${version} is named as champion and as challenger but is not the only champion`);
  }
  if (rivals.length > 1) return unclear(severalChampions(rivals));
  const champion = view.versions.find((v) => v.version === rival) ?? null;
  if (rival !== null && champion === null) {
    return unclear(`The champion is said to be version ${visible(rival, 20)}, which does not exist`);
  }
  return { kind: 'pair', champion, challenger };
}

function find({ model, versions }: RegistryView, version: string): ModelVersion {
  const found = versions.find((v) => v.version === version);
  if (found !== undefined) return found;
  throw new ModelNotFound(
    `Registered model "${visible(model.name, 100)}" has no version ${visible(version, 20)}`,
  );
}

/** The first words are what promote-model answers too. */
function noChallenger(view: RegistryView, mode: RegistryMode): string {
  const passedOver = mode === 'aliases' ? [] : inStage(view, 'Staging').filter(isRolledBack);
  const instead =
    passedOver.length === 0
      ? ''
      : ` (passed over, as rolled back: ${passedOver.map((v) => visible(v.version, 20)).join(', ')})`;
  const how = mode === 'aliases' ? 'set the alias @challenger' : 'move one to Staging';
  return `No Staging version found${instead}; ${how} or name challenger_version`;
}

function severalChampions(versions: string[]): string {
  const list = versions.map((v) => visible(v, 20)).join(' and ');
  return `Versions ${list} are all marked as champion; settle which one is (run again with the one to keep as challenger_version)`;
}
