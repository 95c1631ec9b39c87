#!/usr/bin/env node
// Plain JavaScript, so that an older Node says what it needs instead of failing on the first type.
import { existsSync } from 'node:fs';

const NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  console.error(
    `promotion needs Node ${NEEDED} and this is ${process.version}. Inside the project run it as "npx promotion": npm ci has installed the right one.`,
  );
  process.exitCode = 2;
} else {
  // The package ships no sources: Node runs no TypeScript below node_modules.
  const source = new URL('main.ts', import.meta.url);
  const { main } = await import(existsSync(source) ? source.href : '../dist/cli/main.js');
  process.exitCode = await main(process.argv);
}
