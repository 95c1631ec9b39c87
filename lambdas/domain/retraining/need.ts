import * as z from 'zod';

/** Characters of a caller's id. */
export const MAX_ASKER = 2048;

/**
 * A need of retraining, in the item `need#<model>`: written before anything is started, and closed by a version that was
 * registered after it was opened, whatever is decided about that version. A retraining that ends without one is started again
 * after 24 hours for each attempt so far.
 */
export const Need = z.object({
  /** Part of the names of its executions. */
  id: z.string().regex(/^[0-9a-f]{12}$/),
  /** ISO 8601. */
  opened_at: z.string(),
  trigger: z.enum(['manual', 'drift_detected', 'scheduled']),
  /** 1 for the first start. */
  attempt: z.int().positive(),
  /** The execution of this attempt was started. */
  started: z.boolean(),
  /** ISO 8601; no further attempt before. */
  next_at: z.string(),
  /** ISO 8601; when this attempt was begun. */
  attempted_at: z.string(),
  /** Who asked for this attempt: the ARN of the execution that is the attempt, or the id of a request. */
  asked_by: z.string().max(MAX_ASKER),
  /** Name of the execution that is started for this attempt; null where the caller trains. */
  execution: z.string().nullable(),
  /** The newest version when it was opened; null without one. */
  after_version: z.string().nullable(),
  /** ISO 8601; null while it is open. */
  closed_at: z.string().nullable(),
});
export type Need = z.infer<typeof Need>;

/** A need as it is kept; `rev` counts its writes. */
export interface KeptNeed {
  readonly need: Need;
  readonly rev: number;
}

/** The port to the needs of models. Every method throws `LeaseStoreUnavailable`. */
export interface NeedStore {
  /** The last need of a model, open or closed; null if it never had one. */
  readNeed(model: string): Promise<KeptNeed | null>;
  /**
   * Replaces the need that was read, or puts the first one. False if another has written since; true if this very write had
   * taken effect before: a lost answer is settled by reading.
   */
  writeNeed(model: string, seen: KeptNeed | null, need: Need): Promise<boolean>;
}

/** Hours before the next attempt, for each attempt so far. */
const PAUSE_HOURS = 24;
/** From this attempt on people are told. */
export const TELL_FROM_ATTEMPT = 3;

/** What the next attempt at a need is made of. */
export interface Attempt {
  readonly trigger: Need['trigger'];
  /** Of a new need. */
  readonly id: string;
  readonly asked_by: string;
  /** An execution is to be started for it. */
  readonly starts: boolean;
  readonly newest: { readonly version: string } | null;
  readonly now: Date;
}

/** The need of a model with its first, or its next, attempt, which is not started yet. */
export function nextAttempt(
  model: string,
  open: Need | null,
  { trigger, id, asked_by, starts, newest, now }: Attempt,
): Need {
  const named = { id: open?.id ?? id, attempt: (open?.attempt ?? 0) + 1 };
  return {
    ...named,
    opened_at: open?.opened_at ?? now.toISOString(),
    trigger: open?.trigger ?? trigger,
    started: false,
    next_at: new Date(now.getTime() + named.attempt * PAUSE_HOURS * 3_600_000).toISOString(),
    attempted_at: now.toISOString(),
    asked_by,
    execution: starts ? attemptName(model, named) : null,
    after_version: open === null ? (newest?.version ?? null) : open.after_version,
    closed_at: null,
  };
}

/**
 * True where a version was registered after the need was opened: its number is higher, so that MLflow's clock may differ, or
 * it was created later, so that a model may be deleted and made anew.
 */
export const isClosedBy = (
  { opened_at, after_version }: Need,
  newest: { readonly version: string; readonly at: Date } | null,
): boolean =>
  newest !== null && (newest.at > new Date(opened_at) || Number(newest.version) > Number(after_version ?? 0));

/** The name of an attempt's execution: the same for the same attempt, at most 80 characters. */
export const attemptName = (model: string, { id, attempt }: Pick<Need, 'id' | 'attempt'>): string =>
  `retrain-${model.replace(/[^A-Za-z0-9-]+/g, '-').slice(0, 50)}-${id}-${attempt}`;

/**
 * True for the caller that is the attempt, until the next one is due: it asked for it, or is the execution that was started
 * for it.
 */
export const isAttempt = ({ asked_by, execution, next_at }: Need, caller: string, now: Date): boolean =>
  now < new Date(next_at) &&
  (caller === asked_by || (execution !== null && caller.slice(caller.lastIndexOf(':') + 1) === execution));

/** Id of the outcome that tells of the attempts before this one. */
export const attemptOutcome = ({ id, attempt }: Pick<Need, 'id' | 'attempt'>): string =>
  `retraining:${id}:${attempt}`;
