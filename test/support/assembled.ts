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
  made = directory;
  process.env['CLOUD_ASSEMBLY'] = directory;
  // CDK's own look at the templates takes as long as all the rest; its findings are warnings, which `npm run synth` shows.
  process.env['CDK_VALIDATION'] = 'false';
  await promisify(execFile)(process.execPath, ['infra/app/app.ts'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, CDK_OUTDIR: directory },
  });
}

/** The assembly that this set-up has made: one that was given is somebody else's. */
let made: string | null = null;

export function teardown(): void {
  if (made !== null) rmSync(made, { recursive: true, force: true });
}
