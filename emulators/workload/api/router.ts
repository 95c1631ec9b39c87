import { z } from 'zod';
import { ApiError, type Invalid, type World } from '../world/world.ts';
import { type Answer, detail, errorAnswer, json } from './answers.ts';

/** A request that has not been validated. */
export interface RawRequest {
  method: string;
  /** Without the API's prefix and leading slash; a trailing slash is kept. */
  path: string;
  query: URLSearchParams;
  contentType: string;
  body: string;
}

/** What a route gets: everything parsed by the shapes it names. */
export interface Call<Params, Query, Body> {
  world: World;
  params: Params;
  query: Query;
  body: Body;
  /** The absolute URL that was asked for, for links. */
  url: URL;
  /** The absolute URL of the API, such as `http://127.0.0.1:8080/api/v2`. */
  base: string;
}

type ParamsOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? { [Key in Name]: string } & ParamsOf<Rest>
  : Path extends `${string}:${infer Name}`
    ? { [Key in Name]: string }
    : unknown;

export interface Route {
  method: string;
  segments: string[];
  run(request: RawRequest, params: Record<string, string>, world: World, base: string): Answer;
}

/** One route; its query and its body are closed: unknown fields are rejected. */
export function route<Path extends string, Query extends z.ZodRawShape, Body extends z.ZodType>(
  method: string,
  path: Path,
  shapes: { query?: Query; body?: Body },
  act: (call: Call<ParamsOf<Path>, z.output<z.ZodObject<Query>>, z.output<Body>>) => Answer,
): Route {
  const querySchema = z.strictObject((shapes.query ?? {}) as Query);
  return {
    method,
    segments: path.split('/'),
    run: (request, params, world, base) => {
      const problems: Invalid[] = [];
      const isPlain = shapes.query === undefined && request.query.size === 0;
      const query = isPlain ? {} : parse(querySchema, gather(request.query, querySchema), problems);
      const body = shapes.body === undefined ? undefined : parse(shapes.body, bodyOf(request), problems);
      if (problems.length > 0) throw new ApiError(422, problems);
      return act({
        world,
        params: params as ParamsOf<Path>,
        query: query as z.output<z.ZodObject<Query>>,
        body: body as z.output<Body>,
        get url() {
          const url = new URL(`${base}/${request.path}`);
          url.search = request.query.toString();
          return url;
        },
        base,
      });
    },
  };
}

/** Repeated parameters become lists where the shape has one; elsewhere the last counts. */
function gather(query: URLSearchParams, schema: z.ZodObject): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const key of new Set(query.keys())) {
    const all = query.getAll(key);
    const name = key.replace(/\[\]$/, '');
    const isList =
      schema.shape[name] instanceof z.ZodOptional && unwrapped(schema.shape[name]) instanceof z.ZodArray;
    Object.defineProperty(values, name, { value: isList ? all : all.at(-1), enumerable: true });
  }
  return values;
}

const unwrapped = (schema: unknown) => (schema instanceof z.ZodOptional ? schema.unwrap() : schema);

function bodyOf({ body, contentType }: RawRequest): unknown {
  if (body === '') return undefined;
  if (!/json/i.test(contentType)) return body;
  try {
    return JSON.parse(body);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ApiError(422, [
      { path: 'body', message: `JSON decode error: ${message}`, code: 'json_invalid' },
    ]);
  }
}

function parse(schema: z.ZodType, value: unknown, problems: Invalid[]): unknown {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) problems.push(...invalidOf(issue, ''));
  return undefined;
}

function invalidOf(issue: z.core.$ZodIssue, prefix: string): Invalid[] {
  const path = [prefix, ...issue.path.map(String)].filter((part) => part !== '').join('.');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: path === '' ? key : `${path}.${key}`,
        message: 'Extra inputs are not permitted',
        code: 'extra_forbidden',
      }));
    case 'invalid_type':
      if (issue.input === undefined)
        return [{ path: path || 'body', message: 'Field required', code: 'missing' }];
      return [
        {
          path: path || 'body',
          message: `Input should be a valid ${issue.expected}`,
          code: `${issue.expected}_type`,
        },
      ];
    case 'invalid_value':
      return [
        {
          path,
          message: `Input should be ${issue.values.map((each) => `'${String(each)}'`).join(' or ')}`,
          code: 'enum',
        },
      ];
    case 'too_small':
      return [
        {
          path,
          message: issue.message,
          code: issue.origin === 'string' ? 'string_too_short' : 'greater_than_equal',
        },
      ];
    case 'too_big':
      return [
        {
          path,
          message: issue.message,
          code: issue.origin === 'string' ? 'string_too_long' : 'less_than_equal',
        },
      ];
    default:
      return [{ path, message: issue.message, code: 'value_error' }];
  }
}

/** Finds the route and runs it; an `ApiError` becomes its response. */
export function dispatch(routes: readonly Route[], request: RawRequest, world: World, base: string): Answer {
  const segments = request.path.replace(/\/$/, '').split('/').map(decoded);
  const here = (candidate: Route) => matches(candidate, segments);
  const found = routes.find((candidate) => candidate.method === request.method && here(candidate));
  if (found === undefined) {
    if (routes.some(here)) return detail(405, 'Method Not Allowed');
    return json({ detail: `Not implemented by this emulator: ${request.method} /${request.path}` }, 501);
  }
  const params: Record<string, string> = {};
  for (const [index, segment] of found.segments.entries()) {
    if (segment.startsWith(':')) params[segment.slice(1)] = segments[index] ?? '';
  }
  try {
    return found.run(request, params, world, base);
  } catch (error) {
    if (error instanceof ApiError) return errorAnswer(error, world.variants);
    throw error;
  }
}

const matches = ({ segments }: Route, given: readonly string[]) =>
  segments.length === given.length &&
  segments.every((segment, index) => segment.startsWith(':') || segment === given[index]);

/** An encoded slash stays inside its segment. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
