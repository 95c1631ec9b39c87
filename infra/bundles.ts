import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FunctionName, functionNames } from '../lambdas/domain/limits.ts';

/** Path of a function's handler file in the bundle: at the depth of its source, so that `../policies/` resolves in both. */
export const entryOf = (name: FunctionName): string => `lambdas/${name}.mjs`;

/** The handler setting of a function. */
export const handlerOf = (name: FunctionName): string => `lambdas/${name}.handler`;

/** The functions have not been bundled yet. */
export class MissingBundles extends Error {
  override readonly name = 'MissingBundles' as const;
}

const isSource = import.meta.url.endsWith('.ts');
/** Root of the repository, or of the installed package. */
const top = fileURLToPath(new URL('../', import.meta.url));
/** The bundle of all functions: built by `npm run build:functions` in the repository, shipped in the package. */
export const BUNDLES = isSource ? join(top, 'dist/functions') : join(top, 'functions');

/**
 * The directory that is deployed as the code of every function, each with a handler file of its own (`handlerOf`). Throws
 * `MissingBundles`.
 */
export function functionsDirectory(): string {
  const missing = functionNames.filter((name) => !existsSync(join(BUNDLES, entryOf(name))));
  if (missing.length === 0) return BUNDLES;
  const remedy = isSource
    ? 'Run "npm run build:functions" first.'
    : 'The installed package is incomplete: install it again.';
  throw new MissingBundles(`No bundle of ${missing.join(', ')} in ${BUNDLES}. ${remedy}`);
}
