import type { Variants } from '../world/settings.ts';
import type { ApiError, World } from '../world/world.ts';

/** `body: null` is an answer without a body. */
export interface Answer {
  status: number;
  body: string | null;
  type?: string;
  headers?: Record<string, string>;
}

export const json = (body: unknown, status = 200): Answer => ({
  status,
  body: JSON.stringify(body),
  type: 'application/json',
});

export const noContent: Answer = { status: 204, body: null };

/** A response of the gateway, which has a `message` where the API has a `detail`. */
export const message = (status: number, text: string): Answer => json({ message: text }, status);

export const detail = (status: number, text: string): Answer => json({ detail: text }, status);

export function errorAnswer({ status, detail: given }: ApiError, variants: Variants): Answer {
  if (typeof given === 'string' || variants.validationErrors === 'gateway')
    return json({ detail: given }, status);
  const stock = given.map((each) =>
    typeof each === 'string'
      ? { loc: ['body'], msg: each, type: 'value_error' }
      : { loc: ['body', ...each.path.split('.')], msg: each.message, type: each.code },
  );
  return json({ detail: stock }, status);
}

/** The system's clock has milliseconds; the API writes microseconds. */
export const timestamp = (at: number) => `${new Date(at).toISOString().slice(0, -1)}000+00:00`;
export const timestampOrNull = (at: number | null) => (at === null ? null : timestamp(at));
/** As a proton's status details write it. */
export const shortTimestamp = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`;
/** As telemetry writes it. */
export const spacedTimestamp = (at: number) => timestamp(at).replace('T', ' ');

export interface PageRequest {
  /** The absolute URL of the list, with its query. */
  url: URL;
  offset: number;
  limit: number;
}

/** One page of a list, with links to the pages beside it. */
export function page(all: readonly unknown[], { url, offset, limit }: PageRequest) {
  const data = all.slice(offset, offset + limit);
  const link = (to: number) => {
    const other = new URL(url);
    other.searchParams.set('offset', String(to));
    other.searchParams.set('limit', String(limit));
    return other.href;
  };
  return {
    totalCount: all.length,
    count: data.length,
    next: offset + limit < all.length ? link(offset + limit) : null,
    previous: offset > 0 ? link(Math.max(0, offset - limit)) : null,
    data,
  };
}

export const endpointOf = (base: string, workloadId: string) => `${base}/endpoints/workloads/${workloadId}/`;

/** The one user that the token stands for. */
export const user = ({ userId }: World) => ({
  id: userId,
  fullName: null,
  email: null,
  username: null,
  userhash: null,
});
