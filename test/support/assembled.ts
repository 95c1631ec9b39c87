import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Before the tests of what is deployed: the app bundles the functions from today's sources and synthesises every
 * environment, as `npm run synth` has it do. Once in a run: its projects set up in one process, one after the other.
 */
export async function setup(): Promise<void> {
  if (process.env['CLOUD_ASSEMBLY'] !== undefined) return;
  const directory = mkdtempSync(join(tmpdir(), 'cdk-'));
  process.env['CLOUD_ASSEMBLY'] = directory;
  await promisify(execFile)(process.execPath, ['infra/app/app.ts'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, CDK_OUTDIR: directory },
  });
}

export function teardown(): void {
  const directory = process.env['CLOUD_ASSEMBLY'];
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
}
