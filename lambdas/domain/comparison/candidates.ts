import { ModelNotFound } from '../errors.ts';
import type { CompareInput } from '../payloads.ts';
import {
  CHALLENGER,
  champions,
  inStage,
  isRolledBack,
  type ModelVersion,
  type RegistryMode,
  type RegistryView,
  usesStages,
  waitingChallenger,
} from '../registry.ts';
import { visible } from '../visible-text.ts';

/**
 * Why no two versions can be selected for a comparison. `no-challenger`: the input names none and the registry has none;
 * the versions in `passedOver` are in Staging but were rolled back, and `aliased` is @challenger of a model that uses no stages, in a
 * mode that reads stages. `rolled-back`: the challenger was rolled back and is
 * not promoted again. `named-twice`: the input names the version as both, and it is not the only champion.
 * `several-champions`: all of `versions` are marked as champion. `champion-not-found`: the alias names a version that does
 * not exist.
 */
export type SelectionProblem =
  | { code: 'no-challenger'; mode: RegistryMode; passedOver: string[]; aliased: string | null }
  | { code: 'rolled-back' | 'named-twice' | 'champion-not-found'; version: string }
  | { code: 'several-champions'; versions: string[] };

/** The two versions of a comparison, before any evidence is read. */
export type Candidates =
  | { kind: 'pair'; champion: ModelVersion | null; challenger: ModelVersion }
  | { kind: 'same'; version: string }
  /** Nothing can be compared. */
  | { kind: 'unclear'; champion: string | null; challenger: string | null; finding: SelectionProblem };

/**
 * Selects champion and challenger: from the input, else from the registry. If several versions are marked as champion,
 * none is assumed; but if two are and the input names one as challenger, it is compared with the other. Throws
 * `ModelNotFound` when the input names a version that does not exist.
 */
export function selectCandidates(view: RegistryView, mode: RegistryMode, input: CompareInput): Candidates {
  const current = champions(view, mode);
  const named = input.champion_version === null ? null : find(view, input.champion_version).version;
  const challenger =
    input.challenger_version === null ? waitingChallenger(view, mode) : find(view, input.challenger_version);
  const others = current.filter((version) => version !== challenger?.version);
  const rivals = named === null ? others : [named];
  const rival = rivals.length === 1 ? (rivals[0] ?? null) : null;
  const unclear = (finding: SelectionProblem) =>
    ({ kind: 'unclear', champion: rival, challenger: challenger?.version ?? null, finding }) as const;

  if (challenger === null) {
    return unclear({
      code: 'no-challenger',
      mode,
      passedOver: passedOver(view, mode),
      aliased: aliased(view, mode),
    });
  }
  const { version } = challenger;
  const holdsPlaceAlone = others.length === 0 && current.length === 1;
  if (holdsPlaceAlone && (named === null || named === version)) return { kind: 'same', version };
  if (isRolledBack(challenger)) return unclear({ code: 'rolled-back', version });
  if (named === version) return unclear({ code: 'named-twice', version });
  if (rivals.length > 1) return unclear({ code: 'several-champions', versions: rivals });
  const champion = view.versions.find((v) => v.version === rival) ?? null;
  if (rival !== null && champion === null) return unclear({ code: 'champion-not-found', version: rival });
  return { kind: 'pair', champion, challenger };
}

const passedOver = (view: RegistryView, mode: RegistryMode) =>
  mode === 'aliases'
    ? []
    : inStage(view, 'Staging')
        .filter(isRolledBack)
        .map(({ version }) => version);

const aliased = (view: RegistryView, mode: RegistryMode) =>
  mode === 'aliases' || usesStages(view) ? null : (view.model.aliases[CHALLENGER] ?? null);

function find({ model, versions }: RegistryView, version: string): ModelVersion {
  const found = versions.find((v) => v.version === version);
  if (found !== undefined) return found;
  throw new ModelNotFound(
    `Registered model "${visible(model.name, 100)}" has no version ${visible(version, 20)}`,
  );
}
