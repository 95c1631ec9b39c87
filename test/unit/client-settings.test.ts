import { afterEach, expect, it, vi } from 'vitest';
import { clientSettings } from '../../lambdas/adapters/aws/client-settings.ts';

const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' };
const credentials = { accessKeyId: 'id', secretAccessKey: 'key' };

afterEach(() => void vi.unstubAllEnvs());

it('leaves the environment of the process to the SDK, which renews credentials on Lambda', () => {
  const whole = { ...keys, AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_SNS: 'http://127.0.0.1:1' };
  for (const [name, value] of Object.entries(whole)) vi.stubEnv(name, value);
  expect(clientSettings(process.env, 'SNS')).toEqual({});
  expect(clientSettings({ ...process.env }, 'SNS')).toMatchObject({ region: 'eu-west-1', credentials });
});

it.each([
  ['nothing', {}, {}],
  ['empty variables', { AWS_REGION: '', AWS_ENDPOINT_URL_SNS: '' }, {}],
  ['half of the credentials', { AWS_ACCESS_KEY_ID: 'id' }, {}],
  ['the endpoint of another service', { AWS_ENDPOINT_URL_SFN: 'http://127.0.0.1:1' }, {}],
  ['credentials', keys, { credentials }],
  [
    'temporary credentials',
    { ...keys, AWS_SESSION_TOKEN: 't' },
    { credentials: { ...credentials, sessionToken: 't' } },
  ],
  [
    'region and endpoint',
    { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_SNS: 'http://127.0.0.1:1' },
    { region: 'eu-west-1', endpoint: 'http://127.0.0.1:1' },
  ],
])('makes settings of an environment with %s', (_, env, settings) => {
  expect(clientSettings(env, 'SNS')).toEqual(settings);
});
