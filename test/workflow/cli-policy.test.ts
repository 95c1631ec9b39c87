import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { promotion, type Ran } from '../support/command.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/** `promotion policy check`: every mistake of a policy file, before a promotion meets it. */

let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});
beforeEach(() => seedPascalStrategy(host.mlflow));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promotion-'));
});
afterAll(() => rm(folder, { recursive: true }));

const rule = { name: 'accuracy', metric: 'accuracy', direction: 'higher' };
const policyOf = (...rules: object[]) => ({ accepted_grades: ['C'], rules });

/** Writes a policy file and returns its path. */
async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const check = (args: string[], env: Record<string, string> = {}) =>
  promotion(['policy', 'check', '--json', ...args], { env });
const onMlflow = (args: string[]) =>
  check(['--model', MODEL, ...args], { MLFLOW_TRACKING_URI: host.mlflow.url });
const filesOf = (ran: Ran) => JSON.parse(ran.stdout).files;

const shipped = ['default', 'trading', 'regression', 'auto'].map(
  (name) => new URL(`../../policies/${name}.json`, import.meta.url).pathname,
);

it('finds the policies that are shipped valid', async () => {
  const ran = await check(shipped);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(filesOf(ran)).toEqual(shipped.map((path) => ({ file: path, valid: true, mistakes: [], notes: [] })));
});

describe('a file with mistakes', () => {
  const invalid = (...paths: string[]) =>
    paths.map((path) => expect.objectContaining({ code: 'invalid', path }));
  const contradiction = { ...rule, margin: 1, min_gain: 1, strict: true };
  it.each([
    ['is not JSON', '{"rules": [', [expect.objectContaining({ code: 'not-json' })]],
    ['is a list', [], invalid('')],
    ['has unknown fields', { ...policyOf({ ...rule, metrc: 'a' }), grade: 'C' }, invalid('rules.0', '')],
    ['contradicts itself', policyOf(contradiction), invalid('rules.0.margin', 'rules.0.margin')],
    ['has one name twice', policyOf(rule, rule), invalid('rules.1.name')],
    [
      'has mistakes of several kinds',
      { rules: [{ ...contradiction, direction: 'up', weight: -1 }, { name: 'b' }] },
      invalid('accepted_grades', 'rules.0.direction', 'rules.0.weight', 'rules.0.margin', 'rules.1.metric'),
    ],
    [
      'names a policy that is not there',
      { first_of: ['nowhere'] },
      [expect.objectContaining({ code: 'no-such-policy', path: 'first_of.0', policy: 'nowhere' })],
    ],
  ])('that %s: exit 1 with every one', async (_, content, mistakes) => {
    const ran = await check([await file('mine.json', content)]);
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    const [found] = filesOf(ran);
    expect(found.valid).toBe(false);
    expect(found.mistakes).toEqual(expect.arrayContaining(mistakes));
  });

  it('leaves the others as they are', async () => {
    const ran = await check([await file('bad.json', '{'), await file('good.json', policyOf(rule))]);
    expect(ran.code).toBe(1);
    expect(filesOf(ran).map(({ valid }: { valid: boolean }) => valid)).toEqual([false, true]);
  });

  it('that stands for one which stands for others: exit 1', async () => {
    await file('inner.json', { first_of: ['inner'] });
    const ran = await check([await file('outer.json', { first_of: ['inner'] })]);
    expect(filesOf(ran)[0].mistakes).toMatchObject([{ code: 'stands-for-others', policy: 'inner' }]);
    expect(ran.code).toBe(1);
  });

  it('of a name that no policy can have: exit 1', async () => {
    const ran = await check([await file('My Policy.json', policyOf(rule))]);
    expect(filesOf(ran)[0].mistakes).toMatchObject([{ code: 'file-name' }]);
    expect(ran.code).toBe(1);
  });

  it('is shown without what moves the cursor', async () => {
    const bad = await file('mine.json', { '\u001b[2J': 1 });
    const ran = await promotion(['policy', 'check', bad]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('accepted_grades');
    expect(ran.stdout).not.toContain('\u001b');
  });
});

describe('with --model', () => {
  it('finds the policy valid whose metrics the runs have', async () => {
    const ran = await onMlflow([await file('mine.json', policyOf({ ...rule, metric: ['pnl', 'win_rate'] }))]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({ model: MODEL, versions: ['3', '2', '1'] });
  });

  it('names a metric that no recent run has', async () => {
    const ran = await onMlflow([await file('mine.json', policyOf({ ...rule, metric: 'win_rat' }))]);
    expect(ran.code).toBe(1);
    expect(filesOf(ran)[0].mistakes).toMatchObject([
      { code: 'not-logged', path: 'rules.0.metric', metrics: ['win_rat'] },
    ]);
  });

  it('only notes one without which the policy decides', async () => {
    const sample = { kind: 'mean', size: 'days', deviation: 'profit_std' };
    const ran = await onMlflow([
      await file(
        'mine.json',
        policyOf(
          { ...rule, metric: 'win_rat', when_missing: 'skip' },
          { ...rule, name: 'b', metric: 'win_rate', sample },
        ),
      ),
    ]);
    expect(ran.code).toBe(0);
    expect(filesOf(ran)[0].notes).toMatchObject([
      { path: 'rules.0.metric' },
      { path: 'rules.1.sample.deviation', metrics: ['profit_std'] },
    ]);
  });

  it.each([
    ['win_rate', 0],
    ['accuracy', 1],
  ])('a choice between policies that decide by %s: exit %i', async (metric, code) => {
    await file('one.json', policyOf({ ...rule, metric }));
    const ran = await onMlflow([await file('choice.json', { first_of: ['one'] })]);
    expect(ran.code).toBe(code);
    const codes = filesOf(ran)[0].mistakes.map((mistake: { code: string }) => mistake.code);
    expect(codes).toEqual(code === 0 ? [] : ['never-applies']);
  });
});

describe('what cannot be checked', () => {
  it.each([
    ['no file', [], {}, /missing required argument/],
    ['a file that is not there', ['/does/not/exist.json'], {}, /Cannot read/],
    ['a model without a server', [shipped[0] ?? '', '--model', 'm'], {}, /MLFLOW_TRACKING_URI is not set/],
    [
      'a server that is not there',
      [shipped[0] ?? '', '--model', 'm'],
      { MLFLOW_TRACKING_URI: 'http://127.0.0.1:1' },
      /MLFLOW_TRACKING_URI=http:\/\/127.0.0.1:1/,
    ],
  ])('%s: exit 2 and why', async (_, args, env, message) => {
    const ran = await check(args, env);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });

  it('a model that does not exist, or has no run: exit 2', async () => {
    const { registry } = host.mlflow;
    registry.createModel('empty', {});
    const env = { MLFLOW_TRACKING_URI: host.mlflow.url };
    for (const model of ['nobody', 'empty']) {
      const ran = await check([...shipped, '--model', model], env);
      expect(ran).toMatchObject({ code: 2, stdout: '' });
      expect(ran.stderr).toContain(`"${model}"`);
    }
  });
});
