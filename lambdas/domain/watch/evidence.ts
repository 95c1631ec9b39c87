import * as z from 'zod';
import { SeriesName } from './block.ts';

/** What a watch has found, as outcomes carry it. */

const Progress = z.object({ ln: z.number(), needed: z.number() });

export const WatchEvidence = z.object({
  /** Versions: the one that was released, and the one before it. */
  new: z.string(),
  old: z.string(),
  /** ISO 8601. */
  switched_at: z.string(),
  series: z
    .array(
      z.object({
        series: SeriesName,
        /** Whether it may roll back; otherwise it only tells. */
        decides: z.boolean(),
        /** Hours after the release, and before it. */
        blocks: z.int(),
        before: z.int(),
        phi: z.number().nullable(),
        /** Logarithms of the evidence so far, and of what is needed; null where nothing can be compared. */
        worse: Progress.nullable(),
        not_worse: Progress.nullable(),
        guard: Progress.nullable(),
        /** How much worse the new version is: shares of rows or requests, or units of the metric. */
        estimate: z.number().nullable(),
        interval: z.tuple([z.number(), z.number()]).nullable(),
        level: z.number(),
      }),
    )
    .max(4),
});
export type WatchEvidence = z.infer<typeof WatchEvidence>;
