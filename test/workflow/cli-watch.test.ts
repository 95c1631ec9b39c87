import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';
import { MODEL } from '../../local/scenarios/seed.ts';
import { watchScenarios } from '../../local/scenarios/watch.ts';
import { promotion } from '../support/command.ts';

/** `promotion watch` on the table of a local host, after a release that was confirmed. */

let host: EmulatedHost;

beforeAll(async () => {
  const started = await startHost();
  if (!isEmulated(started)) throw new Error('not on emulators');
  host = started;
  await watchScenarios.find(({ name }) => name === 'release-confirmed')?.play(host, { pauseMs: 1 });
});
afterAll(() => host.close());

const VARIABLES = ['PROMOTION_TABLE', 'AWS_ENDPOINT_URL_DYNAMODB', 'AWS_REGION'];
const KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
const env = () => Object.fromEntries([...VARIABLES, ...KEYS].map((name) => [name, host.env[name] ?? '']));
const watch = (...args: string[]) => promotion(['watch', ...args], { env: env() });

describe('the watch of a release', () => {
  it('shows where each series stands', async () => {
    const { code, stdout } = await watch(MODEL, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ model: MODEL, status: 'kept', attempt: 0, due_at: null },
      evidence: {
        ...{ new: '3', old: '2' },
        series: [{ series: 'rows', decides: true, before: 168 }, {}, { series: 'errors', before: 168 }, {}],
      },
    });
  });

  it('shows it to people, with how far it is from either verdict', async () => {
    const { code, stdout } = await watch(MODEL);
    expect(code).toBe(0);
    for (const text of [MODEL, '3', '2', '█'.repeat(24), '·']) expect(stdout).toContain(text);
  });

  it('is none for a model that nobody has looked at', async () => {
    expect(await watch('nobody', '--json')).toMatchObject({ code: 0, stdout: 'null\n' });
  });

  it('needs a table', async () => {
    expect(await promotion(['watch', MODEL], { env: { PROMOTION_TABLE: '' } })).toMatchObject({ code: 2 });
  });
});
