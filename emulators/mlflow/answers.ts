import type { Behaviour } from './registry/versions.ts';

/** A response of the server. */
export interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
  headers?: Record<string, string>;
}

const STATUS = {
  INVALID_PARAMETER_VALUE: 400,
  BAD_REQUEST: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  RESOURCE_DOES_NOT_EXIST: 404,
  INTERNAL_ERROR: 500,
  NOT_IMPLEMENTED: 501,
} as const;

export type ErrorCode = keyof typeof STATUS;

/** An error response of MLflow: JSON with one of its error codes. */
export class ApiError extends Error {
  override readonly name = 'Refusal' as const;
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  answer({ sqlState }: Behaviour): Answer {
    const more = sqlState ? { sqlstate: sqlStateOf(this.code), error_class: errorClassOf(this.code) } : {};
    return json({ error_code: this.code, message: this.message, ...more }, STATUS[this.code]);
  }
}

/** An unhandled error of MLflow: its web framework responds with an HTML page. */
export class UnhandledError extends Error {
  override readonly name = 'Unforeseen' as const;
}

const sqlStateOf = (code: ErrorCode) => (code === 'INTERNAL_ERROR' ? 'XXM00' : 'KAM00');

function errorClassOf(code: ErrorCode): string {
  if (code === 'INTERNAL_ERROR') return 'CLIENT_INTERNAL_ERROR';
  return code === 'RESOURCE_DOES_NOT_EXIST' ? 'RESOURCE_NOT_FOUND' : code;
}

/** How MLflow ends its messages about parameters. */
export const SEE_DOCS = ' See the API docs for more information about request parameters.';

export const invalid = (message: string) => new ApiError('INVALID_PARAMETER_VALUE', message);
export const missing = (message: string) => new ApiError('RESOURCE_DOES_NOT_EXIST', message);

/** MLflow's JSON: indented by two, everything outside ASCII escaped. */
export function json(body: unknown, status = 200): Answer {
  const text = JSON.stringify(body, null, 2);
  const ascii = NOT_ASCII.test(text)
    ? text.replaceAll(
        NOT_ASCII_EACH,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
    : text;
  return { status, type: 'application/json', body: ascii };
}

const NOT_ASCII = /[\u0080-\uffff]/;
const NOT_ASCII_EACH = /[\u0080-\uffff]/g;

const PAGES: Record<number, [title: string, text: string]> = {
  400: ['Bad Request', 'The browser (or proxy) sent a request that this server could not understand.'],
  404: [
    'Not Found',
    'The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.',
  ],
  405: ['Method Not Allowed', 'The method is not allowed for the requested URL.'],
  500: [
    'Internal Server Error',
    'The server encountered an internal error and was unable to complete your request. Either the server is overloaded or there is an error in the application.',
  ],
};

/** The page of the web framework under MLflow. */
export function page(status: number, headers: Record<string, string> = {}): Answer {
  const [title, text] = PAGES[status] ?? ['Error', ''];
  const body = `<!doctype html>\n<html lang=en>\n<title>${status} ${title}</title>\n<h1>${title}</h1>\n<p>${text}</p>\n`;
  return { status, type: 'text/html; charset=utf-8', body, headers };
}

/** A double as JSON: there is no NaN in JSON, so MLflow sends the word. */
export const double = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** Unset fields and empty lists are left out of MLflow's answers. */
export function sparse(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    kept[name] = value;
  }
  return kept;
}

/** Tags and parameters as MLflow sends them. */
export const pairs = (entries: Iterable<[string, string]>) =>
  [...entries].map(([key, value]) => ({ key, value }));
