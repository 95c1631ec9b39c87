import * as z from 'zod';
import { excessText, jsonExcess, parseJson } from '../../domain/json.ts';
import {
  WorkloadApiInvalidResponse,
  WorkloadApiRefused,
  WorkloadApiUnavailable,
} from '../../domain/serving/errors.ts';
import type { HttpReply } from '../http.ts';
import { quotable } from '../masking.ts';

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

/** How a request is named and judged in errors. */
export interface Asked {
  /** Method and path, without host and credentials. */
  request: string;
  secrets: readonly string[];
  /** True for a write, which is sent once: what became of it is unknown after an invalid or failed response. */
  once: boolean;
}

/** The error for an unsuccessful response. */
export function refusal(reply: HttpReply, { request, secrets, once }: Asked): Error {
  const { status } = reply;
  const detail = detailOf(reply, secrets);
  const message = `${request}: HTTP ${status} ${detail}${hintFor(status)}`;
  if (status === 429) return new WorkloadApiUnavailable(message, { outcomeUnknown: false });
  if (status >= 500) return new WorkloadApiUnavailable(message, { outcomeUnknown: once });
  if (status < 400) {
    return new WorkloadApiInvalidResponse(
      `${message} (a redirect, possibly to a login page; check DATAROBOT_ENDPOINT)`,
      { outcomeUnknown: once },
    );
  }
  return new WorkloadApiRefused(message, { status, detail });
}

/** What the server said. Nothing of a body is quoted that refuses credentials: it is the likeliest to repeat them. */
function detailOf({ status, body }: HttpReply, secrets: readonly string[]): string {
  if (status === 401) return 'not authenticated.';
  if (status === 403) return 'not permitted.';
  const text = body.toString('utf8');
  const said = Envelope.safeParse(jsonOrNull(text)).data ?? '';
  return said === ''
    ? `"${quotable(text, secrets, MAX_DETAIL_LENGTH)}"`
    : quotable(said, secrets, MAX_DETAIL_LENGTH);
}

/** The JSON object of a successful response; an empty body is an empty object. Throws `WorkloadApiInvalidResponse`. */
export function jsonObject(reply: HttpReply, { request, secrets, once: outcomeUnknown }: Asked): unknown {
  const text = reply.body.toString('utf8');
  if (text.trim() === '') return {};
  const excess = jsonExcess(text);
  if (excess !== null) {
    const message = `${request}: the answer is ${excessText[excess]}`;
    throw new WorkloadApiInvalidResponse(message, { outcomeUnknown });
  }
  const value = jsonOrNull(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  const hint = /<html|<!doctype/i.test(text) ? ' Check that DATAROBOT_ENDPOINT ends in /api/v2.' : '';
  const type = quotable(reply.contentType, secrets, 80) || 'no content type';
  throw new WorkloadApiInvalidResponse(
    `${request}: HTTP ${reply.status} with ${type} that is not a JSON object: "${quotable(text, secrets, MAX_DETAIL_LENGTH)}".${hint}`,
    { outcomeUnknown },
  );
}

const HINTS: Readonly<Record<number, string>> = {
  401: ' Check DATAROBOT_API_TOKEN, or the secret of DATAROBOT_TOKEN_SECRET_ARN.',
  403: ' The owner of the token lacks permission: it needs an update role on the Workload and the artifact, the entitlement WORKLOAD_API_CONTAINERS, and a free seat, replica and Workload.',
  404: ' It does not exist, or the owner of the token cannot see it.',
};
const hintFor = (status: number) => HINTS[status] ?? '';

function jsonOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}
