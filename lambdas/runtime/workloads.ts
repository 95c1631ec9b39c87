import { z } from 'zod';
import { httpClient } from '../adapters/http.ts';
import { workloadApi } from '../adapters/workload-api.ts';
import type { Workloads } from '../domain/serving/workloads.ts';
import { configuration } from './config.ts';

/** Everything a function needs to talk to the Workload API. */
export interface ServingServices {
  workloads: Workloads;
}

/**
 * A step reads three times in a row, writes once, looks once more and reads for a diagnosis: seven times `totalMs`
 * stays below the function's 60 s.
 */
const LIMITS = {
  connectMs: 2_000,
  headersMs: 5_000,
  bodyMs: 4_000,
  totalMs: 8_000,
  maxBytes: 4 * 1024 * 1024,
  retries: 3,
  backoffMs: 100,
};

const Endpoint = z.string().superRefine((value, context) => {
  const problem = endpointProblem(value);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});

/** Why an endpoint cannot be used, or null. The value itself is never repeated: it may hold a password. */
function endpointProblem(value: string): string | null {
  if (!URL.canParse(value)) return 'must be a URL with its scheme, such as https://app.datarobot.com/api/v2';
  const { protocol, username, password, search, hash } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return `must be https: or http:, not ${protocol}`;
  if (username !== '' || password !== '') return 'must not hold credentials: use DATAROBOT_API_TOKEN';
  return search !== '' || hash !== '' ? 'must not have a query or a fragment' : null;
}

export const WorkloadEnvironment = z.object({
  DATAROBOT_ENDPOINT: Endpoint,
  // A header cannot hold anything else; the check keeps the value out of the message of the one who would refuse it.
  DATAROBOT_API_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be a token: printable characters without spaces'),
});

/** Throws `InvalidConfiguration`, which names the variables and repeats no value. */
export function servingServices(env: NodeJS.ProcessEnv): ServingServices {
  const config = configuration(WorkloadEnvironment, env);
  const options = { endpoint: config.DATAROBOT_ENDPOINT, token: config.DATAROBOT_API_TOKEN };
  return { workloads: workloadApi({ ...options, http: httpClient(LIMITS) }) };
}
