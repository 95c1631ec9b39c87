/** The service of an AWS client, as the SDK names its variables (AWS SDKs and Tools Reference Guide, "Service-specific endpoints"). */
type Service = 'CLOUDTRAIL' | 'DYNAMODB' | 'SECRETS_MANAGER' | 'SFN' | 'SNS';

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Settings for an AWS SDK client; empty: the SDK's own defaults. */
export interface ClientSettings {
  region?: string;
  endpoint?: string;
  credentials?: Credentials;
}

/**
 * The settings of an AWS client in `env`. Empty for the environment of the process, as on Lambda: the SDK reads that itself
 * and picks up new credentials from it.
 */
export function clientSettings(env: NodeJS.ProcessEnv, service: Service): ClientSettings {
  if (env === process.env) return {};
  const region = env['AWS_REGION'];
  const endpoint = env[`AWS_ENDPOINT_URL_${service}`];
  const credentials = credentialsIn(env);
  return {
    ...(region ? { region } : {}),
    ...(endpoint ? { endpoint } : {}),
    ...(credentials ? { credentials } : {}),
  };
}

/** The credentials in an environment, or null. */
export function credentialsIn(env: NodeJS.ProcessEnv): Credentials | null {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) return null;
  const sessionToken = env['AWS_SESSION_TOKEN'];
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
