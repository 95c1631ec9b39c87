import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { Hunted } from './hunt.ts';
import { mutants } from './mutants.ts';

const SEED = 'mutants';
/** A mutant that so many stories do not show is not found. */
const STORIES = 1000;
const MINUTE = 60_000;

const run = promisify(execFile);
const hunt = async (...args: string[]): Promise<string> => {
  const script = fileURLToPath(new URL('hunt.ts', import.meta.url));
  const { stdout } = await run(process.execPath, [script, ...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
};

const hunted = new Map<string, Hunted>();

afterAll(() => {
  const rows = [...hunted].map(([name, { found, violations, told }]) => [
    name,
    found === null ? 'not found' : String(found),
    violations[0]?.invariant ?? '',
    String(told?.only?.length ?? ''),
  ]);
  const table = [['mutant', 'found after', 'by', 'size of the story'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  console.log(
    table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n'),
  );
});

it.each(mutants.flatMap(({ name, edits }) => edits.map((edit) => ({ name, ...edit }))))(
  'alters one place of $file for $name',
  ({ file, find }) => {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect(source.split(find)).toHaveLength(2);
  },
);

describe('the simulator', () => {
  it.concurrent.each(mutants)(
    'finds $name: $breaks',
    async ({ name }) => {
      const result: Hunted = JSON.parse(await hunt(name, SEED, String(STORIES)));
      hunted.set(name, result);
      expect(result.found).not.toBeNull();
      // A bug that does not run as a program is none of the design.
      expect(result.violations.map(({ what }) => what).join()).not.toContain('ReferenceError');
    },
    20 * MINUTE,
  );

  it(
    'finds nothing in the same stories without a mutant',
    async () => {
      const most = Math.max(...[...hunted.values()].map(({ found }) => found ?? 0));
      expect(JSON.parse(await hunt('none', SEED, String(most)))).toMatchObject({ found: null });
      const told = [...hunted.values()].flatMap((each) => each.told ?? []);
      const violations = (await hunt('--clean', JSON.stringify(told))).trim().split('\n');
      expect(violations).toEqual(told.map(() => '[]'));
    },
    20 * MINUTE,
  );
});
