import { type Answer, ApiError, json, page } from './answers.ts';
import { type Fields, Input, type Parameters, type RawRequest, readInput } from './parameters.ts';

/** One route of the server. */
export interface Endpoint {
  readonly methods: readonly string[];
  /** Without the API's prefix; a trailing `*` stands for one or more segments. */
  readonly path: string;
  /** Null where the body is a file, not JSON. */
  readonly parameters: Parameters | null;
  /** Largest numbers accepted, by parameter. */
  readonly atMost?: Fields;
  /** `rest`: what the `*` of the path stood for. */
  act(input: Input, rest: string, request: RawRequest): Answer;
}

/** An endpoint of the REST API: parameters in, JSON out. */
export function endpoint(
  methods: string,
  path: string,
  parameters: Parameters,
  act: (input: Input, rest: string) => object,
  atMost: Fields = {},
): Endpoint {
  return {
    methods: methods.split('|'),
    path,
    parameters,
    atMost,
    act: (input, rest) => json(act(input, rest)),
  };
}

/** Responds as the real server does: 404 for an unknown path, 405 for a wrong method, else the endpoint's answer. */
export function dispatch(endpoints: readonly Endpoint[], path: string, request: RawRequest): Answer {
  // A HEAD request uses the endpoint of GET, which then reads its parameters from the body.
  const wanted = request.method === 'HEAD' ? 'GET' : request.method;
  const isHere = (candidate: Endpoint) => rest(candidate, path) !== null;
  const found = endpoints.find((candidate) => isHere(candidate) && candidate.methods.includes(wanted));
  if (found !== undefined) {
    const { parameters } = found;
    const input = parameters === null ? new Input({}) : readInput(request, parameters, found.atMost);
    return found.act(input, rest(found, path) ?? '', request);
  }
  const missing = notEmulated(wanted, path);
  if (missing !== null) throw missing;
  const here = endpoints.filter(isHere);
  if (here.length === 0) return page(404);
  const allowed = [...new Set(here.flatMap(({ methods }) => methods)), 'OPTIONS'];
  return page(405, { allow: allowed.join(', ') });
}

function rest({ path: pattern }: Endpoint, path: string): string | null {
  if (!pattern.endsWith('*')) return pattern === path ? '' : null;
  const prefix = pattern.slice(0, -1);
  return path.startsWith(prefix) && path.length > prefix.length ? path.slice(prefix.length) : null;
}

/** Endpoints of MLflow that the emulator does not implement: method and path. */
const NOT_EMULATED = [
  ['POST', 'experiments/(delete|restore|update|set-experiment-tag|delete-experiment-tag|search-datasets)'],
  ['POST', 'runs/(delete|restore|log-model)'],
  ['GET', 'metrics/get-history-bulk(-interval)?'],
  ['POST', 'artifacts/presigned-(upload|download)-url'],
  ['GET|POST|PATCH|DELETE', '(traces|unified-traces|get-online-trace-details|webhooks)(/.+)?'],
  ['POST', 'mlflow-artifacts/mpu/(create|complete|abort)/.+'],
  ['GET', 'mlflow-artifacts/presigned/.+'],
  [
    'GET|POST|PUT|PATCH|DELETE',
    '3\\.0/(traces|datasets|workspaces|issues|label-schemas|review-queues|scorers|gateway|prompt-optimization|assessments)(/.+)?',
  ],
] as const;

function notEmulated(method: string, path: string): ApiError | null {
  const known = NOT_EMULATED.some(
    ([methods, pattern]) => methods.split('|').includes(method) && new RegExp(`^${pattern}$`).test(path),
  );
  return known
    ? new ApiError('NOT_IMPLEMENTED', `The MLflow emulator does not implement ${method} ${path}`)
    : null;
}
