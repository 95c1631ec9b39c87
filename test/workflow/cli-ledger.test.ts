import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PublishedMessage } from '../../emulators/aws/sns.ts';
import { execute } from '../../local/execution.ts';
import { type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';
import { promote } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { promotion } from '../support/command.ts';

/** `promotion ledger` on the table of a local host, after a promotion and a rollback. */

let host: EmulatedHost;
let folder: string;
const heads: (string | undefined)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  const started = await startHost();
  if (!isEmulated(started)) throw new Error('not on emulators');
  host = started;
  seedPascalStrategy(host.mlflow);
  seedServing(host);
  for (const input of [
    promote,
    { operation: 'rollback', model_name: MODEL, requested_by: 'the duty officer' },
  ])
    for (const message of (await execute(host, input, { pauseMs: 1 })).alerts)
      heads.push((message as PublishedMessage).attributes['ledger']);
});
afterAll(async () => {
  await host.close();
  await rm(folder, { recursive: true });
});

const VARIABLES = ['PROMOTION_TABLE', 'AWS_ENDPOINT_URL_DYNAMODB', 'AWS_REGION'];
const KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
const env = () => Object.fromEntries([...VARIABLES, ...KEYS].map((name) => [name, host.env[name] ?? '']));
const ledger = (...args: string[]) => promotion(['ledger', ...args], { env: env() });

describe('the ledger of a model', () => {
  it('shows what was decided and changed, and on what', async () => {
    const { code, stdout } = await ledger('show', MODEL, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      problems: [],
      entries: [
        {
          seq: 1,
          status: 'promoted',
          decision: { decision: 'PROMOTE', policy: 'trading' },
          after: { version: '3' },
        },
        {
          seq: 2,
          status: 'rolled_back',
          decision: null,
          requested_by: 'the duty officer',
          after: { version: '2' },
        },
      ],
    });
    expect((await ledger('show', MODEL)).stdout.match(/^ +\d+ {2}\d{4}-/gm)).toHaveLength(2);
  });

  it('has the head that the last alert names', async () => {
    const named = heads.at(-1) ?? 'none';
    expect(await ledger('verify', MODEL, '--head', named)).toMatchObject({ code: 0, stderr: '' });
    expect((await ledger('verify', MODEL)).stdout).toContain(named);
    expect(await ledger('verify', MODEL, '--head', `3:${named.slice(2)}`)).toMatchObject({ code: 1 });
  });

  it('is checked without the table from an export, in which a changed entry is found', async () => {
    const file = join(folder, 'ledger.txt');
    await writeFile(file, (await ledger('export', MODEL)).stdout);
    expect(await promotion(['ledger', 'verify', '--file', file])).toMatchObject({ code: 0 });
    await writeFile(file, (await readFile(file, 'utf8')).replace('the duty officer', 'somebody else'));
    const { code, stdout } = await promotion(['ledger', 'verify', '--file', file, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ entries: 2, problems: [{ code: 'changed', at: 2 }] });
  });

  it('is empty for a model of which nothing was decided', async () => {
    expect(await ledger('show', 'nobody', '--json')).toMatchObject({ code: 0 });
  });

  it.each([[['verify', 'm', '--head', 'twelve']], [['verify']], [['verify', '--file', '/does/not/exist']]])(
    'refuses %j',
    async (args) => {
      const { code, stderr } = await ledger(...args);
      expect([code, stderr]).not.toEqual([2, '']);
      expect(code).toBe(2);
    },
  );

  it('needs a table', async () => {
    expect(await promotion(['ledger', 'show', MODEL], { env: {} })).toMatchObject({ code: 2 });
  });
});
