#!/usr/bin/env node
// Plain JavaScript, so that an older Node reports the version it needs instead of failing on the first type.
import { existsSync } from 'node:fs';
import module from 'node:module';

// In a clone the sources run as they are; the package has the command bundled.
const source = new URL('main.ts', import.meta.url);
const isClone = existsSync(source);
const needed = isClone ? 24 : 20;

if (Number(process.versions.node.split('.')[0]) < needed) {
  const remedy = isClone
    ? '"npm ci" installs one, and "npx promotion" runs on it'
    : `install Node ${needed} or newer`;
  console.error(`promotion needs Node ${needed} or newer and this is ${process.version}: ${remedy}.`);
  process.exitCode = 2;
} else {
  // Halves the start-up time from the second start on; Node 20 has none.
  module.enableCompileCache?.();
  const { main } = await import(isClone ? source.href : './main.mjs');
  process.exitCode = await main(process.argv);
}
