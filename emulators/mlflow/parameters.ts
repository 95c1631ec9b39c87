import { invalid, SEE_DOCS, UnhandledError } from './answers.ts';

/** `!`: required. A string is never taken from a number, nor a boolean from a string in a body. */
export type ParameterType = 'string' | 'integer' | 'number' | 'boolean' | 'strings' | 'objects';
export type Parameters = Readonly<Record<string, ParameterType | `${ParameterType}!`>>;
export type Fields = Readonly<Record<string, unknown>>;

export interface RawRequest {
  method: string;
  query: URLSearchParams;
  contentType: string;
  body: Buffer;
}

/** The parameters of one request, checked; those that were not sent have the type's empty value. */
export class Input {
  readonly #values: Fields;

  constructor(values: Fields) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  text(name: string): string {
    const value = this.#values[name];
    return typeof value === 'string' ? value : '';
  }

  /** Null where the parameter was not sent. */
  optional(name: string): string | null {
    const value = this.#values[name];
    return typeof value === 'string' ? value : null;
  }

  number(name: string, otherwise: number): number {
    // Inside a list of objects the values are still as they were sent: NaN as a word.
    return number(this.#values[name]) ?? otherwise;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  texts(name: string): string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  }

  objects(name: string): Input[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.filter(isObject).map((item) => new Input(known(item))) : [];
  }

  object(name: string): Input {
    const value = this.#values[name];
    return new Input(isObject(value) ? known(value) : {});
  }

  /** `[{key, value}]`; the last one counts where a key is repeated. */
  pairs(name: string): Map<string, string> {
    return new Map(this.objects(name).map((pair) => [pair.text('key'), pair.text('value')]));
  }
}

/** Reads and checks the parameters in MLflow's order: content type, JSON, types and required fields, limits. */
export function readInput(request: RawRequest, parameters: Parameters, atMost: Fields = {}): Input {
  const raw = request.method === 'GET' ? fromQuery(request.query, parameters) : fromBody(request);
  const values: Record<string, unknown> = {};
  const parsed = Object.entries(parameters).map(([name, rule]) => {
    const type = rule.replace('!', '') as ParameterType;
    const sent = raw[name] ?? undefined;
    const value = sent === undefined ? undefined : convert(sent, type);
    if (value !== undefined) values[name] = value;
    return { name, sent, required: rule.endsWith('!'), wrong: sent !== undefined && value === undefined };
  });
  // One wrong type makes MLflow check all types, in the order of its schema; otherwise only what is required.
  for (const { name, sent, required, wrong } of parsed) {
    if (wrong) throw invalidValue(name, sent);
    if (required && (sent === undefined || sent === '')) {
      throw invalid(`Missing value for required parameter '${name}'.${SEE_DOCS}`);
    }
    const limit = atMost[name];
    const value = values[name];
    if (typeof limit === 'number' && typeof value === 'number' && value > limit)
      throw invalidValue(name, sent);
  }
  return new Input(values);
}

const invalidValue = (name: string, value: unknown) =>
  invalid(
    `Invalid value ${JSON.stringify(value)} for parameter '${name}' supplied:  Hint: Value was of type '${pythonType(value)}'.${SEE_DOCS}`,
  );

function fromQuery(query: URLSearchParams, parameters: Parameters): Fields {
  const raw: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(parameters)) {
    if (!query.has(name)) continue;
    raw[name] = /^(strings|objects)/.test(rule) ? query.getAll(name) : query.get(name);
    if (rule.startsWith('boolean')) raw[name] = /^true$/i.test(String(raw[name]));
  }
  return raw;
}

function fromBody({ method, contentType, body }: RawRequest): Fields {
  if (['POST', 'PUT'].includes(method) && contentType.split(';')[0]?.trim() !== 'application/json') {
    throw invalid("Bad Request. Content-Type must be one of ['application/json'].");
  }
  let value = parse(body.toString('utf8'));
  // Old clients encoded their JSON twice.
  if (typeof value === 'string') value = parse(value);
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new UnhandledError('The body is JSON, but no object');
  return value;
}

/** Undefined for invalid JSON, which MLflow treats as an empty request. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value in its type, or undefined when it has another one. */
function convert(value: unknown, type: ParameterType): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'integer':
      return wholeNumber(value);
    case 'number':
      return number(value);
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
    case 'objects':
      return Array.isArray(value) && value.every(isObject) ? value : undefined;
  }
}

function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'string') return /^[+-]?\d+$/.test(value) ? Number(value) : undefined;
  return Number.isInteger(value) ? Number(value) : undefined;
}

function number(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  if (['NaN', 'Infinity', '-Infinity'].includes(value)) return Number(value);
  return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Null is the same as absent. */
const known = (fields: Record<string, unknown>): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

function pythonType(value: unknown): string {
  if (value === undefined || value === null) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return { string: 'str', boolean: 'bool' }[typeof value as string] ?? 'dict';
}
