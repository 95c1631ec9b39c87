import type { Plugin } from 'esbuild';

/**
 * What the functions use of undici. Its entry loads everything else with it (fetch, WebSocket, caches, mocks), which
 * takes about as long at start-up as all of our own code; as CommonJS it cannot be tree-shaken. Importing anything
 * that is not named here from `undici` fails the build.
 */
const core = `
import Agent from 'undici/lib/dispatcher/agent.js';
import requestBy from 'undici/lib/api/api-request.js';
import errors from 'undici/lib/core/errors.js';
import { parseURL } from 'undici/lib/core/util.js';

export { Agent, errors };

export function request(url, { dispatcher, ...options }) {
  const { origin, pathname, search } = parseURL(url);
  return requestBy.call(dispatcher, { ...options, origin, path: pathname + search });
}
`;

/** Puts undici's HTTP/1 client in the place of all of undici, in a bundle. */
export function undiciCore(resolveDir: string): Plugin {
  return {
    name: 'undici-core',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'core' }));
      onLoad({ filter: /^undici$/, namespace: 'core' }, () => ({ contents: core, resolveDir }));
    },
  };
}
