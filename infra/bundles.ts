import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionNames } from '../lambdas/domain/limits.ts';

/**
 * Where Lambda finds the handler in every bundle: the file is as deep as its source is, so that `../policies/` is right
 * in both.
 */
export const HANDLER = 'lambdas/index.handler';

/** The handler's file, from the top of a bundle. */
export const ENTRY = 'lambdas/index.mjs';

/** The functions have not been bundled yet. */
export class MissingBundles extends Error {
  override readonly name = 'MissingBundles' as const;
}

const isSource = import.meta.url.endsWith('.ts');
/** Top of the repository; of `dist` in the compiled package. */
const top = fileURLToPath(new URL('../', import.meta.url));
/** Where the bundles are: built by `npm run build:functions` in the repository, shipped in the package. */
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
    : 'The package was packed without them: pack it with "npm pack", which builds them.';
  throw new MissingBundles(`No bundle of ${missing.join(', ')} in ${BUNDLES}. ${remedy}`);
}
