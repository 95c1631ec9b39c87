import { defaultTarget } from '../../lambdas/domain/release/opening.ts';
import type { Change, ModelItem, Release } from '../../lambdas/domain/release/release.ts';
import type { Need } from '../../lambdas/domain/retraining/need.ts';
import type { BothSidesRead } from '../../lambdas/use-cases/parts/read-ending.ts';
import type { WatchDocument } from './watch-document.ts';

/** A version and what serves it, as the table records it. */
export type RecordedRelease = Omit<Release, 'key'>;

/** What `promotion status --json` prints about one model. */
export interface ModelStatus {
  model: string;
  /**
   * `in_step`: no change is open, and both sides show the live release. `open`: a change is open. `out_of_step`: none is,
   * and a side shows something else. `unrecorded`: no release is recorded yet. `unknown`: a part could not be read.
   */
  status: 'in_step' | 'open' | 'out_of_step' | 'unrecorded' | 'unknown';
  live: RecordedRelease | null;
  /** The open change; null if none is open. */
  change: OpenChange | null;
  /** Null if the table could not be read, or nobody holds the lease. */
  lease: { holder: string; expires_at: string; fence: number | null; expired: boolean } | null;
  /** Null if MLflow could not be read, or the registered model does not exist. */
  registry: { production: string[]; aliases: Record<string, string> } | null;
  /** Null if the platform could not be read, or no Workload serves the model. */
  workload: {
    workload_id: string;
    artifact_id: string | null;
    artifact_status: string | null;
    /** The artifact of a replacement that has not ended; null if there is none. */
    in_flight: string | null;
  } | null;
  /** The version that a rollback without a target goes to: the live one after a rollback; null if none is recorded. */
  rollback_to: string | null;
  /** How the live release is watched; null if it was not looked at yet. */
  watch: Pick<WatchDocument, 'status' | 'due_at' | 'ends_at'> | null;
  /** A retraining that is needed and has brought no new version yet; null if there is none. */
  retraining: Pick<Need, 'trigger' | 'opened_at' | 'attempt' | 'next_at' | 'execution'> | null;
  /** What could not be read, and why. */
  unread: { part: 'table' | 'registry' | 'workload'; error: string }[];
}

/** The open change of a model. */
export interface OpenChange {
  /** The execution that opened it. */
  id: string;
  kind: Change['kind'];
  to: string | null;
  /** Where both sides are to go now; `safe` where they go after a failure. */
  aim: RecordedRelease;
  safe: RecordedRelease;
  /** ISO 8601. */
  opened_at: string;
  /** ISO 8601; when it failed and `aim` became `safe`; null if it did not. */
  turned_at: string | null;
  /** Number of attempts that sweeps have started, and when the next one is due (ISO 8601). */
  attempts: number;
  next_attempt_at: string | null;
  /** False where a side shows what this change did not put there: no attempt is started then. Null if unread. */
  known: boolean | null;
  requested_by: string | null;
  reason: string | null;
}

/** What the table holds of a model besides its releases. */
export interface ReadBeside {
  readonly watch: WatchDocument | null;
  readonly need: Need | null;
  /** Why it could not be read; null if it was. */
  readonly error: unknown;
}

/** What was read of one model, for people and scripts. */
export function modelStatus(
  model: string,
  read: BothSidesRead,
  { watch, need, error }: ReadBeside,
  now: Date,
): ModelStatus {
  const { item, view, serving, ending } = read;
  return {
    model,
    status: statusOf(read),
    live: item?.live == null ? null : withoutKey(item.live),
    change: item?.change == null ? null : openChange(item.change, ending.known),
    lease: item === null ? null : leaseOf(item, now),
    registry:
      view === null
        ? null
        : {
            production: view.versions.filter((v) => v.stage === 'Production').map((v) => v.version),
            aliases: { ...view.model.aliases },
          },
    workload:
      serving === null
        ? null
        : {
            workload_id: serving.workload_id,
            artifact_id: serving.artifact_id,
            artifact_status: serving.artifact_status,
            in_flight: serving.in_flight?.artifact_id ?? null,
          },
    rollback_to: item === null ? null : (defaultTarget(item)?.version ?? null),
    watch:
      watch === null || watch.promotion !== item?.live?.change
        ? null
        : { status: watch.status, due_at: watch.due_at, ends_at: watch.ends_at },
    retraining: need === null || need.closed_at !== null ? null : retrainingOf(need),
    unread: [
      ...read.problems.map(({ part, error }) => ({ part, error: errorText(error) })),
      ...(error === null || item === null ? [] : [{ part: 'table' as const, error: errorText(error) }]),
    ],
  };
}

const retrainingOf = ({ trigger, opened_at, attempt, next_at, execution }: Need) => ({
  ...{ trigger, opened_at, attempt, next_at, execution },
});

/** True where neither the table nor MLflow knows the model. */
export const isUnknownModel = ({ item, view, problems }: BothSidesRead): boolean =>
  problems.length === 0 && view === null && item?.live === null && item.change === null;

function statusOf({ item, ending }: BothSidesRead): ModelStatus['status'] {
  if (item === null) return 'unknown';
  if (item.change !== null) return 'open';
  if (item.live === null) return 'unrecorded';
  if (ending.unread.length > 0) return 'unknown';
  return ending.in_step === true ? 'in_step' : 'out_of_step';
}

function withoutKey({ key: _, ...release }: Release): RecordedRelease {
  return release;
}

const openChange = (change: Change, known: boolean | null): OpenChange => ({
  id: change.id,
  kind: change.kind,
  to: change.to,
  aim: withoutKey(change.aim),
  safe: withoutKey(change.safe),
  opened_at: change.opened_at,
  turned_at: change.turned_at,
  attempts: change.attempts,
  next_attempt_at: change.next_at,
  known,
  requested_by: change.asked.by,
  reason: change.asked.reason,
});

function leaseOf({ owner, expires_at, fence }: ModelItem, now: Date): ModelStatus['lease'] {
  if (owner === null || expires_at === null) return null;
  return { holder: owner, expires_at: expires_at.toISOString(), fence, expired: expires_at < now };
}

/** The name and message, and those of the cause, which say what the network or AWS answered. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${text} (${error.cause.name}: ${error.cause.message})` : text;
}
