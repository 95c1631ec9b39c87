import * as z from 'zod';
import { MAX_ASKER } from './need.ts';

/** Payloads of `check-retraining-needed`, snake_case as in the source documents. */

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

/** The payload. A state machine may give its own input as `input`, whose fields it need not know. */
export const CheckInput = z.preprocess(
  (event) => {
    if (typeof event !== 'object' || event === null || !('input' in event)) return event;
    const { input, ...own } = event;
    return typeof input === 'object' && input !== null ? { ...input, ...own } : own;
  },
  z.object({
    model_name: z.string().min(1, 'must name a registered model').max(256),
    /** Either is a request by hand, which no rule holds up. */
    force: flag,
    manual_trigger: flag,
    /** The execution that asks and trains if it is needed: asked again, it gets the same answer. Absent: a direct call. */
    execution: z
      .string()
      .min(1)
      .max(MAX_ASKER)
      .nullish()
      .transform((value) => value ?? null),
    /** Asks what the training came to: opens nothing. */
    after_training: flag,
  }),
);
export type CheckInput = z.infer<typeof CheckInput>;

const text = z.string().nullable();
const number = z.number().nullable();

/** What `check-retraining-needed` answers; the first seven fields are those of the source documents. */
export const CheckAnswer = z.object({
  decision: z.enum(['needs_retraining', 'recently_trained', 'no_retraining', 'invalid_model']),
  /** Null unless retraining is needed. */
  trigger: z.enum(['manual', 'drift_detected', 'scheduled']).nullable(),
  /** One sentence, for people only. */
  reason: z.string(),
  /** Since the creation of the newest version; null without one. */
  hours_since_retrain: number,
  days_since_retrain: number,
  /** Null where drift was not looked at, as an earlier rule decided, or where nothing is logged. */
  drift_severity: z.enum(['none', 'moderate', 'significant', 'unknown']).nullable(),
  /** The largest index of the features; null where none was computed. */
  drift_psi: number,
  /** Rows of the smaller period. */
  drift_n: number,
  /** Rows in each period that would do, where these are too few to tell. */
  drift_needed: number,
  /** The newest version of the model; null without one. */
  newest_version: text,
  /** The need that is open, or that was closed now; null without one. */
  need_id: text,
  /** Its attempt, from 1. */
  attempt: number,
  /** Name of the execution that was started for this attempt; null where none was, as the caller trains itself. */
  execution: text,
});
export type CheckAnswer = z.infer<typeof CheckAnswer>;
