import { MlflowInvalidResponse, MlflowRefused, MlflowUnavailable } from '../../domain/errors.ts';
import type { HttpReply } from '../http.ts';
import { ErrorAnswer } from './answers.ts';

/** Typed errors for invalid MLflow responses, safe to log, show and store. */

/** The JSON object of a successful response; throws `MlflowInvalidResponse` for anything else. */
export function jsonObject(reply: HttpReply, request: string, secrets: readonly string[]): unknown {
  const text = reply.body.toString('utf8');
  // Some managed gateways answer an empty body or "200 OK" instead of {}.
  if (text.trim() === '' || text.trim() === '200 OK') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The excerpt below is more useful than the parser's message.
  }
  const hint = /<html|<!doctype/i.test(text) ? ' Check for a login page or a proxy in front of MLflow.' : '';
  throw new MlflowInvalidResponse(
    `${request}: HTTP ${reply.status} with ${reply.contentType || 'no content type'} that is not a JSON object: "${excerpt(text, secrets)}".${hint}`,
  );
}

/** Error codes whose message is safe to show; the message of any other may contain SQL with its parameters. */
const PUBLIC_ERROR_CODES = [
  'INVALID_PARAMETER_VALUE',
  'RESOURCE_DOES_NOT_EXIST',
  'RESOURCE_ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'NOT_IMPLEMENTED',
];

/** The error for an unsuccessful response: by MLflow's error code, else by the status. */
export function refusal(reply: HttpReply, request: string, secrets: readonly string[]): Error {
  const text = reply.body.toString('utf8');
  const envelope = ErrorAnswer.safeParse(parseOrNull(text));
  const errorCode = envelope.success ? envelope.data.error_code : null;
  const detail = envelope.success
    ? `${shorten(errorCode ?? '', 80)}${PUBLIC_ERROR_CODES.includes(errorCode ?? '') ? `: ${excerpt(envelope.data.message ?? '', secrets)}` : ''}`
    : `"${excerpt(text, secrets)}"`;
  const message = `${request}: HTTP ${reply.status} ${detail}${hintFor(reply.status, text)}`;
  if ([429, 502, 503, 504].includes(reply.status)) return new MlflowUnavailable(message);
  if (reply.status >= 300 && reply.status < 400)
    return new MlflowInvalidResponse(`${message} (a redirect, possibly to a login page)`);
  if (reply.status >= 500 && errorCode === null) return new MlflowUnavailable(message);
  return new MlflowRefused(message, { status: reply.status, errorCode });
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
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A short, one-line, secret-free piece of a remote answer. */
function excerpt(text: string, secrets: readonly string[]): string {
  // Before shortening: part of a secret would no longer be found.
  const safe = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text).slice(0, 2000);
  return shorten(safe.replace(/\p{C}+|\s+/gu, ' ').trim(), 200);
}

export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
