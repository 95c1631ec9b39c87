import { describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { mlflowContract } from '../contract/mlflow-api.ts';
import { MlflowRest, type MlflowTarget } from '../support/mlflow-rest.ts';
import { authServer } from './servers.ts';

const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const guarded = authServer();
if (guarded !== null) {
  const { url, username, password } = guarded;
  const allowed = (): MlflowTarget => ({ url, authorization: basic(username, password) });
  mlflowContract('a server that asks for a password', allowed);

  describe('without the right password', () => {
    const wrong = [
      ['no credentials', undefined],
      ['a wrong password', basic(username, 'wrong')],
      ['an unknown user', basic('nobody', password)],
    ] as const;

    const look = async (target: MlflowTarget, path: string) => {
      const { status, contentType, text } = await new MlflowRest(target).get(path);
      return { status, type: contentType.split(';')[0], text: text.slice(0, 30) };
    };

    it.each(wrong)('%s: a real server and the emulator answer alike', async (_, authorization) => {
      const emulator: MlflowEmulator = await startMlflowEmulator({ auth: { username, password } });
      const sent = authorization === undefined ? {} : { authorization };
      try {
        for (const path of ['/version', '/health', 'registered-models/search', 'no-such-thing']) {
          const real = await look({ url, ...sent }, path);
          expect(await look({ url: emulator.url, ...sent }, path), path).toEqual({
            ...real,
            // The emulator has one content type for its plain sentences.
            ...(path === '/health' ? { type: 'text/html' } : {}),
          });
          expect(real.status, path).toBe(path === '/health' ? 200 : 401);
        }
      } finally {
        await emulator.close();
      }
    });

    it('a token opens nothing; a server that remembers passwords breaks on it', async () => {
      const { status } = await look({ url, authorization: 'Bearer token' }, 'registered-models/search');
      expect([401, 500]).toContain(status);
    });
  });
}
