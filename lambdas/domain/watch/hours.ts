import * as z from 'zod';
import { HOUR_MS } from './block.ts';

/** The requests of whole hours that an artifact served on its Workload, as the platform counts them. */

/** A week: what a release is compared with, and what φ needs. */
export const KEPT_HOURS = 168;
/** Milliseconds after an hour until the platform has counted all of its requests. */
const SETTLED_MS = 5 * 60_000;

const Count = z.number().int().min(0).max(1e9);

export const Hours = z.strictObject({
  workload_id: z.string(),
  artifact_id: z.string(),
  /** [hours since 1970, requests, server errors, slow requests], oldest first. */
  hours: z.array(z.tuple([z.int(), Count, Count, Count])).max(KEPT_HOURS),
  /** The hours before this one have been asked for. */
  next: z.int(),
});
export type Hours = z.infer<typeof Hours>;

/** Number since 1970 of the hour that a time is in. */
export const hourOf = (time: Date | string): number => Math.floor(new Date(time).getTime() / HOUR_MS);

/** The first hour that is not yet counted whole. */
export const countedUntil = (now: Date): number => hourOf(new Date(now.getTime() - SETTLED_MS));

/** Hours of an artifact from `first` on, of which none has been asked for. */
export const noHours = (
  { workload_id, artifact_id }: Pick<Hours, 'workload_id' | 'artifact_id'>,
  first: number,
): Hours => ({ workload_id, artifact_id, hours: [], next: first });

/** The hours to be asked for, up to `end`, and none that would not be kept. */
export function missingHours({ next }: Hours, end: number): number[] {
  const first = Math.max(next, end - KEPT_HOURS);
  return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
}

/** What the platform has counted in an hour. */
export interface HourCounts {
  readonly totalRequests: number;
  readonly serverErrors: number;
  readonly slowRequests: number;
}

/** With one more hour; null, or what cannot be a count, leaves the hour out. */
export function withHour(of: Hours, index: number, counted: HourCounts | null): Hours {
  const next = Math.max(of.next, index + 1);
  if (counted === null) return { ...of, next };
  const { totalRequests: n, serverErrors: errors, slowRequests: slow } = counted;
  const isCount = [n, errors, slow].every((count) => Count.safeParse(count).success);
  if (!isCount || errors > n || slow > n) return { ...of, next };
  const hours = [...of.hours.filter(([at]) => at !== index), [index, n, errors, slow] as Hours['hours'][0]];
  return { ...of, hours: hours.sort(([a], [b]) => a - b).slice(-KEPT_HOURS), next };
}

/**
 * The hours as blocks of errors and of slow requests of this pair. Hours before the first request do not count: whether the
 * artifact was idle then, or not there, is not known.
 */
export function blocksOfHours(
  { hours }: Hours,
  pair: { readonly new: string; readonly old: string },
  { fromFirstRequest = false } = {},
): object[] {
  const first = fromFirstRequest ? hours.findIndex(([, n]) => n > 0) : 0;
  return hours.slice(first < 0 ? hours.length : first).flatMap(([index, n, errors, slow]) => {
    const block = {
      index,
      from: new Date(index * HOUR_MS).toISOString(),
      to: new Date((index + 1) * HOUR_MS).toISOString(),
      ...pair,
      n,
    };
    return [
      { ...block, series: 'errors', x: errors },
      { ...block, series: 'slow', x: slow },
    ];
  });
}
