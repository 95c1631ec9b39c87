import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionNames } from '../lambdas/domain/limits.ts';

/**
 * The handler setting of every function. The file is at the same depth as its source, so that `../policies/` resolves in
 * both.
 */
export const HANDLER = 'lambdas/index.handler';

/** Path of the handler's file in a bundle. */
export const ENTRY = 'lambdas/index.mjs';

/** The functions have not been bundled yet. */
export class MissingBundles extends Error {
  override readonly name = 'MissingBundles' as const;
}

const isSource = import.meta.url.endsWith('.ts');
/** Root of the repository; `dist` in the compiled package. */
const top = fileURLToPath(new URL('../', import.meta.url));
/** The directory of the bundles: built by `npm run build:functions` in the repository, shipped in the package. */
export const BUNDLES = isSource ? join(top, 'dist/functions') : join(top, 'functions');

/**
 * The directory that holds a bundle for each function, named as the function: built by `npm run build:functions` in the
 * repository, shipped in the package. Throws `MissingBundles`.
 */
export function functionsDirectory(): string {
  const missing = functionNames.filter((name) => !existsSync(join(BUNDLES, name, ENTRY)));
  if (missing.length === 0) return BUNDLES;
  const remedy = isSource
    ? 'Run "npm run build:functions" first.'
    : 'The package was built without them: build it with "npm pack".';
  throw new MissingBundles(`No bundle of ${missing.join(', ')} in ${BUNDLES}. ${remedy}`);
}
