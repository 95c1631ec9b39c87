#!/usr/bin/env node
// Plain JavaScript, so that an older Node reports the version it needs instead of failing on the first type.
import { existsSync } from 'node:fs';
import module from 'node:module';

const NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  console.error(
    `promotion needs Node ${NEEDED} or newer and this is ${process.version}. In a clone of the project, "npm ci" installs one, and "npx promotion" runs on it; elsewhere install Node ${NEEDED}.`,
  );
  process.exitCode = 2;
} else {
  // Halves the start-up time from the second start on; has no effect where the cache cannot be written.
  module.enableCompileCache();
  // The package ships no sources: Node runs no TypeScript below node_modules.
  const source = new URL('main.ts', import.meta.url);
  const { main } = await import(existsSync(source) ? source.href : '../dist/cli/main.js');
  process.exitCode = await main(process.argv);
}
