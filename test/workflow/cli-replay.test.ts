import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Replayed } from '../../cli/commands/replay-decisions.ts';
import { execute } from '../../local/execution.ts';
import { type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';
import { promote } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { promotion } from '../support/command.ts';
import { inTerminal } from '../support/terminal.ts';

/**
 * `promotion replay` on the table of a local host: after a dry run compared version 3 with version 1, version 3 was promoted
 * over version 2 and rolled back, and another dry run asked for it again.
 */

const FIRST = 'FirstStrategy';
const policies = new URL('../../policies/', import.meta.url).pathname;
const TRADING = `${policies}trading.json`;

let host: EmulatedHost;
let folder: string;
/** As `trading`, but profit has to be higher by 40 points. */
let strict: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'replay-'));
  const started = await startHost();
  if (!isEmulated(started)) throw new Error('not on emulators');
  host = started;
  seedPascalStrategy(host.mlflow);
  const { registry } = host.mlflow;
  const metrics = { profit_total: 3, sharpe_ratio: 1, max_drawdown: 1, win_rate: 0.5 };
  registry.createModel(FIRST, { tags: { 'promotion.policy': 'trading' } });
  registry.createVersion(FIRST, {
    stage: 'Staging',
    runId: registry.createRun({ metrics }),
  });
  for (const input of [
    { ...promote, champion_version: '1', challenger_version: '3', dry_run: true },
    promote,
    { operation: 'rollback', model_name: MODEL },
    { ...promote, challenger_version: '3', dry_run: true },
    { ...promote, model_name: FIRST },
  ])
    await execute(host, input, { pauseMs: 1 });
  strict = join(folder, 'strict.json');
  const policy = JSON.parse(readFileSync(TRADING, 'utf8'));
  writeFileSync(
    strict,
    JSON.stringify({ ...policy, rules: [{ ...policy.rules[0], min_gain: 40 }, ...policy.rules.slice(1)] }),
  );
});
afterAll(async () => {
  await host.close();
  rmSync(folder, { recursive: true });
});

const VARIABLES = ['PROMOTION_TABLE', 'AWS_ENDPOINT_URL_DYNAMODB', 'AWS_REGION'];
const KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
const env = () => ({
  ...Object.fromEntries([...VARIABLES, ...KEYS].map((name) => [name, host.env[name] ?? ''])),
  MLFLOW_TRACKING_URI: host.mlflow.url,
});
const replay = (...args: string[]) => promotion(['replay', ...args], { env: env() });
async function decisions(...args: string[]): Promise<Replayed[]> {
  const { code, stdout, stderr } = await replay(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout).decisions;
}
const compared = (all: readonly Replayed[]) =>
  all.map(({ champion_version: champion, challenger_version: challenger, before, now }) => [
    champion,
    challenger,
    before.decision,
    now?.decision ?? null,
  ]);

describe('the decisions of the past', () => {
  it('are the same by the same policy, whatever was promoted or rolled back since', async () => {
    const all = await decisions('--policy', TRADING, '--model', MODEL);
    expect(compared(all)).toEqual([
      ['1', '3', 'PROMOTE', 'PROMOTE'],
      ['2', '3', 'PROMOTE', 'PROMOTE'],
      ['2', '3', 'INVESTIGATE', 'INVESTIGATE'],
    ]);
    for (const { before, now } of all) {
      const { policy, confidence, evidence_grade } = before;
      expect(now).toMatchObject({ policy, confidence, evidence_grade });
    }
    expect(all.map(({ dry_run }) => dry_run)).toEqual([true, false, true]);
  });

  it('are others by a policy that asks for more, with what they are based on', async () => {
    const all = await decisions('--policy', strict, '--model', MODEL);
    expect(compared(all)).toEqual([
      ['1', '3', 'PROMOTE', 'PROMOTE'],
      ['2', '3', 'PROMOTE', 'KEEP'],
      ['2', '3', 'INVESTIGATE', 'INVESTIGATE'],
    ]);
    expect(all[1]?.now).toMatchObject({ evidence_grade: 'A', policy: 'strict' });
    expect(all[1]?.now?.rules[0]?.test).toMatchObject({ method: 'ewc-t', needed: 40, n: 240 });
  });

  it('of every model in the table are shown where none is named, a first model among them', async () => {
    const all = await decisions('--policy', TRADING);
    expect(all.map(({ model }) => model).sort()).toEqual([FIRST, MODEL, MODEL, MODEL]);
    const [first] = all.filter(({ model }) => model === FIRST);
    expect(first).toMatchObject({ champion_version: null, now: { decision: 'PROMOTE' } });
  });

  it('begin with --since', async () => {
    const [, , last] = await decisions('--policy', TRADING, '--model', MODEL);
    const since = last?.at ?? '';
    const after = await decisions('--policy', TRADING, '--model', MODEL, '--since', since);
    expect(after.map(({ at }) => at)).toEqual([since]);
  });

  it('write nothing', async () => {
    const ledger = await promotion(['ledger', 'export', MODEL], { env: env() });
    const before = host.mlflow.requests.length;
    await decisions('--policy', strict);
    const written = host.mlflow.requests
      .slice(before)
      .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/search'));
    expect(written).toEqual([]);
    expect(await promotion(['ledger', 'export', MODEL], { env: env() })).toEqual(ledger);
  });

  it('fit into a narrow terminal, as a table', async () => {
    const shown = await inTerminal(60, ['replay', '--policy', strict], env());
    expect(shown.code).toBe(0);
    const lines = shown.lines.map(({ text }) => text);
    expect(lines.some((line) => /2 → 3 +PROMOTE +KEEP +A/.test(line))).toBe(true);
    expect(lines.some((line) => /1 → 3 +PROMOTE +PROMOTE +A$/.test(line))).toBe(true);
  });
});

describe('what MLflow no longer holds', () => {
  it('cannot be compared again, and the others can', async () => {
    const fault = { status: 404, body: JSON.stringify({ error_code: 'RESOURCE_DOES_NOT_EXIST' }) };
    host.mlflow.faults.add({ path: 'runs/get', times: 2, effect: { kind: 'answer', ...fault } });
    const all = await decisions('--policy', TRADING, '--model', MODEL).finally(() =>
      host.mlflow.faults.clear(),
    );
    expect(all.map(({ now, gone }) => [now === null, gone])).toEqual([
      [true, ['1', '3']],
      [true, ['3']],
      [false, []],
    ]);
  });

  it('may be a version, or the whole model', async () => {
    host.mlflow.registry.deleteVersion(MODEL, '1');
    const all = await decisions('--policy', TRADING, '--model', MODEL);
    expect(all.map(({ now, gone }) => [now === null, gone])).toEqual([
      [true, ['1']],
      [false, []],
      [false, []],
    ]);
    const { code, stdout } = await replay('--policy', TRADING, '--model', MODEL);
    expect(code).toBe(0);
    expect(stdout).toMatch(/1 → 3 +PROMOTE +–/);
  });
});

it.each([
  ['no policy', []],
  ['a policy that is not there', ['--policy', 'nowhere.json']],
  ['no policy file', ['--policy', policies]],
  ['a policy with mistakes', ['--policy', `${policies}policy.schema.json`]],
  ['a time that is none', ['--policy', TRADING, '--since', 'yesterday']],
])('%s is refused with status 2', async (_, args) => {
  const ran = await replay(...args);
  expect(ran).toMatchObject({ code: 2, stdout: '' });
  expect(ran.stderr).not.toBe('');
});

it('needs a table and MLflow', async () => {
  for (const name of ['PROMOTION_TABLE', 'MLFLOW_TRACKING_URI']) {
    const without = { ...env(), [name]: '' };
    expect(await promotion(['replay', '--policy', TRADING], { env: without })).toMatchObject({ code: 2 });
  }
});

it('has no decision of a model that the table does not know', async () => {
  expect(await decisions('--policy', TRADING, '--model', 'nobody')).toEqual([]);
});
