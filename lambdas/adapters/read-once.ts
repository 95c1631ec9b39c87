import type { HttpReply } from './http.ts';

/** What a response says, or the error that it is. */
export type Reading<T> = { ok: true; value: T } | { ok: false; error: unknown };

/** Reads each response once, although both the retries and the caller need what it says. */
export function readOnce<T>(read: (reply: HttpReply) => T): (reply: HttpReply) => Reading<T> {
  let last: { reply: HttpReply; reading: Reading<T> } | null = null;
  return (reply) => {
    last = last?.reply === reply ? last : { reply, reading: readingOf(() => read(reply)) };
    return last.reading;
  };
}

function readingOf<T>(read: () => T): Reading<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    return { ok: false, error };
  }
}
