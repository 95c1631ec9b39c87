import { InvalidConfiguration } from '../../domain/errors.ts';
import type { Authorization } from '../authorization.ts';
import { credentialsIn } from './client-settings.ts';
import type { ManagedServer } from './sagemaker-arn.ts';

/**
 * MLflow as SageMaker manages it. Requests are signed with the function's own role; what is signed and how was taken from
 * the behaviour of SageMaker's plugin for MLflow, sagemaker-mlflow 0.5.
 */

/**
 * Signs each request (Signature Version 4) with the credentials that are in the environment at that moment. A signature
 * is valid for five minutes, much longer than the HTTP client goes on with repeats. `headers` throws
 * `InvalidConfiguration` where there are no credentials.
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
      // The HTTP client writes this one itself.
      const { host: _, ...rest } = request.headers;
      return rest;
    },
    // Nothing is kept: signed again, the request would show the same credentials.
    renewed: async () => null,
    secrets: () => ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].flatMap((name) => env[name] || []),
  };
}

/** Lambda sets them in the environment, from the function's role, and puts new ones there in time. */
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
