import type { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { InvalidConfiguration } from '../../domain/errors.ts';
import type { Authorization } from '../authorization.ts';
import { clientSettings } from './client-settings.ts';

/** Credentials from AWS Secrets Manager, kept for a while and read again when they were refused. */

/** A rotated secret is taken up after so long at the latest. */
const KEPT_SECONDS = 300;

/**
 * One reading with its second attempt, and with the body, which the client's own time-outs leave out. A function reads
 * a secret once besides its longest chain of calls, and both together stay below its time-out.
 */
const TOTAL_MS = 3_500;
const CLIENT = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 1_700, throwOnRequestTimeout: true },
};

export interface SecretOptions {
  /** What the client is made for: see `clientSettings`. */
  env: NodeJS.ProcessEnv;
  /** Name of the variable that holds the ARN, for messages. */
  variable: string;
  arn: string;
  /** The authorization that the secret's text describes; null when it is none that can be used. */
  read: (text: string) => Authorization | null;
  /** What the text should be, for messages. */
  expected: string;
  /** The error for a store that is away: the state machine tries again by its name. */
  unavailable: (message: string, cause: unknown) => Error;
}

/**
 * An authorization that is read from a secret at the first request. Its `headers` throw `InvalidConfiguration` for a
 * secret that does not exist, may not be read or cannot be understood, and the `unavailable` error otherwise.
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
      return await inTime(store.get(arn, { maxAge: KEPT_SECONDS, forceFetch: fresh }));
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

/** What trying again does not mend (Secrets Manager API reference, "GetSecretValue"). */
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

/** Loaded when the first secret is needed, and shared by all secrets of a region: no secret, no cost. */
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

/** What comes too late is still kept for the next request. */
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
