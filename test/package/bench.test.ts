import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundleFunctions, loadedEver } from '../../build/bundle.ts';
import { functionNames } from '../../lambdas/domain/limits.ts';
import { packagesIn, sizesOf } from '../../tools/bench/bundle-contents.ts';

const main = join(import.meta.dirname, '../../tools/bench/main.ts');
const directory = mkdtempSync(join(tmpdir(), 'bench-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the command npm run bench', () => {
  const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

  it('measures what each function loads, and its start-up against that of the sources', async () => {
    const bundle = await bundleFunctions(join(directory, 'functions'));
    const { status, stdout } = bench('bundles', '--runs', '1', '--json');
    const report: { functions: Record<string, unknown>[] } = JSON.parse(stdout);
    const ms = expect.toSatisfy((value: number) => value > 0);
    expect({ status, functions: report.functions }).toMatchObject({
      status: 0,
      functions: functionNames.map((name) => ({
        name,
        ...sizesOf(bundle, name),
        startUpMs: ms,
        sourcesStartUpMs: ms,
        packages: packagesIn(bundle, loadedEver(bundle, name)),
      })),
    });
  }, 120_000);

  it('lists its benchmarks, and knows no others', () => {
    expect(bench('--help')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^ {2}bundles /m) });
    expect(bench('speed')).toMatchObject({ status: 2, stderr: expect.stringContaining("'speed'") });
    expect(bench('bundles', '--runs', '0').status).toBe(2);
  });
});
