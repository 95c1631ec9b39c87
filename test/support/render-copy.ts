import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** A copy of what `npm run render` reads and writes, so that the repository's own files are left alone. */
export interface RenderCopy {
  directory: string;
  /** Runs the command on the copy, in this process. */
  render(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }>;
}

/** Removed after the tests of the file. */
export function renderCopy(): RenderCopy {
  const directory = mkdtempSync(join(tmpdir(), 'render-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const paths = ['statemachines', 'tools', 'lambdas/domain', 'package.json'];
  for (const path of [...paths, 'docs/reference.md', 'docs/architecture.md'])
    cpSync(join(root, path), join(directory, path), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction');
  return {
    directory,
    async render(...args) {
      const { main }: typeof import('../../tools/render.ts') = await import(
        join(directory, 'tools/render.ts')
      );
      const printed = { stdout: '', stderr: '' };
      const spies = (['stdout', 'stderr'] as const).map((name) =>
        vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
          printed[name] += String(chunk);
          return true;
        }),
      );
      try {
        return { status: main(args), ...printed };
      } finally {
        for (const spy of spies) spy.mockRestore();
      }
    },
  };
}
