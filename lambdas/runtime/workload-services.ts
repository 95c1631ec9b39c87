import * as z from 'zod';
import { type Authorization, bearer } from '../adapters/authorization.ts';
import { fromSecret } from '../adapters/aws/secrets-manager.ts';
import { httpClient } from '../adapters/http.ts';
import { workloadApi } from '../adapters/workload-api/client.ts';
import { WorkloadApiUnavailable } from '../domain/serving/errors.ts';
import type { Workloads } from '../domain/serving/workloads.ts';
import { configuration, HeaderText, jsonOrNull, WorkloadEnvironment } from './environment.ts';

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

/** Throws `InvalidConfiguration`, which names the variables and repeats no value. */
export function servingServices(env: NodeJS.ProcessEnv): ServingServices {
  const { DATAROBOT_ENDPOINT: endpoint, ...config } = configuration(WorkloadEnvironment, env);
  return {
    workloads: workloadApi({
      endpoint,
      authorization: authorizationOf(config, env),
      http: httpClient(LIMITS),
    }),
  };
}

function authorizationOf(
  config: Omit<z.infer<typeof WorkloadEnvironment>, 'DATAROBOT_ENDPOINT'>,
  env: NodeJS.ProcessEnv,
): Authorization {
  const { DATAROBOT_TOKEN_SECRET_ARN: arn, DATAROBOT_API_TOKEN: token = '' } = config;
  if (arn === undefined) return bearer(token);
  return fromSecret({
    env,
    variable: 'DATAROBOT_TOKEN_SECRET_ARN',
    arn,
    read: tokenIn,
    expected: 'the token as it is, or {"token": …}',
    unavailable: (message, cause) => new WorkloadApiUnavailable(message, { outcomeUnknown: false, cause }),
  });
}

const Token = z.union([HeaderText, z.object({ token: HeaderText }).transform(({ token }) => token)]);

function tokenIn(text: string): Authorization | null {
  const token = Token.safeParse(jsonOrNull(text) ?? text.trim()).data;
  return token === undefined ? null : bearer(token);
}
