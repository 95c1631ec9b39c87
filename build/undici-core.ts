import type { Plugin } from 'esbuild';

/**
 * The part of undici that the functions use. Its entry point also loads fetch, WebSocket, caches and mocks, which takes
 * as long at start-up as all of our code; as CommonJS it cannot be tree-shaken. Importing anything else from `undici`
 * fails the build.
 */
const core = `
import Pool from 'undici/lib/dispatcher/pool.js';
import requestBy from 'undici/lib/api/api-request.js';
import errors from 'undici/lib/core/errors.js';
import { parseURL } from 'undici/lib/core/util.js';

export { Pool, errors };

export function request(url, { dispatcher, ...options }) {
  const { origin, pathname, search } = parseURL(url);
  return requestBy.call(dispatcher, { ...options, origin, path: pathname + search });
}
`;

/** Replaces undici by its HTTP/1 client in a bundle. `resolveDir`: where undici is resolved from. */
export function undiciCore(resolveDir: string): Plugin {
  return {
    name: 'undici-core',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'core' }));
      onLoad({ filter: /^undici$/, namespace: 'core' }, () => ({ contents: core, resolveDir }));
    },
  };
}
