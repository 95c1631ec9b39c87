import * as z from 'zod';
import { bearer } from '../adapters/authorization.ts';
import type { Clock } from '../adapters/clock.ts';
import { type HttpLimits, httpClient } from '../adapters/http.ts';
import type { Network } from '../adapters/network.ts';
import { workloadApi } from '../adapters/workload-api/client.ts';
import { workloadCall } from '../domain/limits.ts';
import { WorkloadApiUnavailable } from '../domain/serving/errors.ts';
import type { Workloads } from '../domain/serving/workloads.ts';
import { authorizationOf, BareToken, Token } from './credentials.ts';
import { configuration, WorkloadEnvironment } from './environment.ts';

const Credentials = z.union([BareToken, Token]);

/** What a function needs to call the Workload API. */
export interface ServingServices {
  workloads: Workloads;
}

/** Throws `InvalidConfiguration`, which names the variables without their values. */
export function servingServices(
  env: NodeJS.ProcessEnv,
  clock: Clock,
  network: Network = {},
  limits: HttpLimits = workloadCall,
): ServingServices {
  const {
    DATAROBOT_ENDPOINT: endpoint,
    DATAROBOT_TOKEN_SECRET_ARN: arn,
    DATAROBOT_API_TOKEN: token = '',
  } = configuration(WorkloadEnvironment, env);
  const secret = {
    env,
    variable: 'DATAROBOT_TOKEN_SECRET_ARN',
    arn,
    schema: Credentials,
    expected: 'the token as it is, or {"token": …}',
    unavailable: (message: string, cause: unknown) =>
      new WorkloadApiUnavailable(message, { outcomeUnknown: false, cause }),
  };
  const authorization = authorizationOf(secret, bearer(token));
  const http = httpClient(limits, clock, network.http);
  return { workloads: workloadApi({ endpoint, authorization, http }) };
}
