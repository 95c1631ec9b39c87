import * as z from 'zod';
import { registryModes } from './registry-mode.ts';

/** The port to MLflow's registry and tracking store; `adapters/mlflow/client.ts` implements it. */

export const RegistryMode = z.enum(registryModes);
export type RegistryMode = z.infer<typeof RegistryMode>;

export const CHAMPION = 'champion';
export const CHALLENGER = 'challenger';
export const PREVIOUS_CHAMPION = 'previous_champion';

const isText = (value: unknown) => typeof value === 'string' || typeof value === 'number';

/**
 * A version number as MLflow counts them: 1 to 2147483647, no leading zero. Larger numbers and other spellings
 * cause database errors on some backends, so they are rejected before the call.
 */
export const VersionNumber = z
  .custom<string | number>((value) => isText(value) && /^[1-9][0-9]{0,99}$/.test(String(value)), {
    error: ({ input }) => (input === undefined ? 'is required' : 'must be a version number such as "3"'),
    abort: true,
  })
  .refine(
    (version) => Number(version) <= 2_147_483_647,
    'is larger than any MLflow version number (2147483647)',
  )
  .transform(String);

export interface RegisteredModel {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Alias → version number. The only authoritative alias map (searches leave aliases out). */
  readonly aliases: Readonly<Record<string, string>>;
}

export interface ModelVersion {
  readonly version: string;
  /** `None`, `Staging`, `Production` or `Archived`; an open string. */
  readonly stage: string;
  /** `READY`, `PENDING_REGISTRATION` or `FAILED_REGISTRATION`; an open string. */
  readonly status: string;
  readonly runId: string | null;
  /** The logged model (MLflow 3) that was registered, where its source names one. */
  readonly loggedModelId?: string;
  /** When it was registered, in milliseconds since 1970; absent where the server does not say. */
  readonly createdAt?: number;
  /**
   * When its stage or description last changed, by MLflow's clock, in milliseconds since 1970. One transition gives the same
   * to the version that it moves and to those that it archives; absent where the server does not say.
   */
  readonly updatedAt?: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** The last value of a metric of a run. `value` may be NaN or ±Infinity. */
export interface Metric {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  /** Digest of the dataset the metric was computed on (MLflow 3), null where none was recorded. */
  readonly datasetDigest: string | null;
  /** When it was logged, in milliseconds since 1970; absent where MLflow does not say. */
  readonly timestamp?: number;
}

/** A metric that some run has logged for a logged model. */
export interface LoggedModelMetric extends Metric {
  /** The run that has logged it; null where MLflow does not say. */
  readonly runId: string | null;
  /** Milliseconds since 1970; 0 where MLflow does not say. */
  readonly timestamp: number;
}

export interface DatasetInput {
  readonly name: string;
  readonly digest: string;
  /** The tag `mlflow.data.context`, for example `training` or `evaluation`; null where absent. */
  readonly context: string | null;
}

export interface Run {
  readonly runId: string;
  /** Absent where the server does not say. */
  readonly experimentId?: string;
  /** Where its files are, such as `mlflow-artifacts:/1/<run id>/artifacts` or `s3://…`; absent as the experiment. */
  readonly artifactUri?: string;
  /** `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`; an open string. */
  readonly status: string;
  readonly metrics: readonly Metric[];
  readonly datasets: readonly DatasetInput[];
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Runs that were found. */
export interface RunsFound {
  /** How many; the most that were asked for where as many or more used the datasets, whatever they logged. */
  readonly count: number;
  readonly runIds: readonly string[];
}

/** Runs of one experiment that used all of these datasets and logged the metric; times in milliseconds since 1970. */
export interface RunSearch {
  readonly experimentId: string;
  readonly digests: readonly string[];
  readonly metric: string;
  /** Started at this time or later, and before the other. */
  readonly from: number;
  readonly to: number;
}

/** Finished runs of one experiment that started at `from` or later and before `to`, in milliseconds since 1970. */
export interface RunPeriod {
  readonly experimentId: string;
  readonly from: number;
  readonly to: number;
}

/** One consistent read of the registry, on which decisions are based. */
export interface RegistryView {
  readonly model: RegisteredModel;
  readonly versions: readonly ModelVersion[];
}

/** The registry, as a port. Every method throws `MlflowUnavailable`, `MlflowRefused` or `MlflowInvalidResponse`. */
export interface Registry {
  /** Null when the model does not exist. */
  getModel(name: string): Promise<RegisteredModel | null>;
  /** Every version of the model, highest number first; reads every page. Empty when the model does not exist. */
  listVersions(name: string): Promise<ModelVersion[]>;
  /** Moves one version to `Production` and archives every other one there, in one call. Not repeated after a lost response. */
  moveToProduction(name: string, version: string): Promise<void>;
  setAlias(name: string, alias: string, version: string): Promise<void>;
  /** Succeeds where the alias is not set. */
  deleteAlias(name: string, alias: string): Promise<void>;
  setModelTag(name: string, key: string, value: string): Promise<void>;
  setVersionTag(name: string, version: string, key: string, value: string): Promise<void>;
  /** Null when the run does not exist. */
  getRun(runId: string): Promise<Run | null>;
  /** The metrics of a logged model, of every run and dataset. Null when it does not exist, or has too many for one answer. */
  loggedModelMetrics(modelId: string): Promise<LoggedModelMetric[] | null>;
  /**
   * The runs that are found, at most `most`. Null where the server refuses the search, as one without the permission, or a name
   * that its filters cannot hold.
   */
  findRuns(search: RunSearch, most: number): Promise<RunsFound | null>;
}

const byNumberDescending = (a: ModelVersion, b: ModelVersion) => Number(b.version) - Number(a.version);

/** The versions in one stage, highest number first. */
export function inStage(view: RegistryView, stage: string): ModelVersion[] {
  return view.versions.filter((v) => v.stage === stage).sort(byNumberDescending);
}

/** True when a version is in a stage that names a champion or a challenger. */
export const usesStages = (view: RegistryView): boolean =>
  view.versions.some(({ stage }) => stage === 'Production' || stage === 'Staging');

/**
 * Every version that a pointer names as champion, highest number first: one in a healthy registry, none before
 * the first promotion, several after a race or between the two writes of mode `both`.
 */
export function champions(view: RegistryView, mode: RegistryMode): string[] {
  const staged = mode === 'aliases' ? [] : inStage(view, 'Production').map((v) => v.version);
  const alias = mode === 'stages' ? undefined : view.model.aliases[CHAMPION];
  const all = new Set(alias === undefined ? staged : [...staged, alias]);
  return [...all].sort((a, b) => Number(b) - Number(a));
}

/** True when every pointer of the mode names `version` and nothing else. */
export function isSoleChampion(view: RegistryView, mode: RegistryMode, version: string): boolean {
  const all = champions(view, mode);
  const aliasAgrees = mode === 'stages' || view.model.aliases[CHAMPION] === version;
  const stageAgrees = mode === 'aliases' || inStage(view, 'Production').some((v) => v.version === version);
  return all.length === 1 && all[0] === version && aliasAgrees && stageAgrees;
}

/** The challenger: the newest version in `Staging`, or `@challenger` in mode `aliases`; null where none. */
export function waitingChallenger(view: RegistryView, mode: RegistryMode): ModelVersion | null {
  const eligible = (v: ModelVersion | undefined) => (v !== undefined && !isRolledBack(v) ? v : null);
  if (mode === 'aliases') {
    return eligible(view.versions.find((v) => v.version === view.model.aliases[CHALLENGER]));
  }
  return inStage(view, 'Staging').find((v) => !isRolledBack(v)) ?? null;
}

/** Tag on a version that a rollback took out of Production; its value is JSON with time and reason. */
export const ROLLED_BACK_TAG = 'rolled_back';

/** Tag on a registered model that a gate of a policy reads: nothing is promoted while it is there; by whom and why. */
export const HOLD_TAG = 'promotion.hold';

/** Tag on a version that a gate of a policy reads: it is not promoted while it is there; by whom and why. */
export const QUARANTINE_TAG = 'promotion.quarantine';

/** Tag on a registered model: the file in which its pipeline logs what it was asked, or the runs whose metrics may drift. */
export const DRIFT_TAG = 'promotion.drift';

/** Tag on a registered model: id of the run whose tags hold the outcomes of the live release and of the one before it. */
export const MONITOR_TAG = 'promotion.monitor';

/** Tag on a registered model: the team or person that it belongs to. Alerts carry it, so that subscriptions can filter. */
export const OWNER_TAG = 'owner';

/** At most 100 characters, none of which is a control, a format or an unassigned one, or breaks the line. */
const OWNER = /^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u;

/** The owner of a model; null if it has none that can be used: anybody with edit rights can write the tag. */
export function ownerOf({ tags }: Pick<RegisteredModel, 'tags'>): string | null {
  const owner = (tags[OWNER_TAG] ?? '').trim().normalize();
  return OWNER.test(owner) ? owner : null;
}

/**
 * The tags that decisions and alerts read. An adapter that bounds what it keeps of a model or a version never drops one of them in favour
 * of others; a test compares the list with the names in the code.
 */
export const DECISION_TAGS = [
  ROLLED_BACK_TAG,
  'promotion.fence',
  'promotion.policy',
  'promotion.candidates',
  DRIFT_TAG,
  'workload.id',
  'workload.artifact_id',
  'workload.image_uri',
  OWNER_TAG,
  HOLD_TAG,
  MONITOR_TAG,
  QUARANTINE_TAG,
] as const;

/** True for a version that automatic runs do not promote again. An empty value counts as cleared. */
export function isRolledBack(version: ModelVersion): boolean {
  return (version.tags[ROLLED_BACK_TAG] ?? '') !== '';
}
