import * as z from 'zod';
import {
  WorkloadApiInvalidResponse,
  WorkloadApiRefused,
  WorkloadApiUnavailable,
} from '../../domain/serving/errors.ts';
import { visible } from '../../domain/visible-text.ts';
import type { HttpReply } from '../http.ts';

/** Typed errors for unsuccessful responses of the Workload API, safe to log, show and store. */

const MAX_DETAIL_LENGTH = 400;
/** Maximum number of entries shown of a validation error's list. */
const MAX_DETAILS = 8;

const Path = z.union([z.string(), z.array(z.union([z.string(), z.number()]))]);
/** `path`, `message` is the gateway's form; `loc`, `msg` the one of the validation library behind it. */
const Problem = z.union([
  z.string(),
  z
    .object({
      path: Path.nullish(),
      loc: Path.nullish(),
      message: z.string().nullish(),
      msg: z.string().nullish(),
    })
    .transform(({ path, loc, message, msg }) => {
      const where = path ?? loc ?? '';
      const field = typeof where === 'string' ? where : where.join('.');
      const text = message ?? msg ?? '';
      return field === '' ? text : `${field}: ${text}`;
    }),
]);
/** The service's envelope has `detail` in three forms; the gateway and its other APIs use `message`. */
const Envelope = z.union([
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
  z.object({ detail: z.array(Problem) }).transform(({ detail }) => detail.slice(0, MAX_DETAILS).join('; ')),
  z.object({ message: z.string() }).transform(({ message }) => message),
]);

/** The error for an unsuccessful response. `once` is true for a request that is not idempotent. */
export function refusal(reply: HttpReply, request: string, secrets: readonly string[], once: boolean): Error {
  const body = reply.body.toString('utf8');
  const envelope = Envelope.safeParse(jsonOrNull(body));
  const detail =
    envelope.success && envelope.data !== '' ? safe(envelope.data, secrets) : `"${safe(body, secrets)}"`;
  const message = `${request}: HTTP ${reply.status} ${detail}${hintFor(reply.status)}`;
  if (reply.status === 429) return new WorkloadApiUnavailable(message, { outcomeUnknown: false });
  if (reply.status >= 500) return new WorkloadApiUnavailable(message, { outcomeUnknown: once });
  if (reply.status < 400) {
    return new WorkloadApiInvalidResponse(
      `${message} (a redirect, possibly to a login page; check DATAROBOT_ENDPOINT)`,
    );
  }
  return new WorkloadApiRefused(message, { status: reply.status, detail });
}

/** The JSON object of a successful response; an empty body is an empty object. Throws `WorkloadApiInvalidResponse`. */
export function jsonObject(reply: HttpReply, request: string, secrets: readonly string[]): unknown {
  const body = reply.body.toString('utf8');
  if (body.trim() === '') return {};
  const value = jsonOrNull(body);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  const hint = /<html|<!doctype/i.test(body) ? ' Check that DATAROBOT_ENDPOINT ends in /api/v2.' : '';
  throw new WorkloadApiInvalidResponse(
    `${request}: HTTP ${reply.status} with ${visible(reply.contentType, 80) || 'no content type'} that is not a JSON object: "${safe(body, secrets)}".${hint}`,
  );
}

const HINTS: Readonly<Record<number, string>> = {
  401: ' Check DATAROBOT_API_TOKEN, or the secret of DATAROBOT_TOKEN_SECRET_ARN.',
  403: ' The owner of the token lacks permission: it needs an update role on the Workload and the artifact, and the entitlement for the Workload API.',
  404: ' It does not exist, or the owner of the token cannot see it.',
};
const hintFor = (status: number) => HINTS[status] ?? '';

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A short, one-line piece of a remote answer without the token. */
function safe(text: string, secrets: readonly string[]): string {
  const clean = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  return visible(clean.slice(0, 4000).replace(/\s+/g, ' ').trim(), MAX_DETAIL_LENGTH);
}
