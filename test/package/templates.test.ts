import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '../../infra/app/package-templates.ts');
const directory = mkdtempSync(join(tmpdir(), 'templates-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the command npm run package:template', () => {
  const command = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  const filesIn = (out: string) =>
    Object.fromEntries(readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'latin1')]));

  it('writes the same bytes each time, and prints what it wrote with its digests', () => {
    const [one, other] = ['one', 'other'].map((name) => join(directory, name)) as [string, string];
    const ran = [command('--out', one), command('--out', other)];
    expect(ran.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      ran.map(() => ({ status: 0, stderr: '' })),
    );
    const digests = ran.map(({ stdout }) => stdout.match(/\b[0-9a-f]{64}\b/g));
    expect(digests[0]).toHaveLength(3);
    expect(digests[1]).toEqual(digests[0]);
    const [first, second] = [filesIn(one), filesIn(other)];
    expect(Object.keys(second)).toEqual(Object.keys(first));
    // Not compared by vitest, which would print a megabyte.
    expect(Object.keys(first).filter((name) => first[name] !== second[name])).toEqual([]);
  }, 240_000);

  it('explains itself', () => {
    expect(command('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--out DIR') });
    expect(command('--nope')).toMatchObject({ status: 2, stderr: expect.stringContaining('--nope') });
  }, 60_000);
});
