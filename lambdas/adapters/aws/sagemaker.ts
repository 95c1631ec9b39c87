import { InvalidConfiguration } from '../../domain/errors.ts';
import type { Authorization } from '../authorization.ts';
import { credentialsIn } from './client-settings.ts';
import type { ManagedServer } from './sagemaker-arn.ts';

/**
 * MLflow managed by SageMaker. Requests are signed with the function's role, in the way of SageMaker's plugin for MLflow,
 * sagemaker-mlflow 0.5.
 */

/**
 * Signs each request (Signature Version 4) with the current credentials in the environment. A signature is valid for five
 * minutes, much longer than one call with all its retries. `headers` throws `InvalidConfiguration` without credentials.
 */
export function signed(server: ManagedServer, env: NodeJS.ProcessEnv, now: () => Date): Authorization {
  return {
    async headers({ method, url, body, headers }) {
      const [{ SignatureV4 }, { Sha256 }] = await Promise.all([
        import('@smithy/signature-v4'),
        import('@aws-crypto/sha256-js'),
      ]);
      const signer = new SignatureV4({
        service: server.service,
        region: server.region,
        credentials: credentialsOf(env),
        sha256: Sha256,
        applyChecksum: true,
      });
      const request = await signer.sign(
        {
          method,
          protocol: url.protocol,
          hostname: url.hostname,
          path: url.pathname,
          query: queryOf(url),
          headers: { ...headers, host: url.host, [server.header]: server.arn },
          ...(body === undefined ? {} : { body }),
        },
        { signingDate: now() },
      );
      // The HTTP client sets this header itself.
      const { host: _, ...rest } = request.headers;
      return rest;
    },
    // Nothing is cached: signing again would use the same credentials.
    renewed: async () => null,
    secrets: () => ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].flatMap((name) => env[name] || []),
  };
}

/** Lambda sets the credentials of the function's role in the environment and renews them. */
function credentialsOf(env: NodeJS.ProcessEnv) {
  const credentials = credentialsIn(env);
  if (credentials !== null) return credentials;
  throw new InvalidConfiguration(
    'Requests to MLflow on SageMaker are signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which are not set',
  );
}

function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string[]> = {};
  for (const [key, value] of url.searchParams) query[key] = [...(query[key] ?? []), value];
  return query;
}
