/** Differences between versions of MLflow that the emulator reproduces; taken from running servers or their source. */
export interface Behaviour {
  readonly version: string;
  /** Names of registered models with `/` or `:`, blank ones and those that read as a path are refused. */
  readonly strictNames: boolean;
  /** `alias=latest` is answered: not at all, with any of the stages' latest versions, or with the highest. */
  readonly latestAlias: 'reserved' | 'any' | 'highest';
  /** Reading an alias of a model that does not exist answers 404, not 400 for the alias. */
  readonly aliasNeedsModel: boolean;
  /** Deleting a version leaves its aliases behind, pointing at nothing. */
  readonly danglingAliases: boolean;
  /** Errors also carry `sqlstate` and `error_class`. */
  readonly sqlState: boolean;
  /** Longest value of a tag in the registry, in characters. */
  readonly tagValue: number;
  /** Metric history: whole, in pages, or in pages with the fault that without `max_results` no row is answered. */
  readonly history: 'whole' | 'faulty' | 'paged';
  /** A version made from `models:/name/version` takes over that version's run. */
  readonly lineage: boolean;
  /** `name IN (…)` is a filter. */
  readonly nameList: boolean;
  /** A version number beyond 64 bits answers 500 `INTERNAL_ERROR`, not 404. */
  readonly hugeVersionFails: boolean;
  /** A file that is not there answers 404 `RESOURCE_DOES_NOT_EXIST`, not 500. */
  readonly missingArtifact: boolean;
  /** Models logged by themselves (ids `m-…`), `outputs` of runs, and `server-info`. */
  readonly loggedModels: boolean;
  readonly serverInfo: boolean;
}

/** The behaviour of a server of this version. */
export function behaviourOf(version: string): Behaviour {
  const since = (wanted: string) => compare(version, wanted) >= 0;
  const latestAlias = since('3.17.0') ? 'highest' : since('3.4.0') ? 'any' : 'reserved';
  const history = since('3.14.0') ? 'paged' : since('3.1.0') ? 'faulty' : 'whole';
  return {
    version,
    strictNames: since('3.11.1'),
    latestAlias,
    aliasNeedsModel: since('3.10.0'),
    danglingAliases: !since('3.17.0'),
    sqlState: since('3.12.0'),
    tagValue: since('3.0.1') ? 100_000 : 5_000,
    history,
    lineage: since('3.17.0'),
    nameList: since('3.17.0'),
    hugeVersionFails: since('3.17.0'),
    missingArtifact: since('3.17.0'),
    loggedModels: since('3.0.0'),
    serverInfo: since('3.10.0'),
  };
}

function compare(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (const index of [0, 1, 2]) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
