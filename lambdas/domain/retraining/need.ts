import * as z from 'zod';

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
});
export type Need = z.infer<typeof Need>;

/** Hours before the next attempt, for each attempt so far. */
const PAUSE_HOURS = 24;
/** From this attempt on people are told. */
export const TELL_FROM_ATTEMPT = 3;

/** The need with its first, or its next, attempt, which is not started yet. */
export function nextAttempt(open: Need | null, trigger: Need['trigger'], id: string, now: Date): Need {
  const attempt = (open?.attempt ?? 0) + 1;
  return {
    id: open?.id ?? id,
    opened_at: open?.opened_at ?? now.toISOString(),
    trigger: open?.trigger ?? trigger,
    attempt,
    started: false,
    next_at: new Date(now.getTime() + attempt * PAUSE_HOURS * 3_600_000).toISOString(),
  };
}

/** True where a version was registered after the need was opened. */
export const isClosedBy = (need: Need, newest: { readonly at: Date } | null): boolean =>
  newest !== null && newest.at > new Date(need.opened_at);

/** The name of an attempt's execution: the same for the same attempt, at most 80 characters. */
export const attemptName = (model: string, { id, attempt }: Need): string =>
  `retrain-${model.replace(/[^A-Za-z0-9-]+/g, '-').slice(0, 50)}-${id}-${attempt}`;
