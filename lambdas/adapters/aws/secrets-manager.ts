import type { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { InvalidConfiguration } from '../../domain/errors.ts';
import type { Authorization } from '../authorization.ts';
import { clientSettings } from './client-settings.ts';

/** Credentials from AWS Secrets Manager, cached, and read again when a server refuses them. */

/** Seconds for which a secret is cached. */
const CACHE_SECONDS = 300;

/**
 * Milliseconds for one read with its second attempt and its body, which the client's own time-outs do not cover. A function
 * reads a secret once besides its longest chain of calls; both together stay below its time-out.
 */
const TOTAL_MS = 3_500;
const CLIENT = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 1_700, throwOnRequestTimeout: true },
};

/** How a secret becomes credentials. */
export interface SecretOptions {
  /** The environment of the client: see `clientSettings`. */
  env: NodeJS.ProcessEnv;
  /** Name of the variable that holds the ARN, for messages. */
  variable: string;
  arn: string;
  /** Parses the secret's text; null if it is invalid. */
  read: (text: string) => Authorization | null;
  /** The expected text, for messages. */
  expected: string;
  /** Creates the error for an unavailable Secrets Manager; the state machine retries it by its name. */
  unavailable: (message: string, cause: unknown) => Error;
}

/**
 * Credentials that are read from a secret at the first request. `headers` throws `InvalidConfiguration` for a secret that
 * does not exist, may not be read or has invalid content, and the `unavailable` error otherwise.
 */
export function fromSecret({
  env,
  variable,
  arn,
  read,
  expected,
  unavailable,
}: SecretOptions): Authorization {
  const used = new Set<string>();

  async function current(fresh: boolean): Promise<Authorization> {
    const text = await textOf(fresh);
    const authorization = typeof text === 'string' ? read(text) : null;
    if (authorization === null)
      throw new InvalidConfiguration(`The secret of ${variable} cannot be used: it must be ${expected}`);
    for (const secret of authorization.secrets()) used.add(secret);
    return authorization;
  }

  async function textOf(fresh: boolean): Promise<unknown> {
    try {
      const store = await storeOf(arn, env);
      return await inTime(store.get(arn, { maxAge: CACHE_SECONDS, forceFetch: fresh }));
    } catch (error) {
      // The library's own error holds the service's.
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const why = cause instanceof Error ? cause.name : 'unknown error';
      if (NON_RETRYABLE_ERRORS.includes(why))
        throw new InvalidConfiguration(
          `The secret of ${variable} cannot be read: ${why}. Check that it exists and that the function may read it.`,
        );
      throw unavailable(`Secrets Manager did not return the secret of ${variable}: ${why}`, cause);
    }
  }

  return {
    headers: async (request) => (await current(false)).headers(request),
    renewed: async (request) => (await current(true)).headers(request),
    secrets: () => [...used],
  };
}

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors */
const NON_RETRYABLE_ERRORS = [
  'ResourceNotFoundException',
  'AccessDeniedException',
  'InvalidRequestException',
  'InvalidParameterException',
  'DecryptionFailure',
  'ValidationException',
  'UnrecognizedClientException',
  'CredentialsProviderError',
];

const stores = new Map<string, Promise<SecretsProvider>>();

/** Loaded for the first secret, and shared by all secrets of a region. */
function storeOf(arn: string, env: NodeJS.ProcessEnv): Promise<SecretsProvider> {
  const settings = { ...clientSettings(env, 'SECRETS_MANAGER'), region: arn.split(':')[3] ?? '' };
  const key = JSON.stringify(settings);
  const known = stores.get(key);
  if (known !== undefined) return known;
  const store = import('@aws-lambda-powertools/parameters/secrets').then(
    ({ SecretsProvider }) => new SecretsProvider({ clientConfig: { ...CLIENT, ...settings } }),
  );
  stores.set(key, store);
  return store;
}

/** A late result is still cached for the next request. */
async function inTime<T>(reading: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DOMException('no answer in time', 'TimeoutError')), TOTAL_MS);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}
