import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Counts the requests that this process sends, to let others act at the same instant. */

const CHANNEL = 'undici:request:create';

/**
 * Resolves when this process sends its request number `count` to the server from now on, or when `ended` settles before.
 * https://undici.nodejs.org/#/docs/api/DiagnosticsChannel
 */
export async function whenSending(url: string, count: number, ended: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let sent = 0;
  const onRequest = (message: unknown) => {
    if (!isTo(message, new URL(url).origin)) return;
    sent += 1;
    if (sent === count) resolve();
  };
  subscribe(CHANNEL, onRequest);
  try {
    await Promise.race([promise, ended.catch(() => {})]);
  } finally {
    unsubscribe(CHANNEL, onRequest);
  }
}

function isTo(message: unknown, origin: string): boolean {
  if (typeof message !== 'object' || message === null || !('request' in message)) return false;
  const { request } = message;
  if (typeof request !== 'object' || request === null || !('origin' in request)) return false;
  return String(request.origin) === origin;
}
