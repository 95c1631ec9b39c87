import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { inTerminal, type Shown } from '../support/terminal.ts';

/** What the commands look like in terminals of several widths, and in colour. */

let host: EmulatedHost;

emulatedHost((started) => {
  host = started;
});
beforeEach(() => {
  seedPascalStrategy(host.mlflow);
  seedServing(host);
});

const systems = () => ({
  MLFLOW_TRACKING_URI: host.mlflow.url,
  DATAROBOT_ENDPOINT: host.workload.url,
  DATAROBOT_API_TOKEN: host.workload.token,
});

const folder = mkdtempSync(join(tmpdir(), 'promotion-'));
const PROMOTE = join(folder, 'promote.json');
writeFileSync(PROMOTE, JSON.stringify({ model_name: MODEL, new_version: '3' }));
afterAll(() => rmSync(folder, { recursive: true }));
const POLICIES = new URL('../../policies/', import.meta.url).pathname;

const commands: [string, string[]][] = [
  ['run', ['run']],
  ['run of a promotion that fails', ['run', '--scenario', 'registry-refuses-after-switch']],
  ['run of two executions', ['run', '--scenario', 'two-executions']],
  ['run --list', ['run', '--list']],
  ['run of an input made of options', ['run', '--model', MODEL, '--version', '3', '--dry-run']],
  ['invoke', ['invoke', 'promote-model', '--input', PROMOTE]],
  [
    'policy check',
    ['policy', 'check', `${POLICIES}default.json`, `${POLICIES}policy.schema.json`, '--model', MODEL],
  ],
  ['history', ['history', MODEL]],
  ['simulate', ['simulate', '--stories', '1']],
  ['simulate --story', ['simulate', '--story', 'a-1']],
];

/** A single word, such as an ARN, is left in one piece, so that it can be copied. */
const tooLong = ({ lines }: Shown) =>
  lines.filter(({ text, wrapped }) => wrapped && /[^\s│] +\S/.test(text)).map(({ text }) => text);

/** An escape code that is shown as text, in any notation. */
const ESCAPE_AS_TEXT = /u\{?00?1b|\[\d+m/i;

it.each([80, 120, 200])('a promotion fits into a terminal of %i columns', async (columns) => {
  const shown = await inTerminal(columns, ['run']);
  expect(shown.code).toBe(0);
  expect(tooLong(shown)).toEqual([]);
});

it.each(commands)('%s fits into a narrow terminal, in colour, and shows no escape code', async (_, args) => {
  const shown = await inTerminal(60, args, { ...systems(), NO_COLOR: '', FORCE_COLOR: '1' });
  const text = shown.lines.map((line) => line.text).join('\n');
  expect(text.trim()).not.toBe('');
  expect(tooLong(shown)).toEqual([]);
  expect(text).not.toMatch(ESCAPE_AS_TEXT);
});

it('colours success and failure', async () => {
  const [good, bad] = await Promise.all([
    inTerminal(100, ['run']),
    inTerminal(100, ['run', '--scenario', 'registry-refuses-after-switch']),
  ]);
  expect(good).toMatchObject({ code: 0, sent: expect.stringContaining('\u001b[32m') });
  expect(bad).toMatchObject({ code: 1, sent: expect.stringContaining('\u001b[31m') });
});
