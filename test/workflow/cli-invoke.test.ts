import { beforeEach, describe, expect, it } from 'vitest';
import { functionNames } from '../../lambdas/domain/limits.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { inOneLine, promotion, type Ran } from '../support/command.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/** `promotion invoke`: one function by itself. */

let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});
beforeEach(() => seedPascalStrategy(host.mlflow));

const invoke = (name: string, event: unknown, env: Record<string, string> = {}) =>
  promotion(['invoke', name, '--json', '--input', '-'], { input: JSON.stringify(event), env });
const documentOf = (ran: Ran) => JSON.parse(ran.stdout);
const promote = { model_name: MODEL, new_version: '3' };
const registered = () => ({ MLFLOW_TRACKING_URI: host.mlflow.url });

describe('a call on the emulators', () => {
  it('prints what the function answered, sent and changed', async () => {
    const ran = await invoke('promote-model', promote);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(documentOf(ran)).toMatchObject({
      function: 'promote-model',
      status: 'answered',
      answer: { promoted: true, new_version: '3', archived_version: '2' },
      error: null,
      alerts: [{ attributes: { kind: 'promoted', model: MODEL } }],
      registry: { before: { stages: { 2: 'Production' } }, after: { stages: { 3: 'Production' } } },
      workload: { after: { model_version: '2' } },
    });
  });

  it('shows the same to people', async () => {
    const args = ['invoke', 'promote-model', '--input', '-'];
    const { code, stdout } = await promotion(args, { input: JSON.stringify(promote) });
    expect(code).toBe(0);
    for (const part of [
      'promote-model  answered',
      '"archived_version": "2"',
      '  │ Subject: ',
      'before   1 Archived · 2 Production · 3 Staging',
      'after    1 Archived · 2 Archived · 3 Production',
    ])
      expect(stdout).toContain(part);
  });

  it.each([
    ['an error', 'compare-models', { model_name: 'nobody' }, 1, 'ModelNotFound'],
    ['an input that it does not take', 'compare-models', {}, 2, 'InvalidInput'],
  ])('that ends with %s says so', async (_, name, event, code, error) => {
    const ran = await invoke(name, event);
    expect(ran.code).toBe(code);
    expect(documentOf(ran)).toMatchObject({ status: 'failed', answer: null, error: { name: error } });
  });
});

describe('a call on a real server', () => {
  it('changes that server', async () => {
    const ran = await invoke('promote-model', promote, registered());
    expect(documentOf(ran).answer).toMatchObject({ promoted: true });
    expect(host.mlflow.snapshot()[MODEL]?.versions['3']?.stage).toBe('Production');
  });

  it('is another request than the last one', async () => {
    const requests = new Set<string>();
    for (const new_version of ['3', '1']) {
      const ran = await invoke('promote-model', { ...promote, new_version }, registered());
      const { alerts } = documentOf(ran);
      expect(alerts).toHaveLength(1);
      requests.add(alerts[0].attributes.execution);
    }
    expect(requests.size).toBe(2);
  });
});

it('a second promotion by the functions of one host sends an alert, too', async () => {
  for (const new_version of ['3', '1']) await host.functions['promote-model']({ ...promote, new_version });
  expect(host.sns.published.map(({ attributes }) => attributes['kind'])).toEqual(['promoted', 'promoted']);
});

describe('arguments that cannot be used', () => {
  it.each([
    ['no function', ['invoke', '--input', '-'], '{}', {}, /missing required argument/],
    ['no input', ['invoke', 'compare-models'], '{}', {}, /--input/],
    ['an unknown function', ['invoke', 'toString', '--input', '-'], '{}', {}, /compare-models/],
    ['an input that is no JSON', ['invoke', 'compare-models', '--input', '-'], '{', {}, /not JSON/],
    [
      'a server that is not there',
      ['invoke', 'compare-models', '--input', '-'],
      '{}',
      { MLFLOW_TRACKING_URI: 'http://127.0.0.1:1' },
      /MLFLOW_TRACKING_URI=http/,
    ],
  ])('%s: exit 2 and why', async (_, args, input, env, message) => {
    const ran = await promotion(args, { input, env });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });
});

it('names every function in its help', async () => {
  const { stdout } = await promotion(['invoke', '--help']);
  for (const name of functionNames) expect(inOneLine(stdout)).toContain(name);
});
