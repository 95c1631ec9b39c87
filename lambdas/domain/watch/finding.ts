import * as z from 'zod';

/** What people are told of a watch. */
export const WatchFinding = z.enum([
  /** The release is worse, and is not rolled back for that. */
  'worse',
  /** After the verdict: something has changed for the worse. */
  'guard_alarm',
  /** Shown not to be worse by the margin. */
  'keep',
  /** Neither was shown in time. */
  'unproven',
  /** Nothing could be compared. */
  'unverified',
]);
export type WatchFinding = z.infer<typeof WatchFinding>;
