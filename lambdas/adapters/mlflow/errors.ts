import { MlflowInvalidResponse, MlflowRefused, MlflowUnavailable } from '../../domain/errors.ts';
import { excessText, jsonExcess, parseJson } from '../../domain/json.ts';
import { type HttpReply, NoReply } from '../http.ts';
import { masked, quotable } from '../masking.ts';
import { ErrorAnswer } from './answers.ts';

/** Typed errors for invalid MLflow responses, safe to log, show and store. */

/** How a request is named and judged in errors. */
export interface Asked {
  /** Method and path, without host and credentials. */
  request: string;
  secrets: readonly string[];
  /** True for a write that is sent once: what became of it is unknown after an invalid or failed response. */
  once: boolean;
}

const MAX_QUOTED = 200;

/** The JSON object of a successful response; throws `MlflowInvalidResponse` for anything else. */
export function jsonObject(reply: HttpReply, asked: Asked): unknown {
  const text = reply.body.toString('utf8');
  const { request, secrets, once: outcomeUnknown } = asked;
  const excess = jsonExcess(text);
  if (excess !== null) {
    const why = `the answer is ${excessText[excess]}`;
    const cause = excess === 'values' ? new NoReply('too-large', why) : undefined;
    throw new MlflowInvalidResponse(`${request}: ${why}`, { outcomeUnknown, cause });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The excerpt below is more useful than the parser's message.
  }
  const hint = /<html|<!doctype/i.test(text) ? ' Check for a login page or a proxy in front of MLflow.' : '';
  const type = quotable(reply.contentType, secrets, 80) || 'no content type';
  throw new MlflowInvalidResponse(
    `${request}: HTTP ${reply.status} with ${type} that is not a JSON object: "${quotable(text, secrets, MAX_QUOTED)}".${hint}`,
    { outcomeUnknown },
  );
}

/** True for the response to a write without content: some managed gateways answer an empty body or "200 OK" instead of {}. */
export const isEmpty = ({ body }: HttpReply): boolean =>
  body.length < 100 && /^\s*(?:200 OK\s*)?$/.test(body.toString('utf8'));

/** Error codes whose message is safe to show; the message of any other may contain SQL with its parameters. */
const PUBLIC_ERROR_CODES = [
  'INVALID_PARAMETER_VALUE',
  'RESOURCE_DOES_NOT_EXIST',
  'RESOURCE_ALREADY_EXISTS',
  'NOT_IMPLEMENTED',
];
/** MLflow's code for an exception of any kind, such as a lost connection to its database. */
const INTERNAL_ERROR = 'INTERNAL_ERROR';

/** The error for an unsuccessful response: by MLflow's error code, else by the status. */
export function refusal(reply: HttpReply, { request, secrets, once }: Asked): Error {
  const text = reply.body.toString('utf8');
  const { status } = reply;
  const envelope = ErrorAnswer.safeParse(parseOrNull(text)).data ?? null;
  const errorCode = envelope === null ? null : masked(envelope.error_code, secrets, 80);
  const message = `${request}: HTTP ${status}${detailOf(status, errorCode, envelope, text, secrets)}${hintFor(status, text)}`;
  if (status === 429) return new MlflowUnavailable(message);
  if ([502, 503, 504].includes(status) || isFailure(status, errorCode))
    return new MlflowUnavailable(message, { outcomeUnknown: once });
  if (status >= 300 && status < 400)
    return new MlflowInvalidResponse(`${message} (a redirect, possibly to a login page)`, {
      outcomeUnknown: once,
    });
  return new MlflowRefused(message, { status, errorCode });
}

/** True for a response after which a repeatable request is sent again, besides those of every server. */
export function isServerFailure(reply: HttpReply): boolean {
  if (reply.status < 500) return false;
  const envelope = ErrorAnswer.safeParse(parseOrNull(reply.body.toString('utf8'))).data;
  return isFailure(reply.status, envelope?.error_code ?? null);
}

const isFailure = (status: number, errorCode: string | null) =>
  status >= 500 && (errorCode === null || errorCode === INTERNAL_ERROR);

/** What the server said. Nothing of a body is quoted that refuses credentials: it is the likeliest to repeat them. */
function detailOf(
  status: number,
  errorCode: string | null,
  envelope: { message?: string | null | undefined } | null,
  text: string,
  secrets: readonly string[],
): string {
  if (errorCode !== null && !/^[A-Z][A-Z_]{1,60}$/.test(errorCode)) return '';
  const code = errorCode === null ? '' : ` ${errorCode}`;
  if (status === 401 || status === 403) return code === '' ? '.' : `${code}.`;
  if (errorCode === null) return ` "${quotable(text, secrets, MAX_QUOTED)}"`;
  if (!PUBLIC_ERROR_CODES.includes(errorCode)) return code;
  return `${code}: ${quotable(envelope?.message ?? '', secrets, MAX_QUOTED)}`;
}

function hintFor(status: number, text: string): string {
  if (text.includes('Invalid Host header')) {
    return ' The MLflow server rejected the host name of the request: start it with --allowed-hosts.';
  }
  if (status === 401) return ' Check the MLflow credentials.';
  return status === 403 ? ' The MLflow account lacks permission (it needs EDIT on the model).' : '';
}

function parseOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
