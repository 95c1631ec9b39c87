import * as z from 'zod';
import { Change, type ModelItem, PastRelease, Release } from '../../domain/release/release.ts';

/** Reading the item of a model as DynamoDB holds it. */

const Instant = z.date();

/** Throws for a number that is no time: compared with any other, it would be neither before nor after it. */
const instant = (seconds: unknown): Date | null =>
  typeof seconds === 'number' ? Instant.parse(new Date(seconds * 1000)) : null;

const History = z.array(PastRelease).catch([]);

/** The item as DynamoDB holds it. Throws `LeaseStoreUnavailable` for an item that is not ours: it must not look like an empty one. */
export function modelItem(model: string, stored: Record<string, unknown> | undefined): ModelItem {
  const { owner, fence, expires_at, released_at, live, change, told, history } = stored ?? {};
  return {
    model,
    owner: typeof owner === 'string' ? owner : null,
    fence: typeof fence === 'number' ? fence : 0,
    expires_at: instant(expires_at),
    released_at: instant(released_at),
    live: live === undefined ? null : Release.parse(live),
    change: change === undefined ? null : Change.parse(change),
    told: typeof told === 'string' ? told : null,
    history: History.parse(history ?? []),
  };
}
